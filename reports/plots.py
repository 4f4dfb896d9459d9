"""What a row's plot needs, as values that a page can carry: columns in base64, marks in words."""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reports.view import RowView, TestView
from rig.recording import RecordError, SignalFile

POINTS_A_SIGNAL = 1500
SIGNALS_A_PLOT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class PlottedSignal:
    """A decimated column; `t` and `v` are little-endian float32 in base64, seconds and `unit`.

    `held`: a bus tells a value when it changes, and until then the last one stands; between two
    readings of an instrument a line is the better guess.
    """

    name: str
    unit: str
    kind: str
    held: bool
    t: str
    v: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something at an instant; `outcome` is set for an expectation only."""

    t: float
    lane: str
    text: str
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A measurement as the plot shows it: a value with its limits, at its time."""

    t: float
    name: str
    unit: str
    verdict: str
    value: float | None
    uncertainty: float | None
    low: float | None
    high: float | None
    signal: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One row's plot; `note` says what is missing, and why."""

    signals: tuple[PlottedSignal, ...]
    marks: tuple[Mark, ...]
    limits: tuple[Limit, ...]
    note: str


def plot_of(row: RowView) -> Plot | None:
    """The plot of the attempt that decided; None for a row that did not run."""
    test = row.deciding
    if test is None:
        return None
    signals, note = _signals(test)
    measured = test.shown.end.measurements if test.shown.end else ()
    limits = tuple(
        Limit(
            t=each.t_s,
            name=each.name,
            unit=each.unit,
            verdict=each.verdict,
            value=each.value,
            uncertainty=each.uncertainty,
            low=each.low,
            high=each.high,
            signal=each.signal,
        )
        for each in measured
    )
    return Plot(signals=signals, marks=_marks(test), limits=limits, note=note)


def _signals(test: TestView) -> tuple[tuple[PlottedSignal, ...], str]:
    path = test.folder / "signals.bin"
    if not path.is_file():
        return (), "No signals were recorded."
    try:
        file = SignalFile.read(path)
        signals = tuple(_signal(file, name) for name in _worth_drawing(file, test))
    except RecordError as error:
        return (), f"The signals cannot be read: {_without_folder(error, path)}"
    note = "" if file.complete else "The recording was cut off; what reached the disk is shown."
    return signals, note


def _worth_drawing(file: SignalFile, test: TestView) -> list[str]:
    """What the claims were about, then what the trace names, then digital lines that moved."""
    trace = test.trace
    claimed = [each.what for each in trace.expectations] if trace else []
    usual = [name for name in (trace.plot if trace else ()) if _moves(file, name)]
    named = dict.fromkeys([*claimed, *usual])
    known = [name for name in (*named, *file.names) if name in file.names]
    found: dict[str, list[str]] = {"analog": [], "digital": []}
    for name in dict.fromkeys(known):
        about = file.signal(name)
        moved = about.kind == "digital" and len(set(file.decimated(name, POINTS_A_SIGNAL)[1])) > 1
        # A file whose trace names nothing shows what it has.
        if about.samples and (name in named or moved or not named):
            found[about.kind].append(name)
    return found["analog"][:SIGNALS_A_PLOT] + found["digital"][:SIGNALS_A_PLOT]


def _moves(file: SignalFile, name: str) -> bool:
    """Whether it is there and was read at more than one instant: one reading is no course."""
    return name in file.names and file.signal(name).samples > 1


def _signal(file: SignalFile, name: str) -> PlottedSignal:
    about = file.signal(name)
    times, values = file.decimated(name, POINTS_A_SIGNAL)
    return PlottedSignal(
        name=name,
        unit=about.unit,
        kind=about.kind,
        held="." in name,
        t=_base64(times),
        v=_base64(values),
    )


def _marks(test: TestView) -> tuple[Mark, ...]:
    if test.trace is None:
        return ()
    events = [Mark(t=each.t_s, lane=each.lane, text=each.text) for each in test.trace.events]
    claims = [
        Mark(t=each.t_s, lane="expectation", text=each.text or each.what, outcome=each.outcome)
        for each in test.trace.expectations
    ]
    return tuple(sorted([*events, *claims], key=lambda mark: mark.t))


def _base64(values: Iterable[float]) -> str:
    column = array("f", values)
    if sys.byteorder == "big":
        column.byteswap()
    return base64.b64encode(column.tobytes()).decode("ascii")


def _without_folder(error: RecordError, path: Path) -> str:
    # The page must not depend on where the record lies.
    return str(error).replace(str(path), path.name)
