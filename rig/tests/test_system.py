"""A bench's batteries: their types and serial numbers one by one."""

import pytest

from rig.benches.system import build_system, plant_spec
from rig.can.bus import Bus
from rig.dut.model import DutSpec
from rig.dut.modules import battery_type
from rig.errors import BenchFileError
from rig.kernel import Kernel
from rig.needs import Needs
from rig.plant import ModuleSpec, PlantSpec


def system_of(**needs):
    kernel = Kernel(seed="1")
    shared = {"ve_can": Bus(kernel, "ve_can", 250_000)}
    return build_system(kernel, Needs(**needs), DutSpec(firmware="1.38"), shared, "dut")


def test_batteries_of_one_type_have_serial_numbers_of_their_own():
    modules = system_of(parallel=3).modules

    assert {module.type.name for module in modules} == {"LFP 24 V 230 Ah"}
    assert len({module.serial for module in modules}) == 3


def test_batteries_have_the_types_and_serial_numbers_that_are_asked_for():
    modules = system_of(
        battery="RS176",
        parallel=2,
        batteries=("RS176", "RS230"),
        serials=("HQ17450001", "HQ17460001"),
    ).modules

    assert [module.type.name for module in modules] == ["RS176", "RS230"]
    assert [module.serial for module in modules] == [17_450_001, 17_460_001]


def test_each_battery_has_the_capacity_of_its_type_and_the_cells_of_the_first():
    needs = Needs(battery="RS176", parallel=2, batteries=("RS176", "RS132 14S"), capacity_pct=50)
    spec = plant_spec(needs, battery_type("RS176"))

    assert (spec.capacities_ah, spec.module.cells) == ((88.0, 66.0), 12)


def test_each_module_of_the_plant_has_its_own_capacity():
    system = system_of(battery="RS176", parallel=2, batteries=("RS176", "RS230"))

    assert [round(module.capacity_ah) for module in system.plant.modules] == [176, 230]


def test_a_plant_has_one_capacity_for_each_module_or_none():
    module = ModuleSpec(chemistry="LFP", cells=8, capacity_ah=230.0)

    with pytest.raises(ValueError, match="one for each module, or none"):
        PlantSpec(module=module, parallel=2, capacities_ah=(230.0,))


def test_batteries_of_one_type_share_one_capacity():
    assert plant_spec(Needs(), battery_type("RS176")).capacities_ah == ()


@pytest.mark.parametrize("serials", [("HQ1",), ("HQ17450001",), ("HQ17450001", "HQ1746ABCD")])
def test_serials_that_are_none_are_refused(serials):
    with pytest.raises(BenchFileError, match="2 of HQ and eight digits"):
        system_of(parallel=2, serials=serials)


def test_too_few_types_are_refused():
    with pytest.raises(BenchFileError, match="4 names, one for each battery"):
        system_of(series=2, parallel=2, batteries=("RS176", "RS230"))
