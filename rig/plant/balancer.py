"""What a battery's electronics balance its cells with: a resistor and a converter a cell.

The masks are the electronics' (bit 0: the first cell); the currents are the hardware's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.plant.cell import Parameter
from rig.plant.module import BALANCER_EFFICIENCY

if TYPE_CHECKING:
    from rig.plant.module import Module

BLEED_A = Parameter(value=1.0, unit="A", basis="chosen: 4 W a cell, which a fan carries off")
CONVERTER_A = Parameter(value=1.0, unit="A", basis="chosen: what small isolated converters carry")


class Balancer:
    """Switches the balancing currents of one module's cells."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._switched = (0, 0, 0)

    def switch(self, bleed: int, give: int, take: int) -> None:
        """Bleed these cells; move charge from those that give to those that take."""
        if (bleed, give, take) == self._switched:
            return
        self._switched = bleed, give, take
        gives_a, takes_a = _shares(give.bit_count(), take.bit_count())
        for index in range(self._module.spec.cells):
            bit = 1 << index
            if bleed & bit:
                self._module.bleed(index, BLEED_A.value)
            else:
                moved_a = takes_a * bool(take & bit) - gives_a * bool(give & bit)
                # The loss of a pair of converters, once: where the charge is given.
                lost = 1.0 - BALANCER_EFFICIENCY.value if moved_a < 0.0 else 0.0
                self._module.set_balancing(index, moved_a, burnt=lost)


def _shares(giving: int, taking: int) -> tuple[float, float]:
    """What each giving and each taking converter carries: no more than it can, no charge made."""
    if not giving or not taking:
        return 0.0, 0.0
    passed = BALANCER_EFFICIENCY.value * giving / taking
    takes_a = CONVERTER_A.value * min(1.0, passed)
    return takes_a / passed, takes_a
