"""A trip stands at a lab's instruments, whatever it is called, and nothing is energised."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from rig.benches.file import load_bench
from rig.benches.guarding import latches_of
from rig.benches.lab.checking import walk
from rig.benches.lab.finding import Grade, good
from rig.safety.latch import latch, latch_folder, standing

ASKED = walk.Asked(today=date(2026, 11, 23), night_hours=None, energise=True, runs=Path())


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HIL_LATCHES", str(tmp_path / "tripped"))
    (tmp_path / "tripped").mkdir()
    return tmp_path / "tripped"


def test_the_same_laboratory_under_another_name_is_tripped_as_well(tmp_path):
    lab = load_bench("lab_example")
    text = lab.path.read_text().replace('"lab_example"', '"second"')
    text = text.replace("192.168.10.12", "192.168.10.99")  # another load
    (tmp_path / "second.toml").write_text(text)

    latch(latches_of(lab), "the emergency stop is pressed")

    second = load_bench(str(tmp_path / "second.toml"))
    assert second.name == "second"
    assert standing(latches_of(second)) == "the emergency stop is pressed"


def test_a_laboratory_of_other_instruments_is_not(folder):
    lab = load_bench("lab_example")
    other = replace(lab, roles={r: replace(w, resource=f"{r}.other") for r, w in lab.roles.items()})

    latch(latches_of(lab), "a reason")

    assert len(list(folder.iterdir())) == 3  # charger, load, DAQ
    assert standing(latches_of(other)) == ""


def test_latches_stand_in_the_users_state_and_in_no_checkout(tmp_path, monkeypatch):
    monkeypatch.delenv("HIL_LATCHES")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert latch_folder() == tmp_path / "state" / "hil" / "tripped"

    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert latch_folder() == tmp_path / ".local" / "state" / "hil" / "tripped"


def test_a_latch_that_cannot_be_read_stands(folder):
    (path,) = (Path(each) for each in latches_of(load_bench("lab_example"))[:1])
    path.mkdir()

    assert "Is a directory" in standing(latches_of(load_bench("lab_example")))


def test_nothing_is_measured_or_energised_on_a_lab_where_a_trip_stands(monkeypatch):
    lab = load_bench("lab_example")
    latch(latches_of(lab), "2026-11-23T02:00:01Z the stop is pressed, ended safe")
    energised = walked(monkeypatch)

    report = walk.check_bench(lab, ASKED, lambda _step, _found: None)

    assert not energised
    assert not report.sound
    (first,) = (finding for finding in report.findings if finding.grade is Grade.WRONG)
    assert first is report.findings[0]
    assert first.text == "tripped: 2026-11-23T02:00:01Z the stop is pressed, ended safe"
    assert "hil safety reset" in first.todo


def test_the_same_lab_is_energised_when_no_trip_stands(monkeypatch):
    energised = walked(monkeypatch)

    report = walk.check_bench(load_bench("lab_example"), ASKED, lambda _step, _found: None)

    assert energised == ["at rest", "low energy"]
    assert report.sound


def walked(monkeypatch) -> list[str]:
    """Have everything of the walk be good, and keep what is measured and energised."""
    energised: list[str] = []

    class Energy:
        def __init__(self, *_: object) -> None:
            pass

        async def at_rest(self):
            energised.append("at rest")
            return []

        async def low_energy(self):
            energised.append("low energy")
            return []

    async def instruments(_file, _now_us, drivers, _stack):
        drivers.update(dict.fromkeys(walk.NEEDED))
        return [good(walk.INSTRUMENTS, "roles", "they answer")]

    async def buses(*_):
        return []

    async def device(*_):
        return [], None, None

    monkeypatch.setattr(walk, "check_wiring", lambda _file, _today: [])
    monkeypatch.setattr(walk, "check_instruments", instruments)
    monkeypatch.setattr(walk, "check_buses", buses)
    monkeypatch.setattr(walk, "check_device", device)
    monkeypatch.setattr(walk, "EnergyCheck", Energy)
    return energised
