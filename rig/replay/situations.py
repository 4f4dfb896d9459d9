"""Situations from which field cases are made: a plant condition, events, and a complaint.

Each is tied to a row of the catalogue. Around what matters goes on what goes on in a real system:
loads and chargers, cells that move a little, a GX device that asks.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rig.bench import Bench
from rig.can.frame import parse_frame
from rig.kernel import seconds

Story = Callable[[Bench, random.Random], Awaitable[None]]
ASKED = (0x0100, 0x0102, 0x0FFF, 0x0390, 0x0391, 0x0371, 0x2101, 0x0380)
SOC, COMBINED = 0x0FFF, 0x0377


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One way in which a system in the field came to show a fault."""

    name: str
    item: str
    """The row of the catalogue that the fault is about."""
    when: str
    """What a developer would ask for."""
    story: Story
    faulty: tuple[str, str]
    """The first and the last release that show the complaint, by trial of the situation itself."""
    needs: Mapping[str, Any] = field(default_factory=dict)
    life: bool = True
    """Whether loads and cells move around it; not where they would hide it."""


async def _start(bench: Bench, wait_s: float = 8.0) -> None:
    await bench.press_start_stop()
    await bench.wait(seconds(wait_s))


async def _hot_trip(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.wait(seconds(dice.uniform(6, 20)))
    bench.battery(0).cell(dice.randrange(8)).reads(dice.uniform(3.68, 3.80))
    await bench.wait(seconds(55))


async def _stop(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.wait(seconds(dice.uniform(8, 25)))
    await bench.load.off()
    await bench.charger.off()
    await bench.press_start_stop()
    await bench.wait(seconds(25))


async def _runs(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.wait(seconds(dice.uniform(15, 25)))


async def _runs_long(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.wait(seconds(dice.uniform(75, 85)))


async def _battery_lost(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.wait(seconds(dice.uniform(6, 20)))
    for battery in bench.batteries:
        battery.fall_silent()
    await bench.wait(seconds(45))


async def _imbalance(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.wait(seconds(dice.uniform(6, 18)))
    spread_v = dice.uniform(0.12, 0.18)
    low = dice.randrange(8)
    for index in range(8):
        bench.battery(0).cell(index).reads(3.30 if index != low else 3.30 - spread_v)
    await bench.wait(seconds(50))


async def _overload(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.wait(seconds(dice.uniform(10, 20)))
    await bench.load.draw(dice.uniform(165, 190))
    await bench.wait(seconds(40))


async def _gx_reboots(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.wait(seconds(dice.uniform(6, 20)))
    await bench.gx.reboot()
    await bench.wait(seconds(5))


async def _soc_while_open(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.wait(seconds(dice.uniform(6, 15)))
    await bench.load.off()
    await bench.charger.off()
    await bench.press_start_stop()
    await bench.wait(seconds(dice.uniform(15, 20)))
    await bench.gx.write(SOC, dice.randrange(1_500, 2_500).to_bytes(2, "little"))
    await bench.wait(seconds(3))
    await _start(bench, 25.0)


async def _discharged(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.wait(seconds(dice.uniform(6, 18)))
    bench.battery(0).cell(dice.randrange(8)).reads(dice.uniform(2.82, 2.88))
    await bench.wait(seconds(42))


async def _sensors_deviate(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.wait(seconds(dice.uniform(6, 18)))
    for sensor in dice.sample(range(4), 2):
        bench.battery(0).temperature_sensor(sensor).reads(dice.uniform(70, 80))
    await bench.wait(seconds(50))


async def _new_battery(bench: Bench, dice: random.Random) -> None:
    await bench.wait(seconds(dice.uniform(2, 6)))
    await _start(bench, 45.0)


async def _fuse_blown(bench: Bench, dice: random.Random) -> None:
    await bench.inject("pre-charge fuse blown")
    await bench.wait(seconds(dice.uniform(2, 6)))
    await _start(bench, 45.0)


async def _stuck_open(bench: Bench, dice: random.Random) -> None:
    await bench.inject("contactor stuck open")
    await bench.wait(seconds(dice.uniform(2, 6)))
    await _start(bench, 45.0)


async def _hot_terminal(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.wait(seconds(dice.uniform(6, 18)))
    bench.battery(0).positive_terminal_reads(dice.uniform(70, 78))
    await bench.wait(seconds(40))


async def _nearly_full(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.wait(seconds(dice.uniform(6, 18)))
    bench.battery(0).cell(dice.randrange(8)).reads(dice.uniform(3.48, 3.50))
    await bench.wait(seconds(40))


async def _full_count(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.charger.charge(115.0, 28.6)
    await bench.wait(seconds(140))


async def _commanded_stop(bench: Bench, dice: random.Random) -> None:
    await bench.gx.write(COMBINED, b"\x01")
    await bench.wait(seconds(2))
    await _start(bench)
    await bench.wait(seconds(dice.uniform(6, 18)))
    for _ in range(3):
        await bench.gx.write(0x0200, b"\x04")
        await bench.wait(seconds(15))


async def _standard_frame(bench: Bench, dice: random.Random) -> None:
    await _start(bench)
    await bench.wait(seconds(dice.uniform(6, 20)))
    for _ in range(3):
        bench.ve_can.send(parse_frame("020#6699FF0FB80BFFFF"))
        await bench.wait(seconds(6))


async def _slow_precharge(bench: Bench, dice: random.Random) -> None:
    await bench.wait(seconds(dice.uniform(2, 6)))
    await _start(bench, 70.0)


SITUATIONS = (
    Situation(
        name="opens too soon after a trip",
        item="v1.08-04",
        faulty=("1.07", "1.07"),
        when="contactor opens within 3 s of error becomes over_voltage",
        story=_hot_trip,
    ),
    Situation(
        name="opens too soon after a stop",
        item="v1.09-06",
        faulty=("1.07", "1.08"),
        when="contactor opens within 4 s of stop",
        story=_stop,
    ),
    Situation(
        name="no charge voltage limit",
        item="v1.08-01",
        faulty=("1.07", "1.07"),
        when="no 0x0390 for 12 s",
        story=_runs,
    ),
    Situation(
        name="lost battery shown as battery failure",
        item="v1.32-05c",
        faulty=("1.07", "1.31"),
        when="error == battery_communication",
        story=_battery_lost,
        needs={"parallel": 1},
    ),
    Situation(
        name="imbalance without a flag",
        item="v1.32-06a",
        faulty=("1.07", "1.31"),
        when="(cell_voltage_v_max > 3.28 and cell_voltage_v_min < 3.19 and not flags bit 30) "
        "for 36 s",
        story=_imbalance,
        needs={"parallel": 1},
        life=False,
    ),
    Situation(
        name="overload without an alarm",
        item="v1.35-07",
        faulty=("1.07", "1.34"),
        when="(current_a < -160 and not flags bit 29) for 12 s",
        story=_overload,
        needs={"hardware": "Lynx Ion BMS 150", "parallel": 1},
        life=False,
    ),
    Situation(
        name="event 26 of a sound contactor",
        item="v1.07-K1",
        faulty=("1.07", "1.13"),
        when="event == 26",
        story=_stop,
        life=False,
        needs={"link_capacitance_f": 0.026, "link_bleed_ohm": 2_300.0},
    ),
    Situation(
        name="silent after the GX device rebooted",
        item="v1.07-K3",
        faulty=("1.07", "1.13"),
        when="no 127508 for 12 s",
        story=_gx_reboots,
    ),
    Situation(
        name="SOC taken while off",
        item="v1.26-03",
        faulty=("1.09", "1.25"),
        when="state == running and soc_pct < 30",
        story=_soc_while_open,
        life=False,  # a charger would start it, and the contactor be closed
    ),
    Situation(
        name="discharged too deep",
        item="v1.30-01",
        faulty=("1.07", "1.29"),
        when="(cell_voltage_v_min < 2.885 and flags bit 26) for 25 s",
        story=_discharged,
    ),
    Situation(
        name="two bad sensors stop the system",
        item="v1.38-08",
        faulty=("1.07", "1.37"),
        when="error == over_temperature",
        story=_sensors_deviate,
    ),
    Situation(
        name="a battery of 304 Ah is refused",
        item="v1.21-03",
        faulty=("1.07", "1.20"),
        when="state == error",
        story=_new_battery,
        life=False,
        needs={"battery": "LFP 24 V 304 Ah", "parallel": 1},
    ),
    Situation(
        name="a battery of 314 Ah is refused",
        item="v1.38-01",
        faulty=("1.07", "1.37"),
        when="state == error",
        story=_new_battery,
        life=False,
        needs={"battery": "LFP 24 V 314 Ah", "parallel": 1},
    ),
    Situation(
        name="blown pre-charge fuse shown as failed pre-charge",
        item="v1.36-06",
        faulty=("1.07", "1.35"),
        when="event == pre_charge",
        story=_fuse_blown,
        life=False,
    ),
    Situation(
        name="stuck contactor shown as failed pre-charge",
        item="v1.23-03",
        faulty=("1.07", "1.22"),
        when="event == pre_charge",
        story=_stuck_open,
        life=False,
    ),
    Situation(
        name="hot terminal shown as over-temperature",
        item="v1.32-05e",
        faulty=("1.07", "1.31"),
        when="error == over_temperature",
        story=_hot_terminal,
        needs={"battery": "HE100", "parallel": 1},
    ),
    Situation(
        name="link limit is all or nothing",
        item="v1.09-10",
        faulty=("1.07", "1.08"),
        when="(cell_voltage_v_max > 3.47 and link_charge_current_limit_a > 229) for 15 s",
        story=_nearly_full,
        life=False,
    ),
    Situation(
        name="100 % while it still charges",
        item="v1.25-05",
        faulty=("1.07", "1.24"),
        when="(soc_pct >= 100 and flags bit 25) for 15 s",
        story=_full_count,
        needs={"parallel": 1, "soc_pct": 98.5, "capacity_pct": 165},
        life=False,
    ),
    Situation(
        name="no heartbeat",
        item="v1.36-02",
        faulty=("1.07", "1.35"),
        when="no 126993 for 70 s",
        story=_runs_long,
    ),
    Situation(
        name="commands by VE.Can disregarded",
        item="v1.25-09a",
        faulty=("1.07", "1.24"),
        when="state == running for 45 s",
        story=_commanded_stop,
        life=False,
    ),
    Situation(
        name="written to by standard frames",
        item="v1.16-01",
        faulty=("1.09", "1.15"),
        when="soc_pct becomes 30",
        story=_standard_frame,
    ),
    Situation(
        name="pre-charging goes on and on",
        item="v1.27-02b",
        faulty=("1.07", "1.26"),
        when="event == pre_charge",
        story=_slow_precharge,
        life=False,
        needs={"precharge_ohm": 420.0, "link_capacitance_f": 0.027, "link_bleed_ohm": 25_000.0},
    ),
)


async def live(bench: Bench, dice: random.Random) -> None:
    """What goes on in a system that is used, until it is cancelled."""
    with suppress(asyncio.CancelledError):
        await bench.wait(seconds(8))
        while True:
            await bench.wait(seconds(dice.uniform(0.1, 0.8)))
            battery = bench.battery(dice.randrange(len(bench.batteries)))
            match dice.randrange(8):
                case 0:
                    bench.gx.ask(dice.choice(ASKED))
                case 1:
                    await bench.charger.off()
                    await bench.load.draw(dice.uniform(5, 60))
                case 2:
                    await bench.load.off()
                    await bench.charger.charge(dice.uniform(5, 40), 28.4)
                case 3:
                    await bench.load.off()
                    await bench.charger.off()
                case 4:
                    sensor = battery.temperature_sensor(dice.randrange(4))
                    sensor.reads(dice.uniform(24.0, 26.0))
                case _:
                    pass
