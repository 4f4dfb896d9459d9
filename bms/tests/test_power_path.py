"""Start, pre-charge, contactor and shutdown: the branches that no scenario shows alone."""

import pytest

from bms.codes import State
from bms.history.precharge import ClockThatRunsOn
from bms.history.start_stop import TASK_PERIOD_US, TASK_US, DeafOnceTheTaskMissedIt
from bms.io import Port
from bms.rooms.precharge import OwnClock, Resistor
from bms.tests.bench import Bench

CHARGER_DETECTED, FUSE_BROKEN = 64, 65


def numbers(bench: Bench) -> list[int]:
    return [number for number, _ in bench.master.view.events.log]


def standby(running: str = "1.38") -> Bench:
    """A master that has been off for a while, on a link that nothing discharges."""
    bench = Bench(running)
    bench.decay_v_per_s = 0.0
    bench.run(12, 1_000_000)
    return bench


# Public: register 0x0375, about 18 V.
@pytest.mark.parametrize(("voltage_v", "state"), [(17.9, State.STANDBY), (18.1, State.RUNNING)])
def test_a_voltage_that_comes_up_past_18_v_starts_the_system(voltage_v, state) -> None:
    bench = standby()
    bench.system_v = voltage_v
    bench.run(2)
    bench.step(*((Port.PRIVATE, frame) for frame in bench.announcements()))
    bench.run(8)

    assert bench.state is state


def test_a_voltage_that_is_there_from_the_beginning_is_no_charger() -> None:
    bench = Bench()
    bench.decay_v_per_s = 0.0
    bench.system_v = 26.0
    bench.run(30, 1_000_000)

    assert bench.state is State.STANDBY
    assert not numbers(bench)


def test_a_voltage_that_ripples_around_18_v_is_one_charger() -> None:
    bench = standby()
    for voltage_v in (18.5, 17.5, 18.5, 15.0, 18.5):
        bench.system_v = voltage_v
        bench.run(1)

    assert numbers(bench).count(CHARGER_DETECTED) == 1


def test_the_link_that_stays_charged_after_a_stop_starts_nothing() -> None:
    bench = Bench()
    bench.start()
    bench.decay_v_per_s = 0.1
    bench.press()
    bench.run(60)

    assert bench.state is State.STANDBY


@pytest.mark.parametrize(
    ("running", "error", "notices"), [("1.38", 11, [FUSE_BROKEN]), ("1.35", 25, [])]
)
def test_a_precharge_through_which_nothing_comes_is_a_broken_fuse(running, error, notices) -> None:
    bench = Bench(running)
    bench.precharge_v_per_s = 0.0
    bench.start(40)

    assert bench.error == error
    assert [number for number in numbers(bench) if number >= CHARGER_DETECTED] == notices


def test_a_precharge_that_moved_the_voltage_or_a_current_is_no_broken_fuse() -> None:
    slow, shorted = Bench(), Bench()
    slow.precharge_v_per_s = 0.019  # below what counts as rising, half a volt in all
    shorted.precharge_v_per_s, shorted.current_a = 0.0, -2.0
    for bench in (slow, shorted):
        bench.start(40)

    assert (slow.error, shorted.error) == (25, 25)


def test_the_resistor_takes_the_heat_of_its_voltage_and_cools() -> None:
    resistor = Resistor()
    resistor.follow(0, 50.0)
    resistor.follow(1_000_000, 50.0)
    hot_j = resistor.energy_j
    resistor.follow(91_000_000, 0.0)

    assert hot_j == pytest.approx(250.0)
    assert resistor.energy_j == pytest.approx(hot_j / 2.718, rel=0.001)


@pytest.mark.parametrize(("clock", "begun_us"), [(OwnClock, None), (ClockThatRunsOn, 5)])
def test_the_clock_of_an_interrupted_precharge(clock, begun_us) -> None:
    kept = clock()
    kept.begin(5)
    kept.interrupt()
    kept.end()

    assert kept.begun_us == begun_us


def test_the_clock_that_runs_on_ends_where_nothing_was_interrupted() -> None:
    kept = ClockThatRunsOn()
    kept.begin(5)
    kept.end()

    assert kept.begun_us is None


@pytest.mark.parametrize(
    ("pressed_us", "heard"), [(TASK_US - 1, False), (TASK_US, True), (TASK_PERIOD_US - 1, True)]
)
def test_on_1_27_a_stop_request_is_missed_while_the_task_runs(pressed_us, heard) -> None:
    button = DeafOnceTheTaskMissedIt()

    assert button.hears(7 * TASK_PERIOD_US + pressed_us, State.RUNNING) is heard
    assert button.hears(8 * TASK_PERIOD_US - 1, State.RUNNING) is heard


def test_on_1_27_a_start_is_never_missed() -> None:
    assert DeafOnceTheTaskMissedIt().hears(0, State.STANDBY)


def test_a_system_that_is_not_almost_discharged_stays_on() -> None:
    bench = Bench()
    bench.start()
    bench.run(4000, 4_000_000)

    assert bench.state is State.RUNNING


@pytest.mark.parametrize(
    ("running", "current_a", "state"),
    [
        ("1.38", 0.9, State.STANDBY),
        ("1.38", 1.1, State.RUNNING),
        ("1.38", -0.9, State.STANDBY),
        ("1.38", -1.1, State.RUNNING),
        ("1.12", 4.9, State.STANDBY),
        ("1.12", 5.1, State.RUNNING),
        ("1.12", -1.1, State.RUNNING),
    ],
)
def test_an_almost_discharged_system_goes_off_after_1_h_without_a_flow(
    running, current_a, state
) -> None:
    bench = Bench(running)
    bench.start()
    bench.cell(3.00)
    bench.current_a = current_a
    bench.run(3600 + 100, 4_000_000)

    assert bench.state is state


@pytest.mark.parametrize(("running", "taken_a"), [("1.38", 0.007), ("1.24", 0.010)])
def test_what_the_master_takes_while_it_is_off(running, taken_a) -> None:
    bench = Bench(running)
    bench.run(2)
    off_a = bench.out.supply_current_a
    bench.start()

    assert off_a == taken_a
    assert bench.out.supply_current_a > 10 * taken_a
