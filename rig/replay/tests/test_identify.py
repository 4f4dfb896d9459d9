"""What a log of VE.Can alone leaves open: found out, tried, and said."""

import random
from pathlib import Path

import pytest

from bms.releases import release_of
from rig.replay import hypotheses
from rig.replay.cases import Recorder, caught, happens, write_log
from rig.replay.condition import read_condition
from rig.replay.excerpt import Entry, Excerpt, find
from rig.replay.identify import identify
from rig.replay.likeness import Likeness
from rig.replay.log import open_log
from rig.replay.operation import Operation
from rig.replay.play import Firmware
from rig.replay.pool import Pool
from rig.replay.reproduce import reproduce, tries
from rig.replay.restore import restore
from rig.replay.situations import Situation
from rig.replay.stimulus import Kind, Stimulus

TWO = ("1.24", "1.25")


async def _stopped(bench, dice):
    await bench.press_start_stop()
    await bench.wait(16_000_000)
    await bench.press_start_stop()
    await bench.wait(3_000_000)


async def _lost(bench, dice):
    await bench.press_start_stop()
    await bench.wait(12_000_000)
    bench.battery(0).fall_silent()
    await bench.wait(30_000_000)


def excerpt_of(folder: Path, story, when, release, needs, from_us=0, buses=("ve_can",)) -> Excerpt:
    situation = Situation(
        name="x", item="", when=when, story=story, faulty=("1.07", "1.38"), needs=needs, life=False
    )
    ear, _ = happens(situation, release, 3)
    frames = caught(ear, Recorder(buses=buses), random.Random(5))
    frames = [each for each in frames if each[0] >= from_us]
    return find(open_log(write_log(frames, folder / "x.log")), read_condition(when))


def test_number_and_model_are_found_by_the_limits_that_are_told(tmp_path):
    when = "state == shutting_down"
    needs = {"parallel": 3, "hardware": "Lynx Ion BMS 400"}
    excerpt = excerpt_of(tmp_path, _stopped, when, "1.30", needs, from_us=9_000_000)
    assert excerpt.first_us is not None
    restored = restore(excerpt, excerpt.begin_us, excerpt.first_us)
    assert restored.open.keys() == {"parallel", "hardware", "battery"}
    assert restored.stimulus.needs["parallel"] == 1

    with Pool(1) as pool:
        found = identify(
            Likeness(excerpt),
            restored,
            excerpt.first_us,
            Firmware(release="1.30"),
            read_condition(when),
            pool,
        )

    assert found.needs == {"parallel": 3, "hardware": "Lynx Ion BMS 400"}
    told = found.put_into(restored)
    assert told.stimulus.needs["parallel"] == 3
    assert any("3 fits the limits that it tells" in text for text in told.assumed)


def test_a_battery_that_fell_silent_is_found_with_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr("rig.replay.reproduce.HYPOTHESES", ())
    monkeypatch.setattr("rig.replay.hypotheses.EVENTS", ())
    when = "error == battery_communication"
    excerpt = excerpt_of(tmp_path, _lost, when, "1.20", {"parallel": 1})

    with Pool(1) as pool:
        trial = next(tries(excerpt, read_condition(when), "1.20", pool, lambda _text: None))

    assert trial.same
    assert "the batteries fall silent" in trial.restored.assumed
    (silent,) = [each for each in trial.stimulus.steps if each.kind is Kind.SILENT]
    assert silent.at_us + trial.restored.begin_us == pytest.approx(13_000_000, abs=1_500_000)


