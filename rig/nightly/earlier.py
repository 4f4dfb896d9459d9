"""What earlier runs on a bench teach a night: in which order to run, and how long a row takes.

First what is likeliest to be news: rows that did not pass when they last ran, then rows whose
scenario has changed since or that never ran, then the others, the longest ago first: so a window
that is too short for all does not leave out the same rows night after night.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rig.planning import Scenario
from rig.recording import RecordError, RunRecord, Verdict, sha256_of
from rig.scheduling.model import Risk

RUNS_READ = 50  # chosen: more than a month of nights; a row that has not run since comes early


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTime:
    """What a row did when it last ran on the bench."""

    utc: str
    verdict: Verdict
    scenario_sha256: str | None
    wall_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """The order of the rows, why, and how long each took, in seconds of the wall clock."""

    order: tuple[str, ...]
    expected_s: Mapping[str, float]
    risk: Mapping[str, Risk]


def lessons_of(runs: Path, bench: str, rows: Mapping[str, Scenario]) -> Lessons:
    """What the runs in a folder say about these rows; broken and foreign ones are passed over."""
    last = _last_times(runs, bench, frozenset(rows))
    changed = {
        item
        for item, scenario in rows.items()
        if item in last and last[item].scenario_sha256 != sha256_of(scenario.path)
    }

    def rank(item: str) -> tuple[Risk, str]:
        before = last.get(item)
        if before is None:
            return Risk.NEWS, ""
        if before.verdict not in {Verdict.PASS, Verdict.NOT_VERIFIED}:
            return Risk.FAILED, before.utc
        return (Risk.NEWS if item in changed else Risk.USUAL), before.utc

    return Lessons(
        order=tuple(sorted(rows, key=rank)),
        expected_s={item: before.wall_s for item, before in last.items()},
        risk={item: rank(item)[0] for item in rows},
    )


def _last_times(runs: Path, bench: str, wanted: frozenset[str]) -> dict[str, LastTime]:
    found: dict[str, LastTime] = {}
    folders = sorted((path.parent for path in runs.glob("*/plan.json")), reverse=True)
    for folder in folders[:RUNS_READ]:
        if wanted <= found.keys():
            break
        record = RunRecord(folder)
        try:
            plan = record.plan()
            if plan.run.bench != bench:
                continue
            items = record.verdicts().items
        except (RecordError, OSError):
            continue
        for row, item in zip(plan.rows, items, strict=True):
            if row.id in wanted and row.id not in found and item.verdict is not Verdict.NOT_RUN:
                found[row.id] = LastTime(
                    utc=plan.run.started,
                    verdict=item.verdict,
                    scenario_sha256=row.scenario_sha256,
                    wall_s=item.wall_s,
                )
    return found
