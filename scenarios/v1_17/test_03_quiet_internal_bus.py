"""v1.17-03: the batteries load the internal bus less, and more evenly, while nothing flows.

The same two batteries, the contactor closed and no current: what has not changed need not be told
ten times a second. A reading that does change is told as fast as ever.
"""

import pytest

from rig import Bench, below, chosen, expect, milliseconds, seconds

pytestmark = pytest.mark.item("v1.17-03")


async def test_internal_bus_is_little_loaded_while_nothing_flows(bench: Bench) -> None:
    lowest = bench.gx.register("cell_voltage_v_min")
    async with bench.arrange():
        await bench.running()
        await bench.wait(seconds(5))

    loads = [await bench.private_can.load_pct(over_s=2) for _ in range(5)]
    limit_pct = chosen(2.0, "a third of two batteries' reports at ten a second")
    expect.measure("highest load of 2 s", max(loads), "%", high=limit_pct)
    steady_pct = chosen(0.3, "beacons and reports fall into the windows unevenly")
    expect.measure("loads apart", max(loads) - min(loads), "%", high=steady_pct)

    told = bench.private_can.signal("private.cell_3_voltage_v", 1)
    await bench.wait(seconds(2))
    bench.battery(1).cell(2).reads(3.20)
    await expect(told).becomes(below(3.21), within=chosen(milliseconds(250), "two reports"))
    within = chosen(milliseconds(5_500), "VE.Can repeats it every 5 s")
    await expect(lowest).becomes(below(3.21), within=within)
