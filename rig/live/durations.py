"""How long each test may take on the wall: from earlier runs, else from simulated time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rig.recording import Ended, Plan, RecordError, RunRecord

# Chosen: enough to meet a run of the same bench, little enough to be read in a moment.
RUNS_LOOKED_AT = 60

Durations = dict[tuple[str, str], float]


def durations_of(folder: Path, plan: Plan) -> Durations:
    """Seconds on the wall by row and test, from the runs beside `folder`, the newest first.

    Of a run on the same bench what it took; where there is none and this bench works on the wall
    clock, what the test took in simulated time. What is not known is not in it.
    """
    wanted = {(row.id, test) for row in plan.rows for test in row.tests}
    measured: Durations = {}
    simulated: Durations = {}
    for earlier, entries in _earlier(folder):
        if wanted <= measured.keys():
            break
        for entry in entries:
            place = entry.item, entry.test
            if earlier.run.bench == plan.run.bench:
                measured.setdefault(place, entry.wall_s)
            if _simulated(earlier):
                simulated.setdefault(place, entry.sim_s)
    if not _simulated(plan):
        measured = simulated | measured
    return {place: measured[place] for place in wanted & measured.keys()}


def _earlier(folder: Path) -> Iterator[tuple[Plan, list[Ended]]]:
    """The runs beside, newest first, each with what it ended."""
    beside = [path.parent for path in folder.parent.glob("*/plan.json") if path.parent != folder]
    for path in sorted(beside, key=_when, reverse=True)[:RUNS_LOOKED_AT]:
        record = RunRecord(path)
        try:
            yield record.plan(), [each for each in record.entries() if isinstance(each, Ended)]
        except (RecordError, OSError):
            continue


def _when(folder: Path) -> int:
    try:
        return (folder / "plan.json").stat().st_mtime_ns
    except OSError:
        return 0


def _simulated(plan: Plan) -> bool:
    return plan.run.bench_facts is None or plan.run.bench_facts.kind == "simulated"
