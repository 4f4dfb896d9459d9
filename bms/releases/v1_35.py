"""What 1.35 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.events import Events
from bms.rooms.status_word import StatusWord
from bms.status import Notice


class OverloadEvent(Change, item="v1.35-06", basis=Basis.CHOSEN):
    """A current above what the model of the master supports is an event, after 10 s (chosen);
    before, it was none.
    """

    deltas = (Events.notices.gained(Notice.OVERLOAD),)


class OverloadFlag(Change, item="v1.35-07", basis=Basis.STATED):
    """A current above what the master supports sets bit 29 of the status word; before, no bit."""

    deltas = (StatusWord.flags.gained(29),)


RELEASE = Release(
    version=Version(1, 35),
    date="2023-07-13",
    changes=(
        OverloadEvent,
        OverloadFlag,
    ),
)
