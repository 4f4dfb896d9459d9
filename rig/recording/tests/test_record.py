import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rig.recording import (
    Entry,
    Plan,
    RecordError,
    RunRecord,
    Trace,
    TraceEvent,
    TraceExpectation,
    Verdict,
    as_json,
    attempt_path,
    read_trace,
)

Plans = Callable[..., Plan]
Entries = Callable[..., list[Entry]]


@pytest.fixture
def record(tmp_path: Path, plan_of_tests: Plans) -> RunRecord:
    record = RunRecord(tmp_path / "run")
    record.write_plan(plan_of_tests("test_a"))
    return record


@pytest.fixture
def played(record: RunRecord, entries_of: Entries) -> RunRecord:
    for entry in entries_of("test_a", [Verdict.PASS]):
        record.journal(entry)
    return record


def altered(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_plan_reads_back_as_it_was_written(record: RunRecord, plan_of_tests: Plans) -> None:
    assert record.plan() == plan_of_tests("test_a")


def test_a_plan_is_frozen(record: RunRecord, plan_of_tests: Plans) -> None:
    with pytest.raises(RecordError, match="the plan is frozen"):
        record.write_plan(plan_of_tests("test_b"))


def test_an_altered_plan_is_refused(record: RunRecord) -> None:
    altered(record.folder / "plan.json", lambda plan: plan["run"].update(firmware="1.37"))

    with pytest.raises(RecordError, match=r"plan.json: sha256 is not the hash of the plan"):
        record.plan()


def test_the_hash_does_not_depend_on_the_layout_of_the_file(record: RunRecord) -> None:
    path = record.folder / "plan.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4))

    assert record.plan().run.firmware == "1.38"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            lambda plan: plan["rows"][0].update(basis="guess"),
            r'rows\[0\].basis is "guess"; allowed: one of stated, public, chosen',
            id="a word that is not allowed",
        ),
        pytest.param(
            lambda plan: plan["rows"][0].pop("holds"),
            r"rows\[0\].holds is missing; allowed: true or false",
            id="a field that is missing",
        ),
        pytest.param(
            lambda plan: plan["run"].update(seed="7"),
            r'run.seed is "7"; allowed: a whole number',
            id="a field of another type",
        ),
        pytest.param(
            lambda plan: plan["run"].update(started="2026-11-22T17:00:00+01:00"),
            r"run.started is .*; allowed: a time in UTC",
            id="a time that is not in UTC",
        ),
        pytest.param(
            lambda plan: plan["rows"].append(plan["rows"][0]),
            r'rows is "v1.08-04"; allowed: every id once',
            id="an id twice",
        ),
        pytest.param(
            lambda plan: plan.update(format=2), r"format is 2; allowed: 1", id="another format"
        ),
    ],
)
def test_a_corrupt_plan_is_explained_in_one_line(
    record: RunRecord, change: Callable[[dict[str, object]], object], said: str
) -> None:
    altered(record.folder / "plan.json", change)

    with pytest.raises(RecordError, match=said) as raised:
        record.plan()
    assert "\n" not in str(raised.value)


def test_a_plan_that_is_not_json_is_explained(record: RunRecord) -> None:
    (record.folder / "plan.json").write_text("{")

    with pytest.raises(RecordError, match=r"plan.json: line 1: not JSON"):
        record.plan()


def test_a_missing_plan_is_explained(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"plan.json: no such file"):
        RunRecord(tmp_path).plan()


def test_the_journal_reads_back_as_it_was_written(played: RunRecord, entries_of: Entries) -> None:
    assert list(played.entries()) == entries_of("test_a", [Verdict.PASS])


def test_a_torn_last_line_was_never_on_the_record(played: RunRecord) -> None:
    path = played.folder / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-40])

    assert len(played.entries()) == 1


def test_mending_lets_a_resumed_run_append(played: RunRecord, entries_of: Entries) -> None:
    path = played.folder / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-40])

    assert played.mend()
    played.journal(entries_of("test_a", [Verdict.PASS])[1])

    assert len(played.entries()) == 2


