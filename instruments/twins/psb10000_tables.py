"""The quantities that the PSB 10080-1000 sets, with their ranges."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from instruments.protocols import Trip

NOMINAL_V, NOMINAL_A, NOMINAL_W = 80.0, 1000.0, 30_000.0

SetPoint = Literal["voltage_v", "current_a", "power_w", "sink_current_a", "sink_power_w"]


def show_v(value: float) -> str:
    """A voltage as the model answers it."""
    return f"{value:.2f} V"


def show_a(value: float) -> str:
    """A current as the model answers it."""
    return f"{value:.1f} A"


def show_w(value: float) -> str:
    """A power as the model answers it."""
    return f"{value:.0f} W"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One quantity with a set value, a protection and limits of adjustment."""

    header: str
    set_point: SetPoint
    trip: Trip
    nominal: float
    default: float
    unit: str
    decimals: int
    show: Callable[[float], str]
    sink: bool = False


QUANTITIES = (
    Quantity(
        header="[SOURce:]VOLTage",
        set_point="voltage_v",
        trip=Trip.OVER_VOLTAGE,
        nominal=NOMINAL_V,
        default=0.0,
        unit="V",
        decimals=2,
        show=show_v,
    ),
    Quantity(
        header="[SOURce:]CURRent",
        set_point="current_a",
        trip=Trip.OVER_CURRENT,
        nominal=NOMINAL_A,
        default=0.0,
        unit="A",
        decimals=1,
        show=show_a,
    ),
    Quantity(
        header="[SOURce:]POWer",
        set_point="power_w",
        trip=Trip.OVER_POWER,
        nominal=NOMINAL_W,
        default=NOMINAL_W,
        unit="W",
        decimals=0,
        show=show_w,
    ),
    Quantity(
        header="SINK:CURRent",
        set_point="sink_current_a",
        trip=Trip.OVER_CURRENT,
        nominal=NOMINAL_A,
        default=0.0,
        unit="A",
        decimals=1,
        show=show_a,
        sink=True,
    ),
    Quantity(
        header="SINK:POWer",
        set_point="sink_power_w",
        trip=Trip.OVER_POWER,
        nominal=NOMINAL_W,
        default=NOMINAL_W,
        unit="W",
        decimals=0,
        show=show_w,
        sink=True,
    ),
)
