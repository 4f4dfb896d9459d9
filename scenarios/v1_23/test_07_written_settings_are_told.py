"""v1.23-07: a setting written by its VREG is broadcast within 1 s, and stored over a power cycle.

Before, it was stored, and only who asked for it was told.
"""

import pytest

from rig import Bench, expect, seconds

pytestmark = [pytest.mark.item("v1.23-07"), pytest.mark.needs(parallel=1)]

# Public: communication guide, with what each is not by default.
SETTINGS = (
    (0x0375, "start_on_charger", 0),
    (0x0376, "strategy", 1),
    (0x0387, "parallel_setting", 1),
    (0x0388, "series_setting", 1),
    (0x0374, "sync_group", 2),
    (0x0377, "combined_bms", 1),
)


async def test_a_written_setting_is_broadcast_and_stored(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.wait(seconds(2))

    for register, field, code in SETTINGS:
        await bench.gx.write(register, bytes((code,)))
        await expect(bench.gx.register(field)).becomes(code, within=seconds(1))
    await bench.power_cycle()
    for register, field, code in SETTINGS:
        answer = await bench.gx.request(register)
        kept = None if answer is None else answer.values.get(field)
        expect.that(f"{field} is still {code} after a power cycle", holds=kept == code)


async def test_a_setting_that_is_written_again_is_told_again(bench: Bench) -> None:
    register, field, code = SETTINGS[0]
    async with bench.arrange():
        await bench.running()
        await bench.gx.write(register, bytes((code,)))
        await bench.wait(seconds(2))

    await bench.gx.write(register, bytes((1 - code,)))
    await expect(bench.gx.register(field)).becomes(1 - code, within=seconds(1))
