"""An FMU as the batteries: built here of our own cells, so that the plant around it is compared."""

import asyncio
import os
import random
import shutil
import sys
import zipfile

import pytest

from instruments.twins.electrical import LoadDemand, LoadMode, SourceDemand
from rig.benches.file import FOLDER, load_bench
from rig.errors import BenchError, BenchFileError, NotOnThisBench
from rig.faults.tests.stand import bench_of
from rig.guard import guarded
from rig.plant import ModuleSpec, Plant, PlantSpec
from rig.plant import fmu_file as fmu_module
from rig.plant.fmu import FmuPlant
from rig.plant.fmu_file import FmuRefused, read_fmu
from rig.plant.fmu_unit import STEP_US
from rig.plant.fuse import FuseSpec
from rig.tests.virtual import virtual

SECOND_US = 1_000_000
MS_US = 1_000
CELLS = 8
# One module of our plant behind the documented variables; {cells}, {without} and {extra} are ours.
SLAVE = """
import random

from pythonfmu import Fmi2Causality, Fmi2Slave, Fmi2Variability, Real

from rig.plant.pack import Pack
from rig.plant.spec import ModuleSpec, PlantSpec

CELLS = {cells}
WITHOUT = {without}


class {name}(Fmi2Slave):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.pack, self.current_a = None, 0.0
        self.given = {{"start_temperature_c": 25.0, "capacity_ah": 1.0, "ambient_c": 25.0}}
        for name in ("start_temperature_c", "capacity_ah"):
            self.variable(name, Fmi2Causality.parameter)
        for k in range(CELLS):
            self.given[f"cell_soc_pct[{{k}}]"] = 50.0
            self.variable(f"cell_soc_pct[{{k}}]", Fmi2Causality.parameter)
        self.given["current_a"] = self.given["fan"] = 0.0
        self.variable("current_a", Fmi2Causality.input)
        self.variable("ambient_c", Fmi2Causality.input)
        self.variable("fan", Fmi2Causality.input)
        for k in range(CELLS):
            self.given[f"balancing_a[{{k}}]"] = 0.0
            self.variable(f"balancing_a[{{k}}]", Fmi2Causality.input)
        outputs = {{
            "voltage_v": lambda: self.at_terminals(),
            "resistance_ohm": lambda: self.pack.now()[1],
            "plus_c": lambda: self.module.terminal_temperatures()[0],
            "minus_c": lambda: self.module.terminal_temperatures()[1],
        }}
        for k in range(CELLS):
            outputs[f"cell_voltage_v[{{k}}]"] = lambda k=k: self.module.cell_voltage_v(k)
            outputs[f"cell_temperature_c[{{k}}]"] = lambda k=k: self.module.cell_temperature_c(k)
        {extra}
        for name, getter in outputs.items():
            self.variable(name, Fmi2Causality.output, getter)

    def variable(self, name, causality, getter=None):
        if name.partition("[")[0] in WITHOUT:
            return
        fixed = causality == Fmi2Causality.parameter
        self.register_variable(Real(
            name,
            causality=causality,
            variability=Fmi2Variability.fixed if fixed else Fmi2Variability.continuous,
            getter=getter or (lambda: self.given[name]),
            setter=lambda value: self.given.__setitem__(name, value),
        ))

    def at_terminals(self):
        emf_v, ohm = self.pack.now()
        return emf_v + self.current_a * ohm

    def exit_initialization_mode(self):
        spec = PlantSpec(
            module=ModuleSpec(
                chemistry="LFP", cells=CELLS, capacity_ah=self.given["capacity_ah"], fan=True
            ),
            temperature_c=self.given["start_temperature_c"],
        )
        self.pack = Pack(spec, random.Random(0), lambda: None)
        self.module = self.pack.modules[0]
        for k in range(CELLS):
            self.module.set_cell_soc(k, self.given[f"cell_soc_pct[{{k}}]"])
        self.pack.now()

    def do_step(self, time_s, step_s):
        for k in range(CELLS):
            asked_a = self.given.get(f"balancing_a[{{k}}]", 0.0)
            self.module.set_balancing(k, asked_a, burnt=float(asked_a < 0.0))
        self.module.ambient_c = self.given["ambient_c"]
        self.module.fan_on = self.given["fan"] > 0.5
        self.current_a = self.given["current_a"]
        self.pack.move(self.current_a, step_s)
        self.pack.settle(self.current_a)
        return True
"""


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """What builds an FMU; skips, naming what is missing."""
    pytest.importorskip("fmpy", reason="fmpy is not installed: make fmu")
    pytest.importorskip("pythonfmu", reason="pythonfmu is not installed: make fmu")
    from pythonfmu import FmuBuilder

    folder = tmp_path_factory.mktemp("fmu")
    known = {}

    def build(name="Module", cells=CELLS, without=(), extra=""):
        if name not in known:
            script = folder / f"{name.lower()}.py"
            text = SLAVE.format(name=name, cells=cells, without=set(without), extra=extra)
            script.write_text(text, encoding="utf-8")
            plain = FmuBuilder.build_FMU(script, dest=folder / "plain")
            known[name] = changed_description(plain, folder / plain.name, with_initial_unknowns)
        return known[name]

    path = list(sys.path)
    yield build
    sys.path[:] = path


