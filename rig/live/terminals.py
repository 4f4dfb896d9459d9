"""What the bench's terminals showed last, from the signals that a running attempt has written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rig.recording import RecordError, SignalFile

BYTES_MOST = 8_000_000  # chosen: read again and again, it must stay a matter of milliseconds
# What tells whether a bench is live: its contactor, its voltages, what flows.
ANALOG = (
    "battery voltage",
    "system voltage",
    "charger voltage",
    "charger current",
    "load voltage",
    "load current",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A signal's last value, in `unit`; a digital one is 0.0 or 1.0 and has no unit."""

    name: str
    value: float
    unit: str
    digital: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminals:
    """Readings, and how many seconds ago they reached the disk."""

    age_s: float
    readings: tuple[Reading, ...]


def terminals(folder: Path, now_s: float) -> Terminals | None:
    """The last readings in an attempt's folder; None while there are none to be read."""
    path = folder / "signals.bin"
    try:
        about = path.stat()
        if about.st_size > BYTES_MOST:
            return None
        file = SignalFile.read(path)
        readings = tuple(_reading(file, name) for name in _named(file))
    except (RecordError, OSError):
        return None
    if not readings:
        return None
    return Terminals(age_s=max(now_s - about.st_mtime, 0.0), readings=readings)


def _named(file: SignalFile) -> list[str]:
    known = [name for name in file.names if file.signal(name).samples]
    digital = [name for name in known if file.signal(name).kind == "digital"]
    return [*digital, *(name for name in ANALOG if name in known)]


def _reading(file: SignalFile, name: str) -> Reading:
    signal = file.signal(name)
    return Reading(
        name=name,
        value=signal.ends[-1][1],
        unit=signal.unit,
        digital=signal.kind == "digital",
    )
