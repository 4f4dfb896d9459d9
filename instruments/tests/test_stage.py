"""A supply's power stage on a small circuit: ramps, protections, watchdog, quadrants, readings."""

import math
import random
from dataclasses import dataclass, field

import pytest

from instruments.protocols import LoadMode, Regulation, Trip
from instruments.tests.stand import Clock
from instruments.twins.circuit import Circuit
from instruments.twins.stage import Guard, LoadStage, Ratings, SupplyStage, Together
from instruments.twins.twin import Readout

RATINGS = Ratings(
    voltage_v=80.0,
    current_a=100.0,
    power_w=5000.0,
    sink_current_a=100.0,
    sink_power_w=5000.0,
    voltage_step_v=0.01,
    current_step_a=0.1,
    power_step_w=1.0,
)


def readout() -> Readout:
    return Readout(random.Random(1), offset_max=0.0, noise=0.0, decimals=3)


@dataclass
class Stand:
    """A stage on a battery of 50 V behind 0.1 ohm, and what the stage told its model."""

    clock: Clock
    circuit: Circuit
    stage: SupplyStage
    told: list[bool] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.clock.now += round(seconds * 1_000_000)
        self.stage.supervise()

    def regulated(self, *, voltage_v: float, current_a: float = 20.0) -> None:
        self.stage.program(voltage_v=voltage_v, current_a=current_a)
        self.stage.switch(True)
        self.wait(1.0)


def make(ratings: Ratings = RATINGS, *, emf_v: float = 50.0) -> Stand:
    clock = Clock()
    circuit = Circuit(now_us=clock.now_us, emf_v=emf_v, emf_ohm=0.1)
    stage = SupplyStage(ratings, now_us=clock.now_us, volts=readout(), amperes=readout())
    stage.connect(circuit.attach_source(stage.demand))
    stand = Stand(clock, circuit, stage)
    stage.on_change = lambda: stand.told.append(stage.on)
    return stand


def slow(**slew: float) -> Stand:
    return make(Ratings(voltage_v=80.0, current_a=100.0, power_w=5000.0, **slew))


def test_set_points_are_rounded_to_their_resolution() -> None:
    stage = make().stage

    stage.program(voltage_v=12.3456, current_a=0.26, power_w=99.7)

    assert (stage.voltage_v, stage.current_a, stage.power_w) == (12.35, 0.3, 100.0)


def test_model_is_told_of_a_trip() -> None:
    stand = make()
    stand.regulated(voltage_v=60.0)
    stand.told.clear()

    stand.stage.trip(Trip.OVER_TEMPERATURE)

    assert stand.told == [False]


@pytest.mark.parametrize(
    ("voltage_v", "current_a", "power_w", "expected", "amperes"),
    [
        (51.0, 20.0, 5000.0, Regulation.CV, 10.0),
        (60.0, 20.0, 5000.0, Regulation.CC, 20.0),
        (60.0, 20.0, 510.0, Regulation.CP, 10.0),
        (49.0, 20.0, 5000.0, Regulation.CV, -10.0),
        (40.0, 20.0, 5000.0, Regulation.CC_SINK, -30.0),
        (0.0, 20.0, 5000.0, Regulation.CC_SINK, -30.0),
    ],
    ids=["CV", "CC", "CP", "CV taking in", "CC taking in", "set to 0 V"],
)
def test_each_limit_rules_when_it_is_reached_first(
    voltage_v: float, current_a: float, power_w: float, expected: Regulation, amperes: float
) -> None:
    stand = make()
    stand.stage.program(power_w=power_w, sink_current_a=30.0)

    stand.regulated(voltage_v=voltage_v, current_a=current_a)

    assert stand.stage.regulation() is expected
    # The node's own bleeder of 1 kohm takes some 50 mA.
    assert stand.stage.measure()[1] == pytest.approx(amperes, abs=0.06)


def test_sink_s_limit_of_power_rules_when_it_is_reached_first() -> None:
    stand = make()
    stand.stage.program(sink_current_a=30.0, sink_power_w=490.0)

    stand.regulated(voltage_v=40.0)

    assert stand.stage.regulation() is Regulation.CP_SINK
    voltage_v, current_a, power_w = stand.stage.measure()
    assert power_w == -490.0
    assert voltage_v * current_a == pytest.approx(-490.0, abs=0.1)


def test_without_a_sink_it_takes_nothing_in() -> None:
    stand = make()

    stand.regulated(voltage_v=40.0)

    assert stand.stage.measure()[1] == 0.0
    assert stand.stage.regulation() is Regulation.CV


