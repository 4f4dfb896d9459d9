"""What 1.19 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.dvcc import Dvcc


class TerminalDerating(Change, item="v1.19-01", basis=Basis.STATED):
    """A hot battery terminal lowers both current limits, from 64 degC on, to nothing at 69 degC
    (linear: chosen); before, not at all.
    """

    deltas = (Dvcc.terminal_derating_c.changed(was=None, now=(64.0, 69.0)),)


RELEASE = Release(
    version=Version(1, 19),
    date="2019-08-05",
    changes=(TerminalDerating,),
)
