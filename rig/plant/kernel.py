"""The cells' arithmetic: one flat buffer of doubles, advanced by one of two equal kernels.

The Python kernel (`kernel_python`) is the reference and works everywhere; the native one
(`kernel_native`, C) has the same statements in the same order and gives the same bits.
HIL_KERNEL=python or native chooses one; otherwise it is the native one where `make setup` could
build it.

Layout: a header, then a record a module, then a record a cell. The indices below are the only names
of it; `native/kernel.c` has the same ones, and a test compares them.

Cells move in exact closed form at constant current: within one segment of the SOC grid all curves
are lines, so RC voltages under a linear resistance are known exactly; a step is split where a cell
crosses into the next segment, and at every TICK_S of the buffer's own time, where temperatures
move. Steps of 10 ms and of 60 s are thus split alike and end alike, but for rounding.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from rig.errors import BenchFileError

if TYPE_CHECKING:
    from array import array

TICK_S = (
    10.0  # chosen: 5C warms the smallest cell by 0.2 K in it, half a per cent of its resistance
)

# The grid over SOC: segment j is (j - OFFSET)/GRID to (j + 1 - OFFSET)/GRID, SOC as a fraction.
GRID = 200.0  # segments for each unit of SOC: 0.5 % wide
OFFSET = 20.0  # the table begins at -10 %
LAST = 239  # index of the last segment: the table ends at 110 %
POINTS = LAST + 2

# A point of the tables, for each temperature and each SOC. Resistances are in ohm Ah.
(OCV, HYSTERESIS, R0, R1_CHARGE, R1_DISCHARGE, R2_CHARGE, R2_DISCHARGE) = range(7)
CURVES = 7

# Header
(
    SERIES,  # modules in a string
    PARALLEL,  # strings
    TAU_1_S,
    TAU_2_S,
    HYSTERESIS_RATE,  # for each unit of SOC
    EFFICIENCY,  # coulombic, of charging
    LEAK_PER_S,  # self-discharge, SOC as a fraction; its few mW a cell warm nothing
    PHASE_S,  # since the last tick
    TABLE_FIRST_C,  # the tables' grid over temperature
    TABLE_PER_C,
    TABLE_LAST,  # its last segment
    PACK_EMF_V,  # results of `now` and `end`
    PACK_OHM,
    V_MIN,  # results of `look`: extremes of all cells, and whose they are
    V_MIN_CELL,
    V_MAX,
    V_MAX_CELL,
    T_MIN_C,
    T_MIN_CELL,
    T_MAX_C,
    T_MAX_CELL,
) = range(21)
HEADER = 24

# Module
(
    FIRST,  # offset of its first cell's record
    CELLS,
    WIRE_OHM,  # inside, its heat goes to the cells
    CURRENT_A,
    EMF_V,
    OHM,
    END_EMF_V,
    END_OHM,
    V1_SUM,  # sums over the cells, of which `end` makes the end of a step
    V2_SUM,
    R1_SUM,
    R2_SUM,
    SLOPE_SUM,  # volt per coulomb
    B_R1_SUM,  # the same, times each cell's balancing current
    B_R2_SUM,
    B_SLOPE_SUM,
    CELL_J_PER_K,
    EXCHANGE_W_PER_K,  # of each cell, with the others
    AMBIENT_W_PER_K,  # of the whole module
    AMBIENT_C,
    LUG_J_PER_K,
    LUG_W_PER_K,
    PLUS_C,  # the terminals' temperatures
    MINUS_C,
    PLUS_OHM,  # their contacts
    MINUS_OHM,
    PLUS_J,  # heat since the last tick
    MINUS_J,
    WIRE_J,
    HEAT_J,  # all heat up to the last tick
    MEAN_C,
) = range(31)
MODULE = 32

# Cell
(
    SOC,
    V1,
    V2,
    H,  # hysteresis, -1 (came down) to 1 (came up)
    CELL_C,
    BALANCE_A,  # besides the module's current
    BURNT,  # how much of the balancing power becomes heat in the module, 0 to 1
    PER_COULOMB,  # SOC for each coulomb
    SCALE,  # resistance over the table's, 1/Ah
    CELL_EMF_V,
    CELL_R0,
    CELL_J,  # heat since the last tick
    SEGMENT,  # that of the lines below; -1: none, ask the tables
    LINES,  # for each curve: at SOC 0 and for each unit of SOC
) = range(14)
CELL = LINES + 2 * CURVES + 1


class Kernel(Protocol):
    """What advances a buffer. `tab` is the chemistry's table."""

    name: str

    def advance(self, buf: array[float], tab: array[float], dt_s: float) -> None:
        """Move all cells by `dt_s` at their modules' currents, then `look`."""

    def idle(self, buf: array[float], tab: array[float], dt_s: float) -> None:
        """Let `dt_s` pass without any current, in one step however long, then `look`."""

    def look(self, buf: array[float], tab: array[float]) -> None:
        """Bring all that follows from the cells' state up to date: voltages, sums, extremes."""

    def now(self, buf: array[float]) -> None:
        """The pack's voltage and resistance at this instant."""

    def end(self, buf: array[float], dt_s: float) -> None:
        """The pack's voltage and resistance at the end of a step of `dt_s` at constant current."""

    def split(self, buf: array[float], current_a: float, how: int) -> None:
        """Give each string its share: by SPLIT_NOW, SPLIT_END or, as charge, SPLIT_INRUSH."""


SPLIT_NOW, SPLIT_END, SPLIT_INRUSH = 0, 1, 2


@lru_cache(maxsize=1)
def chosen_kernel() -> Kernel:
    """What this process uses. Raises BenchFileError if HIL_KERNEL asks for what is not there."""
    from rig.plant.kernel_native import load
    from rig.plant.kernel_python import PythonKernel

    wanted = os.environ.get("HIL_KERNEL", "")
    if wanted not in {"", "python", "native"}:
        raise BenchFileError(f"HIL_KERNEL is {wanted!r}; allowed: python, native, or not set")
    native = None if wanted == "python" else load()
    if wanted == "native" and native is None:
        raise BenchFileError("HIL_KERNEL is native, which is not built; allowed: python")
    return PythonKernel() if native is None else native
