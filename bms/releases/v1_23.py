"""What 1.23 changed."""

from bms.firmware import Basis, Change, Release, Version, seconds
from bms.history.start_stop import refuse_at_once
from bms.rooms.fail_safe import FailSafe
from bms.rooms.registration import Registration
from bms.rooms.settings import Settings
from bms.rooms.start_stop import StartStop, wait_for_a_charger
from bms.rooms.time_to_go import TimeToGo
from bms.status import Error


class BatteriesOf123(Change, item="v1.23-01", basis=Basis.CHOSEN):
    """RS176, whose manual asks for a master of 1.23, joins the type table (chosen: the log names no
    type); before, the start ended with error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(13),)


class GreatestCurrentsAreSettings(Change, item="v1.23-02", basis=Basis.STATED):
    """The greatest charge and discharge current that DVCC tells are settings, which only the
    diagnostic tool 2.23 or a newer one changes; before, there were none.
    """

    deltas = (
        Settings.defaults.gained("charge_current_max_a"),
        Settings.defaults.gained("discharge_current_max_a"),
    )


class ContactorFailureIsItself(Change, item="v1.23-03", basis=Basis.CHOSEN):
    """A contactor that does not close is reported as error 26, its own; before, as a failed
    pre-charge, 25 (chosen: the log says only that the feedback was mended).
    """

    deltas = (FailSafe.unclosed_contactor.changed(was=Error.PRE_CHARGE, now=Error.CONTACTOR),)


class LowPackStart(Change, item="v1.23-05", basis=Basis.CHOSEN):
    """A start with the pack below its minimum, but with no critically low cell, leaves a charger
    the 2 minutes of v1.09-01 to begin; before, it ended with error 14 at once. Read so, since the
    log says only that the check has to leave the charger time.
    """

    deltas = (StartStop.low_pack_start.changed(was=refuse_at_once, now=wait_for_a_charger),)


class TimeToGoFollowsFaster(Change, item="v1.23-08", basis=Basis.CHOSEN):
    """Time to go follows a load step faster: it filters the load over 30 s, was 60 s (both chosen:
    the log says only that it responds faster).
    """

    deltas = (TimeToGo.filter_us.changed(was=seconds(60), now=seconds(30)),)


RELEASE = Release(
    version=Version(1, 23),
    date="2020-06-23",
    changes=(
        BatteriesOf123,
        GreatestCurrentsAreSettings,
        ContactorFailureIsItself,
        LowPackStart,
        TimeToGoFollowsFaster,
    ),
)
