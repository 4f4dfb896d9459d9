"""What 1.07 changed."""

from bms.firmware import Basis, Change, Release, Version


class HealthyContactorIsSuspected(Change, item="v1.07-K1", basis=Basis.STATED, cured_by="v1.14-02"):
    """Event 26 is raised for a contactor that opened, where the link decays slowly; since ever."""


class GoneFromVeCan(Change, item="v1.07-K3", basis=Basis.STATED, cured_by="v1.14-01"):
    """After a burst of CAN errors the device stays off VE.Can until it is restarted; since ever."""


RELEASE = Release(
    version=Version(1, 7),
    date="2017-07-20",
    changes=(
        HealthyContactorIsSuspected,
        GoneFromVeCan,
    ),
)
