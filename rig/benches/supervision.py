"""What instruments do without being asked, in virtual time: protections, watchdogs, ramps.

Steady charging pays almost nothing for it: whenever the circuit has been solved anew, an output
that is on compares its terminals with its thresholds; only a breach, or a due time, is an event.
"""

from collections.abc import Sequence

from instruments.twins.electrical import PowerStage
from instruments.twins.twin import Twin
from rig.kernel import INSTRUMENT, Kernel, Scheduled
from rig.plant.plant import Plant


class Supervision:
    """Wakes the power stages of twins when the circuit or the clock wants them."""

    def __init__(self, kernel: Kernel, plant: Plant, twins: Sequence[Twin]) -> None:
        self._kernel = kernel
        self._stages = [twin.supervised for twin in twins]
        self._outputs = [stage for stage in self._stages if isinstance(stage, PowerStage)]
        self._planned: Scheduled | None = None
        self._planned_us = 0
        self._live = False
        self._busy = False
        for twin in twins:
            twin.after_message = self._plan
        plant.on_solution = self._moved

    def _moved(self) -> None:
        """The circuit has been solved anew; it must not be changed from within."""
        if not self._live or self._busy:
            return
        if any(output.on and output.disturbed() for output in self._outputs):
            self._wake_at(self._kernel.now_us)

    def _plan(self) -> None:
        self._live = any(output.on for output in self._outputs)
        dues = [due for stage in self._stages if stage and (due := stage.due_us()) is not None]
        if dues:
            self._wake_at(max(min(dues), self._kernel.now_us))

    def _wake_at(self, time_us: int) -> None:
        # A later plan is made when the earlier one fires: a watchdog is fed far more often.
        if self._planned is not None:
            if self._planned_us <= time_us:
                return
            self._planned.cancel()
        self._planned_us = time_us
        self._planned = self._kernel.at(time_us, self._supervise, INSTRUMENT)

    def _supervise(self) -> None:
        self._planned = None
        self._busy = True
        for stage in self._stages:
            if stage is not None:
                stage.supervise()
        self._busy = False
        self._plan()
