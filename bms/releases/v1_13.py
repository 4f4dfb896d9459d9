"""What 1.13 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.fans import Fans, Thresholds


class FanThresholds(Change, item="v1.13-02", basis=Basis.STATED):
    """HE fans: on above 30 and off below 29 degC, in Performance above 35 and below 34. Before, in
    both on from 31 degC (chosen: the only figure that the log gives until then, in 1.11).
    """

    deltas = (
        Fans.thresholds.changed(0, was=Thresholds(31, 31), now=Thresholds(30, 29)),
        Fans.thresholds.changed(1, was=Thresholds(31, 31), now=Thresholds(35, 34)),
    )


RELEASE = Release(
    version=Version(1, 13),
    date="2018-09-24",
    changes=(FanThresholds,),
)
