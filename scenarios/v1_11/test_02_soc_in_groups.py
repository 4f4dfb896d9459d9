"""v1.11-02: systems in parallel have one state of charge, by a setting: those of one group.

Register 0x0374: 0 off, 1 to 3 a group. Of different groups, or off, each keeps its own. Nobody
answers a broadcast, so the exchange is no storm. Before, there was no such setting.
"""

import pytest

from rig import Bench, Frame, between, chosen, expect, seconds
from scenarios.procedures import STATE_OF_CHARGE

pytestmark = [pytest.mark.item("v1.11-02"), pytest.mark.needs(soc_pct=60)]

SYNC_GROUP, SYNCHRONISE = 0x0374, 0x0373  # public: communication guide
GX_ADDRESS = 0x20
EXCHANGES = chosen(seconds(45), "eight periods of 5 s, each of which brings them nearer")
NEAR_PCT = chosen(0.3, "far less than the 5 % that they start apart")
OWN_PCT = between(59.5, 60.5)


class OtherSoc:
    """What the other system on VE.Can tells of its state of charge, in %."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.pct = float("nan")
        self.exchanged = 0
        bench.ve_can.sniff(self._see)

    def _see(self, _time_us: int, frame: Frame) -> None:
        own = frame.identifier & 0xFF in {self._bench.gx.device_address, GX_ADDRESS}
        if frame.identifier >> 8 != 0x1CEFFF or frame.data[:2] != b"\x66\x99":
            return
        register = int.from_bytes(frame.data[2:4], "little")
        self.exchanged += register == SYNCHRONISE
        if register == STATE_OF_CHARGE and not own:
            self.pct = int.from_bytes(frame.data[4:6], "little") / 100


async def grouped(bench: Bench, group: int) -> bool:
    """Put the device under test into a group; whether it has acknowledged that."""
    answer = await bench.gx.write(SYNC_GROUP, bytes((group,)))
    return answer is not None and (answer.kind == "data" or answer.code == 0)


async def test_two_systems_of_one_group_agree_on_a_state_of_charge(bench: Bench) -> None:
    async with bench.arrange():
        soc_pct = bench.gx.register("soc_pct")
        await bench.running()
        second = await bench.second_master()
        other = OtherSoc(bench)
        await second.running()

    expect.that("the device joins group 2", holds=await grouped(bench, 2))
    await second.tool.set("sync_group", 2)
    await bench.wait(EXCHANGES)
    own = soc_pct.latest.value if soc_pct.latest else float("nan")
    expect.measure("state of charge", own, "%", low=55.5, high=59.5)
    expect.measure("distance of the two", own - other.pct, "%", low=-NEAR_PCT, high=NEAR_PCT)
    expect.measure("messages of the exchange", other.exchanged, "", low=10, high=24)


@pytest.mark.parametrize(("group", "others"), [(1, 3), (0, 2)], ids=["another-group", "off"])
async def test_systems_of_different_groups_keep_their_own(
    bench: Bench, group: int, others: int
) -> None:
    async with bench.arrange():
        soc_pct = bench.gx.register("soc_pct")
        await bench.running()
        second = await bench.second_master()
        other = OtherSoc(bench)
        await second.running()

    expect.that(f"the device takes {group} for its group", holds=await grouped(bench, group))
    await second.tool.set("sync_group", others)
    await bench.wait(EXCHANGES)
    await expect(soc_pct).stays(OWN_PCT, for_=seconds(6))
    expect.measure("the other's state of charge", other.pct, "%", low=54.5, high=55.5)
