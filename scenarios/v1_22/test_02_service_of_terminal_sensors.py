"""v1.22-02: a battery that never had a terminal temperature sensor asks for no service.

One whose sensor is broken does, as since 1.19. Releases 1.19 to 1.21 warned of both.
"""

import pytest

from rig import CLOSED, Bench, chosen, expect
from scenarios.procedures import does_not_warn, warns

pytestmark = pytest.mark.item("v1.22-02")

EVENT = chosen(68, "events that are no public errors have numbers from 64 on")
WARNING = "service requested"
BEFORE_S, BY_S = chosen((18.5, 21.5), "on both sides of the 20 s that a sensor is missed")


async def test_a_battery_without_the_sensor_asks_for_no_service(bench: Bench) -> None:
    async with bench.arrange():
        pass

    await does_not_warn(bench, bench.running, EVENT, shown=WARNING, for_s=40)
    await expect(bench.contactor).is_(CLOSED)


@pytest.mark.needs(battery="HE100", parallel=1)
@pytest.mark.parametrize("terminal", ["positive", "negative"])
async def test_a_battery_with_a_broken_sensor_asks_for_service(bench: Bench, terminal: str) -> None:
    async def breaks() -> None:
        await bench.inject("terminal temperature open", battery=0, terminal=terminal)

    async with bench.arrange():
        await bench.running()

    await does_not_warn(bench, _nothing, EVENT, shown=WARNING, for_s=BY_S)
    await warns(bench, breaks, EVENT, shown=WARNING, after_s=BEFORE_S, within_s=BY_S)
    await expect(bench.contactor).is_(CLOSED)


async def _nothing() -> None:
    """The sensor is sound."""
