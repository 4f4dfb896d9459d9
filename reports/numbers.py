"""How a view prints a number: as many digits as its uncertainty allows, and no more."""

from __future__ import annotations

import math
from datetime import datetime

from markupsafe import Markup

from rig.recording import Measurement

# The picture of a value between its limits, in pixels.
_WIDTH, _HEIGHT = 132, 14


def plain(value: float) -> str:
    """Six significant digits, without an exponent where a person would not write one."""
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")


def quantity(measurement: Measurement) -> str:
    """The value with its expanded uncertainty, the latter to two significant digits."""
    value, uncertainty = measurement.value, measurement.uncertainty
    if value is None:
        return "no reading"
    if not uncertainty:
        return plain(value)
    places = 1 - math.floor(math.log10(abs(uncertainty)))
    if places < 0:
        value, uncertainty, places = round(value, places), round(uncertainty, places), 0
    shown = f"{value:.{places}f}".replace("-", "\N{MINUS SIGN}")
    return f"{shown} ± {uncertainty:.{places}f}"


def limits(measurement: Measurement) -> str:
    """What was allowed."""
    low, high = measurement.low, measurement.high
    if low is not None and high is not None:
        return plain(low) if low == high else f"{plain(low)} … {plain(high)}"
    if low is not None:
        return f"≥ {plain(low)}"
    return f"≤ {plain(high)}" if high is not None else "none"


def margin_picture(measurement: Measurement) -> Markup:
    """Where the value lies between its limits: the band is what was allowed."""
    value, low, high = measurement.value, measurement.low, measurement.high
    if value is None or (low is None and high is None):
        return Markup()
    spread = measurement.uncertainty or 0.0
    ends = [each for each in (low, high, value - spread, value + spread) if each is not None]
    span = (max(ends) - min(ends)) or abs(value) or 1.0
    first, width = min(ends) - 0.18 * span, 1.36 * span

    def x(at: float) -> float:
        return round(min(max((at - first) / width, 0.0), 1.0) * _WIDTH, 1)

    left = 0.0 if low is None else x(low)
    right = float(_WIDTH) if high is None else x(high)
    band = f'<rect class="band" x="{left}" y="3" width="{max(right - left, 1.0):.1f}" height="8"/>'
    edges = "".join(
        f'<line class="edge" x1="{x(each)}" x2="{x(each)}" y1="1" y2="13"/>'
        for each in (low, high)
        if each is not None
    )
    whisker = (
        f'<line class="u" x1="{x(value - spread)}" x2="{x(value + spread)}" y1="7" y2="7"/>'
        if spread
        else ""
    )
    style = "in" if measurement.verdict == "PASS" else "out"
    dot = f'<circle class="{style}" cx="{x(value)}" cy="7" r="3"/>'
    # Only numbers and our own words go into it.
    return Markup(
        f'<svg class="margin" width="{_WIDTH}" height="{_HEIGHT}" aria-hidden="true">'
        f"{band}{edges}{whisker}{dot}</svg>"
    )


def instant(t_s: float) -> str:
    """A time within an attempt."""
    return f"{t_s:.3f}"


def duration(seconds: float) -> str:
    """A duration as a person says it: 840 ms, 12.3 s, 4 min 05 s, 2 h 03 min."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: int) -> str:
    """A number of bytes as a person says it: 812 B, 12.3 kB, 4.1 MB."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def utc(text: str) -> str:
    """An ISO instant, as 2026-11-22 17:00:00 UTC."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"


def seconds_between(start: str, end: str) -> float:
    """From one ISO instant to another."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