def test_a_whole_journal_needs_no_mending(played: RunRecord) -> None:
    assert not played.mend()


def test_a_corrupt_line_names_its_number(played: RunRecord) -> None:
    path = played.folder / "journal.jsonl"
    path.write_text("{}\n" + path.read_text())

    with pytest.raises(RecordError, match=r"journal.jsonl:1: what is missing; allowed"):
        played.entries()


def test_an_unknown_verdict_in_the_journal_is_refused(played: RunRecord) -> None:
    path = played.folder / "journal.jsonl"
    path.write_text(path.read_text().replace('"PASS"', '"GOOD"'))

    with pytest.raises(RecordError, match=r'jsonl:2: .*verdict is "GOOD"; allowed: one of NOT RUN'):
        played.entries()


WRITER = """
import sys
from pathlib import Path
from rig.recording import RunRecord, Started
record = RunRecord(Path(sys.argv[1]))
for number in range(1, 41):
    test = "test_" + sys.argv[2] * 3000
    record.journal(Started(attempt=f"v1.08-04/{test}/{number}", item="v1.08-04", test=test,
                           number=number, firmware="1.38", utc="2026-11-22T17:00:00+00:00"))
"""


def test_several_processes_may_write_one_journal(record: RunRecord) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(record.folder), name]) for name in "abc"
    ]

    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert len(record.entries()) == 120


def test_finishing_writes_what_plan_and_journal_give(played: RunRecord) -> None:
    verdicts = played.finish("2026-11-22T18:00:00+00:00")

    content = json.loads((played.folder / "verdicts.json").read_text())
    assert content == as_json(verdicts)
    assert content["items"][0]["verdict"] == "PASS"


def test_a_sound_record_has_no_problems(played: RunRecord) -> None:
    played.finish("2026-11-22T18:00:00+00:00")

    assert played.problems() == ()


def test_a_forged_verdict_is_found(played: RunRecord) -> None:
    played.finish("2026-11-22T18:00:00+00:00")
    altered(
        played.folder / "verdicts.json", lambda content: content["items"][0].update(reason="fine")
    )

    assert played.problems() == (
        "verdicts.json: differs from what plan.json and journal.jsonl give",
    )


def test_a_run_that_was_cut_off_says_so(played: RunRecord) -> None:
    assert played.problems() == ("verdicts.json: missing: the run was cut off",)


def test_evidence_is_named_relative_to_the_run_with_its_hash(record: RunRecord) -> None:
    path = record.attempt_folder("v1.08-04", "test_a", 1) / "frames.blf"
    path.write_bytes(b"abc")

    (evidence,) = record.evidence([path])

    assert evidence.path == "attempts/v1.08-04/test_a-1/frames.blf"
    assert evidence.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("harm", ["alter", "delete"])
def test_harmed_evidence_is_found(record: RunRecord, harm: str) -> None:
    path = record.attempt_folder("v1.08-04", "test_a", 1) / "frames.blf"
    path.write_bytes(b"abc")
    evidence = record.evidence([path])

    path.write_bytes(b"abd") if harm == "alter" else path.unlink()

    assert len(record.evidence_problems(evidence)) == 1


def test_names_that_a_file_system_does_not_take_stay_apart() -> None:
    one = attempt_path("v1.08-04", "test_a[1/2]", 1)
    other = attempt_path("v1.08-04", "test_a[1?2]", 1)

    assert one != other
    assert one.count("/") == 2


def test_a_trace_reads_back_as_it_was_written(record: RunRecord) -> None:
    trace = Trace(
        item="v1.08-04",
        test="test_a",
        firmware="1.38",
        seed=7,
        start_state={"soc_pct": [98, 99.5]},
        expectations=(TraceExpectation(t_s=1.0, what="becomes", outcome="met", text="it opens"),),
        events=(TraceEvent(t_s=0.5, lane="CAN", text="request"),),
        plot=("bus voltage",),
    )

    path = record.write_trace(record.attempt_folder("v1.08-04", "test_a", 1), trace)

    assert read_trace(path) == trace
