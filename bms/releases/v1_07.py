"""What 1.07 changed."""

from bms.firmware import Basis, Change, Release, Version, seconds
from bms.history.balancing import bleeds_for_ever, the_highest_first
from bms.rooms.balancing import Balancing, HeControl


class BleedsEnd(Change, item="v1.07-01", basis=Basis.CHOSEN):
    """HE batteries bleed their highest cell, one at a time, and end at the target spread. Our
    reading of before, a build 1.06 that no release was: a bleed once begun is never released.
    """

    deltas = (
        Balancing.he.changed(
            was=HeControl(bleeds_for_ever, 0.022, 0.022, seconds(900), None),
            now=HeControl(the_highest_first, 0.022, 0.022, seconds(900), None),
        ),
    )


class TheOldest(
    Change, item="v1.07-02", basis=Basis.STATED, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour: the traces of 1.07 are recorded and reproduced, with nothing
    earlier to compare them to.
    """


class HealthyContactorIsSuspected(Change, item="v1.07-K1", basis=Basis.STATED, cured_by="v1.14-02"):
    """Event 26 is raised for a contactor that opened, where the link decays slowly; since ever."""


class UpdateCanFail(Change, item="v1.07-K2", basis=Basis.STATED, cured_by="v1.14-08"):
    """A firmware update can fail while the bus is busy, and succeeds when it is started again;
    since ever, with the boot loader of then.
    """


class GoneFromVeCan(Change, item="v1.07-K3", basis=Basis.STATED, cured_by="v1.14-01"):
    """After a burst of CAN errors the device stays off VE.Can until it is restarted; since ever."""


RELEASE = Release(
    version=Version(1, 7),
    date="2017-07-20",
    changes=(
        BleedsEnd,
        TheOldest,
        HealthyContactorIsSuspected,
        UpdateCanFail,
        GoneFromVeCan,
    ),
)
