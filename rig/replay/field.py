"""A field scenario: what is left of a log, as a test that fails on the releases with the fault.

It is no row of the catalogue, so it stands beside the rows: `pytest scenarios/field --firmware V`
judges a release, and each file carries its own staircase over the releases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from bms.releases import VERSIONS, release_of
from rig.replay.bisect import span_of
from rig.replay.condition import read_condition
from rig.replay.play import Firmware, Outcome, play
from rig.replay.stimulus import Step, Stimulus, step


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCase:
    """One fault from the field: what shows it, what is done to the bench, where it is to be seen.

    ``faulty``: the releases that show it, as spans `("1.07", "1.13")` of first and last.
    """

    when: str
    faulty: Sequence[tuple[str, str]]
    needs: Mapping[str, Any] = field(default_factory=dict)
    begins: Sequence[Step] = ()
    runs: bool = True
    steps: Sequence[Step] = ()
    length_s: float = 30.0
    seeds: int = 1
    """How many runs each release has; more than one where chance plays a part."""

    @property
    def stimulus(self) -> Stimulus:
        """What is played."""
        return Stimulus(
            needs=self.needs,
            begins=tuple(self.begins),
            runs=self.runs,
            steps=tuple(self.steps),
            length_us=round(self.length_s * 1e6),
        )

    def is_faulty(self, release: str) -> bool:
        """Whether a release is one that shows it."""
        version = release_of(release)
        return any(release_of(first) <= version <= release_of(last) for first, last in self.faulty)

    @property
    def borders(self) -> tuple[str, ...]:
        """The releases on both sides of where it begins or ends, and the oldest and newest."""
        order = [str(version) for version in VERSIONS]
        found = {order[0], order[-1]}
        for before, after in pairwise(order):
            if self.is_faulty(before) is not self.is_faulty(after):
                found |= {before, after}
        return tuple(version for version in order if version in found)

    @property
    def releases(self) -> tuple[str, ...]:
        """All releases, oldest first."""
        return tuple(str(version) for version in VERSIONS)

    def shown_on(self, release: str) -> Outcome:
        """Play it to a release; of several runs the first that shows it, else the last."""
        condition = read_condition(self.when)
        release = str(release_of(release))
        for seed in range(1, self.seeds + 1):
            outcome = play(self.stimulus, Firmware(release=release, seed=seed), condition)
            if outcome.holds:
                break
        return outcome

    def expect_health(self, release: str) -> None:
        """Claim: this release does not show it. Raises AssertionError with when it did."""
        outcome = self.shown_on(release)
        if outcome.first_us is not None:
            raise AssertionError(
                f"firmware {release}: {self.when!r} after {outcome.first_us / 1e6:.3f} s"
            )

    def expect_as_found(self, release: str) -> None:
        """Claim: this release shows it if it is one of the faulty, and else does not."""
        shows, claimed = self.shown_on(release).holds, self.is_faulty(release)
        if shows is not claimed:
            does, should = ("shows it", "not") if shows else ("does not show it", "do so")
            raise AssertionError(f"firmware {release} {does}, and should {should}: {self.when!r}")


def spans_in(releases: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """Releases as spans of first and last."""
    text = span_of(releases)
    if not releases:
        return ()
    parts = (part.split(" to ") for part in text.split(", "))
    return tuple((part[0], part[-1]) for part in parts)


__all__ = ["FieldCase", "spans_in", "step"]
