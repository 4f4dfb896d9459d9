"""What the page says of a run, at every moment of it."""

import os
from datetime import datetime

import pytest

from rig.live.durations import durations_of, known_durations
from rig.live.reader import RecordReader
from rig.live.state import snapshot
from rig.operator.questions import put
from rig.recording import BenchCheck, SelfTest, Session, SignalWriter, Verdict

PASS, FAIL, BROKEN = Verdict.PASS, Verdict.FAIL, Verdict.BROKEN
ITEMS = ("v1.08-04", "v1.08-05", "v1.09-06")
START_S = datetime.fromisoformat("2026-11-22T21:00:00Z").timestamp()


@pytest.fixture
def look():
    """The run as it shows so many seconds after its start, its files as old as the run's clock."""

    def looked(run, at_s, durations=None, written_s=None):
        for name in ("plan.json", "journal.jsonl"):
            if (run.folder / name).exists():
                written = START_S + (at_s if written_s is None else written_s)
                os.utime(run.folder / name, (written, written))
        return snapshot(run.folder, durations or {}, START_S + at_s)

    return looked


def test_a_folder_without_a_plan_is_waited_for(tmp_path):
    assert snapshot(tmp_path, {}, START_S).phase == "waiting"


def test_what_runs_is_told_with_its_time_and_the_usual_time(growing, look):
    run = growing()
    run.start("v1.08-04", 5)

    seen = look(run, 12, {("v1.08-04", "test_it"): 30.0})

    (now,) = seen.now
    assert (now.item, now.test, now.statement) == ("v1.08-04", "test_it", "what v1.08-04 says")
    assert (now.elapsed_s, now.expected_s) == (7.0, 30.0)
    assert (seen.phase, seen.tests_planned, seen.tests_ended) == ("running", 3, 0)


def test_a_row_has_no_verdict_before_it_has_one(growing, look):
    run = growing()
    run.start("v1.08-04", 0)
    run.end("v1.08-04", 10, PASS)
    run.start("v1.08-05", 10)

    seen = look(run, 12)

    assert [(row.id, row.verdict, row.running) for row in seen.rows] == [
        ("v1.08-04", "PASS", False),
        ("v1.08-05", "", True),
        ("v1.09-06", "", False),
        ("v1.38-01", "NOT RUN", False),
    ]
    assert seen.counts == {"PASS": 1, "NOT RUN": 1}


def test_the_last_failure_is_told_in_one_sentence(growing, look):
    run = growing()
    for n, (item, verdict) in enumerate(zip(ITEMS, (FAIL, BROKEN, PASS), strict=True)):
        run.start(item, 20 * n)
        run.end(item, 20 * n + 10, verdict, reason=f"{item}: it\n  did something else")

    seen = look(run, 60)

    assert seen.failure is not None
    assert (seen.failure.item, seen.failure.verdict) == ("v1.08-05", "BROKEN")
    assert seen.failure.sentence == "v1.08-05: it did something else"
    assert list(seen.counts) == ["BROKEN", "FAIL", "PASS", "NOT RUN"]


def test_how_long_yet_follows_from_earlier_runs(growing, look):
    run = growing()
    run.start("v1.08-04", 0)
    run.end("v1.08-04", 10, PASS, wall_s=10.0)
    run.start("v1.08-05", 10)
    known = {(item, "test_it"): 30.0 for item in ITEMS}

    # 25 s of the one that runs, 30 s of the one to come.
    assert look(run, 15, known).left_s == pytest.approx(55.0)


def test_how_long_yet_follows_from_this_run_where_nothing_is_known(growing, look):
    run = growing()
    assert look(run, 1).left_s is None
    run.start("v1.08-04", 0)
    run.end("v1.08-04", 10, PASS, wall_s=10.0)

    assert look(run, 10).left_s == pytest.approx(20.0)


def test_a_test_that_overruns_its_time_does_not_make_the_rest_shorter(growing, look):
    run = growing()
    run.start("v1.08-04", 0)
    known = {(item, "test_it"): 30.0 for item in ITEMS}

    assert look(run, 100, known).left_s == pytest.approx(60.0)


def test_a_run_that_has_ended_is_shown_as_ended(growing, look):
    seen = look(growing().whole(), 4000)

    assert (seen.phase, seen.finished) == ("finished", "2026-11-22T21:30:00Z")
    assert (seen.left_s, seen.now, seen.tests_ended) == (0.0, (), 3)


def test_a_run_that_writes_nothing_any_more_is_quiet(growing, look):
    run = growing()
    run.start("v1.08-04", 0)

    assert look(run, 119, written_s=0).phase == "running"
    seen = look(run, 121, written_s=0)
    assert (seen.phase, seen.quiet_s) == ("quiet", 121.0)
    # A test that usually takes two minutes is given three times that.
    known = {("v1.08-04", "test_it"): 120.0}
    assert look(run, 359, known, written_s=0).phase == "running"
    assert look(run, 361, known, written_s=0).phase == "quiet"


def test_an_attempt_that_was_not_run_says_nothing_of_its_duration_to_who_plans(growing):
    run = growing()
    run.start("v1.08-04", 0)
    run.end("v1.08-04", 0, Verdict.NOT_RUN, wall_s=0.0)
    run.start("v1.08-05", 0)
    run.end("v1.08-05", 9, PASS, wall_s=9.0)
    places = [("v1.08-04", "test_it"), ("v1.08-05", "test_it")]

    known = known_durations(run.folder.parent, "lab-1", places, that_ran=True)

    assert known.measured == {("v1.08-05", "test_it"): 9.0}