@pytest.fixture
def module_fmu(built):
    return read_fmu(built())


def spec_of(**fields):
    module = ModuleSpec(chemistry="LFP", cells=CELLS, capacity_ah=230.0, fan=True)
    return PlantSpec(**{"module": module, "soc_pct": 60.0, "soc_spread_pct": 2.0, **fields})


def both(fmu, **fields):
    """Our own plant, and the same with an FMU as its batteries."""
    spec = spec_of(**fields)
    return Plant(spec, random.Random(7)), FmuPlant(spec, random.Random(7), fmu)


def changed_description(path, to, change):
    """The same FMU with another description."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "modelDescription.xml":
                data = change(data.decode()).encode()
            new.writestr(entry, data)
    return to


def with_initial_unknowns(text):
    """PythonFMU leaves them out, which the standard does not."""
    _, after = text.split("<Outputs>")
    unknowns, _ = after.split("</Outputs>")
    added = f"</Outputs><InitialUnknowns>{unknowns}</InitialUnknowns>"
    return text.replace("</Outputs>", added)


def cells_of(plant):
    return [v for module in plant.modules for v in module.cell_voltages()]


def temperatures_of(plant):
    return [m.cell_temperature_c(k) for m in plant.modules for k in range(CELLS)]


# As our own plant


def test_the_fmu_that_is_built_here_is_valid_by_a_strangers_check(built):
    from fmpy.validation import validate_fmu

    assert validate_fmu(str(built())) == []


@pytest.mark.parametrize("parallel", [1, 2])
@pytest.mark.parametrize("series", [1, 2])
def test_an_fmu_starts_as_our_own_plant(module_fmu, series, parallel):
    ours, theirs = both(module_fmu, series=series, parallel=parallel, temperature_c=12.0)

    assert theirs.battery_voltage_v == pytest.approx(ours.battery_voltage_v, abs=1e-9)
    # Between steps the lugs' ohms count to the cells: 5 uV of what strings exchange at rest.
    assert cells_of(theirs) == pytest.approx(cells_of(ours), abs=1e-5)
    assert temperatures_of(theirs) == temperatures_of(ours)
    assert theirs.modules[0].terminal_temperatures() == (12.0, 12.0)
    assert theirs.modules[0].cell_temperatures() == ours.modules[0].cell_temperatures()


# Chosen: a tenth of the last digit that a battery module tells of a cell (0.1 mV), as much for each
# cell at the terminals, and ten times that at the bus, which lags while it pre-charges. The cells'
# arithmetic is the same on both sides: what differs is the coupling.
def as_ours(ours, theirs, warmth_k=0.001):
    assert theirs.battery_voltage_v == pytest.approx(ours.battery_voltage_v, abs=0.00008)
    assert theirs.system_voltage_v == pytest.approx(ours.system_voltage_v, abs=0.0008)
    assert theirs.current_a == pytest.approx(ours.current_a, abs=0.001)
    assert cells_of(theirs) == pytest.approx(cells_of(ours), abs=0.00001)
    assert temperatures_of(theirs) == pytest.approx(temperatures_of(ours), abs=warmth_k)


@pytest.mark.parametrize("parallel", [1, 2])
def test_pre_charge_start_charge_for_60_s_and_stop_go_as_in_our_own_plant(module_fmu, parallel):
    demand = SourceDemand(False, 28.4, 100.0, 3000.0)
    plants = both(module_fmu, parallel=parallel)
    for plant in plants:
        plant.attach_source(demand)
        plant.set_precharge(0, on=True)
        plant.advance(4 * SECOND_US)
    as_ours(*plants)
    for plant in plants:
        plant.set_coil(4 * SECOND_US, on=True)
        plant.set_precharge(4_137_311, on=False)
        plant.advance(5 * SECOND_US)
    as_ours(*plants)
    demand.enabled = True
    for now_s in range(6, 66):
        for plant in plants:
            plant.advance(now_s * SECOND_US)
        as_ours(*plants)
    demand.enabled = False
    for plant in plants:
        plant.set_coil(65 * SECOND_US, on=False)
        plant.advance(75 * SECOND_US)

    as_ours(*plants)
    assert plants[1].charge_moved_ah == pytest.approx(100.0 * 60 / 3600, rel=0.001)
    assert plants[1].charge_moved_ah == pytest.approx(plants[0].charge_moved_ah, rel=1e-4)
    assert plants[1].energy_moved_wh == pytest.approx(plants[0].energy_moved_wh, rel=1e-3)


def test_a_held_voltage_is_reached_as_in_our_own_plant(module_fmu):
    plants = both(module_fmu)
    for plant in plants:
        plant.attach_source(SourceDemand(True, 26.9, 500.0, 20_000.0))
        plant.set_coil(0, on=True)
        plant.advance(300 * SECOND_US)
    ours, theirs = plants

    assert theirs.system_voltage_v == pytest.approx(26.9, abs=1e-6)
    assert theirs.current_a == pytest.approx(ours.current_a, rel=0.01)


def test_a_blown_fuse_leaves_the_fmu_at_rest(module_fmu):
    plants = both(module_fmu, main_fuse=FuseSpec(rated_a=50.0, i2t_a2s=10_000.0))
    for plant in plants:
        plant.attach_load(LoadDemand(enabled=True, mode=LoadMode.CC, level=200.0))
        plant.set_coil(0, on=True)
        plant.advance(10 * SECOND_US)
    ours, theirs = plants

    assert theirs.main_fuse_blown
    assert theirs.current_a == 0.0
    assert theirs.charge_moved_ah == pytest.approx(ours.charge_moved_ah, rel=1e-6)
    assert theirs.battery_voltage_v == pytest.approx(ours.battery_voltage_v, abs=0.002)


def test_current_that_changes_within_a_step_counts_by_its_mean(module_fmu):
    demand = LoadDemand(enabled=True, mode=LoadMode.CC, level=100.0)
    plants = both(module_fmu, link_bleed_ohm=1e9)
    for plant in plants:
        plant.attach_load(demand)
        plant.set_coil(0, on=True)
        plant.advance(SECOND_US)
    for k in range(1, 400):
        for plant in plants:
            plant.advance(SECOND_US + k * 37 * MS_US)
        demand.level = 100.0 * (k % 2)
    for plant in plants:
        plant.advance(20 * SECOND_US)

    # The mean of a current heats less than the current: here 1.6 mK less.
    as_ours(*plants, warmth_k=0.005)


def test_bleeding_a_cell_reaches_the_fmu(module_fmu):
    plants = both(module_fmu, soc_spread_pct=0.0)
    for plant in plants:
        plant.modules[0].bleed(3, 5.0)
        plant.advance(60 * SECOND_US)

    assert plants[1].modules[0].bleeding
    assert cells_of(plants[1])[3] < cells_of(plants[1])[2] - 0.001
    assert cells_of(plants[1]) == pytest.approx(cells_of(plants[0]), abs=0.0001)


def test_the_fan_and_the_ambient_reach_the_fmu(module_fmu):
    plants = both(module_fmu)
    for plant in plants:
        plant.modules[0].fan_on = True
        plant.set_ambient(60.0)
        plant.advance(600 * SECOND_US)

    assert plants[1].modules[0].temperature_c > 27.0
    # Cells at rest warm in ticks of 10 s, of 0.05 K here, and one of them may be under way.
    assert temperatures_of(plants[1]) == pytest.approx(temperatures_of(plants[0]), abs=0.06)


def test_the_same_seed_gives_the_same_voltages(module_fmu):
    def course():
        plant = FmuPlant(spec_of(parallel=2), random.Random(3), module_fmu)
        plant.attach_load(LoadDemand(enabled=True, mode=LoadMode.CC, level=80.0))
        plant.set_coil(0, on=True)
        plant.advance(20 * SECOND_US)
        return cells_of(plant), plant.battery_voltage_v

    assert course() == course()


@virtual
async def test_a_device_under_test_starts_charges_and_stops_on_an_fmu(built, tmp_path):
    found = []
    for file in ("sim", bench_file(tmp_path, f'fmu = "{built()}"')):
        async with bench_of(file, battery="LFP 24 V 230 Ah", parallel=2) as (bench, parts):
            await bench.running()
            await bench.charger.charge(60.0, 28.4)
            await asyncio.sleep(60.0)
            plant = parts._system.plant
            plant.settle()
            found.append((type(plant), plant.current_a, plant.battery_voltage_v, cells_of(plant)))
            await bench.charger.off()
            await bench.stopped()
            assert not plant.contactor_closed
    (_, our_a, our_v, our_cells), (kind, their_a, their_v, their_cells) = found

    assert kind is FmuPlant
    assert their_a == pytest.approx(our_a, abs=0.05)
    assert their_a == pytest.approx(60.0, abs=1.0)
    assert their_v == pytest.approx(our_v, abs=0.002)
    assert their_cells == pytest.approx(our_cells, abs=0.0005)


# What it cannot do is said


DEAD = "self.do_step = lambda *_: False"
REACHING_IN = {
    "weak": lambda m: m.scale_cell(0, capacity=0.5),
    "shorted": lambda m: m.short_cell(0, 1.0),
    "reversed": lambda m: m.reverse_cell(0, -1.0),
    "aged": lambda m: m.age_cell(0, 80.0),
    "soc": lambda m: m.set_cell_soc(0, 50.0),
    "rest voltage": lambda m: m.set_cell_rest_voltage(0, 3.3),
    "lug": lambda m: m.add_contact_ohm(0, 0.01),
    "loose lug": lambda m: m.set_contact_ohm(positive=0.01),
    "capacity": lambda m: setattr(m, "capacity_ah", 100.0),
    "temperature": lambda m: setattr(m, "temperature_c", 40.0),
    "held temperature": lambda m: m.hold_temperature(),
    "blocked fan": lambda m: setattr(m, "fan_blocked", True),
    "asked for SOC": lambda m: m.cell_soc(0),
    "asked for heat": lambda m: m.heat_j,
}


@pytest.mark.parametrize("reach", REACHING_IN.values(), ids=REACHING_IN)
def test_nobody_reaches_into_an_fmus_cells(module_fmu, reach):
    plant = FmuPlant(spec_of(), random.Random(1), module_fmu)

    with pytest.raises(NotOnThisBench, match=r"Module\.fmu \(battery 1\): an FMU"):
        reach(plant.modules[0])


def test_a_fan_that_the_fmu_does_not_have_is_not_switched_in_silence(built):
    fmu = read_fmu(built("Fanless", without=("fan", "balancing_a")))
    module = FmuPlant(spec_of(), random.Random(1), fmu).modules[0]
    module.set_balancing(0, 0.0, burnt=1.0)

    with pytest.raises(NotOnThisBench, match="has no input fan"):
        module.fan_on = True
    with pytest.raises(NotOnThisBench, match=r"has no input balancing_a\[2\]"):
        module.bleed(2, 1.0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")
def test_a_fork_is_refused_in_the_child_and_goes_on_in_the_parent(module_fmu):
    plant = FmuPlant(spec_of(), random.Random(1), module_fmu)
    plant.advance(STEP_US)
    child = os.fork()
    if child == 0:
        try:
            plant.advance(3 * STEP_US)
        except NotOnThisBench as error:
            os._exit(7 if "cannot be forked" in str(error) else 8)
        os._exit(9)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    plant.advance(3 * STEP_US)


@pytest.mark.parametrize(
    ("name", "extra", "said"),
    [
        ("Nan", 'outputs["cell_voltage_v[1]"] = lambda: float("nan")', "no finite number"),
        ("Negative", 'outputs["resistance_ohm"] = lambda: -0.001', "resistance_ohm is -0.001"),
        ("Failing", DEAD, "at 0.0 s: .*fmi2DoStep"),
    ],
)
def test_an_fmu_that_fails_is_named(built, name, extra, said):
    fmu = read_fmu(built(name, extra=extra))

    with pytest.raises(BenchError, match=rf"{name}\.fmu \(battery 1\).*{said}"):
        FmuPlant(spec_of(), random.Random(1), fmu).advance(SECOND_US)


def test_an_fmu_that_has_failed_once_is_not_called_again(built):
    plant = FmuPlant(spec_of(), random.Random(1), read_fmu(built("Dead", extra=DEAD)))

    for _ in range(2):
        with pytest.raises(BenchError, match=r"at 0\.0 s: .*fmi2DoStep"):
            plant.advance(SECOND_US)


@virtual
async def test_an_fmu_starts_and_steps_under_the_guard_of_an_attempt(module_fmu):
    with guarded():
        FmuPlant(spec_of(), random.Random(1), module_fmu).advance(SECOND_US)


def test_its_unpacked_files_are_gone_with_the_plant(module_fmu):
    plant = FmuPlant(spec_of(), random.Random(1), module_fmu)
    folder = plant._branch.pack._units[0]._root.folder
    assert folder.is_dir()

    del plant
    import gc

    gc.collect()

    assert not folder.exists()


# What does not fit is refused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: x.replace('fmiVersion="2.0"', 'fmiVersion="9.0"'), "cannot be read: "),
        (lambda x: x.replace('name="current_a"', 'name="amps"'), "no current_a; .*one input"),
        (lambda x: x.replace('name="ambient_c"', 'name="fan2"'), "no ambient_c; .*one input"),
        (
            lambda x: x.replace(
                'name="voltage_v" valueReference', 'name="ambient_c2" valueReference'
            ),
            "no voltage_v; allowed: one output voltage_v",
        ),
    ],
    ids=["version", "current", "ambient", "voltage"],
)
def test_an_fmu_that_breaks_the_contract_is_refused(built, tmp_path, change, said):
    path = changed_description(built(), tmp_path / "other.fmu", change)

    with pytest.raises(FmuRefused, match=said):
        read_fmu(path)


def with_unit(unit):
    """`current_a` in this unit."""
    units = f'<UnitDefinitions><Unit name="{unit}"/></UnitDefinitions>'

    def change(text):
        text = text.replace("<LogCategories", units + "<LogCategories", 1)
        before, after = text.split('name="current_a"', 1)
        return f'{before}name="current_a"' + after.replace("<Real ", f'<Real unit="{unit}" ', 1)

    return change


def test_a_unit_that_is_stated_has_to_be_the_contracts(built, tmp_path):
    milli = changed_description(built(), tmp_path / "milli.fmu", with_unit("mA"))
    right = changed_description(built(), tmp_path / "right.fmu", with_unit("A"))

    with pytest.raises(FmuRefused, match="current_a in mA; allowed: A, or no unit"):
        read_fmu(milli)
    assert read_fmu(right).references == read_fmu(built()).references


def test_a_unit_of_a_declared_type_counts_as_well(built, tmp_path):
    def change(text):
        text = with_unit("K")(text).replace('unit="K" ', 'declaredType="Current" ')
        types = '<SimpleType name="Current"><Real unit="K"/></SimpleType>'
        types = f"<TypeDefinitions>{types}</TypeDefinitions>"
        return text.replace("</UnitDefinitions>", "</UnitDefinitions>" + types)

    path = changed_description(built(), tmp_path / "kelvin.fmu", change)

    with pytest.raises(FmuRefused, match="current_a in K; allowed: A, or no unit"):
        read_fmu(path)


def test_an_fmu_with_too_few_cells_is_refused(module_fmu):
    module = ModuleSpec(chemistry="LFP", cells=16, capacity_ah=230.0)

    with pytest.raises(FmuRefused, match=r"for 8 cells; allowed: \w+\[0\] to \w+\[15\]"):
        FmuPlant(spec_of(module=module), random.Random(1), module_fmu)


def test_an_fmu_without_terminals_serves_only_batteries_without_such_sensors(built):
    fmu = read_fmu(built("Lugless", without=("plus_c", "minus_c")))
    module = ModuleSpec(chemistry="LFP", cells=CELLS, capacity_ah=230.0, has_terminal_sensors=False)

    plant = FmuPlant(spec_of(module=module), random.Random(1), fmu)

    assert plant.modules[0].terminal_temperatures() is None
    with pytest.raises(FmuRefused, match="no plus_c; allowed: plus_c and minus_c"):
        FmuPlant(spec_of(), random.Random(1), fmu)


def test_an_fmu_that_can_be_there_once_is_no_string_of_two(built, tmp_path):
    flag = 'canBeInstantiatedOnlyOncePerProcess="'
    path = changed_description(
        built(), tmp_path / "once.fmu", lambda x: x.replace(f"{flag}false", f"{flag}true")
    )

    with pytest.raises(FmuRefused, match="can be there once, 2 are needed"):
        FmuPlant(spec_of(series=2), random.Random(1), read_fmu(path))


# In a bench file


def bench_file(folder, plant):
    path = folder / "corner.toml"
    path.write_text((FOLDER / "sim.toml").read_text() + f"\n[plant]\n{plant}\n", encoding="utf-8")
    return str(path)


def test_a_bench_file_names_an_fmu_beside_it(built, tmp_path):
    shutil.copy(built(), tmp_path / "pack.fmu")

    bench = load_bench(bench_file(tmp_path, 'fmu = "pack.fmu"'))

    assert bench.fmu is not None
    assert bench.fmu.path == tmp_path / "pack.fmu"
    assert load_bench("sim").fmu is None


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        ('fmu = "gone.fmu"', r"plant\.fmu: .*gone\.fmu: is missing; allowed: a path to an \.fmu"),
        ('fmu = "."', r"plant\.fmu: .*: is no file; allowed: a path to an \.fmu file"),
        ("fmu = 3", r"plant\.fmu: 3; allowed: a text"),
        ("", r"plant\.fmu: is missing; allowed: a text"),
        ('fmi = "a.fmu"', r"plant\.fmi: is unknown; allowed: fmu"),
    ],
    ids=["missing", "a folder", "no text", "nothing", "another name"],
)
def test_a_bench_file_with_a_wrong_fmu_is_told_in_one_line(tmp_path, plant, said):
    with pytest.raises(BenchFileError, match=rf"^\S*corner\.toml: {said}") as caught:
        load_bench(bench_file(tmp_path, plant))

    assert "\n" not in str(caught.value)


def test_a_bench_file_with_something_else_for_an_fmu_is_told_in_one_line(built, tmp_path):
    assert built
    (tmp_path / "text.fmu").write_text("no zip", encoding="utf-8")

    with pytest.raises(BenchFileError, match=r"corner\.toml: plant\.fmu: .*cannot be read") as told:
        load_bench(bench_file(tmp_path, 'fmu = "text.fmu"'))

    assert "\n" not in str(told.value)


def test_without_the_extra_an_fmu_is_refused_by_what_is_missing(tmp_path, monkeypatch):
    (tmp_path / "a.fmu").write_bytes(b"")
    monkeypatch.setattr(fmu_module.importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(BenchFileError, match=r"plant\.fmu: .*fmpy is not installed; .*make fmu"):
        load_bench(bench_file(tmp_path, 'fmu = "a.fmu"'))
