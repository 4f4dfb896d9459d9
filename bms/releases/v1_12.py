"""What 1.12 changed."""

from bms.firmware import Basis, Change, Release, Version, seconds
from bms.history.permissions import ChargeByCurrent, DischargeByOneThreshold
from bms.rooms.balancing import Balancing, HeControl, each_that_is_too_high
from bms.rooms.permissions import AfterEnergy, DischargeByLevels, Permissions


class AllowedAgainBelowTheClearLevel(Change, item="v1.12-02", basis=Basis.PUBLIC):
    """Charging and discharging are allowed again at the clear levels of the batteries' tables,
    after their clear times, and once some energy was moved; before, at the set levels and at once,
    so that both chattered under a load. That the tables came with 1.12 is our reading.
    """

    deltas = (
        Permissions.charge_control.changed(was=ChargeByCurrent, now=AfterEnergy(2.0)),
        Permissions.discharge_control.changed(was=DischargeByOneThreshold, now=DischargeByLevels),
    )


class HeBalanceOf112(Change, item="v1.12-03", basis=Basis.CHOSEN):
    """HE batteries are balanced to within 14 mV; was 18 (both chosen: the log says only that the
    balance control was updated).
    """

    deltas = (
        Balancing.he.changed(
            was=HeControl(each_that_is_too_high, 0.018, 0.018, seconds(900), None),
            now=HeControl(each_that_is_too_high, 0.014, 0.014, seconds(900), None),
        ),
    )


RELEASE = Release(
    version=Version(1, 12),
    date="2018-08-28",
    changes=(
        AllowedAgainBelowTheClearLevel,
        HeBalanceOf112,
    ),
)
