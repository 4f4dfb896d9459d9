"""v1.25-10: a fail-safe condition ends a pre-charge; before, the system went on and started.

The pre-charge is slow; while it goes on all cell-temperature sensors are lost, which is error 7,
measure error. Later the supply brings the system bus to the battery's voltage, as if nothing were.
"""

import math

import pytest

from rig import OPEN, Bench, chosen, expect, seconds

pytestmark = [
    pytest.mark.item("v1.25-10"),
    pytest.mark.needs(
        precharge_ohm=chosen(1_250.0, "with the capacitance: a time constant of half a minute"),
        link_capacitance_f=chosen(0.025, "not done within the 30 s that a pre-charge has"),
        link_bleed_ohm=chosen(5_000.0, "the bus falls by itself once nothing feeds it"),
    ),
]
PRE_CHARGING = 16  # public: register 0x0371
MEASURE_ERROR = 7  # public: register 0x2101
NOT_BEFORE, NOTICED_WITHIN = chosen(
    (seconds(8.5), seconds(11.5)), "on both sides of the 10 s after which readings are missed"
)
LOOKED_AT = chosen(seconds(5), "a pre-charge would raise the bus by volts meanwhile")


async def test_fail_safe_while_precharging_leaves_the_contactor_open(bench: Bench) -> None:
    async with bench.arrange():
        await bench.press_start_stop()
        await expect(bench.gx.register("state")).becomes(PRE_CHARGING, within=seconds(30))
        for battery in bench.batteries:
            battery.temperature_reads(math.nan)

    await expect(bench.gx.register("error")).becomes(
        MEASURE_ERROR, within=NOTICED_WITHIN, after=NOT_BEFORE
    )
    before_v = (await bench.system_voltage.read()).value
    await bench.wait(LOOKED_AT)
    after_v = (await bench.system_voltage.read()).value
    expect.measure("rise of the system bus after the error", after_v - before_v, "V", high=0.0)
    battery_v = (await bench.battery_voltage.read()).value
    await bench.charger.charge(chosen(5.0, "fills the bus at once"), battery_v)
    await expect(bench.contactor).stays(OPEN, for_=seconds(10))
    logged = [event.number for event in await bench.tool.events()]
    expect.that("the event log has event 7", holds=MEASURE_ERROR in logged)