def test_voltage_ramps_at_its_slew_in_at_most_50_steps() -> None:
    stand = slow(slew_v_per_s=10.0)
    stand.regulated(voltage_v=50.0)
    stand.stage.program(voltage_v=60.0)
    start_us = stand.clock.now

    steps = 0
    while (due_us := stand.stage.due_us()) is not None:
        stand.clock.now = due_us
        stand.stage.supervise()
        steps += 1
        done = (stand.clock.now - start_us) / 1_000_000
        assert stand.stage.demand.voltage_v == pytest.approx(50.0 + 10.0 * done, abs=0.001)

    assert steps <= 50
    assert stand.clock.now - start_us == 1_000_000
    assert stand.stage.demand.voltage_v == 60.0


def test_ramp_down_has_its_own_slew() -> None:
    stand = make()
    stand.regulated(voltage_v=60.0)
    stand.stage.set_slew(v_per_s_down=100.0)

    stand.stage.program(voltage_v=70.0)
    assert stand.stage.demand.voltage_v == 70.0
    stand.stage.program(voltage_v=50.0)
    assert stand.stage.demand.voltage_v == 70.0
    stand.wait(0.1)

    assert stand.stage.demand.voltage_v == pytest.approx(60.0)


def test_ramp_that_nobody_watched_is_where_it_would_be() -> None:
    stand = slow(slew_a_per_s=10.0)
    stand.regulated(voltage_v=60.0, current_a=10.0)

    stand.stage.program(current_a=30.0)
    stand.wait(1.5)
    # Within one step of 40 ms.
    assert stand.stage.demand.current_limit_a == pytest.approx(25.0, abs=0.4)
    stand.wait(60.0)

    assert stand.stage.demand.current_limit_a == 30.0
    assert stand.stage.due_us() is None


def test_set_point_is_told_at_once_though_the_terminals_follow() -> None:
    stand = slow(slew_v_per_s=1.0)
    stand.regulated(voltage_v=50.0)

    stand.stage.program(voltage_v=55.0)

    assert stand.stage.voltage_v == 55.0
    assert stand.stage.demand.voltage_v < 51.0


def test_output_that_goes_on_does_not_pull_the_terminals_down() -> None:
    stand = make(
        Ratings(
            voltage_v=80.0,
            current_a=100.0,
            power_w=5000.0,
            sink_current_a=100.0,
            sink_power_w=5000.0,
            slew_v_per_s=10.0,
        )
    )
    stand.stage.program(voltage_v=52.0, current_a=20.0, sink_current_a=20.0)

    stand.stage.switch(True)

    assert stand.stage.demand.voltage_v == pytest.approx(50.0, abs=0.01)


def test_protection_trips_when_the_circuit_moves() -> None:
    stand = make()
    stand.stage.guards[Trip.OVER_VOLTAGE] = Guard(level=55.0)
    stand.regulated(voltage_v=60.0, current_a=20.0)
    assert stand.stage.on

    stand.circuit.emf_v = 54.0
    stand.wait(0.1)

    assert (stand.stage.trips, stand.stage.on) == ({Trip.OVER_VOLTAGE}, False)


def test_delayed_protection_trips_when_the_excess_has_lasted() -> None:
    stand = make()
    stand.stage.guards[Trip.OVER_CURRENT] = Guard(level=15.0, delay_s=0.5)
    stand.stage.program(voltage_v=60.0, current_a=20.0)
    stand.stage.switch(True)
    seen_us = stand.clock.now

    assert stand.stage.due_us() == seen_us + 500_000
    stand.wait(0.499)
    assert stand.stage.on
    stand.wait(0.001)

    assert stand.stage.trips == {Trip.OVER_CURRENT}


def test_excess_that_ends_within_the_delay_does_not_trip() -> None:
    stand = make()
    stand.stage.guards[Trip.OVER_CURRENT] = Guard(level=15.0, delay_s=0.5)
    stand.stage.program(voltage_v=60.0, current_a=20.0)
    stand.stage.switch(True)

    stand.wait(0.4)
    stand.stage.program(current_a=10.0)
    stand.wait(0.1)
    stand.stage.program(current_a=20.0)
    stand.wait(0.4)

    assert stand.stage.on


