"""A row's plot as SVG, for paper: strips of analog signals by unit, digital ones, and lanes.

It must read in black and white: signals differ by dashes as well as by colour, and what was met
differs from what was not by its shape. Own code and not matplotlib: a page has hundreds of plots,
of which each would take longer than all of these together.
"""

from __future__ import annotations

import base64
import math
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from reports.plots import Limit, Mark, Plot, PlottedSignal

WIDTH = 493.0
_LEFT, _RIGHT = 76.0, 8.0
_ANALOG, _DIGITAL, _LANE, _GAP, _AXIS = 66.0, 13.0, 12.0, 15.0, 16.0
_INK, _SOFT, _HAIR = "#1b2228", "#56616b", "#dfe3e6"
_LINES = (
    ("#123f66", "none"),
    ("#b4501a", "5 2"),
    ("#3c6e3c", "1.4 1.6"),
    ("#6b4a86", "7 2 1.4 2"),
    ("#7c6200", "3 3"),
    ("#3f5560", "9 3"),
)
_LANES = ("expectation", "CAN", "digital", "bench")
_DOTS_BELOW = 40
_COLUMN = 0.5  # of a point: finer than a printer shows


@dataclass(frozen=True, slots=True)
class _Signal:
    name: str
    unit: str
    t: array[float]
    v: array[float]
    colour: str
    dash: str
    held: bool


@dataclass(frozen=True, slots=True)
class _Span:
    """The plot's time, and where it lies on paper."""

    first: float
    last: float

    def x(self, t: float) -> float:
        part = (t - self.first) / (self.last - self.first)
        return _LEFT + min(max(part, 0.0), 1.0) * (WIDTH - _LEFT - _RIGHT)


def draw(plot: Plot) -> str:
    """The plot as an SVG document WIDTH points wide; empty where there is nothing to draw."""
    analog, digital = _signals(plot)
    ends = [t for signal in (*analog, *digital) for t in (signal.t[0], signal.t[-1])]
    ends += [mark.t for mark in plot.marks]
    if not ends:
        return ""
    first, last = min(ends), max(ends)
    span = _Span(first, last if last > first else first + 1.0)
    parts, y = [], 0.0
    for unit, group in _by_unit(analog):
        parts.append(_analog(group, unit, plot, span, y))
        y += _ANALOG + _GAP
    if digital:
        parts.append(_digital(digital, span, y))
        y += _DIGITAL * len(digital) + 4
    lanes = [lane for lane in _LANES if any(mark.lane == lane for mark in plot.marks)]
    for lane in lanes:
        parts.append(_lane(lane, plot.marks, span, y))
        y += _LANE
    claims = _claims(plot.marks, span, y)
    parts.append(_axis(span, y))
    height = y + _AXIS
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:g}" height="{height:g}" '
        f'viewBox="0 0 {WIDTH:g} {height:g}" font-family="Source Sans Pro" font-size="7.5">'
        f"{claims}{''.join(parts)}</svg>"
    )


def _signals(plot: Plot) -> tuple[list[_Signal], list[_Signal]]:
    analog: list[_Signal] = []
    digital: list[_Signal] = []
    for signal in plot.signals:
        into = digital if signal.kind == "digital" else analog
        colour, dash = (_INK, "none") if into is digital else _LINES[len(analog) % len(_LINES)]
        found = _decoded(signal, colour, dash)
        if len(found.t):
            into.append(found)
    return analog, digital


def _decoded(signal: PlottedSignal, colour: str, dash: str) -> _Signal:
    t, v = array("f"), array("f")
    for column, text in ((t, signal.t), (v, signal.v)):
        column.frombytes(base64.b64decode(text))
        if sys.byteorder == "big":
            column.byteswap()
    return _Signal(signal.name, signal.unit, t, v, colour, dash, signal.held)


def _by_unit(signals: Sequence[_Signal]) -> list[tuple[str, list[_Signal]]]:
    groups: dict[str, list[_Signal]] = {}
    for signal in signals:
        groups.setdefault(signal.unit, []).append(signal)
    return list(groups.items())


