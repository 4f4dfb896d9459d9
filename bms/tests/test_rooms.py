"""Rooms one by one: levels and their timers, limits, sensors, pre-charge, charge, fans."""

import math
import struct

import pytest

from bms.codes import State
from bms.data import Level, battery_types
from bms.history.temperatures import every_sensor_counts
from bms.io import Port
from bms.rooms.dvcc import ReturningTemperature, falling
from bms.rooms.temperatures import off_the_median
from bms.status import Battery
from bms.tests.bench import Bench
from bms.timing import ChainedLevel, Held
from bms.wire import private

OVER_VOLTAGE = Level(set_v=3.60, clear_v=3.52)
UNDER_VOLTAGE = Level(set_v=2.60, clear_v=2.80)


def test_a_condition_that_breaks_off_starts_its_time_anew() -> None:
    held = Held()
    for now_us, condition in ((0, True), (5, False), (6, True)):
        held.for_us(now_us, condition=condition)

    assert held.for_us(10, condition=True) == 4


LEVELS = {
    "set after its time": (True, [(0, 3.6), (10, 3.6)], True),
    "not set before": (True, [(0, 3.6), (9, 3.6)], False),
    "not set when the value falls back once": (
        True,
        [(0, 3.6), (5, 3.59), (9, 3.6), (11, 3.6)],
        False,
    ),
    "kept between set and clear": (True, [(0, 3.6), (10, 3.6), (20, 3.55), (90, 3.52)], True),
    "cleared below clear after its time": (
        True,
        [(0, 3.6), (10, 3.6), (20, 3.51), (30, 3.51)],
        False,
    ),
    "kept while below clear for too short": (
        True,
        [(0, 3.6), (10, 3.6), (20, 3.51), (29, 3.51)],
        True,
    ),
    "kept by NaN": (True, [(0, 3.6), (10, 3.6), (20, math.nan), (90, math.nan)], True),
    "not set by NaN": (True, [(0, math.nan), (90, math.nan)], False),
    "set downwards": (False, [(0, 2.6), (10, 2.6)], True),
    "cleared upwards": (False, [(0, 2.6), (10, 2.6), (20, 2.81), (30, 2.81)], False),
    "kept at the clear level": (False, [(0, 2.6), (10, 2.6), (20, 2.8), (90, 2.8)], True),
}


@pytest.mark.parametrize(("rising", "story", "is_set"), LEVELS.values(), ids=LEVELS)
def test_a_level_is(rising, story, is_set) -> None:
    level = ChainedLevel(10, rising=rising)
    for now_us, value_v in story:
        level.step(now_us, value_v, OVER_VOLTAGE if rising else UNDER_VOLTAGE, armed=True)

    assert level.is_set is is_set


def test_a_level_counts_from_when_the_level_before_it_is_set() -> None:
    level = ChainedLevel(10, rising=True)
    is_set = [
        now_us
        for now_us in range(0, 100, 5)
        if level.step(now_us, 3.7, OVER_VOLTAGE, armed=now_us >= 80)
    ]

    assert is_set == [90, 95]


def test_levels_that_are_not_armed_are_not_set() -> None:
    level = ChainedLevel(10, rising=True)
    for now_us in range(0, 100, 5):
        level.step(now_us, 3.7, OVER_VOLTAGE, armed=False)

    assert not level.is_set


# LFP series manual, boundary limits: 10 s, 10 s more, 20 s more. Bits 1, 0 and 10 of 0x2100.
CHAIN = {9: 0x000, 11: 0x002, 19: 0x002, 21: 0x003, 39: 0x003, 41: 0x403}


@pytest.mark.parametrize(("after_s", "flags"), CHAIN.items(), ids=[f"{s} s" for s in CHAIN])
def test_a_cell_at_3_62_v_sets_one_level_after_the_other(after_s, flags) -> None:
    bench = Bench()
    bench.start()
    bench.cell(3.62)
    bench.run(after_s)

    assert bench.master.view.status_word.flags & 0x403 == flags


@pytest.mark.parametrize(
    ("cell_v", "error"), [(3.66, 13), (2.35, 14), (3.64, 0), (2.45, 0)], ids=str
)
def test_a_cell_past_its_critical_level_for_45_s_is_an_error(cell_v, error) -> None:
    bench = Bench()
    bench.start()
    bench.cell(cell_v)
    bench.run(44.5)
    before = bench.error
    bench.run(1)

    assert (before, bench.error) == (0, error)


@pytest.mark.parametrize(
    ("value", "share"), [(63, 1.0), (64, 1.0), (66.5, 0.5), (69, 0.0), (80, 0.0)]
)
def test_a_limit_falls_linearly_from_64_to_69_degrees(value, share) -> None:
    assert falling(value, 64, 69) == share


def test_a_limit_without_a_measurement_is_zero() -> None:
    assert falling(math.nan, 64, 69) == 0.0


