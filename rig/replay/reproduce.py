"""From a log to a verdict on each release: find the symptom, restore, try, bisect, reduce.

What the log shows is played first as it is. If the model then does not do what the device did, the
conditions are tried that no bus carries (`rig.replay.hypotheses`); of those that lead to the same
failure the one is taken with which the model says most of what the device said.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bms.releases import VERSIONS
from rig.replay.bisect import Bisection, against, bisect, runs_needed
from rig.replay.compare import Comparison
from rig.replay.condition import Condition
from rig.replay.excerpt import Excerpt
from rig.replay.hypotheses import AS_IT_IS, HYPOTHESES, Hypothesis, of_batteries, of_settings
from rig.replay.identify import NOTHING, identify
from rig.replay.likeness import Likeness
from rig.replay.observe import PRIVATE, Observer, Wanted
from rig.replay.play import Firmware, Outcome
from rig.replay.pool import Pool
from rig.replay.reduce import Aim, Reduced, Reducer
from rig.replay.restore import Restored, restore
from rig.replay.stimulus import Stimulus

STANDBY = 14
NEAR_US = 20_000_000  # chosen: so much sooner or later it is still the same failure
BEFORE_START_US = 2_000_000
AFTER_US = 2_000_000  # chosen: of the log after the symptom
TAIL_US = 25_000_000  # chosen: longer than the longest pre-charge exceeds the shortest
BACK_US = (30_000_000, 120_000_000, 600_000_000)  # chosen: how far back, if that is not enough
SEEDS = 8  # chosen: a fault that comes once in three times is met with a chance of 96 %
START_BACK_US = 180_000_000  # chosen: a start that is longer ago costs more than it explains
STARTS = 3  # chosen: how many starts back
LEAD_US = 30_000_000  # chosen: how long before a failure what led to it is tried first
EARLIEST_US = 100_000  # of an event: it happens after the beginning
MOVES = 2  # chosen: once to see how long it takes, once at its time
ALIKE_PCT = 0.5  # chosen: explanations that are so near to each other are told together
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One attempt at being as the field was."""

    restored: Restored
    hypothesis: Hypothesis
    outcome: Outcome
    comparison: Comparison
    same: bool
    """Whether it is the same failure, about then."""
    rivals: tuple[tuple[str, Stimulus], ...] = ()
    """What explains the log as well, the likest first."""

    @property
    def stimulus(self) -> Stimulus:
        """What was played."""
        return self.restored.stimulus


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What became of a log."""

    release: str
    excerpt: Excerpt
    trial: Trial
    bisection: Bisection | None = None
    reduced: Reduced | None = None
    after: Bisection | None = None
    """Of the reduced stimulus."""
    plays: int = 0

    @property
    def reproduced(self) -> bool:
        """Whether the model does what the device did."""
        return self.trial.same


def windows(excerpt: Excerpt) -> list[int]:
    """Where a stimulus can begin: before the last starts, or so far back; the shortest first."""
    first_us, begin_us = excerpt.first_us or excerpt.duration_us, excerpt.begin_us
    observer, starts, before = Observer(Wanted(), excerpt.address), [], None
    for entry in excerpt.entries:
        if entry.t_us > first_us:
            break
        if not entry.error:
            observer.take(entry.t_us, entry.bus, entry.can_id, entry.extended, entry.data)
        state = observer.values.get("state")
        if before == STANDBY and state not in {STANDBY, None}:
            starts.append(max(begin_us, entry.t_us - BEFORE_START_US))
        before = state
    near = [start_us for start_us in starts if first_us - start_us <= START_BACK_US]
    found = [*reversed(near[-STARTS:])]
    found += [first_us - back_us for back_us in BACK_US if first_us - back_us > begin_us]
    return [*dict.fromkeys([*found, begin_us])]


def tries(
    excerpt: Excerpt, condition: Condition, release: str, pool: Pool, progress: Progress
) -> Iterator[Trial]:
    """Trials in which the model fails as the device did, the shortest first.

    If there is none, the one that is most like the log.
    """
    trier = _Trier(excerpt, condition, Firmware(release=release), pool)
    best, met = None, False
    begins = windows(excerpt)
    if trier.look(begins[0]):
        progress("what fits the limits that were told is tried")
    for begin_us in begins:
        progress(f"played from {begin_us / 1e6:.1f} s of the log")
        trial = trier.trials(begin_us, (AS_IT_IS,))[0]
        if trial.same:
            met = True
            yield trial
        elif best is None or trial.comparison.alike_pct > best.comparison.alike_pct:
            best = trial
    if met or best is None:
        return
    for begin_us in begins[:2]:
        progress("conditions that no bus carries are tried")
        same = [trial for trial in trier.guesses(begin_us) if trial.same]
        if same:
            yield _likeliest(same)
            return
    progress(f"{SEEDS - 1} more seeds: it may come by chance")
    for seed in range(2, SEEDS + 1):
        trier.firmware = Firmware(release=release, seed=seed)
        trial = trier.trials(best.restored.begin_us, (AS_IT_IS,))[0]
        if trial.same:
            best = trial
            break
    yield best


def _likeliest(same: list[Trial]) -> Trial:
    """The one that is most like the log; what explains it as well is said."""
    best, *others = sorted(same, key=lambda trial: -trial.comparison.alike_pct)
    least_pct = best.comparison.alike_pct - ALIKE_PCT
    rivals = tuple(
        (trial.hypothesis.text, trial.stimulus)
        for trial in others
        if trial.comparison.alike_pct >= least_pct
    )
    if not rivals:
        return best
    text = f"it would be the same with: {'; '.join(text for text, _ in rivals)}"
    restored = replace(best.restored, chosen=(*best.restored.chosen, text))
    return replace(best, restored=restored, rivals=rivals)


class _Trier:
    """Plays what a log shows, with hypotheses, to one firmware."""

    def __init__(
        self, excerpt: Excerpt, condition: Condition, firmware: Firmware, pool: Pool
    ) -> None:
        assert excerpt.first_us is not None
        self.firmware = firmware
        self._excerpt, self._condition, self._pool = excerpt, condition, pool
        self._first_us = excerpt.first_us
        self._end_us = excerpt.first_us + AFTER_US
        self._identified, self._likeness = NOTHING, Likeness(excerpt)

    def look(self, begin_us: int) -> bool:
        """Find out what the system is, where that is not told; whether anything was found."""
        self._identified = identify(
            self._likeness,
            restore(self._excerpt, begin_us, self._end_us),
            self._end_us,
            self.firmware,
            self._condition,
            self._pool,
        )
        return bool(self._identified.needs)

    def _restored(self, begin_us: int) -> Restored:
        return self._identified.put_into(restore(self._excerpt, begin_us, self._end_us))

    def guesses(self, begin_us: int) -> list[Trial]:
        """All hypotheses; what happens at an instant at the one that fits."""
        restored = self._restored(begin_us)
        hypotheses = list(HYPOTHESES)
        if PRIVATE not in self._excerpt.buses:
            hypotheses += of_batteries(
                restored.stimulus, self.firmware.release, type_is_open="battery" in restored.open
            )
        still = [each for each in hypotheses if not each.is_event]
        events = [each for each in hypotheses if each.is_event]
        return self.trials(begin_us, still) + self._timed(begin_us, events)

    def trials(
        self, begin_us: int, hypotheses: Sequence[Hypothesis], at_us: Sequence[int] = ()
    ) -> list[Trial]:
        """Each hypothesis from there on; events at these times."""
        restored = self._restored(begin_us)
        times = at_us or [0] * len(hypotheses)
        stimuli = [
            _longer(each.put_into(restored.stimulus, when))
            for each, when in zip(hypotheses, times, strict=True)
        ]
        outcomes = self._pool.play_all(
            [(each, self.firmware) for each in stimuli],
            self._condition,
            keep=True,
            lenient=hypotheses != (AS_IT_IS,),
        )
        return [
            self._trial(replace(restored, stimulus=stimulus), hypothesis, outcome)
            for stimulus, hypothesis, outcome in zip(stimuli, hypotheses, outcomes, strict=True)
        ]

    def _timed(self, begin_us: int, events: Sequence[Hypothesis]) -> list[Trial]:
        """Events at the time at which the failure comes when it came: tried, moved, tried again."""
        due_us = self._first_us - begin_us
        times = [max(EARLIEST_US, due_us - LEAD_US)] * len(events)
        trials: list[Trial] = []
        for _ in range(MOVES):
            trials = self.trials(begin_us, events, times)
            moved = []
            for index, trial in enumerate(trials):
                came_us = trial.outcome.first_us
                if came_us is not None:
                    moved.append((events[index], times[index] + due_us - came_us))
            moved = [(event, at_us) for event, at_us in moved if at_us >= EARLIEST_US]
            events, times = [event for event, _ in moved], [at_us for _, at_us in moved]
            if not events:
                return []
        return [trial for trial in trials if trial.same]

    def _trial(self, restored: Restored, hypothesis: Hypothesis, outcome: Outcome) -> Trial:
        begin_us = restored.begin_us
        if hypothesis.text:
            restored = replace(restored, chosen=(*restored.chosen, hypothesis.text))
            told = {k: v for k, v in restored.open.items() if k not in hypothesis.needs}
            restored = replace(restored, open=told)
        near = outcome.first_us is not None
        near = near and abs((outcome.first_us or 0) + begin_us - self._first_us) <= NEAR_US
        return Trial(
            restored=restored,
            hypothesis=hypothesis,
            outcome=replace(outcome, heard=()),
            comparison=self._likeness.compared(begin_us, outcome, self._end_us),
            same=near and _same_failure(self._excerpt.signature, outcome.signature),
        )


def _same_failure(then: tuple[object, ...], now: tuple[object, ...]) -> bool:
    """The same branch of the condition, and the same error told."""
    return then == now


def _longer(stimulus: Stimulus) -> Stimulus:
    return replace(stimulus, length_us=stimulus.length_us + TAIL_US)


def reproduce(
    excerpt: Excerpt,
    condition: Condition,
    release: str,
    pool: Pool,
    progress: Progress = lambda _text: None,
    *,
    smaller: bool = True,
) -> Reproduction:
    """All of it, for a log in which the condition is true; `smaller`: reduce as well."""
    plays = pool.plays
    found: tuple[Trial, Bisection, int] | None = None
    for trial in tries(excerpt, condition, release, pool, progress):
        if not trial.same:
            return Reproduction(
                release=release, excerpt=excerpt, trial=trial, plays=pool.plays - plays
            )
        runs, remark = runs_needed(trial.stimulus, condition, release, pool)
        progress(f"{len(VERSIONS)} releases")
        bisection = bisect(trial.stimulus, condition, pool, runs, progress)
        if remark:
            bisection = replace(bisection, remarks=(remark,))
        if found is None or len(bisection.faulty) < len(found[1].faulty):
            found = trial, bisection, runs
        # Where all releases show it, its cause may lie before the window: a longer one is tried.
        if len(bisection.faulty) < len(VERSIONS):
            break
    assert found is not None
    if len(found[1].faulty) == len(VERSIONS):
        progress("settings that no frame tells are tried")
        found = _with_a_setting(excerpt, condition, found, pool) or found
    trial, bisection, runs = found
    if trial.rivals:
        progress("what explains it as well is tried")
        bisection = against(bisection, trial.rivals, condition, pool, runs)
    reduced = after = None
    if smaller:
        aim = aim_of(condition, bisection, release, trial.outcome.signature, runs)
        reduced = Reducer(aim, pool, progress).reduce(trial.stimulus)
        after = bisect(reduced.stimulus, condition, pool, runs, progress)
        after = replace(after, is_open=bisection.is_open)
    return Reproduction(
        release=release,
        excerpt=excerpt,
        trial=trial,
        bisection=bisection,
        reduced=reduced,
        after=after,
        plays=pool.plays - plays,
    )


def _with_a_setting(
    excerpt: Excerpt, condition: Condition, found: tuple[Trial, Bisection, int], pool: Pool
) -> tuple[Trial, Bisection, int] | None:
    """The same failure, shown by some releases only, with a setting that no frame tells.

    Of a fault that all releases show no row can be named; this one is no less like the log.
    """
    trial, _, runs = found
    firmware = trial.outcome.firmware
    trier = _Trier(excerpt, condition, firmware, pool)
    trier.look(trial.restored.begin_us)
    told: list[tuple[Trial, Bisection]] = []
    for other in trier.trials(trial.restored.begin_us, [*of_settings(trial.restored.settings)]):
        if not other.same or other.comparison.alike_pct < trial.comparison.alike_pct - ALIKE_PCT:
            continue
        bisection = bisect(other.stimulus, condition, pool, runs)
        if len(bisection.faulty) < len(VERSIONS):
            told.append((other, bisection))
    if not told:
        return None
    best, bisection = min(told, key=lambda each: len(each[1].faulty))
    remark = "as the settings are when it is new, all releases show it"
    parted = tuple(
        f"the row is open: with {other.hypothesis.text!r} it would be {its.span}"
        for other, its in told
        if (its.faulty, its.named) != (bisection.faulty, bisection.named)
    )
    bisection = replace(bisection, remarks=(remark, *parted), is_open=bool(parted))
    return best, bisection, runs


def aim_of(
    condition: Condition,
    bisection: Bisection,
    release: str,
    signature: tuple[object, ...],
    runs: int = 1,
) -> Aim:
    """The release of the log, and the healthy ones beside the border of each faulty span."""
    faulty, order = bisection.faulty, [str(version) for version in VERSIONS]
    beside = [
        one if two in faulty else two
        for one, two in pairwise(order)
        if (one in faulty) is not (two in faulty)
    ]
    return Aim(
        condition=condition,
        faulty=(release,),
        healthy=tuple(dict.fromkeys(beside)),
        signature=signature,
        runs=runs,
    )
