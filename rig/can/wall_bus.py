"""What a bus on the wall clock is, whatever carries its frames: who looks on, how busy it is."""

from collections import deque

from rig.can.bus import ErrorTap, Latecomer, Tap
from rig.can.frame import Frame
from rig.can.timing import ERROR_BITS, bits_us, durations_us
from rig.kernel import Kernel, seconds

LOAD_KEPT_US = seconds(10)


class WallBus:
    """One bus whose frames are seen as they come; its times are the kernel's."""

    is_patient = False  # everybody hears every frame at its time

    def __init__(self, kernel: Kernel, name: str, bitrate: int) -> None:
        self.kernel, self.name, self.bitrate = kernel, name, bitrate
        self.frames_total = self.errors_total = 0
        self._taps: tuple[Tap, ...] = ()
        self._error_taps: tuple[ErrorTap, ...] = ()
        self._busy: deque[tuple[int, int]] = deque()
        self._durations_us = durations_us(bitrate)
        self._error_us = bits_us(ERROR_BITS, bitrate)

    def watch(self, tap: Tap, *, patient: bool = False) -> None:
        """Have every frame: time, the name of a node of ours or none, frame."""
        del patient
        self._taps = (*self._taps, tap)

    def watch_errors(self, tap: ErrorTap) -> None:
        """Have every error that is told of: time, and what is known of it."""
        self._error_taps = (*self._error_taps, tap)

    def _was_busy(self, time_us: int, busy_us: int) -> None:
        """Add to the load, and forget what is over: of error frames alone as well."""
        self._busy.append((time_us, busy_us))
        while self._busy[0][0] < time_us - LOAD_KEPT_US:
            self._busy.popleft()

    def _saw_frame(self, time_us: int, sender: str, frame: Frame) -> None:
        self.frames_total += 1
        self._was_busy(time_us, self._durations_us[frame.extended][len(frame.data)])
        for tap in self._taps:
            tap(time_us, sender, frame)

    def _saw_error_frame(self, time_us: int) -> None:
        self._was_busy(time_us, self._error_us)
        self._tell_error(time_us, "error frame")

    def _tell_error(self, time_us: int, text: str) -> None:
        self.errors_total += 1
        for tap in self._error_taps:
            tap(time_us, text)

    def load_pct(self, window_us: int) -> float:
        """Share of the last ``window_us``, 10 s at most, that frames and error frames occupied."""
        from_us = self.kernel.now_us - window_us
        busy_us = sum(busy for time_us, busy in self._busy if time_us > from_us)
        return min(100.0, 100.0 * busy_us / window_us)

    def catch_up(self) -> None:
        """Nothing is ever behind here."""

    def postpone(self, sender: Latecomer, due_us: int) -> None:
        """Nobody looks later here: it speaks in time."""
        del due_us
        sender.hurry()

    def forget(self, sender: object) -> None:
        """Nobody ever waits to be asked here."""
