"""How like the log a played stimulus is: what the device said then beside what the model says."""

from collections.abc import Iterator

from rig.replay.compare import Comparison, Series, Told, compare, series_of
from rig.replay.excerpt import Excerpt
from rig.replay.observe import FIRST_ADDRESS, PRIVATE, VE_CAN
from rig.replay.play import Outcome


def told_in(excerpt: Excerpt) -> Iterator[Told]:
    """The frames of a log for a comparison."""
    for entry in (*excerpt.earlier, *excerpt.entries):
        if not entry.error:
            yield entry.t_us, entry.bus, entry.can_id, entry.extended, entry.data


class Likeness:
    """Compares what is played with a log; what the device said is read once for a part of it."""

    def __init__(self, excerpt: Excerpt) -> None:
        self._excerpt = excerpt
        self._then: dict[tuple[int, int], Series] = {}

    def told(self, begin_us: int, end_us: int) -> Series:
        """What the device said in a part of the log."""
        part = begin_us, end_us
        if part not in self._then:
            told = told_in(self._excerpt)
            self._then[part] = series_of(told, self._excerpt.address, begin_us, end_us)
        return self._then[part]

    def compared(self, begin_us: int, outcome: Outcome, end_us: int) -> Comparison:
        """As `compared`, of this log."""
        then = self.told(begin_us, end_us)
        now = series_of(
            (
                (t_us + begin_us, bus, frame.identifier, frame.extended, frame.data)
                for t_us, bus, frame in outcome.heard
            ),
            FIRST_ADDRESS,
            begin_us,
            end_us,
        )
        if VE_CAN not in self._excerpt.buses:
            now = {name: series for name, series in now.items() if name in then}
        if PRIVATE not in self._excerpt.buses:
            now.pop("private.state", None)
        return compare(then, now, from_us=begin_us)


def compared(excerpt: Excerpt, begin_us: int, outcome: Outcome, end_us: int) -> Comparison:
    """What the device said then, and what the model says now, in the log's time.

    `begin_us`: the log's time at time 0 of the stimulus.
    """
    return Likeness(excerpt).compared(begin_us, outcome, end_us)
