"""What became of each kill, judged by the plant's own circuit, and the distribution of all."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rig.proofs.kills_points import Kind

INTERLOCK = "interlock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """One kill. Times are from the failure; a hung read has failed when its time is over.

    ``off_ms`` is None where nothing was on, and where something stayed on: then it is not safe.
    """

    job: int
    kind: Kind
    point: str
    struck: bool  # False: the victim ended before its point came
    was_on: tuple[str, ...]
    off_ms: float | None
    since_hang_ms: float | None
    safe: bool
    said: str  # by the guardian, or by the victim in its place
    why: str = ""

    @property
    def contradicts(self) -> bool:
        """Whether somebody called safe what was not."""
        return self.said == "safe" and not self.safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The times of one kind, in milliseconds from failure to the last output off."""

    kind: str
    kills: int
    energised: int  # of them with something on
    safe: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None


def last_off(
    moments: Sequence[Mapping[str, Any]], failed_us: int
) -> tuple[tuple[str, ...], int | None]:
    """What was on at the failure or went on after it, and when the last of it went off.

    The time is None if nothing was on, or if something still is. Moments are oldest first.
    """
    on: set[str] = set()
    concerned: set[str] = set()
    last_us: int | None = None
    for moment in moments:
        if moment["what"] == INTERLOCK:
            continue
        late = moment["time_us"] >= failed_us
        if late:
            concerned |= on
        if moment["on"]:
            on.add(moment["what"])
        else:
            on.discard(moment["what"])
            if late:
                last_us = moment["time_us"]
        if late:
            concerned |= on
    concerned |= on
    return tuple(sorted(concerned)), None if on else last_us


def spread(kind: str, kills: Sequence[Killed]) -> Spread:
    """The distribution of some kills."""
    times = sorted(kill.off_ms for kill in kills if kill.off_ms is not None)
    return Spread(
        kind=kind,
        kills=len(kills),
        energised=sum(bool(kill.was_on) for kill in kills),
        safe=sum(kill.safe for kill in kills),
        p50_ms=statistics.median(times) if times else None,
        p99_ms=quantile(times, 0.99),
        max_ms=times[-1] if times else None,
    )


def quantile(times: Sequence[float], share: float) -> float | None:
    """The value that this share does not exceed, of sorted times; no interpolation."""
    if not times:
        return None
    return times[min(len(times) - 1, int(share * len(times)))]


def spreads(kills: Sequence[Killed]) -> list[Spread]:
    """One for each kind that was tried, then one for all."""
    found = [
        spread(kind.value, [kill for kill in kills if kill.kind is kind])
        for kind in Kind
        if any(kill.kind is kind for kill in kills)
    ]
    return [*found, spread("all", kills)]


def as_json(kills: Sequence[Killed], **told: Any) -> dict[str, Any]:
    """The whole campaign, for a machine."""
    return {
        **told,
        "spread": [asdict(one) for one in spreads(kills)],
        "kills": [asdict(kill) for kill in kills],
    }
