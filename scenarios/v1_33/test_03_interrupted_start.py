"""v1.33-03: an interrupted start leaves a stable system; before, the next could end in a fault.

Interrupted is at every stage, by the button. What is stable: it is off, its contactor open, no
error told; and a minute later, when the system bus has run down, a start is a normal one.
"""

import pytest

from rig import CLOSED, OPEN, Bench, chosen, expect, milliseconds, seconds

pytestmark = [
    pytest.mark.item("v1.33-03"),
    pytest.mark.needs(
        link_capacitance_f=chosen(0.050, "a pre-charge of two seconds, as on a big system"),
        link_bleed_ohm=chosen(400.0, "the bus runs down within a minute"),
    ),
]
RUNNING, STANDBY = 9, 14  # public: register 0x0371
STAGES = {"initializing": 4, "measuring": 5, "pre-charging": 16, "going to run": 15}
NO_ERROR = 0
RUN_DOWN = chosen(seconds(60), "longer than a pre-charge may take, and the bus is down again")


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
async def test_start_after_an_interrupted_one_is_a_normal_one(bench: Bench, stage: int) -> None:
    state = bench.gx.register("state")
    async with bench.arrange():
        await bench.press_start_stop()
        await expect(state).becomes(stage, within=seconds(30))
        await bench.wait(chosen(milliseconds(50), "within each of the stages"))
        await bench.press_start_stop()
        await expect(state).becomes(STANDBY, within=seconds(30))

    await expect(bench.contactor).stays(OPEN, for_=RUN_DOWN)
    await bench.press_start_stop()
    await expect(state).becomes(RUNNING, within=seconds(45))
    await expect(bench.contactor).becomes(CLOSED, within=milliseconds(500))
    await expect(bench.gx.register("error")).stays(NO_ERROR, for_=seconds(20))
