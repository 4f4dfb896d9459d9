"""What 1.27 changed."""

from bms.firmware import Basis, Change, Release, Version, seconds
from bms.history.start_stop import DeafOnceTheTaskMissedIt
from bms.history.update import LocksItselfOut
from bms.rooms.board import Board
from bms.rooms.precharge import Precharge
from bms.rooms.start_stop import EveryPress, StartStop
from bms.rooms.update import EveryRequest, Update


class TheModel1000PcPlus(Change, item="v1.27-01", basis=Basis.STATED):
    """The Lynx Ion BMS 1000 PC+ is known hardware (its product id: chosen, the next free one of the
    family); before, it called itself by the generic one, and a start ended with error 7.
    """

    deltas = (Board.known.gained(36),)


class ResistorIsProtected(Change, item="v1.27-02a", basis=Basis.CHOSEN):
    """Above 48 V a pre-charge ends once the resistor has taken 3 kJ, and none begins before half of
    it is gone (both chosen); before, only time ended it.
    """

    deltas = (Precharge.resistor_budget_j.changed(was=None, now=3_000.0),)


class PrechargeGoesOnWhileRising(Change, item="v1.27-02b", basis=Basis.STATED):
    """A pre-charge through the NTC that still rises at 30 s may take 18 s more;
    before, it ended.
    """

    deltas = (Precharge.time_limit_rising_us.changed(was=0, now=seconds(48)),)


class NothingElse(
    Change, item="v1.27-03", basis=Basis.STATED, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour: nothing else differs from 1.26, but for the defects v1.27-K1
    and v1.27-K2.
    """


class StopRequestIsMissed(Change, item="v1.27-K1", basis=Basis.STATED, cured_by="v1.28-K1"):
    """A stop request that an internal task holds up (one in ten: chosen) has no effect, and none
    has any after it.
    """

    deltas = (StartStop.button.changed(was=EveryPress, now=DeafOnceTheTaskMissedIt),)


class UpdateIsLockedOut(Change, item="v1.27-K2", basis=Basis.STATED, cured_by="v1.28-K1"):
    """A request to update that an internal task holds up (one in ten: chosen) leads nowhere, and
    none that follows does: only special tools help.
    """

    deltas = (Update.entry.changed(was=EveryRequest, now=LocksItselfOut),)


RELEASE = Release(
    version=Version(1, 27),
    date="2021-12-07",
    changes=(
        TheModel1000PcPlus,
        ResistorIsProtected,
        PrechargeGoesOnWhileRising,
        NothingElse,
        StopRequestIsMissed,
        UpdateIsLockedOut,
    ),
)
