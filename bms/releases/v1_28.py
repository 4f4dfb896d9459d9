"""What 1.28 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.history.start_stop import DeafOnceTheTaskMissedIt
from bms.rooms.start_stop import EveryPress, StartStop


class NothingIsLeftOf127(Change, item="v1.28-K1", basis=Basis.STATED):
    """Every stop request is taken again: what 1.27 brought is gone."""

    deltas = (StartStop.button.changed(was=DeafOnceTheTaskMissedIt, now=EveryPress),)


RELEASE = Release(
    version=Version(1, 28),
    date="2021-12-20",
    changes=(NothingIsLeftOf127,),
)
