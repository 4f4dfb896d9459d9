"""What 1.32 changed."""

from bms.battery.module import Module, to_the_nearest
from bms.firmware import Basis, Change, Release, Version
from bms.history.dvcc import SteadyInCoarseSteps
from bms.history.module import half_a_step_up
from bms.history.soc import OnEveryEntry
from bms.rooms.dvcc import Dvcc, SteadyNearFull
from bms.rooms.protection import Protection
from bms.rooms.soc import OncePerFullCharge, Soc
from bms.status import Error


class OnceAFullCharge(Change, item="v1.32-02", basis=Basis.CHOSEN):
    """The state of charge is put to 100 % once a full charge; before, again at every return to the
    charged level, with a jump (chosen: the log says only that its handling was mended).
    """

    deltas = (Soc.synchronisation.changed(was=OnEveryEntry, now=OncePerFullCharge),)


class LowLimitsOfBigSystems(Change, item="v1.32-04", basis=Basis.CHOSEN):
    """Current limits are told to the tenth of an ampere; before, in steps of 5 % of the system's
    greatest current, rounded down, so that a low limit of a big system was none (the step is
    chosen: the log says only that low limits are supported).
    """

    deltas = (Dvcc.near_full.changed(was=SteadyInCoarseSteps, now=SteadyNearFull),)


class CommunicationTimeoutError(Change, item="v1.32-05c", basis=Basis.STATED):
    """A silent battery shows as error 39, communication time-out; before, as 23,
    battery failure.
    """

    deltas = (
        Protection.silence_error.changed(was=Error.BATTERY_SILENT, now=Error.COMMUNICATION_TIMEOUT),
    )


class RoundingBelowZero(Change, item="v1.32-07", basis=Basis.STATED):
    """A battery's firmware, of whatever type, rounds temperatures below zero to the nearest step;
    before, they read one step too high (how far is chosen).
    """

    deltas = (Module.rounds.changed(was=half_a_step_up, now=to_the_nearest),)


RELEASE = Release(
    version=Version(1, 32),
    date="2023-01-10",
    changes=(
        OnceAFullCharge,
        LowLimitsOfBigSystems,
        CommunicationTimeoutError,
        RoundingBelowZero,
    ),
)
