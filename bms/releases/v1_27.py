"""What 1.27 changed."""

from bms.firmware import Basis, Change, Release, Version, seconds
from bms.rooms.precharge import Precharge


class PrechargeGoesOnWhileRising(Change, item="v1.27-02b", basis=Basis.STATED):
    """A pre-charge through the NTC that still rises at 30 s may take 18 s more;
    before, it ended.
    """

    deltas = (Precharge.time_limit_rising_us.changed(was=0, now=seconds(48)),)


RELEASE = Release(
    version=Version(1, 27),
    date="2021-12-07",
    changes=(PrechargeGoesOnWhileRising,),
)
