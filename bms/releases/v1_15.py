"""What 1.15 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.history.contactor import DifferenceAfterFiveSeconds
from bms.rooms.contactor import Contactor, FallOfTheSystemVoltage


class OpeningCheckSeesTheFall(Change, item="v1.15-01", basis=Basis.CHOSEN):
    """The check looks for the fall of the system voltage, however slow, instead of its level at
    one moment: the source of event 26 on healthy contactors is gone.
    """

    deltas = (
        Contactor.opening_check.changed(was=DifferenceAfterFiveSeconds, now=FallOfTheSystemVoltage),
    )


RELEASE = Release(
    version=Version(1, 15),
    date="2019-01-17",
    changes=(OpeningCheckSeesTheFall,),
)