def test_of_two_explanations_that_are_as_like_both_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr("rig.replay.reproduce.HYPOTHESES", ())
    monkeypatch.setattr("rig.replay.hypotheses.EVENTS", ())

    async def refused(bench, dice):
        await bench.press_start_stop()
        await bench.wait(8_000_000)

    needs = {"parallel": 1, "battery": "LFP 24 V 314 Ah"}
    excerpt = excerpt_of(tmp_path, refused, "state == error", "1.36", needs)

    with Pool(1) as pool:
        condition = read_condition("state == error")
        trial = next(tries(excerpt, condition, "1.36", pool, lambda _text: None))

    said = " / ".join(trial.restored.assumed)
    assert trial.same
    assert "batteries that it does not know: LFP 24 V 314 Ah" in said
    assert "the batteries fall silent" in said


def test_a_setting_that_no_frame_tells_is_supposed_where_all_releases_show_it(
    tmp_path, monkeypatch
):
    async def commanded(bench, dice):
        await bench.gx.write(0x0377, b"\x01")
        await bench.wait(2_000_000)
        await bench.press_start_stop()
        await bench.wait(10_000_000)
        await bench.gx.write(0x0200, b"\x04")
        await bench.wait(19_000_000)

    for module in ("bisect", "reproduce"):  # two releases stand for all
        monkeypatch.setattr(f"rig.replay.{module}.VERSIONS", tuple(map(release_of, TWO)))
    monkeypatch.setattr("rig.replay.bisect._name", lambda *_arguments: ((), ()))
    when, needs = "state == running for 15 s", {"parallel": 1}
    both = ("ve_can", "private")
    excerpt = excerpt_of(tmp_path, commanded, when, "1.24", needs, from_us=10_000_000, buses=both)

    with Pool(1) as pool:
        made = reproduce(excerpt, read_condition(when), "1.24", pool, smaller=False)

    assert made.bisection is not None
    assert made.bisection.faulty == {"1.24"}
    assert "a setting: it is part of a combined system" in made.trial.restored.assumed
    assert made.bisection.remarks == ("as the settings are when it is new, all releases show it",)


def test_batteries_that_a_release_does_not_know_are_the_next_known_first():
    names = [str(each.needs["battery"]) for each in hypotheses.unknown_to("1.20")]

    assert names[0] == "LFP 24 V 304 Ah"
    assert names[-1] == "LFP 24 V 314 Ah"
    assert "LFP 24 V 230 Ah" not in names
    assert not list(hypotheses.unknown_to("1.38"))


def test_settings_that_were_told_are_not_supposed():
    supposed = hypotheses.of_settings({0x0377})

    registers = [each.begins[0]["register"] for each in supposed]
    assert registers == [0x0375, 0x0376]


def test_an_event_is_put_into_its_time():
    (leak,) = [each for each in hypotheses.EVENTS if each.text == "leakage to chassis"]

    stimulus = leak.put_into(Stimulus(), 7_000_000)

    assert [(each.at_us, each["name"]) for each in stimulus.steps] == [
        (7_000_000, "leakage to chassis")
    ]


def states(*told: tuple[float, int]) -> Excerpt:
    """A log in which a device tells nothing but its states."""
    entries = [
        Entry(round(at_s * 1e6), "ve_can", 0x1CEFFF50, True, bytes((0x66, 0x99, 0x71, 0x03, state)))
        for at_s, state in told
    ]
    return Excerpt(entries=tuple(entries), buses=frozenset({"ve_can"}))


def presses(excerpt: Excerpt, begin_us: int) -> list[float]:
    found = Operation.of(excerpt, begin_us, 100_000_000)
    return [at_us / 1e6 for at_us, each in found.changes if each.kind is Kind.PRESS]


def test_who_starts_out_of_shutting_down_was_started_in_between():
    at_s = presses(states((0.0, 9), (10.0, 12), (30.0, 4), (33.0, 16), (34.0, 9)), 0)

    assert at_s == pytest.approx([9.84, 29.84])


def test_a_log_that_begins_in_a_start_starts_at_its_beginning():
    log = states((1.0, 16), (9.0, 15), (9.3, 9))

    assert presses(log, 1_000_000) == [1.0]
    assert not Operation.of(log, 1_000_000, 100_000_000).runs
