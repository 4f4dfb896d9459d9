"""Brings a lab's batteries to where a scenario starts: by a technician's hand, who is asked.

The rig does not do it by itself (ADR 30). What a technician says is believed, and stays on record.
Who was asked and did not say "done" may have begun: from then on nobody knows, and who comes next
is asked.
"""

from collections.abc import Iterator
from dataclasses import replace

from rig.benches.file import BenchFile
from rig.benches.lab.bench import check_needs
from rig.clock import utc_now
from rig.needs import Needs
from rig.operator.asking import Nobody, Operator, ToAsk
from rig.scheduling.lab_state import (
    LabState,
    costs_of,
    in_words,
    keep_state,
    moved_to,
    read_state,
    state_needed,
    way,
)
from rig.scheduling.model import StartState

# Chosen: instruments of a lab charge slower than the envelope allows, and people go for lunch.
TIMES, EXTRA_S = 2.0, 3600.0
SECONDS_AN_HOUR = 3600.0


async def brought(file: BenchFile, needs: Needs, operator: Operator) -> BenchFile:
    """The bench with its batteries where a scenario starts; nothing of it is switched on yet.

    Raises NotOnThisBench, by name: for what nobody can bring about before anybody is asked, then
    where there is no operator.
    """
    here, goal = read_state(file), state_needed(file, needs)
    moved = moved_to(file, goal)
    assert moved.lab is not None
    check_needs(needs, moved.lab)
    if goal == here.state and not here.doubt:
        return moved
    leg = costs_of(file).leg(here.state, goal)
    todo, hours = way(leg), leg.hours
    if here.doubt:
        hours = max(costs_of(file).leg(begin, goal).hours for begin in _anywhere(here, goal))
        # Without what differs from time to time: nobody is asked the same in vain twice.
        todo = (
            f"see where the batteries are, which is not known, and bring them to {goal}, "
            f"up to about {in_words(hours)}"
        )
    asked = ToAsk(
        text=f"Please {todo}, and switch off again what you switched on.",
        timeout_s=TIMES * hours * SECONDS_AN_HOUR + EXTRA_S,
    )
    if not isinstance(operator, Nobody):
        doubt = here.doubt or f"asked for {goal} on {utc_now()}, and nobody said that it is done"
        keep_state(file, replace(here, doubt=doubt))
    answer = await operator.ask(asked)
    keep_state(file, LabState(state=goal, by=answer.by, utc=answer.utc))
    return moved


def _anywhere(here: LabState, goal: StartState) -> Iterator[StartState]:
    """Where batteries of unknown state may be at the worst, by what is known of them."""
    for soc_pct in (0.0, 100.0):
        for state in (here.state, goal):
            yield replace(state, soc_pct=soc_pct)
