"""Instruments that act without being asked: a supply and a load on a plant, in virtual time."""

import random
from dataclasses import dataclass

import pytest

from instruments.protocols import LoadMode, Trip
from instruments.twins.chroma63206a import Chroma63206ATwin
from instruments.twins.psb10000 import EaPsb10000Twin
from instruments.twins.stage import Guard
from rig.benches.supervision import Supervision
from rig.kernel import Kernel, milliseconds, seconds
from rig.plant import ModuleSpec, Plant, PlantSpec


@dataclass
class Stand:
    kernel: Kernel
    plant: Plant
    supply: EaPsb10000Twin
    load: Chroma63206ATwin

    def run(self, duration_s: float) -> None:
        self.kernel.run(self.kernel.now_us + seconds(duration_s), lambda: False)

    def tell(self, twin: EaPsb10000Twin | Chroma63206ATwin, text: str) -> bytes:
        return twin.conversation().receive(text.encode() + b"\n")

    def charge(self, current_a: float, voltage_v: float) -> None:
        self.tell(self.supply, f"SYST:LOCK ON;:VOLT {voltage_v};CURR {current_a};:OUTP ON")

    def look_every(self, period_us: int) -> None:
        """Sample the plant, as the device under test does."""

        def look() -> None:
            self.plant.sample(self.kernel.now_us)
            _ = self.plant.measured
            self.kernel.after(period_us, look)

        look()


@pytest.fixture
def stand() -> Stand:
    kernel = Kernel("supervision")
    module = ModuleSpec(chemistry="LFP", cells=8, capacity_ah=100.0)
    spec = PlantSpec(module=module, soc_pct=50.0)
    plant = Plant(spec, random.Random(1), clock=lambda: kernel.now_us)
    supply = EaPsb10000Twin(serial="1", dice=random.Random(1), now_us=lambda: kernel.now_us)
    supply.connect(plant.attach_source(supply.demand))
    load = Chroma63206ATwin(serial="2", dice=random.Random(2), now_us=lambda: kernel.now_us)
    load.connect(plant.attach_load(load.demand))
    Supervision(kernel, plant, (supply, load))
    plant.set_coil(0, on=True)
    made = Stand(kernel, plant, supply, load)
    made.look_every(milliseconds(10))
    made.run(1.0)
    return made


def test_watchdog_switches_off_at_its_time_with_nobody_on_the_line(stand: Stand) -> None:
    stand.charge(10.0, 28.0)
    stand.tell(stand.supply, "SYST:COMM:MON:TIM 3;SYST:COMM:MON:ACT ON")

    stand.run(2.999)
    assert stand.supply.stage.on
    stand.run(0.001)

    assert not stand.supply.stage.on
    assert not stand.supply.remote


def test_fed_watchdog_stays_quiet_and_then_expires(stand: Stand) -> None:
    stand.charge(10.0, 28.0)
    stand.tell(stand.supply, "SYST:COMM:MON:TIM 3;SYST:COMM:MON:ACT ON")

    for _ in range(4):
        stand.run(2.0)
        stand.tell(stand.supply, "*STB?")
    assert stand.supply.stage.on
    stand.run(3.0)

    assert not stand.supply.stage.on


def test_over_voltage_trips_when_the_battery_rises_with_nobody_on_the_line(stand: Stand) -> None:
    stand.charge(100.0, 30.0)
    stand.run(5.0)
    risen_v = stand.plant.system_voltage_v + 0.01
    stand.supply.stage.guards[Trip.OVER_VOLTAGE].level = risen_v

    stand.run(600.0)

    assert stand.supply.trips == {Trip.OVER_VOLTAGE}
    assert not stand.supply.stage.on


def test_contactor_that_opens_under_load_leaves_no_current(stand: Stand) -> None:
    stand.supply.stage.guards[Trip.UNDER_CURRENT] = Guard(level=1.0)
    stand.charge(50.0, 28.0)
    stand.run(1.0)
    assert stand.supply.stage.on

    stand.plant.set_coil(stand.kernel.now_us, on=False)
    stand.run(1.0)

    assert stand.supply.trips == {Trip.UNDER_CURRENT}


def test_delayed_protection_trips_after_its_delay(stand: Stand) -> None:
    stand.supply.stage.guards[Trip.OVER_CURRENT] = Guard(level=40.0, delay_s=0.5)
    stand.charge(50.0, 30.0)

    stand.run(0.499)
    assert stand.supply.stage.on
    stand.run(0.001)

    assert stand.supply.trips == {Trip.OVER_CURRENT}


def test_ramp_of_a_load_goes_on_by_itself(stand: Stand) -> None:
    stand.tell(stand.load, "MODE CCL;:CURR:STAT:RISE 0.0005;L1 50;:LOAD ON")

    # 500 A/s: half of it after 50 ms.
    stand.run(0.05)
    half_a = stand.load.demand.level
    stand.run(0.06)

    assert half_a == pytest.approx(25.0, abs=1.1)
    assert stand.load.demand.level == 50.0
    assert stand.load.demand.mode is LoadMode.CC


def test_load_that_waits_begins_when_the_voltage_comes(stand: Stand) -> None:
    stand.plant.set_coil(stand.kernel.now_us, on=False)
    stand.run(200.0)
    stand.tell(stand.load, "CONF:VOLT:ON 20;:MODE CCL;:CURR:STAT:L1 5;:LOAD ON")
    assert not stand.load.demand.enabled

    stand.plant.set_coil(stand.kernel.now_us, on=True)
    stand.run(0.2)

    assert stand.load.demand.enabled


def test_instruments_that_are_off_cost_no_event(stand: Stand) -> None:
    asked: list[int] = []
    exceeded = stand.supply.stage.disturbed

    def disturbed() -> bool:
        asked.append(stand.kernel.now_us)
        return exceeded()

    stand.supply.stage.disturbed = disturbed  # type: ignore[method-assign]
    stand.run(10.0)
    assert asked == []

    stand.charge(50.0, 28.0)
    stand.run(10.0)

    assert asked != []
