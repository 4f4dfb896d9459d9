import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rig.recording import (
    Ended,
    Measurement,
    RecordError,
    RunRecord,
    Verdict,
    read_manifest,
    verify_record,
    write_manifest,
)
from rig.recording.verifying import possible_verdicts

Sealed = Callable[..., RunRecord]
FRAMES = "attempts/v1.08-04/test_a-1/frames.blf"


def problems(record: RunRecord) -> tuple[str, ...]:
    return verify_record(record.folder).problems


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def unsealed(record: RunRecord) -> RunRecord:
    """As a forger leaves it who has no use for a manifest."""
    (record.folder / "manifest.json").unlink()
    return record


def test_a_run_as_it_was_left_is_sound(sealed: RunRecord) -> None:
    found = verify_record(sealed.folder)

    assert found.problems == ()
    assert (found.tests_planned, found.tests_run, found.tests_not_started) == (2, 2, 0)
    assert (found.rows, found.rows_not_run, found.attempts) == (1, 0, 2)


def test_a_run_without_a_manifest_is_told_from_a_sealed_one(sealed: RunRecord) -> None:
    found = verify_record(unsealed(sealed).folder)

    assert found.sound
    assert "manifest.json: missing" in found.remarks[0]


def test_a_run_is_sealed_once(sealed: RunRecord) -> None:
    with pytest.raises(RecordError, match="the run is sealed"):
        write_manifest(sealed.folder, "r1")


def test_altered_evidence_is_named(sealed: RunRecord) -> None:
    (sealed.folder / FRAMES).write_bytes(b"forged")

    assert problems(sealed) == (
        f"{FRAMES}: differs from its SHA-256 in manifest.json",
        f"{FRAMES}: differs from its SHA-256 in journal.jsonl",
    )


def test_removed_evidence_is_named(sealed: RunRecord) -> None:
    (sealed.folder / FRAMES).unlink()

    assert problems(sealed) == (
        f"{FRAMES}: missing, though manifest.json lists it",
        f"{FRAMES}: missing, though journal.jsonl names it as evidence",
    )


def test_removed_evidence_is_named_without_a_manifest(sealed: RunRecord) -> None:
    (unsealed(sealed).folder / FRAMES).unlink()

    assert problems(sealed) == (f"{FRAMES}: missing, though journal.jsonl names it as evidence",)


def test_added_evidence_is_named(sealed: RunRecord) -> None:
    added = sealed.folder / "attempts/v1.08-04/test_a-2/frames.blf"
    added.parent.mkdir()
    added.write_bytes(b"x")

    assert problems(sealed) == (
        "attempts/v1.08-04/test_a-2/frames.blf: added since the run was sealed",
        "attempts/v1.08-04/test_a-2/frames.blf: of no attempt that journal.jsonl knows",
    )


def test_a_changed_verdict_is_named_with_its_row(sealed: RunRecord) -> None:
    rewrite(unsealed(sealed).folder / "verdicts.json", '"FAIL"', '"PASS"')

    assert problems(sealed) == ("v1.08-04: verdicts.json says PASS, plan and journal give FAIL",)


def test_a_verdict_changed_in_journal_and_verdicts_is_named(sealed: RunRecord) -> None:
    folder = unsealed(sealed).folder
    rewrite(folder / "journal.jsonl", '"FAIL"', '"PASS"')
    RunRecord(folder).finish("2026-11-22T17:00:00+00:00")

    assert problems(sealed) == ("v1.08-04/test_b/1: PASS, though its trace says unmet: opens",)


def test_a_whole_forgery_is_told_by_the_number_on_paper(
    sealed: RunRecord, make_sealed: Sealed
) -> None:
    on_paper = read_manifest(sealed.folder / "manifest.json").sha256
    forged = make_sealed("forged", b=Verdict.PASS)

    assert verify_record(sealed.folder, on_paper).sound
    assert verify_record(forged.folder).sound
    assert "expected " + on_paper in verify_record(forged.folder, on_paper).problems[0]


def test_a_swapped_plan_is_named(sealed: RunRecord, make_sealed: Sealed) -> None:
    other = make_sealed("other", run="r2")
    shutil.copy(other.folder / "plan.json", sealed.folder / "plan.json")

    found = problems(sealed)

    assert "plan.json: differs from its SHA-256 in manifest.json" in found
    assert "plan.json: of run 'r2', but verdicts.json is of run 'r1'" in found


def test_a_swapped_plan_is_named_without_a_manifest(sealed: RunRecord, make_sealed: Sealed) -> None:
    other = make_sealed("other", run="r2")
    shutil.copy(other.folder / "plan.json", unsealed(sealed).folder / "plan.json")

    assert "plan.json: of run 'r2', but verdicts.json is of run 'r1'" in problems(sealed)


