"""From a recorded log back to what was done to the system."""

import random
from pathlib import Path

import pytest

from rig.replay.cases import Case, Recorder, caught, happens, record, write_log
from rig.replay.condition import read_condition
from rig.replay.excerpt import find
from rig.replay.likeness import compared
from rig.replay.log import open_log
from rig.replay.observe import PRIVATE
from rig.replay.play import Firmware, play
from rig.replay.pool import Pool
from rig.replay.reproduce import reproduce, windows
from rig.replay.restore import restore
from rig.replay.situations import SITUATIONS, Situation
from rig.replay.stimulus import Kind

LOST = next(each for each in SITUATIONS if each.item == "v1.32-05c")


async def _operated(bench, dice):
    """Start, a write, a load, a cell, a stop."""
    await bench.press_start_stop()
    await bench.wait(8_000_000)
    await bench.gx.write(0x0FFF, (5_000).to_bytes(2, "little"))
    await bench.wait(2_000_000)
    await bench.load.draw(30.0)
    await bench.wait(5_000_000)
    bench.battery(0).cell(2).reads(3.111)
    await bench.wait(3_000_000)
    await bench.load.off()
    await bench.press_start_stop()
    await bench.wait(6_000_000)


OPERATED = Situation(
    name="operated",
    item="v1.09-06",
    faulty=("1.07", "1.08"),
    when="contactor opens within 4 s of stop",
    story=_operated,
    needs={"parallel": 2, "battery": "LFP 24 V 280 Ah", "hardware": "Lynx Ion BMS 400"},
    life=False,
)


@pytest.fixture(scope="module")
def heard():
    ear, there = happens(OPERATED, "1.08", 3)
    assert there
    return ear


def excerpt_of(ear, folder: Path, **recorder):
    frames = caught(ear, Recorder(**recorder), random.Random(5))
    paths = write_log(frames, folder / f"x.{recorder.get('suffix', 'log')}")
    return find(open_log(paths), read_condition(OPERATED.when))


def test_system_and_operation_are_restored(heard, tmp_path):
    excerpt = excerpt_of(heard, tmp_path)
    assert excerpt.first_us is not None

    restored = restore(excerpt, windows(excerpt)[0], excerpt.first_us + 1_000_000)

    stimulus = restored.stimulus
    assert stimulus.needs["battery"] == "LFP 24 V 280 Ah"
    assert stimulus.needs["hardware"] == "Lynx Ion BMS 400"
    assert stimulus.needs["parallel"] == 2
    assert stimulus.needs["soc_pct"] == pytest.approx(60.0, abs=0.1)
    assert not stimulus.runs
    assert restored.assumed == ()
    presses = [each.at_us for each in stimulus.steps if each.kind is Kind.PRESS]
    assert len(presses) == 2
    flows = [each["current_a"] for each in stimulus.steps if each.kind is Kind.FLOW]
    assert flows[0] == pytest.approx(-30.0, abs=0.2)
    assert flows[-1] == 0.0
    cell = [s for s in stimulus.steps if s.kind is Kind.CELL and s["cell"] == 2]
    assert any(each["voltage_v"] == pytest.approx(3.111, abs=0.0001) for each in cell)
    texts = [each["text"] for each in stimulus.steps if each.kind is Kind.FRAME]
    assert "1CEF5020#6699FF0F8813FFFF" in texts


def test_the_model_then_says_what_the_device_said(heard, tmp_path):
    excerpt = excerpt_of(heard, tmp_path)
    assert excerpt.first_us is not None
    restored = restore(excerpt, windows(excerpt)[0], excerpt.first_us + 1_000_000)

    outcome = play(
        restored.stimulus,
        Firmware(release="1.08"),
        read_condition(OPERATED.when),
        keep=True,
        to_the_end=True,
    )

    assert outcome.first_us is not None
    assert outcome.first_us + restored.begin_us == pytest.approx(excerpt.first_us, abs=300_000)
    found = compared(excerpt, restored.begin_us, outcome, excerpt.first_us + 1_000_000)
    assert found.alike_pct > 95.0


def test_a_model_that_does_otherwise_is_told_from_the_device(heard, tmp_path, monkeypatch):
    monkeypatch.setattr("rig.replay.reproduce.HYPOTHESES", ())
    monkeypatch.setattr("rig.replay.reproduce.SEEDS", 2)
    excerpt = excerpt_of(heard, tmp_path)
    with Pool(1) as pool:
        made = reproduce(excerpt, read_condition(OPERATED.when), "1.20", pool, smaller=False)

    assert not made.reproduced
    assert made.bisection is None
    assert made.trial.comparison.first is not None


def test_without_the_private_bus_batteries_are_synthesised_and_that_is_said(heard, tmp_path):
    excerpt = excerpt_of(heard, tmp_path, buses=("ve_can",))
    assert excerpt.first_us is not None
    assert PRIVATE not in excerpt.buses

    restored = restore(excerpt, windows(excerpt)[0], excerpt.first_us + 1_000_000)

    assert any("private bus was not recorded" in text for text in restored.assumed)
    assert restored.stimulus.needs["battery"] == "LFP 24 V 280 Ah"
    cells = {s["cell"] for s in restored.stimulus.begins if s.kind is Kind.CELL}
    assert cells == {0, 1}


def test_a_recording_that_begins_late_begins_with_a_running_system(heard, tmp_path):
    ear = heard
    frames = [each for each in caught(ear, Recorder(), random.Random(5)) if each[0] > 12_000_000]
    excerpt = find(
        open_log(write_log(frames, tmp_path / "late.log")), read_condition(OPERATED.when)
    )
    assert excerpt.first_us is not None

    restored = restore(excerpt, excerpt.begin_us, excerpt.first_us + 1_000_000)

    assert restored.stimulus.runs
    presses = [each for each in restored.stimulus.steps if each.kind is Kind.PRESS]
    assert len(presses) == 1


def test_a_silent_battery_is_a_step_of_its_own(tmp_path):
    case = Case(name="lost", situation=LOST, release="1.20", seed=2)
    excerpt = find(open_log(record(case, tmp_path)), read_condition(LOST.when))
    assert excerpt.first_us is not None

    restored = restore(excerpt, windows(excerpt)[0], excerpt.first_us + 1_000_000)

    silent = [each for each in restored.stimulus.steps if each.kind is Kind.SILENT]
    assert [(each["battery"], each["silent"]) for each in silent] == [(0, True)]


def test_a_condition_that_never_holds_is_found_nowhere(heard, tmp_path):
    frames = caught(heard, Recorder(), random.Random(5))
    path = write_log(frames, tmp_path / "x.log")

    excerpt = find(open_log(path), read_condition("error == 13"))

    assert excerpt.first_us is None
    assert excerpt.frames > 500
