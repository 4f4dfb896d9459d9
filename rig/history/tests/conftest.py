"""Small records and histories, whose every number stands in the test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rig.history.facts import AttemptFacts, RowFacts, RunFacts
from rig.history.index import write_runs
from rig.history.nights import History, read_history
from rig.recording import (
    BenchFacts,
    Ended,
    Measurement,
    Plan,
    PlanRow,
    RunRecord,
    Started,
    Verdict,
    attempt_id,
)
from rig.recording import RunFacts as PlannedRun

# item -> what its one test did, attempt by attempt.
Story = dict[str, list[Verdict]]


def planned_row(item: str) -> PlanRow:
    return PlanRow(
        id=item,
        kind="updated",
        area="contactor",
        item_class="specified",
        basis="stated",
        statement=f"what {item} says",
        since="1.08",
        until=None,
        revoked_by=None,
        holds=True,
        deltas=(),
        scenario=f"scenarios/{item}.py",
        scenario_sha256="ab" * 32,
        firmware="1.38",
        tests=("test_it",),
        reason="",
    )


def measurement(value: float, low: float | None = 4.9, high: float | None = 5.1) -> Measurement:
    return Measurement(
        name="opening delay",
        value=value,
        unit="s",
        low=low,
        high=high,
        uncertainty=0.01,
        rule="simple",
        verdict=Verdict.PASS,
        t_s=12.0,
    )


def record(
    folder: Path, story: Story, *, started: str = "2026-11-22T21:00:00Z", value: float = 5.02
) -> RunRecord:
    """A finished record of these rows, with one measurement an attempt and a file of evidence."""
    made = RunRecord(folder)
    facts = BenchFacts(kind="simulated", description="", sha256="ef" * 32, instruments=())
    run = PlannedRun(
        id=folder.name,
        bench="lab-1",
        firmware="1.38",
        started=started,
        seed=7,
        software={},
        bench_facts=facts,
    )
    made.write_plan(Plan(run=run, rows=tuple(planned_row(item) for item in story)))
    for item, verdicts in story.items():
        for number, verdict in enumerate(verdicts, start=1):
            attempt(made, item, number, verdict, value)
    made.finish("2026-11-22T21:50:00Z")
    return made


def attempt(made: RunRecord, item: str, number: int, verdict: Verdict, value: float) -> None:
    named = {"attempt": attempt_id(item, "test_it", number), "item": item, "test": "test_it"}
    same = {**named, "number": number, "firmware": "1.38", "utc": "2026-11-22T21:00:01Z"}
    made.journal(Started(**same))
    folder = made.attempt_folder(item, "test_it", number)
    (folder / "trace.json").write_text("{}")
    made.journal(
        Ended(
            **same,
            verdict=verdict,
            reason="" if verdict is Verdict.PASS else "it did something else",
            digest=None,
            sim_s=40.0,
            wall_s=0.4,
            measurements=(measurement(value),),
            unmet=None,
            evidence=made.evidence([folder / "trace.json"]),
        )
    )


def row(
    item: str,
    verdict: Verdict,
    *,
    first: bool = True,
    value: float | None = None,
    firmware: str = "1.38",
    high: float | None = 5.1,
) -> RowFacts:
    measured = () if value is None else (measurement(value, high=high),)
    made = AttemptFacts(
        test="test_it",
        number=1,
        verdict=verdict,
        reason="",
        started="2026-11-22T21:00:01.000000Z",
        sim_s=40.0,
        wall_s=0.4,
        measurements=measured,
    )
    return RowFacts(
        id=item,
        area="contactor",
        statement=f"what {item} says",
        firmware=firmware,
        scenario_sha256="ab" * 32,
        verdict=verdict,
        reason="why" if verdict is not Verdict.PASS else "",
        first_passed=first and verdict is Verdict.PASS,
        attempts=(made,),
    )


def run(name: str, day: int, rows: list[RowFacts], *, bench: str = "lab-1") -> RunFacts:
    """A run in the night that begins on a day of the year's first month, or later."""
    month, of_month = divmod(day - 1, 28)
    return RunFacts(
        folder=name,
        stamp=name,
        id=name,
        bench=bench,
        bench_sha256="ef" * 32,
        firmware="1.38",
        started=f"2026-{month + 1:02}-{of_month + 1:02}T21:00:00.000000Z",
        finished=f"2026-{month + 1:02}-{of_month + 1:02}T22:00:00.000000Z",
        seed=1,
        marks="",
        rows=tuple(rows),
    )


@pytest.fixture
def history_of(tmp_path: Path) -> Callable[[list[RunFacts]], History]:
    def made(runs: list[RunFacts]) -> History:
        write_runs(tmp_path / "history.sqlite", runs)
        return read_history(tmp_path / "history.sqlite")

    return made


@pytest.fixture
def maker() -> Callable[..., RunRecord]:
    return record


@pytest.fixture
def row_of() -> Callable[..., RowFacts]:
    return row


@pytest.fixture
def run_of() -> Callable[..., RunFacts]:
    return run


@pytest.fixture
def more() -> Callable[..., None]:
    return attempt
