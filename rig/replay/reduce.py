"""Delta debugging: the least stimulus that still shows the same failure, and only where it should.

Kept is the signature: on the releases that show the fault the condition holds with the same branch
and error, on their healthy neighbours it does not. What is left is 1-minimal: without any one step
the failure is another one, or gone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rig.replay.condition import Condition
from rig.replay.play import Firmware
from rig.replay.pool import Pool
from rig.replay.stimulus import Sender, Step, Stimulus

TAIL_US = 25_000_000  # chosen: how long others are watched after the fault was due
SHORTEST_US = 500_000  # chosen: between two steps; what a device needs to take a step in
ROUND_V, ROUND_A, ROUND_C = 0.01, 1.0, 1.0  # chosen: numbers that a reader remembers
PLAIN_NEEDS = ("serials", "temperature_c", "soc_pct", "series", "hardware", "parallel", "battery")
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a reduction keeps."""

    condition: Condition
    faulty: tuple[str, ...]
    """Releases that show it."""
    healthy: tuple[str, ...]
    """Releases that do not, and shall not."""
    signature: tuple[object, ...]
    runs: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduced:
    """What a reduction left."""

    stimulus: Stimulus
    before: int
    """Steps before, and after."""
    after: int
    tests: int
    minimal: bool
    """Whether every step is needed, by trial."""


