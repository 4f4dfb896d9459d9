"""Two runs side by side: releases, nights, or benches; what `hil compare` tells.

Rows that only one of the two ran are counted and no difference where the benches differ: a bench
has not everything. Margins of two benches are left to parity, which knows how far they may differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from reports.comparison import Drift, compared_with
from rig.parity import Bands, Parity, compare_runs
from rig.recording import ItemVerdict, RunFacts, RunRecord, Verdict, verify_record


class Direction(StrEnum):
    """Which way a verdict went."""

    WORSE = "worse"
    BETTER = "better"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A row with another verdict; None where a run has no such row."""

    id: str
    before: Verdict | None
    now: Verdict | None
    direction: Direction
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoRuns:
    """What differs between two runs; `problems` of each run's evidence, one line each."""

    first: RunFacts
    second: RunFacts
    differences: tuple[Difference, ...]
    rows_in_both: int
    only_first: int
    only_second: int
    drifts: tuple[Drift, ...]
    scenarios_changed: tuple[str, ...]
    same_digest: int
    other_digest: int
    problems: tuple[tuple[str, ...], tuple[str, ...]]
    parity: Parity | None
    goal_pct: float

    @property
    def same(self) -> bool:
        """Whether nothing of weight differs, and the evidence of both is whole."""
        if self.differences or self.drifts or any(self.problems):
            return False
        if self.parity is None:
            return True
        # A claim that parts, or an edge that one of the two has not, is no share of seconds.
        for attempt in self.parity.attempts:
            if attempt.unaligned or any(signal.missing for signal in attempt.signals):
                return False
        share = self.parity.in_band_pct
        return not self.parity.failures and share is not None and share >= self.goal_pct


def compare_two(first: Path, second: Path, bands: Bands, *, signals: bool = False) -> TwoRuns:
    """Compare two runs' folders; signals too if ``signals``, or where the benches differ.

    Raises RecordError where one is no record.
    """
    problems = verify_record(first).problems, verify_record(second).problems
    records = RunRecord(first), RunRecord(second)
    plans = records[0].plan(), records[1].plan()
    verdicts = records[0].verdicts(), records[1].verdicts()
    before, now = ({item.id: item for item in each.items} for each in verdicts)
    other_bench = plans[0].run.bench != plans[1].run.bench
    comparison = compared_with(records[0], plans[1], verdicts[1])
    changes = tuple(_differences(before, now, also_not_run=not other_bench))
    ran = [{id_ for id_, item in each.items() if _ran(item)} for each in (before, now)]
    return TwoRuns(
        first=plans[0].run,
        second=plans[1].run,
        differences=tuple(sorted(changes, key=_weight)),
        rows_in_both=len(ran[0] & ran[1]),
        only_first=len(ran[0] - ran[1]),
        only_second=len(ran[1] - ran[0]),
        drifts=() if other_bench else comparison.drifts,
        scenarios_changed=comparison.scenarios_changed,
        same_digest=comparison.same_digest,
        other_digest=comparison.other_digest,
        problems=problems,
        parity=compare_runs(*records, bands) if signals or other_bench else None,
        goal_pct=bands.goal_pct,
    )


def _ran(item: ItemVerdict | None) -> bool:
    return item is not None and item.verdict is not Verdict.NOT_RUN


def _differences(
    before: Mapping[str, ItemVerdict], now: Mapping[str, ItemVerdict], *, also_not_run: bool
) -> Iterator[Difference]:
    for id_ in dict.fromkeys([*now, *before]):
        old, new = before.get(id_), now.get(id_)
        both = _ran(old) and _ran(new)
        verdicts = (old.verdict if old else None, new.verdict if new else None)
        if verdicts[0] is verdicts[1] or not (both or also_not_run):
            continue
        direction = Direction.NOT_RUN
        if both and old is not None and new is not None:
            worse = new.verdict.severity > old.verdict.severity
            direction = Direction.WORSE if worse else Direction.BETTER
        yield Difference(
            id=id_,
            before=verdicts[0],
            now=verdicts[1],
            direction=direction,
            reason=new.reason if new else "no longer in the catalogue",
        )


def _weight(each: Difference) -> tuple[int, int]:
    """Worst first: what got worse by its verdict, then what was not run, then what got better."""
    severity = each.now.severity if each.now is not None else 0
    return [Direction.WORSE, Direction.NOT_RUN, Direction.BETTER].index(each.direction), -severity
