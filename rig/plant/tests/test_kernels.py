"""The native kernel and the reference: the same layout, the same bits, chosen as asked."""

import random
import re
from array import array

import pytest

from rig.errors import BenchFileError
from rig.plant import ModuleSpec, PlantSpec, kernel
from rig.plant.cell import known_cells
from rig.plant.kernel import chosen_kernel
from rig.plant.kernel_native import SOURCE, build, library_path, load
from rig.plant.kernel_python import PythonKernel
from rig.plant.pack import Pack


@pytest.fixture(scope="module")
def native():
    said = build()
    found = load()
    if found is None:
        pytest.skip(said)
    return found


@pytest.fixture
def fresh_choice():
    chosen_kernel.cache_clear()
    yield
    chosen_kernel.cache_clear()


def random_life(seed: int, cells_kernel) -> bytes:
    """A system that a seed has drawn, through 60 steps of a life that it has drawn too."""
    chance = random.Random(seed)
    module = ModuleSpec(
        chemistry="LFP",
        cell=chance.choice(known_cells()),
        cells=chance.randint(1, 9),
        capacity_ah=chance.uniform(2.0, 300.0),
        fan=True,
        resistance_pct=chance.uniform(80.0, 200.0),
    )
    spec = PlantSpec(
        module=module,
        series=chance.randint(1, 3),
        parallel=chance.randint(1, 3),
        soc_pct=chance.uniform(2.0, 99.0),
        soc_spread_pct=chance.uniform(0.0, 6.0),
        temperature_c=chance.uniform(-15.0, 50.0),
    )
    pack = Pack(spec, random.Random(seed), lambda: None, cells_kernel)
    for _ in range(60):
        match chance.randint(0, 19):
            case 0:
                pack.modules[0].bleed(0, chance.choice([0.0, 1.5]))
            case 1:
                pack.modules[-1].balance(0, chance.choice([0.0, -2.0, 2.0]))
            case 2:
                pack.modules[-1].ambient_c = chance.uniform(-10.0, 40.0)
            case 3:
                pack.modules[0].fan_on = chance.choice([True, False])
            case 4:
                pack.modules[0].set_cell_soc(0, chance.uniform(-5.0, 105.0))
            case 5:
                pack.shift_charge(chance.uniform(-10.0, 10.0))
        ampere = chance.choice([0.0, chance.uniform(-1.0, 1.0) * module.capacity_ah])
        dt_s = chance.choice([0.001, 0.1, 1.0, 10.0, 3600.0 if ampere == 0.0 else 60.0])
        pack.at_end(dt_s)
        pack.move(ampere * spec.parallel, dt_s)
        pack.settle(0.5 * ampere)
    return pack.state()


@pytest.mark.parametrize("seed", range(20))
def test_both_kernels_give_the_same_bits(native, seed):
    assert random_life(seed, native) == random_life(seed, PythonKernel())


def test_both_kernels_have_one_layout():
    text = re.sub(r"/\*.*?\*/", "", SOURCE.read_text(), flags=re.DOTALL)
    names = {}
    for body in re.findall(r"enum \{(.*?)\}", text, flags=re.DOTALL):
        words = [word.strip() for word in body.split(",")]
        names.update({word: index for index, word in enumerate(words)})
    for name, value in re.findall(r"#define (HEADER|MODULE|LAST|GRID|OFFSET|TICK_S) (\S+)", text):
        names[name] = float(value)

    assert len(names) > 70
    assert names == {name: getattr(kernel, name) for name in names}


def test_the_native_kernel_is_named_after_its_source():
    assert re.fullmatch(r"kernel-[0-9a-f]{12}\.so", library_path().name)


@pytest.mark.usefixtures("fresh_choice")
@pytest.mark.parametrize("name", ["python", "native"])
def test_a_kernel_can_be_forced(monkeypatch, native, name):
    monkeypatch.setenv("HIL_KERNEL", name)

    assert chosen_kernel().name == name
    assert native.name == "native"


@pytest.mark.usefixtures("fresh_choice")
def test_an_unknown_kernel_is_refused_with_what_is_allowed(monkeypatch):
    monkeypatch.setenv("HIL_KERNEL", "fortran")

    with pytest.raises(BenchFileError, match="'fortran'; allowed: python, native"):
        chosen_kernel()


@pytest.mark.usefixtures("fresh_choice")
def test_without_a_library_the_python_kernel_is_used(monkeypatch, tmp_path):
    monkeypatch.delenv("HIL_KERNEL", raising=False)
    monkeypatch.setattr("rig.plant.kernel_native.library_path", lambda: tmp_path / "none.so")

    assert chosen_kernel().name == "python"


def test_without_a_compiler_building_says_so_and_goes_on(monkeypatch, tmp_path):
    monkeypatch.setattr("rig.plant.kernel_native.library_path", lambda: tmp_path / "none.so")
    monkeypatch.setattr("shutil.which", lambda _: None)

    assert build().startswith("No C compiler")


def test_the_kernel_finds_the_extremes_and_whose_they_are():
    module = ModuleSpec(chemistry="LFP", cells=4, capacity_ah=100.0)
    pack = Pack(PlantSpec(module=module, series=2), random.Random(1), lambda: None)
    pack.modules[0].set_cell_soc(2, 5.0)
    pack.modules[1].set_cell_soc(3, 99.0)

    found = pack.extremes()

    voltages = array("d", [v for m in pack.modules for v in m.cell_voltages()])
    assert (found.cell_voltage_min_index, found.cell_voltage_max_index) == (2, 7)
    assert found.cell_voltage_v_min == min(voltages)
    assert found.cell_voltage_v_max == max(voltages)
    assert found.temperature_c_min == found.temperature_c_max == 25.0