RETURNS = {
    "upwards at once": (1.0, [40, 44.7], 44.7),
    "not within a step": (1.0, [44, 43.1], 44),
    "by one step of 1 K": (1.0, [44, 43.0], 43),
    "by whole steps": (1.0, [44, 41.5], 42),
    "not by 1 K in steps of 2 K": (2.0, [44, 43.0], 44),
    "by 2 K in steps of 2 K": (2.0, [44, 42.0], 42),
}


@pytest.mark.parametrize(("step_k", "readings", "followed"), RETURNS.values(), ids=RETURNS)
def test_a_temperature_returns(step_k, readings, followed) -> None:
    temperature = ReturningTemperature(step_k)

    assert [temperature.follow(reading) for reading in readings][-1] == followed


def test_a_temperature_that_is_missing_for_a_while_is_followed_afterwards() -> None:
    temperature = ReturningTemperature(1.0)

    assert [temperature.follow(t) for t in (44.0, math.nan, 44.5)][2] == 44.5


def test_a_battery_without_temperatures_gets_no_charge_current() -> None:
    bench = Bench()
    bench.temperatures_c = {0: [math.nan] * 4, 1: [math.nan] * 4}
    bench.start()
    bench.run(1)

    assert bench.master.view.dvcc.charge_current_a == 0


def batteries(*sensors_c: tuple[float, ...], type_code: int = 2) -> tuple[Battery, ...]:
    return tuple(
        Battery(
            node=node,
            serial=node,
            type=battery_types()[type_code],
            release=38,
            cell_voltages_v=(3.3,) * 8,
            cell_temperatures_c=readings,
            terminals_c=(None, None),
            flags=0,
        )
        for node, readings in enumerate(sensors_c)
    )


WELL = (25.0, 25.5, 26.0, 25.2)
OFF = {
    "none": ((WELL, WELL), ()),
    "one, too hot": (((25.0, 60.0, 25.0, 25.0), WELL), ((0, 1),)),
    "two of a battery": (((60.0, 60.0, 25.0, 25.0), WELL), ((0, 0), (0, 1))),
    "three of a battery": (
        (WELL, (60.0, 60.0, -30.0, 25.0)),
        ((1, 0), (1, 1), (1, 2)),
    ),
    "10 K is not more than 10 K": (((25.0, 35.0, 25.0, 25.0), (25.0,) * 4), ()),
    "a missing reading": (((25.0, math.nan, 25.0, 60.0), WELL), ((0, 3),)),
}


@pytest.mark.parametrize(("readings", "off"), OFF.values(), ids=OFF)
def test_sensors_far_off_the_others_are_named(readings, off) -> None:
    assert off_the_median(batteries(*readings), 10.0) == off


def test_batteries_of_another_type_are_not_watched_for_deviating_sensors() -> None:
    assert off_the_median(batteries((25.0, 90.0, 25.0, 25.0), type_code=1), 10.0) == ()


def test_before_1_38_a_deviating_sensor_counts() -> None:
    assert every_sensor_counts(batteries((25.0, 90.0, 25.0, 25.0)), 10.0) == ()


@pytest.mark.parametrize(("deviating", "state"), [(2, State.RUNNING), (3, State.ERROR)])
def test_more_than_two_deviating_sensors_of_a_battery_end_in_fail_safe(deviating, state) -> None:
    bench = Bench()
    bench.start()
    bench.temperatures_c[0][:deviating] = [58.0] * deviating
    bench.run(2)

    assert bench.state is state


def test_a_deviating_sensor_stays_visible_to_the_tool() -> None:
    bench = Bench()
    bench.start()
    bench.temperatures_c[0][0] = 58.0
    bench.run(1)

    answer = bench.ask(b"\x22\x04\x00")
    assert struct.unpack(">4h", answer[3:]) == (580, 250, 250, 250)


def test_an_invalid_cell_reading_reads_as_invalid_at_the_tool() -> None:
    bench = Bench()
    bench.start()
    bench.cell(math.nan)
    bench.run(1)

    answer = bench.ask(b"\x22\x05\x00")
    assert struct.unpack(">2H", answer[3:7]) == (0xFFFF, 33_000)


# (volts a second, release) -> seconds after which the pre-charge has failed; None: it has not.
PRECHARGES = {
    "done in 20 s": (1.3, "1.38", 60, State.RUNNING),
    "1.10: 20 s are too long": (1.3, "1.10", 60, State.ERROR),
    "rising at 30 s, done in 42 s": (0.6, "1.38", 60, State.RUNNING),
    "1.26: rising at 30 s is no excuse": (0.6, "1.26", 60, State.ERROR),
    "rising at 30 s, not done at 48 s": (0.4, "1.38", 60, State.ERROR),
    "not rising": (0.0, "1.38", 36, State.ERROR),
}


