"""What differs from an earlier run: verdicts, statements, scenarios, and margins to limits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rig.recording import (
    ItemVerdict,
    Measurement,
    Plan,
    RecordError,
    RunFacts,
    RunRecord,
    RunVerdicts,
    Verdict,
)

AGAINST = "against"
_KEPT = ("plan.json", "journal.jsonl", "verdicts.json")
# chosen: a margin that moved by less of the permitted band is no news.
MOVED_PCT = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row whose verdict is another one; None where the other run has no such row."""

    id: str
    before: Verdict | None
    now: Verdict | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A measurement that came nearer to a limit, or went away; margins in % of the band."""

    id: str
    name: str
    unit: str
    before: float
    now: float
    margin_before_pct: float
    margin_now_pct: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A run against the earlier `run`; a suspect row's statement changed, its scenario did not."""

    run: RunFacts
    changes: tuple[Change, ...]
    drifts: tuple[Drift, ...]
    suspects: tuple[str, ...]
    scenarios_changed: tuple[str, ...]
    same_digest: int
    other_digest: int


def keep_for_comparison(earlier: Path, folder: Path) -> None:
    """Copy what a comparison needs of an earlier run into the run's folder, checked."""
    record = RunRecord(earlier)
    problems = record.verdict_problems()
    if problems:
        raise RecordError(f"{earlier}: {problems[0]}; allowed: a run that fits together")
    if record.plan().run.id == RunRecord(folder).plan().run.id:
        raise RecordError(f"{earlier}: is this very run; allowed: an earlier one")
    target = folder / AGAINST
    target.mkdir(exist_ok=True)
    for name in _KEPT:
        shutil.copyfile(earlier / name, target / name)


def compared(folder: Path, plan: Plan, verdicts: RunVerdicts) -> Comparison | None:
    """The comparison with what `keep_for_comparison` left in `folder`; None where nothing is."""
    if not (folder / AGAINST / _KEPT[0]).is_file():
        return None
    return compared_with(RunRecord(folder / AGAINST), plan, verdicts)


def compared_with(record: RunRecord, plan: Plan, verdicts: RunVerdicts) -> Comparison:
    """A run's plan and verdicts against another run's record. Raises RecordError."""
    earlier, before = record.plan(), {item.id: item for item in record.verdicts().items}
    now = {item.id: item for item in verdicts.items}
    both = [(before[id_], now[id_]) for id_ in now if id_ in before]
    old = {row.id: row for row in earlier.rows}
    rows = [row for row in plan.rows if row.id in old and row.scenario is not None]
    digests = [a.digest == b.digest for a, b in both if a.digest and b.digest]
    return Comparison(
        run=earlier.run,
        changes=tuple(_changes(before, now)),
        drifts=tuple(sorted(_drifts(both), key=lambda d: d.margin_now_pct)),
        suspects=tuple(
            row.id
            for row in rows
            if row.statement != old[row.id].statement
            and row.scenario_sha256 == old[row.id].scenario_sha256
        ),
        scenarios_changed=tuple(
            row.id
            for row in rows
            if old[row.id].scenario is not None
            and row.scenario_sha256 != old[row.id].scenario_sha256
        ),
        same_digest=sum(digests),
        other_digest=len(digests) - sum(digests),
    )


def _changes(before: dict[str, ItemVerdict], now: dict[str, ItemVerdict]) -> Iterator[Change]:
    for id_ in [*now, *(each for each in before if each not in now)]:
        old, new = before.get(id_), now.get(id_)
        verdicts = (old.verdict if old else None, new.verdict if new else None)
        if verdicts[0] is not verdicts[1]:
            reason = new.reason if new else "no longer in the catalogue"
            yield Change(id=id_, before=verdicts[0], now=verdicts[1], reason=reason)


def _drifts(both: list[tuple[ItemVerdict, ItemVerdict]]) -> Iterator[Drift]:
    """Of measurements that occur once in a row by their name, in both runs."""
    for old, new in both:
        known = {each.name: each for each in _single(old.measurements)}
        for each in _single(new.measurements):
            was = known.get(each.name)
            if was is None or (was.low, was.high, was.unit) != (each.low, each.high, each.unit):
                continue
            margins = margin_pct(was), margin_pct(each)
            if margins[0] is None or margins[1] is None or was.value is None or each.value is None:
                continue
            if abs(margins[1] - margins[0]) >= MOVED_PCT:
                yield Drift(
                    id=new.id,
                    name=each.name,
                    unit=each.unit,
                    before=was.value,
                    now=each.value,
                    margin_before_pct=margins[0],
                    margin_now_pct=margins[1],
                )


def _single(measurements: tuple[Measurement, ...]) -> Iterator[Measurement]:
    names = [each.name for each in measurements]
    return (each for each in measurements if names.count(each.name) == 1)


def margin_pct(measurement: Measurement) -> float | None:
    """How far a value is from its nearer limit, in % of the permitted band; below 0 outside it.

    None for a value with one limit only: there is no band to take a part of.
    """
    value, low, high = measurement.value, measurement.low, measurement.high
    if value is None or low is None or high is None or high <= low:
        return None
    return 100.0 * min(value - low, high - value) / (high - low)
