"""A synthetic run that shows every verdict once, made by the recorder itself."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rig.recording import (
    BenchFacts,
    Ended,
    FrameRecorder,
    Measurement,
    Plan,
    PlanRow,
    RunFacts,
    RunRecord,
    SignalWriter,
    SlotDelta,
    Started,
    Trace,
    TraceEvent,
    TraceExpectation,
    Verdict,
    attempt_id,
)

FINISHED = "2026-11-22T17:12:30+00:00"

# id, verdicts of the attempts; None is an attempt that was cut off.
STORY: dict[str, tuple[Verdict | None, ...]] = {
    "v1.08-01": (Verdict.PASS,),
    "v1.08-04": (Verdict.PASS,),
    "v1.08-05": (Verdict.FAIL,),
    "v1.09-06": (Verdict.FAIL, Verdict.PASS),
    "v1.14-02": (Verdict.INCONCLUSIVE,),
    "v1.15-01": (None,),
    "v1.20-03": (Verdict.BROKEN,),
    "v1.32-05c": (),
    "v1.38-02": (),
}


def _row(item: str) -> PlanRow:
    planned = item not in {"v1.38-02"}
    return PlanRow(
        id=item,
        kind="updated",
        area="contactor" if item < "v1.14" else "balancing",
        item_class="specified",
        basis="stated" if item < "v1.14" else "chosen",
        statement=f"The statement of {item}: <b>opening delay</b> & more",
        since=item[1:5],
        until=None,
        revoked_by=None,
        holds=True,
        deltas=(SlotDelta(slot="contactor.opening_delay_us", was=2_000_000, now=5_000_000),),
        scenario=f"scenarios/{item[:5].replace('.', '_')}/test_{item[6:]}_x.py"
        if planned
        else None,
        scenario_sha256="ab" * 32 if planned else None,
        firmware="1.38" if planned else None,
        tests=("test_it",) if planned else (),
        reason="" if planned else "no scenario yet",
    )


def _measurement(verdict: Verdict) -> Measurement:
    return Measurement(
        name="opening delay",
        value={Verdict.FAIL: 2.0, Verdict.INCONCLUSIVE: 5.095}.get(verdict, 5.0032),
        unit="s",
        low=4.9,
        high=5.1,
        uncertainty=0.012,
        rule="simple",
        verdict=verdict,
        t_s=12.31,
    )


def _record_files(folder: Path) -> list[Path]:
    signals = SignalWriter(folder / "signals.bin")
    signals.declare("bus voltage", "V")
    signals.declare("pack current", "A")
    signals.declare("ATC", "", "digital")
    for step in range(4000):
        time_us = step * 10_000
        signals.add("bus voltage", time_us, 52.0 + math.sin(step / 300))
        signals.add("pack current", time_us, 20.0 if step > 1200 else 0.0)
        signals.add("ATC", time_us, float(step < 2500))
    signals.close()
    frames = FrameRecorder(folder / "frames.blf")
    frames.record(1000, 0, 0x19F21400, extended=True, data=b"\x01\x02")
    frames.close()
    return [folder / "signals.bin", folder / "frames.blf"]


def _trace(item: str, verdict: Verdict) -> Trace:
    good = verdict is Verdict.PASS
    return Trace(
        item=item,
        test="test_it",
        firmware="1.38",
        seed=7,
        start_state={"soc_pct": 60},
        expectations=(
            TraceExpectation(
                t_s=12.31,
                what="becomes",
                outcome="met" if good else "unmet",
                text="contactor opens 5.0 ± 0.1 s after the open request",
            ),
        ),
        events=(TraceEvent(t_s=7.31, lane="CAN", text="open request"),),
        plot=("bus voltage", "ATC"),
    )


def _play(record: RunRecord, item: str, number: int, verdict: Verdict | None) -> None:
    attempt = attempt_id(item, "test_it", number)
    common = {"attempt": attempt, "item": item, "test": "test_it", "number": number}
    common["firmware"] = "1.38"
    record.journal(Started(**common, utc="2026-11-22T17:00:01+00:00"))
    folder = record.attempt_folder(item, "test_it", number)
    if verdict is None:
        return
    files = [*_record_files(folder), record.write_trace(folder, _trace(item, verdict))]
    bad = verdict in {Verdict.FAIL, Verdict.INCONCLUSIVE}
    said = f"{item}: contactor opened 2.00 s after the open request" if bad else ""
    record.journal(
        Ended(
            **common,
            utc="2026-11-22T17:00:03.5+00:00",
            verdict=verdict,
            reason="the supply did not answer" if verdict is Verdict.BROKEN else said,
            digest="cd" * 32,
            sim_s=40.0,
            wall_s=0.42,
            measurements=(_measurement(verdict),) if verdict is not Verdict.BROKEN else (),
            unmet=said or None,
            evidence=record.evidence(files),
        )
    )


def make_run(folder: Path, story: dict[str, tuple[Verdict | None, ...]] = STORY) -> RunRecord:
    """A record whose rows ran as the story says."""
    record = RunRecord(folder)
    record.write_plan(
        Plan(
            run=RunFacts(
                id="2026-11-22-night",
                bench="sim",
                firmware="1.38",
                started="2026-11-22T17:00:00+00:00",
                seed=7,
                software={"rig": "0.1.0", "python": "3.11.7"},
                bench_facts=BenchFacts(
                    kind="simulated", description="twins", sha256="ef" * 32, instruments=()
                ),
            ),
            rows=tuple(_row(item) for item in story),
        )
    )
    for item, verdicts in story.items():
        for number, verdict in enumerate(verdicts, start=1):
            _play(record, item, number, verdict)
    record.finish(FINISHED)
    return record


@pytest.fixture
def run_maker() -> Callable[..., RunRecord]:
    return make_run


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("recorded") / "run").folder


@pytest.fixture
def run(recorded: Path, tmp_path: Path) -> RunRecord:
    return RunRecord(Path(shutil.copytree(recorded, tmp_path / "run")))
