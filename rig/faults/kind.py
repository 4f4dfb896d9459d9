"""What is said about a kind of fault: its element, its parameters, and who can insert it how."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Element(StrEnum):
    """What a fault is on."""

    CELL_VOLTAGE_SENSOR = "cell voltage sensor"
    CELL_TEMPERATURE_SENSOR = "cell temperature sensor"
    TERMINAL_TEMPERATURE_SENSOR = "terminal temperature sensor"
    CELL = "cell"
    BUSBAR = "busbar"
    FAN = "fan"
    BATTERY = "battery"
    BATTERY_CAN = "battery CAN wire"
    MASTER_CAN = "master CAN wire"
    BATTERY_PROCESSOR = "battery processor"
    BALANCER = "balancer"
    CONTACTOR = "main contactor"
    MAIN_FUSE = "main fuse"
    PRECHARGE_FUSE = "pre-charge fuse"
    PRECHARGE_ELEMENT = "pre-charge element"
    AMBIENT = "ambient"
    SHUNT = "shunt"
    VOLTAGE_SENSE = "battery voltage sense wires"
    IO_SUPPLY = "IO connector"
    DUT = "DUT"


# The keywords that say which one of its kind an element is; all are counted from 0.
PLACES: Mapping[Element, tuple[str, ...]] = {
    Element.CELL_VOLTAGE_SENSOR: ("battery", "cell"),
    Element.CELL_TEMPERATURE_SENSOR: ("battery", "sensor"),
    Element.TERMINAL_TEMPERATURE_SENSOR: ("battery", "terminal"),
    Element.CELL: ("battery", "cell"),
    Element.BUSBAR: ("battery", "terminal"),
    Element.FAN: ("battery",),
    Element.BATTERY: ("battery",),
    Element.BATTERY_CAN: ("battery",),
    Element.BATTERY_PROCESSOR: ("battery",),
    Element.BALANCER: ("battery",),
}
TERMINALS = ("positive", "negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number within a range, or a word out of some; `default` None: it has to be given."""

    name: str  # with its unit last
    meaning: str
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    default: float | str | None = None
    optional: bool = False  # without a default it may be left out: `meaning` says what then
    words: tuple[str, ...] = ()
    free: bool = False  # any word

    @property
    def allowed(self) -> str:
        """What it can be, in words."""
        if self.words:
            return ", ".join(self.words)
        if self.free:
            return "a name"
        return f"{self.low:g} to {self.high:g} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """One kind of fault; `sim`, `wire`, `lab` say how that bench inserts it, "" that it cannot."""

    name: str
    element: Element
    does: str
    parameters: tuple[Parameter, ...] = ()
    sim: str = "plant"
    wire: str = "plant, in its process"
    lab: str = ""
    inside_dut: bool = False

    @property
    def places(self) -> tuple[str, ...]:
        """The keywords that name its element."""
        return PLACES.get(self.element, ())
