"""What can be broken on a bench: `FAULTS`, what each does, and which bench can insert it how.

`fault = await bench.inject("cell weak", battery=0, cell=3, capacity_pct=60)` inserts one at that
moment, `await fault.clear()` takes it away. How the simulated bench does it stands in
`rig.benches.insertion`; `hil bench faults` lists all.
"""

from rig.faults.catalogue import FAULTS
from rig.faults.fault import Asked, BatterySize, Fault, ask
from rig.faults.kind import Element, FaultKind, Parameter

__all__ = [
    "FAULTS",
    "Asked",
    "BatterySize",
    "Element",
    "Fault",
    "FaultKind",
    "Parameter",
    "ask",
]
