"""What a plan of attempts is made of: start states, work, what it costs to get from one to another.

Hours are of the wall clock. A plan is worked out before anything runs; it promises nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

SECONDS_AN_HOUR = 3600.0


class Risk(IntEnum):
    """How likely a row is news; the first is the likeliest."""

    FAILED = 0  # it did not pass when it last ran
    NEWS = 1  # its scenario has changed since, or it never ran
    USUAL = 2


class Basis(StrEnum):
    """Where an expected duration comes from."""

    MEASURED = "measured"  # on this bench
    SIMULATED = "simulated"  # what it took in virtual time
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class StartState:
    """Where batteries have to be before an attempt: state of charge, and temperature in degC."""

    soc_pct: float
    temperature_c: float

    def __str__(self) -> str:
        return f"{self.soc_pct:g} % SOC, {self.temperature_c:g} degC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One test of a row. `expected_s` is None where nothing is known of its duration.

    `rank`: its place in the order of risk, the highest risk first.
    """

    item: str
    test: str
    state: StartState
    expected_s: float | None
    basis: Basis
    risk: Risk
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """The way from one start state to the next."""

    begin: StartState
    end: StartState
    charging_h: float  # or discharging
    soaking_h: float

    @property
    def hours(self) -> float:
        """Both: batteries are not charged while their temperature moves."""
        return self.charging_h + self.soaking_h


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What it costs to move a bench's batteries; nothing moves for free but what is None.

    A simulated bench starts where it is told: there all is None. `capacity_ah` is that of all
    batteries in parallel. `gradient_k_per_min` and `rest_h` are of a chamber, with the batteries in
    it.
    """

    capacity_ah: float | None = None
    charge_a: float = 1.0
    discharge_a: float = 1.0
    gradient_k_per_min: float | None = None
    rest_h: float = 0.0

    def leg(self, begin: StartState, end: StartState) -> Leg:
        """The way between two states."""
        share = (end.soc_pct - begin.soc_pct) / 100.0
        charging_h = 0.0
        if self.capacity_ah is not None:
            moved_ah = abs(share) * self.capacity_ah
            charging_h = moved_ah / (self.charge_a if share > 0 else self.discharge_a)
        kelvin = abs(end.temperature_c - begin.temperature_c)
        soaking_h = 0.0
        if self.gradient_k_per_min is not None and kelvin > 0.0:
            soaking_h = kelvin / self.gradient_k_per_min / 60.0 + self.rest_h
        return Leg(begin=begin, end=end, charging_h=charging_h, soaking_h=soaking_h)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One start state: the way there, then all that begins there, the highest risk first."""

    leg: Leg
    work: tuple[Work, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A test that this plan does not run, and why."""

    item: str
    test: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What runs in which order. `usual_s` is what a test of unknown duration is counted as.

    `given_preparing_h`: the ways, had the tests run in the order of risk. `is_shortest`: no order
    of its states has shorter ways; else it is the shortest that was found.
    """

    stages: tuple[Stage, ...]
    left_out: tuple[LeftOut, ...]
    usual_s: float
    given_preparing_h: float
    is_shortest: bool

    @property
    def work(self) -> tuple[Work, ...]:
        """All tests in their order."""
        return tuple(each for stage in self.stages for each in stage.work)

    @property
    def charging_h(self) -> float:
        """All charging and discharging between attempts."""
        return sum(stage.leg.charging_h for stage in self.stages)

    @property
    def soaking_h(self) -> float:
        """All waiting for a temperature."""
        return sum(stage.leg.soaking_h for stage in self.stages)

    @property
    def running_h(self) -> float:
        """All attempts; those of unknown duration counted as `usual_s`."""
        return sum(expected_s(each, self.usual_s) for each in self.work) / SECONDS_AN_HOUR

    @property
    def hours(self) -> float:
        """From the first way to the last attempt's end."""
        return self.charging_h + self.soaking_h + self.running_h


def expected_s(work: Work, usual_s: float) -> float:
    """What a test is counted as."""
    return usual_s if work.expected_s is None else work.expected_s


def ways_h(states: Sequence[StartState], start: StartState, costs: Costs) -> float:
    """Hours of all ways, if the states come in this order."""
    ends = (start, *states)
    return sum(costs.leg(a, b).hours for a, b in zip(ends, states, strict=False))
