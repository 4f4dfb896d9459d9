"""Parts of the DP832's twin: its kinds of parameter, its channels and their set points.

A channel is named ``CHn`` as the first parameter of most commands, and may be left out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from instruments.protocols import Trip
from instruments.scpi import Boolean, Command, Parameter, Register, ScpiError
from instruments.twins.rigol import Bound, Level
from instruments.twins.stage import Guard, SupplyStage


@dataclass(frozen=True, slots=True)
class Outlet:
    """A channel as a client names it."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """A channel ``CH1`` to ``CH3``, or what ``otherwise`` reads."""

    otherwise: Parameter | None = None
    optional: bool = False

    def parse(self, token: str) -> object:
        """Read the channel, or the other kind."""
        text = token.upper()
        if text[:2] == "CH" and text[2:].isdecimal():
            if text[2:] not in {"1", "2", "3"}:
                raise ScpiError(-224)
            return Outlet(int(text[2:]))
        if self.otherwise is None:
            raise ScpiError(-104)
        return self.otherwise.parse(token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One channel's ranges: rated as on its label, settable a little beyond."""

    label: str
    voltage_v: float
    ovp_v: float
    current_a: float = 3.2
    ocp_a: float = 3.3
    default_current_a: float = 3.0


class Quantity:
    """Voltage or current of one channel: set point, step, level for a trigger, protection."""

    def __init__(
        self, stage: SupplyStage, trip: Trip, *, high: float, default: float, guard_high: float
    ) -> None:
        self._stage = stage
        self.trip = trip
        self.high, self.default = high, default
        self.step = self.resolution = 0.01 if trip is Trip.OVER_VOLTAGE else 0.001
        self.triggered = default
        self.guard_high = guard_high
        self.guard = stage.guards[trip]

    @property
    def value(self) -> float:
        """The set point."""
        stage = self._stage
        return stage.voltage_v if self.trip is Trip.OVER_VOLTAGE else stage.current_a

    def program(self, given: float | str) -> None:
        """Take a new set point."""
        value = self.resolve(given)
        if self.trip is Trip.OVER_VOLTAGE:
            self._stage.program(voltage_v=value)
        else:
            self._stage.program(current_a=value)

    def resolve(self, given: float | str) -> float:
        """What a number or word means here; raises -222 beyond the range."""
        if isinstance(given, float):
            value = given
        elif given in {"UP", "DOWN"}:
            value = self.value + (self.step if given == "UP" else -self.step)
        else:
            value = {"MIN": 0.0, "MAX": self.high, "DEF": self.default}[given]
        if not 0.0 <= value <= self.high + 1e-9:
            raise ScpiError(-222)
        return value

    def protect(self, given: float | str) -> None:
        """Take a new threshold; its range ends above the set point's and not at zero."""
        low = self.resolution
        value = {"MIN": low, "MAX": self.guard_high}[given] if isinstance(given, str) else given
        if not low <= value <= self.guard_high + 1e-9:
            raise ScpiError(-222)
        self.guard.level = round(value, 3)
        self._stage.supervise()

    def protect_on(self, on: bool) -> None:
        """Let the threshold act, or not."""
        self.guard.enabled = on
        self._stage.supervise()

    @property
    def tripped(self) -> bool:
        """Whether its protection has switched the channel off."""
        return self.trip in self._stage.trips

    def forget_trip(self) -> None:
        """Acknowledge its protection; the channel stays off."""
        self._stage.trips.discard(self.trip)
        self._stage.supervise()

    def reset(self) -> None:
        """Default set point; protection at its end and off."""
        self.program(self.default)
        self.triggered = self.default
        self.step = self.resolution
        self.guard.level, self.guard.enabled = self.guard_high, False


