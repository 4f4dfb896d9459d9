from collections.abc import Callable

import pytest

from rig.recording import (
    Entry,
    Plan,
    RecordError,
    Verdict,
    exit_code,
    judge,
    overall,
    verdicts_from,
    worst,
)

PASS, FAIL, FLAKY, BROKEN = Verdict.PASS, Verdict.FAIL, Verdict.FLAKY, Verdict.BROKEN
ABORTED, NOT_RUN, INCONCLUSIVE = Verdict.ABORTED, Verdict.NOT_RUN, Verdict.INCONCLUSIVE
NOT_VERIFIED = Verdict.NOT_VERIFIED

Plans = Callable[..., Plan]
Entries = Callable[..., list[Entry]]


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        pytest.param([PASS], PASS, id="a pass"),
        pytest.param([FAIL], FAIL, id="a failure"),
        pytest.param([FAIL, PASS], FLAKY, id="a retry never turns a failure into a pass"),
        pytest.param([FAIL, FAIL, PASS], FLAKY, id="nor do two"),
        pytest.param([FAIL, INCONCLUSIVE], FLAKY, id="nor into anything milder than flaky"),
        pytest.param([PASS, FAIL], FAIL, id="the last failure counts"),
        pytest.param([INCONCLUSIVE, PASS], INCONCLUSIVE, id="a doubt stays a doubt"),
        pytest.param([BROKEN, PASS], PASS, id="what the rig spoilt may be repeated"),
        pytest.param([None, PASS], PASS, id="a resumed run may repeat what was cut off"),
        pytest.param([None], ABORTED, id="a start without an end is aborted"),
        pytest.param([PASS, None], ABORTED, id="even after a pass"),
        pytest.param([FAIL, BROKEN], BROKEN, id="a broken rig is worst"),
        pytest.param([BROKEN, NOT_RUN], BROKEN, id="what was not tried again stays as it was"),
        pytest.param([None, NOT_RUN], ABORTED, id="what was cut off and not tried again, too"),
        pytest.param([FAIL, NOT_RUN], FAIL, id="and a failure"),
    ],
)
def test_attempts_of_one_test(
    plan_of_tests: Plans, entries_of: Entries, attempts: list[Verdict | None], expected: Verdict
) -> None:
    verdicts = judge(plan_of_tests("test_a"), entries_of("test_a", attempts))

    assert verdicts.items[0].verdict is expected


@pytest.mark.parametrize(("other", "expected"), [(FAIL, FAIL), (None, ABORTED), (PASS, PASS)])
def test_the_worst_test_of_a_row_wins(
    plan_of_tests: Plans, entries_of: Entries, other: Verdict | None, expected: Verdict
) -> None:
    entries = entries_of("test_a", [PASS]) + entries_of("test_b", [other])

    assert judge(plan_of_tests("test_a", "test_b"), entries).items[0].verdict is expected


def test_a_row_does_not_pass_while_one_of_its_tests_did_not_start(
    plan_of_tests: Plans, entries_of: Entries
) -> None:
    item = judge(plan_of_tests("test_a", "test_b"), entries_of("test_a", [PASS])).items[0]

    assert (item.verdict, item.reason) == (NOT_RUN, "not started: test_b")


def test_a_row_does_not_pass_while_one_of_its_tests_could_not_run(
    plan_of_tests: Plans, entries_of: Entries
) -> None:
    entries = entries_of("test_a", [PASS]) + entries_of("test_b", [NOT_RUN])
    item = judge(plan_of_tests("test_a", "test_b"), entries).items[0]

    assert item.verdict is NOT_RUN


def test_a_planned_row_that_never_started_says_so(plan_of_tests: Plans) -> None:
    item = judge(plan_of_tests("test_a"), []).items[0]

    assert (item.verdict, item.reason) == (NOT_RUN, "not started")


def test_a_row_that_is_not_planned_gives_its_reason(plan_of_tests: Plans) -> None:
    item = judge(plan_of_tests(reason="from 1.32"), []).items[0]

    assert (item.verdict, item.reason) == (NOT_RUN, "from 1.32")


