"""One attempt on two benches: the same scenario, so the same claims in the same order.

Two benches take their own time to what a scenario waits for. The claims of the scenario are the
landmarks: between two of them time is stretched to fit, and how much it had to be is held against
a band of its own. What is told is in the time of the first attempt.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

from rig.parity.bands import Band, Bands, Kind
from rig.parity.steps import INSTANT_S, Span, Steps, edges, outside
from rig.recording import Ended, SignalFile, Trace, attempt_path, read_trace
from rig.recording.record import TRACE

SIGNALS = "signals.bin"
Samples = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LateClaim:
    """A claim that was settled earlier or later after the one before than the band allows."""

    what: str
    time_s: float
    first_s: float
    second_s: float
    excess_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalParity:
    """One signal of both attempts: how long it was compared, and where it was out of band.

    ``missing`` are edges of a state that the other has not, in words; ``only`` is set where a
    signal is in one of the two only.
    """

    name: str
    unit: str
    band: Band
    compared_s: float
    spans: tuple[Span, ...]
    missing: tuple[str, ...] = ()
    only: str = ""

    @property
    def outside_s(self) -> float:
        """How long it was out of band."""
        return min(self.compared_s, sum(span.duration_s for span in self.spans))

    @property
    def in_band(self) -> bool:
        """Whether it was in band all the time."""
        return not (self.spans or self.missing or self.only)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptParity:
    """Both attempts at one test; ``unaligned`` says from where on their claims differ."""

    item: str
    test: str
    verdicts: tuple[str, str]
    signals: tuple[SignalParity, ...]
    late: tuple[LateClaim, ...]
    unaligned: str = ""

    @property
    def compared_s(self) -> float:
        """Signal-seconds that were compared."""
        return sum(each.compared_s for each in self.signals)

    @property
    def outside_s(self) -> float:
        """Signal-seconds out of band."""
        return sum(each.outside_s for each in self.signals)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What one of the two attempts left."""

    end: Ended
    signals: SignalFile
    trace: Trace

    def samples(self, name: str) -> Samples:
        times_us, values = self.signals.samples(name)
        return [(t / 1e6, v) for t, v in zip(times_us, values, strict=True)]


def compare_attempts(
    runs: tuple[Path, Path], ends: tuple[Ended, Ended], bands: Bands
) -> AttemptParity:
    """Compare an attempt of each run, by their folders. Raises RecordError for what is damaged."""
    first, second = (_read(run, end) for run, end in zip(runs, ends, strict=True))
    landmarks, unaligned = _landmarks(first, second)
    clock = _clock([(theirs, ours) for ours, theirs, _ in landmarks])
    names = dict.fromkeys([*first.signals.names, *second.signals.names])
    wanted = [(name, bands.of(name)) for name in names]
    return AttemptParity(
        item=first.end.item,
        test=first.end.test,
        verdicts=(str(first.end.verdict), str(second.end.verdict)),
        signals=tuple(
            _signal(name, band, first, second, clock)
            for name, band in wanted
            if band.kind is not Kind.IGNORED
        ),
        late=tuple(_late(landmarks, bands.claims)),
        unaligned=unaligned,
    )


def _read(run: Path, end: Ended) -> _Recorded:
    folder = run / attempt_path(end.item, end.test, end.number)
    return _Recorded(end, SignalFile.read(folder / SIGNALS), read_trace(folder / TRACE))


def _landmarks(first: _Recorded, second: _Recorded) -> tuple[list[tuple[float, float, str]], str]:
    """Times that belong together and what happened at them; and from where on claims differ."""
    found, unaligned = [(0.0, 0.0, "the beginning")], ""
    ours, theirs = first.trace.expectations, second.trace.expectations
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False), start=1):
        if one.what != other.what or one.outcome != other.outcome:
            unaligned = f"claim {number} is {one.what!r} {one.outcome}, then {other.what!r}"
            break
        if one.t_s > found[-1][0] and other.t_s > found[-1][1]:
            found.append((one.t_s, other.t_s, f"claim {number}, {one.what}"))
    if not unaligned and len(ours) != len(theirs):
        unaligned = f"{len(ours)} claims, then {len(theirs)}"
    ends = first.end.sim_s, second.end.sim_s
    if not unaligned and ends[0] > found[-1][0] and ends[1] > found[-1][1]:
        found.append((*ends, "the end"))
    return found, unaligned


