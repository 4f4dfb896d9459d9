"""How the time of a pre-charge was once kept."""


class ClockThatRunsOn:
    """Before 1.33: of a start that was broken off it runs on, and no later one begins it anew.

    The next pre-charge finds its time over, until the power is cycled.
    """

    def __init__(self) -> None:
        self.begun_us: int | None = None
        self._left_behind = False

    def begin(self, now_us: int) -> None:
        """Its time counts from now on."""
        self.begun_us = now_us

    def end(self) -> None:
        """It stops, unless a start was broken off before."""
        if not self._left_behind:
            self.begun_us = None

    def interrupt(self) -> None:
        """Nobody stops it."""
        self._left_behind = True
