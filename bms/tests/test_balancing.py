"""Balancing: which cells bleed, give and take, and when; what the scenarios do not show."""

import math

import pytest

from bms.battery.module import Module
from bms.data import battery_types
from bms.firmware import Component
from bms.history.balancing import (
    bleeds_for_ever,
    from_the_highest_to_the_lowest,
    past_the_mean_without_end,
    the_highest_first,
)
from bms.io import BatteryInputs, Port, Reception
from bms.releases import BASELINE, VERSIONS, UnknownRelease, firmware, release_of
from bms.rooms.balancing import each_that_is_too_high, past_the_mean_until_the_target
from bms.tests.bench import Bench
from bms.wire import private

HE, LFP_ACTIVE = 4, 1
OVER_V = [0.000, 0.030, 0.004, 0.020]


def test_every_cell_above_the_target_bleeds() -> None:
    assert each_that_is_too_high(OVER_V, 0.010, 0) == 0b1010


def test_a_cell_that_bleeds_goes_on_until_it_is_at_the_target() -> None:
    between = [0.0, 0.011]

    assert each_that_is_too_high(between, 0.010, 0) == 0
    assert each_that_is_too_high(between, 0.010, 0b10) == 0b10


def test_one_cell_after_the_other_bled_in_1_07() -> None:
    assert the_highest_first(OVER_V, 0.010, 0) == 0b0010
    assert the_highest_first(OVER_V, 0.010, 0b1000) == 0b1000


def test_a_stuck_bleed_is_never_released() -> None:
    assert bleeds_for_ever([0.0, 0.0], 0.010, 0b10) == 0b10


def test_charge_moves_past_the_mean_and_rests_within_the_target() -> None:
    apart, together = [3.40, 3.36, 3.37, 3.39], [3.370, 3.372, 3.374, 3.373]

    assert past_the_mean_until_the_target(apart, False) == (0b1001, 0b0110)
    assert past_the_mean_until_the_target(together, True) == (0, 0)
    assert past_the_mean_without_end(together, True) == (0b1100, 0b0011)
    assert from_the_highest_to_the_lowest(together, True) == (0b0100, 0b0001)


def running(type_code: int, deviation_v: float, on: str = "1.38") -> Bench:
    bench = Bench(on, type_code=type_code)
    if type_code == LFP_ACTIVE:
        bench.cells_v = {node: [3.35] * 8 for node in (0, 1)}
    bench.start()
    bench.cells_v[1][2] += deviation_v
    return bench


def test_only_the_battery_whose_cells_are_apart_is_told_to_bleed() -> None:
    bench = running(HE, 0.030)
    bench.run(15)

    assert bench.master.view.balancing.masks == ((1, 0b100),)


def test_a_current_ends_the_wait_for_rest() -> None:
    bench = running(HE, 0.020)
    bench.run(200, tick_us=1_000_000)
    bench.current_a = 5.0
    bench.run(2)
    bench.current_a = 0.0
    bench.run(200, tick_us=1_000_000)
    assert bench.master.view.balancing.masks == ()

    bench.run(120, tick_us=1_000_000)
    assert bench.master.view.balancing.masks == ((1, 0b100),)


def test_nothing_is_balanced_while_a_cell_is_unknown() -> None:
    bench = running(HE, 0.030)
    bench.cells_v[1][5] = math.nan
    bench.run(5)

    assert bench.master.view.balancing.masks == ()


def test_all_bleeds_end_when_the_system_stops() -> None:
    bench = running(HE, 0.030)
    bench.run(15)
    bench.press()
    bench.run(1)

    assert bench.master.view.balancing.masks == ()


def test_active_balancing_tells_who_gives_and_who_takes() -> None:
    bench = running(LFP_ACTIVE, 0.030)
    bench.run(15)

    assert bench.master.view.balancing.masks == ((1, 0b100 | 0b1111_1011 << 16),)


def told(kind: int, mask: int, *, works: bool = True) -> tuple[int, int, int]:
    module = Module(firmware("1.38", Component.BATTERY), battery_types()[kind], 17_200_001)
    cells = battery_types()[kind].cells
    frames = (
        private.beacon(9, 1, 0, 0),
        private.assign(17_200_001, 0),
        private.command(0, private.COMMAND_BALANCE, mask, 0),
    )
    received = tuple(Reception(1, Port.PRIVATE, frame) for frame in frames)
    inputs = BatteryInputs((3.3,) * cells, (25.0,) * 4, received=received, balancer_works=works)
    out = module.step(1, inputs)
    return out.bleed_mask, out.give_mask, out.take_mask


@pytest.mark.parametrize(
    ("kind", "works", "switched"),
    [(HE, True, (3, 0, 0)), (LFP_ACTIVE, True, (0, 3, 4)), (LFP_ACTIVE, False, (0, 0, 0))],
    ids=["bleeds", "moves", "failed"],
)
def test_a_battery_switches_what_its_type_has(kind, works, switched) -> None:
    assert told(kind, 3 if kind == HE else 3 | 4 << 16, works=works) == switched


def test_the_build_before_the_first_release_is_no_release() -> None:
    assert firmware(str(BASELINE)).version not in VERSIONS
    with pytest.raises(UnknownRelease):
        release_of(str(BASELINE))
