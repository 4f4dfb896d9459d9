"""What 1.10 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.history.ve_can import a_foreign_soc_is_a_write
from bms.rooms.ve_can import VeCan, not_a_write


class MastersLeaveEachOtherAlone(Change, item="v1.10-01", basis=Basis.STATED):
    """What another master broadcasts is no command any more."""

    deltas = (VeCan.broadcast_is_a_write.changed(was=a_foreign_soc_is_a_write, now=not_a_write),)


RELEASE = Release(
    version=Version(1, 10),
    date="2018-02-23",
    changes=(MastersLeaveEachOtherAlone,),
)
