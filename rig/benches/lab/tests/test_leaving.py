"""How a lab is left: a contactor that does not open is noticed, and the bench is tripped."""

from types import SimpleNamespace
from typing import Any

import pytest

from rig.benches.lab.bench import LabBench
from rig.errors import BenchError, NoSupplyRelay
from rig.kernel import VirtualLoop


class Lab:
    """What leaving a lab has to do with; ``opens``: what makes its contactor open."""

    def __init__(self, opens: str, *, relay: bool = True, over: str = "") -> None:
        self.closed, self.did, self._opens = True, list[str](), opens
        self._relay, self._over = relay, over
        self.tool_link = SimpleNamespace(restore=self._nothing)
        self.io = SimpleNamespace(pulse=self._pressed)
        self.device = SimpleNamespace(power_cycle=self._cycled)
        self.guarding = SimpleNamespace(link=SimpleNamespace(make_safe=self._tripped))

    async def _nothing(self) -> list[int]:
        return []

    async def _pressed(self, *_: Any) -> None:
        self._do("button")

    async def _cycled(self) -> None:
        if not self._relay:
            raise NoSupplyRelay("a power cycle: no relay is in the device's supply")
        self._do("supply")

    async def _tripped(self, why: str) -> None:
        self.did.append(f"tripped: {why}")
        if self._over:
            raise BenchError(self._over)

    def _do(self, what: str) -> None:
        self.did.append(what)
        self.closed = self.closed and what != self._opens

    async def _is_closed(self) -> bool:
        return self.closed

    def leave(self) -> list[str]:
        loop = VirtualLoop()
        try:
            loop.run_until_complete(LabBench._leave_stopped(self))  # type: ignore[arg-type]
        finally:
            loop.close()
        return self.did


@pytest.mark.parametrize("relay", [True, False], ids=["relay", "no relay"])
@pytest.mark.parametrize("over", ["", "the guardian died"], ids=["armed", "tripped before"])
def test_a_contactor_that_nothing_opens_trips_the_bench_and_breaks_the_attempt(relay, over):
    lab = Lab("nothing", relay=relay, over=over)

    with pytest.raises(BenchError, match="the contactor is still closed at the attempt's end"):
        lab.leave()

    assert lab.did[-1].startswith("tripped: the contactor is still closed")


def test_a_contactor_that_opens_without_supply_is_no_fault():
    assert Lab("supply").leave() == ["button", "supply"]


def test_a_contactor_that_the_button_opens_needs_no_supply_relay():
    assert Lab("button", relay=False).leave() == ["button"]
