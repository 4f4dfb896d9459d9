"""What 1.36 changed."""

from bms.firmware import Basis, Change, Component, Release, Version
from bms.history.reception import HeldUpByATask
from bms.reception import EveryFrame
from bms.rooms.battery_bus import BatteryBus
from bms.rooms.ve_can import VeCan


class FramesAreLost(Change, item="v1.36-K1", basis=Basis.STATED, cured_by="v1.37-01"):
    """An internal task holds reception up, and frames that arrive meanwhile are lost, on every
    port.
    """

    deltas = (
        BatteryBus.reception.changed(was=EveryFrame, now=HeldUpByATask),
        VeCan.reception.changed(was=EveryFrame, now=HeldUpByATask),
    )


RELEASE = Release(
    version=Version(1, 36),
    date="2024-02-06",
    changes=(FramesAreLost,),
    tool_installs=frozenset({Component.SECONDARY_BOOT_LOADER}),
)
