"""One simulated system: plant, private bus, battery modules and a master, on a given VE.Can."""

from dataclasses import dataclass

from rig.can.bus import Bus
from rig.dut.model import DutSpec, ModelDut
from rig.dut.modules import BatteryType, ModelModule, battery_type
from rig.kernel import Kernel
from rig.needs import Needs
from rig.plant.plant import Plant
from rig.plant.spec import ModuleSpec, PlantSpec, PrechargeSpec

PRIVATE_BIT_RATE, VE_CAN_BIT_RATE, EXTERNAL_BIT_RATE = 250_000, 250_000, 500_000
RESISTOR_FROM_CELLS = 16  # a 48 V system has a pre-charge resistor, a 24 V one an NTC
FIRST_SERIAL = 24_350_001


@dataclass(slots=True)
class System:
    """What stands behind one VE.Can connector."""

    plant: Plant
    private: Bus
    dut: ModelDut
    modules: list[ModelModule]


def build_system(
    kernel: Kernel,
    needs: Needs,
    spec: DutSpec,
    shared: dict[str, Bus],
    name: str,
) -> System:
    """A system at its start state; ``shared`` are the buses that it has in common with others."""
    kind = battery_type(needs.battery)
    plant = Plant(
        plant_spec(needs, kind), kernel.stream(f"{name}/plant"), clock=lambda: kernel.now_us
    )
    private = Bus(kernel, f"{name}/private", PRIVATE_BIT_RATE)
    first = FIRST_SERIAL + 1000 * len(name)
    modules = [
        ModelModule(
            kernel,
            private,
            plant,
            cells,
            (kind, first + 7 * index, spec.starts_on or spec.firmware),
        )
        for index, cells in enumerate(plant.modules)
    ]
    dut = ModelDut(kernel, plant, {"private": private, **shared}, spec)
    return System(plant, private, dut, modules)


def plant_spec(needs: Needs, kind: BatteryType) -> PlantSpec:
    """The plant that a scenario needs, of batteries of one type."""
    resistor = kind.cells * needs.series >= RESISTOR_FROM_CELLS
    return PlantSpec(
        module=ModuleSpec(
            chemistry="LFP" if kind.chemistry == "LFP" else "NMC",
            cells=kind.cells,
            capacity_ah=kind.capacity_ah * needs.capacity_pct / 100,
            temperature_sensors=kind.temperature_sensors,
            has_terminal_sensors=kind.terminal_sensors,
            fan=kind.fan,
        ),
        series=needs.series,
        parallel=needs.parallel,
        soc_pct=needs.soc_pct,
        soc_spread_pct=needs.soc_spread_pct,
        temperature_c=needs.temperature_c,
        link_capacitance_f=needs.link_capacitance_f,
        link_bleed_ohm=needs.link_bleed_ohm,
        link_load_ohm=needs.link_load_ohm,
        precharge=PrechargeSpec(kind="resistor", ohm=10.0)
        if resistor
        else PrechargeSpec(kind="ntc", ohm=needs.precharge_ohm),
    )
