"""PROVISIONAL and PARTIAL stand on every view, and a run so marked is never a RELEASE."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reports.allure import write_allure
from reports.dossier import Release, Status, dossier_of
from reports.junit import write_junit
from reports.page import write_page
from reports.pdf import content_of
from rig.recording import EarlierRun, RunRecord, Verdict

Maker = Callable[..., RunRecord]
FINISHED = "2026-11-22T17:12:30+00:00"
STORY = {"v1.08-01": (Verdict.PASS,), "v1.08-04": ()}


def marked(run_maker: Maker, folder: Path, *marks: str, last: Verdict = Verdict.PASS) -> RunRecord:
    """A run of two rows; the second passed, or is carried over from an earlier run."""
    partial = "PARTIAL" in marks
    record = run_maker(folder, STORY if partial else {**STORY, "v1.08-04": (last,)})
    plan = record.plan()
    run = plan.run
    if "PROVISIONAL" in marks:
        run = replace(run, judged_as="1.37")
    rows = list(plan.rows)
    if partial:
        run = replace(run, unchanged_since=EarlierRun(run="monday", manifest_sha256="12" * 32))
        told = "unchanged since monday: PASS there"
        carried = replace(rows[1], reason=told, carried_from="monday", firmware=None, tests=())
        rows[1] = carried
    (record.folder / "plan.json").unlink()
    record.write_plan(replace(plan, run=run, rows=tuple(rows)))
    record.finish(FINISHED)
    return record


CASES = {
    "neither": ((), "RELEASE"),
    "provisional": (("PROVISIONAL",), "PROVISIONAL"),
    "partial": (("PARTIAL",), "PARTIAL"),
    "both": (("PROVISIONAL", "PARTIAL"), "PROVISIONAL, PARTIAL"),
}


@pytest.mark.parametrize(("marks", "headline"), CASES.values(), ids=CASES)
def test_the_headline_is_the_mark_and_never_a_release(
    run_maker: Maker, tmp_path: Path, marks: tuple[str, ...], headline: str
) -> None:
    found = dossier_of(marked(run_maker, tmp_path / "run", *marks).folder)

    assert found.headline == headline
    assert (found.release is Release.RELEASE) is (not marks)


@pytest.mark.parametrize("mark", ["PROVISIONAL", "PARTIAL"])
def test_every_view_shows_the_mark(run_maker: Maker, tmp_path: Path, mark: str) -> None:
    folder = marked(run_maker, tmp_path / "run", mark).folder
    write_allure(folder, tmp_path / "allure")

    dossier = dossier_of(folder)
    views = {
        "page": write_page(dossier).read_text(),
        "pdf": str(content_of(dossier)["headline"]),
        "junit": write_junit(folder, tmp_path / "junit.xml").read_text(),
        "allure": (tmp_path / "allure" / "environment.properties").read_text(),
        "verdicts": "; ".join(RunRecord(folder).verdicts().run.marks),
    }

    assert [name for name, text in views.items() if mark not in text] == []


def test_a_provisional_run_that_failed_is_no_release_and_still_provisional(
    run_maker: Maker, tmp_path: Path
) -> None:
    record = marked(run_maker, tmp_path / "run", "PROVISIONAL", last=Verdict.FAIL)

    assert dossier_of(record.folder).headline == "PROVISIONAL, NO RELEASE"


def test_what_is_carried_over_is_not_run_and_names_the_run_that_proved_it(
    run_maker: Maker, tmp_path: Path
) -> None:
    found = dossier_of(marked(run_maker, tmp_path / "run", "PARTIAL").folder)

    row = found.with_status(Status.CARRIED)[0]
    assert (row.id, row.view.verdict) == ("v1.08-04", Verdict.NOT_RUN)
    assert row.view.item.reason == "unchanged since monday: PASS there"
    assert any(
        "Rows not run here: 1. They passed in monday (manifest 1212" in s for s in found.cautions
    )


def test_a_record_of_before_there_were_marks_is_still_sound(
    run_maker: Maker, tmp_path: Path
) -> None:
    text = (marked(run_maker, tmp_path / "run").folder / "verdicts.json").read_text()

    assert "judged_as" not in text
    assert "unchanged_since" not in text
