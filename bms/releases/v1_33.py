"""What 1.33 changed."""

from bms.battery.module import Module
from bms.firmware import Basis, Change, Release, Version
from bms.history.precharge import ClockThatRunsOn
from bms.rooms.precharge import OwnClock, Precharge


class NoSpuriousTemperatures(Change, item="v1.33-01", basis=Basis.CHOSEN):
    """LFP 24 V: a temperature that jumps is told once it has lasted 0.3 s, so that a disturbance of
    a sensor's wires is not taken for a temperature; before, it was. The condition is chosen: the
    log says only that measurement problems occurred.
    """

    deltas = (Module.without_jumps.changed(was=frozenset(), now=frozenset({"LFP24"})),)


class InterruptedStartLeavesNothing(Change, item="v1.33-03", basis=Basis.CHOSEN):
    """A start that is broken off leaves nothing behind; before, the time of its pre-charge ran on,
    and the next one found it over (chosen: the log says only that the system is stable now).
    """

    deltas = (Precharge.clock.changed(was=ClockThatRunsOn, now=OwnClock),)


RELEASE = Release(
    version=Version(1, 33),
    date="2023-02-28",
    changes=(
        NoSpuriousTemperatures,
        InterruptedStartLeavesNothing,
    ),
)
