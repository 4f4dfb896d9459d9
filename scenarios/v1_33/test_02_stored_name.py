"""v1.33-02: what is stored as the device's name is loaded if it can be read, else there is none.

Of full length it is whole; of blank or damaged memory nothing is told. Before, whatever the memory
held was told as a name (our reading: the log says only that the loading was updated).
"""

import pytest

from rig import Bench, chosen, expect

pytestmark = [pytest.mark.item("v1.33-02"), pytest.mark.needs(parallel=1)]

CONFIGURATION = 126998  # public: PGN, whose first field is the name
REGISTER = chosen("device_name", "where the project stores it")
LONGEST = chosen("Battery of the workshop, beneath the stairs, left of the fuses 2", "64 letters")


async def name_after(bench: Bench, name: str, damage: str | None) -> str | None:
    """Give the device a name, and restart it with its memory damaged or not: what it tells then.

    None: no name was taken, or none is told.
    """
    taken = await bench.display.rename(name)
    if taken is None or taken.codes.get("pgnErrorCode") != 0:
        return None
    if any(each["parameter"] for each in taken.sets):
        return None
    if damage is None:
        await bench.power_cycle()
    else:
        await bench.inject("damaged memory", register=REGISTER, how=damage)
        await bench.wait(chosen(1_000_000, "the device is up again"))
    told = await bench.display.ask(CONFIGURATION)
    if told is None:
        return None
    return str(told.fields.get("installationDescription1") or "")  # an empty text is no value


@pytest.mark.parametrize(
    ("damage", "name"),
    [("erased", "Workshop"), ("noise", LONGEST), ("missing", "Workshop")],
    ids=["blank", "damaged", "never written"],
)
async def test_a_name_that_cannot_be_read_is_none(bench: Bench, damage: str, name: str) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.display.ask(CONFIGURATION)

    told = await name_after(bench, name, damage)
    expect.that("of damaged memory no name is told", holds=told == "")
    again = await name_after(bench, name, None)
    expect.that("a new name is taken, and kept", holds=again == name)


async def test_a_name_of_full_length_is_whole(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()
        await bench.display.ask(CONFIGURATION)

    told = await name_after(bench, LONGEST, None)
    expect.that("a name of 64 letters is told whole", holds=told == LONGEST)
    told = await name_after(bench, LONGEST, "erased")
    expect.that("of damaged memory no name is told", holds=told == "")
