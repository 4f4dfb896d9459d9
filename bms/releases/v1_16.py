"""What 1.16 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.history.ve_can import by_the_low_bits
from bms.rooms.ve_can import VeCan, only_extended


class StandardFramesAreIgnored(Change, item="v1.16-01", basis=Basis.STATED):
    """Frames with an 11 bit identifier are ignored on VE.Can; before, one whose low bits fit was
    taken.
    """

    deltas = (VeCan.understand.changed(was=by_the_low_bits, now=only_extended),)


RELEASE = Release(
    version=Version(1, 16),
    date="2019-04-08",
    changes=(StandardFramesAreIgnored,),
)
