"""The order that spares charging and soaking, and what of it fits into a time window.

Tests of one start state run together, the highest risk first. Up to a dozen states the shortest way
through all of them is found exactly; beyond that the best of some good ones, never worse than the
order of risk. A window is filled in the order of risk: what is likeliest to be news is in it.
"""

from collections.abc import Iterable, Sequence

from rig.nightly.schedule import OUTSIDE
from rig.scheduling.model import (
    SECONDS_AN_HOUR,
    Costs,
    LeftOut,
    Plan,
    Stage,
    StartState,
    Work,
    expected_s,
    ways_h,
)

EXACT_STATES_MAX = 12  # chosen: 2^12 sets of states are looked at in a second
SAME_H = 1e-9  # ways that differ by less are the same: sums of floats
UNKNOWN_S = 60.0  # chosen: what a test is counted as where no duration at all is known
Hours = Sequence[Sequence[float]]  # from each place to each state; the last row is the start's


def ordered(
    work: Sequence[Work],
    start: StartState,
    costs: Costs,
    window_h: float | None = None,
    left_out: Sequence[LeftOut] = (),
) -> Plan:
    """The plan of this work, from where the batteries are; ``left_out`` is kept in it.

    ``window_h``: as much as fits, the highest risk first; the rest is left out.
    """
    by_rank = sorted(work, key=lambda each: each.rank)
    usual_s = _usual_s(work)
    fits, rest = list(by_rank), list[Work]()
    if window_h is not None:
        fits, rest = _fitting(by_rank, start, costs, window_h, usual_s)
    states, is_shortest = _shortest(_states(fits), start, costs)
    return Plan(
        stages=tuple(_stages(states, fits, start, costs)),
        left_out=(*left_out, *(_no_room(each, usual_s) for each in rest)),
        usual_s=usual_s,
        given_preparing_h=ways_h([each.state for each in fits], start, costs),
        is_shortest=is_shortest,
    )


def _usual_s(work: Sequence[Work]) -> float:
    """The mean of what is known."""
    known = [each.expected_s for each in work if each.expected_s is not None]
    return sum(known) / len(known) if known else UNKNOWN_S


def _states(work: Iterable[Work]) -> tuple[StartState, ...]:
    """Each once, in the order in which the work needs them."""
    return tuple(dict.fromkeys(each.state for each in work))


def _stages(
    states: Sequence[StartState], work: Sequence[Work], start: StartState, costs: Costs
) -> Iterable[Stage]:
    here = start
    for state in states:
        mine = tuple(each for each in work if each.state == state)
        yield Stage(leg=costs.leg(here, state), work=mine)
        here = state


def _fitting(
    by_rank: Sequence[Work], start: StartState, costs: Costs, window_h: float, usual_s: float
) -> tuple[list[Work], list[Work]]:
    """What fits, and what does not; a lower risk may fit where a higher one took too long."""
    fits, rest = list[Work](), list[Work]()
    states: tuple[StartState, ...] = ()
    running_h = preparing_h = 0.0
    for each in by_rank:
        new, new_preparing_h = states, preparing_h
        if each.state not in states:
            new, _ = _shortest((*states, each.state), start, costs)
            new_preparing_h = ways_h(new, start, costs)
        more_h = expected_s(each, usual_s) / SECONDS_AN_HOUR
        if running_h + more_h + new_preparing_h <= window_h:
            fits.append(each)
            running_h += more_h
            states, preparing_h = new, new_preparing_h
        else:
            rest.append(each)
    return fits, rest


def _no_room(work: Work, usual_s: float) -> LeftOut:
    reason = f"{OUTSIDE}: {work.state}, {expected_s(work, usual_s):.0f} s"
    return LeftOut(item=work.item, test=work.test, reason=reason)


def _shortest(
    states: tuple[StartState, ...], start: StartState, costs: Costs
) -> tuple[tuple[StartState, ...], bool]:
    """The order of the states with the shortest ways; and whether there is none shorter.

    Of ways of the same length the one that comes to the first of ``states`` sooner.
    """
    if len(states) <= EXACT_STATES_MAX:
        return _exact(states, start, costs), True
    # The ways from each to each, worked out once; the start is the last of them.
    places = (*states, start)
    hours = [[costs.leg(a, b).hours for b in states] for a in places]
    given = list(range(len(states)))
    by_soc = sorted(given, key=lambda each: states[each])
    by_kelvin = sorted(given, key=lambda each: (states[each].temperature_c, states[each].soc_pct))
    sweeps = [by_soc, by_soc[::-1], by_kelvin, by_kelvin[::-1], _nearest(hours)]
    candidates = [given, *(_improved(each, hours) for each in sweeps)]
    shortest = min(candidates, key=lambda each: _length_h(each, hours))
    return tuple(states[index] for index in shortest), False


def _exact(
    states: tuple[StartState, ...], start: StartState, costs: Costs
) -> tuple[StartState, ...]:
    """Held and Karp's way: the best path through each set of states that ends in each of them."""
    count = len(states)
    if not count:
        return ()
    first = [costs.leg(start, state).hours for state in states]
    between = [[costs.leg(a, b).hours for b in states] for a in states]
    best: dict[tuple[int, int], tuple[float, tuple[int, ...]]] = {
        (1 << last, last): (first[last], (last,)) for last in range(count)
    }
    for chosen in range(1, 1 << count):
        for last in range(count):
            if (chosen, last) not in best:
                continue
            hours, path = best[chosen, last]
            for new in range(count):
                if chosen & 1 << new:
                    continue
                key = chosen | 1 << new, new
                found = hours + between[last][new], (*path, new)
                if key not in best or _is_better(found, best[key]):
                    best[key] = found
    everything = (1 << count) - 1
    shortest = best[everything, 0]
    for last in range(1, count):
        if _is_better(best[everything, last], shortest):
            shortest = best[everything, last]
    return tuple(states[index] for index in shortest[1])


def _is_better(found: tuple[float, tuple[int, ...]], known: tuple[float, tuple[int, ...]]) -> bool:
    if abs(found[0] - known[0]) > SAME_H:
        return found[0] < known[0]
    return found[1] < known[1]


def _length_h(path: Sequence[int], hours: Hours) -> float:
    return sum(hours[a][b] for a, b in zip((-1, *path), path, strict=False))


def _nearest(hours: Hours) -> list[int]:
    left, path = list(range(len(hours) - 1)), list[int]()
    here = -1
    while left:
        here = min(left, key=hours[here].__getitem__)
        left.remove(here)
        path.append(here)
    return path


def _improved(path: list[int], hours: Hours) -> list[int]:
    """Move single states to better places, until none is found."""
    length_h, better = _length_h(path, hours), True
    while better:
        better = False
        for old in range(len(path)):
            for new in range(len(path)):
                tried = path[:old] + path[old + 1 :]
                tried.insert(new, path[old])
                tried_h = _length_h(tried, hours)
                if tried_h < length_h - SAME_H:
                    path, length_h, better = tried, tried_h, True
    return path
