"""What scenarios cannot show of limits, permissions and the state of charge."""

import math

import pytest

from bms.history.dvcc import in_coarse_steps
from bms.rooms.dvcc import SlowReturn, taper
from bms.tests.bench import Bench

CHARGED_V, HEADROOM_V = 3.520, 0.020  # LFP series manual; and what stands above it


def test_charge_voltage_gives_way_by_2_mv_a_second_to_a_cell_that_is_too_high() -> None:
    bench = Bench()
    bench.start()
    bench.run(2)
    before_v = bench.master.view.dvcc.charge_voltage_v
    bench.cell(CHARGED_V + HEADROOM_V + 0.005)
    bench.run(10)

    lowered_v = before_v - bench.master.view.dvcc.charge_voltage_v
    assert lowered_v == pytest.approx(0.020, abs=0.002)


def test_charge_voltage_leads_a_cell_near_full_above_charged_and_returns_from_there() -> None:
    bench = Bench()
    bench.start()
    bench.run(2)
    full_v = bench.master.view.dvcc.charge_voltage_v
    bench.cell(3.48)
    bench.run(300)
    led_v = bench.master.view.dvcc.charge_voltage_v
    bench.cell(3.30)
    bench.run(300)

    assert led_v - full_v == pytest.approx(8 * HEADROOM_V)
    assert bench.master.view.dvcc.charge_voltage_v == pytest.approx(full_v)


@pytest.mark.parametrize(
    ("passed_s", "wanted", "share"),
    [(1, 0.5, 0.9), (10, 0.5, 0.5), (0.5, 0.97, 0.97)],
    ids=["on its way", "there", "a small step at once"],
)
def test_a_share_falls_by_a_tenth_a_second(passed_s, wanted, share) -> None:
    steadied = SlowReturn()
    steadied.follow(1, 1.0)

    assert steadied.follow(1 + int(passed_s * 1_000_000), wanted) == pytest.approx(share)


def test_a_share_comes_back_by_a_fifth_of_a_percent_a_second() -> None:
    steadied = SlowReturn()
    steadied.follow(1, 1.0)
    steadied.follow(10_000_001, 0.3)

    assert steadied.follow(60_000_001, 1.0) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("current_a", "most_a", "told_a"),
    [(700, 700, 700), (699, 700, 665), (34, 700, 0), (60, 60, 60), (0, 0, 0)],
    ids=str,
)
def test_before_1_32_a_limit_came_in_twentieths_rounded_down(current_a, most_a, told_a) -> None:
    assert in_coarse_steps(current_a, most_a) == pytest.approx(told_a)


def test_a_taper_without_a_voltage_leaves_its_end() -> None:
    bench = Bench()
    bench.start()
    levels = bench.master.view.registration.levels
    assert levels is not None

    assert taper(math.nan, levels) == taper(9.9, levels)


@pytest.mark.parametrize(
    ("told_a", "counted"), [(2.0, 0.0), (11.0, 11.0)], ids=["an error", "a current"]
)
def test_what_the_shunt_tells_before_the_start_is_taken_off_unless_it_is_much(
    told_a, counted
) -> None:
    bench = Bench()
    bench.current_a = told_a
    bench.run(1)
    bench.start()
    before_ah = bench.master.view.soc.charged_ah
    bench.run(36)

    moved_ah = bench.master.view.soc.charged_ah - before_ah
    assert moved_ah == pytest.approx(counted * 0.01, rel=0.05)


def test_a_state_of_charge_counts_with_the_efficiency_of_the_charge() -> None:
    bench = Bench()
    bench.start()
    before = bench.master.view.soc
    bench.current_a = 46.0
    bench.run(360)

    after = bench.master.view.soc
    gained_ah = after.remaining_ah - before.remaining_ah
    assert gained_ah / (after.charged_ah - before.charged_ah) == pytest.approx(0.998)