def _analog(group: list[_Signal], unit: str, plot: Plot, span: _Span, top: float) -> str:
    names = {signal.name for signal in group}
    values = [v for signal in group for v in signal.v if not math.isnan(v)] or [0.0, 1.0]
    own = min(values), max(values)
    named = [each for each in plot.limits if each.signal in names and each.unit == unit]
    # Without a unit nothing says that a number belongs to these signals.
    loose = [each for each in plot.limits if unit and not each.signal and each.unit == unit]
    loose = [each for each in loose if _near(each, own)]
    reach = [*own, *(v for each in (*named, *loose) for v in _values(each))]
    low, high = min(reach), max(reach)
    room = ((high - low) or abs(high) or 1.0) * 0.08
    low, high = low - room, high + room
    foot = top + _GAP + _ANALOG - 8

    def y(value: float) -> float:
        return foot - (value - low) / (high - low) * (_ANALOG - 8)

    parts = [_legend(group, unit, top + 7)]
    for tick in _ticks(low, high, 4):
        parts.append(_rule(_LEFT, WIDTH - _RIGHT, y(tick), _HAIR))
        parts.append(_text(_LEFT - 4, y(tick) + 2.5, _number(tick), "end", _SOFT))
    for each in named:
        for value in (each.low, each.high):
            if value is not None:
                parts.append(_rule(_LEFT, WIDTH - _RIGHT, y(value), _SOFT, "4 3"))
    parts += [_curve(signal, span, y) for signal in group]
    parts += [_bracket(each, span, y, foot - _ANALOG + 8, foot) for each in loose]
    return "".join(parts)


def _legend(group: list[_Signal], unit: str, y: float) -> str:
    x, parts = _LEFT, []
    for signal in group:
        parts.append(_rule(x, x + 16, y - 2.5, signal.colour, signal.dash, 1.2))
        parts.append(_text(x + 19, y, signal.name, "start", _INK))
        x += 30 + 3.7 * len(signal.name)
    parts.append(_text(WIDTH - _RIGHT, y, unit, "end", _SOFT))
    return "".join(parts)


def _curve(signal: _Signal, span: _Span, y: Callable[[float], float]) -> str:
    points = list(_reduced(signal, span))
    if not points:
        return ""
    line = list(_held(points, span.x(span.last))) if signal.held else points
    drawn = (
        f'<polyline points="{" ".join(f"{x:.1f},{y(v):.1f}" for x, v in line)}" fill="none" '
        f'stroke="{signal.colour}" stroke-width="0.9" stroke-dasharray="{signal.dash}" '
        'stroke-linejoin="round"/>'
    )
    if len(signal.t) >= _DOTS_BELOW:
        return drawn
    # So few that each shall be seen: what lies between them is a guess.
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y(v):.1f}" r="1.1" fill="{signal.colour}"/>' for x, v in points
    )
    return drawn + dots


def _held(points: list[tuple[float, float]], end: float) -> Iterator[tuple[float, float]]:
    """The same as steps: a value stands until the next one is told, the last one to the end."""
    for n, (x, v) in enumerate(points):
        if n:
            yield x, points[n - 1][1]
        yield x, v
    yield end, points[-1][1]


def _reduced(signal: _Signal, span: _Span) -> Iterator[tuple[float, float]]:
    """What a printer can show: of each column its first, lowest, highest and last value."""
    column: list[tuple[float, float]] = []
    for t, v in zip(signal.t, signal.v, strict=True):
        if math.isnan(v):
            continue
        x = span.x(t)
        if column and x - column[0][0] >= _COLUMN:
            yield from _extremes(column)
            column = []
        column.append((x, v))
    yield from _extremes(column)


