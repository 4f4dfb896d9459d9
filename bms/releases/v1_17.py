"""What 1.17 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.dvcc import Dvcc


class ShutdownVoltageWithoutOffset(Change, item="v1.17-01", basis=Basis.STATED):
    """At shutdown the charge voltage limit is the actual voltage; before, 0.1 V
    (chosen) above it.
    """

    deltas = (Dvcc.shutdown_offset_v.changed(was=0.1, now=0.0),)


RELEASE = Release(
    version=Version(1, 17),
    date="2019-05-28",
    changes=(ShutdownVoltageWithoutOffset,),
)
