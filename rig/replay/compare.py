"""What the device said then, and what the model says now: signal by signal, first difference first.

A signal holds its value until it is told anew. A value is met if the other side tells one within
the signal's tolerance (`tolerances.toml`) about the same time.
"""

import struct
import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

from rig.can.frame import Frame, header_of
from rig.can.vreg import VregDecoder
from rig.errors import BenchFileError
from rig.replay.observe import PRIVATE, VE_CAN

TOLERANCES = Path(__file__).with_name("tolerances.toml")
BATTERY_STATUS, DETAILED_STATUS, VREG = 127508, 127506, 61184
BEACON = 0x18F000
STANDBY = 14
Told = tuple[int, str, int, bool, bytes]  # time, bus, identifier, extended, data
Series = dict[str, list[tuple[int, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How exact a signal is compared."""

    name: str
    within: float = 0.0
    time_us: int = 0
    mask: int | None = None
    ignored: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first time that both sides differ in a signal; None: this side told nothing."""

    signal: str
    t_us: int
    then: float | None
    now: float | None

    def __str__(self) -> str:
        return (
            f"{self.t_us / 1e6:.3f} s: {self.signal} was {_show(self.then)} then, "
            f"the model says {_show(self.now)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One signal on both sides."""

    signal: str
    told: int
    """Values of both sides that were looked at."""
    missed: int
    first: Difference | None
    ignored: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All signals, the one that differs first on top."""

    signals: tuple[Compared, ...]

    @property
    def first(self) -> Difference | None:
        """The first difference of all; None if there is none."""
        return self.signals[0].first if self.signals else None

    @property
    def alike_pct(self) -> float:
        """The share of values that the other side tells as well."""
        told = sum(each.told for each in self.signals if not each.ignored)
        missed = sum(each.missed for each in self.signals if not each.ignored)
        return 100.0 if not told else 100.0 * (told - missed) / told


@cache
def tolerances(path: Path = TOLERANCES) -> tuple[Tolerance, ...]:
    """The tolerances, the default last. Raises BenchFileError naming file and field."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BenchFileError(f"{path}: {error}") from error
    default = content.get("default", {})
    known = {"name", "within", "time_s", "mask", "ignored"}
    found = []
    for row in (*content.get("signal", ()), {"name": "*", **default}):
        if strange := sorted(set(row) - known):
            raise BenchFileError(f"{path}: {strange[0]}: allowed: {', '.join(sorted(known))}")
        found.append(
            Tolerance(
                name=str(row.get("name", "*")),
                within=float(row.get("within", default.get("within", 0.0))),
                time_us=round(float(row.get("time_s", default.get("time_s", 0.0))) * 1e6),
                mask=row.get("mask"),
                ignored=str(row.get("ignored", "")),
            )
        )
    return tuple(found)


def series_of(told: Iterable[Told], address: int, from_us: int, to_us: int) -> Series:
    """What the device says, by signal, within a time; from what it said before, the last."""
    decoder, found = VregDecoder(), Series()
    for t_us, bus, can_id, extended, data in told:
        if t_us > to_us:
            break
        for name, value in _decoded(decoder, bus, can_id, extended, data, address):
            series = found.setdefault(name, [])
            if t_us < from_us and series:
                series[-1] = (t_us, value)
            else:
                series.append((t_us, value))
    return found


def _decoded(
    decoder: VregDecoder, bus: str, can_id: int, extended: bool, data: bytes, address: int
) -> Iterator[tuple[str, float]]:
    if bus == PRIVATE and can_id >> 8 == BEACON and data:
        yield "private.state", data[0]
    if bus != VE_CAN or not extended or can_id & 0xFF != address:
        return
    pgn = header_of(can_id).pgn
    if pgn == VREG:
        message = decoder.decode(Frame(can_id, data))
        if message is not None and message.kind == "data":
            for name, value in message.values.items():
                if value is not None:
                    yield f"vreg.{name}", value
    elif pgn == BATTERY_STATUS and len(data) >= 5 and data[0] == 0:
        raw_v, raw_a = struct.unpack_from("<Hh", data, 1)
        if raw_v != 0xFFFF:
            yield "127508.voltage_v", raw_v / 100
        if raw_a != 0x7FFF:
            yield "127508.current_a", raw_a / 10
    elif pgn == DETAILED_STATUS and len(data) == 8 and not data[0] & 0x1F and data[5] != 0xFF:
        yield "127506.soc_pct", data[5]


def compare(
    then: Series, now: Series, rules: tuple[Tolerance, ...] | None = None, *, from_us: int = 0
) -> Comparison:
    """Both sides' signals; what was told before `from_us` counts as held then."""
    rules = tolerances() if rules is None else rules
    found = [
        _compare_one(name, then.get(name, []), now.get(name, []), rules, from_us)
        for name in sorted({*then, *now})
    ]
    found.sort(key=lambda each: (each.first is None, each.first.t_us if each.first else 0))
    return Comparison(signals=tuple(found))


def rule_for(name: str, rules: tuple[Tolerance, ...]) -> Tolerance:
    """The first rule that fits a signal."""
    return next(rule for rule in rules if fnmatch(name, rule.name))


def _compare_one(
    name: str,
    then: list[tuple[int, float]],
    now: list[tuple[int, float]],
    rules: tuple[Tolerance, ...],
    from_us: int,
) -> Compared:
    rule = rule_for(name, rules)
    if rule.ignored:
        return Compared(signal=name, told=0, missed=0, first=None, ignored=rule.ignored)
    missing = [
        Difference(signal=name, t_us=t_us, then=value, now=_held(now, t_us))
        for t_us, value in then
        if not _is_met(t_us, value, now, rule, from_us)
    ]
    invented = [
        Difference(signal=name, t_us=t_us, then=_held(then, t_us), now=value)
        for t_us, value in now
        if t_us >= from_us and not _is_met(t_us, value, then, rule, from_us)
    ]
    differ = sorted((*missing, *invented), key=lambda each: each.t_us)
    return Compared(
        signal=name,
        told=len(then) + len(now),
        missed=len(differ),
        first=differ[0] if differ else None,
    )


def _is_met(
    t_us: int, value: float, other: list[tuple[int, float]], rule: Tolerance, from_us: int
) -> bool:
    """Whether the other side tells this value about then."""
    begin = bisect_left(other, (t_us - rule.time_us, float("-inf")))
    end = bisect_right(other, (t_us + rule.time_us, float("inf")))
    if t_us < from_us and not other:
        return True  # told before the comparison begins, and never again
    return any(_same(value, told, rule) for _, told in other[max(0, begin - 1) : end])


def _same(one: float, other: float, rule: Tolerance) -> bool:
    if rule.mask is not None:
        return int(one) & rule.mask == int(other) & rule.mask
    return abs(one - other) <= rule.within + 1e-9


def _held(series: list[tuple[int, float]], t_us: int) -> float | None:
    index = bisect_right(series, (t_us, float("inf"))) - 1
    return series[index][1] if index >= 0 else None


def _show(value: float | None) -> str:
    if value is None:
        return "nothing"
    return str(int(value)) if value == int(value) else f"{value:g}"


def as_mapping(comparison: Comparison) -> Mapping[str, object]:
    """For a machine."""
    return {
        "alike_pct": round(comparison.alike_pct, 2),
        "signals": [
            {
                "signal": each.signal,
                "told": each.told,
                "missed": each.missed,
                "ignored": each.ignored,
                "first": None if each.first is None else str(each.first),
            }
            for each in comparison.signals
        ],
    }
