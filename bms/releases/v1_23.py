"""What 1.23 changed."""

from bms.codes import Error, Notice
from bms.firmware import Basis, Change, Release, Version, seconds
from bms.history.start_stop import refuse_at_once
from bms.rooms.bluetooth import Bluetooth
from bms.rooms.events import Events
from bms.rooms.fail_safe import FailSafe
from bms.rooms.registration import Registration
from bms.rooms.relay import Relay
from bms.rooms.settings import Settings
from bms.rooms.start_stop import StartStop, wait_for_a_charger
from bms.rooms.time_to_go import TimeToGo
from bms.rooms.ve_can import VeCan
from bms.rooms.warning_word import (
    BALANCER,
    BATTERY_CURRENT,
    HOT_INSIDE,
    MEASUREMENTS_INVALID,
    SYSTEM_VOLTAGE,
    WarningWord,
)


class BatteriesOf123(Change, item="v1.23-01", basis=Basis.CHOSEN):
    """RS176, whose manual asks for a master of 1.23, joins the type table (chosen: the log names no
    type); before, the start ended with error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(13),)


class GreatestCurrentsAreSettings(Change, item="v1.23-02", basis=Basis.STATED):
    """The greatest charge and discharge current that DVCC tells are settings, which only the
    diagnostic tool 2.23 or a newer one changes; before, there were none.
    """

    deltas = (
        Settings.defaults.gained("charge_current_max_a"),
        Settings.defaults.gained("discharge_current_max_a"),
    )


class ContactorFailureIsItself(Change, item="v1.23-03", basis=Basis.CHOSEN):
    """A contactor that does not close is reported as error 26, its own; before, as a failed
    pre-charge, 25 (chosen: the log says only that the feedback was mended).
    """

    deltas = (FailSafe.unclosed_contactor.changed(was=Error.PRE_CHARGE, now=Error.CONTACTOR),)


class SystemVoltageEvent(Change, item="v1.23-04a", basis=Basis.STATED):
    """A system voltage that the batteries as configured cannot have, for 20 s, is an event; before,
    none. They can have what lies between the critical levels of their cells (both chosen).
    """

    deltas = (
        Events.notices.gained(Notice.SYSTEM_VOLTAGE),
        WarningWord.flags.gained(SYSTEM_VOLTAGE),
        Relay.warnings.gained("system voltage outside boundaries"),
    )


class InvalidMeasurementsEvent(Change, item="v1.23-04b", basis=Basis.STATED):
    """A measurement of the master that cannot be true is an event; before, none. Our reading: its
    battery voltage is more than 20 % off the sum of the cells, for 10 s (both chosen).
    """

    deltas = (
        Events.notices.gained(Notice.MEASUREMENTS_INVALID),
        WarningWord.flags.gained(MEASUREMENTS_INVALID),
        Relay.warnings.gained("system measurements invalid"),
    )


class HotInsideEvent(Change, item="v1.23-04c", basis=Basis.STATED):
    """More than 70 degC inside the master, for 10 s (both chosen), is an event; before, none."""

    deltas = (
        Events.notices.gained(Notice.HOT_INSIDE),
        WarningWord.flags.gained(HOT_INSIDE),
        Relay.warnings.gained("master over-temperature"),
    )


class BatteryCurrentEvent(Change, item="v1.23-04d", basis=Basis.STATED):
    """More than 110 % of the current that the batteries are rated for, for 10 s (both chosen), is
    an event; before, none.
    """

    deltas = (
        Events.notices.gained(Notice.BATTERY_CURRENT),
        WarningWord.flags.gained(BATTERY_CURRENT),
    )


class BalancerEvent(Change, item="v1.23-04e", basis=Basis.STATED):
    """A battery that cannot move charge between its cells is an event and a warning; before, it was
    neither.
    """

    deltas = (
        Events.notices.gained(Notice.BALANCER),
        WarningWord.flags.gained(BALANCER),
    )


class LowPackStart(Change, item="v1.23-05", basis=Basis.CHOSEN):
    """A start with the pack below its minimum, but with no critically low cell, leaves a charger
    the 2 minutes of v1.09-01 to begin; before, it ended with error 14 at once. Read so, since the
    log says only that the check has to leave the charger time.
    """

    deltas = (StartStop.low_pack_start.changed(was=refuse_at_once, now=wait_for_a_charger),)


class StrategyWithoutReboot(Change, item="v1.23-06", basis=Basis.STATED):
    """Another battery strategy takes effect at once; before, when the master was next started."""

    deltas = (Settings.strategy_needs_a_reboot.changed(was=True, now=False),)


class WrittenSettingsAreTold(
    Change, item="v1.23-07", basis=Basis.CHOSEN, builds_on=("v1.11-02", "v1.18-01")
):
    """A setting that was written by its register is broadcast within 1 s, and stored; before, it
    was stored only. Read so, since the log says only that 'on change handling' was updated; 0x0379
    is a request, which leaves nothing to store.
    """

    deltas = (VeCan.tells_written.changed(was=False, now=True),)


class TimeToGoFollowsFaster(Change, item="v1.23-08", basis=Basis.CHOSEN):
    """Time to go follows a load step faster: it filters the load over 30 s, was 60 s (both chosen:
    the log says only that it responds faster).
    """

    deltas = (TimeToGo.filter_us.changed(was=seconds(60), now=seconds(30)),)


class BluetoothOfNewerMasters(Change, item="v1.23-09", basis=Basis.STATED):
    """Masters made from week 38 of 2017 on have Bluetooth, for VictronConnect; register 0x0090
    tells whether it is on. In older ones it reads 'not available'; before, it was unknown.
    """

    deltas = (
        Bluetooth.from_week.changed(was=None, now=1738),
        VeCan.registers.gained(0x0090),
        Settings.defaults.gained("bluetooth"),
    )


class BluetoothByTheButton(Change, item="v1.23-10", basis=Basis.STATED, builds_on=("v1.23-09",)):
    """The button pressed three times while the master is active switches Bluetooth on or off,
    acknowledged after 1 s; before, two of the presses were nothing and the first a stop request.
    Our reading: the third takes back the stop that the first has requested.
    """

    deltas = (StartStop.in_a_row.changed(was=None, now=3),)


class NothingElse(
    Change, item="v1.23-11", basis=Basis.STATED, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour: nothing else differs from 1.22."""


RELEASE = Release(
    version=Version(1, 23),
    date="2020-06-23",
    changes=(
        BatteriesOf123,
        GreatestCurrentsAreSettings,
        ContactorFailureIsItself,
        SystemVoltageEvent,
        InvalidMeasurementsEvent,
        HotInsideEvent,
        BatteryCurrentEvent,
        BalancerEvent,
        LowPackStart,
        StrategyWithoutReboot,
        WrittenSettingsAreTold,
        TimeToGoFollowsFaster,
        BluetoothOfNewerMasters,
        BluetoothByTheButton,
        NothingElse,
    ),
)
