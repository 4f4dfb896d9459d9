import pytest

from rig.nightly.tests.conftest import PowerLoss
from rig.recording import Quarantine, verify_record

A, B = "v1.08-04/test_a", "v1.09-01/test_b"


def attempts(stage):
    return [
        (entry.item, entry.number, str(entry.verdict))
        for entry in stage.record.entries()
        if hasattr(entry, "verdict")
    ]


def test_a_quiet_night_is_one_session_between_two_self_tests(stage):
    night = stage({A: ["PASS"], B: ["PASS"]})

    night.night().work()

    assert night.verdicts() == {"v1.08-04": ("PASS", ""), "v1.09-01": ("PASS", "")}
    assert (len(night.asked), night.self_tests) == (1, 2)
    assert (night.folder / "manifest.json").is_file()
    assert night.record.self_test("before").passed
    assert night.record.self_test("after").passed


def test_what_was_cut_off_is_aborted_stays_on_the_record_and_is_tried_again(stage):
    night = stage({A: ["PASS"], B: ["cut", "PASS"]})
    with pytest.raises(PowerLoss):
        night.night().work()

    night.night().work()

    assert night.schedule(1).numbers == {"v1.09-01": {"test_b": 2}}
    assert night.verdicts()["v1.09-01"] == ("PASS", "attempt 1 ABORTED, attempt 2 PASS")
    assert night.verdicts()["v1.08-04"] == ("PASS", "")


def test_a_resumed_night_tests_its_bench_before_it_goes_on(stage):
    night = stage({A: ["cut", "PASS"]})
    with pytest.raises(PowerLoss):
        night.night().work()
    before = night.self_tests

    night.night().work()

    assert night.self_tests == before + 2  # before it goes on, and after the run
    assert [each.why for each in night.record.sessions()] == ["begun", "resumed"]
    assert night.record.sessions()[1].self_test.passed


def test_a_torn_line_is_mended_and_told(stage):
    night = stage({A: ["cut", "PASS"]})
    with pytest.raises(PowerLoss):
        night.night().work()
    with (night.folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"what":"END","attem')

    night.night().work()

    assert night.record.sessions()[1].mended
    assert night.verdicts()["v1.08-04"][0] == "PASS"


def test_a_test_that_the_bench_never_survives_ends_as_aborted(stage):
    night = stage({A: ["cut", "cut", "cut", "PASS"], B: ["PASS"]})
    for _ in range(3):
        with pytest.raises(PowerLoss):
            night.night().work()

    night.night().work()

    assert night.verdicts()["v1.08-04"][0] == "ABORTED"
    assert night.verdicts()["v1.09-01"][0] == "PASS"


def test_a_bench_fault_is_repeated_once_and_told(stage):
    night = stage({A: ["bench BROKEN", "PASS"]})

    night.night().work()

    assert night.verdicts()["v1.08-04"] == ("PASS", "attempt 1 BROKEN, attempt 2 PASS")
    assert [each.why for each in night.record.sessions()] == ["begun", "repeated"]


def test_a_bench_fault_that_stays_is_broken(stage):
    night = stage({A: ["bench BROKEN", "bench BROKEN", "PASS"]})

    night.night(retries=1).work()

    assert night.verdicts()["v1.08-04"][0] == "BROKEN"


@pytest.mark.parametrize("come_to", ["BROKEN", "FAIL", "INCONCLUSIVE"])
def test_what_is_not_known_as_a_bench_fault_is_not_repeated(stage, come_to):
    night = stage({A: [come_to, "PASS"]})

    night.night().work()

    assert night.verdicts()["v1.08-04"][0] == come_to
    assert len(night.asked) == 1


def test_a_failure_repeated_for_information_is_flaky_and_never_a_pass(stage):
    night = stage({A: ["FAIL", "PASS"]})

    night.night(repeat_failures=True).work()

    verdict, reason = night.verdicts()["v1.08-04"]
    assert verdict == "FLAKY"
    assert "attempt 1 FAIL, attempt 2 PASS" in reason


def test_a_night_has_only_so_many_repetitions(stage):
    names = [f"v1.08-0{n}/test_a" for n in range(1, 5)]
    night = stage({name: ["bench BROKEN", "PASS"] for name in names})

    night.night(retries_a_night=2).work()

    found = [verdict for verdict, _ in night.verdicts().values()]
    assert sorted(found) == ["BROKEN", "BROKEN", "PASS", "PASS"]


def test_repetitions_before_a_kill_count_against_those_after_it(stage):
    night = stage({A: ["bench BROKEN", "PASS"], B: ["bench BROKEN", "cut", "bench BROKEN"]})
    with pytest.raises(PowerLoss):
        night.night(retries=5, retries_a_night=2).work()

    night.night(retries=5, retries_a_night=2).work()

    assert night.verdicts()["v1.09-01"][0] == "BROKEN"
    assert len(attempts(night)) == 4  # a third of B's would have been a third repetition


def test_no_attempt_begins_on_a_bench_that_fails_its_self_test(stage):
    night = stage({A: ["PASS"]})
    night.fit = False

    night.night().work()

    verdict, reason = night.verdicts()["v1.08-04"]
    assert (verdict, reason) == ("NOT RUN", "the bench failed its self-test: a step is seen")
    assert not night.record.self_test("before").passed


def test_a_bench_that_became_unfit_takes_no_verdict_back(stage):
    night = stage({A: ["bench BROKEN", "PASS"]})
    original = night.session

    def spoil(asked):
        night.fit = False
        return original(asked)

    night.session = spoil
    night.night().work()

    assert night.verdicts()["v1.08-04"][0] == "BROKEN"  # the repetition was NOT RUN


def test_a_night_killed_before_its_plan_begins_with_it(stage):
    night = stage({A: ["PASS"]})
    original = night.session

    def die(asked):
        night.session = original
        raise PowerLoss

    night.session = die
    with pytest.raises(PowerLoss):
        night.night().work()

    night.night().work()

    assert night.verdicts()["v1.08-04"][0] == "PASS"
    assert night.schedule(0).numbers is None
    assert night.asked[0].log.parent.name == "02"


def test_a_killed_night_leaves_a_record_that_verifies_once_it_has_ended(stage):
    night = stage({A: ["cut", "FAIL"], B: ["cut", "PASS"]})
    for _ in range(2):
        with pytest.raises(PowerLoss):
            night.night().work()

    night.night().work()

    found = verify_record(night.folder)
    # The stage writes no traces; nothing else may be missing.
    assert [problem for problem in found.problems if "trace" not in problem] == []
    assert (found.tests_planned, found.tests_run, found.tests_not_started) == (2, 2, 0)


def test_a_row_in_quarantine_runs_and_is_not_verified(stage):
    entry = Quarantine(
        owner="J. Doe", reason="load trips", since="2026-11-01", expires="2026-12-01", ticket="L-3"
    )
    night = stage({A: ["PASS"], B: ["FAIL"]})

    night.night(quarantine={"v1.08-04": entry, "v1.09-01": entry}).work()

    told = "in quarantine until 2026-12-01 (J. Doe, L-3: load trips); it was "
    assert night.verdicts()["v1.08-04"] == ("NOT VERIFIED", told + "PASS")
    assert night.verdicts()["v1.09-01"][0] == "NOT VERIFIED"
    assert night.verdicts()["v1.09-01"][1] == told + "FAIL"
