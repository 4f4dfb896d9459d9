"""What 1.18 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.rooms.settings import Settings
from bms.rooms.ve_can import VeCan


class CombinedSystems(Change, item="v1.18-01", basis=Basis.STATED, builds_on=("v1.08-01",)):
    """A setting, 0x0377, makes a system one of several in parallel on the same loads and chargers;
    before, there was none.
    """

    deltas = (Settings.defaults.gained("combined"), VeCan.registers.gained(0x0377))


RELEASE = Release(
    version=Version(1, 18),
    date="2019-06-12",
    changes=(CombinedSystems,),
)
