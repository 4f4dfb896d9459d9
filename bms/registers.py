"""The registers (VREG) that the master has: how each is encoded, and when it is sent.

Public: communication guide of the Master LV, rev 8. Which release has which is a table slot of
the room `ve_can`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bms.status import State, View
from bms.wire import vreg

Encoder = Callable[[View], bytes]


@dataclass(frozen=True, slots=True)
class Register:
    """One register: its at most four bytes for a view, and when it is broadcast unasked."""

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


def _setting(name: str) -> Encoder:
    return lambda view: vreg.u8(view.settings.values[name])


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


def _last_errors(view: View) -> bytes:
    return bytes(view.events.last_errors).ljust(4, b"\0")


REGISTERS: Mapping[int, Register] = MappingProxyType(
    {
        vreg.PRODUCT_ID: Register(_product),
        vreg.FIRMWARE: Register(lambda view: vreg.firmware_version(*view.version)),
        vreg.DEVICE_MODE: Register(
            lambda view: vreg.u8(OFF if view.start_stop.state is State.STANDBY else ON)
        ),
        vreg.DEVICE_STATE: Register(
            lambda view: vreg.u8(DEVICE_STATES.get(view.start_stop.state, STARTING_UP))
        ),
        vreg.COMBINED: Register(_setting("combined"), "soon"),
        vreg.COMBINED_STATE: Register(_combined_state, "at once", True, True),
        vreg.BMS_STATE: Register(lambda view: vreg.u8(view.start_stop.state), "at once"),
        vreg.ERROR: Register(lambda view: vreg.u8(view.fail_safe.error), "at once"),
        vreg.FLAGS: Register(lambda view: vreg.u32(view.status_word.flags), "at once"),
        vreg.LAST_ERRORS: Register(_last_errors, "at once"),
        vreg.RELAY_STATE: Register(lambda view: vreg.u8(view.relay.closed), "at once"),
        vreg.CAPACITY: Register(lambda view: vreg.u16(view.registration.capacity_ah), "soon"),
        vreg.CONFIGURATION: Register(_configuration, "soon"),
        vreg.STRATEGY: Register(
            lambda view: vreg.u8(view.settings.values["battery_strategy"]), "soon"
        ),
        vreg.SYNCHRONISE: Register(_synchronise, periodic=True),
        vreg.SYNC_GROUP: Register(_setting("sync_group"), "soon"),
        vreg.AUTOMATIC_SYNCS: Register(lambda view: vreg.u32(view.soc.syncs)),
        vreg.START_ON_CHARGER: Register(_setting("start_on_charger"), "soon"),
        vreg.BATTERIES_PARALLEL: Register(_setting("batteries_parallel"), "soon"),
        vreg.BATTERIES_SERIES: Register(_setting("batteries_series"), "soon"),
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
        vreg.TIME_TO_GO: Register(lambda view: vreg.u16(view.time_to_go.minutes)),
        vreg.VOLTAGE: Register(
            lambda view: vreg.s16(view.inputs.battery_voltage_v, 0.01), periodic=True
        ),
        vreg.CURRENT: Register(lambda view: vreg.s16(view.inputs.current_a, 0.1), periodic=True),
        vreg.CELL_VOLTAGE_RANGE: Register(_cell_voltages, periodic=True),
        vreg.CELL_TEMPERATURE_RANGE: Register(_cell_temperatures, periodic=True),
    }
)
