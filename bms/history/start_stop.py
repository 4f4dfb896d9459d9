"""How a start with a low battery once ended, and how the button was once read."""

from bms.codes import Error, State
from bms.firmware import milliseconds
from bms.status import View

TASK_PERIOD_US = milliseconds(250)
TASK_US = milliseconds(25)  # a tenth of its period: one stop request in ten is hit


def refuse_at_once(view: View) -> Error:
    """To fail-safe, without a chance to charge.

    A critically low cell before 1.09, a low pack before 1.23.
    """
    return Error.UNDER_VOLTAGE


class DeafOnceTheTaskMissedIt:
    """1.27: a stop request that comes while an internal task runs is the last that is looked for.

    Whether it does depends on where in the task's period the button goes down; nothing else.
    """

    def __init__(self) -> None:
        self._deaf = False

    def hears(self, pressed_us: int, state: State) -> bool:
        """Not a stop request that the task held up, and none after it."""
        if state is State.RUNNING and pressed_us % TASK_PERIOD_US < TASK_US:
            self._deaf = True
        return not (self._deaf and state is State.RUNNING)
