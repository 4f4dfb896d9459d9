"""What explains a log as well: the row is a fact only where all of it leads there."""

import random

import pytest

from bms.releases import release_of
from rig.errors import BenchFileError
from rig.replay import telling
from rig.replay.bisect import Bisection, Judged, Named, Verdict, against
from rig.replay.cases import Recorder, caught, happens, write_log
from rig.replay.compare import Comparison
from rig.replay.condition import read_condition
from rig.replay.excerpt import Excerpt, find
from rig.replay.hypotheses import AS_IT_IS
from rig.replay.log import open_log
from rig.replay.play import Firmware, Outcome
from rig.replay.pool import Pool
from rig.replay.reproduce import Reproduction, Trial, reproduce
from rig.replay.restore import Restored
from rig.replay.situations import Situation
from rig.replay.stimulus import Stimulus, step
from rig.replay.telling import Provenance, write_scenario

WHEN = read_condition("contactor opens within 4 s of stop")
SOURCE = Provenance(date="2026-11-23", files=(("x.log", "0" * 64),), begins_utc="")
STOP = Stimulus(
    needs={"parallel": 1},
    runs=False,
    steps=(step(0, "button"), step(8.2, "button")),
    length_us=15_000_000,
)
CURED = Named(item="v1.09-06", cures=True, release="1.09", statement="It waits.", deltas=())


def found(*faulty, **more):
    """A bisection over a few releases: these show it."""
    judged = tuple(
        Judged(release=each, verdict=Verdict.SHOWS if each in faulty else Verdict.HEALTHY)
        for each in ("1.07", "1.08", "1.09", "1.10", "1.11")
    )
    return Bisection(judged=judged, named=(CURED,), **more)


class Told:
    """Plays nothing: what each stimulus does, by its length, is told."""

    def __init__(self, *shown):
        self.shown, self.played = shown, []

    def play_all(self, tasks, condition, *, lenient):
        self.played += tasks
        return [
            Outcome(
                firmware=firmware,
                started=True,
                first_us=5 if (firmware.release, *firmware.without) in self.shown else None,
            )
            for _, firmware in tasks
        ]


AS_FOUND = (("1.07",), ("1.08",), ("1.09", "v1.09-06"))


def played(*shown, rivals=(("a slow bus", STOP),), runs=1):
    pool = Told(*shown)
    return against(found("1.07", "1.08"), rivals, WHEN, pool, runs), pool


def test_a_row_stays_a_fact_where_a_rival_leads_to_it_as_well():
    told, pool = played(*AS_FOUND)

    assert not told.is_open
    assert told.remarks == ()
    assert told.does(CURED) == "cures"
    releases = [each.release for _, each in pool.played]
    assert releases == ["1.07", "1.08", "1.09", "1.11", "1.09"]


def test_a_rival_with_another_range_opens_the_row():
    told, _ = played(*AS_FOUND, ("1.09",), ("1.11",))

    assert told.is_open
    assert told.remarks == (
        "the row is open: with 'a slow bus', which is as like, 1.09, 1.11 do otherwise",
    )
    assert told.does(CURED) == "may cure"


def test_a_rival_that_another_row_of_the_same_release_cures_opens_the_row():
    told, _ = played(("1.07",), ("1.08",))

    assert told.is_open
    assert told.remarks == (
        "the row is open: with 'a slow bus', which is as like, 1.09 without v1.09-06 "
        "does otherwise",
    )


def test_of_four_rivals_three_are_played_and_the_fourth_is_said():
    rivals = [(name, STOP) for name in ("a", "b", "c", "d")]

    told, pool = played(*AS_FOUND, rivals=rivals)

    assert len(pool.played) == 3 * 5
    assert told.remarks == ("as like, and not played to other releases: 'd'",)
    assert not told.is_open


def test_a_rival_of_chance_is_played_with_as_many_seeds():
    told, pool = played(*AS_FOUND, runs=3)

    assert not told.is_open
    assert [each.seed for _, each in pool.played[:3]] == [1, 2, 3]
    assert len(pool.played) == 3 * 5


