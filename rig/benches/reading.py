"""Reading a TOML file of the project into types: every complaint is one line.

It names the file, the field, what is there and what is allowed.
"""

import math
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from rig.errors import BenchFileError


class Reader:
    """Takes a file's tables apart; every complaint begins with the file.

    ``where`` is a field's whole name, such as `roles.load.serial`; its last part is the key.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def table(self, parent: dict[str, Any], name: str, where: str = "") -> dict[str, Any]:
        """The table of that name, a copy."""
        found = parent.get(name)
        if not isinstance(found, dict):
            given = "is missing" if found is None else repr(found)
            self.complain(where or name, given, "a table")
        return dict(found)

    def text(
        self,
        table: dict[str, Any],
        where: str,
        *,
        allowed: tuple[str, ...] = (),
        default: str | None = None,
    ) -> str:
        """A text, of those that are allowed if any are named."""
        found = table.get(where.rsplit(".", 1)[-1], default)
        if not isinstance(found, str) or (allowed and found not in allowed):
            given = "is missing" if found is None else repr(found)
            self.complain(where, given, ", ".join(allowed) or "a text")
        return found

    def positive(self, table: dict[str, Any], where: str, *, default: float | None = None) -> float:
        """A number above 0."""
        found = table.get(where.rsplit(".", 1)[-1], default)
        if (
            isinstance(found, bool)
            or not isinstance(found, int | float)
            or not math.isfinite(found)
            or found <= 0
        ):
            given = "is missing" if found is None else repr(found)
            self.complain(where, given, "a number above 0")
        return float(found)

    def count(self, table: dict[str, Any], where: str, low: int, high: int) -> int:
        """A whole number from low to high."""
        found = table.get(where.rsplit(".", 1)[-1])
        if type(found) is not int or not low <= found <= high:
            given = "is missing" if found is None else repr(found)
            self.complain(where, given, f"a whole number, {low} to {high}")
        return found

    def day(self, table: dict[str, Any], where: str) -> date:
        """A day."""
        found = table.get(where.rsplit(".", 1)[-1])
        if type(found) is not date:
            given = "is missing" if found is None else repr(found)
            self.complain(where, given, "a day, as 2026-11-22")
        return found

    def allowed_only(self, where: str, table: dict[str, Any], names: tuple[str, ...]) -> None:
        """No other names than these in a table; ``where`` ends in a dot, or is empty."""
        for name in table:
            if name not in names:
                self.complain(f"{where}{name}", "is unknown", ", ".join(names))

    def complain(self, where: str, given: str, allowed: str) -> NoReturn:
        """Raise BenchFileError: the field, what is there, what is allowed."""
        raise BenchFileError(f"{self.path}: {where}: {given}; allowed: {allowed}")
