"""What a dossier says of a release: only what the record bears, and never more."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from reports.comparison import keep_for_comparison, margin_pct
from reports.dossier import CalibrationState, Dossier, Release, Status, dossier_of
from reports.lab import read_lab
from reports.pdf import content_of
from reports.proof import Standing
from rig.recording import (
    BenchCheck,
    BenchFacts,
    Ended,
    InstrumentFacts,
    RecordError,
    RunRecord,
    SelfTest,
    Started,
    Verdict,
    write_manifest,
)

Maker = Callable[..., RunRecord]
# What an attempt can come to; NOT VERIFIED is a row's only, see test_never_pass.py.
NOT_BAD = {Verdict.PASS, Verdict.NOT_RUN, Verdict.NOT_VERIFIED}
BAD = tuple(v for v in Verdict if v not in NOT_BAD)

DEVIATION = """
[lab]
name = "Battery laboratory"
approver = "J. Smith"

[[deviation]]
rows = ["{row}"]
covers = ["{covers}"]
reason = "known"
ticket = "LAB-7"
approver = "J. Smith"
approved = 2026-11-01
expires = {expires}
"""


def lab(folder: Path, row: str, covers: str, expires: str = "2026-11-22") -> Path:
    path = folder / "lab.toml"
    path.write_text(DEVIATION.format(row=row, covers=covers, expires=expires))
    return path


@pytest.fixture
def good(run_maker: Maker, tmp_path: Path) -> RunRecord:
    story = {"v1.08-01": (Verdict.PASS,), "v1.08-04": (Verdict.PASS,)}
    return run_maker(tmp_path / "good", story)


def one_bad(run_maker: Maker, tmp_path: Path, *verdicts: Verdict | None) -> RunRecord:
    story = {"v1.08-01": (Verdict.PASS,), "v1.08-05": verdicts}
    return run_maker(tmp_path / "bad", story)


def release_of(record: RunRecord) -> tuple[Release, tuple[str, ...]]:
    found = dossier_of(record.folder)
    return found.release, found.reasons


def test_a_run_in_which_every_row_passed_is_a_release(good: RunRecord) -> None:
    assert release_of(good)[0] is Release.RELEASE


@pytest.mark.parametrize("verdict", BAD)
def test_a_row_with_any_other_verdict_is_no_release(
    run_maker: Maker, tmp_path: Path, verdict: Verdict
) -> None:
    tries = {Verdict.FLAKY: (Verdict.FAIL, Verdict.PASS), Verdict.ABORTED: (None,)}
    record = one_bad(run_maker, tmp_path, *tries.get(verdict, (verdict,)))

    assert release_of(record) == (
        Release.NO_RELEASE,
        (f"1 row {verdict}, and no deviation accepts it",),
    )


def test_a_row_that_applies_and_was_not_run_is_no_release(run_maker: Maker, tmp_path: Path) -> None:
    assert release_of(one_bad(run_maker, tmp_path)) == (
        Release.NO_RELEASE,
        ("1 row NOT RUN (not started), and no deviation accepts it",),
    )


def test_a_run_in_which_nothing_ran_is_no_release(run_maker: Maker, tmp_path: Path) -> None:
    record = run_maker(tmp_path / "idle", {"v1.08-04": ()})
    lab(record.folder, "v1.08-04", "NOT RUN")

    assert release_of(record) == (Release.NO_RELEASE, ("no row is verified",))


def test_a_deviation_in_force_accepts_a_failure_and_does_not_make_it_a_pass(
    run_maker: Maker, tmp_path: Path
) -> None:
    record = one_bad(run_maker, tmp_path, Verdict.FAIL)
    lab(record.folder, "v1.08-05", "FAIL")

    found = dossier_of(record.folder)

    assert found.release is Release.WITH_DEVIATIONS
    assert [(row.id, row.view.verdict) for row in found.with_status(Status.DEVIATION)] == [
        ("v1.08-05", Verdict.FAIL)
    ]


@pytest.mark.parametrize(
    ("covers", "expires"),
    [
        pytest.param("FAIL", "2026-11-21", id="expired the day before"),
        pytest.param("NOT RUN", "2027-11-22", id="written for another verdict"),
    ],
)
def test_a_deviation_that_does_not_fit_accepts_nothing(
    run_maker: Maker, tmp_path: Path, covers: str, expires: str
) -> None:
    record = one_bad(run_maker, tmp_path, Verdict.FAIL)
    lab(record.folder, "v1.08-05", covers, expires)

    assert release_of(record)[0] is Release.NO_RELEASE


def test_an_expired_deviation_is_told_to_the_signer(run_maker: Maker, tmp_path: Path) -> None:
    record = one_bad(run_maker, tmp_path, Verdict.FAIL)
    lab(record.folder, "v1.08-05", "FAIL", "2026-11-21")

    cautions = dossier_of(record.folder).cautions

    assert "A deviation of v1.08-05 was expired on 2026-11-22." in cautions


def altered(record: RunRecord) -> None:
    (record.folder / "attempts/v1.08-04/test_it-1/frames.blf").write_bytes(b"forged")


def removed(record: RunRecord) -> None:
    (record.folder / "attempts/v1.08-04/test_it-1/signals.bin").unlink()


def cut_off(record: RunRecord) -> None:
    (record.folder / "verdicts.json").unlink()


def forged(record: RunRecord) -> None:
    path = record.folder / "verdicts.json"
    path.write_text(path.read_text().replace("v1.08-04/test_it-1/trace", "v1.08-04/other-1/trace"))


def added(record: RunRecord) -> None:
    write_manifest(record.folder, "2026-11-22-night")
    (record.folder / "attempts/v1.08-04/test_it-1/more.bin").write_bytes(b"x")


@pytest.mark.parametrize("spoil", [altered, removed, cut_off, forged, added])
def test_a_record_that_cannot_be_believed_is_invalid(
    good: RunRecord, spoil: Callable[[RunRecord], None]
) -> None:
    spoil(good)
    lab(good.folder, "v1.08-04", "BROKEN")  # which no deviation can mend

    assert release_of(good)[0] is Release.INVALID


@pytest.mark.parametrize("spoil", [altered, removed])
def test_evidence_that_is_gone_or_altered_is_a_pass_nowhere(
    good: RunRecord, spoil: Callable[[RunRecord], None]
) -> None:
    spoil(good)

    found = dossier_of(good.folder)
    row = next(row for row in found.rows if row.id == "v1.08-04")
    on_paper = next(row for row in content_of(found)["rows"] if row["id"] == "v1.08-04")

    assert (row.view.verdict, row.status) == (Verdict.BROKEN, Status.OPEN)
    assert (on_paper["verdict"], on_paper["status"]) == ("BROKEN", "open")


def on_bench(record: RunRecord, kind: str, due: str | None) -> RunRecord:
    """The same run on a bench of one instrument."""
    plan, entries, finished = record.plan(), record.entries(), record.finished()
    instrument = InstrumentFacts(
        role="load",
        model="Chroma 63206A",
        serial="1",
        resource="USB0::1::INSTR",
        certificate="K-1",
        calibrated="2025-11-22",
        due=due,
    )
    facts = BenchFacts(kind=kind, description="", sha256="ab" * 32, instruments=(instrument,))
    (record.folder / "plan.json").unlink()
    (record.folder / "journal.jsonl").unlink()
    record.write_plan(replace(plan, run=replace(plan.run, bench_facts=facts)))
    for entry in entries:
        assert isinstance(entry, Started | Ended)
        record.journal(entry)
    record.finish(str(finished))
    return record


@pytest.mark.parametrize(
    ("kind", "due", "state", "release"),
    [
        pytest.param("lab", "2026-11-22", "valid", "RELEASE", id="due today"),
        pytest.param("lab", "2026-11-21", "overdue", "INVALID", id="due yesterday"),
        pytest.param("lab", None, "not stated", "INVALID", id="not stated"),
        pytest.param("simulated", None, "twin, none needed", "RELEASE", id="a twin"),
    ],
)
def test_an_overdue_calibration_makes_the_dossier_invalid(
    good: RunRecord, kind: str, due: str | None, state: str, release: str
) -> None:
    found = dossier_of(on_bench(good, kind, due).folder)

    assert [each.state for each in found.instruments] == [CalibrationState(state)]
    assert found.release == release


def test_a_record_that_does_not_say_what_stood_on_the_bench_is_invalid(good: RunRecord) -> None:
    plan = good.plan()
    (good.folder / "plan.json").unlink()
    good.write_plan(replace(plan, run=replace(plan.run, bench_facts=None)))

    assert release_of(good) == (
        Release.INVALID,
        ("the record does not say what stood on the bench",),
    )


@pytest.mark.parametrize(
    ("checks", "release"),
    [
        pytest.param((True, True), Release.RELEASE, id="all passed"),
        pytest.param((True, False), Release.INVALID, id="one failed"),
        pytest.param((), Release.INVALID, id="none was made"),
    ],
)
def test_a_failed_self_test_makes_the_dossier_invalid(
    good: RunRecord, checks: tuple[bool, ...], release: Release
) -> None:
    made = tuple(BenchCheck(name=f"check {n}", passed=p, said="1 V") for n, p in enumerate(checks))
    good.write_self_test("after", SelfTest(utc="2026-11-22T17:12:00+00:00", checks=made))

    assert release_of(good)[0] is release


def test_a_self_test_that_is_missing_is_said_to_be(good: RunRecord) -> None:
    cautions = dossier_of(good.folder).cautions

    assert "The record has no self-test of the bench before or after the run." in cautions


def matrix(folder: Path, **cell: object) -> None:
    usual = {
        "item": "v1.08-04",
        "firmware": "1.07",
        "mode": "edge",
        "claimed": False,
        "measured": False,
        "unmet": "test_04.py:12",
        "reason": "opened after 2.0 s",
        "scenario_sha256": "ab" * 32,
    }
    (folder / "matrix.json").write_text(json.dumps([{**usual, **cell}]))


def proof_in(folder: Path, item: str = "v1.08-04") -> tuple[Standing, str]:
    row = next(row for row in dossier_of(folder).rows if row.id == item)
    return row.proof.standing, row.proof.device


def test_a_row_quotes_the_cell_in_which_its_scenario_failed(good: RunRecord) -> None:
    matrix(good.folder)

    assert proof_in(good.folder) == (Standing.SHOWN, "1.07")
    assert proof_in(good.folder, "v1.08-01") == (Standing.NOT_SHOWN, "")


@pytest.mark.parametrize(
    ("cell", "standing"),
    [
        ({"measured": True}, Standing.NOT_SHOWN),
        ({"measured": "NotReady: no start"}, Standing.NOT_SHOWN),
        ({"claimed": True, "measured": False}, Standing.NOT_SHOWN),
        ({"scenario_sha256": "cd" * 32}, Standing.ANOTHER_FILE),
        ({"scenario_sha256": None}, Standing.ANOTHER_FILE),
    ],
    ids=["it passed", "something else", "where it should pass", "older file", "unknown file"],
)
def test_other_cells_do_not_show_that_this_scenario_can_fail(
    good: RunRecord, cell: dict[str, object], standing: Standing
) -> None:
    matrix(good.folder, **cell)

    assert proof_in(good.folder)[0] is standing


def test_a_cell_that_differs_from_its_claim_is_told_to_the_signer(good: RunRecord) -> None:
    matrix(good.folder, measured=True)

    cautions = dossier_of(good.folder).cautions

    assert any(each.startswith("In 1 cells of the matrix") for each in cautions)


def test_without_a_matrix_nothing_is_shown_able_to_fail(good: RunRecord) -> None:
    found = dossier_of(good.folder)

    assert {row.proof.standing for row in found.rows} == {Standing.NOT_SHOWN}
    assert any("2 of the verified rows are not shown able to fail" in c for c in found.cautions)


def renamed(record: RunRecord, run: str, *, statement: str | None = None) -> RunRecord:
    """The same run under another name, so that it can be an earlier one."""
    plan, entries, finished = record.plan(), record.entries(), record.finished()
    for name in ("plan.json", "journal.jsonl"):
        (record.folder / name).unlink()
    rows = tuple(
        replace(row, statement=statement if statement is not None else row.statement)
        for row in plan.rows
    )
    record.write_plan(replace(plan, run=replace(plan.run, id=run), rows=rows))
    for entry in entries:
        record.journal(entry)
    record.finish(str(finished))
    return record


def test_a_verdict_that_changed_since_the_earlier_run_is_listed(
    good: RunRecord, run_maker: Maker, tmp_path: Path
) -> None:
    story = {"v1.08-01": (Verdict.PASS,), "v1.08-04": (Verdict.FAIL,)}
    earlier = renamed(run_maker(tmp_path / "earlier", story), "earlier")
    keep_for_comparison(earlier.folder, good.folder)

    found = dossier_of(good.folder).comparison

    assert found is not None
    assert [(c.id, c.before, c.now) for c in found.changes] == [
        ("v1.08-04", Verdict.FAIL, Verdict.PASS)
    ]


def test_a_statement_that_changed_under_its_scenario_is_a_suspect_link(
    good: RunRecord, tmp_path: Path
) -> None:
    earlier = RunRecord(Path(shutil.copytree(good.folder, tmp_path / "earlier")))
    keep_for_comparison(renamed(earlier, "earlier", statement="older").folder, good.folder)

    found = dossier_of(good.folder).comparison

    assert found is not None
    assert found.suspects == ("v1.08-01", "v1.08-04")


def test_a_run_is_not_compared_with_itself(good: RunRecord) -> None:
    with pytest.raises(RecordError, match="this very run"):
        keep_for_comparison(good.folder, good.folder)


def test_a_margin_is_a_part_of_the_permitted_band(good: RunRecord) -> None:
    measurement = good.verdicts().items[0].measurements[0]  # 5.0032 in 4.9 to 5.1

    assert margin_pct(measurement) == pytest.approx(48.4)
    assert margin_pct(replace(measurement, value=4.8)) == pytest.approx(-50)
    assert margin_pct(replace(measurement, high=None)) is None


def test_every_attempt_is_counted_and_not_only_the_last(run: RunRecord) -> None:
    retries = dossier_of(run.folder).retries

    assert (retries.tests, retries.attempts, retries.first_passed) == (7, 8, 2)
    assert retries.flaky == ("v1.09-06",)


def test_failures_come_before_all_others(run: RunRecord) -> None:
    found: Dossier = dossier_of(run.folder)

    verdicts = [row.view.verdict for row in found.worst_first]
    assert verdicts == sorted(verdicts, key=lambda verdict: -verdict.severity)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('rows = ["v1.08-04"]', 'rows = ["v9"]', "deviation 1: rows is 'v9'; allowed: an id"),
        ('covers = ["FAIL"]', 'covers = ["PASS"]', "covers is 'PASS'; allowed: NOT RUN, "),
        ('approver = "J. Smith"\napproved', "approved", "deviation 1: approver is missing"),
        ("expires = 2026-11-22", "expires = 2026-10-22", "expires is '2026-10-22'; allowed: a day"),
        ("expires = 2026-11-22", 'expires = "soon"', "expires is 'soon'; allowed: a day"),
        ("ticket", "tiket", "deviation 1: tiket is 'unknown'; allowed: rows, covers"),
        ("[lab]", "[lab", "is no TOML"),
    ],
    ids=["row", "pass", "approver", "expires before", "no day", "unknown field", "no TOML"],
)
def test_a_lab_file_is_refused_with_file_field_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = lab(tmp_path, "v1.08-04", "FAIL")
    path.write_text(path.read_text().replace(old, new))

    with pytest.raises(RecordError) as error:
        read_lab(path, ["v1.08-04"])

    assert str(error.value).startswith(f"{path}: ")
    assert said in str(error.value)


def test_a_lab_file_reads_as_it_was_written(tmp_path: Path) -> None:
    found = read_lab(lab(tmp_path, "v1.08-04", "FAIL"), ["v1.08-04"])

    assert dict(found.people) == {"name": "Battery laboratory", "approver": "J. Smith"}
    assert found.deviations[0].accepts("v1.08-04", Verdict.FAIL)
    assert not found.deviations[0].accepts("v1.08-04", Verdict.BROKEN)
    assert found.deviations[0].counts_on(date(2026, 11, 1))
    assert not found.deviations[0].counts_on(date(2026, 10, 31))
