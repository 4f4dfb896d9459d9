"""What 1.25 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.dvcc import Dvcc
from bms.rooms.soc import Soc


class SocBelowFull(Change, item="v1.25-05", basis=Basis.STATED):
    """The state of charge stays at 99.9 % while charging is allowed; before, it reached 100 %."""

    deltas = (Soc.held_below_full_pct.changed(was=100.0, now=99.9),)


class LimitReturnsByOneDegree(Change, item="v1.25-11", basis=Basis.STATED):
    """When the temperature returns to the operating area the limit moves in steps of 1 degC; was
    2.
    """

    deltas = (Dvcc.return_step_k.changed(was=2.0, now=1.0),)


RELEASE = Release(
    version=Version(1, 25),
    date="2021-03-16",
    changes=(
        SocBelowFull,
        LimitReturnsByOneDegree,
    ),
)
