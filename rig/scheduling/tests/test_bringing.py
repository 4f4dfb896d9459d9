"""Batteries of a lab are where somebody has said, and are brought to where a row starts."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rig.benches.file import load_bench
from rig.errors import NotOnThisBench
from rig.needs import Needs
from rig.operator.asking import Answer, Nobody
from rig.planning import ROOT
from rig.scheduling.bringing import brought
from rig.scheduling.lab_state import (
    LabState,
    costs_of,
    keep_state,
    read_state,
    state_needed,
    stated,
)
from rig.scheduling.model import StartState

EXAMPLE = ROOT / "rig" / "benches" / "lab_example.toml"


class Hand:
    """A technician who does everything, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float]] = []

    async def ask(self, asked):
        self.asked.append((asked.text, asked.timeout_s))
        return Answer(choice="done", by="Jan", utc="2026-11-23T06:00:00Z")


@pytest.fixture
def lab(tmp_path):
    """A lab of real batteries at 60 %."""
    path = tmp_path / "lab.toml"
    path.write_text(EXAMPLE.read_text().replace('kind = "rest-bus"', 'kind = "real"'))
    return load_bench(str(path))


def bring(lab, operator, **needs):
    return asyncio.run(brought(lab, Needs.parse(needs), operator))


def test_where_the_batteries_are_already_nobody_is_asked(lab):
    bench = bring(lab, Nobody("asleep"))

    assert bench.lab.batteries.soc_pct == 60.0


def test_a_technician_is_told_from_where_to_where_and_how_long_it_takes(lab):
    hand = Hand()

    bench = bring(lab, hand, soc_pct=99.0, temperature_c=-5.0)

    # 179 Ah at 200 A, 30 K at 0.5 K/min, and 2 h: 3.9 h; twice that and an hour is waited for.
    text, timeout_s = hand.asked[0]
    assert text == (
        "Please bring the batteries from 60 % SOC, 25 degC to 99 % SOC, -5 degC, about 3.9 h, "
        "and switch off again what you switched on."
    )
    assert timeout_s == pytest.approx(2 * (179.4 / 200 + 3.0) * 3600 + 3600)
    assert (bench.lab.batteries.soc_pct, bench.lab.batteries.temperature_c) == (99.0, -5.0)


def test_the_next_row_that_starts_there_asks_nobody_and_the_way_back_is_asked_for(lab):
    bring(lab, Hand(), soc_pct=99.0)

    bring(lab, Nobody("asleep"), soc_pct=99.0)
    with pytest.raises(NotOnThisBench, match=r"no operator: asleep: .* from 99 % .* to 60 % SOC"):
        bring(lab, Nobody("asleep"))
    assert (read_state(lab).by, read_state(lab).utc) == ("Jan", "2026-11-23T06:00:00Z")


class Unable:
    """Somebody who is asked, and does not say "done": cannot, a time-out, Ctrl-C."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def ask(self, asked):
        raise self._error


ENDS = [NotOnThisBench("Jan cannot"), NotOnThisBench("no operator: nobody answered"), OSError()]


@pytest.mark.parametrize("error", ENDS, ids=["cannot", "time-out", "ended"])
def test_after_a_hand_that_did_not_finish_the_next_row_asks_even_where_they_were(lab, error):
    with pytest.raises(type(error)):
        bring(lab, Unable(error), soc_pct=90.0)
    hand = Hand()

    bring(lab, hand)
    bring(lab, Nobody("asleep"))  # now it is known again

    # At the worst from empty: 60 % of 460 Ah at 200 A.
    text, timeout_s = hand.asked[0]
    assert text == (
        "Please see where the batteries are, which is not known, and bring them to "
        "60 % SOC, 25 degC, up to about 1.4 h, and switch off again what you switched on."
    )
    assert timeout_s == pytest.approx(2 * 276 / 200 * 3600 + 3600)


def test_nobody_who_was_asked_leaves_no_doubt(lab):
    with pytest.raises(NotOnThisBench):
        bring(lab, Nobody("asleep"), soc_pct=90.0)

    assert read_state(lab).doubt == ""


@pytest.mark.parametrize(
    ("hours", "asked"), [(7.9, 0), (8.1, 1), (-1.0, 1)], ids=["shift", "after it", "clock set back"]
)
def test_a_temperature_that_was_brought_about_is_asked_for_again_after_a_shift(lab, hours, asked):
    said = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds")
    keep_state(lab, LabState(state=StartState(soc_pct=60.0, temperature_c=-5.0), utc=said))
    hand = Hand()

    bring(lab, hand, temperature_c=-5.0)

    assert len(hand.asked) == asked


def test_a_state_of_charge_does_not_lapse(lab):
    keep_state(
        lab,
        LabState(state=StartState(soc_pct=90.0, temperature_c=25.0), utc="2026-01-01T00:00:00Z"),
    )

    assert bring(lab, Nobody("asleep"), soc_pct=90.0).lab.batteries.soc_pct == 90.0


def test_nobody_is_sent_for_what_nobody_can_bring_about(lab):
    hand = Hand()

    with pytest.raises(NotOnThisBench, match="series 2, here 1"):
        bring(lab, hand, soc_pct=99.0, series=2)
    assert not hand.asked


def test_where_there_is_no_operator_nothing_is_kept(lab):
    with pytest.raises(NotOnThisBench):
        bring(lab, Nobody("asleep"), soc_pct=99.0)

    assert read_state(lab).state == stated(lab) == StartState(soc_pct=60.0, temperature_c=25.0)


def test_a_bench_file_that_states_other_batteries_counts_again(lab):
    bring(lab, Hand(), soc_pct=99.0)

    lab.path.write_text(lab.path.read_text().replace("\nsoc_pct = 60.0", "\nsoc_pct = 50.0"))

    assert read_state(load_bench(str(lab.path))).state.soc_pct == 50.0


@pytest.mark.parametrize("broken", ["", "[]", '{"of": 1}'], ids=["empty", "a list", "a part"])
def test_a_broken_file_of_state_is_as_none(lab, broken):
    lab.path.with_suffix(".state.json").write_text(broken)

    assert read_state(lab).state == stated(lab)


def test_what_is_kept_is_read_by_people_too(lab):
    bring(lab, Hand(), soc_pct=30.0)

    told = json.loads(lab.path.with_suffix(".state.json").read_text())
    assert told["state"] == {"soc_pct": 30.0, "temperature_c": 25.0}


def test_rest_bus_batteries_are_told_their_temperature_and_nothing_soaks():
    rest_bus = load_bench("lab_example")

    assert state_needed(rest_bus, Needs(temperature_c=-10.0)).temperature_c == 25.0


def test_a_way_costs_what_the_envelope_allows(lab):
    lab = replace(lab, envelope=replace(lab.envelope, charge_current_a_max=46.0))
    empty, full = StartState(soc_pct=0.0, temperature_c=25.0), stated(lab)

    costs = costs_of(lab)  # two batteries of 230 Ah

    assert costs.leg(empty, full).charging_h == pytest.approx(6.0)
    assert costs.leg(full, empty).charging_h == pytest.approx(1.38)
    assert costs.leg(full, full).hours == 0.0