def test_a_question_stands_on_top_with_how_to_answer_and_the_run_is_not_quiet(growing, look):
    run = growing()
    run.start("v1.08-04", 0)
    put(
        run.folder / "questions",
        attempt="v1.08-04/test_it/1",
        text="Is the buzzer loud?",
        choices=("yes", "no"),
        asked="2026-11-22T21:00:00Z",
        until_ms=round(1000 * (START_S + 600)),
    )

    seen = look(run, 300, written_s=0)
    later = look(run, 3600, written_s=0)

    assert seen.phase == "running"
    assert seen.marks == (
        "Question of v1.08-04/test_it/1: Is the buzzer loud? To answer, on this machine: "
        f"hil answer {run.folder} yes|no|cannot",
    )
    assert (later.phase, later.marks) == ("quiet", ())


def test_what_an_earlier_session_left_open_does_not_run_any_more(growing, look):
    run = growing()
    run.start("v1.08-04", 0)
    for number, utc, why in (
        (1, "2026-11-22T20:59:00Z", "begun"),
        (2, "2026-11-22T21:05:00Z", "resumed"),
    ):
        run.record.begin_session(Session(number=number, utc=utc, why=why, tests=3, mended=False))
    run.start("v1.08-05", 310)

    seen = look(run, 312)

    assert [each.item for each in seen.now] == ["v1.08-05"]
    assert seen.rows[0].verdict == "ABORTED"
    assert "resumed at 2026-11-22T21:05:00Z" in [note.text for note in seen.notes]


def test_an_overdue_calibration_and_a_failed_self_test_are_told(growing, look):
    run = growing()
    checks = (
        BenchCheck(name="outputs off", passed=True, said="0 V"),
        BenchCheck(name="charger answers", passed=False, said="no answer"),
    )
    run.record.write_self_test("before", SelfTest(utc="2026-11-22T20:59:00Z", checks=checks))

    bad = [note.text for note in look(run, 1).notes if note.tone == "bad"]

    assert bad == [
        "charger (EA): calibration was due 2026-10-01",
        "self-test before failed: charger answers: no answer",
    ]


def test_a_record_that_cannot_be_read_is_said_and_not_raised(growing):
    run = growing()
    with (run.folder / "journal.jsonl").open("ab") as journal:
        journal.write(b"no JSON\n")

    seen = snapshot(run.folder, {}, START_S)

    assert seen.phase == "unreadable"
    assert seen.problem == "journal.jsonl:1: line 1: not JSON: Expecting value"


def test_a_line_that_is_still_being_written_is_waited_for(growing, look):
    run = growing()
    run.start("v1.08-04", 0)
    with (run.folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"what":"END"')

    assert [each.item for each in look(run, 5).now] == ["v1.08-04"]


def test_a_second_look_reads_on_and_sees_what_a_first_would(growing, look):
    run = growing()
    reader = RecordReader(run.folder)
    run.start("v1.08-04", 0)
    with (run.folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"what":"EN')
    assert len(reader.entries()) == 1
    # The torn line is cut off, as a resume does it, and the journal goes on.
    run.record.mend()
    run.end("v1.08-04", 10, PASS)
    run.start("v1.08-05", 10)

    seen = snapshot(run.folder, {}, START_S + 12, reader)

    assert seen == snapshot(run.folder, {}, START_S + 12)
    assert [each.item for each in seen.now] == ["v1.08-05"]


def signals_of(run, item):
    """What a running attempt has on the disk: a file that is not closed."""
    path = run.record.attempt_folder(item, "test_it", 1) / "signals.bin"
    with SignalWriter(path) as writer:
        writer.declare("contactor_aux", "", "digital")
        writer.declare("battery voltage", "V")
        writer.declare("vreg.soc_pct", "%")
        for time_us, closed, volts in ((0, 0.0, 26.0), (1_000_000, 1.0, 26.5)):
            writer.add("contactor_aux", time_us, closed)
            writer.add("battery voltage", time_us, volts)
            writer.add("vreg.soc_pct", time_us, 60.0)
        writer.flush()
        so_far = path.read_bytes()
    path.write_bytes(so_far)


def test_on_the_wall_clock_the_terminals_show_their_last_values(growing, look):
    wire = growing(kind="wire")
    wire.start("v1.08-04", 0)
    assert look(wire, 5).terminals is None
    signals_of(wire, "v1.08-04")

    seen = look(wire, 5).terminals

    assert [(each.name, each.value, each.unit, each.digital) for each in seen.readings] == [
        ("contactor_aux", 1.0, "", True),
        ("battery voltage", 26.5, "V", False),
    ]


def test_a_simulated_bench_shows_no_terminals(growing, look):
    run = growing()
    run.start("v1.08-04", 0)
    signals_of(run, "v1.08-04")

    assert look(run, 5).terminals is None


def test_durations_are_those_of_the_newest_run_on_the_same_bench(growing):
    old, new, other = growing("a"), growing("b"), growing("c", bench="lab-2")
    for n, (run, wall_s) in enumerate(((old, 50.0), (new, 60.0), (other, 70.0))):
        run.whole(wall_s=wall_s)
        os.utime(run.folder / "plan.json", (n, n))
    run = growing("now")

    assert durations_of(run.folder, run.record.plan()) == {
        (item, "test_it"): 60.0 for item in ITEMS
    }


def test_a_bench_on_the_wall_clock_without_a_past_takes_the_simulated_time(growing):
    growing("sim", bench="sim").whole(wall_s=0.4, sim_s=42.0)
    wire = growing("now", kind="wire", bench="wire")
    sim = growing("other", bench="sim-2")

    assert durations_of(wire.folder, wire.record.plan()) == {
        (item, "test_it"): 42.0 for item in ITEMS
    }
    # A simulated bench is far faster than its own clock.
    assert durations_of(sim.folder, sim.record.plan()) == {}
