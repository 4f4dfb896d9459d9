"""How rooms talk: one frozen Status per room, and the view that holds them all.

A room reads the inputs and every room's Status (of this step for rooms before it in the order, of
the last step for the others) and writes nothing but its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from bms.data import BatteryType, CellLevels, Hardware
from bms.io import Frame, Inputs

NAN = float("nan")


class State(IntEnum):
    """The state register 0x0371, with the values of the communication guide."""

    INITIALISING = 4
    MEASURING = 5
    RUNNING = 9
    ERROR = 10
    SHUTTING_DOWN = 12
    UPDATING_BATTERY = 13
    STANDBY = 14
    GOING_TO_RUN = 15
    PRE_CHARGING = 16


class Error(IntEnum):
    """The error register 0x2101: an event of the log has the same number."""

    NONE = 0
    NO_BATTERY = 2
    DIFFERENT_TYPES = 4
    WRONG_NUMBER = 5
    MEASURE = 7
    OVER_VOLTAGE = 13
    UNDER_VOLTAGE = 14
    OVER_TEMPERATURE = 15
    UNDER_TEMPERATURE = 16
    BATTERY_SILENT = 23
    PRE_CHARGE = 25
    CONTACTOR = 26
    COMMUNICATION_TIMEOUT = 39


class Reason(StrEnum):
    """Why charging or discharging is, or is not, allowed."""

    ALLOWED = "allowed"
    NOT_RUNNING = "not running"
    REACHED = "level reached"
    ENERGY = "energy to move first"
    TEMPERATURE = "temperature"
    RECOVERING = "cells recovering"


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """One registered battery module as its frames tell it."""

    node: int
    serial: int
    type: BatteryType
    release: int
    cell_voltages_v: tuple[float, ...]
    cell_temperatures_c: tuple[float, ...]
    terminals_c: tuple[float | None, float | None]
    flags: int
    heard_us: int  # when its last frame came


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryBusStatus:
    """The batteries as heard on the private bus."""

    announced: tuple[tuple[int, int, int, int], ...] = ()  # serial, type code, cells, release
    batteries: tuple[Battery, ...] = ()
    silent_us: int = 0  # since the quietest battery was heard
    sent: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationStatus:
    """The system that the batteries make."""

    complete: bool = False
    error: Error = Error.NONE
    assigned: Mapping[int, int] = field(default_factory=dict)  # serial -> node
    type: BatteryType | None = None
    parallel: int = 0
    series: int = 0
    capacity_ah: float | None = None
    levels: CellLevels | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureStatus:
    """Extremes of the monitored cell temperatures and of the terminals, in degC."""

    lowest_c: float = NAN
    highest_c: float = NAN
    terminal_highest_c: float | None = None
    deviating: tuple[tuple[int, int], ...] = ()  # (node, sensor) left out of the monitoring
    too_many_deviate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionStatus:
    """Cell-voltage extremes, the levels that are set, and what demands a fail-safe."""

    lowest_cell_v: float = NAN
    highest_cell_v: float = NAN
    almost_charged: bool = False
    charged: bool = False
    over_voltage: bool = False
    almost_discharged: bool = False
    discharged: bool = False
    under_voltage: bool = False
    silence_warning: bool = False
    overload: bool = False
    trip: Error = Error.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class FailSafeStatus:
    """The latched error; a power cycle or a new start clears it."""

    error: Error = Error.NONE
    since_us: int = 0

    @property
    def active(self) -> bool:
        """Whether the system is in fail-safe."""
        return self.error is not Error.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class StartStopStatus:
    """The state machine of register 0x0371."""

    state: State = State.STANDBY
    since_us: int = 0
    recovering: bool = False  # started with a critically low cell, waiting for the charger
    error: Error = Error.NONE  # a start that cannot go on
    shutdown_since_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrechargeStatus:
    """The pre-charge path."""

    active: bool = False
    done: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactorStatus:
    """The main contactor's coil, and what its check says."""

    closed: bool = False
    opened_us: int | None = None
    failure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionStatus:
    """Allow-to-charge and allow-to-discharge."""

    charge: bool = False
    discharge: bool = False
    charge_reason: Reason = Reason.NOT_RUNNING
    discharge_reason: Reason = Reason.NOT_RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class DvccStatus:
    """Limits for chargers and inverters, in volts and amperes; both currents are positive."""

    charge_voltage_v: float = 0.0
    charge_current_a: float = 0.0
    charge_current_max_a: float = 0.0
    discharge_voltage_v: float = 0.0
    discharge_current_a: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SocStatus:
    """State of charge and moved energy."""

    soc_pct: float = 0.0
    remaining_ah: float = 0.0
    charged_ah: float = 0.0  # ever
    discharged_ah: float = 0.0
    charged_kwh: float = 0.0
    discharged_kwh: float = 0.0
    writes: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToGoStatus:
    """Minutes until the battery is empty at the present load; None: not available."""

    minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FanStatus:
    """Which batteries' fans shall run."""

    batteries_on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayStatus:
    """The programmable relay."""

    closed: bool = False
    warned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicationStatus:
    """LEDs and buzzer."""

    green: bool = False
    red: bool = False
    buzzer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsStatus:
    """The settings in force, by name, and what has to be stored."""

    values: Mapping[str, int] = field(default_factory=dict)
    choices: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    writes: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsStatus:
    """The event log: numbers with the time of each, newest last."""

    log: tuple[tuple[int, int], ...] = ()
    last_errors: tuple[int, ...] = ()
    writes: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusWordStatus:
    """The status word of register 0x2100."""

    flags: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticsStatus:
    """The session with the diagnostic tool."""

    answers: tuple[bytes, ...] = ()
    settings: tuple[tuple[str, int], ...] = ()  # name and code, checked


