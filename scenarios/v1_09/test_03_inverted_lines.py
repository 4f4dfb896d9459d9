"""v1.09-03: relay and signal of charge-allowed and discharge-allowed can be inverted, each.

The log names the discharge relay twice; the project reads the second as the signal. Before, there
was no such setting.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import sets

pytestmark = pytest.mark.item("v1.09-03")

LINES = ("charge_relay", "charge_signal", "discharge_relay", "discharge_signal")
TAKEN_WITHIN = chosen(seconds(1), "ten periods of the control")


@pytest.mark.parametrize("inverted", LINES)
async def test_an_inverted_line_is_off_while_allowed_and_on_while_not(
    bench: Bench, inverted: str
) -> None:
    lines = dict(
        zip(
            LINES,
            (
                bench.allow_charge,
                bench.allow_charge_signal,
                bench.allow_discharge,
                bench.allow_discharge_signal,
            ),
            strict=True,
        )
    )
    async with bench.arrange():
        await bench.running()

    for line in lines.values():
        await expect(line).becomes(True, within=TAKEN_WITHIN)
    await sets(bench, f"invert_{inverted}", "on")
    await expect(lines[inverted]).becomes(False, within=TAKEN_WITHIN)
    for name, line in lines.items():
        await expect(line).is_(name != inverted)

    charge = inverted.startswith("charge")
    # Public: beyond the charged level of LFP, 3520 mV, below its warning; the discharged, 2800 mV.
    bench.battery(0).cell(1).reads(3.58 if charge else 2.70)
    await expect(lines[inverted]).becomes(True, within=seconds(30))
    for name, line in lines.items():
        withdrawn = name.startswith("charge") == charge
        await expect(line).is_(name == inverted or not withdrawn)

    await sets(bench, f"invert_{inverted}", "off")
    await expect(lines[inverted]).becomes(False, within=TAKEN_WITHIN)
