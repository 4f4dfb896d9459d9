"""The status word of register 0x2100: one bit a fact.

Public: communication guide of the Master LV, rev 8, and Victron's register header.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bms.codes import State
from bms.data import limit
from bms.firmware import Firmware, Room, TableSlot
from bms.port_status import StatusWordStatus
from bms.status import View

Fact = Callable[[View], bool]
LOW_SOC_PCT = limit("soc.low")
FLOWING_A = limit("flow.current")

FLAGS: Mapping[int, Fact] = MappingProxyType(
    {
        0: lambda view: view.protection.charged,
        1: lambda view: view.protection.almost_charged,
        2: lambda view: view.protection.discharged,
        3: lambda view: view.protection.almost_discharged,
        4: lambda view: view.inputs.current_a > FLOWING_A,
        5: lambda view: view.inputs.current_a < -FLOWING_A,
        6: lambda view: bool(view.balancing.masks),
        7: lambda view: view.contactor.closed,
        8: lambda view: view.contactor.closed,
        10: lambda view: view.protection.over_voltage,
        12: lambda view: view.protection.under_voltage,
        13: lambda view: view.warnings.charge_current,
        14: lambda view: view.warnings.discharge_current,
        21: lambda view: view.start_stop.state is State.RUNNING and view.soc.soc_pct < LOW_SOC_PCT,
        25: lambda view: view.permissions.charge,
        26: lambda view: view.permissions.discharge,
        29: lambda view: view.protection.overload,
        30: lambda view: view.warnings.cell_voltage_deviation,
        31: lambda view: view.warnings.service,
    }
)


class StatusWord(Room):
    """Gathers the facts of all rooms into the word."""

    flags = TableSlot[int, Fact](FLAGS)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._facts = [(1 << bit, fact) for bit, fact in self.flags.items()]

    def step(self, now_us: int, view: View) -> StatusWordStatus:
        """The word of this instant."""
        return StatusWordStatus(flags=sum(mask for mask, fact in self._facts if fact(view)))