def _late(landmarks: Sequence[tuple[float, float, str]], band: Band) -> Iterator[LateClaim]:
    for before, after in pairwise(landmarks):
        first_s, second_s = after[0] - before[0], after[1] - before[1]
        excess_s = abs(second_s - first_s) - band.value - band.time_s - band.share * first_s
        if excess_s > 0:
            yield LateClaim(
                what=after[2],
                time_s=after[0],
                first_s=first_s,
                second_s=second_s,
                excess_s=excess_s,
            )


def _clock(landmarks: Sequence[tuple[float, float]]) -> Callable[[float], float]:
    """From a time of the second attempt to the first's: straight between two landmarks."""

    def moved(time_s: float) -> float:
        for (from_s, to_s), (next_from_s, next_to_s) in pairwise(landmarks):
            if time_s <= next_from_s:
                share = (time_s - from_s) / (next_from_s - from_s)
                return to_s + share * (next_to_s - to_s)
        from_s, to_s = landmarks[-1]
        return to_s + time_s - from_s

    return moved


def _signal(
    name: str,
    band: Band,
    first: _Recorded,
    second: _Recorded,
    clock: Callable[[float], float],
) -> SignalParity:
    here, there = name in first.signals.names, name in second.signals.names
    unit = (first if here else second).signals.signal(name).unit
    ours = Steps.of(first.samples(name)) if here else None
    raw = Steps.of(second.samples(name)) if there else None
    theirs = None if raw is None else raw.moved(clock)
    if ours is None or theirs is None:
        known = ours or theirs
        seconds = 0.0 if known is None else known.end_s - known.begin_s
        return SignalParity(
            name=name,
            unit=unit,
            band=band,
            compared_s=seconds,
            spans=() if known is None else (_whole(known),),
            only="" if known is None else "first" if ours is not None else "second",
        )
    spans = [*_told_later(ours, theirs, band), *outside(ours, theirs, band)]
    missing: tuple[str, ...] = ()
    if band.kind is Kind.STATE:
        mapped = [(clock(time_s), value) for time_s, value in second.samples(name)]
        missing = tuple(_missing(first.samples(name), mapped, band, min(ours.end_s, theirs.end_s)))
    return SignalParity(
        name=name,
        unit=unit,
        band=band,
        compared_s=min(ours.end_s, theirs.end_s) - min(ours.begin_s, theirs.begin_s),
        spans=tuple(spans),
        missing=missing,
    )


def _whole(known: Steps) -> Span:
    """All of a signal that only one of them has."""
    value = known.at(known.begin_s)[0]
    return Span(begin_s=known.begin_s, end_s=known.end_s, first=value, second=value, excess=0.0)


def _told_later(ours: Steps, theirs: Steps, band: Band) -> list[Span]:
    """Where only one of them is known yet, for longer than edges may be apart."""
    begin_s, end_s = sorted((ours.begin_s, theirs.begin_s))
    end_s = min(end_s, ours.end_s, theirs.end_s)
    if end_s - band.time_s - begin_s < INSTANT_S:
        return []
    first, second = ours.at(ours.begin_s)[0], theirs.at(theirs.begin_s)[0]
    return [
        Span(begin_s=begin_s, end_s=end_s - band.time_s, first=first, second=second, excess=0.0)
    ]


def _missing(first: Samples, second: Samples, band: Band, end_s: float) -> Iterator[str]:
    """Edges of one that have none in the other, in order; not what was shorter than the band.

    What is over within the band's time may well fall between two readings.
    """
    ours, theirs = list(edges(first)), list(edges(second))
    matcher = SequenceMatcher(a=[v for _, v in ours], b=[v for _, v in theirs], autojunk=False)
    for tag, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        if tag == "equal":
            continue
        for where, of, start, stop in (
            ("second", ours, a_from, a_to),
            ("first", theirs, b_from, b_to),
        ):
            for index in range(start, stop):
                time_s, value = of[index]
                until_s = of[index + 1][0] if index + 1 < len(of) else end_s
                if until_s - time_s > band.time_s:
                    yield f"the {where} has no edge to {value:g} as at {time_s:.2f} s"
