"""Reference stimuli: what is done to a device so that its whole behaviour shows in a trace.

All silent rows apply all of them. What they can see is measured (`hil matrix --resolving`): each
other change, left out, has to show. A new change that does not show asks for a step in the
stimulus of its system, not for a stimulus of its own: each costs every silent row its time.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from rig import Bench, Frame, parse_frame, seconds
from scenarios.traces import Stimulus, Tracer, same_traces

COMBINED, DEVICE_MODE, SOC = 0x0377, 0x0200, 0x0FFF
START_ON_CHARGER, RELAY_CONTROL, LINK_PERCENTAGE = 0x0375, 0x034E, 0x2014
ON, OFF = b"\x01", b"\x04"


async def _press(bench: Bench, wait_s: float = 7.0) -> None:
    """Press the button and give what it does its time; a device that does nothing shows, too."""
    await bench.press_start_stop()
    await bench.wait(seconds(wait_s))


async def _ask_all(bench: Bench, times: int) -> None:
    """Ask for every register, in quick succession."""
    for _ in range(times):
        for register in bench.gx.registers:
            bench.gx.ask(register)
            await bench.wait(seconds(0.004))


async def combined_system(bench: Bench, tracer: Tracer) -> None:
    """Settings told, then commands by VE.Can: start, registers, a load, stop, and power lost."""
    for name in bench.tool.settings:
        await tracer.asked(name, bench.tool.setting(name))
        if not name.startswith("batteries_"):  # whose choices are numbers, a hundred of them
            await tracer.asked(name, bench.tool.choices(name))
    tracer.told("consumption", (await bench.consumption.read()).value)
    await bench.gx.write(COMBINED, b"\x01")
    await bench.wait(seconds(3))
    await bench.gx.write(DEVICE_MODE, ON)
    await bench.wait(seconds(6))
    await tracer.asked("identify", bench.tool.identify_battery(0, "A"))
    await tracer.asked("identity", bench.tool.battery_identity(0))
    await tracer.asked("boot loader", bench.tool.boot_loader())
    for register in (0x0385, 0x0390, 0x0FFF):
        await tracer.asked("app", bench.app.read(register))
    await _ask_all(bench, 1)
    await bench.wait(seconds(11))
    await bench.gx.write(SOC, (4_000).to_bytes(2, "little"))
    bench.ve_can.send(parse_frame("020#66990100FF0FFFFF"))
    await bench.load.draw(100.0)
    await bench.wait(seconds(6))
    await bench.load.off()
    await bench.gx.write(DEVICE_MODE, OFF)
    await bench.wait(seconds(12))
    await bench.gx.write(SOC, (7_500).to_bytes(2, "little"))
    await bench.power_cycle()
    await _press(bench)


async def day(bench: Bench, tracer: Tracer) -> None:
    """A charger that is not to wake it, start, loads, the interlock; the link decays slowly."""
    await bench.gx.write(START_ON_CHARGER, b"\x00")
    await bench.charger.charge(5.0, 19.5)
    await bench.wait(seconds(4))
    await bench.charger.off()
    await _press(bench, 8.0)
    await _ask_all(bench, 2)
    for register, data in ((RELAY_CONTROL, b"\x01"), (LINK_PERCENTAGE, b"\x32")):
        await bench.gx.write(register, data)
    await bench.load.draw(100.0)
    await bench.wait(seconds(10))
    bench.gx.ask(0x0FFE)
    await bench.load.off()
    await tracer.asked("interlock", bench.tool.set("interlock", 1))
    await _press(bench, 12.0)
    await _press(bench)
    await bench.open_interlock()
    await bench.wait(seconds(2))


async def broken_sensors(bench: Bench, tracer: Tracer) -> None:
    """Invalid cells and sensors, three sensors that tell nonsense, and far too high a cell."""
    await _press(bench)
    battery = bench.battery(0)
    battery.cell(0).reads(5.0)
    battery.temperature_sensor(0).reads(float("nan"))
    await bench.wait(seconds(3))
    battery.cell(0).reads_true()
    battery.temperature_sensor(0).reads_true()
    for sensor, wait_s in ((0, 2), (1, 2), (2, 8)):
        battery.temperature_sensor(sensor).reads(75.0)
        await bench.wait(seconds(wait_s))
    await bench.power_cycle()
    for sensor in (0, 1, 2):
        battery.temperature_sensor(sensor).reads_true()
    await _press(bench)
    battery.cell(1).reads(4.05)
    await bench.wait(seconds(47))


async def lost_battery_and_rebooting_gx(bench: Bench, tracer: Tracer) -> None:
    """A GX device reboots; then a battery falls silent."""
    await _press(bench)
    bench.battery(0).cell(3).reads(3.43)
    bench.battery(0).temperature_sensor(0).reads(38.0)
    await bench.gx.reboot()
    bench.gx.ask(SOC)
    await bench.wait(seconds(3))
    bench.battery(1).fall_silent()
    await bench.wait(seconds(34))


async def low_starts(bench: Bench, tracer: Tracer) -> None:
    """A start with a low pack, and one with a critically low cell, without and with a charger."""
    await _press(bench, 9.0)
    await _press(bench, 10.0)
    bench.battery(0).cell(3).reads(2.30)
    await _press(bench, 9.0)
    await bench.charger.charge(20.0, 28.0)
    await bench.wait(seconds(5))


async def difficult_starts(bench: Bench, tracer: Tracer) -> None:
    """A start that is broken off, a fuse, a contactor that is stuck."""
    await _press(bench, 4.5)
    await _press(bench, 28.0)
    await _press(bench, 9.0)
    await _press(bench, 10.0)
    for name in ("pre-charge fuse blown", "contactor stuck open"):
        fault = await bench.inject(name)
        await _press(bench, 9.0 if "contactor" in name else 36.0)
        await fault.clear()
        await _press(bench, 0.6)


async def slow_pre_charge(bench: Bench, tracer: Tracer) -> None:
    """A pre-charge that stalls, and an emergency stop while it does."""
    await _press(bench, 6.0)
    await bench.press_emergency_stop()
    await bench.wait(seconds(2))
    await bench.release_emergency_stop()
    await _press(bench, 2.0)


async def held_down_pre_charge(bench: Bench, tracer: Tracer) -> None:
    """Above 48 V the resistor takes all that the battery gives."""
    await _press(bench, 20.0)


async def heat(bench: Bench, tracer: Tracer) -> None:
    """HE batteries: balancing, fans and limits under both strategies, too much charge."""
    await bench.inject("humid battery", battery=0, humidity_pct=80.0)
    cells = (3.640, 3.645, 3.650, 3.655, 3.660, 3.665, 3.675)
    for index, voltage_v in enumerate(cells):
        bench.battery(0).cell(index).reads(voltage_v)
    broken = await bench.inject("terminal temperature open", battery=0, terminal="negative")
    await _press(bench, 26.0)
    await broken.clear()
    await tracer.asked("terminals", bench.tool.terminal_temperatures_c(0))
    for strategy in (0, 1):
        await tracer.asked("strategy", bench.tool.set("battery_strategy", strategy))
        for temperature_c in (28.5, 30.5, 32.0, 34.5, 35.5, 33.5, 28.5):
            for battery in bench.batteries:
                battery.temperature_reads(temperature_c)
            await bench.wait(seconds(0.7))
    for step in range(22):
        for battery in bench.batteries:
            battery.temperature_reads(44.6 - 0.35 * step)
        await bench.wait(seconds(0.4))
    for temperature_c, wait_s in ((63.0, 1), (65.0, 1)):
        bench.battery(0).positive_terminal_reads(temperature_c)
        await bench.wait(seconds(wait_s))
    bench.battery(0).positive_terminal_reads(24.0)
    for inside_c, wait_s in ((52.0, 2), (47.0, 2), (75.0, 12)):
        await bench.inject("hot soak", temperature_c=inside_c, reaching="surroundings")
        await bench.wait(seconds(wait_s))
    await bench.charger.charge(160.0, 28.4)
    await bench.wait(seconds(12))
    await bench.charger.off()
    await bench.wait(seconds(6))
    await _press(bench, 1.0)
    await _press(bench, 6.0)
    bench.battery(0).positive_terminal_reads(69.5)
    await bench.wait(seconds(12))


async def inverter_system(bench: Bench, tracer: Tracer) -> None:
    """A 72 V system whose limits are above 120 A, on all protocols, and beside a charger."""
    await _press(bench, 9.0)
    tracer.told("charger", bench.powerfinn.runs.latest)
    for code in (1, 2, 3, 4):
        await tracer.asked("protocol", bench.tool.set("external_protocol", code))
        await bench.wait(seconds(2.5))


async def full_battery(bench: Bench, tracer: Tracer) -> None:
    """Cells far apart, then together; charged to the level, and discharged until allowed again."""
    battery = bench.battery(0)
    far = (3.420, 3.415, 3.410, 3.405, 3.395, 3.390, 3.385, 3.380)
    for index, voltage_v in enumerate(far):
        battery.cell(index).reads(voltage_v)
    await bench.inject("shunt error", offset_a=5.0)
    await _press(bench, 17.0)
    fault = await bench.inject("balancer failed", battery=0)
    await bench.wait(seconds(3))
    await fault.clear()
    await bench.wait(seconds(11))
    for index in range(battery.cells):
        battery.cell(index).reads(3.400 + 0.0005 * index)
    await bench.wait(seconds(11))
    await bench.charger.charge(100.0, 28.4)
    await bench.wait(seconds(4))
    battery.cell(2).reads(3.57)
    await bench.wait(seconds(3))
    await bench.charger.off()
    await bench.wait(seconds(19))
    battery.cell(2).reads(3.40)
    await _drawn(bench, 215.0, 33)


async def _drawn(bench: Bench, current_a: float, wait_s: float) -> None:
    await bench.load.draw(current_a)
    await bench.wait(seconds(wait_s))
    await bench.load.off()


async def passive_balancing(bench: Bench, tracer: Tracer) -> None:
    """A new LFP battery: one cell too high, then none; and the signals' inversion."""
    for index in range(bench.battery(0).cells):
        bench.battery(0).cell(index).reads(3.440 if index in {1, 4} else 3.400)
    await _press(bench, 18.0)
    for index in (1, 4):
        bench.battery(0).cell(index).reads(3.404)
    await bench.wait(seconds(12))
    await bench.inject("stalled loop")
    await bench.wait(seconds(4))


