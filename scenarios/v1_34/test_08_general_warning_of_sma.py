"""v1.34-08: SMA's general warning tells of every warning that has no bit pair of its own.

0x35A byte 4, bits 0 and 1: 01 raised, 10 cleared. A cell imbalance has its pair. Before, the
general warning stayed cleared.
"""

import pytest

from rig import Bench, chosen, expect, seconds
from scenarios.procedures import cells_read, sets, started_if_it_can

pytestmark = pytest.mark.item("v1.34-08")

GENERAL, IMBALANCE = (
    f"general.warning_{name}" for name in ("general", "cell_imbalance")
)  # what SMA and General BMS share
RAISED, CLEARED = 1, 2  # public: SMA's specification for external batteries
SHOWN = chosen(seconds(2), "a report of the battery, a control period, a frame every 500 ms")
LEAK_KOHM = chosen(40.0, "less than half of what a sound battery has at the very least")
HUMID_PCT = chosen(77.0, "above the data sheet's 75 %")
APART_K = chosen(12.0, "above the project's 10 K")
APART_MV = chosen(106, "above the project's 100 mV")
LASTS = chosen(seconds(63), "the longest of them has to last 60 s")

FAULTS = [
    pytest.param(
        ("leakage to chassis", {"leakage_kohm": LEAK_KOHM}),
        marks=pytest.mark.needs(battery="RS176", parallel=1),
        id="leakage",
    ),
    pytest.param(
        ("humid battery", {"humidity_pct": HUMID_PCT}),
        marks=pytest.mark.needs(battery="HE100", parallel=1),
        id="humidity",
    ),
    pytest.param(
        ("cell temperature offset", {"sensor": 2, "offset_k": APART_K}),
        marks=pytest.mark.needs(battery="HE100", parallel=1),
        id="cell temperatures apart",
    ),
    pytest.param(
        ("terminal temperature open", {"terminal": "positive"}),
        marks=pytest.mark.needs(battery="HE100", parallel=1),
        id="service request",
    ),
]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_warning_without_a_pair_raises_the_general_warning(
    bench: Bench, fault: tuple[str, dict[str, float | str]]
) -> None:
    general = bench.external_can.signal(GENERAL)
    imbalance = bench.external_can.signal(IMBALANCE)
    name, how = fault
    async with bench.arrange():
        await sets(bench, "external_protocol", "SMA")
        await started_if_it_can(bench)

    await expect(general).is_(CLEARED)
    inserted = await bench.inject(name, battery=0, **how)
    await expect(general).becomes(RAISED, within=LASTS)
    await expect(imbalance).is_(CLEARED)
    await inserted.clear()
    await expect(general).becomes(CLEARED, within=SHOWN)


@pytest.mark.needs(parallel=1)
async def test_a_cell_imbalance_raises_its_own_pair_alone(bench: Bench) -> None:
    general = bench.external_can.signal(GENERAL)
    imbalance = bench.external_can.signal(IMBALANCE)
    async with bench.arrange():
        await sets(bench, "external_protocol", "SMA")
        await bench.running()
        await bench.wait(seconds(2))

    await expect(imbalance).is_(CLEARED)
    cells_read(bench, 3.28, APART_MV)
    await expect(imbalance).becomes(RAISED, within=LASTS)
    await expect(general).stays(CLEARED, for_=seconds(5))
    cells_read(bench, 3.28, 0)
    await expect(imbalance).becomes(CLEARED, within=SHOWN)
