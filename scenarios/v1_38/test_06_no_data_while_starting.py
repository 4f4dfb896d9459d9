"""v1.38-06: while a start or a shutdown is pending the tool is refused data.

An answer that is on its way is not continued. Before, both were served.
"""

import pytest

from rig import Bench, Frame, ToolRefused, chosen, expect, milliseconds, parse_frame, seconds
from scenarios.procedures import answer_or_none, says_its_version

pytestmark = pytest.mark.item("v1.38-06")

SHUTTING_DOWN, STANDBY, RUNNING = 12, 14, 9  # public: register 0x0371
READ_TEMPERATURES = chosen("18DA50F9#03220400CCCCCCCC", "project-defined: of the first battery")
GO_ON = "18DA50F9#300000CCCCCCCCCC"  # public: ISO 15765-2, flow control
SOON = milliseconds(300)


def is_a_later_frame(frame: Frame) -> bool:
    """Whether it carries a further part of an answer to the tool."""
    return frame.extended and frame.identifier == 0x18DAF950 and frame.data[0] >> 4 == 2


async def is_served(bench: Bench) -> bool:
    """Whether the tool is told what the batteries measure, and the events."""
    try:
        await bench.tool.battery_temperatures_c(0)
        await bench.tool.events()
    except (ToolRefused, TimeoutError):
        return False
    return True


async def test_data_are_refused_while_it_starts_and_stops(bench: Bench) -> None:
    state = bench.gx.register("state")
    async with bench.arrange():
        await bench.running()

    expect.that("data are served while it runs", holds=await is_served(bench))
    await bench.press_start_stop()
    await expect(state).becomes(SHUTTING_DOWN, within=seconds(1))
    try:
        await bench.tool.battery_temperatures_c(0)
        refused = False
    except ToolRefused:
        refused = True
    except TimeoutError:
        refused = False
    expect.that("data are refused while it shuts down", holds=refused)
    told = await answer_or_none(bench.tool.firmware())
    expect.that("its release is not", holds=told is not None)
    await expect(state).becomes(STANDBY, within=seconds(20))
    await bench.press_start_stop()
    await bench.wait(seconds(1))
    expect.that("data are refused while it starts", holds=not await is_served(bench))
    await expect(state).becomes(RUNNING, within=seconds(30))
    expect.that("data are served when it runs again", holds=await is_served(bench))


async def test_an_answer_on_its_way_ends_when_a_shutdown_is_requested(bench: Bench) -> None:
    state = bench.gx.register("state")
    async with bench.arrange():
        await bench.running()
        later = bench.ve_can.count(is_a_later_frame)
        bench.ve_can.send(parse_frame(READ_TEMPERATURES))
        await bench.wait(SOON)
        bench.ve_can.send(parse_frame(GO_ON))
        await expect(later).becomes(1, within=SOON)

    bench.ve_can.send(parse_frame(READ_TEMPERATURES))
    await bench.wait(SOON)
    await bench.press_start_stop()
    await expect(state).becomes(SHUTTING_DOWN, within=SOON)
    bench.ve_can.send(parse_frame(GO_ON))
    await expect(later).stays(1, for_=seconds(1))
    await says_its_version(bench)
