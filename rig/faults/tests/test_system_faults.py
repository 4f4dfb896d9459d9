"""Faults of cells, circuit, surroundings and devices, as terminals or the plant then show them."""

import asyncio

import pytest

from rig.errors import FaultRefused, NotOnThisBench
from rig.expect import above, expect
from rig.faults.tests.stand import HE, bench_of, charge, reading
from rig.kernel import seconds
from rig.tests.virtual import virtual
from rig.views import CLOSED, OPEN

AT = {"battery": 0, "cell": 2}
CELL_3 = "cell_3_voltage_v"


async def value(signal):
    """What a signal reads now."""
    return (await signal.read()).value


@virtual
async def test_a_weak_cell_is_full_before_its_neighbours():
    async with bench_of(soc_pct=90.0) as (bench, parts):
        await bench.running()
        fault = await bench.inject("cell weak", **AT, capacity_pct=50)
        module = parts._system.plant.modules[0]
        before_pct = [module.cell_soc(k) for k in (1, 2)]
        await charge(bench, 100.0)
        await asyncio.sleep(120)

        gained = [module.cell_soc(k) - a for k, a in zip((1, 2), before_pct, strict=True)]
        assert gained[1] == pytest.approx(2 * gained[0], rel=0.01)

        await fault.clear()
        before_pct = [module.cell_soc(k) for k in (1, 2)]
        await asyncio.sleep(120)
        gained = [module.cell_soc(k) - a for k, a in zip((1, 2), before_pct, strict=True)]
        assert gained[1] == pytest.approx(gained[0], rel=0.01)


@virtual
async def test_an_aged_cell_stands_out_under_current():
    async with bench_of(soc_pct=50.0) as (bench, _parts):
        await bench.running()
        await charge(bench, 200.0)
        beside_v = await reading(bench, "cell_4_voltage_v") - await reading(bench, CELL_3)

        await bench.inject("cell aged", **AT, resistance_pct=300)

        apart_v = await reading(bench, CELL_3) - await reading(bench, "cell_4_voltage_v")
        assert apart_v + beside_v > 0.04


@virtual
async def test_a_shorted_cell_goes_down_while_all_is_off():
    async with bench_of(soc_pct=50.0) as (_bench, parts):
        module = parts._system.plant.modules[0]
        before_pct = module.cell_soc(2)
        fault = await _bench.inject("cell shorted", **AT, short_ohm=0.5)
        await asyncio.sleep(3600)
        await fault.clear()
        lost_pct = before_pct - module.cell_soc(2)
        await asyncio.sleep(3600)
        parts._system.plant.settle()

        assert lost_pct * 2.3 == pytest.approx(3.27 / 0.5, rel=0.02)
        assert before_pct - module.cell_soc(2) == pytest.approx(lost_pct, abs=0.02)


@virtual
async def test_a_reversed_cell_takes_its_volts_off_the_battery():
    async with bench_of() as (bench, parts):
        before_v = await value(bench.battery_voltage)
        fault = await bench.inject("cell reversed", **AT, reverse_v=0.5)
        reversed_v = await value(bench.battery_voltage)
        await fault.clear()

        cell_v = parts._system.plant.modules[0].cell_voltage_v(2)
        assert before_v - reversed_v == pytest.approx(cell_v + 0.5, abs=0.02)
        assert await value(bench.battery_voltage) == pytest.approx(before_v, abs=0.02)


@virtual
async def test_a_loose_busbar_warms_the_terminal():
    async with bench_of(**HE, soc_pct=30.0) as (bench, _parts):
        await bench.running()
        await charge(bench, 100.0)
        await bench.inject("busbar loose", battery=0, terminal="negative", contact_mohm=2.0)
        await asyncio.sleep(600)

        warm_c = await reading(bench, "negative_terminal_temperature_c")
        assert warm_c > await reading(bench, "positive_terminal_temperature_c") + 20.0


@virtual
async def test_a_welded_contactor_does_not_open_and_a_mended_one_does():
    async with bench_of() as (bench, _parts):
        await bench.running()
        fault = await bench.inject("contactor welded")
        await bench.press_start_stop()
        await expect(bench.contactor).stays(CLOSED, for_=seconds(20))

        await fault.clear()

        await expect(bench.contactor).becomes(OPEN, within=seconds(0.1))


@virtual
async def test_a_contactor_that_is_stuck_open_does_not_close():
    async with bench_of() as (bench, _parts):
        await bench.inject("contactor stuck open")
        await bench.press_start_stop()

        await expect(bench.contactor).stays(OPEN, for_=seconds(30))


@virtual
async def test_of_two_contactor_faults_the_younger_shows_and_then_the_older():
    async with bench_of() as (bench, _parts):
        older = await bench.inject("contactor welded")
        younger = await bench.inject("contactor stuck open")
        seen = [await value(bench.contactor)]
        await younger.clear()
        seen.append(await value(bench.contactor))
        await older.clear()
        seen.append(await value(bench.contactor))

    assert seen == [OPEN, CLOSED, OPEN]


