"""A field log as one HTML file that needs no network: who is who, problems, signals, events.

The courses lie in the page as text; what is checked is drawn, one panel a unit, on one time axis.
"""

from __future__ import annotations

import base64
import json
import math
import sys
from array import array
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.numbers import plain
from rig.replay.sides import MANUFACTURERS
from rig.replay.view import LogView, ShownSignal, identifier_text

_HERE = Path(__file__).parent
# What a reader looks at first, by the end of the name; the first that are there are drawn.
FIRST = (
    "vreg.voltage_v",
    "vreg.current_a",
    "vreg.soc_pct",
    "vreg.cell_voltage_v_min",
    "vreg.cell_voltage_v_max",
    "vreg.charge_current_limit_a",
    "vreg.discharge_current_limit_a",
    "vreg.state",
    "general.voltage_v",
    "general.current_a",
    "general.soc_pct",
)
FIRST_MAX = 8  # chosen: as many as can be told apart
UNKNOWN_MAX = 500  # chosen: noise has any number of identifiers; a page must open


def write_log_page(view: LogView, path: Path) -> None:
    """Write the page. Raises OSError where it cannot be written; an old one is then left whole."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(_html(view), encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _html(view: LogView) -> str:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "seconds": _seconds, "hex": lambda data: data.hex(" ")}
    summary, meta = view.summary, view.summary.meta
    begun = None if meta.start_utc_us is None else _utc(meta.start_utc_us)
    return environment.get_template("log.html.j2").render(
        view=view,
        summary=summary,
        meta=meta,
        sides=view.sides,
        title=", ".join(path.name for path in meta.files),
        begun=None if begun is None else begun.isoformat(sep=" ", timespec="milliseconds"),
        makers=MANUFACTURERS,
        texts=[each for each in view.signals if each.text],
        unknown=[
            (each, identifier_text(each.can_id, extended=each.extended))
            for each in view.unknown[:UNKNOWN_MAX]
        ],
        unknown_more=len(view.unknown) - UNKNOWN_MAX,
        data=_data(view),
        uplot_js=_static("uPlot.iife.min.js"),
        uplot_css=_static("uPlot.min.css"),
        page_js=_static("log.js"),
        page_css=_static("log.css"),
    )


def _utc(unix_us: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(unix_us / 1e6, UTC)
    except (ValueError, OverflowError, OSError):
        return None  # a damaged clock can say any year


def _static(name: str) -> Markup:
    # Our own files: nothing of a log is ever marked safe.
    return Markup((_HERE / "static" / name).read_text(encoding="utf-8"))


def _seconds(t_us: int) -> str:
    return f"{t_us / 1e6:.3f}"


def _data(view: LogView) -> Markup:
    numeric = [each for each in view.signals if each.samples]
    first = _first(numeric)
    text = json.dumps(
        {
            "start_us": view.summary.meta.start_utc_us,
            "duration_s": view.summary.duration_us / 1e6,
            "signals": [_signal(each, shown=each in first) for each in numeric],
            "events": [[e.t_us / 1e6, e.lane, e.who, e.text] for e in view.events],
        },
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )
    # Inside a script element only these could end it or open a comment.
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028"))


def _first(signals: list[ShownSignal]) -> list[ShownSignal]:
    named = [each for name in FIRST for each in signals if each.name == name]
    moving = sorted((each for each in signals if each.samples > 1), key=lambda each: -each.samples)
    return (named or moving)[:FIRST_MAX]


def _signal(each: ShownSignal, *, shown: bool) -> dict[str, object]:
    return {
        "bus": each.bus,
        "who": each.who,
        "name": each.name,
        "unit": each.unit,
        "panel": _panel(each),
        "samples": each.samples,
        "low": each.low if math.isfinite(each.low) else None,
        "high": each.high if math.isfinite(each.high) else None,
        "decimated": each.decimated,
        "labels": {f"{value:g}": label for value, label in each.labels.items()},
        "shown": shown,
        "t": _base64(time_us / 1e6 for time_us in each.times_us),
        "v": _base64(each.values),
    }


def _panel(each: ShownSignal) -> str:
    """What shares an axis: the unit, but a cell's volts lie elsewhere than a battery's."""
    if not each.unit:
        return "codes" if each.labels else "counts"
    return f"{each.unit}, cells" if "cell_" in each.name else each.unit


def _base64(values: Iterable[float]) -> str:
    """A column of little-endian float64: a day in microseconds is too fine for less."""
    column = array("d", values)
    if sys.byteorder == "big":
        column.byteswap()
    return base64.b64encode(column.tobytes()).decode("ascii")
