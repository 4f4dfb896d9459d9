"""What 1.33 changed."""

from bms.battery.module import Module
from bms.firmware import Basis, Change, Release, Version
from bms.history.precharge import ClockThatRunsOn
from bms.history.settings import as_it_is
from bms.rooms.precharge import OwnClock, Precharge
from bms.rooms.settings import Settings, readable


class NoSpuriousTemperatures(Change, item="v1.33-01", basis=Basis.CHOSEN):
    """LFP 24 V: a temperature that jumps is told once it has lasted 0.3 s, so that a disturbance of
    a sensor's wires is not taken for a temperature; before, it was. The condition is chosen: the
    log says only that measurement problems occurred.
    """

    deltas = (Module.without_jumps.changed(was=frozenset(), now=frozenset({"LFP24"})),)


class StoredNameIsReadable(Change, item="v1.33-02", basis=Basis.CHOSEN, builds_on=("v1.32-01",)):
    """What is stored as the device's name is told if it can be read, up to its full length; blank
    or damaged, there is none. Our reading of before: it was told as it was, whatever it was.
    """

    deltas = (Settings.text_of.changed(was=as_it_is, now=readable),)


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
        StoredNameIsReadable,
        InterruptedStartLeavesNothing,
    ),
)
