"""What 1.20 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.external_can import ExternalCan


class SmaCurrentLimit(Change, item="v1.20-01", basis=Basis.STATED):
    """Current limits on SMA go up to 1200.0 A, raw 12000; before, the raw value was
    held at 1200.
    """

    deltas = (ExternalCan.current_raw_max.changed(was=1_200, now=12_000),)


RELEASE = Release(
    version=Version(1, 20),
    date="2019-09-10",
    changes=(SmaCurrentLimit,),
)
