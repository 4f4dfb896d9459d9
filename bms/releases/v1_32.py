"""What 1.32 changed."""

from bms.battery.module import Module, to_the_nearest
from bms.codes import Error
from bms.firmware import Basis, Change, Release, Version
from bms.history.dvcc import SteadyInCoarseSteps
from bms.history.module import half_a_step_up
from bms.history.soc import OnEveryEntry
from bms.rooms.dvcc import Dvcc, SteadyNearFull
from bms.rooms.events import Events
from bms.rooms.fail_safe import FailSafe
from bms.rooms.nmea2000 import Nmea2000
from bms.rooms.protection import Protection
from bms.rooms.soc import OncePerFullCharge, Soc
from bms.rooms.status_word import StatusWord
from bms.rooms.ve_can import VeCan


class NameOverNmea2000(Change, item="v1.32-01", basis=Basis.STATED):
    """The device's name is set over NMEA 2000, as the installation description of PGN 126998 (our
    reading), and stored; before, that command was refused. Register 0x010C tells it, too.
    """

    deltas = (
        Nmea2000.commands.gained((126998, 1)),
        Nmea2000.commands.gained((126998, 2)),
        VeCan.registers.gained(0x010C),
    )


class OnceAFullCharge(Change, item="v1.32-02", basis=Basis.CHOSEN):
    """The state of charge is put to 100 % once a full charge; before, again at every return to the
    charged level, with a jump (chosen: the log says only that its handling was mended).
    """

    deltas = (Soc.synchronisation.changed(was=OnEveryEntry, now=OncePerFullCharge),)


class WatchdogIsReported(Change, item="v1.32-03", basis=Basis.STATED):
    """A restart by the watchdog is an event, 12, once the master is up again; before, it was
    lost.
    """

    deltas = (Events.reports_watchdog.changed(was=False, now=True),)


class LowLimitsOfBigSystems(Change, item="v1.32-04", basis=Basis.CHOSEN):
    """Current limits are told to the tenth of an ampere; before, in steps of 5 % of the system's
    greatest current, rounded down, so that a low limit of a big system was none (the step is
    chosen: the log says only that low limits are supported).
    """

    deltas = (Dvcc.near_full.changed(was=SteadyInCoarseSteps, now=SteadyNearFull),)


class InterlockError(Change, item="v1.32-05a", basis=Basis.STATED):
    """An open interlock loop shows as error 37, its own; before, as 26, the contactor's, which it
    opens (chosen: the public list of 1.24 has none for it).
    """

    deltas = (Protection.interlock_error.changed(was=Error.CONTACTOR, now=Error.INTERLOCK),)


class EmergencyStopError(Change, item="v1.32-05b", basis=Basis.STATED):
    """The emergency stop input opens the contactor at once, with error 38, its own; before, with
    26, the contactor's (that there was the input before, and this code, is chosen).
    """

    deltas = (
        Protection.emergency_stop_error.changed(was=Error.CONTACTOR, now=Error.EMERGENCY_STOP),
    )


class CommunicationTimeoutError(Change, item="v1.32-05c", basis=Basis.STATED):
    """A silent battery shows as error 39, communication time-out; before, as 23,
    battery failure.
    """

    deltas = (
        Protection.silence_error.changed(was=Error.BATTERY_SILENT, now=Error.COMMUNICATION_TIMEOUT),
    )


class SafetyLockError(Change, item="v1.32-05d", basis=Basis.STATED):
    """The safety lock, which a critical limit far exceeded closes for good, shows as error 40, its
    own; before, as the error that closed it (chosen: the log says only that it is reported).
    """

    deltas = (FailSafe.shows_the_lock.changed(was=False, now=True),)


class TerminalOverTemperatureError(Change, item="v1.32-05e", basis=Basis.STATED):
    """A terminal above 69 degC for 10 s (both chosen) shows as error 41, its own; before, as 15,
    over-temperature (chosen).
    """

    deltas = (
        Protection.terminal_error.changed(
            was=Error.OVER_TEMPERATURE, now=Error.TERMINAL_OVER_TEMPERATURE
        ),
    )


class CellImbalanceFlag(Change, item="v1.32-06a", basis=Basis.STATED, builds_on=("v1.17-07",)):
    """The warning of cells far apart in voltage sets bit 30 of the status word; before, no bit."""

    deltas = (StatusWord.flags.gained(30),)


class ServiceFlag(Change, item="v1.32-06b", basis=Basis.STATED, builds_on=("v1.19-01",)):
    """The service warning sets bit 31 of the status word; before, no bit."""

    deltas = (StatusWord.flags.gained(31),)


class RoundingBelowZero(Change, item="v1.32-07", basis=Basis.STATED):
    """A battery's firmware, of whatever type, rounds temperatures below zero to the nearest step;
    before, they read one step too high (how far is chosen).
    """

    deltas = (Module.rounds.changed(was=half_a_step_up, now=to_the_nearest),)


RELEASE = Release(
    version=Version(1, 32),
    date="2023-01-10",
    changes=(
        NameOverNmea2000,
        OnceAFullCharge,
        WatchdogIsReported,
        LowLimitsOfBigSystems,
        InterlockError,
        EmergencyStopError,
        CommunicationTimeoutError,
        SafetyLockError,
        TerminalOverTemperatureError,
        CellImbalanceFlag,
        ServiceFlag,
        RoundingBelowZero,
    ),
)
