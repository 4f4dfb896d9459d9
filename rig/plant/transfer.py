"""Charge moves from some cells to others, of several modules too, as converters between them do.

A converter takes a current from each giving cell and shares what it gets, less its loss, among the
taking ones: equal currents, energy kept. Its loss warms the modules that give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.plant.module import BALANCER_EFFICIENCY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rig.plant.module import Module

VOLTAGE_V_MIN = 1.0  # chosen: below it a converter does not start

CellAt = tuple["Module", int]


def transfer(gives: Sequence[CellAt], takes: Sequence[CellAt], ampere: float) -> float:
    """Take this current from each giving cell until told otherwise; what each taking cell gets.

    The shares are of the present voltages: tell it again as these move. A cell that was balanced
    and is not named goes on; `stop` ends it. Raises ValueError for a cell that gives and takes.
    """
    places = {(id(module), cell) for module, cell in gives}
    if any((id(module), cell) in places for module, cell in takes):
        raise ValueError("a cell cannot give and take at once")
    gives = [(module, cell) for module, cell in gives if _is_alive(module, cell)]
    takes = [(module, cell) for module, cell in takes if _is_alive(module, cell)]
    if not gives or not takes:
        return 0.0
    efficiency = BALANCER_EFFICIENCY.value
    given_w = ampere * sum(module.cell_voltage_v(cell) for module, cell in gives)
    taken_a = efficiency * given_w / sum(module.cell_voltage_v(cell) for module, cell in takes)
    for module, cell in gives:
        module.set_balancing(cell, -ampere, burnt=1.0 - efficiency)
    for module, cell in takes:
        module.set_balancing(cell, taken_a, burnt=0.0)
    return taken_a


def stop(cells: Sequence[CellAt]) -> None:
    """No charge is moved from or to these any more."""
    for module, cell in cells:
        module.set_balancing(cell, 0.0, burnt=0.0)


def _is_alive(module: Module, cell: int) -> bool:
    return module.cell_voltage_v(cell) >= VOLTAGE_V_MIN
