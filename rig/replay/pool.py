"""Plays stimuli to many firmwares on all cores. What comes back is in the order of the question."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from types import TracebackType
from typing import Self

from rig.errors import BenchFileError
from rig.replay.condition import Condition
from rig.replay.play import Firmware, Outcome, play
from rig.replay.stimulus import Stimulus

Progress = Callable[[str], None]


class Pool:
    """Processes that play; with one job everything is done in this one."""

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs or os.cpu_count() or 1
        self.plays = 0
        """How many stimuli were played."""
        self._processes: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._processes is not None:
            self._processes.shutdown(wait=True, cancel_futures=True)
            self._processes = None

    def _executor(self) -> ProcessPoolExecutor:
        if self._processes is None:
            method = "fork" if hasattr(os, "fork") else "spawn"
            self._processes = ProcessPoolExecutor(self.jobs, mp_context=get_context(method))
        return self._processes

    def play(
        self,
        stimulus: Stimulus,
        firmwares: Sequence[Firmware],
        condition: Condition,
        progress: Progress = lambda _text: None,
        *,
        keep: bool = False,
    ) -> list[Outcome]:
        """One stimulus to all of these. Raises what `play` raises."""
        tasks = [(stimulus, each) for each in firmwares]
        return self.play_all(tasks, condition, progress, keep=keep)

    def play_all(
        self,
        tasks: Sequence[tuple[Stimulus, Firmware]],
        condition: Condition,
        progress: Progress = lambda _text: None,
        *,
        keep: bool = False,
        lenient: bool = False,
    ) -> list[Outcome]:
        """Each stimulus to its firmware; `lenient`: one that no bench has did not start."""
        self.plays += len(tasks)
        if self.jobs == 1 or len(tasks) == 1:
            return [_play(what, to, condition, keep, lenient) for what, to in tasks]
        futures = [
            self._executor().submit(_play, what, to, condition, keep, lenient) for what, to in tasks
        ]
        for done, future in enumerate(_completed(futures), 1):
            progress(f"{done} of {len(futures)}: {future.result().firmware.release}")
        return [future.result() for future in futures]


def _play(
    stimulus: Stimulus, firmware: Firmware, condition: Condition, keep: bool, lenient: bool
) -> Outcome:
    try:
        return play(stimulus, firmware, condition, keep=keep, to_the_end=keep)
    except BenchFileError:
        if not lenient:
            raise
        return Outcome(firmware=firmware, started=False)


def _completed(futures: Iterable["Future[Outcome]"]) -> Iterable["Future[Outcome]"]:
    return as_completed(futures)