def test_a_log_with_two_explanations_of_different_ranges_names_no_row_as_a_fact(
    tmp_path, monkeypatch
):
    async def refused(bench, dice):
        await bench.press_start_stop()
        await bench.wait(8_000_000)

    for module in ("bisect", "reproduce"):  # two releases stand for all
        monkeypatch.setattr(
            f"rig.replay.{module}.VERSIONS", tuple(map(release_of, ("1.37", "1.38")))
        )
    monkeypatch.setattr("rig.replay.bisect._name", lambda *_arguments: ((CURED,), ()))
    monkeypatch.setattr("rig.replay.reproduce.HYPOTHESES", ())
    monkeypatch.setattr("rig.replay.hypotheses.EVENTS", ())
    situation = Situation(
        name="refused",
        item="",
        when="state == error",
        story=refused,
        faulty=("1.07", "1.38"),
        needs={"parallel": 1, "battery": "LFP 24 V 314 Ah"},
        life=False,
    )
    ear, _ = happens(situation, "1.37", 3)
    frames = caught(ear, Recorder(buses=("ve_can",)), random.Random(5))
    condition = read_condition(situation.when)
    excerpt = find(open_log(write_log(frames, tmp_path / "x.log")), condition)

    with Pool(1) as pool:
        made = reproduce(excerpt, condition, "1.37", pool, smaller=False)

    assert made.reproduced
    assert made.trial.rivals
    assert made.bisection is not None
    assert made.bisection.is_open
    assert made.bisection.remarks[-1].startswith("the row is open: with ")


def case_of(text):
    names = {}
    exec(compile(text, "test.py", "exec"), names)
    return names["CASE"]


def made_of(bisection, release="1.08"):
    trial = Trial(
        restored=Restored(stimulus=STOP, begin_us=0),
        hypothesis=AS_IT_IS,
        outcome=Outcome(firmware=Firmware(release=release), started=True, first_us=10_000_000),
        comparison=Comparison(signals=()),
        same=True,
    )
    return Reproduction(
        release=release, excerpt=Excerpt(entries=()), trial=trial, bisection=bisection
    )


def test_times_are_written_to_the_microsecond():
    bisection = found("1.07", "1.08")
    late = Stimulus(
        steps=(step(0.000001, "button"), step(3_723.456789, "button"), step(86_400, "button")),
        length_us=86_400_123_457,
    )

    text = telling.test_text(made_of(bisection), WHEN, late, bisection, SOURCE)

    assert case_of(text).stimulus == late
    assert "step(3723.456789, " in text
    assert "step(86400, " in text


def test_a_test_says_of_an_open_row_that_it_is_open():
    bisection = found("1.07", "1.08", is_open=True)

    text = telling.test_text(made_of(bisection), WHEN, STOP, bisection, SOURCE)

    assert "The row is open, perhaps cured by v1.09-06." in text


def test_a_scenario_that_does_as_it_tells_is_written_and_says_so_of_its_row(tmp_path):
    write_scenario(tmp_path / "field", made_of(found("1.07", "1.08")), WHEN, SOURCE)

    assert "- v1.09-06 cures it: It waits." in (tmp_path / "field" / "story.md").read_text()


@pytest.mark.parametrize(
    ("faulty", "release", "told"),
    [
        (("1.07", "1.08", "1.09"), "1.09", "firmware 1.09 does not show it, and should do so"),
        (("1.08",), "1.08", "firmware 1.07 shows it, and should not"),
        (("1.07", "1.08"), "1.09", "1.09 of the log is not among those that it tells"),
    ],
    ids=["does not fail", "does not pass", "tells of others"],
)
def test_a_scenario_that_does_not_do_as_it_tells_gets_no_name(tmp_path, faulty, release, told):
    made = made_of(found(*faulty), release)

    with pytest.raises(BenchFileError, match=told):
        write_scenario(tmp_path / "field", made, WHEN, SOURCE)

    assert not (tmp_path / "field").exists()