def test_a_plan_of_another_firmware_is_named(sealed: RunRecord) -> None:
    plan = unsealed(sealed).plan()
    (sealed.folder / "plan.json").unlink()
    rows = tuple(replace(row, firmware="1.37") for row in plan.rows)
    sealed.write_plan(replace(plan, rows=rows))

    assert "v1.08-04: plan.json says firmware 1.37, journal.jsonl ran 1.38" in problems(sealed)


def test_a_test_that_nobody_planned_is_named(sealed: RunRecord) -> None:
    plan = unsealed(sealed).plan()
    (sealed.folder / "plan.json").unlink()
    sealed.write_plan(replace(plan, rows=(replace(plan.rows[0], tests=("test_a",)),)))

    assert "v1.08-04: test_b ran, but plan.json does not plan it" in problems(sealed)


def test_a_test_that_never_started_is_counted(tmp_path: Path, plan_of_tests, entries_of) -> None:
    record = RunRecord(tmp_path / "cut")
    record.write_plan(plan_of_tests("test_a", "test_b"))
    for entry in entries_of("test_a", [Verdict.FAIL]):
        record.journal(entry)

    found = verify_record(record.folder)

    assert (found.tests_planned, found.tests_run, found.tests_not_started) == (2, 1, 1)
    assert "verdicts.json: missing: the run was cut off" in found.problems


def test_a_pass_without_evidence_is_named(tmp_path: Path, plan_of_tests, entries_of) -> None:
    record = RunRecord(tmp_path / "bare")
    record.write_plan(plan_of_tests("test_a"))
    for entry in entries_of("test_a", [Verdict.PASS]):
        record.journal(entry)
    record.finish("2026-11-22T18:00:00+00:00")

    assert problems(record) == ("v1.08-04/test_a/1: PASS without any evidence",)


def test_a_verdict_that_its_own_measurement_contradicts_is_named(
    tmp_path: Path, plan_of_tests, entries_of
) -> None:
    record = RunRecord(tmp_path / "odd")
    record.write_plan(plan_of_tests("test_a"))
    for entry in entries_of("test_a", [Verdict.PASS]):
        if isinstance(entry, Ended):
            entry = replace(entry, measurements=(replace(entry.measurements[0], value=2.0),))  # noqa: PLW2901
        record.journal(entry)
    record.finish("2026-11-22T18:00:00+00:00")

    said = "delay of test_a 1 is stated as PASS, its value and limits give FAIL"
    assert f"v1.08-04/test_a/1: {said}" in problems(record)


@pytest.mark.parametrize("name", ["plan.json", "journal.jsonl", "verdicts.json", "manifest.json"])
def test_a_file_that_is_cut_is_named_and_nothing_crashes(sealed: RunRecord, name: str) -> None:
    path = sealed.folder / name
    path.write_bytes(path.read_bytes()[:-40])

    assert any(name in said for said in problems(sealed))


def test_a_problem_does_not_tell_where_the_record_lies(sealed: RunRecord) -> None:
    (sealed.folder / "journal.jsonl").write_text("{\n")

    assert not any(str(sealed.folder) in said for said in problems(sealed))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no such run"):
        verify_record(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("value", "uncertainty", "possible"),
    [
        pytest.param(5.0, 0.0, {"PASS"}, id="inside"),
        pytest.param(4.89, 0.0, {"FAIL"}, id="outside"),
        pytest.param(4.9, 0.0, {"PASS"}, id="at the limit"),
        pytest.param(4.905, 0.01, {"PASS", "INCONCLUSIVE"}, id="inside by less than U"),
        pytest.param(4.895, 0.01, {"FAIL", "INCONCLUSIVE"}, id="outside by less than U"),
        pytest.param(None, 0.0, {"FAIL"}, id="no reading"),
    ],
)
def test_a_measurement_leaves_these_verdicts_open(
    value: float | None, uncertainty: float, possible: set[str]
) -> None:
    measurement = Measurement(
        name="delay",
        value=value,
        unit="s",
        low=4.9,
        high=5.1,
        uncertainty=uncertainty,
        rule="simple",
        verdict=Verdict.PASS,
        t_s=0.0,
    )

    assert possible_verdicts(measurement) == possible


def test_the_manifest_covers_what_the_run_left_and_no_view(sealed: RunRecord) -> None:
    (sealed.folder / "report.html").write_text("a view")
    paths = [each.path for each in read_manifest(sealed.folder / "manifest.json").files]

    assert paths == [
        "attempts/v1.08-04/test_a-1/frames.blf",
        "attempts/v1.08-04/test_a-1/trace.json",
        "attempts/v1.08-04/test_b-1/frames.blf",
        "attempts/v1.08-04/test_b-1/trace.json",
        "journal.jsonl",
        "plan.json",
        "verdicts.json",
    ]
    assert verify_record(sealed.folder).sound


def test_a_manifest_in_another_spelling_is_refused(sealed: RunRecord) -> None:
    path = sealed.folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1))

    with pytest.raises(RecordError, match="not in the form"):
        read_manifest(path)
