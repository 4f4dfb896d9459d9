"""general-03: a release installs from its VUP file, and the device then reports its number.

The document's file is V1.38; each of its headings names a release, and each is installed so. For
1.38 register 0x0102 says 1.38, and 0x35F has 01 26 in its bytes 2 and 3.
"""

import pytest

from rig import Bench, UpdatePath, expect, seconds
from scenarios.procedures import runs_the_release_under_test

pytestmark = [pytest.mark.item("general-03"), pytest.mark.needs(parallel=1)]
# The code of SMA before 1.24 and of General BMS, which is also for 24 V systems, since then.
INVERTER_PROTOCOL = 1
OTHERS = {"1.38": "1.37"}


async def test_the_release_installs_from_its_vup_file_and_says_its_number(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.set("external_protocol", INVERTER_PROTOCOL)
        await bench.update_to(OTHERS.get(bench.firmware, "1.38"))

    outcome = await bench.update(bench.firmware, UpdatePath.VUP)
    expect.that("the file is installed", holds=outcome.completed)
    await runs_the_release_under_test(bench)
    major, minor = map(int, bench.firmware.split("."))
    told = bench.external_can.signal("general.firmware_release")
    await bench.running()
    await expect(told).becomes(major << 8 | minor, within=seconds(2))
