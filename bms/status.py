"""How rooms talk: one frozen Status per room, and the view that holds them all.

A room reads the inputs and every room's Status (of this step for rooms before it in the order, of
the last step for the others) and writes nothing but its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bms.codes import Ending, Error, Reason, State
from bms.data import BatteryType, CellLevels, Hardware
from bms.io import Frame, Inputs, Reception
from bms.port_status import (
    BatteryUpdateStatus,
    BluetoothStatus,
    DiagnosticsStatus,
    EventsStatus,
    ExternalCanStatus,
    MgRegistersStatus,
    Nmea2000Status,
    SettingsStatus,
    StatusWordStatus,
    TrackingStatus,
    UpdateStatus,
    VeCanStatus,
    VisedoStatus,
    WarningWordStatus,
)

NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardStatus:
    """The hardware: whether this release knows it, and what it calls itself."""

    known: bool = True
    product_id: int = 0


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
    humidity_pct: float | None = None
    identity: bytes = b""  # what the user calls it
    soh_pct: float | None = None  # state of health, by its own gauge


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryBusStatus:
    """The batteries as heard on the private bus."""

    announced: tuple[tuple[int, int, int, int], ...] = ()  # serial, type code, cells, release
    batteries: tuple[Battery, ...] = ()
    silent_us: int = 0  # since the quietest battery was heard; kept up only beyond a few reports
    news: bool = True  # whether anything of this is other than at the last look
    conflict: bool = False  # two batteries were taken for one
    bus_off: bool = False  # the master's controller on the private bus
    recover: bool = False  # from that
    sent: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationStatus:
    """The system that the batteries make."""

    complete: bool = False
    error: Error = Error.NONE
    unsupported_count: bool = False  # there are more batteries than a master can serve
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
    interlock_broken: bool = False  # the enabled loop is open: the contactor does not wait
    emergency_stop: bool = False  # nor does it then
    trip: Error = Error.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningStatus:
    """What asks for somebody's eye and opens nothing."""

    leakage: bool = False
    humidity: bool = False
    self_test_failed: bool = False  # of a battery's processor
    cell_voltage_deviation: bool = False
    cell_temperature_deviation: bool = False
    service: bool = False  # a battery's terminal sensor tells nothing
    balancer: bool = False  # a battery cannot move charge between its cells
    system_voltage: bool = False  # none that the batteries can have
    measurements_invalid: bool = False  # of the master's own
    hot_inside: bool = False  # the master itself
    battery_current: bool = False  # more than the batteries are rated for
    charge_current: bool = False  # more than the model of the master is made for
    discharge_current: bool = False
    fuse_broken: bool = False  # the main one


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancingStatus:
    """What the batteries shall do to bring their cells together."""

    masks: tuple[tuple[int, int], ...] = ()  # node, and cells as in the command of the private bus
    failure: bool = False  # a battery cannot move charge between its cells


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
class SafetyLockStatus:
    """What keeps a system in fail-safe over power cycles, until its maker's code unlocks it."""

    cause: Error = Error.NONE  # what was far exceeded; NONE: not locked
    count: int = 0  # how often it has been locked, ever
    unlocked: bool = False  # in this very step
    writes: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def locked(self) -> bool:
        """Whether the system is locked."""
        return self.cause is not Error.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerStatus:
    """Charger detection."""

    detected: bool = False  # in this very step


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleStatus:
    """An almost discharged battery that nobody charges or uses."""

    over: bool = False  # its time


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerStatus:
    """What the master takes for itself."""

    supply_current_a: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StartStopStatus:
    """The state machine of register 0x0371."""

    state: State = State.STANDBY
    since_us: int = 0
    recovering: bool = False  # started with a critically low cell, waiting for the charger
    error: Error = Error.NONE  # a start that cannot go on
    shutdown_since_us: int | None = None
    ended_by: Ending = Ending.NOBODY  # what it is, or was last, stopped by
    thrice_us: int = -1  # when the button was last pressed three times in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class PrechargeStatus:
    """The pre-charge path."""

    active: bool = False
    done: bool = False
    failed: bool = False
    fuse_broken: bool = False  # nothing came through the path: why it failed


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactorStatus:
    """The main contactor's coil, and what its check says."""

    closed: bool = False
    opened_us: int | None = None
    failure: bool = False
    does_not_close: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionStatus:
    """Allow-to-charge and allow-to-discharge."""

    charge: bool = False
    discharge: bool = False
    charge_reason: Reason = Reason.NOT_RUNNING
    discharge_reason: Reason = Reason.NOT_RUNNING
    # The contacts and signals that tell of them; a setting inverts each.
    charge_relay: bool = False
    charge_signal: bool = False
    discharge_relay: bool = False
    discharge_signal: bool = False


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
    syncs: int = 0  # ever: how often a full charge has put it to 100 %
    writes: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToGoStatus:
    """Minutes until the battery is empty at the present load; None: not available."""

    minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FanStatus:
    """Which fans shall run: those of the batteries, and the master's own."""

    batteries_on: bool = False
    internal_on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayStatus:
    """The programmable relay."""

    closed: bool = False
    free: bool = False  # its function leaves it to a register


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicationStatus:
    """LEDs and buzzer."""

    flashes: bool = False  # though the system is off
    green: bool = False
    red: bool = False
    buzzer: bool = False


