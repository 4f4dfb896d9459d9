"""v1.36-04: the link to the Bluetooth module is faster, and slower where it has to be.

An app reads registers faster than 19200 Bd would carry them; where the line does not carry a high
speed, it is answered all the same.
"""

import pytest

from rig import Bench, chosen, expect

pytestmark = pytest.mark.item("v1.36-04")

STATE_OF_CHARGE = 0x0FFF  # public: VREG
READINGS = chosen(50, "enough to tell the speed of the line by")
# A request and its answer have 28 characters of ten bits: 15 ms at 19200 Bd.
WITHIN_S = chosen(0.5, "two thirds of what 50 of them take at 19200 Bd")


async def test_app_reads_faster_than_19200_bd_carry(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    begun_us = bench.now_us
    for _ in range(READINGS):
        read = await bench.app.read(STATE_OF_CHARGE)
        expect.that("every reading is answered", holds=read is not None and read.kind == "data")
    took_s = (bench.now_us - begun_us) / 1e6
    expect.measure("time for all readings", took_s, "s", low=0.0, high=WITHIN_S, uncertainty=0.001)


async def test_app_is_answered_where_the_line_carries_no_high_speed(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    for clean_up_to_baud in chosen((40_000, 19_200), "between the speeds, and the first alone"):
        line = await bench.inject("Bluetooth link poor", clean_up_to_baud=clean_up_to_baud)
        answers = [await bench.app.read(STATE_OF_CHARGE) for _ in range(8)]
        expect.that("the link falls back", holds=answers[-1] is not None)
        await bench.wait(chosen(5_000_000, "whatever is tried at a higher speed has failed"))
        answers = [await bench.app.read(STATE_OF_CHARGE) for _ in range(3)]
        expect.that("and stays usable", holds=None not in answers)
        await line.clear()
