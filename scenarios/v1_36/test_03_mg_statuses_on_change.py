"""v1.36-03: MG's registers that are statuses are sent when they change, and else every second.

The log points at a guide that is not public: "at once, at most 100 ms late" and "every second" are
chosen. Before, they were sent every 250 ms, changed or not.
"""

from collections.abc import Callable

import pytest

from rig import Bench, Frame, above, chosen, expect, milliseconds, seconds
from scenarios.procedures import sets

pytestmark = [pytest.mark.item("v1.36-03"), pytest.mark.needs(parallel=1)]

STATE, FLAGS, ERROR = 0x0371, 0x2100, 0x2101  # public: Victron's registers, under MG's code
PERIOD, LATE = chosen((seconds(1), milliseconds(100)), "the guide is not public")
SPAN_S = 10
ON_THE_WIRE = milliseconds(10)  # two frames wait for each other and for a third


def of_register(register: int) -> Callable[[Frame], bool]:
    """Whether a frame carries one of MG's registers."""
    head = b"\x88\x9c" + register.to_bytes(2, "little")  # public: manufacturer 1160, marine
    return lambda frame: frame.extended and frame.data[:4] == head


async def test_statuses_are_sent_every_second_and_at_once_when_they_change(bench: Bench) -> None:
    state, flags = bench.ve_can.signal("mgreg.state"), bench.ve_can.signal("mgreg.flags")
    async with bench.arrange():
        await sets(bench, "external_protocol", "VE-MG-NMEA2000")
        await bench.running()
        await bench.wait(seconds(2))

    counts = {each: bench.ve_can.count(of_register(each)) for each in (STATE, FLAGS, ERROR)}
    await bench.wait(seconds(SPAN_S))
    for register, count in counts.items():
        sent = (await count.read()).value
        name = f"0x{register:04X} in {SPAN_S} s"
        expect.measure(name, sent, "", low=SPAN_S - 1, high=SPAN_S + 1)

    # The flags say that it discharges, and no more; Victron's register tells them at once.
    vreg = bench.gx.register("flags")
    for _ in range(3):
        for draw in (True, False):
            before = (await vreg.read()).value
            if draw:
                await bench.load.draw(80.0)
            else:
                await bench.load.off()
            await bench.wait(seconds(0.7))
            told, mine = await vreg.read(), await flags.read()
            expect.that("the flags changed", holds=told.value != before)
            late_us = mine.time_us - told.time_us if mine.value == told.value else PERIOD
            expect.measure(
                "MG's flags after Victron's",
                late_us / 1000,
                "ms",
                low=-ON_THE_WIRE / 1000,
                high=(LATE + ON_THE_WIRE) / 1000,
            )
    await expect(state).is_(9)  # public: running
    await expect(counts[ERROR]).is_(above(SPAN_S))
