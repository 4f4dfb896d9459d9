"""v1.24-03: General BMS stands where SMA stood: a stored choice of SMA sends General BMS.

That is SMA's frames and 0x373, 0x378, 0x380 and 0x381, until the user selects SMA again.
"""

from collections.abc import Callable

import pytest

from rig import Bench, above, expect, seconds
from rig.can import Frame

pytestmark = [pytest.mark.item("v1.24-03"), pytest.mark.needs(starts_on="1.23", parallel=1)]

STORED_SMA = 1  # the code that the releases before kept SMA under
SMA = (0x351, 0x355, 0x356, 0x35A, 0x35E, 0x35F)
ONLY_GENERAL = (0x373, 0x378, 0x380, 0x381)
SPAN = seconds(5)
SENT = above(7)  # public: every 500 ms, ten in the span; what merely repeats old frames is slower


def is_frame(identifier: int) -> Callable[[Frame], bool]:
    return lambda frame: not frame.extended and frame.identifier == identifier


async def test_a_stored_choice_of_sma_sends_general_bms_until_sma_is_selected(
    bench: Bench,
) -> None:
    async with bench.arrange():
        await bench.tool.set("external_protocol", STORED_SMA)
        await bench.install_release_under_test()
        await bench.running()

    as_stored = {i: bench.external_can.count(is_frame(i)) for i in (*ONLY_GENERAL, *SMA)}
    await bench.wait(SPAN)
    for sent in as_stored.values():
        await expect(sent).is_(SENT)

    await bench.tool.set("external_protocol", "SMA")
    await bench.wait(seconds(1))
    as_selected = {i: bench.external_can.count(is_frame(i)) for i in (*ONLY_GENERAL, *SMA)}
    await bench.wait(SPAN)
    for identifier, sent in as_selected.items():
        await expect(sent).is_(0 if identifier in ONLY_GENERAL else SENT)
