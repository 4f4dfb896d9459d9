"""A real battery on a lab bench: it is seen as it is, and nothing can be done to it by wire."""

from typing import cast

from rig.dut.device import missing
from rig.faults.sensors import Quantity, Sensors


class _TrueSensors:
    """Sensors that read what there is."""

    def fix(self, quantity: Quantity, index: int, value: float | None) -> None:
        """Raises NotOnThisBench: a real sensor reads the truth."""
        missing(f"a real battery's {quantity} sensor {index} that reads {value}")


class RealBattery:
    """What a bench can do to it: nothing."""

    def __init__(self) -> None:
        self._sensors = _TrueSensors()

    @property
    def sensors(self) -> Sensors:
        """Its sensors."""
        return cast(Sensors, self._sensors)  # what a view needs of them

    def fall_silent(self) -> None:
        """Raises NotOnThisBench: no relay is in its CAN wires."""
        missing("a real battery's CAN wire cut")

    def speak_again(self) -> None:
        """Raises NotOnThisBench: no relay is in its CAN wires."""
        missing("a real battery's CAN wire mended")
