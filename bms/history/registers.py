"""How registers were once told."""

from bms.registers import Register
from bms.status import View
from bms.wire import vreg


def _capacity(view: View) -> bytes:
    return vreg.u16(view.registration.capacity_ah or 0.0)


def _configuration(view: View) -> bytes:
    system = view.registration
    cells = 0 if system.type is None else system.type.cells
    return bytes((system.parallel * system.series, cells, system.parallel, system.series))


# Before 1.09: without batteries, a system of nothing.
CAPACITY_OF_NOTHING = Register(_capacity, "soon")
CONFIGURATION_OF_NOTHING = Register(_configuration, "soon")
