"""What 1.36 changed."""

from bms.firmware import Basis, Change, Component, Release, Version, seconds
from bms.history.reception import HeldUpByATask
from bms.reception import EveryFrame
from bms.rooms.balancing import Balancing, HeControl, each_that_is_too_high
from bms.rooms.battery_bus import BatteryBus
from bms.rooms.charger import Charger
from bms.rooms.fans import Fans
from bms.rooms.precharge import Precharge
from bms.rooms.ve_can import VeCan


class HeBalancesSooner(Change, item="v1.36-01", basis=Basis.STATED):
    """HE batteries always balance while their cells differ by more than 25 mV, and otherwise after
    5 min at rest; before, only after 15 min at rest (both times chosen).
    """

    deltas = (
        Balancing.he.changed(
            was=HeControl(each_that_is_too_high, 0.014, 0.005, seconds(900), None),
            now=HeControl(each_that_is_too_high, 0.014, 0.005, seconds(300), 0.025),
        ),
    )


class BrokenFuseIsToldApart(Change, item="v1.36-06", basis=Basis.CHOSEN):
    """A pre-charge through which nothing came at all is reported as a broken fuse (error 11, and an
    event of its own: chosen); before, as a failed pre-charge, 25.
    """

    deltas = (Precharge.tells_a_broken_fuse.changed(was=False, now=True),)


class NoWakeUpWhereItIsOff(Change, item="v1.36-08", basis=Basis.STATED):
    """A charger wakes the system only where the setting 0x0375 says so; before, it always did."""

    deltas = (Charger.heeds_the_setting.changed(was=False, now=True),)


class InternalFanWaitsForMeasurements(Change, item="v1.36-09", basis=Basis.STATED):
    """The master's fan stands still until its temperature is known, 2 s after the start; before, it
    ran until then (both chosen).
    """

    deltas = (Fans.internal_before_measured.changed(was=True, now=False),)


class FramesAreLost(Change, item="v1.36-K1", basis=Basis.STATED, cured_by="v1.37-01"):
    """An internal task holds reception up, and frames that arrive meanwhile are lost, on every
    port.
    """

    deltas = (
        BatteryBus.reception.changed(was=EveryFrame, now=HeldUpByATask),
        VeCan.reception.changed(was=EveryFrame, now=HeldUpByATask),
    )


RELEASE = Release(
    version=Version(1, 36),
    date="2024-02-06",
    changes=(
        HeBalancesSooner,
        BrokenFuseIsToldApart,
        NoWakeUpWhereItIsOff,
        InternalFanWaitsForMeasurements,
        FramesAreLost,
    ),
    tool_installs=frozenset({Component.SECONDARY_BOOT_LOADER}),
)
