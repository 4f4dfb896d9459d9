"""What 1.34 changed."""

from bms.codes import Notice, Today
from bms.firmware import Basis, Change, Release, Version, milliseconds
from bms.history.tracking import DISCHARGED_AT_NOMINAL_VOLTAGE
from bms.rooms.battery_bus import BatteryBus
from bms.rooms.events import Events
from bms.rooms.external_can import WITHOUT_A_PAIR, ExternalCan
from bms.rooms.registration import Registration
from bms.rooms.relay import Relay
from bms.rooms.tracking import DISCHARGED, Tracking
from bms.rooms.ve_can import VeCan
from bms.rooms.warning_word import LEAKAGE, WarningWord
from bms.rooms.warnings import Warnings


class BatteriesOf134(Change, item="v1.34-01", basis=Basis.CHOSEN):
    """RS230 joins the type table (chosen: the log names no type); before, the start ended with
    error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(18),)


class GeneralWarningOfSma(Change, item="v1.34-08", basis=Basis.STATED):
    """The general warning of SMA and General BMS tells of every warning that has no bit pair of its
    own; before, of none.
    """

    deltas = (ExternalCan.general_warnings.changed(was=(), now=WITHOUT_A_PAIR),)


class BatteryCountEvent(Change, item="v1.34-02a", basis=Basis.STATED):
    """More batteries than a master serves, which is 96 (public: communication guide), are an event
    of their own; before, only the start ended with error 5, as it still does.
    """

    deltas = (Events.notices.gained(Notice.BATTERY_COUNT),)


class LeakageEvent(Change, item="v1.34-02b", basis=Basis.STATED, builds_on=("v1.34-03",)):
    """A leak that a battery detects is an event; before, none."""

    deltas = (Events.notices.gained(Notice.LEAKAGE),)


class BrokenFuseEvent(Change, item="v1.34-02c", basis=Basis.STATED):
    """A broken main fuse is an event; before, none. Our reading: the contactor is closed, no
    current flows, and more than 2 V lie across it, for 3 s (chosen).
    """

    deltas = (Events.notices.gained(Notice.FUSE_BROKEN),)


class LeakageOfRsIsWatched(Change, item="v1.34-03", basis=Basis.STATED):
    """The leakage detection of RS batteries, and of no others, is watched; before, none was. A leak
    has to last 10 s (chosen).
    """

    deltas = (Warnings.leakage_of.changed(was=frozenset(), now=frozenset({"RS"})),)


class LeakageIsShown(
    Change, item="v1.34-04", basis=Basis.STATED, builds_on=("v1.34-03", "v1.26-05")
):
    """The warnings that the diagnostic tool shows, which are a status of MGREG as well, tell of a
    leak; before, they did not.
    """

    deltas = (WarningWord.flags.gained(LEAKAGE),)


class RelayWarnsOfLeakageAndHumidity(Change, item="v1.34-05", basis=Basis.STATED):
    """'Warning' of the programmable relay also tells of a leak and of humidity in a battery;
    before, of neither.
    """

    deltas = (
        Relay.warnings.gained("battery leakage"),
        Relay.warnings.gained("battery humidity"),
    )


class DischargedEnergyOfToday(Change, item="v1.34-07", basis=Basis.CHOSEN):
    """Discharged energy of today is the integral of the power that is drawn; before, the charge
    that is drawn, as if at the nominal voltage (chosen: the log says only that it was updated).
    """

    deltas = (
        Tracking.summary.changed(
            Today.DISCHARGED_KWH, was=DISCHARGED_AT_NOMINAL_VOLTAGE, now=DISCHARGED
        ),
    )


class CommandsAreRepeated(Change, item="v1.34-09", basis=Basis.CHOSEN):
    """A command to a battery is given every half second until the battery acknowledges it; before,
    once (our reading: the log says only that these commands were updated).
    """

    deltas = (BatteryBus.command_repeat_us.changed(was=None, now=milliseconds(500)),)


class ChosenSettingsAreTold(
    Change,
    item="v1.34-06",
    basis=Basis.STATED,
    builds_on=("v1.11-02", "v1.18-01", "v1.23-09"),
):
    """A setting that the tool or the app has changed is broadcast, where it has a register; before,
    only who asked for it was told.
    """

    deltas = (VeCan.tells_chosen.changed(was=False, now=True),)


RELEASE = Release(
    version=Version(1, 34),
    date="2023-04-25",
    changes=(
        BatteriesOf134,
        BatteryCountEvent,
        LeakageEvent,
        BrokenFuseEvent,
        LeakageOfRsIsWatched,
        LeakageIsShown,
        RelayWarnsOfLeakageAndHumidity,
        ChosenSettingsAreTold,
        DischargedEnergyOfToday,
        GeneralWarningOfSma,
        CommandsAreRepeated,
    ),
)
