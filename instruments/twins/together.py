"""Several power stages of one instrument, supervised as one."""

from collections.abc import Sequence

from instruments.protocols import Trip
from instruments.twins.electrical import PowerStage


class Together:
    """Several stages of one instrument, as its channels are."""

    def __init__(self, stages: Sequence[PowerStage]) -> None:
        self.stages = tuple(stages)

    @property
    def on(self) -> bool:
        """Whether one of them is on."""
        return any(stage.on for stage in self.stages)

    def disturbed(self) -> bool:
        """Whether one of them has something to see to."""
        return any(stage.disturbed() for stage in self.stages)

    def settles_in_s(self) -> float:
        """Until the last of them stands."""
        return max(stage.settles_in_s() for stage in self.stages)

    def due_us(self) -> int | None:
        """When the first of them is due."""
        dues = [due for stage in self.stages if (due := stage.due_us()) is not None]
        return min(dues, default=None)

    def supervise(self) -> None:
        """See to each."""
        for stage in self.stages:
            stage.supervise()

    def trip(self, trip: Trip) -> None:
        """Trip each."""
        for stage in self.stages:
            stage.trip(trip)
