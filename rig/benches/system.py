"""One simulated system: plant, private bus, battery modules and a master, on a given VE.Can."""

from dataclasses import dataclass
from functools import partial

from rig.can.bus import Bus
from rig.dut.model import DutSpec, ModelDut
from rig.dut.modules import (
    BatteryIdentity,
    BatteryType,
    ModelModule,
    battery_firmware,
    battery_type,
    installed_firmware,
)
from rig.errors import BenchFileError
from rig.kernel import Kernel
from rig.needs import Needs
from rig.plant.dc_bus import DcBus
from rig.plant.fmu import FmuPlant
from rig.plant.fmu_file import FmuFile
from rig.plant.plant import Plant
from rig.plant.spec import ModuleSpec, PlantSpec, PrechargeSpec

PRIVATE_BIT_RATE, VE_CAN_BIT_RATE, EXTERNAL_BIT_RATE = 250_000, 250_000, 500_000
RESISTOR_FROM_CELLS = 16  # a 48 V system has a pre-charge resistor, a 24 V one an NTC
# Chosen: a wire-wound resistor of 50 W on a heat sink, which burns out from 5 kJ on.
PRECHARGE_RESISTOR = PrechargeSpec(
    kind="resistor", ohm=10.0, heat_capacity_j_per_k=15.0, dissipation_w_per_k=0.15, burns_c=360.0
)
FIRST_SERIAL = 17_200_047  # made in week 20 of 2017: batteries that every release takes
SERIAL_STEP = 23  # up to five announce themselves 23 ms apart: even 1.36 misses none (v1.36-K1)
SERIAL_PREFIX = "HQ"


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
    dc_bus: DcBus | None = None,
    fmu: FmuFile | None = None,
) -> System:
    """A system at its start state; ``shared`` are the buses that it has in common with others.

    ``dc_bus``: that of another system's plant, if it works in parallel with that one.
    ``fmu``: what stands for each battery's cells; None: our own plant.
    """
    plant = build_plant(kernel, needs, name, dc_bus, fmu)
    private = Bus(kernel, f"{name}/private", PRIVATE_BIT_RATE, needs.private_bus_m)
    identities = battery_identities(needs, spec, name)
    modules = [
        ModelModule(kernel, private, plant, cells, identity)
        for cells, identity in zip(plant.modules, identities, strict=True)
    ]
    for module in modules:
        module.binary = partial(installed_firmware, spec)
    dut = ModelDut(kernel, plant, {"private": private, **shared}, spec)
    return System(plant, private, dut, modules)


def build_plant(
    kernel: Kernel,
    needs: Needs,
    name: str,
    dc_bus: DcBus | None = None,
    fmu: FmuFile | None = None,
) -> Plant:
    """The plant of a system at its start state."""
    spec, dice = plant_spec(needs, battery_type(needs.battery)), kernel.stream(f"{name}/plant")
    if fmu is None:
        return Plant(spec, dice, clock=lambda: kernel.now_us, dc_bus=dc_bus)
    return FmuPlant(spec, dice, fmu, clock=lambda: kernel.now_us, dc_bus=dc_bus)


def battery_identities(needs: Needs, spec: DutSpec, name: str) -> list[BatteryIdentity]:
    """Each battery's type, the number in its serial, and the firmware that it runs."""
    kinds, serials = _each(needs, battery_type(needs.battery)), _serials(needs, name)
    running = [battery_firmware(spec, own) for own in _releases(needs)]
    return list(zip(kinds, serials, running, strict=True))


def _each(needs: Needs, kind: BatteryType) -> list[BatteryType]:
    """The types of all batteries. Raises BenchFileError for too many or too few."""
    count = needs.series * needs.parallel
    if len(needs.batteries) not in {0, count}:
        raise BenchFileError(f"needs(batteries=...): {count} names, one for each battery, or none")
    return [battery_type(name) for name in needs.batteries] or [kind] * count


def _releases(needs: Needs) -> list[str]:
    """What each battery has kept. Raises BenchFileError for too many or too few."""
    count = needs.series * needs.parallel
    if len(needs.battery_releases) not in {0, count}:
        raise BenchFileError(
            f"needs(battery_releases=...): {count} releases, one for each battery, or none"
        )
    return list(needs.battery_releases) or [""] * count


def _serials(needs: Needs, name: str) -> list[int]:
    """The numbers in the batteries' serials. Raises BenchFileError for what is no serial."""
    count = needs.series * needs.parallel
    first = FIRST_SERIAL + 1000 * len(name)
    if not needs.serials:
        return [first + SERIAL_STEP * index for index in range(count)]
    digits = [serial.removeprefix(SERIAL_PREFIX) for serial in needs.serials]
    if len(digits) != count or not all(len(d) == 8 and d.isdecimal() for d in digits):
        raise BenchFileError(
            f"needs(serials={needs.serials}): {count} of {SERIAL_PREFIX} and eight digits, or none"
        )
    return [int(d) for d in digits]


def plant_spec(needs: Needs, kind: BatteryType) -> PlantSpec:
    """The plant that a scenario needs: all batteries have as many cells as those of ``kind``.

    Cells in parallel of another number would burn; a battery that only says so burns nothing.
    """
    share = needs.capacity_pct / 100
    capacities_ah = [each.capacity_ah * share for each in _each(needs, kind)]
    resistor = kind.cells * needs.series >= RESISTOR_FROM_CELLS
    return PlantSpec(
        module=ModuleSpec(
            chemistry="LFP" if kind.chemistry == "LFP" else "NMC",
            cell="nmc_rs" if kind.family == "RS" else None,
            cells=kind.cells,
            capacity_ah=kind.capacity_ah * share,
            temperature_sensors=kind.temperature_sensors,
            has_terminal_sensors=kind.terminal_sensors,
            fan=kind.fan,
        ),
        capacities_ah=tuple(capacities_ah) if needs.batteries else (),
        series=needs.series,
        parallel=needs.parallel,
        soc_pct=needs.soc_pct,
        soc_spread_pct=needs.soc_spread_pct,
        soc_spread_exact=needs.soc_spread_exact,
        temperature_c=needs.temperature_c,
        link_capacitance_f=needs.link_capacitance_f,
        link_bleed_ohm=needs.link_bleed_ohm,
        link_load_ohm=needs.link_load_ohm,
        precharge=PRECHARGE_RESISTOR
        if resistor
        else PrechargeSpec(kind="ntc", ohm=needs.precharge_ohm),
    )
