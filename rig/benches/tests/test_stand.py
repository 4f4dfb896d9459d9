"""Hub, stand and device as processes: real drivers over TCP start a system and charge it."""

import asyncio
import os
import shutil
import signal
import tempfile
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from instruments.models import model_named, open_driver
from rig.benches.file import load_bench
from rig.benches.processes import Processes
from rig.benches.stand import StandSpec
from rig.clock import monotonic_us
from rig.errors import BenchError

STARTS_S = 15.0


@pytest.fixture
def folder():
    made = Path(tempfile.mkdtemp(prefix="stand"))  # a socket's name has to be short
    yield made
    shutil.rmtree(made, ignore_errors=True)


def spec(folder: Path, **needs: object) -> StandSpec:
    return StandSpec(
        needs=needs,
        firmware="1.38",
        without=[],
        starts_on=None,
        seed="1",
        bench="sim",
        hub=str(folder / "hub"),
        harness=str(folder / "harness"),
        control=str(folder / "control"),
    )


async def until(holds, within_s: float = STARTS_S) -> float:
    """Seconds until it holds."""
    began_us = monotonic_us()
    while not await holds():
        took_s = (monotonic_us() - began_us) / 1e6
        assert took_s < within_s, "not in time"
        await asyncio.sleep(0.05)
    return (monotonic_us() - began_us) / 1e6


def driver(processes: Processes, role: str, model: str, **options: object):
    return open_driver(
        model_named(model), processes.doors[role], now_us=monotonic_us, timeout_s=5.0, **options
    )


def daq(processes: Processes):
    lines = load_bench("sim").lines
    return driver(processes, "daq", "daq970a", lines=lines, outputs=(102,))


async def start(processes: Processes, io) -> None:
    await io.open()
    for line, level in (("start_stop", False), ("interlock", True), ("emergency_stop", False)):
        await io.set(line, level)
    await asyncio.sleep(1.0)
    await io.pulse("start_stop", 0.2)

    async def closed() -> bool:
        return bool((await io.get_all())["contactor_aux"])

    await until(closed)


async def test_the_button_starts_the_device_and_the_supply_charges_it(folder):
    async with Processes(folder, spec(folder), ["--firmware", "1.38"]) as processes:
        io = daq(processes)
        supply = driver(processes, "charger", "psb10000")
        await start(processes, io)
        await supply.open()
        await supply.set_ovp(32.0)
        await supply.set_ocp(30.0)
        await supply.set_opp(1_000.0)
        await supply.set_voltage(28.0)
        await supply.set_current_limit(20.0)
        await supply.output_on()

        async def charges() -> bool:
            return abs((await supply.measure()).current_a - 20.0) < 1.0

        await until(charges)
        circuit = await processes.ask("circuit")
        assert circuit["contactor_closed"]
        assert circuit["battery_current_a"] == pytest.approx(20.0, abs=1.0)
        await supply.close()
        await io.close()


async def test_a_killed_device_leaves_its_contactor_open(folder):
    async with Processes(folder, spec(folder), ["--firmware", "1.38"]) as processes:
        io = daq(processes)
        await start(processes, io)
        assert processes.device is not None
        os.kill(processes.device.pid, signal.SIGKILL)

        async def opened() -> bool:
            return not (await processes.ask("circuit"))["contactor_closed"]

        assert await until(opened, 1.0) < 0.5
        await io.close()


async def test_a_fault_comes_over_the_control_socket_and_an_unknown_one_is_refused(folder):
    async with Processes(folder, spec(folder), ["--firmware", "1.38"]) as processes:
        given = {"battery": 0, "cell": 1, "capacity_pct": 80.0}
        await processes.ask("inject", number=1, name="cell weak", given=given)
        await processes.ask("clear", number=1)

        with pytest.raises(BenchError, match="fault 'cell week' is unknown; allowed: cell weak"):
            await processes.ask("inject", number=2, name="cell week", given=given)


async def test_nothing_is_left_when_the_stand_cannot_be_built(folder):
    processes = Processes(folder, spec(folder, battery="LFP 23 V"), [])

    with pytest.raises(BenchError, match=r"the stand did not start .*LFP 23 V"):
        await processes.__aenter__()

    assert not processes._started


async def test_a_stand_ends_with_its_owners_end_of_its_input(folder):
    async with Processes(folder, spec(folder), [], device_later=True) as processes:
        stand = processes._started[1]
        assert stand.stdin is not None
        stand.stdin.close()

        assert await asyncio.wait_for(stand.wait(), 5.0) == 0


async def test_a_stand_whose_owner_went_before_it_was_built_is_not_built(folder):
    processes = Processes(folder, spec(folder), [])
    stand = await processes._spawn("stand", ["-m", "rig.benches.stand", "none"], stdin=PIPE)
    assert stand.stdin is not None
    stand.stdin.close()

    assert await asyncio.wait_for(stand.wait(), STARTS_S) == 0
