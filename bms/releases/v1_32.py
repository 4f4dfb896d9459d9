"""What 1.32 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.protection import Protection
from bms.status import Error


class CommunicationTimeoutError(Change, item="v1.32-05c", basis=Basis.STATED):
    """A silent battery shows as error 39, communication time-out; before, as 23,
    battery failure.
    """

    deltas = (
        Protection.silence_error.changed(was=Error.BATTERY_SILENT, now=Error.COMMUNICATION_TIMEOUT),
    )


RELEASE = Release(
    version=Version(1, 32),
    date="2023-01-10",
    changes=(CommunicationTimeoutError,),
)
