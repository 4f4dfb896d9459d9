"""The warnings that the diagnostic tool shows, and the MGREG status: one bit each.

The numbers are the project's own; the 32 bits of register 0x2100 are all taken (v1.34-04).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bms.firmware import Firmware, Room, TableSlot
from bms.port_status import WarningWordStatus
from bms.status import View

Fact = Callable[[View], bool]

(
    CELL_VOLTAGE_DEVIATION,
    CELL_TEMPERATURE_DEVIATION,
    SERVICE,
    SYSTEM_VOLTAGE,
    MEASUREMENTS_INVALID,
    HOT_INSIDE,
    BATTERY_CURRENT,
    BALANCER,
    HUMIDITY,
    LEAKAGE,
) = range(10)

FLAGS: Mapping[int, Fact] = MappingProxyType(
    {
        CELL_VOLTAGE_DEVIATION: lambda view: view.warnings.cell_voltage_deviation,
        CELL_TEMPERATURE_DEVIATION: lambda view: view.warnings.cell_temperature_deviation,
        SERVICE: lambda view: view.warnings.service,
        SYSTEM_VOLTAGE: lambda view: view.warnings.system_voltage,
        MEASUREMENTS_INVALID: lambda view: view.warnings.measurements_invalid,
        HOT_INSIDE: lambda view: view.warnings.hot_inside,
        BATTERY_CURRENT: lambda view: view.warnings.battery_current,
        BALANCER: lambda view: view.warnings.balancer,
        HUMIDITY: lambda view: view.warnings.humidity,
        LEAKAGE: lambda view: view.warnings.leakage,
    }
)


class WarningWord(Room):
    """Gathers the warnings that a release has into the word."""

    flags = TableSlot[int, Fact](FLAGS)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._facts = [(1 << bit, fact) for bit, fact in self.flags.items()]

    def step(self, now_us: int, view: View) -> WarningWordStatus:
        """The word of this instant."""
        return WarningWordStatus(flags=sum(mask for mask, fact in self._facts if fact(view)))
