"""On which releases a stimulus shows a condition, and which row brought or cured it.

All releases are played, not halves of them: a fault may come, go and come again. A row is named by
proof: the release without that one change does otherwise.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from bms.catalogue import catalogue, changes
from bms.firmware import JointError, UnknownItem, Version
from bms.releases import RELEASES, VERSIONS, firmware, less
from rig.replay.condition import Condition
from rig.replay.play import Firmware, Outcome
from rig.replay.pool import Pool
from rig.replay.stimulus import Stimulus

CONFIDENCE = 0.95  # chosen: usual
RUNS_TRIED, RUNS_MOST = 3, 60  # chosen: to see whether chance plays; what a night can bear
RUNS_ESTIMATE = 20
RIVALS = 3  # chosen: explanations that are as like; more of them are said, and not played
Progress = Callable[[str], None]


class Verdict(StrEnum):
    """What a release does."""

    SHOWS = "shows it"
    HEALTHY = "does not"
    UNREACHED = "does not start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A release with its verdict; of random faults how often it came."""

    release: str
    verdict: Verdict
    shown: int = 0
    runs: int = 1
    first_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A row that brought the fault, or cured it."""

    item: str
    cures: bool
    release: str
    statement: str
    deltas: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bisection:
    """A verdict for each release, and the rows at the borders."""

    judged: tuple[Judged, ...]
    named: tuple[Named, ...] = ()
    unnamed: tuple[str, ...] = ()
    """Borders that no single row explains."""
    remarks: tuple[str, ...] = ()
    is_open: bool = False
    """Whether with something else that explains the log as well it would be another row."""

    @property
    def faulty(self) -> frozenset[str]:
        """The releases that show it."""
        return frozenset(each.release for each in self.judged if each.verdict is Verdict.SHOWS)

    @property
    def span(self) -> str:
        """As a reader says it: 1.07 to 1.13."""
        return span_of(self.faulty)

    @property
    def borders(self) -> tuple[str, ...]:
        """The releases on both sides of where it begins or ends, and the oldest and newest."""
        order = [each.release for each in self.judged]
        found = {order[0], order[-1]}
        for before, after in pairwise(order):
            if (before in self.faulty) is not (after in self.faulty):
                found |= {before, after}
        return tuple(release for release in order if release in found)

    def does(self, row: Named) -> str:
        """What a row does, as a verb: as a fact, or as something that may be."""
        if self.is_open:
            return "may cure" if row.cures else "may bring"
        return "cures" if row.cures else "brings"


def span_of(releases: frozenset[str]) -> str:
    """Releases as spans: 1.07 to 1.13, 1.27."""
    spans: list[list[str]] = []
    last = -2
    for index, version in enumerate(map(str, VERSIONS)):
        if version in releases:
            if index == last + 1:
                spans[-1].append(version)
            else:
                spans.append([version])
            last = index
    parts = (span[0] if len(span) == 1 else f"{span[0]} to {span[-1]}" for span in spans)
    return ", ".join(parts) or "no release"


def runs_needed(
    stimulus: Stimulus, condition: Condition, release: str, pool: Pool
) -> tuple[int, str]:
    """How many seeded runs each release needs, and a word on it; 1 where chance plays no part."""
    first = _shown(stimulus, condition, [Firmware(release=release)], RUNS_TRIED, pool)
    if first == RUNS_TRIED:
        return 1, ""
    shown = first + _shown(
        stimulus, condition, [Firmware(release=release)], RUNS_ESTIMATE, pool, RUNS_TRIED
    )
    rate = max(shown, 1) / (RUNS_TRIED + RUNS_ESTIMATE)
    needed = math.ceil(math.log(1 - CONFIDENCE) / math.log(1 - min(rate, 0.99)))
    runs = min(max(needed, RUNS_TRIED), RUNS_MOST)
    missed = (1 - rate) ** runs
    return runs, (
        f"it comes by chance: {shown} of {RUNS_TRIED + RUNS_ESTIMATE} runs on {release}; with "
        f"{runs} runs a release that has it as often is missed with a chance of {missed:.1%}"
    )


def _shown(
    stimulus: Stimulus,
    condition: Condition,
    on: Sequence[Firmware],
    runs: int,
    pool: Pool,
    after: int = 0,
) -> int:
    each = [
        Firmware(release=one.release, without=one.without, seed=seed)
        for one in on
        for seed in range(after + 1, after + runs + 1)
    ]
    return sum(outcome.holds for outcome in pool.play(stimulus, each, condition))


def bisect(
    stimulus: Stimulus,
    condition: Condition,
    pool: Pool,
    runs: int = 1,
    progress: Progress = lambda _text: None,
) -> Bisection:
    """Play it to all releases, and name the rows at the borders."""
    releases = [str(version) for version in VERSIONS]
    firmwares = [Firmware(release=one, seed=seed) for one in releases for seed in _seeds(runs)]
    outcomes = pool.play(stimulus, firmwares, condition, progress)
    judged = tuple(
        _judge(one, outcomes[index * runs : (index + 1) * runs])
        for index, one in enumerate(releases)
    )
    named, unnamed = _name(stimulus, condition, judged, runs, pool)
    return Bisection(judged=judged, named=named, unnamed=unnamed)


def against(
    found: Bisection,
    rivals: Sequence[tuple[str, Stimulus]],
    condition: Condition,
    pool: Pool,
    runs: int = 1,
) -> Bisection:
    """Played with what else explains the log, by its text: whether the rows still hold.

    Only the borders are played, and there the release less the row that was named.
    """
    wanted = [(Firmware(release=each), each in found.faulty) for each in found.borders]
    wanted += [
        (Firmware(release=row.release, without=(row.item,)), row.cures) for row in found.named
    ]
    remarks = []
    for text, stimulus in rivals[:RIVALS]:
        tasks = [
            (stimulus, replace(each, seed=seed)) for each, _ in wanted for seed in _seeds(runs)
        ]
        outcomes = pool.play_all(tasks, condition, lenient=True)
        otherwise = [
            _called(each)
            for index, (each, shows) in enumerate(wanted)
            if any(one.holds for one in outcomes[index * runs : (index + 1) * runs]) is not shows
        ]
        if otherwise:
            remarks.append(
                f"the row is open: with {text!r}, which is as like, {', '.join(otherwise)} "
                f"{'does' if len(otherwise) == 1 else 'do'} otherwise"
            )
    is_open = found.is_open or bool(remarks)
    if len(rivals) > RIVALS:
        names = ", ".join(repr(text) for text, _ in rivals[RIVALS:])
        remarks.append(f"as like, and not played to other releases: {names}")
    return replace(found, remarks=(*found.remarks, *remarks), is_open=is_open)


def _called(firmware: Firmware) -> str:
    return " without ".join((firmware.release, *firmware.without))


def _seeds(runs: int) -> range:
    return range(1, runs + 1)


def _judge(release: str, outcomes: Sequence[Outcome]) -> Judged:
    shown = [each for each in outcomes if each.holds]
    verdict = Verdict.SHOWS if shown else Verdict.HEALTHY
    if not any(each.started for each in outcomes):
        verdict = Verdict.UNREACHED
    return Judged(
        release=release,
        verdict=verdict,
        shown=len(shown),
        runs=len(outcomes),
        first_us=shown[0].first_us if shown else None,
    )


def _name(
    stimulus: Stimulus,
    condition: Condition,
    judged: Sequence[Judged],
    runs: int,
    pool: Pool,
) -> tuple[tuple[Named, ...], tuple[str, ...]]:
    """At each border: which change, left out of the later release, moves it."""
    named: list[Named] = []
    unnamed: list[str] = []
    for before, after in pairwise(judged):
        shows = after.verdict is Verdict.SHOWS
        if (before.verdict is Verdict.SHOWS) is shows:
            continue
        items = _left_out(after.release)
        firmwares = [
            Firmware(release=after.release, without=(item,), seed=seed)
            for item in items
            for seed in _seeds(runs)
        ]
        outcomes = pool.play(stimulus, firmwares, condition)
        found = [
            item
            for index, item in enumerate(items)
            if any(each.holds for each in outcomes[index * runs : (index + 1) * runs]) is not shows
        ]
        named += [_named(item, after.release, cures=not shows) for item in found]
        if not found:
            does = "brings" if shows else "ends"
            unnamed.append(f"{after.release} {does} it, and none of its rows does alone")
    return tuple(named), tuple(unnamed)


def _left_out(release: str) -> list[str]:
    """The changes of a release that can be left out of it one by one."""
    found = []
    for change in RELEASES[VERSIONS.index(Version.parse(release))].changes:
        if change.deltas:
            try:
                less(firmware(release), change.item)
            except (UnknownItem, JointError):
                continue
            found.append(change.item)
    return found


def _named(item: str, release: str, *, cures: bool) -> Named:
    change = changes()[item]
    return Named(
        item=item,
        cures=cures,
        release=release,
        statement=catalogue()[item].statement,
        deltas=tuple(f"{d.place.name}: {_told(d.was)} -> {_told(d.now)}" for d in change.deltas),
    )


def _told(value: object) -> str:
    """A value of a delta as a reader knows it."""
    name = getattr(value, "__name__", None)
    return str(name) if name is not None else str(value)
