"""The rig's own table of VREGs, read once from `vreg.toml` into types."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TYPE_BYTES = {"un8": 1, "un16": 2, "un24": 3, "un32": 4, "sn16": 2, "sn32": 4, "version": 3}
"""Bytes a type takes; a string takes the rest."""

_PATH = Path(__file__).with_name("vreg.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value within a register's data."""

    name: str
    type: str
    scale: float
    unit: str
    not_available: int | None
    """The code that means not available; None if every code is a value."""
    labels: Mapping[int, str]
    bits: Mapping[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A VREG."""

    number: int
    name: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VregTable:
    """All registers, and the names of acknowledge codes."""

    registers: Mapping[int, Register]
    acknowledge_labels: Mapping[int, str]

    def named(self, field: str) -> Register:
        """The register that carries a field. Raises KeyError with the name."""
        for register in self.registers.values():
            if any(each.name == field for each in register.fields):
                return register
        raise KeyError(f"no VREG carries {field!r}")


@cache
def load_vreg_table(path: Path = _PATH) -> VregTable:
    """The table. Raises ValueError naming file, register and what is allowed."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    labels = {name: _codes(table) for name, table in content["labels"].items()}
    bits = {name: _codes(table) for name, table in content["bits"].items()}
    registers = {}
    for entry in content["register"]:
        register = Register(
            number=entry["number"],
            name=entry["name"],
            fields=tuple(_field(path, entry, field, labels, bits) for field in entry["fields"]),
        )
        if register.number in registers:
            raise ValueError(f"{path}: register 0x{register.number:04X} stands there twice")
        registers[register.number] = register
    return VregTable(registers=registers, acknowledge_labels=labels["acknowledge"])


def _codes(table: Mapping[str, str]) -> dict[int, str]:
    return {int(code, 0): text for code, text in table.items()}


def _field(
    path: Path,
    register: Mapping[str, Any],
    entry: Mapping[str, Any],
    labels: Mapping[str, Mapping[int, str]],
    bits: Mapping[str, Mapping[int, str]],
) -> Field:
    kind = entry["type"]
    if kind not in TYPE_BYTES and kind != "string":
        allowed = ", ".join([*TYPE_BYTES, "string"])
        raise ValueError(
            f"{path}: register 0x{register['number']:04X}, field {entry['name']}: "
            f"type {kind!r} is none of {allowed}"
        )
    return Field(
        name=entry["name"],
        type=kind,
        scale=entry.get("scale", 1),
        unit=entry.get("unit", ""),
        not_available=None if entry.get("not_available") is False else _mark(kind),
        labels=labels[entry["labels"]] if "labels" in entry else {},
        bits=bits[entry["bits"]] if "bits" in entry else {},
    )


def _mark(kind: str) -> int | None:
    """A type's own code for not available."""
    if kind == "string":
        return None
    width = 8 * TYPE_BYTES[kind]
    return (1 << (width - 1)) - 1 if kind.startswith("sn") else (1 << width) - 1
