"""What 1.15 changed."""

from bms.codes import Today
from bms.firmware import Basis, Change, Release, Version, seconds
from bms.history.contactor import DifferenceAfterFiveSeconds
from bms.history.dvcc import SagTakenOut, VoltageWithoutHaste
from bms.rooms.balancing import Balancing, HeControl, each_that_is_too_high
from bms.rooms.contactor import Contactor, FallOfTheSystemVoltage
from bms.rooms.dvcc import Dvcc
from bms.rooms.registration import Registration
from bms.rooms.tracking import Tracking


class OpeningCheckSeesTheFall(Change, item="v1.15-01", basis=Basis.CHOSEN):
    """The check looks for the fall of the system voltage, however slow, instead of its level at
    one moment: the source of event 26 on healthy contactors is gone.
    """

    deltas = (
        Contactor.opening_check.changed(was=DifferenceAfterFiveSeconds, now=FallOfTheSystemVoltage),
    )


class ChargesFasterNearFull(Change, item="v1.15-02", basis=Basis.CHOSEN):
    """The charge current limit falls with the highest cell less its sag, and to 20 mV beyond the
    charged level, so that the batteries are full sooner; before, the sag counted, and the last
    current came at the level itself (chosen: the log gives only the aim).
    """

    deltas = (Dvcc.near_full.changed(was=VoltageWithoutHaste, now=SagTakenOut),)


class NewHeBatteriesAreBalancedBetter(Change, item="v1.15-03", basis=Basis.CHOSEN):
    """HE batteries made in 2017 or later are balanced to within 5 mV (chosen); older ones, and all
    before, to within 14.
    """

    deltas = (
        Balancing.he.changed(
            was=HeControl(each_that_is_too_high, 0.014, 0.014, seconds(900), None),
            now=HeControl(each_that_is_too_high, 0.014, 0.005, seconds(900), None),
        ),
    )


class ChargeCurrentOfHe(Change, item="v1.15-04", basis=Basis.STATED):
    """HE batteries are charged with 0.6 C, and with 1.0 C under the strategy Performance; before,
    with 0.3 C under both.
    """

    deltas = (Dvcc.charge_c_rates.changed("HE", was=(0.3, 0.3), now=(0.6, 1.0)),)


class ExtremesOfToday(Change, item="v1.15-05", basis=Basis.STATED):
    """The daily summary has the highest charge and discharge current, and the highest and lowest
    system voltage, of the time in which the contactor is closed; before, none of the four.
    """

    deltas = (
        Tracking.summary.gained(Today.CHARGE_CURRENT_A_MAX),
        Tracking.summary.gained(Today.DISCHARGE_CURRENT_A_MAX),
        Tracking.summary.gained(Today.SYSTEM_VOLTAGE_V_MAX),
        Tracking.summary.gained(Today.SYSTEM_VOLTAGE_V_MIN),
    )


class BatteriesOf115(Change, item="v1.15-06", basis=Basis.CHOSEN):
    """HE300 joins the type table (chosen: the log names no type); before, the start ended with
    error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(7),)


RELEASE = Release(
    version=Version(1, 15),
    date="2019-01-17",
    changes=(
        OpeningCheckSeesTheFall,
        ChargesFasterNearFull,
        NewHeBatteriesAreBalancedBetter,
        ChargeCurrentOfHe,
        ExtremesOfToday,
        BatteriesOf115,
    ),
)
