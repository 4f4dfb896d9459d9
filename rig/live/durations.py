"""How long each test may take on the wall: from earlier runs, else from simulated time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rig.recording import Ended, Plan, RecordError, RunRecord, Verdict

# Chosen: enough to meet a run of the same bench, little enough to be read in a moment.
RUNS_LOOKED_AT = 60

Durations = dict[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Known:
    """Seconds by row and test: what it took on the wall of a bench, and in simulated time."""

    measured: Durations = field(default_factory=dict)
    simulated: Durations = field(default_factory=dict)


def durations_of(folder: Path, plan: Plan) -> Durations:
    """Seconds on the wall by row and test, from the runs beside `folder`, the newest first.

    Of a run on the same bench what it took; where there is none and this bench works on the wall
    clock, what the test took in simulated time. What is not known is not in it.
    """
    wanted = {(row.id, test) for row in plan.rows for test in row.tests}
    known = known_durations(folder.parent, plan.run.bench, wanted, but=folder)
    found = known.measured if _simulated(plan) else known.simulated | known.measured
    return {place: found[place] for place in wanted & found.keys()}


def known_durations(
    runs: Path,
    bench: str,
    wanted: Collection[tuple[str, str]],
    but: Path | None = None,
    *,
    that_ran: bool = False,
) -> Known:
    """What the runs of a folder say of these rows and tests, the newest first; ``but``: not this.

    ``that_ran``: an attempt that was NOT RUN says nothing; else it says that it takes no time.
    """
    known, places = Known(), frozenset(wanted)
    for earlier, entries in _earlier(runs, but):
        if places <= known.measured.keys():
            break
        for entry in entries:
            place = entry.item, entry.test
            if that_ran and entry.verdict is Verdict.NOT_RUN:
                continue
            if earlier.run.bench == bench:
                known.measured.setdefault(place, entry.wall_s)
            if _simulated(earlier):
                known.simulated.setdefault(place, entry.sim_s)
    return known


def _earlier(runs: Path, but: Path | None) -> Iterator[tuple[Plan, list[Ended]]]:
    """The runs of a folder, newest first, each with what it ended."""
    beside = [path.parent for path in runs.glob("*/plan.json") if path.parent != but]
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
