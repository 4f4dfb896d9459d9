"""What 1.38 changed."""

from bms.codes import State
from bms.firmware import Basis, Change, Release, Version
from bms.history.battery_bus import TheLatestOfAMoment
from bms.history.battery_update import of_the_first
from bms.history.registration import one_type
from bms.history.temperatures import every_sensor_counts
from bms.rooms.battery_bus import BatteryBus, ToldApartBySerial
from bms.rooms.battery_update import BatteryUpdate, of_its_own
from bms.rooms.diagnostics import SETTLED, Diagnostics
from bms.rooms.permissions import AfterEnergy, Permissions
from bms.rooms.registration import Registration, equal_cells_of_rs
from bms.rooms.temperatures import Temperatures, off_the_median
from bms.rooms.tracking import Tracking
from bms.rooms.warnings import Warnings


class BatteriesOf138(Change, item="v1.38-01", basis=Basis.CHOSEN):
    """LFP 24 V 314 Ah joins the type table (chosen: the log names no type); before, the start ended
    with error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(19),)


class EachProcessorItsImage(Change, item="v1.38-02", basis=Basis.STATED):
    """In an update each battery gets the image for its processor; before, all got that of the
    first, which another processor refuses: the update ended with error 28.
    """

    deltas = (BatteryUpdate.image_for.changed(was=of_the_first, now=of_its_own),)


class SavedAtFailSafe(Change, item="v1.38-03", basis=Basis.STATED):
    """What is tracked is stored when a fail-safe triggers; before, only every 15 min (chosen) and
    when the system is turned off.
    """

    deltas = (Tracking.saves_at_fail_safe.changed(was=False, now=True),)


class SelfTestsOfRs230AreWatched(Change, item="v1.38-04", basis=Basis.STATED):
    """A failed self-test of an RS230 battery's processor is an event; before, it was ignored."""

    deltas = (Warnings.self_tests_of.changed(was=frozenset(), now=frozenset({"RS230"})),)


class RegistrationWithoutConflicts(Change, item="v1.38-05", basis=Basis.STATED):
    """RS batteries that announce themselves at one moment are told apart by their serial numbers.
    Our reading of before: they were given one node, and the start ended with error 23 (chosen).
    """

    deltas = (BatteryBus.announcements.changed(was=TheLatestOfAMoment, now=ToldApartBySerial),)


class NoDataWhileStarting(Change, item="v1.38-06", basis=Basis.STATED):
    """While a start or a shutdown is pending the tool's requests for data (measurements, events,
    tracked values) are refused, and an answer that is on its way ends; before, they were served.
    """

    deltas = (Diagnostics.serves_data_in.changed(was=frozenset(State), now=SETTLED),)


class UnequalRsBatteries(
    Change, item="v1.38-07", basis=Basis.STATED, builds_on=("v1.23-01", "v1.34-01")
):
    """RS batteries of unequal capacity but equally many cells may share a system, and each counts
    as the smallest; before, error 4.
    """

    deltas = (Registration.counts_as.changed(was=one_type, now=equal_cells_of_rs),)


class DeviatingSensorsAreLeftOut(Change, item="v1.38-08", basis=Basis.STATED):
    """LFP 24 V 230 and 280 Ah: a sensor far off (10 K: chosen) all others is not monitored but
    stays visible; more than two in one battery end in fail-safe. Before, each counted as a hot
    cell.
    """

    deltas = (Temperatures.deviating.changed(was=every_sensor_counts, now=off_the_median),)


class CellTemperaturesOfLfpAreWatched(Change, item="v1.38-09", basis=Basis.STATED):
    """LFP 24 V: cell temperatures that deviate from one another are a warning and an event, those
    of a sensor that is left out (v1.38-08) too; before, of other batteries only (v1.17-08).
    """

    deltas = (
        Warnings.temperature_deviation_of.changed(
            was=frozenset({"LFP48", "HE", "RS"}),
            now=frozenset({"LFP24", "LFP48", "HE", "RS"}),
        ),
    )


class WatchdogAsBefore(
    Change, item="v1.38-10", basis=Basis.CHOSEN, exempt="silent: judged by equal reference traces"
):
    """The log states no behaviour. Our reading: a main loop that stalls is reset within the same
    time as before, which is told as error 12, and one that runs never is; nothing else differs
    from 1.37.
    """


class ChargeAllowedSooner(Change, item="v1.38-11", basis=Basis.CHOSEN):
    """After fully charged, charging is allowed again once 1 % of the capacity is discharged; was 2
    % (both chosen: the log says only that more was asked than expected).
    """

    deltas = (Permissions.charge_control.changed(was=AfterEnergy(2.0), now=AfterEnergy(1.0)),)


RELEASE = Release(
    version=Version(1, 38),
    date="2024-09-09",
    changes=(
        BatteriesOf138,
        EachProcessorItsImage,
        SavedAtFailSafe,
        SelfTestsOfRs230AreWatched,
        RegistrationWithoutConflicts,
        NoDataWhileStarting,
        UnequalRsBatteries,
        DeviatingSensorsAreLeftOut,
        CellTemperaturesOfLfpAreWatched,
        WatchdogAsBefore,
        ChargeAllowedSooner,
    ),
)
