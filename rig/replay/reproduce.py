"""From a log to a verdict on each release: find the symptom, restore, try, bisect, reduce.

What the log shows is played first as it is. If the model then does not do what the device did, the
conditions are tried that no bus carries (`HYPOTHESES`); of those that lead to the same failure the
one is taken with which the model says most of what the device said.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from bms.releases import VERSIONS
from rig.replay.bisect import Bisection, bisect, runs_needed
from rig.replay.compare import Comparison, Told, compare, series_of
from rig.replay.condition import Condition
from rig.replay.excerpt import Excerpt
from rig.replay.observe import FIRST_ADDRESS, VE_CAN, Observer, Wanted
from rig.replay.play import Firmware, Outcome
from rig.replay.pool import Pool
from rig.replay.reduce import Aim, Reduced, Reducer
from rig.replay.restore import Restored, restore
from rig.replay.stimulus import Kind, Step, Stimulus

STANDBY = 14
NEAR_US = 20_000_000  # chosen: so much sooner or later it is still the same failure
BEFORE_START_US = 2_000_000
AFTER_US = 2_000_000  # chosen: of the log after the symptom
TAIL_US = 25_000_000  # chosen: longer than the longest pre-charge exceeds the shortest
BACK_US = (30_000_000, 120_000_000, 600_000_000)  # chosen: how far back, if that is not enough
SEEDS = 8  # chosen: a fault that comes once in three times is met with a chance of 96 %
START_BACK_US = 180_000_000  # chosen: a start that is longer ago costs more than it explains
STARTS = 3  # chosen: how many starts back
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """Something that no bus carries, and that could be behind what a log shows."""

    text: str
    needs: Mapping[str, Any]
    fault: str = ""


def _system(text: str, **needs: float) -> Hypothesis:
    return Hypothesis(text=text, needs=needs)


def _broken(name: str) -> Hypothesis:
    return Hypothesis(text=name, needs={}, fault=name)


AS_IT_IS = Hypothesis(text="", needs={})
# All numbers chosen: what a system in the field can well be.
HYPOTHESES = (
    _system("the system bus decays within a minute", link_capacitance_f=0.03, link_bleed_ohm=2e3),
    _system("the system bus hardly decays", link_capacitance_f=0.1, link_bleed_ohm=2e3),
    _broken("pre-charge fuse blown"),
    _broken("contactor stuck open"),
    _broken("contactor welded"),
    _broken("main fuse blown"),
    _system("a load on the system bus during pre-charge", link_load_ohm=2.0),
    _system("a slow pre-charge", precharge_ohm=450.0, link_capacitance_f=0.025, link_bleed_ohm=9e3),
    _system("batteries that hold more than they are rated", capacity_pct=150.0),
    _system("batteries that have aged", capacity_pct=70.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One attempt at being as the field was."""

    restored: Restored
    hypothesis: Hypothesis
    outcome: Outcome
    comparison: Comparison
    same: bool
    """Whether it is the same failure, about then."""

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


def told_in(excerpt: Excerpt) -> Iterator[Told]:
    """The frames of a log for a comparison."""
    for entry in (*excerpt.earlier, *excerpt.entries):
        if not entry.error:
            yield entry.t_us, entry.bus, entry.can_id, entry.extended, entry.data


def compared(excerpt: Excerpt, restored: Restored, outcome: Outcome, end_us: int) -> Comparison:
    """What the device said then, and what the model says now, in the time of the stimulus."""
    begin_us = restored.begin_us
    then = series_of(told_in(excerpt), excerpt.address, begin_us, end_us)
    now = series_of(
        (
            (t_us + begin_us, bus, frame.identifier, frame.extended, frame.data)
            for t_us, bus, frame in outcome.heard
        ),
        FIRST_ADDRESS,
        begin_us,
        end_us,
    )
    if VE_CAN not in excerpt.buses:
        now = {name: series for name, series in now.items() if name in then}
    if "private" not in excerpt.buses:
        now.pop("private.state", None)
    return compare(then, now, from_us=begin_us)


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
    firmware, best, met = Firmware(release=release), None, False
    begins = windows(excerpt)
    for begin_us in begins:
        progress(f"played from {begin_us / 1e6:.1f} s of the log")
        trial = _trials(excerpt, condition, firmware, begin_us, (AS_IT_IS,), pool)[0]
        if trial.same:
            met = True
            yield trial
        elif best is None or trial.comparison.alike_pct > best.comparison.alike_pct:
            best = trial
    if met or best is None:
        return
    for begin_us in begins[:2]:
        progress(f"{len(HYPOTHESES)} conditions that no bus carries are tried")
        trials = _trials(excerpt, condition, firmware, begin_us, HYPOTHESES, pool)
        same = [trial for trial in trials if trial.same]
        if same:
            yield max(same, key=lambda trial: trial.comparison.alike_pct)
            return
    progress(f"{SEEDS - 1} more seeds: it may come by chance")
    for seed in range(2, SEEDS + 1):
        other = Firmware(release=release, seed=seed)
        trial = _trials(excerpt, condition, other, best.restored.begin_us, (AS_IT_IS,), pool)[0]
        if trial.same:
            best = trial
            break
    yield best


def _trials(
    excerpt: Excerpt,
    condition: Condition,
    firmware: Firmware,
    begin_us: int,
    hypotheses: tuple[Hypothesis, ...],
    pool: Pool,
) -> list[Trial]:
    first_us = excerpt.first_us
    assert first_us is not None
    end_us = first_us + AFTER_US
    restored = restore(excerpt, begin_us, end_us)
    stimuli = [_with(restored.stimulus, hypothesis) for hypothesis in hypotheses]
    outcomes = pool.play_all([(each, firmware) for each in stimuli], condition, keep=True)
    trials = []
    for stimulus, hypothesis, outcome in zip(stimuli, hypotheses, outcomes, strict=True):
        near = outcome.first_us is not None
        near = near and abs((outcome.first_us or 0) + begin_us - first_us) <= NEAR_US
        assumed = (*restored.assumed, hypothesis.text) if hypothesis.text else restored.assumed
        taken = Restored(stimulus=stimulus, begin_us=begin_us, assumed=assumed)
        trials.append(
            Trial(
                restored=taken,
                hypothesis=hypothesis,
                outcome=replace(outcome, heard=()),
                comparison=compared(excerpt, taken, outcome, end_us),
                same=near and _same_failure(excerpt.signature, outcome.signature),
            )
        )
    return trials


def _same_failure(then: tuple[object, ...], now: tuple[object, ...]) -> bool:
    """The same branch of the condition, and the same error told."""
    return then == now


def _with(stimulus: Stimulus, hypothesis: Hypothesis) -> Stimulus:
    begins = stimulus.begins
    if hypothesis.fault:
        begins = (Step(0, Kind.FAULT, (("name", hypothesis.fault),)), *begins)
    return replace(
        stimulus,
        needs={**stimulus.needs, **hypothesis.needs},
        begins=begins,
        length_us=stimulus.length_us + TAIL_US,
    )


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
    trial, bisection, runs = found
    reduced = after = None
    if smaller:
        aim = aim_of(condition, bisection, release, trial.outcome.signature, runs)
        reduced = Reducer(aim, pool, progress).reduce(trial.stimulus)
        after = bisect(reduced.stimulus, condition, pool, runs, progress)
    return Reproduction(
        release=release,
        excerpt=excerpt,
        trial=trial,
        bisection=bisection,
        reduced=reduced,
        after=after,
        plays=pool.plays - plays,
    )


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
