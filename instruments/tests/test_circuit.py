"""A circuit of one node, and the bus's laws of two-quadrant sources."""

import math
import random

import pytest

from instruments.protocols import LoadMode
from instruments.tests.stand import Clock
from instruments.twins.bus import Bus
from instruments.twins.circuit import Circuit
from instruments.twins.electrical import LoadDemand, SourceDemand


def source(voltage_v: float, current_a: float, **limits: float) -> SourceDemand:
    power_w = limits.pop("power_limit_w", 1e9)
    return SourceDemand(True, voltage_v, current_a, power_w, **limits)


def test_capacitor_charges_as_the_exponential_of_its_resistor() -> None:
    clock = Clock()
    circuit = Circuit(now_us=clock.now_us, capacitance_f=0.01, resistor_ohm=10.0)
    port = circuit.attach_source(source(100.0, 2.0))
    port.settle()

    # 2 A into 10 mF beside 10 ohm: towards 20 V with 0.1 s.
    for _ in range(10):
        clock.now += 10_000
        port.settle()

    assert port.voltage_v() == pytest.approx(20.0 * (1.0 - math.exp(-1.0)), rel=1e-12)
    assert port.current_a() == 2.0


def test_step_s_length_does_not_matter() -> None:
    voltages = []
    for steps in (1, 1000):
        clock = Clock()
        circuit = Circuit(now_us=clock.now_us, capacitance_f=0.1, emf_v=48.0, emf_ohm=0.05)
        circuit.attach_load(LoadDemand(True, LoadMode.CC, 30.0))
        for _ in range(steps):
            clock.now += 10_000_000 // steps
            circuit.settle()
        voltages.append(circuit.voltage_v)

    assert voltages[0] == pytest.approx(voltages[1], rel=1e-12)


def test_node_falls_when_all_is_off() -> None:
    clock = Clock()
    circuit = Circuit(now_us=clock.now_us, capacitance_f=0.001, resistor_ohm=100.0)
    demand = source(20.0, 5.0)
    circuit.attach_source(demand)
    circuit.settle()
    clock.now += 1_000_000
    circuit.settle()
    assert circuit.voltage_v == 20.0

    demand.enabled = False
    clock.now += 100_000
    circuit.settle()

    assert circuit.voltage_v == pytest.approx(20.0 * math.exp(-1.0), rel=1e-12)


def test_battery_at_rest_shows_its_own_voltage() -> None:
    clock = Clock()
    circuit = Circuit(now_us=clock.now_us, emf_v=50.0, emf_ohm=0.1)

    clock.now += 3_600_000_000
    circuit.settle()

    # 1 kohm of bleeder behind 0.1 ohm.
    assert circuit.voltage_v == pytest.approx(50.0 * 1000.0 / 1000.1)
    assert circuit.battery_current_a == pytest.approx(-0.05, abs=1e-4)


def test_long_silence_at_constant_power_is_solved_quickly() -> None:
    clock = Clock()
    circuit = Circuit(now_us=clock.now_us, emf_v=50.0, emf_ohm=0.1)
    port = circuit.attach_load(LoadDemand(True, LoadMode.CP, 490.0))

    # A day: stepped through, it would be 4 million substeps.
    clock.now += 86_400_000_000
    circuit.settle()

    assert port.current_a() == pytest.approx(10.0, abs=0.02)


