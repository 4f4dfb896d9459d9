"""How a receive buffer once overflowed."""

from bms.firmware import milliseconds

HOLD_PERIOD_US = milliseconds(250)
HOLD_US = milliseconds(20)
BUFFERED = 1  # frames that the controller itself keeps


class HeldUpByATask:
    """1.36: an internal task holds reception up, and what the controller cannot keep is lost.

    Whether a frame is lost depends on where in the task's period it arrives; nothing else.
    """

    def __init__(self) -> None:
        self._period = -1
        self._kept = 0

    def keeps(self, time_us: int) -> bool:
        """Only the first frame that arrives while the task runs is kept."""
        period, phase_us = divmod(time_us, HOLD_PERIOD_US)
        if phase_us >= HOLD_US:
            return True
        if period != self._period:
            self._period, self._kept = period, 0
        self._kept += 1
        return self._kept <= BUFFERED
