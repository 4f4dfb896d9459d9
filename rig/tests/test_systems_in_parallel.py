"""Two whole systems on one DC bus: masters, batteries, contactors, and one load."""

import asyncio

import pytest

from rig.benches.system import build_system
from rig.dut.model import DutSpec
from rig.dut.terminals import Input, Output
from rig.expect import expect
from rig.faults.tests.stand import bench_of
from rig.kernel import seconds
from rig.needs import Needs
from rig.tests.virtual import kernel, virtual
from rig.views import OPEN


async def closed(dut, *, within_s: float) -> bool:
    for _ in range(int(within_s / 0.2)):
        if dut.sense(Output.CONTACTOR_AUX):
            return True
        await asyncio.sleep(0.2)
    return False


async def start(dut) -> None:
    """By its button, unless the voltage on the bus has started it already."""
    if not await closed(dut, within_s=30):
        dut.drive(Input.START_STOP, True)
        await asyncio.sleep(0.2)
        dut.drive(Input.START_STOP, False)
    assert await closed(dut, within_s=30)


@virtual
async def test_a_second_system_closes_onto_the_bus_of_the_first_and_carries_its_share():
    async with bench_of(parallel=1, soc_pct=60.0) as (bench, parts):
        first = parts._system
        second = build_system(
            kernel(),
            Needs(parallel=1, soc_pct=60.0),
            DutSpec(firmware="1.38", serial="HQ2024AB777"),
            {},
            "second",
            dc_bus=first.plant.dc_bus,
        )
        await bench.running()
        await start(second.dut)
        await bench.load.draw(100.0)
        await asyncio.sleep(60)

        shares_a = [system.plant.current_a for system in (first, second)]
        assert shares_a == pytest.approx([-50.0, -50.0], abs=5.0)
        assert second.plant.last_inrush.difference_v == pytest.approx(0.0, abs=1.0)

        await bench.press_start_stop()
        await expect(bench.contactor).becomes(OPEN, within=seconds(60))

        assert first.plant.current_a == 0.0
        assert second.plant.current_a == pytest.approx(-100.0, abs=0.5)