@pytest.mark.parametrize(
    "arguments",
    [{"capacitance_f": 0.0}, {"resistor_ohm": -1.0}, {"emf_ohm": 0.0}],
    ids=["capacitance", "resistor", "battery"],
)
def test_circuit_refuses_what_cannot_be(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Circuit(now_us=lambda: 0, **arguments)


def solved(bus: Bus, emf_v: float, ohm: float) -> tuple[float, list[float]]:
    bus.refresh()
    bus.voltage_v = bus.solve(emf_v, ohm)
    path_a = (emf_v - bus.voltage_v) / ohm
    return bus.voltage_v, [bus.source_current_a(k, path_a) for k in range(len(bus.sources))]


@pytest.mark.parametrize(
    ("set_v", "expected_v", "expected_a"),
    [
        (48.0, 48.0, -20.0),
        (44.0, 47.0, -30.0),
        (52.0, 52.0, 20.0),
    ],
    ids=["holds its voltage", "at the limit of its current", "gives"],
)
def test_two_quadrant_source_takes_in_what_holds_its_voltage(
    set_v: float, expected_v: float, expected_a: float
) -> None:
    bus = Bus(0.001, 1e-9)
    bus.sources.append(source(set_v, 50.0, sink_current_limit_a=30.0, sink_power_limit_w=1e9))

    voltage_v, currents = solved(bus, 50.0, 0.1)

    assert voltage_v == pytest.approx(expected_v)
    assert currents == pytest.approx([expected_a])


def test_sink_takes_constant_power_where_that_is_less() -> None:
    bus = Bus(0.001, 1e-9)
    bus.sources.append(source(40.0, 50.0, sink_current_limit_a=30.0, sink_power_limit_w=490.0))

    voltage_v, (current_a,) = solved(bus, 50.0, 0.1)

    assert voltage_v == pytest.approx(49.0)
    assert voltage_v * current_a == pytest.approx(-490.0)


def test_what_one_source_gives_another_takes_in() -> None:
    bus = Bus(0.001, 1e-9)
    bus.sources.append(source(60.0, 25.0))
    bus.sources.append(source(51.0, 0.0, sink_current_limit_a=100.0, sink_power_limit_w=1e9))

    voltage_v, currents = solved(bus, 50.0, 0.1)

    # 25 A come; 10 A go into the battery at 51 V, and the sink takes the rest.
    assert voltage_v == 51.0
    assert currents == pytest.approx([25.0, -15.0])


def test_sink_comes_before_a_load_that_holds_the_same_voltage() -> None:
    bus = Bus(0.001, 1e-9)
    bus.sources.append(source(48.0, 0.0, sink_current_limit_a=15.0, sink_power_limit_w=1e9))
    bus.loads.append(LoadDemand(True, LoadMode.CV, 48.0))

    _, (sunk_a,) = solved(bus, 50.0, 0.1)

    assert sunk_a == pytest.approx(-15.0)
    assert bus.load_current_a(0, 20.0) == pytest.approx(5.0)


def test_open_bus_is_pulled_down_to_the_sink_s_voltage() -> None:
    bus = Bus(0.01, 1e-9)
    bus.sources.append(source(20.0, 5.0, sink_current_limit_a=10.0, sink_power_limit_w=1e9))
    bus.voltage_v = 50.0
    bus.refresh()

    # 0.3 C at 10 A.
    bus.drift(0.02, 0.0, 0.0)
    assert bus.voltage_v == pytest.approx(30.0, abs=1e-6)
    bus.drift(0.02, 0.0, 0.0)

    assert bus.voltage_v == 20.0


@pytest.mark.parametrize("seed", range(200))
def test_currents_balance_at_every_solution(seed: int) -> None:
    dice = random.Random(seed)
    siemens = 10 ** dice.uniform(-6, -1)
    bus = Bus(0.001, siemens)
    bus.sources += [
        source(
            dice.uniform(0.0, 60.0),
            dice.uniform(0.0, 100.0),
            power_limit_w=dice.choice([1e9, dice.uniform(0.0, 3000.0)]),
            sink_current_limit_a=dice.choice([0.0, dice.uniform(0.0, 100.0)]),
            sink_power_limit_w=dice.choice([1e9, dice.uniform(0.0, 3000.0)]),
        )
        for _ in range(dice.randrange(1, 4))
    ]
    bus.loads += [
        LoadDemand(True, dice.choice(list(LoadMode)), dice.uniform(1.0, 60.0), 200.0)
        for _ in range(dice.randrange(3))
    ]
    emf_v, ohm = dice.uniform(1.0, 60.0), 10 ** dice.uniform(-2.0, 0.0)

    voltage_v, given = solved(bus, emf_v, ohm)

    path_a = (emf_v - voltage_v) / ohm
    drawn = [bus.load_current_a(k, path_a) for k in range(len(bus.loads))]
    balance_a = path_a + sum(given) - sum(drawn) - siemens * voltage_v
    # Where loads let go at half a volt their share is what is left.
    if voltage_v > 0.5:
        assert balance_a == pytest.approx(0.0, abs=1e-9)