class Reducer:
    """Tries smaller stimuli, several at once."""

    def __init__(self, aim: Aim, pool: Pool, progress: Progress = lambda _text: None) -> None:
        self._aim, self._pool, self._progress = aim, pool, progress
        self._known: dict[object, bool] = {}
        self.tests = 0

    def reduce(self, stimulus: Stimulus) -> Reduced:
        """The least of it; the stimulus itself if even that does not show the failure."""
        before = stimulus.size
        if not self.keeps(stimulus):
            return Reduced(
                stimulus=stimulus, before=before, after=before, tests=self.tests, minimal=False
            )
        stimulus = self._without_senders(stimulus)
        stimulus = self._fewest(stimulus)
        stimulus = self._simple_needs(stimulus)
        stimulus = self._simple_values(stimulus)
        stimulus = self._short(stimulus)
        stimulus, minimal = self._one_minimal(stimulus)
        return Reduced(
            stimulus=stimulus,
            before=before,
            after=stimulus.size,
            tests=self.tests,
            minimal=minimal,
        )

    def keeps(self, stimulus: Stimulus) -> bool:
        """Whether it shows the same failure where it should, and nowhere else."""
        return self._first([stimulus]) == 0

    def _first(self, candidates: Sequence[Stimulus]) -> int | None:
        """The first of some stimuli that keeps the failure; all cores work at it."""
        for start in range(0, len(candidates), self._pool.jobs):
            batch = candidates[start : start + self._pool.jobs]
            for index, keeps in enumerate(self._each(batch)):
                if keeps:
                    return start + index
        return None

    def _each(self, batch: Sequence[Stimulus]) -> list[bool]:
        """Which of these keep the failure."""
        keys = [_key(each) for each in batch]
        new = [index for index, key in enumerate(keys) if key not in self._known]
        self.tests += len(new)
        shown = self._judged(batch, new, self._aim.faulty, shows=True)
        kept = self._judged(batch, shown, self._aim.healthy, shows=False)
        for index in new:
            self._known[keys[index]] = index in kept
        return [self._known[key] for key in keys]

    def _judged(
        self, batch: Sequence[Stimulus], indices: list[int], releases: Sequence[str], *, shows: bool
    ) -> list[int]:
        """Those of the indices that do on all these releases what is wanted."""
        aim = self._aim
        for release in releases:
            seeds = range(1, aim.runs + 1)
            tasks = [
                (batch[index], Firmware(release=release, seed=seed))
                for index in indices
                for seed in seeds
            ]
            if not tasks:
                return []
            outcomes = self._pool.play_all(tasks, aim.condition)
            kept = []
            for place, index in enumerate(indices):
                mine = outcomes[place * aim.runs : (place + 1) * aim.runs]
                same = [each.holds and each.signature == aim.signature for each in mine]
                if any(same) if shows else not any(each.holds for each in mine):
                    kept.append(index)
            indices = kept
        return indices

    def _without_senders(self, stimulus: Stimulus) -> Stimulus:
        """Without all that one of them does."""
        for sender in Sender:
            smaller = _without(stimulus, sender)
            if smaller.size < stimulus.size and self.keeps(smaller):
                stimulus = smaller
                self._progress(f"without {sender}: {stimulus.size} steps")
        return stimulus

    def _fewest(self, stimulus: Stimulus) -> Stimulus:
        """Zeller's ddmin, by complements, over all steps in the order of time."""
        parts = 2
        while stimulus.size >= 2:
            size = stimulus.size
            parts = min(parts, size)
            bounds = [round(index * size / parts) for index in range(parts + 1)]
            spans = list(pairwise(bounds))
            candidates = [_cut(stimulus, begin, end) for begin, end in reversed(spans)]
            found = self._first(candidates)
            if found is not None:
                stimulus, parts = candidates[found], max(parts - 1, 2)
                self._progress(f"{stimulus.size} steps")
            elif parts >= size:
                break
            else:
                parts *= 2
        return stimulus

    def _simple_needs(self, stimulus: Stimulus) -> Stimulus:
        """With the house's own system instead of the one in the field, need by need."""
        for name in PLAIN_NEEDS:
            if name in stimulus.needs:
                needs = {key: value for key, value in stimulus.needs.items() if key != name}
                smaller = replace(stimulus, needs=needs)
                if self.keeps(smaller):
                    stimulus = smaller
        return stimulus

    def _simple_values(self, stimulus: Stimulus) -> Stimulus:
        """Rounded numbers, where they do as well."""
        for index in range(stimulus.size):
            step = (*stimulus.begins, *stimulus.steps)[index]
            smaller = _replaced(stimulus, index, _rounded(step))
            if smaller != stimulus and self.keeps(smaller):
                stimulus = smaller
        return stimulus

    def _short(self, stimulus: Stimulus) -> Stimulus:
        """Without waiting where nothing is waited for, and no longer than it takes."""
        for index in range(len(stimulus.steps)):
            for share in (0.0, 0.25, 0.5):
                smaller = _sooner(stimulus, index, share)
                if smaller.length_us < stimulus.length_us and self.keeps(smaller):
                    stimulus = smaller
                    break
        outcome = self._pool.play(
            stimulus, [Firmware(release=self._aim.faulty[0])], self._aim.condition
        )[0]
        if outcome.first_us is not None:
            length_us = -(-(outcome.first_us + TAIL_US) // 1_000_000) * 1_000_000
            smaller = replace(stimulus, length_us=length_us)
            if length_us < stimulus.length_us and self.keeps(smaller):
                stimulus = smaller
        return stimulus

    def _one_minimal(self, stimulus: Stimulus) -> tuple[Stimulus, bool]:
        """Take away every single step that can go, until none can."""
        while True:
            singles = [_cut(stimulus, index, index + 1) for index in range(stimulus.size)]
            found = self._first(singles)
            if found is None:
                return stimulus, self.keeps(stimulus)
            stimulus = singles[found]


def _key(stimulus: Stimulus) -> object:
    needs = tuple(sorted((key, str(value)) for key, value in stimulus.needs.items()))
    return needs, stimulus.begins, stimulus.runs, stimulus.steps, stimulus.length_us


def _without(stimulus: Stimulus, sender: Sender) -> Stimulus:
    return replace(
        stimulus,
        begins=tuple(each for each in stimulus.begins if each.sender is not sender),
        steps=tuple(each for each in stimulus.steps if each.sender is not sender),
    )


def _cut(stimulus: Stimulus, begin: int, end: int) -> Stimulus:
    """Without the steps of these numbers; those before the start come first."""
    first = len(stimulus.begins)
    return replace(
        stimulus,
        begins=tuple(s for i, s in enumerate(stimulus.begins) if not begin <= i < end),
        steps=tuple(s for i, s in enumerate(stimulus.steps, first) if not begin <= i < end),
    )


def _replaced(stimulus: Stimulus, index: int, step: Step) -> Stimulus:
    begins, steps = list(stimulus.begins), list(stimulus.steps)
    if index < len(begins):
        begins[index] = step
    else:
        steps[index - len(begins)] = step
    return replace(stimulus, begins=tuple(begins), steps=tuple(steps))


def _rounded(step: Step) -> Step:
    """The step with numbers that a reader remembers."""
    units = {"voltage_v": ROUND_V, "current_a": ROUND_A, "temperature_c": ROUND_C}
    arguments = tuple(
        (name, round(round(value / units[name]) * units[name], 3))
        if name in units and isinstance(value, float)
        else (name, value)
        for name, value in step.arguments
    )
    return Step(round(step.at_us / 1e5) * 100_000, step.kind, arguments)


def _sooner(stimulus: Stimulus, index: int, share: float) -> Stimulus:
    """With only a share of the wait before a step; everything behind it comes sooner as well."""
    steps = stimulus.steps
    before_us = steps[index - 1].at_us if index else 0
    wait_us = steps[index].at_us - before_us
    least_us = 0 if not index else min(wait_us, SHORTEST_US)
    saved_us = wait_us - max(round(wait_us * share / 1e5) * 100_000, least_us)
    moved = tuple(
        each if place < index else Step(each.at_us - saved_us, each.kind, each.arguments)
        for place, each in enumerate(steps)
    )
    return replace(stimulus, steps=moved, length_us=stimulus.length_us - saved_us)
