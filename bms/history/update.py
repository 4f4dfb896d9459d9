"""How an update once began."""

from bms.history.start_stop import TASK_PERIOD_US, TASK_US


class LocksItselfOut:
    """1.27: a request that comes while an internal task runs leads nowhere, and so does any later.

    As with its stop requests, only where in the task's period it comes decides.
    """

    def __init__(self, locked: bool) -> None:
        self._locked = locked

    def admits(self, asked_us: int) -> bool:
        """Not one that the task held up, and none after it."""
        self._locked = self._locked or asked_us % TASK_PERIOD_US < TASK_US
        return not self._locked