@dataclass(slots=True)
class View:
    """The inputs and every room's Status; the master writes it, rooms read it."""

    inputs: Inputs
    hardware: Hardware
    serial: str
    version: tuple[int, int]
    boot_loader: str = ""  # the version of the one that started us
    on_ve_can: tuple[Reception, ...] = ()  # of what is received
    control: bool = True  # False: the rooms rest, or a frame or a request came between two looks
    looks: bool = True  # True every control period, whether or not the rooms rest
    settings: SettingsStatus = field(default_factory=SettingsStatus)
    battery_bus: BatteryBusStatus = field(default_factory=BatteryBusStatus)
    board: BoardStatus = field(default_factory=BoardStatus)
    registration: RegistrationStatus = field(default_factory=RegistrationStatus)
    temperatures: TemperatureStatus = field(default_factory=TemperatureStatus)
    protection: ProtectionStatus = field(default_factory=ProtectionStatus)
    warnings: WarningStatus = field(default_factory=WarningStatus)
    balancing: BalancingStatus = field(default_factory=BalancingStatus)
    safety_lock: SafetyLockStatus = field(default_factory=SafetyLockStatus)
    fail_safe: FailSafeStatus = field(default_factory=FailSafeStatus)
    charger: ChargerStatus = field(default_factory=ChargerStatus)
    idle: IdleStatus = field(default_factory=IdleStatus)
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
    power: PowerStatus = field(default_factory=PowerStatus)
    events: EventsStatus = field(default_factory=EventsStatus)
    tracking: TrackingStatus = field(default_factory=TrackingStatus)
    status_word: StatusWordStatus = field(default_factory=StatusWordStatus)
    warning_word: WarningWordStatus = field(default_factory=WarningWordStatus)
    diagnostics: DiagnosticsStatus = field(default_factory=DiagnosticsStatus)
    update: UpdateStatus = field(default_factory=UpdateStatus)
    battery_update: BatteryUpdateStatus = field(default_factory=BatteryUpdateStatus)
    nmea2000: Nmea2000Status = field(default_factory=Nmea2000Status)
    ve_can: VeCanStatus = field(default_factory=VeCanStatus)
    mg_registers: MgRegistersStatus = field(default_factory=MgRegistersStatus)
    bluetooth: BluetoothStatus = field(default_factory=BluetoothStatus)
    external_can: ExternalCanStatus = field(default_factory=ExternalCanStatus)
    visedo: VisedoStatus = field(default_factory=VisedoStatus)


def room_statuses(view: View) -> dict[str, Any]:
    """Every room's Status by the room's name, for a debugger and for goldens."""
    return {name: getattr(view, name) for name in view.__slots__ if name not in _NOT_ROOMS}


_NOT_ROOMS = frozenset(
    {
        "inputs",
        "hardware",
        "serial",
        "version",
        "boot_loader",
        "on_ve_can",
        "control",
        "looks",
    }
)
