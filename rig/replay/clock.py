"""One file of a log: its clock made to go on, its frames put in the order of their times.

Rules of this file: what is changed is noted. A time that goes back on its own bus by more than a
queue's depth is either a stray stamp (the bus goes on as before) or a clock that was set (it does
not); the next frames of that bus say which. After a step, time goes on where it was.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter

from rig.replay.formats.raw import Batches, Notes
from rig.replay.log import LogError, LoggedFrame, Problem

# Chosen: recorders that write bus by bus do so every second or oftener.
WINDOW_US = 5_000_000
# Chosen: on one bus a recorder keeps the order but for the depth of its threads' queues.
STEP_BACK_US = 50_000
# Chosen: a recorder that was off so long was off; a greater step is a clock that was set.
STEP_AHEAD_US = 30 * 86_400_000_000
WITNESSES = 4  # chosen: so many frames after a step say that it was no stray stamp
PENDING_MAX = 64  # chosen: a bus that says so little in so many frames does not matter
LATE_MAX = 1000  # chosen: so many are no accident, the file is in another order

_time_of = attrgetter("t_us")


class FileClock:
    """The frames of one file in the order of their times, in the file's own time."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._offset_us = 0
        self._greatest_us: int | None = None
        self._last_us: dict[int, int] = {}
        self._doubtful: list[LoggedFrame] = []
        self._index = 0
        self._late = 0
        self._disorder = False

    def in_order(self, batches: Batches) -> Iterator[list[LoggedFrame]]:
        """Lists of frames, each list after the one before. Raises LogError if it is hopeless."""
        waiting: list[LoggedFrame] = []
        given_us: int | None = None
        for batch in batches:
            waiting += self._clocked(batch)
            if self._greatest_us is None:
                continue
            horizon_us = self._greatest_us - WINDOW_US
            given_us = self._settle(waiting, given_us)
            cut = bisect_right(waiting, horizon_us, key=_time_of)
            if cut:
                given_us = waiting[cut - 1].t_us
                yield waiting[:cut]
                del waiting[:cut]
        waiting += self._clocked_at_the_end()
        self._settle(waiting, given_us)
        if waiting:
            yield waiting

    def _settle(self, waiting: list[LoggedFrame], given_us: int | None) -> int | None:
        """Put in order what waits; what is too late for it gets the time of what went before."""
        if not self._disorder:
            return given_us
        self._disorder = False
        waiting.sort(key=_time_of)
        if given_us is None:
            return None
        for frame in waiting:
            if frame.t_us >= given_us:
                break
            self._late += 1
            late_s = (given_us - frame.t_us) / 1e6
            note = f"bus {self._name(frame.bus)}, {late_s:.3f} s too late"
            self._notes.add(Problem.LATE, self._notes.file, note)
            frame.t_us = given_us
            if self._late > LATE_MAX:
                raise LogError(
                    f"{self._notes.file}: more than {LATE_MAX} frames come over "
                    f"{WINDOW_US / 1e6:g} s later than their times say, the first on bus "
                    f"{self._name(frame.bus)}; allowed: a file in the order of time, or a file "
                    "for each bus"
                )
        return given_us

    def _name(self, bus: int) -> str:
        return next((name for name, each in self._notes.channels.items() if each == bus), "?")

    def _clocked(self, batch: list[LoggedFrame]) -> list[LoggedFrame]:
        """The frames with times of a clock that goes on; doubtful ones are held back."""
        clocked: list[LoggedFrame] = []
        append, last_us, offset_us = clocked.append, self._last_us, self._offset_us
        greatest_us = self._greatest_us
        for frame in batch:
            t_us = frame.t_us + offset_us
            if greatest_us is None:
                greatest_us = t_us
            before_us = last_us.get(frame.bus, t_us)
            if (
                self._doubtful
                or t_us < before_us - STEP_BACK_US
                or t_us > greatest_us + STEP_AHEAD_US
            ):
                self._greatest_us = greatest_us
                clocked += self._judge(frame)
                offset_us, greatest_us = self._offset_us, self._greatest_us
                continue
            frame.t_us = t_us
            if t_us < greatest_us:
                self._out_of_order(frame, greatest_us)
            else:
                greatest_us = t_us
            last_us[frame.bus] = t_us
            append(frame)
        self._greatest_us = greatest_us
        self._index += len(batch)
        return clocked

    def _out_of_order(self, frame: LoggedFrame, greatest_us: int) -> None:
        self._disorder = True
        if frame.t_us < self._last_us.get(frame.bus, frame.t_us):
            note = f"bus {self._name(frame.bus)}, after a later one of its bus"
        else:
            note = f"bus {self._name(frame.bus)}, {(greatest_us - frame.t_us) / 1e6:.6f} s"
        self._notes.add(Problem.REORDERED, self._notes.file, note)

    def _judge(self, frame: LoggedFrame) -> list[LoggedFrame]:
        """What is known now of frames with doubtful times; none while more witnesses are needed."""
        doubtful = self._doubtful
        doubtful.append(frame)
        bus = doubtful[0].bus
        witnesses = [each for each in doubtful if each.bus == bus]
        if not self._is_doubtful(frame) and frame.bus == bus:
            return self._strays()
        if len(witnesses) > WITNESSES or len(doubtful) > PENDING_MAX:
            return self._step()
        return []

    def _is_doubtful(self, frame: LoggedFrame) -> bool:
        t_us = frame.t_us + self._offset_us
        assert self._greatest_us is not None
        before_us = self._last_us.get(frame.bus, t_us)
        return t_us < before_us - STEP_BACK_US or t_us > self._greatest_us + STEP_AHEAD_US

    def _strays(self) -> list[LoggedFrame]:
        """The bus goes on as before: what was doubtful gets the time of what went before it."""
        held, self._doubtful = self._doubtful, []
        for frame in held:
            if self._is_doubtful(frame):
                stamp_s = (frame.t_us + self._offset_us) / 1e6
                note = f"bus {self._name(frame.bus)}, stamp {stamp_s:.6f} s"
                self._notes.add(Problem.STRAY_STAMP, self._notes.file, note)
                assert self._greatest_us is not None
                frame.t_us = self._last_us.get(frame.bus, self._greatest_us) - self._offset_us
            self._take(frame)
        return held

    def _step(self) -> list[LoggedFrame]:
        """The clock was set: time goes on from where it was."""
        held, self._doubtful = self._doubtful, []
        assert self._greatest_us is not None
        step_us = held[0].t_us + self._offset_us - self._greatest_us
        note = f"by {step_us / 1e6:+.6f} s"
        self._notes.add(
            Problem.CLOCK_STEP, self._notes.file, note, length_us=abs(step_us), t_us=None
        )
        self._offset_us -= step_us - 1
        self._last_us.clear()
        for frame in held:
            self._take(frame)
        return held

    def _take(self, frame: LoggedFrame) -> None:
        """Give a frame its time, once that is beyond doubt."""
        assert self._greatest_us is not None
        frame.t_us += self._offset_us
        if frame.t_us < self._greatest_us:
            self._disorder = True
        self._greatest_us = max(self._greatest_us, frame.t_us)
        self._last_us[frame.bus] = max(frame.t_us, self._last_us.get(frame.bus, frame.t_us))

    def _clocked_at_the_end(self) -> list[LoggedFrame]:
        if not self._doubtful:
            return []
        return self._step() if len(self._doubtful) > 1 else self._strays()
