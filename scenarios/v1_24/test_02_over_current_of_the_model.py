"""v1.24-02: the over-current warnings tell of more current than the model at hand is made for.

Bits 13 (charge) and 14 (discharge) of register 0x2100; 150, 400 and 600 A, 1000 A are beyond the
bench. After 5 s (chosen). Before, of more than 1000 A whatever the model.
"""

import pytest

from rig import Bench, chosen, expect, seconds, with_bit, without_bit

pytestmark = pytest.mark.item("v1.24-02")

CHARGE, DISCHARGE = 13, 14  # public: register 0x2100
WITHIN, BEYOND = chosen((0.97, 1.03), "3 % on both sides of what the model is made for")
BEFORE, BY = chosen(
    (seconds(4.2), seconds(5.9)), "on both sides of 5 s, and the charger's settling"
)


# As many batteries as give or take that much; 400 A of discharge are beyond the load of the bench.
SYSTEMS = (
    (150, CHARGE, 2),
    (150, DISCHARGE, 1),
    (400, CHARGE, 4),
    (600, CHARGE, 6),
)


@pytest.mark.parametrize(
    ("most_a", "bit"),
    [
        pytest.param(
            most_a,
            bit,
            marks=pytest.mark.needs(
                hardware=f"Lynx Ion BMS {most_a}", parallel=parallel, soc_pct=50
            ),
            id=f"{most_a} A of {'charge' if bit == CHARGE else 'discharge'}",
        )
        for most_a, bit, parallel in SYSTEMS
    ],
)
async def test_more_than_the_model_is_made_for_is_warned_of(
    bench: Bench, most_a: int, bit: int
) -> None:
    flags = bench.gx.register("flags")

    async def flows(current_a: float) -> None:
        if bit == DISCHARGE:
            await bench.load.draw(current_a)
        else:
            await bench.charger.charge(current_a, chosen(28.0, "above the batteries' voltage"))

    async with bench.arrange():
        await bench.running()

    await flows(WITHIN * most_a)
    await expect(flags).stays(without_bit(bit), for_=seconds(20))
    await flows(BEYOND * most_a)
    await expect(flags).becomes(with_bit(bit), within=BY, after=BEFORE)
    await flows(WITHIN * most_a)
    await expect(flags).becomes(without_bit(bit), within=seconds(2))
