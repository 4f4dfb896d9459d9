"""Which column of a table is what: two layouts that are known, and any other from a TOML file.

    delimiter = ";"                               # , unless told
    decimal = ","                                 # . unless told
    time = { column = "Time", unit = "ms" }       # s, ms, us, ns, or iso
    identifier = { column = "ID", base = 16 }     # 16 or 10
    data = { column = "Data", as = "hex" }        # hex, dec (bytes apart), base64
    # or: data = { columns = ["D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8"], as = "hex" }
    length = { column = "DLC" }                   # these are optional
    bus = { column = "Channel" }
    extended = { column = "Type", values = ["x", "ext"] }
    error = { column = "Err", values = ["1"] }
    remote = { column = "RTR", values = ["1"] }

Rules of this file: a column is named as in the first line. Without `extended`, more than 0x7FF is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig.replay.log import LogError

UNITS_US = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
FORMS = ("hex", "dec", "base64")
_KEYS = {
    "time": {"column", "unit"},
    "identifier": {"column", "base"},
    "data": {"column", "columns", "as"},
    "length": {"column"},
    "bus": {"column"},
    "extended": {"column", "values"},
    "error": {"column", "values"},
    "remote": {"column", "values"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A column, and what stands in it where it is so."""

    column: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column of a table is what."""

    name: str
    time: str
    time_unit: str
    """A key of `UNITS_US`, or iso."""
    identifier: str
    identifier_base: int
    data: tuple[str, ...]
    """One column with all bytes, or one for each."""
    data_form: str
    length: str | None = None
    bus: str | None = None
    extended: Flag | None = None
    error: Flag | None = None
    remote: Flag | None = None
    delimiter: str = ","
    decimal: str = "."


_ONE = frozenset({"1"})
PYTHON_CAN = Columns(
    name="python-can",
    time="timestamp",
    time_unit="s",
    identifier="arbitration_id",
    identifier_base=16,
    data=("data",),
    data_form="base64",
    length="dlc",
    extended=Flag(column="extended", values=_ONE),
    error=Flag(column="error", values=_ONE),
    remote=Flag(column="remote", values=_ONE),
)
SAVVYCAN = Columns(
    name="SavvyCAN",
    time="Time Stamp",
    time_unit="us",
    identifier="ID",
    identifier_base=16,
    data=tuple(f"D{number}" for number in range(1, 9)),
    data_form="hex",
    length="LEN",
    bus="Bus",
    extended=Flag(column="Extended", values=frozenset({"true", "1"})),
)
KNOWN = (PYTHON_CAN, SAVVYCAN)


def read_mapping(path: Path) -> Columns:
    """A layout from its file. Raises LogError naming file, key and what is allowed."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LogError(f"--mapping {path}: {error.strerror}; allowed: a TOML file") from error
    except ValueError as error:
        raise LogError(f"--mapping {path}: {error}; allowed: a TOML file") from error
    for key, value in content.items():
        if key in {"delimiter", "decimal"}:
            if not (isinstance(value, str) and len(value) == 1):
                raise LogError(f"--mapping {path}: {key}: allowed: one character")
        elif key not in _KEYS:
            allowed = ", ".join([*_KEYS, "delimiter", "decimal"])
            raise LogError(f"--mapping {path}: {key} is not known; allowed: {allowed}")
        elif not isinstance(value, dict) or not set(value) <= _KEYS[key]:
            allowed = ", ".join(sorted(_KEYS[key]))
            raise LogError(f"--mapping {path}: {key}: allowed: a table of {allowed}")
    for key in ("time", "identifier", "data"):
        if key not in content:
            raise LogError(
                f"--mapping {path}: {key} is missing; allowed: {key} = {{ column = .. }}"
            )
    return _columns(path, content)


def _columns(path: Path, content: Mapping[str, Any]) -> Columns:
    data = content["data"].get("columns")
    if data is None:
        data = [_text(path, content, "data", "column")]
    if not isinstance(data, list) or not data or not all(isinstance(each, str) for each in data):
        raise LogError(f"--mapping {path}: data.columns: allowed: a list of names of columns")
    return Columns(
        name="CSV",
        time=_text(path, content, "time", "column"),
        time_unit=_one_of(path, content, "time", "unit", (*UNITS_US, "iso"), "s"),
        identifier=_text(path, content, "identifier", "column"),
        identifier_base=_one_of(path, content, "identifier", "base", (16, 10), 16),
        data=tuple(data),
        data_form=_one_of(path, content, "data", "as", FORMS, "hex"),
        length=_text(path, content, "length", "column") if "length" in content else None,
        bus=_text(path, content, "bus", "column") if "bus" in content else None,
        extended=_flag(path, content, "extended"),
        error=_flag(path, content, "error"),
        remote=_flag(path, content, "remote"),
        delimiter=content.get("delimiter", ","),
        decimal=content.get("decimal", "."),
    )


def _text(path: Path, content: Mapping[str, Any], key: str, name: str) -> str:
    value = content[key].get(name)
    if not isinstance(value, str) or not value:
        raise LogError(f"--mapping {path}: {key}.{name}: allowed: the name of a column")
    return value


def _one_of(
    path: Path,
    content: Mapping[str, Any],
    key: str,
    name: str,
    allowed: tuple[Any, ...],
    usual: Any,
) -> Any:
    value = content[key].get(name, usual)
    if value not in allowed:
        words = ", ".join(map(str, allowed))
        raise LogError(f"--mapping {path}: {key}.{name}: allowed: {words}")
    return value


def _flag(path: Path, content: Mapping[str, Any], key: str) -> Flag | None:
    if key not in content:
        return None
    values = content[key].get("values", ["1", "true"])
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise LogError(f"--mapping {path}: {key}.values: allowed: a list of texts")
    return Flag(
        column=_text(path, content, key, "column"), values=frozenset(v.lower() for v in values)
    )