@dataclass(frozen=True, slots=True, kw_only=True)
class VeCanStatus:
    """What the VE.Can room sends, and what it was told."""

    sent: tuple[Frame, ...] = ()
    recover: bool = False
    soc_command_pct: float | None = None
    settings: tuple[tuple[str, int], ...] = ()  # name and code, checked


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalCanStatus:
    """What the external port sends."""

    sent: tuple[Frame, ...] = ()


@dataclass(slots=True)
class View:
    """The inputs and every room's Status; the master writes it, rooms read it."""

    inputs: Inputs
    hardware: Hardware
    serial: str
    version: tuple[int, int]
    control: bool = True  # False: woken by a frame or a request, between two control steps
    settings: SettingsStatus = field(default_factory=SettingsStatus)
    battery_bus: BatteryBusStatus = field(default_factory=BatteryBusStatus)
    registration: RegistrationStatus = field(default_factory=RegistrationStatus)
    temperatures: TemperatureStatus = field(default_factory=TemperatureStatus)
    protection: ProtectionStatus = field(default_factory=ProtectionStatus)
    fail_safe: FailSafeStatus = field(default_factory=FailSafeStatus)
    start_stop: StartStopStatus = field(default_factory=StartStopStatus)
    precharge: PrechargeStatus = field(default_factory=PrechargeStatus)
    contactor: ContactorStatus = field(default_factory=ContactorStatus)
    permissions: PermissionStatus = field(default_factory=PermissionStatus)
    soc: SocStatus = field(default_factory=SocStatus)
    time_to_go: TimeToGoStatus = field(default_factory=TimeToGoStatus)
    dvcc: DvccStatus = field(default_factory=DvccStatus)
    fans: FanStatus = field(default_factory=FanStatus)
    relay: RelayStatus = field(default_factory=RelayStatus)
    indication: IndicationStatus = field(default_factory=IndicationStatus)
    events: EventsStatus = field(default_factory=EventsStatus)
    status_word: StatusWordStatus = field(default_factory=StatusWordStatus)
    diagnostics: DiagnosticsStatus = field(default_factory=DiagnosticsStatus)
    ve_can: VeCanStatus = field(default_factory=VeCanStatus)
    external_can: ExternalCanStatus = field(default_factory=ExternalCanStatus)


def room_statuses(view: View) -> dict[str, Any]:
    """Every room's Status by the room's name, for a debugger and for goldens."""
    return {name: getattr(view, name) for name in view.__slots__ if name not in _NOT_ROOMS}


_NOT_ROOMS = frozenset({"inputs", "hardware", "serial", "version", "control"})
