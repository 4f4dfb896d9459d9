"""What is tracked, over all times and by the day, and what of it survives a cut of the power."""

import random

import pytest

from bms.codes import Today, Tracked
from bms.registers import REGISTERS
from bms.tests.bench import Bench

REGISTER = "tracking"
PERIOD_S = 900


def running(firmware: str = "1.38", registers: dict[str, bytes] | None = None) -> Bench:
    bench = Bench(firmware, registers=registers)
    bench.start()
    return bench


def ever(bench: Bench, number: Tracked) -> float:
    return bench.master.view.tracking.ever[number]


def today(bench: Bench, number: Today) -> float:
    return bench.master.view.tracking.days[0][number]


def rebooted(bench: Bench) -> Bench:
    """The same device after a cut of its power, at this very moment."""
    again = Bench(bench.firmware, registers=bench.registers)
    again.step()
    return again


def test_drawn_charge_and_energy_are_counted_apart_from_what_is_charged() -> None:
    bench = running()
    bench.current_a = -100.0
    bench.run(36.0)
    bench.current_a = 50.0
    bench.run(36.0)

    assert ever(bench, Tracked.CHARGE_DRAWN_AH) == pytest.approx(1.0, abs=100 / 3600)  # a second
    assert ever(bench, Tracked.DISCHARGED_KWH) == pytest.approx(bench.battery_v / 1000, rel=0.03)
    assert ever(bench, Tracked.CHARGED_KWH) == pytest.approx(bench.battery_v / 2000, rel=0.03)


def test_extremes_are_kept_after_they_have_passed() -> None:
    bench = running()
    bench.cells_v[0][3], bench.temperatures_c[1][2] = 3.38, 31.0
    bench.run(2.0)
    bench.cells_v[0][3], bench.temperatures_c[1][2] = 3.3, 25.0
    bench.run(2.0)

    assert ever(bench, Tracked.CELL_VOLTAGE_V_MAX) == pytest.approx(3.38)
    assert ever(bench, Tracked.TEMPERATURE_C_MAX) == pytest.approx(31.0)
    assert ever(bench, Tracked.CELL_VOLTAGE_V_MIN) == pytest.approx(3.3)


def test_a_system_that_has_never_run_has_no_extremes() -> None:
    bench = Bench()
    bench.run(30.0)

    assert Tracked.VOLTAGE_V_MIN not in bench.master.view.tracking.ever


def test_a_fail_safe_counts_as_one_error_shutdown() -> None:
    bench = running()
    bench.temperatures_c[0] = [70.0] * 4
    bench.run(40.0)

    assert bench.error
    assert ever(bench, Tracked.ERROR_SHUTDOWNS) == 1


def test_a_day_ends_after_24_h_and_stays_readable() -> None:
    bench = running()
    bench.current_a = -10.0
    bench.run(24 * 3600, tick_us=60_000_000)
    bench.current_a = 0.0
    bench.run(600, tick_us=60_000_000)

    days = bench.master.view.tracking.days
    assert len(days) == 2
    assert days[0].get(Today.DISCHARGED_KWH, 0.0) < 0.02
    assert days[1][Today.DISCHARGED_KWH] == pytest.approx(0.24 * bench.battery_v, rel=0.02)


def test_no_more_than_a_week_is_kept_beside_today() -> None:
    bench = Bench()
    bench.run(12 * 24 * 3600, tick_us=3_600_000_000)

    assert len(bench.master.view.tracking.days) == 8


def test_a_cut_of_the_power_loses_what_came_since_the_last_save_and_no_more() -> None:
    bench = running()
    bench.current_a = -100.0
    saved_kwh = 0.0
    for _ in range(17):
        writes = bench.registers.get(REGISTER)
        bench.run(60.0, tick_us=1_000_000)
        if bench.registers.get(REGISTER) != writes:
            saved_kwh = ever(bench, Tracked.DISCHARGED_KWH)
        known = rebooted(bench).master.view.tracking.ever.get(Tracked.DISCHARGED_KWH, 0.0)

        assert known <= saved_kwh + 1e-9
        assert ever(bench, Tracked.DISCHARGED_KWH) - known < 100 * 27 * (PERIOD_S + 60) / 3.6e6


