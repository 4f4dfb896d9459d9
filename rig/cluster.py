"""Squares of a matrix on many machines: workers of dask.distributed, each with its own checkout.

Rules of this file: only a simulated bench, since what a lost worker had begun is executed again. A
worker with other code is refused by name, before its first square and after each portion. Squares
count once their worker has handed them in, and are written down as they come, one line a test.
Which worker does what is decided here: the scheduler is given each portion for one worker only.
"""

import json
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from rig.benches.file import load_bench
from rig.cells import Cell
from rig.clock import monotonic_us
from rig.cluster_worker import Code, code_of, own_code, require_simulated, who, work
from rig.errors import BenchFileError
from rig.kernel import seconds
from rig.planning import scenarios
from rig.squares import BENCH, Key, key_of_cell, read_entries

# Chosen: a portion's own cost, 8 s, is then less than its work, and a lost worker costs minutes.
CELLS_MIN, CELLS_MAX = 8, 60
PORTIONS_A_THREAD = 3  # chosen: or everybody would wait for the last worker
LOOK_S = 1.0  # chosen: how soon a worker that came or went is seen
ANSWER_S = 15  # chosen: of a scheduler on another continent
NOBODY_US = seconds(60)  # chosen: workers that were lost are there again within it
LOSSES_MAX = 3  # chosen: a portion that fails a third worker is why itself
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Cells for one worker, and the lines of what of them is done already."""

    cells: tuple[Cell, ...]
    done: tuple[str, ...] = ()
    losses: int = 0  # how many workers it was not brought to an end by

    @property
    def rows(self) -> str:
        """Its rows, in words."""
        return ", ".join(dict.fromkeys(cell.item for cell in self.cells))


@dataclass(slots=True)
class _Worker:
    """A worker; ``asked`` until it has said which code it has, ``refused`` if that is another."""

    address: str
    threads: int
    asked: Any = None
    refused: str = ""
    at_work: dict[Any, Portion] = field(default_factory=dict)

    @property
    def is_free(self) -> bool:
        return self.asked is None and not self.refused and len(self.at_work) < self.threads


def portions(cells: Sequence[Cell], kept: Path, threads: int) -> list[Portion]:
    """The cells that are not done, in portions for so many threads.

    ``kept``: the lines of what is done; tests of a cell that are among them are not run again.
    """
    done: dict[Key, list[Mapping[str, Any]]] = {}
    for entry in read_entries(kept):
        done.setdefault(key_of_cell(entry), []).append(entry)
    known = scenarios()
    open_ = [c for c in cells if not _is_whole(known[c.item].tests, done.get(astuple(c), ()))]
    share_size = len(open_) // (PORTIONS_A_THREAD * max(1, threads))
    size = max(CELLS_MIN, min(CELLS_MAX, share_size))
    shares = [tuple(open_[at : at + size]) for at in range(0, len(open_), size)]
    return [
        Portion(
            cells=share,
            done=tuple(json.dumps(e) for cell in share for e in done.get(astuple(cell), ())),
        )
        for share in shares
    ]


def _is_whole(tests: Sequence[str], done: Sequence[Mapping[str, Any]]) -> bool:
    """Whether each test is done; how often one with parameters runs, only pytest knows."""
    names = {str(entry["test"]) for entry in done}
    return bool(names) and names == set(tests)


def run_on_cluster(
    address: str,
    cells: Sequence[Cell],
    found: Path,
    told: Tell,
    look: Callable[[], None] = lambda: None,
    bench: str = BENCH,
) -> str:
    """Run cells on the workers of a scheduler; their squares' lines go to ``found`` as they come.

    ``told`` hears of each worker that comes, is refused or is lost, and why any cells are left;
    ``look`` is called now and then. Returns the end of what pytest said where it ended badly.
    Raises BenchFileError for a bench that is not simulated, an address without a scheduler, or if
    no worker has this code.
    """
    require_simulated(load_bench(bench))
    with _client(address) as client:
        crew = Crew(client, _wait, address, own_code(), told)
        try:
            return crew.run(cells, found, look)
        except import_module("distributed.client").ClosedClientError as error:
            told(f"the scheduler is gone: {_one_line(error)}")
            return ""


def _client(address: str) -> Any:
    """A client of the scheduler. Raises BenchFileError."""
    try:
        distributed = import_module("distributed")  # an extra, and half a second
    except ImportError:
        text = "dask.distributed is not installed; allowed: the extra dask (make dask)"
        raise BenchFileError(f"--cluster {address}: {text}") from None
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what is lost is told by us
    try:
        return distributed.Client(address, timeout=ANSWER_S)
    except (OSError, ValueError, TypeError) as error:
        said = " ".join(str(error).split())[:120]
        text = f"no scheduler answers ({said}); allowed: one's address, as tcp://10.0.0.5:8786"
        raise BenchFileError(f"--cluster {address}: {text}") from error


def _wait(futures: list[Any]) -> None:
    """For any of them to end, or a moment."""
    distributed = import_module("distributed")
    with suppress(TimeoutError, distributed.client.FuturesCancelledError):  # the next look tells
        distributed.wait(futures, timeout=LOOK_S, return_when="FIRST_COMPLETED")


class Crew:
    """The workers of one scheduler, and what each of them has to do."""

    def __init__(
        self, client: Any, wait: Callable[[list[Any]], None], address: str, code: Code, told: Tell
    ) -> None:
        """``client``: dask.distributed's; ``wait``: for any of its futures, or a moment."""
        self._client, self._wait, self._address = client, wait, address
        self._code, self._told = code, told
        self._workers: dict[str, _Worker] = {}
        self._waiting: deque[Portion] = deque()
        self._said: list[str] = []
        self._has_worked = False
        self._nobody_since_us: int | None = None

    def run(self, cells: Sequence[Cell], found: Path, look: Callable[[], None]) -> str:
        """Until every cell is run, or nobody is left to run one."""
        try:
            self._look()
            threads = sum(worker.threads for worker in self._workers.values())
            self._waiting.extend(portions(cells, found, threads))
            while self._is_something_left() and self._somebody_is_there():
                self._hear_who_they_are()
                self._hand_out()
                self._wait(self._futures())
                self._collect(found)
                look()
                self._look()
        except OSError as error:
            self._told(f"the scheduler is gone: {_one_line(error)}")
        except KeyboardInterrupt:
            self._told("interrupted: what was handed in is kept")
        finally:
            with suppress(Exception):  # a scheduler that is gone has nothing to cancel
                self._client.cancel(self._futures())
        return "\n".join(self._said)

    def _is_something_left(self) -> bool:
        return bool(self._waiting) or any(worker.at_work for worker in self._workers.values())

    def _look(self) -> None:
        """Who has come, and who is gone: what one who is gone had, somebody else does again."""
        there: Mapping[str, int] = self._client.nthreads()
        for address in self._workers.keys() - there.keys():
            worker = self._workers.pop(address)
            if worker.refused:
                continue
            count = sum(len(portion.cells) for portion in worker.at_work.values())
            self._told(f"worker {address} is lost; cells to be run again: {count}")
            for future, portion in worker.at_work.items():
                self._client.cancel([future])
                self._again(portion, f"worker {address} was lost")
        for address in sorted(there.keys() - self._workers.keys()):
            asked = self._submit(address, who)
            self._workers[address] = _Worker(address, max(1, there[address]), asked)

    def _somebody_is_there(self) -> bool:
        """Whether anybody may have this code; who was lost is waited for.

        Raises BenchFileError if nobody has ever had it.
        """
        if any(not worker.refused for worker in self._workers.values()):
            self._nobody_since_us = None
            return True
        now_us = monotonic_us()
        if self._nobody_since_us is None:
            self._nobody_since_us = now_us
        refused = "; ".join(f"{w.address} {w.refused}" for w in self._workers.values())
        is_over = now_us - self._nobody_since_us > NOBODY_US
        if not self._has_worked and (refused or is_over):
            text = refused or "the scheduler has no worker"
            allowed = f"a worker with {self._code}"
            raise BenchFileError(f"--cluster {self._address}: {text}; allowed: {allowed}")
        if is_over:
            self._told(f"no worker is left: {refused or 'all were lost'}")
        return not is_over

    def _submit(self, address: str, task: Callable[..., str], *asked: str) -> Any:
        """For this worker and no other; what fails is not tried again behind our back."""
        return self._client.submit(
            task, *asked, workers=[address], allow_other_workers=False, pure=False, retries=0
        )

    def _hear_who_they_are(self) -> None:
        for worker in self._workers.values():
            if worker.asked is None or not worker.asked.done():
                continue
            asked, worker.asked = worker.asked, None
            if asked.status != "finished":
                self._refuse(worker, f"has not this project: {_why(asked)}")
            elif self._answer_of(worker, asked) is not None:
                self._has_worked = True
                self._told(f"worker {worker.address}: {worker.threads} at a time")

    def _answer_of(
        self, worker: _Worker, future: Any, parts: tuple[str, ...] = ()
    ) -> Mapping[str, Any] | None:
        """What a worker of this code answers; None, and it is refused, if its code is another."""
        try:
            answer: Mapping[str, Any] = json.loads(future.result())
            code = code_of(answer)
            answer = {part: answer[part] for part in parts}
        except (KeyError, TypeError, ValueError) as error:
            self._refuse(worker, f"answers as other code does: {_one_line(error)}")
            return None
        if code.inputs == self._code.inputs:
            return answer
        rows = sum(code.inputs.get(row) != text for row, text in self._code.inputs.items())
        self._refuse(worker, f"has other code for {rows} rows: {code}; here {self._code}")
        return None

    def _refuse(self, worker: _Worker, why: str) -> None:
        worker.refused = why
        self._told(f"worker {worker.address} is refused: it {why}")

    def _hand_out(self) -> None:
        for worker in self._workers.values():
            while worker.is_free and self._waiting:
                portion = self._waiting.popleft()
                told = {"cells": [asdict(cell) for cell in portion.cells], "done": portion.done}
                worker.at_work[self._submit(worker.address, work, json.dumps(told))] = portion

    def _futures(self) -> list[Any]:
        workers = self._workers.values()
        asked = [worker.asked for worker in workers if worker.asked is not None]
        return asked + [future for worker in workers for future in worker.at_work]

    def _collect(self, found: Path) -> None:
        """Write down what has been handed in."""
        for worker in self._workers.values():
            for future in [future for future in worker.at_work if future.done()]:
                portion = worker.at_work.pop(future)
                if future.status != "finished":
                    self._again(portion, f"{worker.address}: {_why(future)}")
                    continue
                answer = self._answer_of(worker, future, ("said", "lines"))
                if answer is None:
                    self._waiting.appendleft(portion)
                    continue
                if answer["said"]:
                    self._said.append(f"{worker.address}: {answer['said']}")
                with found.open("ab", buffering=0) as file:
                    file.write("".join(f"{line}\n" for line in answer["lines"]).encode())

    def _again(self, portion: Portion, why: str) -> None:
        """Have somebody else do it, unless it has been tried often enough."""
        again = replace(portion, losses=portion.losses + 1)
        if again.losses < LOSSES_MAX:
            self._waiting.appendleft(again)
        else:
            self._told(f"given up after {again.losses} workers: {portion.rows}: {why}")


def _why(future: Any) -> str:
    """Why a task has no result."""
    if future.status == "cancelled":  # to ask for its exception would raise one
        return "its scheduler has dropped it"
    return _one_line(future.exception())


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
