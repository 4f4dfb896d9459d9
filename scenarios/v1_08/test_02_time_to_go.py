"""v1.08-02: time to go is computed and sent, by register and by PGN; before, "not available"."""

import pytest

from rig import Bench, between, chosen, expect, seconds

pytestmark = pytest.mark.item("v1.08-02")
TIME_TO_GO = 0x0FFE  # public: communication guide

# 60 % of two batteries of 230 Ah, drawn with 50 A, last 331 minutes.
LOAD_A = chosen(50.0, "some hours to go: far from both ends of the register")
SETTLED = chosen(seconds(300), "an estimate that takes longer to follow a load is of no use")
LOW_MIN, HIGH_MIN = chosen((315, 348), "5 %: current, capacity and filtering together")


@pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=2, soc_pct=60)
async def test_register_tells_the_minutes_that_the_charge_lasts(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.load.draw(LOAD_A)

    await bench.wait(SETTLED)
    answer = await bench.gx.request(TIME_TO_GO)
    minutes = None if answer is None else answer.values.get("time_to_go_min")
    expect.that("register 0x0FFE has a value", holds=minutes is not None)
    assert minutes is not None
    expect.measure("time to go", minutes, "min", low=LOW_MIN, high=HIGH_MIN, uncertainty=1)


@pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=2, soc_pct=60)
async def test_pgn_127506_tells_the_time_that_the_charge_lasts(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        time_remaining_s = bench.ve_can.signal("n2k.dcDetailedStatus.0.timeRemaining")
        await bench.load.draw(LOAD_A)

    await bench.wait(SETTLED)
    await expect(time_remaining_s).becomes(between(60 * LOW_MIN, 60 * HIGH_MIN), within=seconds(2))