@pytest.mark.parametrize(
    ("volts_per_s", "release", "limit_s", "state"), PRECHARGES.values(), ids=PRECHARGES
)
def test_a_pre_charge(volts_per_s, release, limit_s, state) -> None:
    bench = Bench(release)
    bench.precharge_v_per_s = volts_per_s
    bench.start(limit_s)

    assert bench.state is state


def test_a_pre_charge_that_stands_still_at_30_s_is_not_extended() -> None:
    bench = Bench()
    bench.precharge_v_per_s = 1.0
    bench.start(20)
    bench.precharge_v_per_s = 0.0
    bench.run(16)

    assert bench.error == 25


@pytest.mark.parametrize(("release", "most_pct"), [("1.24", 100.0), ("1.25", 99.9)])
def test_the_state_of_charge_while_charging_is_allowed_ends_at(release, most_pct) -> None:
    bench = Bench(release, registers={"soc": struct.pack("<d", 99.5)})
    bench.start()
    bench.current_a = 230.0
    bench.run(60, 1_000_000)

    assert bench.master.view.soc.soc_pct == most_pct


def test_a_charged_battery_is_100_percent() -> None:
    bench = Bench(registers={"soc": struct.pack("<d", 98.0)})
    bench.start()
    bench.cell(3.53)
    bench.run(21)

    assert bench.master.view.soc.soc_pct == 100.0


@pytest.mark.parametrize(("release", "amp_hours"), [("1.37", 9.2), ("1.38", 4.6)])
def test_charging_is_allowed_again_after_a_share_of_460_ah(release, amp_hours) -> None:
    bench = Bench(release)
    bench.start()
    bench.cell(3.53)
    bench.run(21)
    bench.cell(3.3)
    bench.run(21)
    bench.current_a = -360.0  # 0.1 Ah a second
    bench.run(10 * amp_hours - 2, 1_000_000)
    before = bench.out.allow_charge_relay
    bench.run(4, 1_000_000)

    assert (before, bench.out.allow_charge_relay) == (False, True)


def test_a_stop_withdraws_both_limits_at_once() -> None:
    bench = Bench()
    bench.start()
    bench.run(1)
    bench.pressed = True
    bench.run(0.2)

    dvcc = bench.master.view.dvcc
    assert bench.state is State.SHUTTING_DOWN
    assert (dvcc.charge_current_a, dvcc.discharge_current_a) == (0.0, 0.0)


@pytest.mark.parametrize(("release", "after_s"), [("1.08", 2), ("1.09", 8), ("1.38", 8)])
def test_a_stopped_contactor_opens_after_the_shutdown_time(release, after_s) -> None:
    bench = Bench(release)
    bench.start()
    bench.press()  # 0.3 s, of which 0.1 s pass before it is taken
    bench.run(after_s - 0.3)
    before = bench.out.contactor_coil
    bench.run(0.3)

    assert (before, bench.out.contactor_coil) == (True, False)


@pytest.mark.parametrize(("release", "after_s"), [("1.07", 2), ("1.08", 5), ("1.38", 5)])
def test_a_protective_contactor_opens_after_the_opening_delay(release, after_s) -> None:
    bench = Bench(release)
    bench.start()
    bench.silent = True
    while bench.state is not State.ERROR:
        bench.step()
    bench.run(after_s - 0.1)
    before = bench.out.contactor_coil
    bench.run(0.1)

    assert (before, bench.out.contactor_coil) == (True, False)


# Change log, 1.13: on above 30, off below 29 degC.
FANS = {
    "off at 30": ([30.0], False),
    "on above 30": ([30.1], True),
    "on down to 29": ([30.1, 29.0], True),
    "off below 29": ([30.1, 28.9], False),
}


@pytest.mark.parametrize(("readings", "on"), FANS.values(), ids=FANS)
def test_the_fans_of_he_batteries_in_economic_are(readings, on) -> None:
    bench = Bench(type_code=4)
    bench.start()
    bench.run(6)  # their test has ended
    for temperature_c in readings:
        bench.temperatures_c[0][0] = temperature_c
        bench.run(0.5)

    assert bench.master.view.fans.batteries_on is on


@pytest.mark.parametrize(
    ("terminal_c", "limit_a"), [(64.0, 120.0), (66.5, 60.0), (68.9, 2.4), (69.0, 0.0)]
)
def test_a_hot_terminal_lowers_the_charge_current_of_two_he100_to(terminal_c, limit_a) -> None:
    bench = Bench(type_code=4)
    bench.start()
    bench.terminal_c = terminal_c
    bench.run(0.5)

    assert bench.master.view.dvcc.charge_current_a == pytest.approx(limit_a)


def test_a_battery_that_announces_itself_late_changes_nothing_of_the_running_system() -> None:
    bench = Bench()
    bench.start()
    bench.step((Port.PRIVATE, private.announce(5, 1, 8, 38)))
    bench.ask(b"\x2e\x01\x01\x01")
    bench.run(1)

    assert (bench.state, bench.master.view.registration.parallel) == (State.RUNNING, 2)