async def rs_batteries(bench: Bench, tracer: Tracer) -> None:
    """A leak, and a self-test that fails, with SMA beside it; too much charge."""
    await tracer.asked("protocol", bench.tool.set("external_protocol", 2))
    await tracer.asked("relay", bench.tool.set("relay_function", "warning"))
    await _press(bench, 10.0)
    await bench.inject("battery self-test failed", battery=0)
    leak = await bench.inject("leakage to chassis", battery=0, leakage_kohm=40.0)
    await bench.wait(seconds(12))
    await tracer.asked("warnings", bench.tool.warnings())
    await leak.clear()
    await tracer.asked("strategy", bench.tool.set("battery_strategy", 1))
    await bench.charger.charge(310.0, 54.0)
    await bench.wait(seconds(33))
    await bench.charger.off()


async def overload(bench: Bench, tracer: Tracer) -> None:
    """More current than the master supports, a broken sense wire, presses in a row, a fuse."""
    await _press(bench)
    sense = await bench.inject("battery voltage misread", gain_pct=-25.0)
    await bench.load.draw(180.0)
    await bench.wait(seconds(12))
    await sense.clear()
    await bench.load.off()
    await bench.wait(seconds(2))
    for _ in range(3):
        await _press(bench, 0.3)
    await bench.wait(seconds(4))


