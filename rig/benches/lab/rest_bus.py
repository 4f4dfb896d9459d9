"""Rest-bus batteries: our modules' firmware on a lab's real private bus, cells in a model.

The protocol between master and batteries is not public; this is the project's own, and says so.
The cells follow the real circuit: the contactor by its auxiliary contact, charge and discharge by
what the instruments measure, once a second. Their voltage is the model's, not the terminals'.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from instruments.twins.electrical import LoadDemand, LoadMode, SourceDemand
from rig.benches.insertion import Insertion
from rig.benches.system import System, battery_identities, build_plant
from rig.can.adapter import AdapterBus
from rig.can.bus import Bus
from rig.dut.model import DutSpec, ModelDut
from rig.dut.modules import ModelModule
from rig.errors import NotOnThisBench
from rig.faults import Asked, BatterySize
from rig.kernel import Kernel, milliseconds, seconds
from rig.needs import Needs
from rig.signal import Sample, Signal
from rig.views import Contact

SAMPLE_US = milliseconds(100)  # chosen: the modules' own reporting period
FOLLOW_US = seconds(1)  # chosen: cells move by microvolts in it
ABOVE_ANY_V = 1000.0  # a source that is never at its voltage gives its current
NO_POWER_LIMIT_W = 1e9


class _NoDut:
    """The device is real: what a fault would do to it from within is not here."""

    def __getattr__(self, name: str) -> Any:
        raise NotOnThisBench(f"{name.replace('_', ' ')}: not on a lab bench")


class RestBus:
    """Batteries without hardware, on a real private bus."""

    def __init__(self, kernel: Kernel, private: AdapterBus, needs: Needs, spec: DutSpec) -> None:
        self._kernel = kernel
        plant = self._plant = build_plant(kernel, needs, "dut")
        self.modules = [
            ModelModule(kernel, private, plant, cells, identity)
            for cells, identity in zip(
                plant.modules, battery_identities(needs, spec, "dut"), strict=True
            )
        ]
        system = System(plant, cast(Bus, private), cast(ModelDut, _NoDut()), self.modules)
        self._insertion = Insertion(kernel, system)
        self._charge = SourceDemand(False, ABOVE_ANY_V, 0.0, NO_POWER_LIMIT_W)
        self._discharge = LoadDemand(False, LoadMode.CC, 0.0)
        plant.attach_source(self._charge)
        plant.attach_load(self._discharge)
        self._closed = False
        self._sample()

    def _sample(self) -> None:
        self._kernel.after(SAMPLE_US, self._sample)
        self._plant.sample(self._kernel.now_us)

    def follow(
        self, lines: Mapping[str, Signal[Any]], charged: Signal[float], drawn: Signal[float]
    ) -> Callable[[], None]:
        """Have the cells follow contactor and currents from now on; what ends it is returned."""
        contactor = lines["contactor_aux"]
        watched: list[tuple[Signal[Any], Callable[[Sample[Any]], None]]] = [
            (contactor, self._switch),
            (charged, self._take),
            (drawn, self._give),
        ]
        for signal, told in watched:
            signal.watch(told, FOLLOW_US)

        def end() -> None:
            for signal, told in watched:
                signal.unwatch(told)

        return end

    def _switch(self, sample: Sample[Any]) -> None:
        closed = sample.value is Contact.CLOSED
        if closed is not self._closed:
            self._closed = closed
            self._plant.set_coil(self._kernel.now_us, closed)
            if not closed:
                self._charge.enabled = self._discharge.enabled = False

    def _take(self, sample: Sample[Any]) -> None:
        if abs(sample.value - self._charge.current_limit_a) > 0.01 or not self._charge.enabled:
            self._plant.settle()
            self._charge.current_limit_a = max(0.0, sample.value)
            self._charge.enabled = self._closed and sample.value > 0.0

    def _give(self, sample: Sample[Any]) -> None:
        if abs(sample.value - self._discharge.level) > 0.01 or not self._discharge.enabled:
            self._plant.settle()
            self._discharge.level = max(0.0, sample.value)
            self._discharge.enabled = self._closed and sample.value > 0.0

    @property
    def sizes(self) -> list[BatterySize]:
        """What its batteries have."""
        return self._insertion.sizes

    def insert(self, asked: Asked) -> Callable[[], None]:
        """Insert a fault of a battery's electronics or cells. Raises NotOnThisBench for others."""
        if not asked.kind.places:
            raise NotOnThisBench(f"fault {asked.kind.name!r}: rest-bus batteries have none such")
        return self._insertion.insert(asked)
