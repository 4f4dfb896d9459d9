"""What 1.11 changed."""

from bms.firmware import Basis, Change, Release, Version, seconds
from bms.rooms.precharge import Precharge


class ColdPrecharge(Change, item="v1.11-03", basis=Basis.STATED):
    """A cold system may take 30 s to pre-charge; was 10 s (chosen: the log gives no old limit)."""

    deltas = (Precharge.time_limit_us.changed(was=seconds(10), now=seconds(30)),)


RELEASE = Release(
    version=Version(1, 11),
    date="2018-07-23",
    changes=(ColdPrecharge,),
)
