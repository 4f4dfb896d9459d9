"""v1.10-01: a state of charge that one master broadcasts is no business of another.

Two masters on one VE.Can tell theirs in their own time and keep it; on 1.09 each took the other's
and broadcast it again at once.
"""

import pytest

from rig import Bench, Frame, chosen, expect
from scenarios.procedures import says_its_version

pytestmark = [pytest.mark.item("v1.10-01"), pytest.mark.needs(soc_pct=60)]
WATCHED_S = chosen(5.5, "more than the 5 s period in which the register is told")
TOLD_MAX = chosen(10, "each tells it once a period, and a few times more where it changes")


async def test_two_masters_tell_their_own_state_of_charge_in_their_own_time(bench: Bench) -> None:
    told: dict[int, list[float]] = {}

    def note(_time_us: int, frame: Frame) -> None:
        if frame.identifier >> 8 == 0x1CEFFF and frame.data[:4] == b"\x66\x99\xff\x0f":
            soc_pct = int.from_bytes(frame.data[4:6], "little") / 100
            told.setdefault(frame.identifier & 0xFF, []).append(soc_pct)

    async with bench.arrange():
        await bench.running()
        second = await bench.second_master()
        await second.running()
        bench.ve_can.sniff(note)

    await bench.wait(round(WATCHED_S * 1_000_000))
    frames = sum(len(values) for values in told.values())
    expect.measure("state-of-charge frames", frames, "", low=2, high=TOLD_MAX)
    ranges = sorted((min(values), max(values)) for values in told.values())
    apart = len(ranges) == 2 and ranges[0][1] < ranges[1][0]
    expect.that("each of the two tells a state of charge of its own", holds=apart)
    await says_its_version(bench)
