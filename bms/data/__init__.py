"""The numbers of the domain, read once from the TOML files beside this one, into types."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bms.firmware import Basis

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A number with its unit, and where it comes from."""

    name: str
    value: float
    unit: str
    basis: Basis
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A cell-voltage level: it is set at ``set_v`` and cleared at ``clear_v``."""

    set_v: float
    clear_v: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CellLevels:
    """All cell-voltage levels of a chemistry under one strategy."""

    almost_charged: Level
    charged: Level
    over_voltage: Level
    over_voltage_critical_v: float
    almost_discharged: Level
    discharged: Level
    under_voltage: Level
    under_voltage_critical_v: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryType:
    """What the master knows of a battery module by its type code."""

    code: int
    name: str
    family: str
    chemistry: str
    cells: int
    capacity_ah: float
    temperature_sensors: int
    charge_c_rates: tuple[float, float]  # Economic, Performance
    discharge_c_rate: float
    fan: bool
    terminal_sensors: bool
    outlier_monitoring: bool
    leakage_detection: bool = False
    gauge: bool = False  # of its own, which knows its state of health
    balancing: str = ""  # passive: bleeds, active: moves charge, or none that the master commands


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """A model of the master, and the code that its board carries."""

    name: str
    board: int
    product_id: int
    current_max_a: float
    interlock: bool = False  # whether it has the input
    fan: bool = False  # of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: what it is called, what it may be, and what the tool explains.

    It is one of its choices, or a number from `minimum` to `maximum` in steps of `step` `unit`.
    """

    number: int
    name: str
    maximum: int
    explanation: str
    choices: str = ""  # the table of its choices, in the room `settings`; none: it is a number
    register: int | None = None  # its VREG, where it has one
    minimum: int = 0
    step: float = 1.0
    unit: str = ""
    tool: int = 0  # the oldest diagnostic tool that changes it, 2.23 as 223

    @property
    def size(self) -> int:
        """Bytes of its code: in memory little endian, at the tool big endian, signed if two."""
        return 1 if self.choices else 2


def _read(name: str) -> dict[str, Any]:
    with (FOLDER / name).open("rb") as file:
        return tomllib.load(file)


@cache
def limits() -> Mapping[str, Value]:
    """Every number of limits.toml by its name."""
    rows = _read("limits.toml")["value"]
    return MappingProxyType(
        {
            row["name"]: Value(
                name=row["name"],
                value=row["value"],
                unit=row["unit"],
                basis=Basis(row["basis"]),
                source=row["source"],
            )
            for row in rows
        }
    )


def limit(name: str) -> float:
    """One number of limits.toml, in its own unit. Raises KeyError for an unknown name."""
    return limits()[name].value


def limit_us(name: str) -> int:
    """One time of limits.toml in microseconds."""
    entry = limits()[name]
    return round(entry.value * {"min": 60_000_000, "s": 1_000_000, "ms": 1_000}[entry.unit])


@cache
def cell_levels(chemistry: str, *, performance: bool) -> CellLevels:
    """The cell-voltage levels of ``chemistry``, "LFP" or "NMC", under a strategy."""
    low = chemistry.lower()
    high = low if low == "lfp" else f"{low}.{'performance' if performance else 'economic'}"

    def level(prefix: str, name: str) -> Level:
        return Level(
            set_v=limit(f"{prefix}.{name}.set"),
            clear_v=limit(f"{prefix}.{name}.clear"),
        )

    return CellLevels(
        almost_charged=level(high, "almost_charged"),
        charged=level(high, "charged"),
        over_voltage=level(high, "over_voltage"),
        over_voltage_critical_v=limit(f"{high}.over_voltage_critical.set"),
        almost_discharged=level(low, "almost_discharged"),
        discharged=level(low, "discharged"),
        under_voltage=level(low, "under_voltage"),
        under_voltage_critical_v=limit(f"{low}.under_voltage_critical.set"),
    )


@cache
def battery_types() -> Mapping[int, BatteryType]:
    """The battery types by type code."""
    types = {}
    for row in _read("battery_types.toml")["type"]:
        charge = row["charge_c_rate"]
        types[row["code"]] = BatteryType(
            code=row["code"],
            name=row["name"],
            family=row["family"],
            chemistry=row["chemistry"],
            cells=row["cells"],
            capacity_ah=row["capacity_ah"],
            temperature_sensors=row["temperature_sensors"],
            charge_c_rates=(charge["economic"], charge["performance"]),
            discharge_c_rate=row["discharge_c_rate"]["value"],
            fan=row.get("fan", False),
            terminal_sensors=row.get("terminal_sensors", False),
            outlier_monitoring=row.get("outlier_monitoring", False),
            leakage_detection=row.get("leakage_detection", False),
            gauge=row.get("gauge", False),
            balancing=row.get("balancing", ""),
        )
    return MappingProxyType(types)


@cache
def settings() -> Mapping[str, Setting]:
    """The settings by name."""
    return MappingProxyType(
        {row["name"]: Setting(**row) for row in _read("settings.toml")["setting"]}
    )


def boards() -> Mapping[int, int]:
    """The product id of every board, by the board's code."""
    return {model.board: model.product_id for model in hardware().values()}


@cache
def hardware() -> Mapping[str, Hardware]:
    """The models of the master by name."""
    return MappingProxyType(
        {row["name"]: Hardware(**row) for row in _read("hardware.toml")["model"]}
    )
