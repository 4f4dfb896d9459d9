"""Reading what instruments answer: numbers with or without units, states, lists."""

import math

from instruments.protocols import AnswerGarbled, SetpointNotTaken


def quantity(answer: str, unit: str = "") -> float:
    """A number, with its unit or without: ``43.50 V``, ``43.50V``, ``+4.35E+01``."""
    text = answer.strip()
    if unit and text.upper().endswith(unit.upper()):
        text = text[: -len(unit)]
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):  # "no number" compares with nothing: it would pass every limit
        expected = f"a number in {unit}" if unit else "a number"
        raise AnswerGarbled(f"answered {answer!r}, expected {expected}")
    return value


def integer(answer: str) -> int:
    """A whole number, however it is written."""
    value = quantity(answer)
    if not value.is_integer():
        raise AnswerGarbled(f"answered {answer!r}, expected a whole number")
    return int(value)


def state(answer: str) -> bool:
    """ON, OFF, 1 or 0."""
    try:
        return {"ON": True, "1": True, "OFF": False, "0": False}[answer.strip().upper()]
    except KeyError:
        raise AnswerGarbled(f"answered {answer!r}, expected ON, OFF, 1 or 0") from None


def compare(what: str, asked: float, taken: float, resolution: float, unit: str) -> None:
    """Raise SetpointNotTaken if the value read back is more than a resolution away."""
    if not abs(taken - asked) <= resolution * 1.000001:
        raise SetpointNotTaken(
            f"{what}: set {asked:g} {unit}, read back {taken:g} {unit}, "
            f"resolution {resolution:g} {unit}"
        )
