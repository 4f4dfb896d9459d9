"""One attempt at one test: its evidence, written as it happens, and the digest of all of it."""

from collections.abc import Callable
from enum import Enum
from operator import itemgetter
from pathlib import Path
from typing import Any

from rig.can.frame import Frame
from rig.expect import Measurement
from rig.kernel import Kernel
from rig.recording import (
    FrameRecorder,
    SignalWriter,
    Trace,
    TraceEvent,
    TraceExpectation,
    Verdict,
)
from rig.recording import Measurement as RecordedMeasurement
from rig.recording.frames import pack_frame
from rig.signal import Signal

EVENTS_KEPT = 2000  # of the trace's lanes; the frames and signals are whole
LAST_FRAMES = 12  # of each bus, kept for `--trace`
FRAMES_A_BATCH = 4096  # half of them are written at a time; the others wait for latecomers
HeardFrame = tuple[int, int, Frame]
BESIDE = ("safety.jsonl",)  # what other processes wrote for this attempt: its guardian
_time_of = itemgetter(0)


class Attempt:
    """Keeps what one attempt did and saw. Without a folder only the digest and the trace."""

    def __init__(self, kernel: Kernel, item: str, test: str, folder: Path | None) -> None:
        self.item, self.test, self.folder = item, test, folder
        self.plots: tuple[str, ...] = ()
        self.measurements: list[RecordedMeasurement] = []
        self.expectations: list[TraceExpectation] = []
        self.events: list[TraceEvent] = []
        self._kernel = kernel
        self._heard: list[HeardFrame] = []
        self._shown: list[HeardFrame] = []
        self._followed: list[Signal[Any]] = []
        self._open(folder)

    def _open(self, folder: Path | None) -> None:
        self._frames = None if folder is None else FrameRecorder(folder / "frames.blf")
        self._signals = None if folder is None else SignalWriter(folder / "signals.bin")
        self._declared: set[str] = set()

    # What the bench tells

    def frame(self, time_us: int, channel: int, frame: Frame) -> None:
        """A frame was on a bus; a bus may be late with its frames."""
        self._heard.append((time_us, channel, frame))
        if len(self._heard) >= FRAMES_A_BATCH:
            self._write_frames(FRAMES_A_BATCH // 2)

    def _write_frames(self, count: int) -> None:
        """The oldest into digest and record, in the order of time."""
        heard = self._heard
        heard.sort(key=_time_of)
        packed = [
            pack_frame(time_us, channel, frame.identifier, frame.extended, frame.data)
            for time_us, channel, frame in heard[:count]
        ]
        if not packed:
            return
        self._kernel.digest.update(b"".join(packed))
        if self._frames is not None:
            self._frames.write(packed, heard[count - 1][0])
        self._shown = heard[max(0, count - 8 * LAST_FRAMES) : count]
        del heard[:count]

    def flush(self) -> None:
        """Have all frames until now in the record and in the digest."""
        self._write_frames(len(self._heard))

    @property
    def last_frames(self) -> list[HeardFrame]:
        """The newest frames of each bus: time, channel, frame."""
        seen = sorted(self._shown + self._heard, key=_time_of)
        return [
            entry
            for channel in range(3)
            for entry in [one for one in seen if one[1] == channel][-LAST_FRAMES:]
        ]

    def exchange(self, time_us: int, direction: str, text: str) -> None:
        """A line went to or came from an instrument."""
        self._kernel.digest.update(f"{time_us}{direction}{text}".encode())

    def event(self, time_us: int, lane: str, text: str) -> None:
        """Something happened that a reader wants to see on the plot."""
        self._kernel.digest.update(f"{time_us}{lane}{text}".encode())
        if len(self.events) < EVENTS_KEPT:
            self.events.append(TraceEvent(t_s=time_us / 1e6, lane=lane, text=text))

    def follow(self, signal: Signal[Any]) -> None:
        """Record a signal from now on."""
        signal.record = self._recorder(signal)
        self._followed.append(signal)

    def _recorder(self, signal: Signal[Any]) -> Callable[[str, int, Any], None]:
        shown = ""

        def record(name: str, time_us: int, value: Any) -> None:
            nonlocal shown
            digital = isinstance(value, bool | Enum)
            if digital:
                level = str(value) if isinstance(value, Enum) else "on" if value else "off"
                if level != shown:
                    shown = level
                    self.event(time_us, "digital", f"{name} {level}")
            if self._signals is None or isinstance(value, str) or value is None:
                return
            if name not in self._declared:
                self._declared.add(name)
                self._signals.declare(name, signal.unit, "digital" if digital else "analog")
            self._signals.add(name, time_us, float(value))

        return record

    # What the expectations tell

    def expectation(
        self, what: str, text: str, *, met: bool, measurement: Measurement | None
    ) -> None:
        """One claim was judged."""
        now_us = self._kernel.now_us
        self._kernel.digest.update(f"{now_us}{what}{text}{met}".encode())
        if measurement is not None:
            self.measurements.append(
                RecordedMeasurement(
                    name=measurement.name,
                    value=measurement.value,
                    unit=measurement.unit,
                    low=measurement.low,
                    high=measurement.high,
                    uncertainty=measurement.uncertainty,
                    rule="simple",
                    verdict=Verdict(measurement.verdict),
                    t_s=measurement.time_us / 1e6,
                )
            )
        self.expectations.append(
            TraceExpectation(
                t_s=now_us / 1e6,
                what=what,
                outcome="met" if met else "unmet",
                text=text,
                measurement=None if measurement is None else measurement.name,
            )
        )

    # Its life

    def enter_branch(self, name: str) -> None:
        """Become a branch: from now on it writes beside the trunk's files, not into them."""
        folder = None
        if self.folder is not None:
            folder = self.folder / "branches" / name
            folder.mkdir(parents=True, exist_ok=True)
        self._heard, self._shown = [], []
        self._open(folder)

    def trace(self, firmware: str, seed: int, start_state: dict[str, Any]) -> Trace:
        """What the attempt did and saw, in words."""
        return Trace(
            item=self.item,
            test=self.test,
            firmware=firmware,
            seed=seed,
            start_state=start_state,
            expectations=tuple(self.expectations),
            events=tuple(self.events),
            plot=self.plots,
        )

    def close(self) -> list[Path]:
        """End the recordings; the files that are evidence."""
        self.flush()
        for signal in self._followed:
            signal.settle()
        files = []
        for recorder, name in ((self._frames, "frames.blf"), (self._signals, "signals.bin")):
            if recorder is not None and self.folder is not None:
                recorder.close()
                files.append(self.folder / name)
        if self.folder is not None:
            files += [path for name in BESIDE if (path := self.folder / name).is_file()]
        return files
