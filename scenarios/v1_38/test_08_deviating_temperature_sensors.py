"""v1.38-08: LFP 24 V 230 and 280 Ah: a cell temperature that deviates from the others is left out.

It stays visible to the tool. More than two in one battery end in fail-safe; all that are hot, or
cold, together do so as ever. Before, each of them counted as a hot cell.
"""

import pytest

from rig import CLOSED, OPEN, Bench, above, below, chosen, expect, milliseconds, seconds
from scenarios.procedures import answer_or_none

pytestmark = [
    pytest.mark.item("v1.38-08"),
    pytest.mark.parametrize(
        (),
        [
            pytest.param(marks=pytest.mark.needs(battery="LFP 24 V 230 Ah"), id="230 Ah"),
            pytest.param(marks=pytest.mark.needs(battery="LFP 24 V 280 Ah"), id="280 Ah"),
        ],
    ),
]

DEVIATING_C = chosen(75.0, "far off the cells' 25 degC, and beyond every limit of a cell")
NEAR_C, OFF_C = chosen((34.0, 36.5), "on both sides of 10 K above the cells' 25 degC")
LONGER_THAN_A_TRIP = chosen(seconds(45), "a hot cell ends in fail-safe within 25 s")
AT_ONCE = chosen(seconds(1), "nothing is waited for: the sensors cannot be telling the truth")
ERROR = 10  # public: register 0x0371
OVER_TEMPERATURE, UNDER_TEMPERATURE = 15, 16  # public: register 0x2101
TRIPS_FROM, TRIPS_BY = chosen((seconds(23.5), seconds(26.5)), "on both sides of 25 s")


async def test_two_deviating_sensors_are_left_out_and_stay_visible_to_the_tool(
    bench: Bench,
) -> None:
    battery = bench.battery(0)
    async with bench.arrange():
        await bench.running()

    battery.temperature_sensor(1).reads(DEVIATING_C)
    battery.temperature_sensor(3).reads(DEVIATING_C)
    await expect(bench.allow_discharge).stays(True, for_=LONGER_THAN_A_TRIP)
    await expect(bench.contactor).is_(CLOSED)
    await expect(bench.gx.register("cell_temperature_k_max")).is_(below(310.0))
    shown_c = await answer_or_none(bench.tool.battery_temperatures_c(0)) or ()
    expect.that(
        "the tool shows what all four sensors read",
        holds=len(shown_c) == 4 and shown_c[1] == shown_c[3] == DEVIATING_C,
    )

    highest_k = bench.gx.register("cell_temperature_k_max")
    for reads_c, told_k in ((NEAR_C, above(305.0)), (OFF_C, below(302.0))):
        for index in (1, 3):
            battery.temperature_sensor(index).reads(reads_c)
        await expect(highest_k).becomes(told_k, within=seconds(7))


async def test_three_deviating_sensors_of_one_battery_end_in_fail_safe(bench: Bench) -> None:
    battery = bench.battery(0)
    async with bench.arrange():
        await bench.running()

    for index in range(3):
        battery.temperature_sensor(index).reads(DEVIATING_C)
    await expect(bench.gx.register("state")).becomes(ERROR, within=AT_ONCE)
    await expect(bench.allow_discharge).is_(False)
    await expect(bench.contactor).stays(CLOSED, for_=milliseconds(4_800))
    await expect(bench.contactor).becomes(OPEN, within=milliseconds(400))


@pytest.mark.parametrize(
    ("within_c", "beyond_c", "error"),
    [
        pytest.param(*chosen((59.5, 60.5), "60 degC"), OVER_TEMPERATURE, id="hot"),
        pytest.param(*chosen((-29.5, -30.5), "-30 degC"), UNDER_TEMPERATURE, id="cold"),
    ],
)
async def test_sensors_that_agree_are_no_deviation_and_end_in_fail_safe(
    bench: Bench, within_c: float, beyond_c: float, error: int
) -> None:
    told = bench.gx.register("error")
    async with bench.arrange():
        await bench.running()

    for battery in bench.batteries:
        battery.temperature_reads(within_c)
    await expect(told).stays(0, for_=LONGER_THAN_A_TRIP)
    for battery in bench.batteries:
        battery.temperature_reads(beyond_c)
    await expect(told).becomes(error, within=TRIPS_BY, after=TRIPS_FROM)