@virtual
async def test_a_blown_main_fuse_takes_the_battery_off_the_system():
    async with bench_of() as (bench, _parts):
        await bench.running()
        await bench.load.draw(50.0)
        await asyncio.sleep(1)

        await bench.inject("main fuse blown")
        await asyncio.sleep(1)

        assert await value(bench.system_voltage) < 1.0
        assert await value(bench.battery_voltage) > 25.0


@pytest.mark.parametrize("name", ["pre-charge fuse blown", "pre-charge element burnt"])
@virtual
async def test_without_a_pre_charge_path_the_link_stays_dead(name):
    async with bench_of() as (bench, _parts):
        fault = await bench.inject(name)
        await bench.press_start_stop()
        await expect(bench.system_voltage).never(above(1.0), for_=seconds(8))

        await fault.clear()

        await expect(bench.system_voltage).becomes(above(10.0), within=seconds(5))


@virtual
async def test_a_leak_to_the_chassis_is_what_the_battery_measures():
    async with bench_of() as (bench, parts):
        module = parts._system.modules[0]
        fault = await bench.inject("leakage to chassis", battery=0, leakage_kohm=50)
        leaking_ohm = module._read(0).isolation_ohm
        await fault.clear()

        assert leaking_ohm == pytest.approx(1 / (1 / 50e3 + 1 / 10e6), rel=1e-9)
        assert module._read(0).isolation_ohm == pytest.approx(10e6)


@virtual
async def test_a_blocked_fan_runs_and_does_not_cool():
    async def cooled_k(*, blocked: bool) -> float:
        async with bench_of(**HE) as (bench, parts):
            await bench.running()
            if blocked:
                await bench.inject("fan blocked", battery=0)
            await (await bench.inject("hot soak", temperature_c=50.0)).clear()
            module = parts._system.plant.modules[0]
            await asyncio.sleep(300)
            parts._system.plant.settle()
            assert await reading(bench, "fan_on") == 1
            return 50.0 - module.temperature_c

    assert await cooled_k(blocked=False) > 3 * await cooled_k(blocked=True)


@virtual
async def test_a_cold_soak_is_in_the_cells_at_once_and_they_warm_up_afterwards():
    async with bench_of(temperature_c=25.0) as (bench, parts):
        await bench.running()
        fault = await bench.inject("cold soak", temperature_c=-20.0)
        cold_c = await reading(bench, "sensor_1_temperature_c")
        await fault.clear()
        await asyncio.sleep(300)

        assert cold_c == pytest.approx(-20.0, abs=0.5)
        assert -19.9 < parts._system.plant.modules[0].temperature_c < 25.0


@virtual
async def test_hot_surroundings_reach_the_cells_slowly():
    async with bench_of(temperature_c=25.0) as (bench, parts):
        await bench.running()
        await bench.inject("hot soak", temperature_c=60.0, reaching="surroundings")

        assert await reading(bench, "sensor_1_temperature_c") == pytest.approx(25.0, abs=0.5)
        assert parts._system.plant.ambient_c == 60.0


@virtual
async def test_a_humid_battery_says_so():
    async with bench_of() as (bench, _parts):
        await bench.running()
        dry_pct = await reading(bench, "humidity_pct")
        await bench.inject("humid battery", battery=0, humidity_pct=83.0)

        assert (dry_pct, await reading(bench, "humidity_pct")) == (45, 83)


def _io_supply_v(parts) -> float:
    return parts.device._device.application.view.inputs.io_supply_v


@virtual
async def test_the_io_supply_dips_for_its_time():
    async with bench_of() as (bench, parts):
        await bench.running()
        await bench.inject("IO supply dip", voltage_v=5.0, duration_s=2.0)
        await asyncio.sleep(1.9)
        dipped_v = _io_supply_v(parts)
        await asyncio.sleep(0.3)

        assert dipped_v == 5.0
        assert _io_supply_v(parts) > 25.0


@virtual
async def test_an_io_supply_dip_without_a_duration_lasts_until_it_is_cleared():
    async with bench_of() as (bench, parts):
        await bench.running()
        fault = await bench.inject("IO supply dip", voltage_v=5.0)
        await asyncio.sleep(60)
        dipped_v = _io_supply_v(parts)
        await fault.clear()
        await asyncio.sleep(0.3)

        assert dipped_v == 5.0
        assert _io_supply_v(parts) > 25.0


@virtual
async def test_a_cut_can_wire_silences_a_battery_both_ways_and_no_other():
    async with bench_of(parallel=2) as (bench, _parts):
        await bench.running()
        counts = [bench.private_can.count(lambda f, n=n: f.identifier & 0xFF == n) for n in (0, 1)]
        fault = await bench.inject("battery CAN cut", battery=1)
        await asyncio.sleep(3)
        heard = [signal.latest.value for signal in counts]
        await fault.clear()
        await asyncio.sleep(15)

        assert heard[1] <= 1
        assert heard[0] > 10
        assert counts[1].latest.value > heard[1] + 10


