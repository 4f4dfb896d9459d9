"""v1.32-01: the device's name is set over NMEA 2000, and kept over a power cycle.

A display commands the installation description (PGN 126998) by group function, as boats do; which
route the log means is our reading. Before, the command was refused.
"""

import pytest

from rig import Bench, chosen, expect
from rig.can import N2kMessage

pytestmark = [pytest.mark.item("v1.32-01"), pytest.mark.needs(parallel=1)]

CONFIGURATION = 126998
NAME, PLACE = 1, 2  # public: the fields of the PGN
LONGEST = chosen("House bank, aft of the engine, both strings of it, made in 2017.", "64 letters")


def is_taken(acknowledge: N2kMessage | None) -> bool:
    """Whether the device has acknowledged all fields of a command."""
    if acknowledge is None or acknowledge.codes.get("pgnErrorCode") != 0:
        return False
    return all(each["parameter"] == 0 for each in acknowledge.sets)


async def is_called(bench: Bench, name: str, place: str | None = None) -> None:
    """Claim: asked for its configuration, the device tells this name, and where it is."""
    told = await bench.display.ask(CONFIGURATION)
    fields = {} if told is None else told.fields
    holds = fields.get("installationDescription1") == name
    expect.that(f"the device is called {name!r}", holds=holds)
    if place is not None:
        holds = fields.get("installationDescription2") == place
        expect.that(f"it says that it is {place!r}", holds=holds)


async def test_a_name_given_by_a_display_is_told_and_survives_a_power_cycle(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.display.ask(CONFIGURATION)

    taken = await bench.display.rename("House battery")
    expect.that("the device takes a name", holds=is_taken(taken))
    taken = await bench.display.rename("Engine room", PLACE)
    expect.that("the device takes where it is", holds=is_taken(taken))
    await is_called(bench, "House battery", "Engine room")
    await bench.power_cycle()
    await is_called(bench, "House battery", "Engine room")

    # A shorter one leaves nothing of it.
    taken = await bench.display.rename("Bow")
    expect.that("the device takes another name", holds=is_taken(taken))
    await bench.power_cycle()
    await is_called(bench, "Bow", "Engine room")


async def test_the_longest_name_is_kept_and_a_longer_one_refused(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.display.ask(CONFIGURATION)

    taken = await bench.display.rename(LONGEST)
    expect.that("the device takes a name of 64 letters", holds=is_taken(taken))
    taken = await bench.display.rename(LONGEST + "!")
    expect.that("it refuses a longer one", holds=taken is not None and not is_taken(taken))
    await bench.power_cycle()
    await is_called(bench, LONGEST)