async def broken_fuse(bench: Bench, tracer: Tracer) -> None:
    """The main fuse blows while a charger holds the system bus too high."""
    await bench.charger.charge(10.0, 26.0)
    await _press(bench)
    await bench.inject("main fuse blown")
    await bench.charger.charge(10.0, 29.6)
    await bench.wait(seconds(24))


async def two_masters(bench: Bench, tracer: Tracer) -> None:
    """Another system of the same kind on VE.Can."""
    await _press(bench)
    second = await bench.second_master()
    await second.running()
    disturbed = await bench.inject("master CAN disturbed")
    await bench.wait(seconds(1))
    await disturbed.clear()
    await bench.wait(seconds(5))


# Who announces himself on the private bus after a start: every type that joined with a release
# (its cells by its code), RS batteries in company, and a battery of week 46 of 2017.
KNOWN_TYPE = 2
CELLS = {5: 7, 7: 7, **dict.fromkeys(range(8, 12), 8), 12: 7, 13: 12, 14: 14, 15: 16, 16: 8}
CELLS |= {17: 16, 18: 12, 19: 8}
TOGETHER: Sequence[tuple[tuple[int, int, int], ...]] = (
    *(((17_200_001, code, cells),) for code, cells in CELLS.items()),
    ((17_200_001, 13, 12), (17_200_002, 13, 12)),
    ((17_200_001, 13, 12), (17_200_002, 18, 12)),
    ((17_460_001, KNOWN_TYPE, 8),),  # of week 46 of 2017
)


