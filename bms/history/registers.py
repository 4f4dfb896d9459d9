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


def _all_or_no_percent(view: View) -> bytes:
    return vreg.u8(100 if view.dvcc.charge_current_a > 0 else 0)


def _all_or_no_current(view: View) -> bytes:
    dvcc = view.dvcc
    return vreg.u16(dvcc.charge_current_max_a if dvcc.charge_current_a > 0 else 0.0, 0.1)


# Before 1.09: charging with all that the batteries take, or not at all.
LINK_PERCENTAGE_OF_ALL_OR_NOTHING = Register(_all_or_no_percent, "soon", periodic=True)
LINK_LIMIT_OF_ALL_OR_NOTHING = Register(_all_or_no_current, "soon", periodic=True)

# Before 1.09: without batteries, a system of nothing.
CAPACITY_OF_NOTHING = Register(_capacity, "soon")
CONFIGURATION_OF_NOTHING = Register(_configuration, "soon")