def _extremes(column: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(column) <= 2:
        return column
    low = min(range(len(column)), key=lambda n: column[n][1])
    high = max(range(len(column)), key=lambda n: column[n][1])
    return [column[n] for n in sorted({0, low, high, len(column) - 1})]


def _digital(signals: list[_Signal], span: _Span, top: float) -> str:
    parts = []
    for n, signal in enumerate(signals):
        foot = top + _DIGITAL * (n + 1)
        parts.append(_text(_LEFT - 4, foot - 2.5, signal.name[:22], "end", _INK))
        parts.append(_rule(_LEFT, WIDTH - _RIGHT, foot, _HAIR))
        points, level = [], None
        for t, v in zip(signal.t, signal.v, strict=True):
            x, y = span.x(t), foot - (8.5 if v else 0.8)
            if level is not None and y != level:
                points.append(f"{x:.1f},{level:.1f}")
            if y != level:
                points.append(f"{x:.1f},{y:.1f}")
            level = y
        # A digital signal keeps its level until something changes it.
        points.append(f"{WIDTH - _RIGHT:.1f},{level:.1f}")
        line = f'fill="none" stroke="{_INK}" stroke-width="0.9"'
        parts.append(f'<polyline points="{" ".join(points)}" {line}/>')
    return "".join(parts)


def _lane(lane: str, marks: Sequence[Mark], span: _Span, top: float) -> str:
    middle = top + _LANE / 2
    title = "claims" if lane == "expectation" else lane
    parts = [_text(_LEFT - 4, middle + 2.5, title, "end", _INK)]
    seen: set[tuple[float, str]] = set()
    for mark in marks:
        place = round(span.x(mark.t), 1), mark.outcome
        if mark.lane != lane or place in seen:
            continue
        seen.add(place)
        x = place[0]
        if mark.outcome == "met":
            parts.append(f'<circle cx="{x}" cy="{middle}" r="2.6" fill="{_INK}"/>')
        elif mark.outcome:
            a, b = f"{x - 3.4:.1f},{middle + 3}", f"{x + 3.4:.1f},{middle + 3}"
            shape = f"{x:.1f},{middle - 3.6} {b} {a}"
            parts.append(
                f'<polygon points="{shape}" fill="#fff" stroke="#b3261e" stroke-width="1.3"/>'
            )
        else:
            parts.append(
                f'<line x1="{x}" x2="{x}" y1="{middle - 4}" y2="{middle + 4}" '
                f'stroke="{_SOFT}" stroke-width="0.8"/>'
            )
    return "".join(parts)


def _claims(marks: Sequence[Mark], span: _Span, foot: float) -> str:
    """A hair through all strips where a claim was settled."""
    places = sorted({(round(span.x(mark.t), 1), mark.outcome) for mark in marks if mark.outcome})
    return "".join(
        f'<line x1="{x}" x2="{x}" y1="{_GAP}" y2="{foot:g}" stroke="{_SOFT}" '
        f'stroke-width="0.4" stroke-dasharray="{"none" if outcome == "met" else "2 1.5"}"/>'
        for x, outcome in places
    )


def _bracket(
    limit: Limit, span: _Span, y: Callable[[float], float], top: float, foot: float
) -> str:
    """A measurement that belongs to no drawn signal: its limits and its value, at its time."""
    x = span.x(limit.t)
    high = top if limit.high is None else y(limit.high)
    low = foot if limit.low is None else y(limit.low)
    parts = [
        f'<rect x="{x - 4:.1f}" y="{high:.1f}" width="8" height="{max(low - high, 0.3):.1f}" '
        'fill="#000" fill-opacity="0.08"/>'
    ]
    for value in (limit.low, limit.high):
        if value is not None:
            parts.append(_rule(x - 5, x + 5, y(value), _SOFT, "none", 0.7))
    if limit.value is not None:
        fill = _INK if limit.verdict == "PASS" else "#fff"
        edge = f'stroke="{_INK}" stroke-width="0.8"'
        parts.append(f'<circle cx="{x:.1f}" cy="{y(limit.value):.1f}" r="2" fill="{fill}" {edge}/>')
    return "".join(parts)


def _axis(span: _Span, top: float) -> str:
    parts = [_rule(_LEFT, WIDTH - _RIGHT, top + 1, _SOFT)]
    ticks = _ticks(span.first, span.last, 8)
    for tick in ticks:
        x = span.x(tick)
        unit = " s" if tick == ticks[-1] else ""
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + 1:g}" y2="{top + 4:g}" '
            f'stroke="{_SOFT}" stroke-width="0.5"/>'
        )
        anchor = "end" if x > WIDTH - 20 else "middle"
        parts.append(_text(x, top + 12, _number(tick) + unit, anchor, _SOFT))
    return "".join(parts)


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers within a range, at most so many."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * each for each in (1, 2, 2.5, 5, 10, 20) if power * each >= raw)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def _near(limit: Limit, own: tuple[float, float]) -> bool:
    """Whether it can be drawn there without squashing the curve."""
    span = (own[1] - own[0]) or abs(own[1]) or 1.0
    return all(own[0] - span <= v <= own[1] + span for v in _values(limit))


def _values(limit: Limit) -> list[float]:
    return [v for v in (limit.low, limit.high, limit.value) if v is not None]


def _number(value: float) -> str:
    return f"{value:.7g}".replace("-", "\N{MINUS SIGN}")


def _rule(
    x1: float, x2: float, y: float, colour: str, dash: str = "none", width: float = 0.5
) -> str:
    return (
        f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}" '
        f'stroke-width="{width:g}" stroke-dasharray="{dash}"/>'
    )


def _text(x: float, y: float, said: str, anchor: str, colour: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">'
        f"{escape(said)}</text>"
    )