def _announcement(serial: int, type_code: int, cells: int) -> Frame:
    data = serial.to_bytes(4, "little") + type_code.to_bytes(2, "little") + bytes((cells, 38))
    return parse_frame(f"{0x18F0FE00 | serial & 0xFF:08X}#{data.hex()}")


async def _start_among(
    bench: Bench, announced: Sequence[tuple[int, int, int]], apart_s: float = 0.02
) -> None:
    """Start, let these announce themselves, and stop once they are taken or refused."""
    await bench.press_start_stop()
    await bench.wait(seconds(0.6))
    for battery in announced:
        bench.private_can.send(_announcement(*battery))
        await bench.wait(seconds(apart_s))
    await bench.wait(seconds(3.0))
    await bench.press_start_stop()
    await bench.wait(seconds(0.3))


async def strange_batteries(bench: Bench, tracer: Tracer) -> None:
    """They announce themselves one after another, while those of the bench are not heard."""
    for battery in bench.batteries:
        battery.fall_silent()
    for announced in TOGETHER:
        await _start_among(bench, announced)
    await _start_among(bench, ((17_200_001, 13, 12), (17_200_002, 13, 12)), apart_s=0.0)
    crowd = tuple((17_200_000 + number, KNOWN_TYPE, 8) for number in range(97))
    await _start_among(bench, crowd, apart_s=0.002)
    for name, count in (("batteries_parallel", 1), ("batteries_series", 2)):
        await tracer.asked(name, bench.tool.set(name, count))
    await _start_among(bench, ((17_200_001, KNOWN_TYPE, 8), (17_200_002, KNOWN_TYPE, 8)))


async def a_start(bench: Bench, tracer: Tracer) -> None:
    """No more than that, and the question what product it is."""
    bench.gx.ask(0x0100)
    await _press(bench, 5.0)


async def after_an_update(bench: Bench, tracer: Tracer) -> None:
    """What has been set before the update, and what it means now."""
    for name in ("relay_function", "external_protocol"):
        await tracer.asked(name, bench.tool.setting(name))
        await tracer.asked(name, bench.tool.choices(name))
    await _press(bench, 5.0)


def _applied(stimulus: Callable[[Bench, Tracer], Awaitable[None]], **needs: object) -> object:
    """One stimulus with the system that it needs."""
    name = stimulus.__name__.replace("_", " ")
    if stimulus is a_start:
        name = f"a start of {needs['hardware']}"
    return pytest.param(stimulus, marks=pytest.mark.needs(**needs), id=name)


LFP_ONE: Mapping[str, object] = {"parallel": 1}
ALL = (
    _applied(combined_system, parallel=1, link_capacitance_f=0.100, link_bleed_ohm=2_000),
    _applied(
        day,
        hardware="Lynx Ion BMS 400, interlock",
        link_capacitance_f=0.030,
        link_bleed_ohm=2_000,
    ),
    _applied(broken_sensors, parallel=1),
    _applied(lost_battery_and_rebooting_gx),
    _applied(low_starts, parallel=1, soc_pct=0.0, soc_spread_pct=0.0, link_bleed_ohm=5_000),
    _applied(difficult_starts, parallel=1, link_capacitance_f=0.050, link_bleed_ohm=400),
    _applied(slow_pre_charge, parallel=1, link_load_ohm=20),
    _applied(held_down_pre_charge, series=2, parallel=1, link_load_ohm=0.5),
    _applied(heat, battery="HE100", parallel=1, serials=("HQ17200047",)),
    _applied(
        inverter_system,
        battery="LFP 24 V 280 Ah",
        series=3,
        parallel=2,
        hardware="Lynx Ion BMS 600",
        link_bleed_ohm=2_000,
    ),
    _applied(full_battery, battery="LFP 24 V 180 Ah", parallel=1, soc_pct=99.95),
    _applied(passive_balancing, battery="LFP 24 V 100 Ah passive", parallel=1),
    _applied(rs_batteries, battery="RS230", parallel=1),
    _applied(overload, parallel=1, hardware="Lynx Ion BMS 150"),
    _applied(broken_fuse, parallel=1),
    _applied(two_masters, parallel=1),
    _applied(strange_batteries, parallel=1),
    *(
        _applied(a_start, parallel=1, hardware=f"Lynx Ion BMS {model}")
        for model in ("400, hardware 2", "600, hardware 2", "1000, hardware 2", "1000 PC+")
    ),
    _applied(after_an_update, parallel=1, starts_on="1.13"),
)

__all__ = ["ALL", "Stimulus", "Tracer", "same_traces"]
