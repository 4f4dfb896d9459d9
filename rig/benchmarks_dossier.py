"""How long a dossier of a whole qualification takes: HTML and PDF of a record of all rows.

The record is made up, as large as a real one: per row two attempts of 25 signals and some thousand
frames. What is timed is the processor time of `hil report`, with all its imports, as a user waits.
"""

import math
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from bms.catalogue import catalogue
from bms.releases import NEWEST
from rig.planning import make_plan, software
from rig.recording import (
    BenchFacts,
    Ended,
    Evidence,
    FrameRecorder,
    Measurement,
    PlanRow,
    RunFacts,
    RunRecord,
    SignalWriter,
    Started,
    Trace,
    TraceEvent,
    TraceExpectation,
    Verdict,
    attempt_id,
    write_manifest,
)

# Name, value, unit, goal: the benchmarks' own type is of the file that imports this one.
Measured = tuple[str, float, str, float]

Kind = Literal["analog", "digital"]

UTC = "2026-11-22T17:00:00Z"
TESTS = ("test_one", "test_two")
SIGNALS, SAMPLES, FRAMES, CLAIMS, MEASUREMENTS = 25, 400, 6000, 12, 3


def dossier() -> Measured:
    """Processor seconds of `hil report` on a record in which every row of the catalogue ran."""
    with TemporaryDirectory() as scratch:
        folder = made_up_run(Path(scratch) / "run", list(catalogue()))
        before_s = _children_s()
        command = [sys.executable, "-m", "rig.cli", "report", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return "dossier_s", _children_s() - before_s, "s", 20.0


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def made_up_run(folder: Path, rows: list[str]) -> Path:
    """A finished record in which both tests of these rows passed; its folder."""
    bench = BenchFacts(kind="simulated", description="made up", sha256="ef" * 32, instruments=())
    facts = RunFacts(
        id=folder.name,
        bench="sim",
        firmware=str(NEWEST),
        started=UTC,
        seed=1,
        software=software(),
        bench_facts=bench,
    )
    plan = make_plan(facts, NEWEST, {})
    planned = tuple(_planned(row) if row.id in rows else row for row in plan.rows)
    record = RunRecord(folder)
    record.write_plan(replace(plan, rows=planned))
    evidence = {test: _evidence(record, rows[0], test) for test in TESTS}
    for row in rows:
        for test in TESTS:
            # Linked, not written anew: only what is read is timed.
            files = tuple(_linked(folder, rows[0], row, evidence[test]))
            _attempt(record, row, test, files)
    record.finish(UTC)
    write_manifest(folder, facts.id)
    return folder


def _planned(row: PlanRow) -> PlanRow:
    return replace(
        row,
        scenario=f"scenarios/made_up/test_{row.id}.py",
        scenario_sha256="ab" * 32,
        firmware=str(NEWEST),
        tests=TESTS,
        reason="",
    )


def _evidence(record: RunRecord, item: str, test: str) -> tuple[Evidence, ...]:
    folder = record.attempt_folder(item, test, 1)
    with SignalWriter(folder / "signals.bin") as signals:
        for n in range(SIGNALS):
            kind: Kind = "digital" if n % 5 == 0 else "analog"
            signals.declare(f"signal {n}", "" if kind == "digital" else "V", kind)
            for k in range(SAMPLES):
                value = float(k // 150 % 2) if kind == "digital" else 26 + math.sin(k / 30 + n)
                signals.add(f"signal {n}", 100_000 * k, value)
    with FrameRecorder(folder / "frames.blf") as frames:
        for n in range(FRAMES):
            frames.record(
                6000 * n, 0, 0x19F21400 + n % 40, extended=True, data=n.to_bytes(8, "big")
            )
    trace = record.write_trace(folder, _trace(item, test))
    return record.evidence([folder / "signals.bin", folder / "frames.blf", trace])


def _trace(item: str, test: str) -> Trace:
    return Trace(
        item=item,
        test=test,
        firmware=str(NEWEST),
        seed=1,
        start_state={},
        expectations=tuple(
            TraceExpectation(t_s=3.0 * n, what=f"signal {n}", outcome="met", text="became 9")
            for n in range(CLAIMS)
        ),
        events=tuple(
            TraceEvent(t_s=1.5 * n, lane="CAN", text=f"event {n} of a bus") for n in range(CLAIMS)
        ),
    )


def _linked(
    folder: Path, first: str, row: str, evidence: tuple[Evidence, ...]
) -> Iterator[Evidence]:
    for each in evidence:
        path = each.path.replace(f"/{first}/", f"/{row}/")
        if row != first:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).hardlink_to(folder / each.path)
        yield Evidence(path=path, sha256=each.sha256)


def _attempt(record: RunRecord, row: str, test: str, evidence: tuple[Evidence, ...]) -> None:
    same = {"attempt": attempt_id(row, test, 1), "item": row, "test": test, "utc": UTC}
    started = Started(**same, number=1, firmware=str(NEWEST))
    record.journal(started)
    record.journal(
        Ended(
            **same,
            number=1,
            firmware=str(NEWEST),
            verdict=Verdict.PASS,
            reason="",
            digest="cd" * 32,
            sim_s=40.0,
            wall_s=0.4,
            measurements=tuple(
                Measurement(
                    name=f"delay {n}",
                    value=26.0,
                    unit="V",
                    low=25.0,
                    high=27.0,
                    uncertainty=0.01,
                    rule="simple",
                    verdict=Verdict.PASS,
                    t_s=3.0 * n,
                    signal=f"signal {n + 1}",
                )
                for n in range(MEASUREMENTS)
            ),
            unmet=None,
            bench_fault=False,
            evidence=evidence,
        )
    )
