"""What the bench may ask of an instrument, whatever its make.

SI floats with the unit last in the name; everything that touches hardware is an explicit
coroutine. Currents keep the instrument's own sign: out of a supply, and into a load, is positive.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable


class LoadMode(StrEnum):
    """What an electronic load holds constant."""

    CC = "CC"
    CV = "CV"
    CP = "CP"
    CR = "CR"


class Trip(StrEnum):
    """A protection that has switched an instrument's terminals off, and latches."""

    OVER_VOLTAGE = "over-voltage"
    OVER_CURRENT = "over-current"
    OVER_POWER = "over-power"
    OVER_TEMPERATURE = "over-temperature"
    REVERSE_VOLTAGE = "reverse voltage"
    POWER_FAIL = "power fail"


class Quality(StrEnum):
    """How far a reading can be believed."""

    GOOD = "good"
    OVERLOAD = "overload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What an instrument says of itself in its answer to ``*IDN?``."""

    manufacturer: str
    model: str
    serial: str
    firmware: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyReading:
    """One measurement at a supply's terminals; current out of it is positive."""

    voltage_v: float
    current_a: float
    power_w: float
    time_us: int
    quality: Quality = Quality.GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReading:
    """One measurement at a load's terminals; current into it is positive."""

    voltage_v: float
    current_a: float
    power_w: float
    time_us: int
    quality: Quality = Quality.GOOD


class InstrumentError(Exception):
    """The instrument, or the way to it, did not do what it was asked."""


class IdentityMismatch(InstrumentError):
    """Another instrument answers at this address than the one expected."""


class InstrumentTimeout(InstrumentError):
    """No answer came in time; what the instrument did is not known."""


class InstrumentLost(InstrumentError):
    """The connection is gone or was never there."""


class AnswerGarbled(InstrumentError):
    """An answer came that means nothing."""


class SetpointNotTaken(InstrumentError):
    """The value read back is not the value that was set."""


class CommandRefused(InstrumentError):
    """The instrument queued an error after a command."""


class NoEnvelope(InstrumentError):
    """An output was to be switched on without protections set and read back in this session."""


@runtime_checkable
class Instrument(Protocol):
    """Any instrument of the bench."""

    async def open(self, *, serial: str | None = None) -> Identity:
        """Connect and make sure that it is the expected model, and serial number if given."""

    async def close(self) -> None:
        """Give the instrument back; its terminals stay as they are."""

    async def identify(self) -> Identity:
        """Ask who it is."""

    async def reset(self) -> None:
        """Bring it to its power-on settings."""

    async def clear(self) -> None:
        """Forget errors and pending answers."""

    async def errors(self) -> list[str]:
        """Take the error queue, oldest first."""

    async def alive(self) -> bool:
        """Whether it answers now."""

    async def safe_state(self) -> None:
        """Leave nothing energised; every step is tried, the first failure is raised at the end."""


@runtime_checkable
class Supply(Instrument, Protocol):
    """A programmable DC source."""

    async def set_voltage(self, voltage_v: float) -> None:
        """Set the output voltage and read it back."""

    async def set_current_limit(self, current_a: float) -> None:
        """Set the current limit and read it back."""

    async def set_power_limit(self, power_w: float) -> None:
        """Set the power limit and read it back."""

    async def set_ovp(self, voltage_v: float) -> None:
        """Set the over-voltage protection and read it back."""

    async def set_ocp(self, current_a: float) -> None:
        """Set the over-current protection and read it back."""

    async def output_on(self) -> None:
        """Switch the output on; raises NoEnvelope before set_ovp and set_ocp of this session."""

    async def output_off(self) -> None:
        """Switch the output off and see that it is."""

    async def output_is_on(self) -> bool:
        """Whether the output is on."""

    async def measure(self) -> SupplyReading:
        """Measure voltage, current and power."""

    async def tripped(self) -> frozenset[Trip]:
        """Protections that have tripped since the last clear_trip."""

    async def clear_trip(self) -> None:
        """Acknowledge protections; never switches the output on."""

    def voltage_uncertainty_v(self, voltage_v: float) -> float:
        """Expanded uncertainty (k=2) of a voltage reading."""

    def current_uncertainty_a(self, current_a: float) -> float:
        """Expanded uncertainty (k=2) of a current reading."""


@runtime_checkable
class Load(Instrument, Protocol):
    """A programmable DC load."""

    async def set_mode(self, mode: LoadMode) -> None:
        """Choose what is held constant; switches the input off first."""

    async def set_level(self, level: float) -> None:
        """Set the level of the mode (A, V, W or ohm) and read it back."""

    async def input_on(self) -> None:
        """Switch the input on."""

    async def input_off(self) -> None:
        """Switch the input off and see that it is."""

    async def input_is_on(self) -> bool:
        """Whether the input is on."""

    async def measure(self) -> LoadReading:
        """Measure voltage, current and power."""

    async def tripped(self) -> frozenset[Trip]:
        """Protections that have tripped since the last clear_trip."""

    async def clear_trip(self) -> None:
        """Acknowledge protections; never switches the input on."""

    def voltage_uncertainty_v(self, voltage_v: float) -> float:
        """Expanded uncertainty (k=2) of a voltage reading."""

    def current_uncertainty_a(self, current_a: float) -> float:
        """Expanded uncertainty (k=2) of a current reading."""


@runtime_checkable
class DigitalIO(Instrument, Protocol):
    """Named digital lines, relays and voltage inputs."""

    @property
    def lines(self) -> Mapping[str, tuple[int, int]]:
        """Name of each line -> its byte channel and its bit."""

    async def get(self, name: str) -> bool:
        """Level of one line."""

    async def get_all(self) -> dict[str, bool]:
        """Levels of all lines, one reading a byte channel."""

    async def set(self, name: str, level: bool) -> None:
        """Drive one line."""

    async def pulse(self, name: str, seconds: float, *, level: bool = True) -> None:
        """Drive one line to a level for a time, then back; back also when interrupted."""

    async def close_relay(self, channel: int) -> None:
        """Close one relay and see that it is."""

    async def open_relay(self, channel: int) -> None:
        """Open one relay and see that it is."""

    async def relay_is_closed(self, channel: int) -> bool:
        """Whether one relay is closed."""

    async def read_voltage(self, channel: int) -> float:
        """Voltage at one input, V; raises AnswerGarbled on overload."""

    def voltage_uncertainty_v(self, voltage_v: float) -> float:
        """Expanded uncertainty (k=2) of a voltage reading."""


class Conversation(Protocol):
    """One client's connection to something that answers: bytes in, bytes out, no waiting."""

    def receive(self, data: bytes) -> bytes:
        """Take what a client sent and give what is answered, perhaps nothing."""

    def interrupted(self) -> None:
        """Know that an answer was thrown away by the next message (-410)."""

    def unterminated(self) -> None:
        """Know that a client read without having asked (-420)."""


class Answering(Protocol):
    """What a VISA library or a door can put in front of clients."""

    latency_s: float

    @property
    def lost(self) -> bool:
        """Whether the connection is broken."""

    def conversation(self) -> Conversation:
        """Begin a connection of its own."""
