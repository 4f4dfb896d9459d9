"""What 1.08 changed."""

from bms.firmware import Basis, Change, Release, Version, seconds
from bms.rooms.contactor import Contactor
from bms.rooms.time_to_go import TimeToGo


class TimeToGoIsComputed(Change, item="v1.08-02", basis=Basis.PUBLIC):
    """Time to go is computed and sent; before, it reads 'not available'."""

    deltas = (TimeToGo.computed.changed(was=False, now=True),)


class ContactorOpeningDelay(Change, item="v1.08-04", basis=Basis.STATED):
    """The contactor opens 5 s after a protective open request, so that chargers and loads stop
    first; was 2 s.
    """

    deltas = (Contactor.opening_delay_us.changed(was=seconds(2), now=seconds(5)),)


RELEASE = Release(
    version=Version(1, 8),
    date="2017-09-18",
    changes=(
        TimeToGoIsComputed,
        ContactorOpeningDelay,
    ),
)
