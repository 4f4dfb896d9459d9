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
    UNDER_VOLTAGE = "under-voltage"
    UNDER_CURRENT = "under-current"
    REVERSE_VOLTAGE = "reverse voltage"
    POWER_FAIL = "power fail"
    FOLDBACK = "foldback"
    INTERLOCK = "interlock"
    WATCHDOG = "watchdog"
    SENSE = "sense lead"


class Quality(StrEnum):
    """How far a reading can be believed."""

    GOOD = "good"
    OVERLOAD = "overload"


class Regulation(StrEnum):
    """What a supply holds constant; a minus sign says that it takes current in."""

    OFF = "off"
    CV = "CV"
    CC = "CC"
    CP = "CP"
    CC_SINK = "CC-"
    CP_SINK = "CP-"
    UNREGULATED = "unregulated"


class Measurand(StrEnum):
    """What a meter measures."""

    DC_VOLTAGE = "DC voltage"
    DC_CURRENT = "DC current"
    RESISTANCE = "resistance"
    RESISTANCE_4W = "four-wire resistance"
    TEMPERATURE = "temperature"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyLimits:
    """What a supply can do by its rating; sink figures are magnitudes, 0 if it takes nothing in."""

    voltage_v_max: float
    current_a_max: float
    power_w_max: float
    sink_current_a_max: float = 0.0
    sink_power_w_max: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLimits:
    """What a load can do by its rating."""

    voltage_v_max: float
    current_a_max: float
    power_w_max: float
    resistance_ohm_max: float


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
class MeterReading:
    """One measurement of a meter, in V, A, ohm or degC after what it measures."""

    value: float
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


class OutsideRating(InstrumentError):
    """A value that the instrument cannot take; refused before anything was sent."""


class NotOnThisModel(InstrumentError):
    """The model has no such function."""


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

    limits: SupplyLimits

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

    async def set_opp(self, power_w: float) -> None:
        """Set the over-power protection and read it back; raises NotOnThisModel without one."""

    async def set_slew(self, v_per_s: float, a_per_s: float) -> None:
        """Set how fast voltage and current move; raises NotOnThisModel where they are fixed."""

    async def voltage_setpoint(self) -> float:
        """The voltage that is set, asked from the instrument, V."""

    async def current_limit(self) -> float:
        """The current limit that is set, asked from the instrument, A."""

    async def regulation(self) -> Regulation:
        """What it holds constant now."""

    async def remote(self) -> None:
        """Take control from the front panel."""

    async def local(self) -> None:
        """Give the front panel back; see the model's header for what becomes of the output."""

    async def set_watchdog(self, seconds: float | None) -> None:
        """Arm the instrument's own watchdog, None disarms; NotOnThisModel without one."""

    async def feed_watchdog(self) -> None:
        """Show that the client is there."""

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
class BidirectionalSupply(Supply, Protocol):
    """A supply that can take current in; its readings are then negative."""

    async def set_sink_current_limit(self, current_a: float) -> None:
        """Set how much it takes in at most, a magnitude, and read it back."""

    async def set_sink_power_limit(self, power_w: float) -> None:
        """Set how much power it takes in at most, a magnitude, and read it back."""

    async def set_sink_ocp(self, current_a: float) -> None:
        """Set the over-current protection of the sink side, a magnitude, and read it back."""


@runtime_checkable
class Load(Instrument, Protocol):
    """A programmable DC load."""

    limits: LoadLimits

    async def set_mode(self, mode: LoadMode) -> None:
        """Choose what is held constant; switches the input off first."""

    async def set_level(self, level: float) -> None:
        """Set the level of the mode (A, V, W or ohm) and read it back."""

    async def set_slew(self, a_per_s: float) -> None:
        """Set how fast the current moves and read it back."""

    async def set_uvp(self, voltage_v: float | None) -> None:
        """Stop drawing below this voltage; None for none; NotOnThisModel without one."""

    async def short(self, on: bool) -> None:
        """Short the input, or end that; the input must be on. NotOnThisModel without one."""

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


@runtime_checkable
class Meter(Instrument, Protocol):
    """A meter, one channel or several."""

    async def configure(
        self, measurand: Measurand, *, range_max: float | None = None, nplc: float = 1.0
    ) -> None:
        """Choose what is measured, the range (None: automatic) and the integration time."""

    async def read(self) -> MeterReading:
        """Measure once; an overload is a reading of that quality, never a number to trust."""

    def uncertainty(self, measurand: Measurand, value: float) -> float:
        """Expanded uncertainty (k=2) of a reading, in its own unit."""


@runtime_checkable
class Relay(Instrument, Protocol):
    """Relays by channel."""

    async def close_relay(self, channel: int) -> None:
        """Close one relay and see that it is."""

    async def open_relay(self, channel: int) -> None:
        """Open one relay and see that it is."""

    async def open_all(self) -> None:
        """Open every relay and see that they are."""

    async def relay_is_closed(self, channel: int) -> bool:
        """Whether one relay is closed."""

    async def relay_cycles(self, channel: int) -> int:
        """How often one relay has switched in its life."""


@runtime_checkable
class Chamber(Instrument, Protocol):
    """A climate chamber."""

    async def set_temperature(self, temperature_c: float) -> None:
        """Set where it shall go and read it back; does not start it."""

    async def set_gradient(self, k_per_min: float | None) -> None:
        """Set how fast it goes there, None: as fast as it can; NotOnThisModel without one."""

    async def setpoint(self) -> float:
        """Where it shall go, degC."""

    async def temperature(self) -> float:
        """Where it is, degC."""

    async def run(self) -> None:
        """Start conditioning and see that it runs."""

    async def stop(self) -> None:
        """Stop conditioning and see that it stands."""

    async def running(self) -> bool:
        """Whether it conditions now."""

    async def alarms(self) -> list[str]:
        """Alarms that stand, in its own words."""

    def temperature_uncertainty_k(self) -> float:
        """Expanded uncertainty (k=2) of a temperature."""


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

    def thinks_s(self, data: bytes) -> float:
        """How long it takes over these bytes before it obeys them."""

    def conversation(self) -> Conversation:
        """Begin a connection of its own."""
