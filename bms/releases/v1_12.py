"""What 1.12 changed."""

from bms.firmware import Basis, Change, Release, Version, seconds
from bms.history.battery_bus import of_the_last_heard
from bms.history.indication import both_at_once
from bms.history.permissions import ChargeByCurrent, DischargeByOneThreshold
from bms.rooms.balancing import Balancing, HeControl, each_that_is_too_high
from bms.rooms.battery_bus import BatteryBus, of_the_quietest
from bms.rooms.indication import Indication, one_after_the_other
from bms.rooms.permissions import AfterEnergy, DischargeByLevels, Permissions


class EachLossIsNoticed(Change, item="v1.12-01", basis=Basis.CHOSEN):
    """Each battery's silence is timed for itself; before, one timer served all of them, and none
    was missed while another was heard (our reading: the log says only that the check was fixed).
    """

    deltas = (BatteryBus.silence.changed(was=of_the_last_heard, now=of_the_quietest),)


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


class UpdateIsShownInTurn(Change, item="v1.12-04", basis=Basis.STATED):
    """While a battery is updated the LED flashes green and red after each other, half a second
    each; before, both at once (the old pattern and the times: chosen).
    """

    deltas = (Indication.updating.changed(was=both_at_once, now=one_after_the_other),)


class NothingElse(
    Change, item="v1.12-05", basis=Basis.STATED, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour: nothing else differs from 1.11."""


RELEASE = Release(
    version=Version(1, 12),
    date="2018-08-28",
    changes=(
        EachLossIsNoticed,
        AllowedAgainBelowTheClearLevel,
        HeBalanceOf112,
        UpdateIsShownInTurn,
        NothingElse,
    ),
)
