"""A dynamic load: two levels in turn, each for its time, while the input is on."""

from collections.abc import Callable

from instruments.protocols import Trip
from instruments.twins.stage_load import LoadStage
from instruments.twins.stage_parts import RAMP_GRID_US


class Dynamics:
    """Alternates a load stage between two levels; the owner supervises it in the stage's place.

    Periods shorter than the grid of ramps are drawn as their mean.
    """

    def __init__(self, stage: LoadStage, *, now_us: Callable[[], int]) -> None:
        self._stage = stage
        self._now_us = now_us
        self.levels = (0.0, 0.0)
        self.times_s = (0.001, 0.001)
        # After so many periods the input goes off; 0: without end.
        self.repeats = 0
        self.active = False
        self._start_us = now_us()

    def reset(self) -> None:
        """As after switching on."""
        self.levels, self.times_s, self.repeats = (0.0, 0.0), (0.001, 0.001), 0
        self.active = False

    def restart(self) -> None:
        """Begin with the first level."""
        self._start_us = self._now_us()

    def level(self) -> float:
        """What is to be drawn at this instant."""
        first_us, second_us = self._times_us()
        if min(first_us, second_us) < RAMP_GRID_US:
            area = self.levels[0] * first_us + self.levels[1] * second_us
            return area / (first_us + second_us)
        within_us = (self._now_us() - self._start_us) % (first_us + second_us)
        return self.levels[0] if within_us < first_us else self.levels[1]

    def _times_us(self) -> tuple[int, int]:
        first_s, second_s = self.times_s
        return max(1, round(first_s * 1_000_000)), max(1, round(second_s * 1_000_000))

    def _turns_us(self) -> int | None:
        """When the level changes next, or the input goes off."""
        if not self.active or not self._stage.on:
            return None
        first_us, second_us = self._times_us()
        period_us = first_us + second_us
        periods, within_us = divmod(self._now_us() - self._start_us, period_us)
        begun_us = self._start_us + periods * period_us
        if min(first_us, second_us) >= RAMP_GRID_US:
            return begun_us + (first_us if within_us < first_us else period_us)
        return self._start_us + self.repeats * period_us if self.repeats else None

    @property
    def on(self) -> bool:
        """Whether the input is on."""
        return self._stage.on

    def disturbed(self) -> bool:
        """Whether the stage has something to see to."""
        return self._stage.disturbed()

    def settles_in_s(self) -> float:
        """How long the stage still moves after its last change."""
        return self._stage.settles_in_s()

    def due_us(self) -> int | None:
        """When level or stage want to act."""
        dues = [due for due in (self._turns_us(), self._stage.due_us()) if due is not None]
        return min(dues, default=None)

    def supervise(self) -> None:
        """Draw the level of this instant, then see to the stage."""
        stage = self._stage
        if self.active and stage.on:
            first_us, second_us = self._times_us()
            gone_us = self._now_us() - self._start_us
            if self.repeats and gone_us >= self.repeats * (first_us + second_us):
                stage.switch(False)
            elif stage.level != self.level():
                stage.program(level=self.level())
        stage.supervise()

    def trip(self, trip: Trip) -> None:
        """Latch a protection and switch off."""
        self._stage.trip(trip)
