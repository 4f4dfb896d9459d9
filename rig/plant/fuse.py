"""A fuse: current heats it, it cools with one time constant, it melts at its I2t.

One time constant makes the curve exact where a fuse is adiabatic (below a tenth of a second, where
inrush and shorts are) and at its non-melting current; in between it melts earlier than a real one,
which has several.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# public: IEC 60269-1, conventional non-fusing current of a gG fuse above 16 A.
NON_MELTING = 1.25


@dataclass(frozen=True, slots=True, kw_only=True)
class FuseSpec:
    """A fuse's rating, and the integral of the squared current that melts it from cold."""

    rated_a: float
    i2t_a2s: float

    def __post_init__(self) -> None:
        if self.rated_a <= 0 or self.i2t_a2s <= 0:
            raise ValueError(f"fuse {self}: rated_a and i2t_a2s must be > 0")


class Fuse:
    """One fuse in the circuit, whole or blown."""

    __slots__ = ("_heat_a2s", "_i2t_a2s", "_tau_s", "blown")

    def __init__(self, spec: FuseSpec) -> None:
        self._i2t_a2s = spec.i2t_a2s
        self._tau_s = spec.i2t_a2s / (NON_MELTING * spec.rated_a) ** 2
        self._heat_a2s = 0.0
        self.blown = False

    @property
    def heat_a2s(self) -> float:
        """How far it is on its way to melting: what is left of the squared current's integral."""
        return self._heat_a2s

    def endures(self, current_a: float) -> bool:
        """Whether it carries this current for ever."""
        return current_a * current_a * self._tau_s <= self._i2t_a2s

    def melts_in_s(self, current_a: float) -> float:
        """When it melts at this constant current; infinite if it does not."""
        final = current_a * current_a * self._tau_s
        if final <= self._i2t_a2s or self.blown:
            return math.inf
        return self._tau_s * math.log((final - self._heat_a2s) / (final - self._i2t_a2s))

    def carry(self, dt_s: float, square_a2: float) -> None:
        """Let `dt_s` pass at this constant squared current; it melts if that is enough; exact."""
        final = square_a2 * self._tau_s
        if self._heat_a2s != final:
            self._heat_a2s = final + (self._heat_a2s - final) * math.exp(-dt_s / self._tau_s)
            self._melt()

    def take(self, i2t_a2s: float) -> None:
        """Take a surge that is too short to cool in."""
        self._heat_a2s += i2t_a2s
        self._melt()

    def blow(self) -> None:
        """Melt it."""
        self.blown = True

    def replace(self) -> None:
        """Put a new, cold one in."""
        self._heat_a2s = 0.0
        self.blown = False

    def _melt(self) -> None:
        if self._heat_a2s >= self._i2t_a2s * (1.0 - 1e-12):
            self.blown = True
