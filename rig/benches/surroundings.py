"""What stands around one device in a process of its own: plant, battery modules, and its harness.

Each is what the simulated bench has, on the wall clock; the batteries speak on a bus of the hub.
"""

from pathlib import Path

from rig.benches.system import battery_identities, build_plant
from rig.can.hub_bus import HubBus
from rig.dut.harness import HarnessedDut
from rig.dut.model import DutSpec, has_bluetooth
from rig.dut.modules import ModelModule
from rig.needs import Needs
from rig.plant.dc_bus import DcBus
from rig.plant.fmu_file import FmuFile
from rig.wall import WallLoop


class Surroundings:
    """A system without its master: that one hangs on the harness."""

    def __init__(
        self,
        loop: WallLoop,
        bus: tuple[Path, str],
        harness: Path,
        needs: Needs,
        spec: DutSpec,
        *,
        name: str = "dut",
        dc_bus: DcBus | None = None,
        fmu: FmuFile | None = None,
    ) -> None:
        """``bus``: the hub's socket, and the name of the private bus there."""
        kernel = loop.kernel
        self.plant = build_plant(kernel, needs, name, dc_bus, fmu)
        self.hub_bus = HubBus(kernel, *bus)
        fitted = has_bluetooth(needs.serial or spec.serial)
        self.dut = HarnessedDut(loop, self.plant, harness, bluetooth=fitted)
        self.modules = [
            ModelModule(kernel, self.hub_bus, self.plant, cells, identity)
            for cells, identity in zip(
                self.plant.modules, battery_identities(needs, spec, name), strict=True
            )
        ]

    def close(self) -> None:
        """Pull the device out, and leave the hub."""
        self.dut.close()
        self.hub_bus.close()
