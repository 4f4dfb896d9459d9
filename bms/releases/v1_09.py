"""What 1.09 changed."""

from bms.firmware import Basis, Change, Release, Version, seconds
from bms.history.start_stop import refuse_at_once
from bms.history.ve_can import a_foreign_soc_is_a_write
from bms.rooms.contactor import Contactor
from bms.rooms.start_stop import StartStop, wait_for_a_charger
from bms.rooms.ve_can import VeCan, not_a_write


class CriticallyLowStart(Change, item="v1.09-01", basis=Basis.STATED):
    """A start with a critically low cell gives the user 2 minutes to charge with 4 A, and 10
    minutes to bring the cell above the warning level; before, it was refused.
    """

    deltas = (StartStop.low_start.changed(was=refuse_at_once, now=wait_for_a_charger),)


class ShutdownTime(Change, item="v1.09-06", basis=Basis.STATED):
    """From the stop request to the open contactor 8 s, in which chargers follow their limits; was
    2 s.
    """

    deltas = (Contactor.shutdown_time_us.changed(was=seconds(2), now=seconds(8)),)


class SocByRegister(Change, item="v1.09-07", basis=Basis.STATED):
    """A write to register 0x0FFF sets the state of charge; before, it was ignored."""

    deltas = (VeCan.soc_is_writable.changed(was=False, now=True),)


class MastersAnswerEachOther(Change, item="v1.09-K1", basis=Basis.STATED, cured_by="v1.10-01"):
    """Two masters on VE.Can take each other's state of charge for a command and answer without
    end.
    """

    deltas = (VeCan.broadcast_is_a_write.changed(was=not_a_write, now=a_foreign_soc_is_a_write),)


RELEASE = Release(
    version=Version(1, 9),
    date="2018-01-18",
    changes=(
        CriticallyLowStart,
        ShutdownTime,
        SocByRegister,
        MastersAnswerEachOther,
    ),
)
