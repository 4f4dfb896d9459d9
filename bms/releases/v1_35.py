"""What 1.35 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.status_word import StatusWord


class OverloadFlag(Change, item="v1.35-07", basis=Basis.STATED):
    """A current above what the master supports sets bit 29 of the status word; before, no bit."""

    deltas = (StatusWord.flags.gained(29),)


RELEASE = Release(
    version=Version(1, 35),
    date="2023-07-13",
    changes=(OverloadFlag,),
)