def test_delay_begins_anew_after_a_trip() -> None:
    stand = make()
    stand.stage.guards[Trip.OVER_CURRENT] = Guard(level=15.0, delay_s=0.5)
    stand.regulated(voltage_v=60.0)
    assert stand.stage.clear_trips() == frozenset()

    stand.stage.switch(True)
    stand.wait(0.4)
    assert stand.stage.on
    stand.wait(0.2)

    assert stand.stage.trips == {Trip.OVER_CURRENT}


def test_protection_that_is_off_does_not_trip() -> None:
    stand = make()
    stand.stage.guards[Trip.OVER_CURRENT] = Guard(level=15.0, enabled=False)

    stand.regulated(voltage_v=60.0)

    assert stand.stage.on


def test_under_voltage_is_blind_while_it_warms_up() -> None:
    stand = make()
    stand.stage.guards[Trip.UNDER_VOLTAGE] = Guard(level=55.0, warm_up_s=2.0)
    stand.stage.program(voltage_v=60.0, current_a=20.0)
    stand.stage.switch(True)

    assert stand.stage.due_us() == 2_000_000
    stand.wait(1.9)
    assert stand.stage.on
    stand.wait(0.1)

    assert stand.stage.trips == {Trip.UNDER_VOLTAGE}


def test_sink_has_protections_of_its_own() -> None:
    stand = make()
    stand.stage.guards[Trip.OVER_CURRENT] = Guard(level=5.0)
    stand.stage.sink_guards[Trip.OVER_CURRENT] = Guard(level=20.0)
    stand.stage.program(sink_current_a=15.0)
    stand.regulated(voltage_v=40.0)
    assert stand.stage.on

    stand.stage.program(sink_current_a=25.0)
    stand.wait(0.1)

    assert stand.stage.sink_trips == {Trip.OVER_CURRENT}


def test_outside_voltage_trips_an_output_that_is_off_only_where_the_model_looks() -> None:
    stand = make()
    stand.stage.guards[Trip.OVER_VOLTAGE] = Guard(level=40.0)
    stand.wait(0.1)
    assert not stand.stage.trips

    stand.stage.guards[Trip.OVER_VOLTAGE].while_off = True
    stand.wait(0.1)

    assert stand.stage.trips == {Trip.OVER_VOLTAGE}


def test_trip_whose_cause_is_gone_is_forgotten_and_another_stands() -> None:
    stand = make()
    stand.stage.guards[Trip.OVER_VOLTAGE] = Guard(level=55.0, while_off=True)
    stand.stage.causes.add(Trip.INTERLOCK)
    stand.stage.trip(Trip.OVER_CURRENT)
    stand.stage.trip(Trip.OVER_VOLTAGE)
    stand.wait(0.1)

    assert stand.stage.clear_trips() == {Trip.INTERLOCK}
    stand.circuit.emf_v = 56.0
    stand.wait(0.1)
    assert stand.stage.clear_trips() == {Trip.INTERLOCK, Trip.OVER_VOLTAGE}
    stand.stage.causes.clear()
    stand.circuit.emf_v = 50.0
    stand.wait(0.1)

    assert stand.stage.clear_trips() == frozenset()


@pytest.mark.parametrize("mode", [Regulation.CC, Regulation.CV])
def test_foldback_trips_after_its_delay_in_that_mode_only(mode: Regulation) -> None:
    stand = make()
    stand.stage.foldback, stand.stage.foldback_delay_s = mode, 0.5
    stand.stage.program(voltage_v=60.0, current_a=20.0)
    stand.stage.switch(True)
    stand.wait(0.4)
    assert stand.stage.on

    stand.wait(0.2)

    assert stand.stage.trips == ({Trip.FOLDBACK} if mode is Regulation.CC else set())


def test_watchdog_trips_once_nobody_fed_it() -> None:
    stand = make()
    stand.regulated(voltage_v=60.0)
    stand.stage.watchdog.seconds = 2.0
    stand.stage.watchdog.armed = True

    stand.wait(1.9)
    stand.stage.watchdog.feed()
    stand.wait(1.9)
    assert stand.stage.on
    stand.wait(0.1)

    assert stand.stage.trips == {Trip.WATCHDOG}
    assert stand.stage.due_us() is None


def test_reading_follows_a_step_within_its_settling_time() -> None:
    stand = make(Ratings(voltage_v=80.0, current_a=100.0, power_w=5000.0, settle_s=0.1))
    stand.regulated(voltage_v=60.0, current_a=10.0)
    stand.wait(1.0)
    stand.stage.program(current_a=20.0)

    assert stand.stage.measure()[1] == pytest.approx(10.0, abs=0.1)
    stand.wait(0.1)
    assert stand.stage.measure()[1] == pytest.approx(19.9, abs=0.01)
    stand.wait(0.2)

    assert stand.stage.measure()[1] == pytest.approx(20.0, abs=0.001)


