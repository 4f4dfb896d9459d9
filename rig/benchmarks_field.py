"""How well field cases are reproduced: `python -m rig.benchmarks_field [SEED ...]`.

Rules of this file: a case is what a recorder in the field has; whether it was reproduced, with
which releases and which row, is compared with the situation itself. Seeds from 101 on are held
back: nothing was looked at or mended by them.
"""

import json
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import can

from rig.bench import Bench
from rig.clock import cpu_s, wall_s
from rig.errors import BenchError, BenchFileError
from rig.kernel import seconds
from rig.replay.cases import (
    START_UTC_S,
    Case,
    Recorder,
    caught,
    corpus,
    happens,
    record,
    truth_of,
)
from rig.replay.condition import read_condition
from rig.replay.excerpt import find
from rig.replay.log import open_log
from rig.replay.pool import Pool
from rig.replay.reproduce import Reproduction, reproduce
from rig.replay.situations import Situation

SEEDS = (1, 2)
EVERYDAY = (
    6  # chosen: cases of `make bench`, in half a minute; all of them take a quarter of an hour
)
DAY_FRAMES = 3_000_000
QUIET_US = (15_000_000, 35_000_000)  # of the story of the day: nothing happens
Figure = tuple[str, float, str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of a case."""

    name: str
    item: str
    release: str
    recorder: str
    shown: bool
    """Whether it is a case: with its seed its release shows the complaint."""
    reproduced: bool
    exact: bool
    """Exactly the releases of the truth."""
    named: bool
    """The situation's own row, or the one that cures it, is among those named."""
    span: str
    assumed: tuple[str, ...]
    before: int
    after: int
    minimal: bool
    wall_s: float
    cpu_s: float
    error: str = ""


def try_case(case: Case, *, smaller: bool) -> Tried:
    """Record it, and reproduce it from its log, in this process alone."""
    made, error, truth = None, "", case.truth()
    began_s, used_s = wall_s(), cpu_s()  # the truth is no part of the work
    with tempfile.TemporaryDirectory(prefix="hil-case-") as folder:
        try:
            made = _made(case, Path(folder), smaller=smaller)
        except (BenchError, BenchFileError, ValueError) as problem:
            error = str(problem)
    found = None if made is None else made.bisection
    reduced = None if made is None else made.reduced
    return Tried(
        name=case.name,
        item=case.situation.item,
        release=case.release,
        recorder=str(case.recorder),
        shown=case.release in truth,
        reproduced=made is not None and made.reproduced,
        exact=found is not None and found.faulty == truth,
        named=found is not None and any(case.is_of(row.item) for row in found.named),
        span="" if found is None else found.span,
        assumed=() if made is None else made.trial.restored.assumed,
        before=0 if reduced is None else reduced.before,
        after=0 if reduced is None else reduced.after,
        minimal=reduced is not None and reduced.minimal,
        wall_s=wall_s() - began_s,
        cpu_s=cpu_s() - used_s,
        error=error,
    )


def _made(case: Case, folder: Path, *, smaller: bool) -> Reproduction:
    paths = record(case, folder)
    condition = read_condition(case.situation.when)
    excerpt = find(open_log(paths), condition)
    if excerpt.first_us is None:
        raise BenchFileError(f"{case.name}: its log does not show {condition.text!r}")
    with Pool(1) as pool:
        return reproduce(excerpt, condition, case.release, pool, smaller=smaller)


def try_all(cases: Sequence[Case], jobs: int, *, smaller: bool) -> Iterator[Tried]:
    """Each case, as they come to their end."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as processes:
        futures = [processes.submit(try_case, case, smaller=smaller) for case in cases]
        for future in as_completed(futures):
            yield future.result()


def figures_of(tried: Sequence[Tried]) -> list[Figure]:
    """Name, value, unit and goal, of the cases that are one."""
    tried = [each for each in tried if each.shown]
    share = 100.0 / len(tried)
    cpu = [each.cpu_s for each in tried]
    found: list[Figure] = [
        ("corpus_reproduced_pct", share * sum(each.reproduced for each in tried), "% of cases", 95),
        ("corpus_range_exact_pct", share * sum(each.exact for each in tried), "% of cases", 90),
        ("corpus_row_named_pct", share * sum(each.named for each in tried), "% of cases", None),
        ("corpus_case_median_s", statistics.median(cpu), "s", None),
        ("corpus_case_worst_s", max(cpu), "s", None),
        ("corpus_cases", len(tried), "cases", None),
    ]
    reduced = [each for each in tried if each.before >= 100]
    if reduced:
        found += [
            ("reduction_before", statistics.median(each.before for each in reduced), "steps", None),
            ("reduction_after", statistics.median(each.after for each in reduced), "steps", None),
        ]
    return found


def measured(jobs: int = 2) -> list[Figure]:
    """For `make bench`: some cases of the corpus, reduced as well."""
    cases = corpus(SEEDS[:1])
    return figures_of(list(try_all(cases[:: len(cases) // EVERYDAY], jobs, smaller=True)))


def a_day(jobs: int = 2) -> list[Figure]:
    """From a log of three million frames on two buses to a scenario, by the clock on the wall."""
    with tempfile.TemporaryDirectory(prefix="hil-day-") as folder:
        paths = write_day(Path(folder))
        began_s = wall_s()
        condition = read_condition(DAY.when)
        excerpt = find(open_log(paths), condition)
        with Pool(jobs) as pool:
            made = reproduce(excerpt, condition, DAY_RELEASE, pool)
        took_s = wall_s() - began_s
    if made.bisection is None or made.bisection.faulty != truth_of(DAY):
        raise RuntimeError(f"the day was not reproduced: {made.bisection}")
    return [
        ("reproduce_24h_s", took_s, "s", 60.0),
        ("reproduce_24h_frames", excerpt.frames, "frames of the log", None),
    ]


async def _day(bench: Bench, _dice: random.Random) -> None:
    """It runs, is loaded once, and is stopped."""
    await bench.press_start_stop()
    await bench.wait(seconds(40))
    await bench.load.draw(20.0)
    await bench.wait(seconds(5))
    await bench.load.off()
    await bench.press_start_stop()
    await bench.wait(seconds(15))


DAY_RELEASE = "1.08"
DAY = Situation(
    name="a day that ends with a stop",
    item="v1.09-06",
    faulty=("1.07", "1.08"),
    when="contactor opens within 4 s of stop",
    story=_day,
    life=False,
)


def write_day(folder: Path, frames: int = DAY_FRAMES) -> list[Path]:
    """Two candump files, a bus each: a start, the same quiet 20 s again and again, and a stop."""
    ear, _ = happens(DAY, DAY_RELEASE, 1)
    heard = caught(ear, Recorder(jitter_us=200), random.Random("day"))
    quiet = [each for each in heard if QUIET_US[0] <= each[0] < QUIET_US[1]]
    length_us, times = QUIET_US[1] - QUIET_US[0], frames // len(quiet)
    paths = {"ve_can": folder / "can0.log", "private": folder / "can1.log"}
    with paths["ve_can"].open("w") as ve_can, paths["private"].open("w") as private:
        files = {"ve_can": ve_can, "private": private}
        for t_us, bus, message in heard:
            if t_us < QUIET_US[1]:
                files[bus].write(_line(t_us, bus, message))
        for turn in range(1, times):
            for t_us, bus, message in quiet:
                files[bus].write(_line(t_us + turn * length_us, bus, message))
        for t_us, bus, message in heard:
            if t_us >= QUIET_US[1]:
                files[bus].write(_line(t_us + (times - 1) * length_us, bus, message))
    return list(paths.values())


def _line(t_us: int, bus: str, message: can.Message) -> str:
    name = "can0" if bus == "ve_can" else "can1"
    data = bytes(message.data).hex().upper()
    digits = 8 if message.is_extended_id else 3
    return f"({START_UTC_S + t_us / 1e6:.6f}) {name} {message.arbitration_id:0{digits}X}#{data}\n"


def main(arguments: Sequence[str]) -> None:
    """All cases of some seeds: a line of JSON each, and the figures."""
    smaller = "--reduce" in arguments
    jobs = next((int(each[2:]) for each in arguments if each.startswith("-j")), 2)
    seeds = tuple(int(each) for each in arguments if each.isdecimal()) or SEEDS
    tried = []
    cases = corpus(seeds)
    if "--backwards" in arguments:
        cases.reverse()
    for each in try_all(cases, jobs, smaller=smaller):
        tried.append(each)
        sys.stdout.write(json.dumps(asdict(each)) + "\n")
        sys.stdout.flush()
    for name, value, unit, goal in figures_of(tried):
        sys.stdout.write(f"{name}: {value:.1f} {unit}{'' if goal is None else f' (goal {goal})'}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
