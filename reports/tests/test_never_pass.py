"""What must never show as PASS, in each place where a verdict shows.

Missing evidence, an overdue calibration, quarantine, a skip and a retry: in the verdicts, on a
terminal, in the dossier, in JUnit and in Allure.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from reports.allure import write_allure
from reports.dossier import Release, dossier_of
from reports.junit import write_junit
from reports.page import write_page
from reports.view import read_run
from rig.commands.telling import print_verdicts
from rig.recording import (
    BenchFacts,
    InstrumentFacts,
    Quarantine,
    RunRecord,
    Verdict,
)

ROW = "v1.08-04"
FINISHED = "2026-11-22T17:12:30+00:00"
PASS, FAIL, BROKEN, NOT_RUN = Verdict.PASS, Verdict.FAIL, Verdict.BROKEN, Verdict.NOT_RUN
Maker = Callable[..., RunRecord]


def replanned(record: RunRecord, change) -> RunRecord:
    """The same run by another plan."""
    plan = record.plan()
    (record.folder / "plan.json").unlink()
    record.write_plan(change(plan))
    record.finish(FINISHED)
    return record


def in_quarantine(record: RunRecord, expires: str = "2026-12-01") -> RunRecord:
    entry = Quarantine(
        owner="J. Doe", reason="load trips", since="2026-11-01", expires=expires, ticket="LAB-3"
    )

    def change(plan):
        return replace(plan, rows=tuple(replace(row, quarantine=entry) for row in plan.rows))

    return replanned(record, change)


def overdue(record: RunRecord) -> RunRecord:
    charger = InstrumentFacts(
        role="charger",
        model="EA PSB 10080-1000",
        serial="1",
        resource="TCPIP::1::5025::SOCKET",
        certificate="C-1",
        calibrated="2024-11-01",
        due="2025-11-01",
    )
    bench = BenchFacts(kind="lab", description="", sha256="ab", instruments=(charger,))
    return replanned(record, lambda plan: replace(plan, run=replace(plan.run, bench_facts=bench)))


def without_evidence(record: RunRecord) -> RunRecord:
    next(record.folder.glob("attempts/*/*/frames.blf")).unlink()
    return record


CASES = {
    "missing evidence": lambda make, to: without_evidence(make(to, {ROW: (PASS,)})),
    "an overdue calibration": lambda make, to: overdue(make(to, {ROW: (PASS,)})),
    "quarantine": lambda make, to: in_quarantine(make(to, {ROW: (PASS,)})),
    "an expired quarantine": lambda make, to: in_quarantine(
        make(to, {ROW: (PASS,)}), expires="2026-11-21"
    ),
    "a skip": lambda make, to: make(to, {ROW: (NOT_RUN,)}),
    "a retry of a failure": lambda make, to: make(to, {ROW: (FAIL, PASS)}),
    "a bench fault and no more": lambda make, to: make(to, {ROW: (BROKEN, NOT_RUN)}),
}
SHOWN_AS = {
    "missing evidence": "BROKEN",
    "an overdue calibration": "NOT VERIFIED",
    "quarantine": "NOT VERIFIED",
    "an expired quarantine": "FAIL",
    "a skip": "NOT RUN",
    "a retry of a failure": "FLAKY",
    "a bench fault and no more": "BROKEN",
}


@pytest.fixture(params=list(CASES))
def case(request, tmp_path: Path, run_maker: Maker) -> tuple[str, RunRecord]:
    return request.param, CASES[request.param](run_maker, tmp_path / "run")


def test_in_the_verdicts(case) -> None:
    name, record = case

    verdict = read_run(record.folder).rows[0].verdict

    assert verdict == SHOWN_AS[name]


def test_on_a_terminal(case) -> None:
    name, record = case
    verdicts = replace(record.verdicts(), items=tuple(r.item for r in read_run(record.folder).rows))
    console = Console(width=200, record=True)

    with console.capture() as said:
        print_verdicts(verdicts, console)

    assert not re.search(r"(?m)^ *\d+  PASS", said.get())
    assert SHOWN_AS[name] in said.get()


def test_in_the_dossier(case) -> None:
    _, record = case

    dossier = dossier_of(record.folder)

    assert dossier.release in {Release.NO_RELEASE, Release.INVALID}
    page = write_page(dossier).read_text()
    assert f'data-verdict="{SHOWN_AS[case[0]]}"' in page
    assert 'data-verdict="PASS"' not in page
    assert "0 of 1 rows passed" in page


def test_in_junit(case, tmp_path: Path) -> None:
    _, record = case

    root = ET.parse(write_junit(record.folder, tmp_path / "junit.xml")).getroot()

    marked = [
        [child.tag for child in test if child.tag in {"failure", "error", "skipped"}]
        for test in root.iter("testcase")
    ]
    assert marked
    assert all(marked)


def test_in_allure(case, tmp_path: Path) -> None:
    _, record = case

    write_allure(record.folder, tmp_path / "allure")

    results = [json.loads(path.read_text()) for path in (tmp_path / "allure").glob("*-result.json")]
    assert results
    assert "passed" not in {each["status"] for each in results}


def test_a_bench_fault_that_passed_later_tells_both_attempts_everywhere(
    tmp_path: Path, run_maker: Maker
) -> None:
    record = run_maker(tmp_path / "run", {ROW: (None, PASS)})
    console = Console(width=200)

    with console.capture() as said:
        print_verdicts(record.verdicts(), console)
    junit = write_junit(record.folder, tmp_path / "junit.xml").read_text()
    page = write_page(dossier_of(record.folder)).read_text()

    assert "1  PASS, but not at the first attempt" in said.get()
    assert "attempt 1 ABORTED" in junit
    assert "attempt 2 PASS" in junit
    assert "ABORTED" in page
    assert record.verdicts().items[0].reason == "attempt 1 ABORTED, attempt 2 PASS"