@dataclass(slots=True)
class Channel:
    """One output with its stage, its two quantities and its status."""

    rating: Rating
    stage: SupplyStage
    voltage: Quantity = field(init=False)
    current: Quantity = field(init=False)
    tracks: bool = False
    summary: Register = field(default_factory=Register)

    def __post_init__(self) -> None:
        rating, guards = self.rating, self.stage.guards
        guards[Trip.OVER_VOLTAGE] = Guard(rating.ovp_v, enabled=False)
        guards[Trip.OVER_CURRENT] = Guard(rating.ocp_a, enabled=False)
        self.voltage = Quantity(
            self.stage,
            Trip.OVER_VOLTAGE,
            high=rating.voltage_v,
            default=0.0,
            guard_high=rating.ovp_v,
        )
        self.current = Quantity(
            self.stage,
            Trip.OVER_CURRENT,
            high=rating.current_a,
            default=rating.default_current_a,
            guard_high=rating.ocp_a,
        )

    def quantity(self, name: str) -> Quantity:
        """The quantity of this SCPI node."""
        return self.voltage if name == "VOLTage" else self.current

    def kept(self) -> tuple[float, float, float, float, bool, bool]:
        """What a memory slot keeps of it."""
        voltage, current = self.voltage, self.current
        guards = voltage.guard, current.guard
        return (
            voltage.value,
            current.value,
            guards[0].level,
            guards[1].level,
            guards[0].enabled,
            guards[1].enabled,
        )

    def recall(self, kept: tuple[float, float, float, float, bool, bool]) -> None:
        """Take back what a memory slot kept; the output goes off."""
        self.stage.switch(False)
        self.voltage.program(kept[0])
        self.current.program(kept[1])
        self.voltage.guard.level, self.current.guard.level = kept[2], kept[3]
        self.voltage.guard.enabled, self.current.guard.enabled = kept[4], kept[5]


def on_off(state: object) -> str:
    """As this maker answers states."""
    return "ON" if state else "OFF"


def yes_no(state: object) -> str:
    """As this maker answers whether something happened."""
    return "YES" if state else "NO"


def level_text(value: float) -> str:
    """A set point as this maker answers it."""
    return f"{value:.3f}"


def threshold(quantity: Quantity, bound: str | None) -> str:
    """A protection's threshold, or an end of its range."""
    if bound is None:
        return level_text(quantity.guard.level)
    return level_text(quantity.guard_high if bound == "MAX" else quantity.resolution)


def quantity_commands(
    header: str,
    unit: str,
    quantity: Callable[[], Quantity],
    program: Callable[[float | str], None],
) -> Iterator[Command]:
    """The commands of a voltage or current below one spelling of its source."""

    def show(bound: str | None) -> str:
        return level_text(quantity().value if bound is None else quantity().resolve(bound))

    def set_step(value: float | str) -> None:
        chosen = quantity()
        chosen.step = chosen.resolution if isinstance(value, str) else chosen.resolve(value)

    def set_triggered(value: float | str) -> None:
        quantity().triggered = quantity().resolve(value)

    yield Command(
        f"{header}[:LEVel][:IMMediate][:AMPLitude]",
        set=program,
        params=(Level(unit=unit, words=("MIN", "MAX", "DEF", "UP", "DOWN")),),
        query=show,
        query_params=(Bound(),),
    )
    yield Command(
        f"{header}[:LEVel][:IMMediate]:STEP[:INCRement]",
        set=set_step,
        params=(Level(unit=unit, words=("DEF",)),),
        query=lambda: level_text(quantity().step),
    )
    yield Command(
        f"{header}[:LEVel]:TRIGgered[:AMPLitude]",
        set=set_triggered,
        params=(Level(unit=unit),),
        query=lambda: level_text(quantity().triggered),
    )
    yield Command(
        f"{header}:PROTection[:LEVel]",
        set=lambda value: quantity().protect(value),
        params=(Level(unit=unit, words=("MIN", "MAX")),),
        query=lambda bound: threshold(quantity(), bound),
        query_params=(Bound(),),
    )
    yield Command(
        f"{header}:PROTection:STATe",
        set=lambda on: quantity().protect_on(on),
        params=(Boolean(),),
        query=lambda: on_off(quantity().guard.enabled),
    )
    yield Command(f"{header}:PROTection:TRIPped", query=lambda: yes_no(quantity().tripped))
    yield Command(f"{header}:PROTection:CLEar", set=lambda: quantity().forget_trip())