@pytest.mark.parametrize(("firmware", "loses"), [("1.37", True), ("1.38", False)])
def test_a_fail_safe_saves_from_1_38_on(firmware: str, loses: bool) -> None:
    bench = running(firmware)
    bench.current_a = -100.0
    bench.run(60.0)
    bench.temperatures_c[0] = [70.0] * 4
    while not bench.error:
        bench.step()
    before = ever(bench, Tracked.DISCHARGED_KWH)
    known = rebooted(bench).master.view.tracking.ever.get(Tracked.DISCHARGED_KWH, 0.0)

    assert (known < before - 1e-3) is loses


def test_turning_the_system_off_saves() -> None:
    bench = running()
    bench.current_a = -100.0
    bench.run(30.0)
    bench.current_a = 0.0
    bench.press()
    bench.run(15.0)

    known = rebooted(bench).master.view.tracking.ever[Tracked.DISCHARGED_KWH]
    assert known == pytest.approx(ever(bench, Tracked.DISCHARGED_KWH))


def test_damaged_memory_is_taken_for_none() -> None:
    bench = running()
    bench.run(10.0)
    bench.press()
    bench.run(15.0)
    whole = bench.registers[REGISTER]
    dice = random.Random(7)
    damaged = [whole[:length] for length in range(0, len(whole), 9)]
    damaged += [dice.randbytes(len(whole)) for _ in range(10)]
    for at in range(0, len(whole), 7):
        damaged.append(whole[:at] + bytes((whole[at] ^ 0x10,)) + whole[at + 1 :])

    for raw in damaged:
        again = Bench(registers={REGISTER: raw})
        again.step()
        assert Tracked.VOLTAGE_V_MIN not in again.master.view.tracking.ever


def test_an_update_keeps_what_the_older_release_has_tracked() -> None:
    old = running("1.12")
    old.current_a = -60.0
    old.run(60.0)
    old.current_a = 0.0
    old.press()
    old.run(15.0)
    new = Bench("1.38", registers=old.registers)
    new.step()

    assert ever(new, Tracked.DISCHARGED_KWH) == pytest.approx(ever(old, Tracked.DISCHARGED_KWH))
    assert Tracked.CURRENT_A_MIN not in new.master.view.tracking.ever


def test_what_is_tracked_does_not_keep_the_rooms_awake() -> None:
    bench = running()
    bench.current_a = -50.0
    bench.run(3.0)

    assert not bench.master._restless


def test_tracked_values_are_registers_in_their_scale_and_not_available_before_there_are_any() -> (
    None
):
    bench = running()
    bench.current_a = -100.0
    bench.run(360.0, tick_us=1_000_000)
    view, blank = bench.master.view, Bench().master.view

    def told(number: int, *, signed: bool = False) -> int:
        return int.from_bytes(REGISTERS[number].data(view), "little", signed=signed)

    assert told(0x0305, signed=True) == pytest.approx(-100, abs=1)  # -10 Ah
    assert told(0x0306, signed=True) == pytest.approx(100 * bench.battery_v, abs=1)
    assert told(0x0310) == pytest.approx(10 * bench.battery_v / 10, abs=1)
    assert told(0x0312) == 29815
    assert told(0x0384) & 0xFFFF == 330
    assert told(0xEEFC) == 0
    for number in (0x0300, 0x0305, 0x0306, 0x0307):
        assert REGISTERS[number].data(blank) == b"\xff\xff\xff\x7f"
    assert REGISTERS[0x0310].data(blank) == b"\xff\xff\xff\xff"
