"""What 1.08 changed."""

from bms.firmware import Basis, Change, Release, Version, seconds
from bms.history.balancing import the_highest_first
from bms.history.permissions import ChargeByCurrent, ChargeByOneThreshold
from bms.history.registration import made_before_week_46_of_2017
from bms.rooms.balancing import Balancing, HeControl, each_that_is_too_high
from bms.rooms.battery_bus import BatteryBus
from bms.rooms.contactor import Contactor
from bms.rooms.permissions import Permissions
from bms.rooms.registration import Registration, any_serial
from bms.rooms.time_to_go import TimeToGo
from bms.rooms.ve_can import VeCan


class BatteryOperationalLimits(Change, item="v1.08-01", basis=Basis.PUBLIC):
    """BOL: voltage and current limits for charging and discharging are registers 0x0390 to 0x0393;
    before, a request for them was refused.
    """

    deltas = (
        VeCan.registers.gained(0x0390),
        VeCan.registers.gained(0x0391),
        VeCan.registers.gained(0x0392),
        VeCan.registers.gained(0x0393),
    )


class TimeToGoIsComputed(Change, item="v1.08-02", basis=Basis.PUBLIC):
    """Time to go is computed and sent; before, it reads 'not available'."""

    deltas = (TimeToGo.filter_us.changed(was=None, now=seconds(60)),)


class AllowToChargeIsDynamic(Change, item="v1.08-03", basis=Basis.CHOSEN):
    """Allow-to-charge depends on the current besides the highest cell: it is withdrawn at once
    above a level that falls with the current, down to the charged level; before, at the charged
    level whatever flowed. The log says 'dynamic'; what it depends on is our reading.
    """

    deltas = (Permissions.charge_control.changed(was=ChargeByOneThreshold, now=ChargeByCurrent),)


class ContactorOpeningDelay(Change, item="v1.08-04", basis=Basis.STATED):
    """The contactor opens 5 s after a protective open request, so that chargers and loads stop
    first; was 2 s.
    """

    deltas = (Contactor.opening_delay_us.changed(was=seconds(2), now=seconds(5)),)


class BatteriesOf108(Change, item="v1.08-05", basis=Basis.CHOSEN):
    """Product ids join the type table (chosen: HE150), and batteries made from week 46 of 2017 on
    are taken (v1.09-14); before, both were as good as not there, and the start ended with error 2.
    """

    deltas = (
        Registration.types.gained(5),
        Registration.takes_serial.changed(was=made_before_week_46_of_2017, now=any_serial),
    )


class AllBleedAtOnce(Change, item="v1.08-06", basis=Basis.CHOSEN):
    """HE batteries bleed all cells that are too high at once, and are balanced sooner; before, one
    after the other (chosen: the log says only that passive balancing was updated).
    """

    deltas = (
        Balancing.he.changed(
            was=HeControl(the_highest_first, 0.022, 0.022, seconds(900), None),
            now=HeControl(each_that_is_too_high, 0.022, 0.022, seconds(900), None),
        ),
    )


class MasterSamplesLater(Change, item="v1.08-07", basis=Basis.CHOSEN):
    """The master samples the private bus at 87.5 % of a bit, when even a long bus with many nodes
    has settled; was 62.5 % (both chosen: the log says only that the sample timing was fixed).
    """

    deltas = (BatteryBus.sample_point_pct.changed(was=62.5, now=87.5),)


class NothingElse(
    Change, item="v1.08-08", basis=Basis.STATED, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour: nothing else differs from 1.07."""


class TheIssuesOf107Remain(Change, item="v1.08-K", basis=Basis.STATED, cured_by="v1.14-01"):
    """The issues of 1.07 are listed again up to 1.13: event 26 of a healthy contactor (v1.07-K1,
    cured by v1.14-02), the failing update (v1.07-K2, by v1.14-08), gone from VE.Can (v1.07-K3).
    """


RELEASE = Release(
    version=Version(1, 8),
    date="2017-09-18",
    changes=(
        BatteryOperationalLimits,
        TimeToGoIsComputed,
        AllowToChargeIsDynamic,
        ContactorOpeningDelay,
        BatteriesOf108,
        AllBleedAtOnce,
        MasterSamplesLater,
        NothingElse,
        TheIssuesOf107Remain,
    ),
)
