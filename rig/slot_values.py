"""Values of the firmware's slots, as people read them."""

from collections.abc import Set
from dataclasses import fields, is_dataclass
from enum import Enum
from types import FunctionType

from bms.firmware import ABSENT, PRESENT, Place


def show_side(value: object, place: Place) -> str:
    """One side of a delta: what stands at its place before it, or from it on."""
    if value is PRESENT:
        return show_value(place.slot.today[place.entry])  # type: ignore[attr-defined]
    return "absent" if value is ABSENT else show_value(value)


def show_value(value: object) -> str:
    """A slot's value as people read it, the same in every process.

    A time is in seconds, a set in order, a policy or a state by its name, a condition by what it
    looks at.
    """
    match value:
        case Enum():
            words = value.name.lower().replace("_", " ")
            return f"{words} ({int(value)})" if isinstance(value, int) else words
        case bool() | str():
            return str(value)
        case int() if value >= 100_000:
            return f"{value / 1_000_000:g} s"
        case Set():
            return f"{{{', '.join(sorted(map(show_value, value)))}}}"
        case tuple():
            return f"({', '.join(map(show_value, value))})"
        case FunctionType():
            return _show_function(value)
    if is_dataclass(value) and not isinstance(value, type):
        told = (f"{one.name}={show_value(getattr(value, one.name))}" for one in fields(value))
        return f"{type(value).__name__}({', '.join(told)})"
    name = getattr(value, "__name__", None)
    return str(name).replace("_", " ") if name else str(value)


def _show_function(function: FunctionType) -> str:
    """By its name; without one, by the names that it reads, and by what it was made with."""
    if "<" not in function.__qualname__:
        return function.__name__.strip("_").replace("_", " ")
    read = [name.strip("_") for name in function.__code__.co_names]
    made_with = [show_value(cell.cell_contents) for cell in function.__closure__ or ()]
    return " ".join([*read, *made_with]).replace("_", " ") or "a constant"