@virtual
async def test_a_stalled_loop_says_nothing_until_the_watchdog_restarts_it():
    async with bench_of() as (bench, _parts):
        await bench.running()
        before = bench.gx.heard.latest.value
        await bench.inject("stalled loop")
        await asyncio.sleep(1.9)
        during = bench.gx.heard.latest.value
        await expect(bench.contactor).becomes(OPEN, within=seconds(0.3))

        assert during - before <= 2  # what was on its way


@virtual
async def test_a_loop_that_goes_on_before_the_watchdog_is_not_restarted():
    async with bench_of() as (bench, _parts):
        await bench.running()
        fault = await bench.inject("stalled loop")
        await asyncio.sleep(1.0)
        await fault.clear()

        await expect(bench.contactor).stays(CLOSED, for_=seconds(10))


@virtual
async def test_after_its_watchdog_the_device_is_told_so_once():
    async with bench_of() as (bench, parts):
        await bench.inject("stalled loop")
        told = []
        original = parts.device._boot

        def boot(*which):
            original(*which)
            master = parts.device._device
            step = master.step

            def spy(now_us, inputs):
                told.append(inputs.reset_by_watchdog)
                return step(now_us, inputs)

            master.step = spy

        parts.device._boot = boot
        await asyncio.sleep(5)

    assert told[:1] == [True]
    assert not any(told[1:])


@pytest.mark.parametrize(
    ("how", "left"),
    [("erased", b"\xff" * 32), ("cut short", bytes(4)), ("missing", None)],
    ids=lambda value: str(value)[:8],
)
@virtual
async def test_damaged_memory_is_what_the_device_restarts_with(how, left):
    async with bench_of() as (bench, parts):
        registers = parts.device._memory.registers
        registers["own"] = bytes(8)
        await bench.running()
        await bench.inject("damaged memory", register="own", how=how)

        assert registers.get("own") == left
        await expect(bench.contactor).becomes(OPEN, within=seconds(0.1))


@virtual
async def test_noise_changes_every_byte_of_a_register_and_clearing_puts_it_right():
    async with bench_of() as (bench, parts):
        registers = parts.device._memory.registers
        registers["own"] = b"\x11" * 8
        fault = await bench.inject("damaged memory", register="own")
        noisy = registers["own"]
        await fault.clear()

        assert len(noisy) == 8
        assert 0x11 not in noisy
        assert registers["own"] == b"\x11" * 8


@virtual
async def test_a_register_that_was_never_written_cannot_be_damaged():
    async with bench_of() as (bench, _parts):
        with pytest.raises(FaultRefused, match=r"register; allowed: .*soc"):
            await bench.inject("damaged memory", register="nothing of the kind")


@virtual
async def test_a_failed_self_test_reaches_the_master():
    async with bench_of() as (bench, parts):
        await bench.running()
        fault = await bench.inject("failed self-test")
        await asyncio.sleep(0.2)
        failed = parts.device._device.application.view.inputs.self_test_passed
        await fault.clear()
        await asyncio.sleep(0.2)

        assert (failed, parts.device._device.application.view.inputs.self_test_passed) == (
            False,
            True,
        )


@virtual
async def test_a_failed_self_test_of_a_battery_reaches_its_own_firmware_only():
    async with bench_of(parallel=2) as (bench, parts):
        fault = await bench.inject("battery self-test failed", battery=1)
        failed = [module._read(0).self_test_passed for module in parts._system.modules]
        await fault.clear()

        assert failed == [True, False]
        assert parts._system.modules[1]._read(0).self_test_passed


@virtual
async def test_what_this_bench_has_not_is_refused_by_name():
    async with bench_of(parallel=2) as (bench, _parts):
        with pytest.raises(FaultRefused, match="battery; allowed: 0 to 1"):
            await bench.inject("battery CAN cut", battery=2)
        with pytest.raises(NotOnThisBench):
            bench.battery(2)


@virtual
async def test_a_broken_sense_wire_is_a_voltage_of_zero_to_the_dut_and_to_no_other():
    async with bench_of(parallel=1) as (bench, _parts):
        await bench.running()
        true_v = await value(bench.battery_voltage)
        fault = await bench.inject("battery voltage misread")
        await asyncio.sleep(6)
        told_v = await value(bench.gx.register("voltage_v"))
        await fault.clear()
        await asyncio.sleep(6)

        assert told_v == 0
        assert await value(bench.battery_voltage) == pytest.approx(true_v, abs=0.1)
        assert await value(bench.gx.register("voltage_v")) == pytest.approx(true_v, abs=0.1)


@virtual
async def test_a_power_cycle_opens_the_contactor_and_leaves_the_memory():
    async with bench_of(parallel=1) as (bench, _parts):
        await bench.running()
        await bench.tool.set("battery_strategy", 1)
        await bench.power_cycle()
        await asyncio.sleep(2)

        assert await value(bench.contactor) == OPEN
        assert await bench.tool.setting("battery_strategy") == 1
