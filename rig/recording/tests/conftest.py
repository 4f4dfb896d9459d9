"""Small plans and journals to judge."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rig.recording import (
    Ended,
    Entry,
    Measurement,
    Plan,
    PlanRow,
    RunFacts,
    RunRecord,
    Started,
    Trace,
    TraceExpectation,
    Verdict,
    attempt_id,
    write_manifest,
)

UTC = "2026-11-22T17:00:00+00:00"


def make_plan(*tests: str, reason: str = "") -> Plan:
    """One row, v1.08-04, with the named tests."""
    row = PlanRow(
        id="v1.08-04",
        kind="updated",
        area="contactor",
        item_class="specified",
        basis="stated",
        statement="The contactor opens later.",
        since="1.08",
        until=None,
        revoked_by=None,
        holds=True,
        deltas=(),
        scenario="scenarios/v1_08/test_04_opening_delay.py" if tests else None,
        scenario_sha256=None,
        firmware="1.38" if tests else None,
        tests=tests,
        reason=reason,
    )
    run = RunFacts(id="r1", bench="sim", firmware="1.38", started=UTC, seed=7, software={"a": "1"})
    return Plan(run=run, rows=(row,))


def make_entries(test: str, verdicts: Sequence[Verdict | None]) -> list[Entry]:
    """The journal of one test's attempts; None is an attempt that was cut off."""
    entries: list[Entry] = []
    for number, verdict in enumerate(verdicts, start=1):
        same = {"item": "v1.08-04", "test": test, "number": number, "firmware": "1.38"}
        attempt = attempt_id("v1.08-04", test, number)
        entries.append(Started(attempt=attempt, utc=UTC, **same))
        if verdict is not None:
            entries.append(
                Ended(
                    attempt=attempt,
                    utc=UTC,
                    verdict=verdict,
                    reason=f"why {number}",
                    digest="00",
                    sim_s=2.0,
                    wall_s=0.5,
                    measurements=(
                        Measurement(
                            name=f"delay of {test} {number}",
                            value=5.0,
                            unit="s",
                            low=4.9,
                            high=None,
                            uncertainty=0.01,
                            rule="simple",
                            verdict=Verdict.PASS,
                            t_s=1.0,
                        ),
                    ),
                    unmet=None,
                    evidence=(),
                    **same,
                )
            )
    return entries


@pytest.fixture
def plan_of_tests() -> Callable[..., Plan]:
    return make_plan


@pytest.fixture
def entries_of() -> Callable[..., list[Entry]]:
    return make_entries


def play(record: RunRecord, entry: Entry) -> None:
    """Journal an entry; an end with evidence as an attempt leaves it."""
    if isinstance(entry, Ended):
        folder = record.attempt_folder(entry.item, entry.test, entry.number)
        frames = folder / "frames.blf"
        frames.write_bytes(f"frames of {entry.attempt}".encode() * 20)
        outcome = "met" if entry.verdict is Verdict.PASS else "unmet"
        claim = TraceExpectation(t_s=1.0, what="contactor", outcome=outcome, text="opens")
        trace = record.write_trace(
            folder,
            Trace(
                item=entry.item,
                test=entry.test,
                firmware="1.38",
                seed=7,
                start_state={},
                expectations=(claim,),
                events=(),
            ),
        )
        entry = replace(entry, evidence=record.evidence([frames, trace]))
    record.journal(entry)


@pytest.fixture
def make_sealed(tmp_path: Path) -> Callable[..., RunRecord]:
    """A finished and sealed run: test_a passed, test_b failed, unless told otherwise."""

    def make(name: str = "run", *, run: str = "r1", b: Verdict = Verdict.FAIL) -> RunRecord:
        record = RunRecord(tmp_path / name)
        plan = make_plan("test_a", "test_b")
        record.write_plan(replace(plan, run=replace(plan.run, id=run)))
        for entry in [*make_entries("test_a", [Verdict.PASS]), *make_entries("test_b", [b])]:
            play(record, entry)
        record.finish(UTC)
        write_manifest(record.folder, run)
        return record

    return make


@pytest.fixture
def sealed(make_sealed: Callable[..., RunRecord]) -> RunRecord:
    return make_sealed()