def test_unwired_output_charges_its_own_capacitor_at_the_limit_of_current() -> None:
    clock = Clock()
    ratings = Ratings(voltage_v=80.0, current_a=100.0, power_w=5000.0, output_capacitance_f=0.01)
    stage = SupplyStage(ratings, now_us=clock.now_us, volts=readout(), amperes=readout())
    stage.program(voltage_v=20.0, current_a=1.0)
    stage.switch(True)

    clock.now += 100_000
    stage.supervise()

    # 0.1 C into 10 mF, less what the bleeder takes.
    assert stage.measure()[0] == pytest.approx(9.0, abs=1.1)
    assert stage.regulation() is Regulation.CC
    clock.now += 1_000_000
    stage.supervise()
    assert stage.measure()[0] == 20.0
    assert stage.regulation() is Regulation.CV


def test_channels_are_due_with_the_first_of_them() -> None:
    first, second = make(), make()
    both = Together([first.stage, second.stage])
    first.stage.watchdog.seconds, second.stage.watchdog.seconds = 3.0, 2.0
    first.stage.watchdog.armed = second.stage.watchdog.armed = True

    assert both.due_us() == 2_000_000
    both.trip(Trip.POWER_FAIL)

    assert first.stage.trips == second.stage.trips == {Trip.POWER_FAIL}


def load_stage(clock: Clock, circuit: Circuit, *, slew_a_per_s: float = math.inf) -> LoadStage:
    ratings = Ratings(voltage_v=80.0, current_a=100.0, power_w=5000.0, slew_a_per_s=slew_a_per_s)
    stage = LoadStage(ratings, now_us=clock.now_us, volts=readout(), amperes=readout())
    stage.connect(circuit.attach_load(stage.demand))
    return stage


@pytest.mark.parametrize(
    ("mode", "level", "amperes"),
    [
        (LoadMode.CC, 10.0, 10.0),
        (LoadMode.CV, 49.0, 9.95),
        (LoadMode.CP, 490.0, 10.0),
        (LoadMode.CR, 4.9, 10.0),
    ],
)
def test_load_holds_its_quantity(mode: LoadMode, level: float, amperes: float) -> None:
    clock = Clock()
    stage = load_stage(clock, Circuit(now_us=clock.now_us, emf_v=50.0, emf_ohm=0.1))
    stage.program(mode=mode, level=level)
    stage.switch(True)

    clock.now += 1_000_000
    stage.supervise()

    assert stage.measure()[1] == pytest.approx(amperes, abs=0.02)


def test_load_trips_below_its_under_voltage() -> None:
    clock = Clock()
    circuit = Circuit(now_us=clock.now_us, emf_v=50.0, emf_ohm=0.1)
    stage = load_stage(clock, circuit)
    stage.under_voltage_v = 48.0
    stage.program(level=10.0)
    stage.switch(True)
    clock.now += 100_000
    stage.supervise()
    assert stage.on

    stage.program(level=30.0)
    clock.now += 100_000
    stage.supervise()

    assert (stage.trips, stage.on) == ({Trip.UNDER_VOLTAGE}, False)


def test_load_s_protection_has_a_delay() -> None:
    clock = Clock()
    stage = load_stage(clock, Circuit(now_us=clock.now_us, emf_v=50.0, emf_ohm=0.1))
    stage.guards[Trip.OVER_CURRENT] = Guard(level=15.0, delay_s=0.2)
    stage.program(level=20.0)
    stage.switch(True)

    assert stage.due_us() == 200_000
    clock.now = 200_000
    stage.supervise()

    assert stage.trips == {Trip.OVER_CURRENT}


def test_limit_of_current_bounds_every_mode() -> None:
    clock = Clock()
    stage = load_stage(clock, Circuit(now_us=clock.now_us, emf_v=50.0, emf_ohm=0.1))
    stage.switch(True)

    drawn = []
    for mode, level in ((LoadMode.CV, 10.0), (LoadMode.CP, 2000.0), (LoadMode.CR, 0.5)):
        stage.program(mode=mode, level=level, current_limit_a=25.0)
        clock.now += 1_000_000
        stage.supervise()
        drawn.append(round(stage.measure()[1], 2))

    assert drawn == [25.0, 25.0, 25.0]
