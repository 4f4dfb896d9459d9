"""Brings a lab's batteries to where a scenario starts: by a technician's hand, who is asked.

The rig does not do it by itself (ADR 30). What a technician says is believed, and stays on record.
"""

from rig.benches.file import BenchFile
from rig.benches.lab.bench import check_needs
from rig.needs import Needs
from rig.operator.asking import Operator, ToAsk
from rig.scheduling.lab_state import (
    LabState,
    costs_of,
    keep_state,
    moved_to,
    read_state,
    state_needed,
    way,
)

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
    if goal == here.state:
        return moved
    leg = costs_of(file).leg(here.state, goal)
    asked = ToAsk(
        text=f"Please {way(leg)}, and switch off again what you switched on.",
        timeout_s=TIMES * leg.hours * SECONDS_AN_HOUR + EXTRA_S,
    )
    answer = await operator.ask(asked)
    keep_state(file, LabState(state=goal, by=answer.by, utc=answer.utc))
    return moved
