"""v1.38-10: the watchdog resets a stalled main loop in the same time as before, and tells it.

The log states no behaviour. A stall of less than the watchdog's time goes on as if nothing had
been, a longer one is reset and is told as error 12; a master that runs is never reset. Else, less
the rows that its log lists, 1.38 leaves the same traces as 1.37 under all reference stimuli.
"""

import pytest

from rig import CLOSED, OPEN, Bench, chosen, expect, seconds
from scenarios import reference_stimuli as stimuli
from scenarios.procedures import answer_or_none

pytestmark = pytest.mark.item("v1.38-10")

WATCHDOG = 12  # public: register 0x2101
JUST_IN_TIME, TOO_LATE = chosen((seconds(1.7), seconds(2.3)), "both sides of a watchdog's 2 s")
UP_AGAIN = chosen(seconds(2), "a restart, and the address on VE.Can again")


async def resets(bench: Bench) -> int:
    """How many resets by the watchdog the event log has; -1 without an answer."""
    log = await answer_or_none(bench.tool.events())
    return -1 if log is None else [event.number for event in log].count(WATCHDOG)


async def watched(bench: Bench) -> None:
    """Claim: a short stall passes, a longer one is reset and told, and running never is."""
    fault = await bench.inject("stalled loop")
    await expect(bench.contactor).stays(CLOSED, for_=JUST_IN_TIME)
    await fault.clear()
    await expect(bench.contactor).stays(CLOSED, for_=chosen(seconds(20), "ten watchdogs' time"))
    expect.measure("resets of a loop that goes on in time", await resets(bench), "", low=0, high=0)
    await bench.inject("stalled loop")
    await expect(bench.contactor).becomes(OPEN, within=TOO_LATE, after=JUST_IN_TIME)
    await bench.wait(UP_AGAIN)
    expect.measure("resets of a stalled loop", await resets(bench), "", low=1, high=1)


@pytest.mark.needs(parallel=1, starts_on="1.37")
@pytest.mark.parametrize("updated", [False, True], ids=["1.37", "the release under test"])
async def test_a_stalled_loop_is_reset_in_the_same_time_and_told(
    bench: Bench, updated: bool
) -> None:
    async with bench.arrange():
        if updated:
            await bench.install_release_under_test()
        await bench.running()

    await watched(bench)


@pytest.mark.parametrize("stimulus", stimuli.ALL)
async def test_nothing_but_the_rows_listed_differs(
    bench: Bench, stimulus: stimuli.Stimulus
) -> None:
    await stimuli.same_traces(bench, stimulus)
