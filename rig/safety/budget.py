"""What an output has done under its permits, by the guardian's own readings."""

from dataclasses import dataclass, field

from rig.safety.envelope import OVER
from rig.safety.permits import Wish
from rig.safety.spec import Limits

SMALLEST_A = 1.0  # chosen: below this a limit of current is the instrument's offset and noise


FOLLOWS_US = 1_000_000  # chosen: a set point is told after the permit, voltage before current


@dataclass(slots=True)
class Budget:
    """Time and energy of one output, from its first permit on; a new permit forgives nothing."""

    limits: Limits
    voltage_v_max: float
    wish: Wish
    energy_wh: float = 0.0
    on_s: float = 0.0
    _last: tuple[int, float] | None = field(default=None)
    _seen_us: int | None = field(default=None)
    _before: tuple[int, float] | None = field(default=None)

    def begin(self, wish: Wish, now_us: int) -> None:
        """A permit is live from now on."""
        self._before = (now_us, self._permitted_a(now_us)) if self._seen_us is not None else None
        self.wish = wish
        if self._seen_us is None:
            self._seen_us = now_us

    def _permitted_a(self, now_us: int) -> float:
        """What may flow: for a moment after a permit for less, what was permitted before."""
        if self._before is None or now_us - self._before[0] > FOLLOWS_US:
            return self.wish.current_a
        return max(self.wish.current_a, self._before[1])

    def pause(self) -> None:
        """The output is off: what comes until the next permit does not count."""
        self._last = self._seen_us = None

    def read(self, now_us: int, voltage_v: float, current_a: float) -> str | None:
        """Take a reading; what of the permit it breaks, None: nothing."""
        power_w = abs(voltage_v * current_a)
        if self._last is not None:
            for_s = (now_us - self._last[0]) / 1e6
            self.on_s += for_s
            self.energy_wh += max(power_w, self._last[1]) * for_s / 3600
        self._last, self._seen_us = (now_us, power_w), now_us
        role = self.wish.role
        # Turned round, so that no number at all breaks them too.
        if not voltage_v <= OVER * self.voltage_v_max:
            return f"{role}: {voltage_v:g} V, permitted {self.voltage_v_max:g} V"
        permitted_a = self._permitted_a(now_us)
        if not abs(current_a) <= OVER * max(permitted_a, SMALLEST_A) + SMALLEST_A:
            return f"{role}: {current_a:g} A, permitted {permitted_a:g} A"
        if not self.energy_wh <= self.limits.energy_wh_max:
            return f"{role}: {self.energy_wh:.3g} Wh, permitted {self.limits.energy_wh_max:g} Wh"
        if self.on_s > self.limits.time_s_max:
            return f"{role}: on for {self.on_s:.0f} s, permitted {self.limits.time_s_max:g} s"
        return None

    def blind(self, now_us: int) -> str | None:
        """What is wrong with having had no reading for long, None: it is not long."""
        if self._seen_us is None or now_us - self._seen_us <= 1e6 * self.limits.blind_s:
            return None
        return f"{self.wish.role}: permitted, and not measured for {self.limits.blind_s:g} s"
