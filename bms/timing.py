"""Small timers that rooms are built of: how long a condition has held, and chained levels."""

from bms.data import Level


class Held:
    """For how long a condition has held without a break."""

    __slots__ = ("_since_us",)

    def __init__(self) -> None:
        self._since_us: int | None = None

    def for_us(self, now_us: int, *, condition: bool) -> int:
        """Microseconds since the condition became true; -1 while it is false."""
        if not condition:
            self._since_us = None
            return -1
        if self._since_us is None:
            self._since_us = now_us
        return now_us - self._since_us

    @property
    def runs(self) -> bool:
        """Whether the condition holds."""
        return self._since_us is not None

    def reset(self) -> None:
        """Forget since when."""
        self._since_us = None


class Lasting:
    """A condition that counts once it has lasted for its time, and for as long as it lasts."""

    __slots__ = ("_held", "_time_us", "is_set")

    def __init__(self, time_us: int) -> None:
        self._held = Held()
        self._time_us = time_us
        self.is_set = False

    @property
    def runs(self) -> bool:
        """Whether it is on its way to being set."""
        return self._held.runs and not self.is_set

    def step(self, now_us: int, *, condition: bool) -> bool:
        """Whether it counts now."""
        self.is_set = self._held.for_us(now_us, condition=condition) >= self._time_us
        return self.is_set


class ChainedLevel:
    """A level that is set and cleared after times, and only after the level before it is set."""

    __slots__ = ("_clear", "_set", "_sign", "_time_us", "is_set")

    def __init__(self, time_us: int, *, rising: bool) -> None:
        self._time_us = time_us
        self._sign = 1.0 if rising else -1.0
        self._set, self._clear = Held(), Held()
        self.is_set = False

    @property
    def runs(self) -> bool:
        """Whether it is on its way to being set or cleared."""
        return (self._clear if self.is_set else self._set).runs

    def step(self, now_us: int, value: float, level: Level, *, armed: bool) -> bool:
        """Whether the level is set now; ``armed``: the level before it is set. NaN changes none."""
        if value != value:
            return self.is_set
        sign = self._sign
        if self.is_set:
            beyond = sign * value < sign * level.clear_v
            if self._clear.for_us(now_us, condition=beyond) >= self._time_us:
                self.is_set = False
                self._set.reset()
        else:
            beyond = armed and sign * value >= sign * level.set_v
            if self._set.for_us(now_us, condition=beyond) >= self._time_us:
                self.is_set = True
                self._clear.reset()
        return self.is_set
