"""v1.36-05: limits, time to go and the cells' extremes are offered over Bluetooth, too.

Before, they were unknown there, while the state of charge was told.
"""

import pytest

from rig import Bench, chosen, expect

pytestmark = pytest.mark.item("v1.36-05")

SINCE_LONG = chosen((0x0FFF, 0x0371), "state of charge and state, which every release offers")
NEW = chosen(
    (0x0385, 0x0386, 0x0390, 0x0391, 0x0392, 0x0393, 0x0FFE),
    "cells' extremes, limits and time to go: the log names no register",
)
NOBODYS = chosen(0x0F0F, "no register of this device")


async def test_limits_and_extremes_are_told_to_an_app(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    for register in (*SINCE_LONG, *NEW):
        read = await bench.app.read(register)
        known = read is not None and read.kind == "data"
        expect.that(f"an app reads register {register:#06x}", holds=known)
        told = await bench.gx.request(register)
        same = told is not None and read is not None and told.raw[: len(read.raw)] == read.raw
        expect.that(f"register {register:#06x} is what VE.Can tells", holds=same)
    read = await bench.app.read(NOBODYS)
    expect.that("another is unknown", holds=read is not None and read.kind == "unknown")
