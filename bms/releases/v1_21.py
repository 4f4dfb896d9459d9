"""What 1.21 changed."""

from bms.codes import Error
from bms.firmware import Basis, Change, Release, Version, seconds
from bms.history.balancing import bleeds_for_ever
from bms.rooms.balancing import Balancing, each_that_is_too_high
from bms.rooms.board import Board
from bms.rooms.events import Events
from bms.rooms.permissions import Permissions
from bms.rooms.registration import Registration


class UnderChargeStandbyIsTold(Change, item="v1.21-01", basis=Basis.PUBLIC):
    """The shutdown that protects an almost discharged battery is one of the last errors, 18, of
    register 0x2110, and of the log; before, it was in neither.
    """

    deltas = (Events.notices.gained(Error.UNDER_CHARGE_STANDBY),)


class OthersStartFirst(Change, item="v1.21-02", basis=Basis.STATED, builds_on=("v1.18-01",)):
    """A combined system that has started waits 13 s before it allows charge and discharge, so that
    the others start at a voltage that is steady; before, it did not wait.
    """

    deltas = (Permissions.combined_wait_us.changed(was=0, now=seconds(13)),)


class BatteriesOf121(Change, item="v1.21-03", basis=Basis.CHOSEN):
    """LFP 24 V 304 Ah joins the type table (chosen: the log names no type); before, the start ended
    with error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(11),)


class HardwareOf121(Change, item="v1.21-04", basis=Basis.CHOSEN):
    """A second hardware of the 400 A model joins the known hardware (chosen: the log names no
    version); before, it called itself by the generic product id, and a start ended with error 7:
    what is unknown cannot be measured with.
    """

    deltas = (Board.known.gained(18),)


class LfpBleedsEnd(Change, item="v1.21-05", basis=Basis.CHOSEN):
    """New LFP batteries bleed cells that are too high, to the target spread. Our reading of before:
    the bleed of one cell, once begun, is never released.
    """

    deltas = (Balancing.lfp_bleeds.changed(was=bleeds_for_ever, now=each_that_is_too_high),)


RELEASE = Release(
    version=Version(1, 21),
    date="2019-11-28",
    changes=(
        UnderChargeStandbyIsTold,
        OthersStartFirst,
        BatteriesOf121,
        HardwareOf121,
        LfpBleedsEnd,
    ),
)
