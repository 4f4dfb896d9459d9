"""Files that a device must not take: refused with the protocol's own code, and nothing changes."""

from collections.abc import Callable

import pytest

from rig import FirmwareFile, UpdatePath, expect, firmware_file
from rig.alone import bench_alone, in_virtual_time

OTHER_PRODUCT = 0xA3E5  # public: a Lynx Smart BMS
# By the tool: refusal codes of ISO 14229 (public). By a GX device: acknowledge codes, of which only
# that of a wrong product is public.
REFUSED: dict[str, tuple[Callable[[FirmwareFile], FirmwareFile], str, int, int]] = {
    "corrupted": (lambda file: file.corrupted(), "verifying", 0x72, 0xC400),
    "truncated": (lambda file: file.truncated(), "verifying", 0x71, 0xC500),
    "another product": (lambda file: file.of_product(OTHER_PRODUCT), "erasing", 0x31, 0xC600),
}


@pytest.mark.parametrize("release", ["1.07", "1.38"])
@pytest.mark.parametrize("path", [UpdatePath.TOOL, UpdatePath.VRM, UpdatePath.VUP])
@pytest.mark.parametrize("damage", REFUSED)
@in_virtual_time
async def test_bad_file_is_refused_and_the_device_runs_what_it_ran(
    release: str, path: UpdatePath, damage: str
) -> None:
    spoil, step, by_tool, by_gx = REFUSED[damage]
    code = by_tool if path is UpdatePath.TOOL else by_gx
    async with bench_alone(release, parallel=1) as bench:
        outcome = await bench.update([spoil(firmware_file("1.30"))], path)
        expect.that(f"refused at {step}, not {outcome.step}", holds=outcome.step == step)
        expect.that(f"with code {code:#x}, not {outcome.code}", holds=outcome.code == code)
        await bench.power_cycle()
        expect.that("it is as it was", holds=await bench.tool.firmware() == release)
        good = await bench.update("1.30", path)
        expect.that("and takes a good one", holds=good.completed)
        expect.that("which it runs", holds=await bench.tool.firmware() == "1.30")


@pytest.mark.parametrize("path", [UpdatePath.TOOL, UpdatePath.VUP])
@pytest.mark.parametrize("blocks", range(4))
@in_virtual_time
async def test_power_cut_during_an_update_leaves_a_device_that_can_be_updated(
    path: UpdatePath, blocks: int
) -> None:
    async with bench_alone("1.37", parallel=1) as bench:
        await bench.update([firmware_file("1.38")], path, blocks=blocks)
        await bench.power_cycle()
        expect.that("it runs what it ran", holds=await bench.tool.firmware() == "1.37")
        again = await bench.update("1.38", path)
        expect.that("the update is completed", holds=again.completed)
        expect.that("and it runs it", holds=await bench.tool.firmware() == "1.38")
