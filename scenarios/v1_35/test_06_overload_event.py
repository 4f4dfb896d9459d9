"""v1.35-06: a current above what the model of the master supports is an event of its own.

150, 400 and 600 A; 1000 A are beyond the bench. Before, the log had nothing of it.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import new_events

pytestmark = pytest.mark.item("v1.35-06")

LAST_ERROR = 41  # public: register 0x2101; an event of its own is none of these
BEFORE, REST = chosen((seconds(8), seconds(4)), "on both sides of the 10 s that an overload lasts")
WITHIN, BEYOND = chosen((0.97, 1.03), "3 % on both sides of what the model supports")


async def flows(bench: Bench, current_a: float) -> None:
    """Let so much current through the master: drawn as far as the load goes, else charged."""
    if current_a < chosen(200.0, "5 kW at the batteries' voltage: the load takes 6 kW"):
        await bench.load.draw(current_a)
    else:
        await bench.charger.charge(current_a, chosen(28.0, "above the batteries' voltage"))


@pytest.mark.parametrize(
    "most_a",
    [
        pytest.param(
            most_a,
            marks=pytest.mark.needs(
                hardware=f"Lynx Ion BMS {most_a}", parallel=parallel, soc_pct=50
            ),
            id=f"{most_a} A",
        )
        for most_a, parallel in ((150, 1), (400, 4), (600, 6))
    ],
)
async def test_a_current_above_the_masters_is_logged_after_a_while(
    bench: Bench, most_a: int
) -> None:
    async with bench.arrange():
        await bench.running()
        known = len(await bench.tool.events())
        await flows(bench, WITHIN * most_a)
        await bench.wait(seconds(20))

    within = await new_events(bench, known)
    await flows(bench, BEYOND * most_a)
    await bench.wait(BEFORE)
    soon = await new_events(bench, known)
    await bench.wait(REST)
    logged = await new_events(bench, known) - within - soon
    expect.that(
        "an overload is an event with a number of its own",
        holds=len(logged) == 1 and min(logged) > LAST_ERROR,
    )
    expect.that("within what is supported nothing is logged", holds=not within)
    expect.that("an overload of 8 s is not logged", holds=not soon)
    await expect(bench.gx.register("state")).is_(9)  # public: register 0x0371, running
