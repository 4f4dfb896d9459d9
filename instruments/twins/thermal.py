"""The air inside a climate chamber: first order towards its set point, no faster than it can.

Without conditioning the air drifts to the laboratory's temperature. Every step is the exact
solution, so that how often somebody looks changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp
from typing import Protocol

# Chosen: how close to its goal the air counts as having arrived, and how often it is told to
# whoever stands in it while it moves.
SETTLED_K = 0.01
STEP_US = 1_000_000


class ThermalPort(Protocol):
    """What stands in a chamber's air."""

    def set_ambient(self, temperature_c: float) -> None:
        """Take the temperature of the air around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """How fast a chamber is; rates in K/min, time constants of the air in s."""

    heating_k_per_min: float
    cooling_k_per_min: float
    lag_s: float
    drift_s: float
    laboratory_c: float = 23.0


class ThermalBox:
    """The air of one chamber; the owner says when it is conditioned, whereto and how fast."""

    def __init__(self, box: Box, *, now_us: Callable[[], int]) -> None:
        self._box = box
        self._now_us = now_us
        self._at_us = now_us()
        self._port: ThermalPort | None = None
        self.temperature_c = box.laboratory_c
        self._goal_c: float | None = None
        self._up_k_per_min: float | None = None
        self._down_k_per_min: float | None = None

    def connect(self, port: ThermalPort) -> None:
        """Put something into the air; it takes its temperature at once."""
        self._port = port
        port.set_ambient(self.temperature_c)

    def condition(
        self,
        goal_c: float | None,
        *,
        up_k_per_min: float | None = None,
        down_k_per_min: float | None = None,
    ) -> None:
        """From now on go there at most this fast; a goal of None leaves the air to itself."""
        self.advance()
        self._goal_c = goal_c
        self._up_k_per_min, self._down_k_per_min = up_k_per_min, down_k_per_min

    def due_us(self) -> int | None:
        """When the air's temperature is next worth telling; None once it has arrived."""
        if abs(self._target_c() - self.temperature_c) <= SETTLED_K:
            return None
        return self._at_us + STEP_US

    def advance(self) -> None:
        """Bring the air to the present, and tell whoever stands in it."""
        now_us = self._now_us()
        seconds = (now_us - self._at_us) / 1_000_000
        self._at_us = now_us
        if seconds <= 0:
            return
        before_c = self.temperature_c
        self.temperature_c = self._after(seconds)
        if self._port is not None and self.temperature_c != before_c:
            self._port.set_ambient(self.temperature_c)

    def _target_c(self) -> float:
        return self._box.laboratory_c if self._goal_c is None else self._goal_c

    def _after(self, seconds: float) -> float:
        target_c, box = self._target_c(), self._box
        gap_k = target_c - self.temperature_c
        if self._goal_c is None:
            return target_c - gap_k * exp(-seconds / box.drift_s)
        rate = self._rate_k_per_min(gap_k) / 60
        # As long as the lag would ask for more than this rate, the air moves at the rate.
        linear_s = min(seconds, max(0.0, abs(gap_k) / rate - box.lag_s)) if rate > 0 else seconds
        gap_k -= (rate if gap_k > 0 else -rate) * linear_s
        return target_c - gap_k * exp(-(seconds - linear_s) / box.lag_s)

    def _rate_k_per_min(self, gap_k: float) -> float:
        box = self._box
        if gap_k > 0:
            allowed, able = self._up_k_per_min, box.heating_k_per_min
        else:
            allowed, able = self._down_k_per_min, box.cooling_k_per_min
        return able if allowed is None else min(allowed, able)
