"""Small run records for tests: an attempt a scenario, its signals and claims as they are given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rig.recording import (
    Ended,
    Plan,
    PlanRow,
    RunFacts,
    RunRecord,
    SignalWriter,
    Started,
    Trace,
    TraceExpectation,
    Verdict,
    attempt_id,
)

UTC = "2026-11-22T17:00:00+00:00"
Samples = Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one attempt saw: signals by name and unit, and when which claim was settled."""

    signals: Mapping[tuple[str, str], Samples]
    claims: Sequence[tuple[float, str]] = ()
    until_s: float = 20.0
    verdict: Verdict = Verdict.PASS


def write_run(folder: Path, attempts: Mapping[str, Told], bench: str = "sim") -> RunRecord:
    """A finished run of one test an item."""
    record = RunRecord(folder)
    facts = RunFacts(id=folder.name, bench=bench, firmware="1.38", started=UTC, seed=1, software={})
    record.write_plan(Plan(run=facts, rows=tuple(_row(item) for item in attempts)))
    for item, told in attempts.items():
        _write_attempt(record, item, told)
    record.finish(UTC)
    return record


def _row(item: str) -> PlanRow:
    return PlanRow(
        id=item,
        kind="updated",
        area="contactor",
        item_class="specified",
        basis="stated",
        statement="it holds",
        since="1.08",
        until=None,
        revoked_by=None,
        holds=True,
        deltas=(),
        scenario="scenarios/v1_08/test_x.py",
        scenario_sha256="ab" * 32,
        firmware="1.38",
        tests=("test_it",),
        reason="",
    )


def _write_attempt(record: RunRecord, item: str, told: Told) -> None:
    key = {"attempt": attempt_id(item, "test_it", 1), "item": item, "test": "test_it", "number": 1}
    record.journal(Started(**key, firmware="1.38", utc=UTC))
    folder = record.attempt_folder(item, "test_it", 1)
    with SignalWriter(folder / "signals.bin") as signals:
        for (name, unit), samples in told.signals.items():
            signals.declare(name, unit)
            for time_s, value in samples:
                signals.add(name, round(time_s * 1e6), value)
    claims = [
        TraceExpectation(t_s=time_s, what=what, outcome="met", text=f"{what} after a while")
        for time_s, what in told.claims
    ]
    trace = Trace(
        item=item,
        test="test_it",
        firmware="1.38",
        seed=1,
        start_state={},
        expectations=tuple(claims),
        events=(),
    )
    files = [folder / "signals.bin", record.write_trace(folder, trace)]
    record.journal(
        Ended(
            **key,
            firmware="1.38",
            utc=UTC,
            verdict=told.verdict,
            reason="" if told.verdict is Verdict.PASS else "the contactor did not open",
            digest=None,
            sim_s=told.until_s,
            wall_s=1.0,
            measurements=(),
            unmet=None,
            evidence=record.evidence(files),
        )
    )
