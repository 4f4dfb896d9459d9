"""What 1.17 changed."""

from bms.battery.measuring import InRangeAndAlive
from bms.battery.module import Module
from bms.codes import Notice
from bms.firmware import Basis, Change, Release, Version
from bms.history.module import AsItComes
from bms.history.registration import only_the_total
from bms.rooms.battery_bus import BatteryBus
from bms.rooms.dvcc import Dvcc
from bms.rooms.events import Events
from bms.rooms.registration import Registration, every_string
from bms.rooms.relay import Relay
from bms.rooms.ve_can import VeCan
from bms.rooms.warning_word import (
    CELL_TEMPERATURE_DEVIATION,
    CELL_VOLTAGE_DEVIATION,
    WarningWord,
)
from bms.rooms.warnings import Warnings


class ShutdownVoltageWithoutOffset(Change, item="v1.17-01", basis=Basis.STATED):
    """At shutdown the charge voltage limit is the actual voltage; before, 0.1 V
    (chosen) above it.
    """

    deltas = (Dvcc.shutdown_offset_v.changed(was=0.1, now=0.0),)


class StringsAreChecked(Change, item="v1.17-02", basis=Basis.CHOSEN):
    """At the start the strings are compared with each other and with the configuration, and error 5
    ends it if one is short or the shape is another. Our reading of before: the total alone was
    compared, with the configured one if there was one.
    """

    deltas = (Registration.shape_of.changed(was=only_the_total, now=every_string),)


class QuietInternalBus(Change, item="v1.17-03", basis=Basis.CHOSEN):
    """While next to nothing flows the master lets the batteries repeat every 0.9 s what has not
    changed. Our reading of a lower and steadier load: before, every report was sent ten times a
    second, whatever it said.
    """

    deltas = (BatteryBus.quiet_below_a.changed(was=0.0, now=1.0),)


class MeasurementsAreValidated(Change, item="v1.17-04", basis=Basis.CHOSEN):
    """A battery marks as invalid what is out of range, and what stands still for a minute after
    most others have moved far; before, it told both (chosen: the log says only that the validation
    was updated).
    """

    deltas = (Module.validation.changed(was=AsItComes, now=InRangeAndAlive),)


class StateOfCombinedSystems(Change, item="v1.17-05", basis=Basis.PUBLIC):
    """VE.Can has the device state, 0x0201 (codes chosen), and the combined state, 0x0378, which
    is broadcast while pre-charging and running only; before, neither.
    """

    deltas = (VeCan.registers.gained(0x0201), VeCan.registers.gained(0x0378))


class BatteriesOf117(Change, item="v1.17-06", basis=Basis.CHOSEN):
    """LFP 24 V 150 Ah joins the type table (chosen: the log names no type); before, the start ended
    with error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(9),)


class CellVoltageDeviation(Change, item="v1.17-07", basis=Basis.STATED):
    """Cells of a battery that are more than 100 mV apart for 30 s, neither nearly full nor nearly
    empty (all chosen), are a warning and an event; before, neither.
    """

    deltas = (
        WarningWord.flags.gained(CELL_VOLTAGE_DEVIATION),
        Events.notices.gained(Notice.CELL_VOLTAGE_DEVIATION),
        Relay.warnings.gained("cell voltage deviation"),
    )


class CellTemperatureDeviation(Change, item="v1.17-08", basis=Basis.STATED):
    """Cell temperatures of a battery that are more than 10 K apart for 30 s (both chosen) are a
    warning and an event, but for LFP 24 V; before, neither.
    """

    deltas = (
        Warnings.temperature_deviation_of.changed(
            was=frozenset(), now=frozenset({"LFP48", "HE", "RS"})
        ),
        WarningWord.flags.gained(CELL_TEMPERATURE_DEVIATION),
        Events.notices.gained(Notice.CELL_TEMPERATURE_DEVIATION),
        Relay.warnings.gained("cell temperature deviation"),
    )


RELEASE = Release(
    version=Version(1, 17),
    date="2019-05-28",
    changes=(
        ShutdownVoltageWithoutOffset,
        StringsAreChecked,
        QuietInternalBus,
        MeasurementsAreValidated,
        StateOfCombinedSystems,
        BatteriesOf117,
        CellVoltageDeviation,
        CellTemperatureDeviation,
    ),
)
