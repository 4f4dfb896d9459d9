"""What 1.26 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.history.protection import OfTheStrategy
from bms.rooms.protection import HeldUntilInside, Protection
from bms.rooms.settings import Settings
from bms.rooms.soc import Soc
from bms.rooms.ve_can import TakesSoc, VeCan
from bms.rooms.visedo import Visedo


class StrategyChangesWhileRunning(
    Change, item="v1.26-01", basis=Basis.CHOSEN, builds_on=("v1.23-06",)
):
    """A strategy that is changed while the system runs lowers the critical level onto no cell:
    until all are below its warning level, that of before holds. Our reading of before: cells
    between the two ended in fail-safe.
    """

    deltas = (Protection.over_voltage_limit.changed(was=OfTheStrategy, now=HeldUntilInside),)


class SocIsStoredAtACommand(
    Change, item="v1.26-02", basis=Basis.STATED, builds_on=("v1.18-01", "v1.25-09a")
):
    """The state of charge is stored when a combined system is stopped by a command; before, nothing
    valid was (how it was lost is chosen), and after a restart it was unknown.
    """

    deltas = (Soc.stored_at_a_command.changed(was=False, now=True),)


class SocOnlyWhileClosed(Change, item="v1.26-03", basis=Basis.STATED):
    """What VE.Can tells of the state of charge is taken while the contactor is closed only; before,
    always.
    """

    deltas = (VeCan.takes_soc.changed(was=TakesSoc.ALWAYS, now=TakesSoc.WHILE_CLOSED),)


class PowerfinnOfVisedo(Change, item="v1.26-04", basis=Basis.CHOSEN):
    """With the external protocol Visedo a Powerfinn charger is commanded one object at a time, the
    next after its answer; before, all at once, of which it took the first, and never ran (chosen:
    the log says only that its support was mended, and no frame of it is public).
    """

    deltas = (Visedo.waits_for_answers.changed(was=False, now=True),)


class MgRegistersEvery250Ms(Change, item="v1.26-05", basis=Basis.STATED):
    """The external protocol VE-MG-NMEA2000 joins: MG's own registers on VE.Can, every 250 ms (which
    ones, and their numbers, is chosen); before, it could not be selected.
    """

    deltas = (Settings.external_protocols.gained(4),)


class NothingElse(
    Change, item="v1.26-06", basis=Basis.STATED, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour: nothing else differs from 1.25."""


RELEASE = Release(
    version=Version(1, 26),
    date="2021-08-16",
    changes=(
        StrategyChangesWhileRunning,
        SocIsStoredAtACommand,
        SocOnlyWhileClosed,
        PowerfinnOfVisedo,
        MgRegistersEvery250Ms,
        NothingElse,
    ),
)
