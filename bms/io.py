"""What the terminals of the master and of a battery module carry.

Immutable, and in SI units; charging is positive: current into the battery has a plus sign. What
crosses ten times a second is a named tuple, which is made in a fifth of a frozen class's time.
A field that no room reads or drives yet stands here because a bench has to wire it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Port(StrEnum):
    """The CAN ports of the master; a battery module has the private one only."""

    PRIVATE = "private"
    VE_CAN = "ve_can"
    EXTERNAL = "external"


class ControllerState(StrEnum):
    """The fault confinement state of a CAN controller (ISO 11898-1)."""

    ERROR_ACTIVE = "error active"
    ERROR_PASSIVE = "error passive"
    BUS_OFF = "bus-off"


class CanFrame(Protocol):
    """A CAN frame as anybody's: 11 or 29 bit identifier, up to eight bytes."""

    @property
    def identifier(self) -> int:
        """The 11 or 29 bits."""
        ...

    @property
    def data(self) -> bytes:
        """Up to eight bytes."""
        ...

    @property
    def extended(self) -> bool:
        """Whether the identifier has 29 bits."""
        ...


class Frame(NamedTuple):
    """A CAN frame of ours; 29 bit identifier unless ``extended`` is False."""

    identifier: int
    data: bytes
    extended: bool = True


class Reception(NamedTuple):
    """A frame that arrived at a port, complete at ``time_us``."""

    time_us: int
    port: Port
    frame: CanFrame


class Transmission(NamedTuple):
    """A frame that the firmware gives to a port."""

    port: Port
    frame: Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class BitTiming:
    """A port's bit rate in bit/s, and where in the bit it samples, in percent."""

    bit_rate: int
    sample_point_pct: float = 87.5


class Inputs(NamedTuple):
    """What the master's terminals bring it at one instant."""

    battery_voltage_v: float = 0.0  # between the strings' plus and minus, before the contactor
    system_voltage_v: float = 0.0  # user side, after the contactor
    current_a: float = 0.0  # through the shunt
    internal_temperature_c: float = 25.0
    io_supply_v: float = 0.0  # of the IO connector, under its load
    start_stop_pressed: bool = False
    interlock_closed: bool = True
    emergency_stop: bool = False
    aux_contact_closed: bool = False  # the main contactor's
    controllers: Mapping[Port, ControllerState] = NOTHING
    received: tuple[Reception, ...] = ()
    bluetooth_uart: bytes = b""
    noise: float = 0.0  # what is random in a defect and has no cause outside
    self_test_passed: bool = True  # of the processor, by its own hardware
    reset_by_watchdog: bool = False  # in the first step after such a restart


class Outputs(NamedTuple):
    """What the master drives, sends and stores after one step."""

    contactor_coil: bool = False
    precharge: bool = False
    allow_charge_relay: bool = False  # ATC, potential free, closed when charging is allowed
    allow_charge_signal: bool = False
    allow_discharge_relay: bool = False  # ATD
    allow_discharge_signal: bool = False
    programmable_relay: bool = False
    green_led: bool = False
    red_led: bool = False
    buzzer: bool = False
    fan: bool = False
    io_supply_on: bool = True
    supply_current_a: float = 0.0  # own consumption
    bit_timing: Mapping[Port, BitTiming] = NOTHING
    sent: tuple[Transmission, ...] = ()
    recover: tuple[Port, ...] = ()  # ports that shall leave bus-off
    bluetooth_uart: bytes = b""
    bluetooth_baud: int = 19_200
    writes: Mapping[str, bytes] = NOTHING  # into memory, by register
    restart: bool = False  # of the processor, once all of this is done


class BatteryInputs(NamedTuple):
    """What a battery module measures, and hears on the private bus; NaN is no valid reading."""

    cell_voltages_v: tuple[float, ...]
    cell_temperatures_c: tuple[float, ...]
    positive_terminal_c: float | None = None
    negative_terminal_c: float | None = None
    humidity_pct: float | None = None
    soh_pct: float | None = None  # state of health, by a gauge
    received: tuple[Reception, ...] = ()
    isolation_ohm: float | None = None  # of the battery's poles against its chassis
    self_test_passed: bool = True  # of its processor, by its own hardware
    balancer_works: bool = True  # its converters between cells, where it has them
    bus_off: bool = False  # its CAN controller


class BatteryOutputs(NamedTuple):
    """What a battery module sends and switches."""

    sent: tuple[Frame, ...] = ()
    fan: bool = False
    bleed_mask: int = 0
    next_step_us: int | None = None  # None: it sleeps until a frame comes
    give_mask: int = 0  # cells whose charge its converters move
    take_mask: int = 0  # and to which
    speaks_us: int | None = None  # when it speaks next if nothing that it measures changes
    recover: bool = False  # its CAN controller shall leave bus-off
    writes: Mapping[str, bytes] = NOTHING  # into its memory, by register
    restart_us: int = 0  # it restarts, and is off for so long
