"""v1.36-02: the device's heartbeat on NMEA 2000, every 60 s or as often as somebody asks for.

PGN 126993, and the group function (126208) that asks for another interval of it. Before, neither.
That this is what the log means by updated services is our reading.
"""

from collections.abc import Callable

import pytest

from rig import Bench, Frame, chosen, expect, milliseconds, seconds
from rig.can import N2kMessage, header_of

pytestmark = [pytest.mark.item("v1.36-02"), pytest.mark.needs(parallel=1)]

HEARTBEAT = 126993
PERIOD_S = 60.0  # public: the standard's, as decoders publish it
LATE = milliseconds(200)  # a control period of the device, and the wire
SHORTEST_S, LONGEST_S = chosen((1.0, 60.0), "what a heartbeat is good for")


def heartbeats(bench: Bench) -> Callable[[Frame], bool]:
    """Whether a frame is the device's heartbeat."""
    source = bench.gx.device_address

    def matches(frame: Frame) -> bool:
        header = header_of(frame.identifier)
        return frame.extended and (header.pgn, header.source) == (HEARTBEAT, source)

    return matches


def takes(acknowledge: N2kMessage | None) -> bool:
    """Whether an interval that was asked for is taken."""
    codes = {} if acknowledge is None else acknowledge.codes
    return (codes.get("pgnErrorCode"), codes.get("transmissionIntervalPriorityErrorCode")) == (0, 0)


async def test_a_heartbeat_comes_every_60_s(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        beats = bench.ve_can.count(heartbeats(bench))

    first = (await beats.read()).value
    await expect(beats).becomes(first + 1, within=seconds(PERIOD_S) + LATE)
    for number in (2, 3):
        await expect(beats).becomes(
            first + number, within=seconds(PERIOD_S) + LATE, after=seconds(PERIOD_S) - LATE
        )


async def test_a_heartbeat_comes_as_often_as_somebody_asks_for(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        beats = bench.ve_can.count(heartbeats(bench))
        await bench.display.ask(60928)

    async def comes_every_2_s() -> None:
        await bench.wait(LATE)
        first = (await beats.read()).value
        await expect(beats).becomes(first + 1, within=seconds(2.2))
        for number in (2, 3):
            await expect(beats).becomes(first + number, within=seconds(2.2), after=seconds(1.8))

    answer = await bench.display.request(HEARTBEAT, 2.0)
    expect.that("an interval of 2 s is taken", holds=takes(answer))
    await comes_every_2_s()
    for interval_s in (0.5, 61.0):
        answer = await bench.display.request(HEARTBEAT, interval_s)
        is_refused = answer is not None and not takes(answer)
        expect.that(f"an interval of {interval_s:g} s is refused", holds=is_refused)
        await comes_every_2_s()
    for interval_s in (SHORTEST_S, LONGEST_S):
        answer = await bench.display.request(HEARTBEAT, interval_s)
        expect.that(f"an interval of {interval_s:g} s is taken", holds=takes(answer))
    # What is taken is shown at once.
    await bench.wait(LATE)
    beats_before = (await beats.read()).value
    await expect(beats).stays(beats_before, for_=seconds(10))


async def test_who_asks_for_it_is_told_a_heartbeat(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.display.ask(60928)

    beat = await bench.display.ask(HEARTBEAT)
    period_s = None if beat is None else beat.fields.get("dataTransmitOffset")
    expect.that("the heartbeat says that it comes every 60 s", holds=period_s == PERIOD_S)
