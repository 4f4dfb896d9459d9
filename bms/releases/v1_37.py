"""What 1.37 changed."""

from bms.firmware import Basis, Change, Release, Version
from bms.history.reception import HeldUpByATask
from bms.reception import EveryFrame
from bms.rooms.battery_bus import BatteryBus
from bms.rooms.diagnostics import Diagnostics
from bms.rooms.nmea2000 import Nmea2000
from bms.rooms.ve_can import VeCan
from bms.rooms.visedo import Visedo


class FramesAreKept(Change, item="v1.37-01", basis=Basis.STATED):
    """No received frame is lost any more, on any port."""

    deltas = (
        BatteryBus.reception.changed(was=HeldUpByATask, now=EveryFrame),
        Nmea2000.reception.changed(was=HeldUpByATask, now=EveryFrame),
        VeCan.reception.changed(was=HeldUpByATask, now=EveryFrame),
        Visedo.reception.changed(was=HeldUpByATask, now=EveryFrame),
        Diagnostics.reception.changed(was=HeldUpByATask, now=EveryFrame),
    )


RELEASE = Release(
    version=Version(1, 37),
    date="2024-02-20",
    changes=(FramesAreKept,),
)
