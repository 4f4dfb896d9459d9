"""Playing, bisecting and reducing: short stimuli on the simulated bench."""

from dataclasses import replace

import pytest

from rig.errors import BenchFileError
from rig.replay.bisect import Verdict, bisect, runs_needed, span_of
from rig.replay.condition import read_condition
from rig.replay.play import Firmware, Outcome, play
from rig.replay.pool import Pool
from rig.replay.reduce import Aim, Reducer
from rig.replay.stimulus import Kind, Step, Stimulus, step

STOPPED = read_condition("contactor opens within 4 s of stop")
STOP = Stimulus(
    needs={"parallel": 1},
    steps=(step(0.5, "current flows", current_a=-20.0, voltage_v=26.4), step(2.0, "button")),
    length_us=7_000_000,
)


class Recorded(Pool):
    """A pool whose device is a rule: which steps and which release show the fault."""

    def __init__(self, rule):
        super().__init__(jobs=4)
        self._rule = rule

    def play_all(self, tasks, condition, progress=lambda _text: None, *, keep=False):
        self.plays += len(tasks)
        return [
            Outcome(
                firmware=to,
                started=True,
                first_us=what.length_us if self._rule(what, to) else None,
                signature=(0,),
            )
            for what, to in tasks
        ]


def test_a_stop_is_played_to_the_release_that_opens_at_once():
    outcome = play(STOP, Firmware(release="1.08"), STOPPED)

    assert outcome.started
    assert outcome.first_us == pytest.approx(4_200_000, abs=300_000)


def test_a_stop_is_played_to_the_release_that_waits():
    assert not play(STOP, Firmware(release="1.09"), STOPPED).holds


def test_the_same_seed_says_the_same_frames_again():
    one, two = (play(STOP, Firmware(release="1.20"), STOPPED, keep=True) for _ in range(2))

    assert one.heard == two.heard
    assert len(one.heard) > 100


def test_a_step_that_the_system_has_not_is_told_in_one_line():
    stimulus = replace(STOP, steps=(step(0.1, "cell reads", battery=3, cell=0, voltage_v=3.3),))

    with pytest.raises(BenchFileError, match=r"battery 3.*there are 1 batteries"):
        play(stimulus, Firmware(release="1.20"), STOPPED)


def test_what_is_no_step_is_refused_with_what_is():
    with pytest.raises(BenchFileError, match=r"allowed: .*one of cell reads"):
        step(0.0, "cell writes", battery=0)


def test_the_row_at_the_border_is_named_by_leaving_it_out():
    with Pool(2) as pool:
        found = bisect(STOP, STOPPED, pool)

    assert found.span == "1.07 to 1.08"
    assert [(row.item, row.cures) for row in found.named] == [("v1.09-06", True)]
    assert found.named[0].deltas == ("contactor.shutdown_time_us: 2000000 -> 8000000",)


def test_spans_read_as_people_write_them():
    assert span_of(frozenset({"1.07", "1.08", "1.27"})) == "1.07 to 1.08, 1.27"
    assert span_of(frozenset()) == "no release"


def test_a_fault_that_comes_by_chance_is_given_as_many_runs_as_its_rate_asks_for():
    pool = Recorded(lambda _what, to: to.seed % 2 == 0)
    runs, remark = runs_needed(STOP, STOPPED, "1.27", pool)
    assert runs == 5  # 11 of 23: 1 - 0.52 ** 5 = 96 %
    assert "11 of 23 runs" in remark
    assert "3." in remark.rsplit(" ", 1)[-1]


def test_a_fault_that_comes_every_time_needs_one_run():
    assert runs_needed(STOP, STOPPED, "1.27", Recorded(lambda _what, _to: True)) == (1, "")


def test_a_border_that_no_single_row_explains_says_so():
    def rule(_what, to):
        return to.release == "1.20"

    pool = Recorded(rule)
    found = bisect(STOP, STOPPED, pool)

    assert found.faulty == {"1.20"}
    assert {each.verdict for each in found.judged} == {Verdict.SHOWS, Verdict.HEALTHY}
    assert [text.split(",")[0] for text in found.unnamed] == ["1.20 brings it", "1.21 ends it"]


def noisy(count):
    """A stimulus of so many steps, of which a few matter."""
    steps = [
        Step(index * 100_000, Kind.CELL, (("battery", 0), ("cell", index), ("voltage_v", 3.3)))
        for index in range(count)
    ]
    return Stimulus(
        needs={"parallel": 2, "soc_pct": 61.3}, steps=tuple(steps), length_us=20_000_000
    )


AIM = Aim(condition=STOPPED, faulty=("1.08",), healthy=("1.09",), signature=(0,))


def cells(stimulus):
    return {each["cell"] for each in (*stimulus.begins, *stimulus.steps)}


def test_a_reduction_leaves_the_steps_that_matter_and_no_other():
    pool = Recorded(lambda what, to: to.release == "1.08" and {17, 60, 118} <= cells(what))

    reduced = Reducer(AIM, pool).reduce(noisy(120))

    assert cells(reduced.stimulus) == {17, 60, 118}
    assert (reduced.before, reduced.after, reduced.minimal) == (120, 3, True)


def test_what_is_left_is_1_minimal_where_several_ways_lead_to_the_failure():
    def rule(what, to):
        present = cells(what)
        return to.release == "1.08" and ({3, 90} <= present or {5, 50, 70} <= present)

    pool = Recorded(rule)
    reducer = Reducer(AIM, pool)
    reduced = reducer.reduce(noisy(120))

    assert reduced.minimal
    for index in range(reduced.after):
        steps = reduced.stimulus.steps
        fewer = replace(reduced.stimulus, steps=steps[:index] + steps[index + 1 :])
        assert not reducer.keeps(fewer)


def test_a_reduction_never_slips_to_what_healthy_releases_do_as_well():
    def rule(what, to):
        if 17 not in cells(what):
            return True  # without it every release fails, for another reason
        return to.release == "1.08"

    reduced = Reducer(AIM, Recorded(rule)).reduce(noisy(40))

    assert cells(reduced.stimulus) == {17}


def test_another_signature_is_another_failure():
    aim = replace(AIM, signature=(26,))

    reduced = Reducer(aim, Recorded(lambda _what, to: to.release == "1.08")).reduce(noisy(10))

    assert not reduced.minimal
    assert reduced.after == 10


def test_needs_that_do_not_matter_become_those_of_the_house():
    pool = Recorded(lambda what, to: to.release == "1.08" and what.needs.get("parallel") == 2)

    reduced = Reducer(AIM, pool).reduce(noisy(3))

    assert reduced.stimulus.needs == {"parallel": 2}
    assert reduced.after == 0
