"""The guardian with outputs made of nothing: permits, breaches, and the end of its client."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from rig.clock import monotonic_us
from rig.safety import disk
from rig.safety.automaton import Bench
from rig.safety.envelope import Envelope
from rig.safety.guardian import Guardian
from rig.safety.spec import GuardianSpec, Limits, Sense
from rig.safety.tests.bench import bench

ENVELOPE = Envelope(voltage_v_max=60.0, charge_current_a_max=100.0, discharge_current_a_max=80.0)
LIMITS = Limits(measure_s=0.01, step_s=0.2, doubt_s=0.05, look_s=0.01, heartbeat_s=0.3)


class Guarded:
    """A guardian, its bench, and what it said."""

    def __init__(self, folder: Path, **options: Any) -> None:
        hands, self.charger, self.load, self.daq, self.log = bench()
        self.said: list[dict[str, Any]] = []
        self.report = folder / "safety.jsonl"
        spec = GuardianSpec(
            places={},
            lines={},
            envelope=ENVELOPE,
            client=os.getpid(),
            report=options.pop("report", str(self.report)),
            sense=Sense(interlock_relay=201, stop_channel=320, current_channel=319),
            limits=options.pop("limits", LIMITS),
            latches=options.pop("latches", ()),
        )
        self.guardian = Guardian(spec, hands, monotonic_us, self.said.append)
        self._asked = 0

    async def do(self, what: str, **told: Any) -> dict[str, Any]:
        """Ask it something, and give its answer."""
        self._asked += 1
        self.guardian.hear({"n": self._asked, "do": what, **told})
        return await self.answer(lambda said: said.get("n") == self._asked)

    async def answer(self, wanted) -> dict[str, Any]:
        async with asyncio.timeout(5):
            while True:
                for said in self.said:
                    if wanted(said):
                        return said
                await asyncio.sleep(0.002)

    async def tripped(self) -> dict[str, Any]:
        return await self.answer(lambda said: said.get("event") == "tripped")

    async def charge(self, current_a: float = 20.0) -> dict[str, Any]:
        wish = {"role": "charger", "voltage_v": 28.0, "current_a": current_a}
        answer = await self.do("ask", wish=wish)
        if answer["ok"]:
            self.charger.on, self.charger.current_a = True, current_a
        return answer


@pytest.fixture
async def guarded(tmp_path):
    made = Guarded(tmp_path)
    assert (await made.do("arm"))["ok"]
    return made


async def test_arming_closes_the_interlock_and_arms_the_watchdogs(guarded):
    assert guarded.daq.closed
    assert "charger watch 5.0" in guarded.log
    assert guarded.guardian.bench is Bench.ARMED


async def test_a_permit_comes_after_the_trips_were_set_and_read_back(guarded):
    answer = await guarded.charge()

    assert answer["ok"]
    assert guarded.charger.guards == 1


async def test_changing_what_is_on_does_not_set_the_trips_anew(guarded):
    await guarded.charge(20.0)

    assert (await guarded.charge(30.0))["ok"]
    assert guarded.charger.guards == 1


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (
            {"role": "charger", "voltage_v": 60.1, "current_a": 1.0},
            "charge voltage 60.1 V is outside the envelope, 0 to 60 V",
        ),
        (
            {"role": "charger", "voltage_v": 28.0, "current_a": 101.0},
            "charge current 101 A is outside the envelope, 0 to 100 A",
        ),
        ({"role": "charger", "voltage_v": None, "current_a": 1.0}, "charger: no voltage was named"),
    ],
    ids=["volts", "amperes", "unnamed"],
)
async def test_what_is_outside_the_envelope_is_refused_with_a_sentence(guarded, wish, why):
    answer = await guarded.do("ask", wish=wish)

    assert (answer["ok"], answer["why"]) == (False, why)
    assert guarded.charger.guards == 0


async def test_no_permit_where_a_trip_cannot_be_set(guarded):
    guarded.charger.broken = True

    answer = await guarded.charge()

    assert (answer["ok"], answer["why"]) == (False, "charger is broken")


async def test_no_permit_before_the_bench_is_armed(tmp_path):
    made = Guarded(tmp_path)

    answer = await made.charge()

    assert answer["why"] == "no permit: the bench is unarmed: not yet"


async def test_an_output_that_is_on_before_arming_is_switched_off_and_nothing_is_armed(tmp_path):
    made = Guarded(tmp_path)
    made.charger.on = True

    answer = await made.do("arm")
    await made.tripped()

    assert answer["why"] == "charger was on before anybody had a permit"
    assert not made.charger.on
    assert not made.daq.closed


async def test_an_output_that_is_on_without_a_permit_trips_the_bench(guarded):
    guarded.load.on = True

    told = await guarded.tripped()

    assert told["why"] == "load is on without a permit"
    assert told["state"] == "safe"
    assert not guarded.load.on


async def test_more_current_than_permitted_trips_the_bench(guarded):
    await guarded.charge(20.0)
    guarded.charger.current_a = 40.0

    told = await guarded.tripped()

    assert told["why"] == "charger: 40 A, permitted 20 A"
    assert not guarded.charger.on


async def test_the_emergency_stop_trips_the_bench(guarded):
    guarded.daq.stop_v = 0.0

    assert (await guarded.tripped())["why"] == "the emergency stop is pressed"


async def test_silence_of_the_test_trips_the_bench(guarded):
    await guarded.charge()
    looks = guarded.guardian.begin(guarded.guardian.look())

    told = await guarded.tripped()
    looks.cancel()

    assert told["why"] == "the test has made no progress for 0.3 s"
    assert not guarded.charger.on


async def test_an_instrument_that_the_test_has_lost_trips_the_bench(guarded):
    await guarded.charge()

    guarded.guardian.hear({"lost": "charger: is lost"})

    assert (await guarded.tripped())["why"] == "the test lost the charger: is lost"
    assert not guarded.charger.on


async def test_a_trip_while_a_permit_is_being_granted_refuses_it(guarded):
    guard = guarded.charger.guard

    async def slow(envelope: Envelope) -> None:
        guarded.guardian.fail("somebody pressed the stop")
        await guard(envelope)

    guarded.charger.guard = slow

    answer = await guarded.charge()

    assert not answer["ok"]
    assert "somebody pressed the stop" in answer["why"]
    assert guarded.guardian.bench is not Bench.ARMED


async def test_after_a_trip_nothing_is_permitted_and_nothing_can_be_armed(guarded):
    guarded.guardian.fail("a reason")
    await guarded.tripped()

    assert (await guarded.charge())["why"] == "no permit: the bench is safe: a reason"
    assert (await guarded.do("arm"))["why"] == "the bench is safe: a reason"


async def test_a_trip_stands_until_a_person_removes_it(tmp_path):
    latch = tmp_path / "tripped.txt"
    first = Guarded(tmp_path, latches=(str(tmp_path / "other"), str(latch)))
    await first.do("arm")
    first.guardian.fail("a reason")
    await first.tripped()

    second = Guarded(tmp_path, latches=(str(latch), str(tmp_path / "third")))
    refused = await second.do("arm")
    latch.unlink()
    third = Guarded(tmp_path, latches=(str(latch),))

    assert refused["why"].startswith("tripped before, and no person has reset it: 20")
    assert "a reason" in refused["why"]
    assert (await third.do("arm"))["ok"]


async def test_a_permit_that_is_given_back_while_the_output_is_on_trips_the_bench(guarded):
    await guarded.charge()

    answer = await guarded.do("back", role="charger")

    assert answer["why"] == "charger is on, and its permit was given back"
    assert (await guarded.tripped())["state"] == "safe"


async def test_parting_disarms_the_watchdogs_and_opens_the_interlock(guarded):
    answer = await guarded.do("part")

    assert answer["bench"] == "unarmed"
    assert not guarded.daq.closed
    assert "charger watch None" in guarded.log


async def test_an_output_that_is_left_on_at_the_end_trips_the_bench(guarded):
    await guarded.charge()

    answer = await guarded.do("part")

    assert answer["why"] == "charger was left on at the end"
    assert (await guarded.tripped())["state"] == "safe"
    assert not guarded.charger.on


async def test_a_full_disk_does_not_stop_the_way_to_the_safe_state(tmp_path, capsys):
    made = Guarded(tmp_path, report="/dev/full")
    await made.do("arm")
    await made.charge()

    made.guardian.fail("a reason")
    told = await made.tripped()

    assert told["state"] == "safe"
    assert not made.charger.on
    assert "No space left" in capsys.readouterr().err


async def test_a_disk_that_fills_up_trips_the_bench_while_there_is_still_room(guarded, monkeypatch):
    await guarded.charge()

    monkeypatch.setattr(disk, "bytes_free", lambda _path: 31_000_000)
    told = await guarded.tripped()

    assert "31 MB are left on the disk; allowed: 32 MB at least" in told["why"]
    assert not guarded.charger.on


async def test_a_disk_that_fills_up_after_the_test_has_parted_trips_nothing(guarded, monkeypatch):
    await guarded.do("part")

    monkeypatch.setattr(disk, "bytes_free", lambda _path: 0)
    await asyncio.sleep(0.1)

    assert guarded.guardian.bench is Bench.UNARMED


async def test_nothing_is_armed_on_a_disk_without_room_for_the_record(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "bytes_free", lambda _path: 31_000_000)
    made = Guarded(tmp_path)

    answer = await made.do("arm")

    assert "31 MB are left on the disk" in answer["why"]
    assert not made.daq.closed


async def test_what_the_test_calls_a_failure_trips_the_bench(guarded):
    await guarded.charge()

    guarded.guardian.hear({"failed": "in the test's own loop: OSError: no space"})

    assert (await guarded.tripped())["why"] == "in the test's own loop: OSError: no space"
    assert not guarded.charger.on


async def test_the_report_has_each_step_and_what_it_was_for(guarded):
    await guarded.charge()
    guarded.guardian.fail("a reason")
    await guarded.tripped()

    lines = [json.loads(line) for line in guarded.report.read_text().splitlines()]

    assert [line["did"] for line in lines] == ["armed", "granted", "tripped"]
    assert lines[2]["why"] == "a reason"
    assert lines[2]["steps"][0]["name"] == "charger: output off"
    assert all(step["verified"] for step in lines[2]["steps"])


async def test_a_watch_that_ends_by_an_error_of_its_own_brings_the_bench_to_rest(guarded):
    await guarded.charge()

    async def measure() -> tuple[float, float]:
        raise ValueError("an answer that nobody thought of")

    guarded.charger.measure = measure

    told = await guarded.tripped()
    assert "watch ended: ValueError" in told["why"]
    assert not guarded.charger.on


async def test_a_bench_whose_trips_could_not_be_kept_is_not_armed(tmp_path):
    (tmp_path / "file").write_text("")
    made = Guarded(tmp_path, latches=(str(tmp_path / "file" / "latch"),))

    answer = await made.do("arm")

    assert not answer["ok"]
    assert "a trip could not be kept; allowed: a folder" in answer["why"]
    assert made.guardian.bench is Bench.UNARMED


async def test_the_folder_of_a_latch_is_made_before_it_is_needed(tmp_path):
    made = Guarded(tmp_path, latches=(str(tmp_path / "runs" / "latch"),))

    assert (await made.do("arm"))["ok"]
    made.guardian.fail("a test says so")
    await made.tripped()

    assert "a test says so" in (tmp_path / "runs" / "latch").read_text()
