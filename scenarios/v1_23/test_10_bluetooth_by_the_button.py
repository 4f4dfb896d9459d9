"""v1.23-10: pressed three times while the master is active, the button switches Bluetooth.

After 1 s that is acknowledged by three fast beeps and flashes of the LED; the system runs on.
Presses are in a row for 3 s (chosen); slower ones are a stop request.
Before, the first press was a stop request and the others were nothing.
"""

import pytest

from rig import CLOSED, Bench, chosen, expect, milliseconds, seconds
from scenarios.procedures import RUNNING, answer_or_none, press_three_times

pytestmark = pytest.mark.item("v1.23-10")

BLUETOOTH = 0x0090  # public: VREG
SHUTTING_DOWN = 12  # public: register 0x0371
# From the end of the third press and the pause after it, half a second after it began.
ACKNOWLEDGED_AFTER, ACKNOWLEDGED_WITHIN = chosen(
    (milliseconds(350), milliseconds(850)), "1 s after the press, less that half second, +- 0.25 s"
)
FAST = chosen(milliseconds(300), "at most so long is a fast beep, and a pause between two")


async def is_on(bench: Bench) -> bool | None:
    """What the register tells; None: nothing."""
    answer = await answer_or_none(bench.gx.request(BLUETOOTH))
    value = None if answer is None else answer.values.get("bluetooth_enabled")
    return None if value is None else value == 1


async def test_three_presses_switch_bluetooth_and_are_acknowledged(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        before = await is_on(bench)

    for expected in (not before, before):
        await press_three_times(bench)
        await expect(bench.buzzer).becomes(
            True, within=ACKNOWLEDGED_WITHIN, after=ACKNOWLEDGED_AFTER
        )
        await expect(bench.green_led).is_(True)
        for _ in range(2):
            await expect(bench.buzzer).becomes(False, within=FAST)
            await expect(bench.green_led).is_(False)
            await expect(bench.buzzer).becomes(True, within=FAST)
            await expect(bench.green_led).is_(True)
        await expect(bench.buzzer).becomes(False, within=FAST)
        await expect(bench.buzzer).stays(False, for_=seconds(1))
        expect.that("Bluetooth is switched", holds=await is_on(bench) is expected)
        reached = await bench.app.read(BLUETOOTH) is not None
        expect.that("an app reaches it while it is on", holds=reached is expected)
        await expect(bench.gx.register("state")).becomes(RUNNING, within=seconds(1))
        await expect(bench.contactor).is_(CLOSED)


@pytest.mark.parametrize(
    ("pause", "then"),
    [
        pytest.param(milliseconds(1_200), RUNNING, id="in 2.8 s: runs on"),
        pytest.param(milliseconds(1_450), SHUTTING_DOWN, id="in 3.3 s: stops"),
    ],
)
async def test_presses_are_in_a_row_for_3_s(bench: Bench, pause: int, then: int) -> None:
    async with bench.arrange():
        await bench.running()

    for _ in range(3):  # a press lasts 0.2 s
        await bench.press_start_stop()
        await bench.wait(pause)
    await expect(bench.gx.register("state")).is_(then)