def test_measurements_are_those_of_the_last_attempt(
    plan_of_tests: Plans, entries_of: Entries
) -> None:
    item = judge(plan_of_tests("test_a"), entries_of("test_a", [BROKEN, PASS])).items[0]

    assert [each.name for each in item.measurements] == ["delay of test_a 2"]


def test_a_flaky_row_tells_its_history(plan_of_tests: Plans, entries_of: Entries) -> None:
    item = judge(plan_of_tests("test_a"), entries_of("test_a", [FAIL, PASS])).items[0]

    assert item.reason == "why 1 (attempt 1 FAIL, attempt 2 PASS)"


def test_a_passed_row_tells_which_of_its_tests_was_repeated(
    plan_of_tests: Plans, entries_of: Entries
) -> None:
    entries = entries_of("test_a", [PASS]) + entries_of("test_b", [None, PASS])
    item = judge(plan_of_tests("test_a", "test_b"), entries).items[0]

    assert item.verdict is PASS
    assert item.reason == "test_b: why 2 (attempt 1 ABORTED, attempt 2 PASS)"


def test_verdicts_are_plain_json_values_with_every_field(
    plan_of_tests: Plans, entries_of: Entries
) -> None:
    content = verdicts_from(plan_of_tests("test_a"), entries_of("test_a", [PASS]), "later")

    assert content["run"] == {
        "id": "r1",
        "bench": "sim",
        "firmware": "1.38",
        "started": "2026-11-22T17:00:00+00:00",
        "finished": "later",
        "seed": 7,
        "software": {"a": "1"},
    }
    (item,) = content["items"]
    assert set(item) == {
        *("id", "scenario", "verdict", "reason", "firmware", "basis", "measurements"),
        *("sim_s", "wall_s", "digest", "evidence"),
    }


def test_an_attempt_of_an_unknown_row_is_refused(plan_of_tests: Plans, entries_of: Entries) -> None:
    plan = plan_of_tests("test_a")
    entries = entries_of("test_a", [PASS])

    with pytest.raises(RecordError, match=r"allowed: an id of plan\.json"):
        judge(Plan(run=plan.run, rows=()), entries)


def test_an_end_without_a_start_is_refused(plan_of_tests: Plans, entries_of: Entries) -> None:
    with pytest.raises(RecordError, match="END without START"):
        judge(plan_of_tests("test_a"), entries_of("test_a", [PASS])[1:])


def test_a_second_start_is_refused(plan_of_tests: Plans, entries_of: Entries) -> None:
    entries = entries_of("test_a", [PASS])

    with pytest.raises(RecordError, match="START twice"):
        judge(plan_of_tests("test_a"), [*entries, entries[0]])


def test_the_order_from_best_to_worst() -> None:
    assert sorted(Verdict, key=lambda verdict: verdict.severity) == [
        *(NOT_RUN, PASS, NOT_VERIFIED, INCONCLUSIVE, FLAKY, FAIL, ABORTED, BROKEN)
    ]


def test_nothing_at_all_is_not_run() -> None:
    assert worst([]) is NOT_RUN


def test_the_run_is_as_bad_as_its_worst_row() -> None:
    assert overall([PASS, FLAKY, NOT_RUN]) is FLAKY


@pytest.mark.parametrize(
    ("verdicts", "strict", "expected"),
    [
        pytest.param([PASS, NOT_RUN], False, 0, id="not run is no failure"),
        pytest.param([PASS, NOT_RUN], True, 1, id="but one when strict"),
        pytest.param([PASS, NOT_VERIFIED], False, 0, id="what does not count does not gate"),
        pytest.param([PASS, NOT_VERIFIED], True, 1, id="but it does when strict"),
        pytest.param([PASS], True, 0, id="all passed"),
        pytest.param([PASS, INCONCLUSIVE], False, 1, id="inconclusive"),
        pytest.param([PASS, FLAKY], False, 1, id="flaky"),
        pytest.param([PASS, FAIL], False, 1, id="fail"),
        pytest.param([PASS, ABORTED], False, 1, id="aborted"),
        pytest.param([FAIL, BROKEN], False, 3, id="broken beats fail"),
    ],
)
def test_the_exit_code(verdicts: list[Verdict], *, strict: bool, expected: int) -> None:
    assert exit_code(verdicts, strict=strict) == expected
