"""The registers (VREG) that the master has: how each is encoded, and when it is sent.

Public: communication guide of the Master LV, rev 8. Which release has which is a table slot of
the room `ve_can`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bms.codes import State, Tracked
from bms.status import View
from bms.wire import vreg

Encoder = Callable[[View], bytes]
Command = Callable[[View, int], bool]


@dataclass(frozen=True, slots=True)
class Register:
    """One register: its bytes for a view, and when it is broadcast unasked: four at most are."""

    data: Encoder
    on_change: Literal["no", "at once", "soon"] = "no"
    periodic: bool = False  # every 5 s
    only_available: bool = False  # not available, it is told to who asks only


def _product(view: View) -> bytes:
    return b"\0" + vreg.u16(view.board.product_id) + b"\x01"  # bit 0: it takes a VUP file


def _cell_voltages(view: View) -> bytes:
    protection = view.protection
    return vreg.u16(protection.lowest_cell_v, 0.01) + vreg.u16(protection.highest_cell_v, 0.01)


def _cell_temperatures(view: View) -> bytes:
    lowest_c, highest_c = view.temperatures.lowest_c, view.temperatures.highest_c
    return vreg.u16(lowest_c + 273.15, 0.01) + vreg.u16(highest_c + 273.15, 0.01)


def _configuration(view: View) -> bytes:
    system = view.registration
    if system.type is None:
        return b"\xff\xff\xff\xff"
    batteries = system.parallel * system.series
    return bytes((batteries, system.type.cells, system.parallel, system.series))


def _link_percentage(view: View) -> bytes:
    dvcc = view.dvcc
    if not dvcc.charge_current_max_a:
        return vreg.u8(0)
    return vreg.u8(round(100 * dvcc.charge_current_a / dvcc.charge_current_max_a))


def _bluetooth(view: View) -> bytes:
    """Public: not available while the system is in an error; nor where there is no module."""
    if not view.bluetooth.present or view.fail_safe.active:
        return b"\xff"
    return vreg.u8(view.settings.values["bluetooth"])


def _setting(name: str) -> Encoder:
    return lambda view: vreg.u8(view.settings.stored[name])


def _starts_or_stops(view: View, code: int) -> bool:
    """Public: a combined system is started and stopped by a device mode."""
    return bool(view.settings.values.get("combined")) and code in {ON, OFF}


def _drives_the_relay(view: View, code: int) -> bool:
    """Open or close the programmable relay, where its function leaves it free."""
    return view.relay.free and code in {0, 1}


def _restarts(view: View, code: int) -> bool:
    """Stop what runs, and start it again."""
    return code == 1 and view.start_stop.state is State.RUNNING


# What a written byte does that is no setting: whether it is obeyed at this instant.
COMMANDS: Mapping[int, Command] = MappingProxyType(
    {
        vreg.DEVICE_MODE: _starts_or_stops,
        vreg.RELAY_STATE: _drives_the_relay,
        vreg.RESTART: _restarts,
    }
)


def _synchronise(view: View) -> bytes:
    """Ours, the layout is not public: the group, and the state of charge in 0.01 %."""
    group = view.settings.values["sync_group"]
    return vreg.u8(group) + vreg.u16(view.soc.soc_pct, 0.01) if group else b"\xff\xff\xff"


# Chosen: the codes of the public VE.Direct protocol; what is none of these is starting up.
DEVICE_STATES = {State.STANDBY: 0, State.SHUTTING_DOWN: 0, State.ERROR: 2, State.RUNNING: 252}
STARTING_UP = 245
ON, OFF = 1, 4  # public: device mode, in the VE.Direct HEX protocol


def _combined_state(view: View) -> bytes:
    """Public: 1 pre-charging, 2 running."""
    state = view.start_stop.state
    return vreg.u8({State.PRE_CHARGING: 1, State.RUNNING: 2}.get(state, 0xFF))


def _combined_voltage(view: View) -> bytes:
    """The output of a combined system, while it is active."""
    active = view.settings.values.get("combined") and view.contactor.closed
    return vreg.u32(view.inputs.system_voltage_v if active else None, 0.01)


def _consumed(view: View) -> bytes:
    """What is missing to full, below zero as Victron counts it (chosen)."""
    capacity_ah = view.registration.capacity_ah
    missing_ah = None if capacity_ah is None else view.soc.remaining_ah - capacity_ah
    return vreg.s32(missing_ah, 0.1)


def _ever(number: Tracked, pack: Callable[[float | None, float], bytes], scale: float) -> Encoder:
    return lambda view: pack(view.tracking.ever.get(number), scale)


def _charge_drawn(view: View) -> bytes:
    """Below zero, as Victron counts what was drawn (chosen)."""
    drawn_ah = view.tracking.ever.get(Tracked.CHARGE_DRAWN_AH)
    return vreg.s32(None if drawn_ah is None else -drawn_ah, 0.1)


def _kelvin_ever(number: Tracked) -> Encoder:
    def encode(view: View) -> bytes:
        value_c = view.tracking.ever.get(number)
        return vreg.u16(None if value_c is None else value_c + 273.15, 0.01)

    return encode


def _cell_voltages_ever(view: View) -> bytes:
    ever = view.tracking.ever
    lowest_v, highest_v = ever.get(Tracked.CELL_VOLTAGE_V_MIN), ever.get(Tracked.CELL_VOLTAGE_V_MAX)
    return vreg.u16(lowest_v, 0.01) + vreg.u16(highest_v, 0.01)


def _custom_name(view: View) -> bytes:
    """What the user calls it; a text ends with a zero."""
    return view.settings.texts["device_name"].encode("ascii", "replace") + b"\0"


def _last_errors(view: View) -> bytes:
    return bytes(view.events.last_errors).ljust(4, b"\0")


REGISTERS: Mapping[int, Register] = MappingProxyType(
    {
        vreg.BLUETOOTH: Register(_bluetooth, "soon"),
        vreg.PRODUCT_ID: Register(_product),
        vreg.FIRMWARE: Register(lambda view: vreg.firmware_version(*view.version)),
        vreg.DEVICE_MODE: Register(
            lambda view: vreg.u8(OFF if view.start_stop.state is State.STANDBY else ON)
        ),
        vreg.DEVICE_STATE: Register(
            lambda view: vreg.u8(DEVICE_STATES.get(view.start_stop.state, STARTING_UP))
        ),
        vreg.COMBINED: Register(_setting("combined"), "at once"),
        vreg.RESTART: Register(lambda view: vreg.u8(view.ve_can.restarts)),
        vreg.COMBINED_VOLTAGE: Register(_combined_voltage, "soon", only_available=True),
        vreg.COMBINED_STATE: Register(_combined_state, "at once", True, True),
        vreg.BMS_STATE: Register(lambda view: vreg.u8(view.start_stop.state), "at once"),
        vreg.ERROR: Register(lambda view: vreg.u8(view.fail_safe.error), "at once"),
        vreg.FLAGS: Register(lambda view: vreg.u32(view.status_word.flags), "at once"),
        vreg.LAST_ERRORS: Register(_last_errors, "at once"),
        vreg.RELAY_STATE: Register(lambda view: vreg.u8(view.relay.closed), "at once"),
        vreg.CAPACITY: Register(lambda view: vreg.u16(view.registration.capacity_ah), "soon"),
        vreg.CONFIGURATION: Register(_configuration, "soon"),
        vreg.STRATEGY: Register(_setting("battery_strategy"), "at once"),
        vreg.SYNCHRONISE: Register(_synchronise, periodic=True),
        vreg.SYNC_GROUP: Register(_setting("sync_group"), "at once"),
        vreg.AUTOMATIC_SYNCS: Register(lambda view: vreg.u32(view.soc.syncs)),
        vreg.START_ON_CHARGER: Register(_setting("start_on_charger"), "at once"),
        vreg.BATTERIES_PARALLEL: Register(_setting("batteries_parallel"), "at once"),
        vreg.BATTERIES_SERIES: Register(_setting("batteries_series"), "at once"),
        vreg.SOC: Register(lambda view: vreg.u16(view.soc.soc_pct, 0.01), "soon", periodic=True),
        vreg.CVL: Register(
            lambda view: vreg.u32(view.dvcc.charge_voltage_v, 0.01), "soon", periodic=True
        ),
        vreg.CCL: Register(
            lambda view: vreg.u32(view.dvcc.charge_current_a, 0.1), "soon", periodic=True
        ),
        vreg.DVL: Register(
            lambda view: vreg.u32(view.dvcc.discharge_voltage_v, 0.01), "soon", periodic=True
        ),
        vreg.DCL: Register(
            lambda view: vreg.u32(view.dvcc.discharge_current_a, 0.1), "soon", periodic=True
        ),
        vreg.LINK_CURRENT_PERCENTAGE: Register(_link_percentage, "soon", periodic=True),
        vreg.LINK_CURRENT_LIMIT: Register(
            lambda view: vreg.u16(view.dvcc.charge_current_a, 0.1), "soon", periodic=True
        ),
        vreg.DEEPEST_DISCHARGE: Register(_ever(Tracked.DEEPEST_DISCHARGE_AH, vreg.s32, 0.1)),
        vreg.CHARGE_DRAWN: Register(_charge_drawn),
        vreg.LOWEST_VOLTAGE: Register(_ever(Tracked.VOLTAGE_V_MIN, vreg.s32, 0.01)),
        vreg.HIGHEST_VOLTAGE: Register(_ever(Tracked.VOLTAGE_V_MAX, vreg.s32, 0.01)),
        vreg.DISCHARGED_ENERGY: Register(_ever(Tracked.DISCHARGED_KWH, vreg.u32, 0.01)),
        vreg.CHARGED_ENERGY: Register(_ever(Tracked.CHARGED_KWH, vreg.u32, 0.01)),
        vreg.HIGHEST_TEMPERATURE: Register(_kelvin_ever(Tracked.TEMPERATURE_C_MAX)),
        vreg.LOWEST_TEMPERATURE: Register(_kelvin_ever(Tracked.TEMPERATURE_C_MIN)),
        vreg.CELL_VOLTAGE_EXTREMES: Register(_cell_voltages_ever),
        vreg.ERROR_SHUTDOWNS: Register(_ever(Tracked.ERROR_SHUTDOWNS, vreg.u16, 1.0)),
        vreg.TIME_TO_GO: Register(lambda view: vreg.u16(view.time_to_go.minutes)),
        vreg.VOLTAGE: Register(
            lambda view: vreg.s16(view.inputs.battery_voltage_v, 0.01), periodic=True
        ),
        vreg.CURRENT: Register(lambda view: vreg.s16(view.inputs.current_a, 0.1), periodic=True),
        # Times in UTC: the master has no calendar.
        **{number: Register(lambda view: vreg.u32(None)) for number in vreg.LAST_ERROR_TIMES},
        vreg.CUSTOM_NAME: Register(_custom_name),
        vreg.CONSUMED: Register(_consumed),
        vreg.CELL_VOLTAGE_RANGE: Register(_cell_voltages, periodic=True),
        vreg.CELL_TEMPERATURE_RANGE: Register(_cell_temperatures, periodic=True),
    }
)

# Chosen: those that VictronConnect shows of a battery.
BLUETOOTH_REGISTERS: Mapping[int, Register] = MappingProxyType(
    {
        number: REGISTERS[number]
        for number in (
            vreg.BLUETOOTH,
            vreg.PRODUCT_ID,
            vreg.FIRMWARE,
            vreg.BMS_STATE,
            vreg.ERROR,
            vreg.FLAGS,
            vreg.STRATEGY,
            vreg.SOC,
            vreg.TIME_TO_GO,
            vreg.VOLTAGE,
            vreg.CURRENT,
            vreg.CELL_VOLTAGE_RANGE,
            vreg.CELL_TEMPERATURE_RANGE,
            vreg.CVL,
            vreg.CCL,
            vreg.DVL,
            vreg.DCL,
        )
    }
)
