"""What 1.22 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.registration import Registration


class BatteriesOf122(Change, item="v1.22-01", basis=Basis.CHOSEN):
    """HE250, which has no terminal sensors, joins the type table (chosen: the log names no type);
    before, the start ended with error 2, as if there were no battery.
    """

    deltas = (Registration.types.gained(12),)


RELEASE = Release(
    version=Version(1, 22),
    date="2019-12-30",
    changes=(BatteriesOf122,),
)
