"""A fault as it is asked for, and as it stands.

What is asked is parsed once, here, against the list and the bench's own size.
"""

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rig.errors import FaultRefused
from rig.faults.catalogue import FAULTS
from rig.faults.kind import TERMINALS, FaultKind, Parameter

Value = float | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatterySize:
    """How many of each a battery on the bench has."""

    cells: int
    sensors: int
    terminals: bool  # sensors at its terminals
    fan: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A fault that this bench could have: its kind, where, and all parameters."""

    kind: FaultKind
    battery: int = -1
    index: int = -1  # of the cell, the sensor, or the terminal: 0 positive, 1 negative
    values: Mapping[str, Value]

    @property
    def given(self) -> dict[str, Value | int]:
        """Place and parameters by the words that they are asked for with."""
        return {**{key: self._place(key) for key in self.kind.places}, **self.values}

    def number(self, name: str) -> float:
        """A parameter that is a number."""
        value = self.values[name]
        assert isinstance(value, float)
        return value

    def word(self, name: str) -> str:
        """A parameter that is a word."""
        return str(self.values[name])

    def __str__(self) -> str:
        where = {key: self._place(key) for key in self.kind.places}
        units = {p.name: p.unit for p in self.kind.parameters}
        given = [f"{key} {value}" for key, value in where.items()]
        given += [
            f"{key} {value:g} {units[key]}".rstrip()
            if isinstance(value, float)
            else f"{key} {value}"
            for key, value in self.values.items()
            if value is not None
        ]
        return f"{self.kind.name} ({', '.join(given)})" if given else self.kind.name

    def _place(self, key: str) -> int | str:
        if key == "battery":
            return self.battery
        return TERMINALS[self.index] if key == "terminal" else self.index


class Fault:
    """A fault that stands, until it is cleared."""

    def __init__(self, asked: Asked, undo: Callable[[], None], note: Callable[[str], None]) -> None:
        self.asked = asked
        self._undo: Callable[[], None] | None = undo
        self._note = note

    @property
    def stands(self) -> bool:
        """Whether it has not been cleared yet."""
        return self._undo is not None

    async def clear(self) -> None:
        """Take it away; what it has done meanwhile remains done. A second time nothing happens."""
        if self._undo is not None:
            undo, self._undo = self._undo, None
            undo()
            self._note(f"fault cleared: {self.asked}")


def kind_named(name: str) -> FaultKind:
    """The kind of that name. Raises FaultRefused, with the nearest names, for an unknown one."""
    names = [kind.name for kind in FAULTS]
    if name in names:
        return FAULTS[names.index(name)]
    near = difflib.get_close_matches(name, names) or names
    raise FaultRefused(f"fault {name!r} is unknown; allowed: {', '.join(near)} (hil bench faults)")


def ask(name: str, given: Mapping[str, object], batteries: Sequence[BatterySize]) -> Asked:
    """Parse what is asked for. Raises FaultRefused, naming what is allowed."""
    kind = kind_named(name)
    known = (*kind.places, *(parameter.name for parameter in kind.parameters))
    for key in given:
        if key not in known:
            allowed = ", ".join(known) or "nothing"
            raise FaultRefused(f"fault {name!r}: {key} is no word of it; allowed: {allowed}")
    battery = index = -1
    if "battery" in kind.places:
        battery = _index(name, "battery", given, len(batteries))
        size = batteries[battery]
        if "cell" in kind.places:
            index = _index(name, "cell", given, size.cells)
        elif "sensor" in kind.places:
            index = _index(name, "sensor", given, size.sensors)
        elif "terminal" in kind.places:
            index = _terminal(name, given)
        _check_parts(kind, battery, size)
    values = {p.name: _value(name, p, given) for p in kind.parameters}
    return Asked(kind=kind, battery=battery, index=index, values=values)


def _check_parts(kind: FaultKind, battery: int, size: BatterySize) -> None:
    if kind.name.startswith("terminal temperature") and not size.terminals:
        raise FaultRefused(
            f"fault {kind.name!r}: battery {battery} has no sensors at its terminals"
        )
    if kind.name.startswith("fan") and not size.fan:
        raise FaultRefused(f"fault {kind.name!r}: battery {battery} has no fan")


def _index(name: str, key: str, given: Mapping[str, object], count: int) -> int:
    value = given.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count:
        return value
    asked = f"asked: {value!r}" if key in given else "it was not given"
    raise FaultRefused(f"fault {name!r}: {key}; allowed: 0 to {count - 1}; {asked}")


def _terminal(name: str, given: Mapping[str, object]) -> int:
    value = given.get("terminal", TERMINALS[0])
    if value in TERMINALS:
        return TERMINALS.index(str(value))
    raise FaultRefused(f"fault {name!r}: terminal; allowed: positive, negative; asked: {value!r}")


def _value(name: str, parameter: Parameter, given: Mapping[str, object]) -> Value:
    value = given.get(parameter.name, parameter.default)
    if value is None and parameter.optional:
        return None
    if parameter.words or parameter.free:
        if isinstance(value, str) and (parameter.free or value in parameter.words):
            return value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number) and parameter.low <= number <= parameter.high:
            return number
    asked = "it was not given" if value is None else f"asked: {value!r}"
    raise FaultRefused(f"fault {name!r}: {parameter.name}; allowed: {parameter.allowed}; {asked}")
