"""The three instruments on an in-process VISA library, for every test of this folder."""

import random
from collections.abc import AsyncIterator, Iterator

import pytest

from instruments.drivers.chroma63206a import Chroma63206A
from instruments.drivers.daq970a import DAQ970A
from instruments.drivers.psb10000 import EaPsb10000
from instruments.tests.stand import DAQ, LOAD, PSU, Battery, Bench, Clock, Wires
from instruments.twins.chroma63206a import Chroma63206ATwin
from instruments.twins.daq970a import DAQ970ATwin
from instruments.twins.psb10000 import EaPsb10000Twin
from instruments.visa import TwinLibrary


@pytest.fixture
def bench() -> Iterator[Bench]:
    clock = Clock()
    library = TwinLibrary.create()
    psu = EaPsb10000Twin(serial="1234", dice=random.Random(1), now_us=clock.now_us)
    load = Chroma63206ATwin(serial="5678", dice=random.Random(2), now_us=clock.now_us)
    daq = DAQ970ATwin(serial="MY1", dice=random.Random(3))
    made = Bench(
        clock,
        library,
        psu,
        load,
        daq,
        Battery(psu.demand),
        Battery(load.demand),
        Wires(clock=clock),
        Wires(clock=clock),
    )
    psu.connect(made.psu_circuit)
    load.connect(made.load_circuit)
    daq.connect(digital=made.wires, relays=made.contacts, analog=made.wires)
    for name, twin in ((PSU, psu), (LOAD, load), (DAQ, daq)):
        library.register(name, twin)
    yield made
    library.close_all()


@pytest.fixture
async def psu(bench: Bench) -> AsyncIterator[EaPsb10000]:
    driver = EaPsb10000(bench.session(PSU))
    await driver.open()
    yield driver
    await driver.close()


@pytest.fixture
async def load(bench: Bench) -> AsyncIterator[Chroma63206A]:
    driver = Chroma63206A(bench.session(LOAD))
    await driver.open()
    yield driver
    await driver.close()


@pytest.fixture
async def daq(bench: Bench) -> AsyncIterator[DAQ970A]:
    lines = {"allow_to_charge": (101, 0), "led": (101, 3), "button": (102, 0), "remote": (102, 1)}
    driver = DAQ970A(bench.session(DAQ), lines=lines)
    await driver.open()
    yield driver
    await driver.close()
