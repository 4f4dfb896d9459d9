"""Parts of which a power stage is made: ratings, guards, a watchdog, ramps, lag of a reading.

None has a clock of its own; each is told the time.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from instruments.protocols import Trip

RAMP_GRID_US = 1000  # chosen: finer than any meter of the bench shows
RAMP_STEPS_MAX = 50  # chosen: each step is a solution of the circuit
SETTLED_TAUS = math.log(100.0)  # "settled" is taken as within 1 % of the step


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """What a model's terminals can do, and in which steps; sink figures are magnitudes."""

    voltage_v: float
    current_a: float
    power_w: float
    sink_current_a: float = 0.0
    sink_power_w: float = 0.0
    voltage_step_v: float = 0.0
    current_step_a: float = 0.0
    power_step_w: float = 0.0
    slew_v_per_s: float = math.inf
    slew_a_per_s: float = math.inf
    output_capacitance_f: float = 0.0
    settle_s: float = 0.0


@dataclass(slots=True)
class Guard:
    """A threshold that trips when it has been passed for the delay."""

    level: float
    enabled: bool = True
    delay_s: float = 0.0
    # Also while the terminals are switched off: a voltage may come from outside.
    while_off: bool = False
    # Blind for so long after switching on, as under-voltage must be.
    warm_up_s: float = 0.0
    since_us: int | None = field(default=None, repr=False)

    def lasted(self, now_us: int) -> bool:
        """Whether the threshold, which is passed now, has been for the delay."""
        if self.since_us is None:
            self.since_us = now_us
        return now_us >= self.due_us(self.since_us)

    def due_us(self, since_us: int | None) -> int:
        """When a threshold first passed then would trip."""
        assert since_us is not None  # Asked only of a delay that runs.
        return since_us + round(self.delay_s * 1_000_000)


Guards = dict[Trip, Guard]


# Whether terminals are beyond the threshold: of (level, voltage, current). Others never are.
PASSED: Mapping[Trip, Callable[[float, float, float], bool]] = defaultdict(
    lambda: lambda _level, _voltage_v, _current_a: False,
    {
        Trip.OVER_VOLTAGE: lambda level, voltage_v, _current_a: voltage_v > level,
        Trip.OVER_CURRENT: lambda level, _voltage_v, current_a: current_a > level,
        Trip.OVER_POWER: lambda level, voltage_v, current_a: voltage_v * current_a > level,
        Trip.UNDER_VOLTAGE: lambda level, voltage_v, _current_a: voltage_v < level,
        Trip.REVERSE_VOLTAGE: lambda level, voltage_v, _current_a: voltage_v < level,
        Trip.UNDER_CURRENT: lambda level, _voltage_v, current_a: current_a < level,
    },
)


class Watchdog:
    """Counts how long nobody has been heard; arming it feeds it."""

    __slots__ = ("_armed", "_fed_us", "_now_us", "expired", "on_expiry", "seconds")

    def __init__(
        self, now_us: Callable[[], int], on_expiry: Callable[[], None], *, seconds: float
    ) -> None:
        self._now_us = now_us
        self._fed_us = now_us()
        self._armed = False
        self.seconds = seconds
        self.on_expiry = on_expiry
        self.expired = False

    @property
    def armed(self) -> bool:
        """Whether it counts."""
        return self._armed

    @armed.setter
    def armed(self, armed: bool) -> None:
        if armed and not self._armed:
            self.feed()
        self._armed = armed

    def feed(self) -> None:
        """Somebody was heard."""
        self._fed_us = self._now_us()
        self.expired = False

    def due_us(self) -> int | None:
        """When it would expire; None: it does not count, or has expired."""
        if not self._armed or self.expired:
            return None
        return self._fed_us + round(self.seconds * 1_000_000)

    def supervise(self) -> None:
        """Expire if it is time."""
        due_us = self.due_us()
        if due_us is not None and self._now_us() >= due_us:
            self.expired = True
            self.on_expiry()


class Ramp:
    """A quantity on its way to a target, in steps on the grid."""

    __slots__ = ("_from", "_per_us", "_start_us", "_step_us", "down", "target", "up", "value")

    def __init__(self, *, per_s: float, value: float = 0.0) -> None:
        """`per_s`, `up` and `down` are rates per second; infinite: at once."""
        self.value = self.target = value
        self.up = self.down = per_s
        self._from = value
        self._start_us = self._step_us = 0
        self._per_us = 0.0

    @property
    def moving(self) -> bool:
        """Whether it is still on its way."""
        return self._step_us > 0

    def jump(self, value: float) -> None:
        """Be there at once."""
        self.value = self.target = value
        self._step_us = 0

    def aim(self, target: float, now_us: int) -> None:
        """Go there from where it is, at the rate of that direction."""
        rate = self.up if target > self.value else self.down
        duration_s = abs(target - self.value) / rate if rate > 0.0 else math.inf
        if duration_s * 1_000_000 < RAMP_GRID_US:
            self.jump(target)
            return
        self.target = target
        self._from = self.value
        self._start_us = now_us - now_us % RAMP_GRID_US
        self._per_us = math.copysign(rate * 1e-6, target - self.value)
        steps = math.ceil(min(duration_s, 1e9) * 1_000_000 / RAMP_STEPS_MAX / RAMP_GRID_US)
        self._step_us = steps * RAMP_GRID_US

    def follow(self, now_us: int) -> None:
        """Take the steps that are due."""
        if not self.moving:
            return
        gone_us = (now_us - self._start_us) // self._step_us * self._step_us
        value = self._from + self._per_us * gone_us
        if (value - self.target) * self._per_us >= 0.0:
            self.jump(self.target)
        else:
            self.value = value

    def due_us(self, now_us: int) -> int | None:
        """When the next step is due; None: it stands."""
        if not self.moving:
            return None
        return self._start_us + ((now_us - self._start_us) // self._step_us + 1) * self._step_us


CIRCUIT_SETTLES_US = 20_000  # chosen: a small supply charges a millifarad in half of it


class Lag:
    """A meter that follows a step exponentially, within 1 % after its settling time."""

    __slots__ = ("_from", "_settle_us", "_since_us")

    def __init__(self, settle_s: float) -> None:
        self._settle_us = settle_s * 1_000_000
        self._since_us = 0
        self._from = (0.0, 0.0)

    @property
    def real(self) -> bool:
        """Whether it lags at all."""
        return self._settle_us > 0.0

    def step(self, voltage_v: float, current_a: float, now_us: int) -> None:
        """Note what was true just before a change."""
        self._from = self.shown(voltage_v, current_a, now_us)
        self._since_us = now_us

    def shown(self, voltage_v: float, current_a: float, now_us: int) -> tuple[float, float]:
        """What the meter shows when this is true."""
        if self._settle_us <= 0.0:
            return voltage_v, current_a
        rest = math.exp(-SETTLED_TAUS * (now_us - self._since_us) / self._settle_us)
        return (
            voltage_v + (self._from[0] - voltage_v) * rest,
            current_a + (self._from[1] - current_a) * rest,
        )


def to_step(value: float, step: float) -> float:
    """The nearest value that a set point with this resolution can hold."""
    # To nine decimals as well, so that 3 steps of 0.1 are 0.3 and print as such.
    return round(round(value / step) * step, 9) + 0.0 if step > 0.0 else value
