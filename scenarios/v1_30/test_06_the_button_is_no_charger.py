"""v1.30-06: pressing the start button counts as no external charger; before, one was reported.

Reported is an event of the log: 64, of the project's own choice. A charger that is switched on
while the system is off is reported, and starts it (register 0x0375, by default on).
"""

import pytest

from rig import Bench, chosen, expect, seconds

pytestmark = pytest.mark.item("v1.30-06")
RUNNING = 9  # public: register 0x0371
CHARGER_DETECTED = chosen(64, "the first number above the public errors")


async def logged(bench: Bench) -> list[int]:
    """The numbers of the event log."""
    return [event.number for event in await bench.tool.events()]


async def test_start_by_the_button_reports_no_external_charger(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await bench.press_start_stop()
    await expect(bench.gx.register("state")).becomes(RUNNING, within=seconds(20))
    await bench.wait(seconds(5))
    expect.that(
        "the event log has no external charger", holds=CHARGER_DETECTED not in await logged(bench)
    )


async def test_charger_that_comes_while_the_system_is_off_is_reported(bench: Bench) -> None:
    async with bench.arrange():
        await bench.wait(seconds(5))

    await bench.charger.charge(chosen(5.0, "a small charger"), chosen(27.0, "a charger's voltage"))
    await expect(bench.gx.register("state")).becomes(RUNNING, within=seconds(20))
    expect.that(
        "the event log has an external charger", holds=CHARGER_DETECTED in await logged(bench)
    )
