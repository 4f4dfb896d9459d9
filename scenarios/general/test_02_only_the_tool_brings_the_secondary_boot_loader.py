"""general-02: VRM and VUP leave the secondary boot loader as it is; the tool brings its own.

It shows in the update of RS batteries (v1.36-07): one of 1.36 or later waits for them, an older one
does not. So the device comes from a release of the other kind.
"""

import pytest

from rig import Bench, UpdatePath, chosen, expect, seconds
from scenarios.procedures import beside_the_grid, runs_the_release_under_test

pytestmark = [pytest.mark.item("general-02"), pytest.mark.needs(battery="RS176", parallel=2)]
STANDBY, ERROR, UPDATING = 14, 10, 13  # public: register 0x0371
PATIENT_SINCE = "1.36"
TIME = chosen(seconds(40), "to gather the batteries, send, restart them, and half of it again")


async def ends_in(bench: Bench) -> float | None:
    """The state in which an update of the batteries ends, with which the system is off again."""
    state = bench.gx.register("state")
    await bench.tool.update_batteries()
    await expect(state).becomes(UPDATING, within=seconds(2))
    for _ in range(TIME // seconds(1)):
        await bench.wait(seconds(1))
        told = None if state.latest is None else state.latest.value
        if told != UPDATING:
            break
    if told == ERROR:
        await bench.press_start_stop()
        await bench.wait(seconds(2))
    return told


@pytest.mark.parametrize("path", [UpdatePath.VRM, UpdatePath.VUP], ids=["VRM", "VUP"])
async def test_only_the_tool_brings_the_secondary_boot_loader(
    bench: Bench, path: UpdatePath
) -> None:
    patient = bench.firmware >= PATIENT_SINCE
    async with bench.arrange():
        await beside_the_grid(bench)
        await bench.update_to("1.35" if patient else "1.38")

    await beside_the_grid(bench)
    await bench.update(bench.firmware, path)
    await runs_the_release_under_test(bench)
    after_path = await ends_in(bench)
    await beside_the_grid(bench)
    await bench.update(bench.firmware, UpdatePath.TOOL)
    await runs_the_release_under_test(bench)
    after_tool = await ends_in(bench)
    kept, own = (ERROR, STANDBY) if patient else (STANDBY, ERROR)
    expect.that(f"after {path.value} it is the one from before", holds=after_path == kept)
    expect.that("after the tool it is the release's own", holds=after_tool == own)
