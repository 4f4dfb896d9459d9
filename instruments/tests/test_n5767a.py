"""The N5767A: its driver on its twin, its SCPI as strangers send it."""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from instruments.doors import SocketDoor, wall_us
from instruments.drivers.n5767a import N5767a
from instruments.protocols import (
    CommandRefused,
    NoEnvelope,
    NotOnThisModel,
    OutsideRating,
    Regulation,
    Supply,
    Trip,
)
from instruments.tests.stand import Clock
from instruments.tests.supply_stand import SupplyStand, stand_of
from instruments.twins.circuit import Circuit
from instruments.twins.n5767a import N5767aTwin


@pytest.fixture
def stand() -> Iterator[SupplyStand]:
    clock = Clock()
    twin = N5767aTwin(serial="US1", dice=random.Random(1), now_us=clock.now_us)
    made = stand_of(clock, twin, Circuit(now_us=clock.now_us, resistor_ohm=10.0))
    yield made
    made.library.close_all()


@pytest.fixture
async def psu(stand: SupplyStand) -> AsyncIterator[N5767a]:
    driver = N5767a(stand.session())
    await driver.open(serial="US1")
    yield driver
    await driver.close()


async def switch_on(psu: N5767a, *, voltage_v: float = 24.0, current_a: float = 10.0) -> None:
    await psu.set_ovp(60.0)
    await psu.set_voltage(voltage_v)
    await psu.set_current_limit(current_a)
    await psu.output_on()


async def test_driver_is_a_supply(psu: N5767a) -> None:
    assert isinstance(psu, Supply)


async def test_voltage_rules_when_the_load_takes_less_than_the_limit(
    stand: SupplyStand, psu: N5767a
) -> None:
    await switch_on(psu)
    stand.wait(0.5)

    reading = await psu.measure()

    assert reading.voltage_v == pytest.approx(24.0, abs=0.06)
    assert reading.current_a == pytest.approx(2.4, abs=0.03)
    assert await psu.regulation() is Regulation.CV
    assert stand.ask("STAT:OPER:COND?") == "256"


async def test_limit_of_current_rules_when_it_is_reached_first(
    stand: SupplyStand, psu: N5767a
) -> None:
    await switch_on(psu, voltage_v=50.0, current_a=2.0)
    stand.wait(0.5)

    assert (await psu.measure()).voltage_v == pytest.approx(20.0, abs=0.07)
    assert await psu.regulation() is Regulation.CC
    assert stand.ask("STAT:OPER:COND?") == "1024"


async def test_output_that_is_off_regulates_nothing(psu: N5767a) -> None:
    assert await psu.regulation() is Regulation.OFF


async def test_voltage_above_95_percent_of_the_protection_is_refused(psu: N5767a) -> None:
    await psu.set_ovp(40.0)

    with pytest.raises(CommandRefused, match='301,"PV above OVP"'):
        await psu.set_voltage(38.1)


async def test_voltage_outside_the_rating_is_not_even_sent(stand: SupplyStand, psu: N5767a) -> None:
    with pytest.raises(OutsideRating, match="61 V"):
        await psu.set_voltage(61.0)

    assert stand.ask("VOLT?") == "0.000"


async def test_output_stays_off_without_a_current_limit_of_this_session(psu: N5767a) -> None:
    await psu.set_ovp(40.0)

    with pytest.raises(NoEnvelope, match="CURR"):
        await psu.output_on()


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda psu: psu.set_ocp(10.0), id="over-current level"),
        pytest.param(lambda psu: psu.set_opp(10.0), id="over-power"),
        pytest.param(lambda psu: psu.set_power_limit(10.0), id="power limit"),
        pytest.param(lambda psu: psu.set_slew(1.0, 1.0), id="slew"),
        pytest.param(lambda psu: psu.set_watchdog(1.0), id="watchdog"),
        pytest.param(lambda psu: psu.set_foldback(Regulation.CV), id="foldback in CV"),
    ],
)
async def test_what_the_model_does_not_have_is_said_so(
    psu: N5767a, call: Callable[[N5767a], Awaitable[None]]
) -> None:
    with pytest.raises(NotOnThisModel):
        await call(psu)


async def test_current_protection_trips_in_constant_current(
    stand: SupplyStand, psu: N5767a
) -> None:
    await psu.set_foldback(Regulation.CC)
    await switch_on(psu, voltage_v=50.0, current_a=2.0)

    stand.wait(0.5)

    assert await psu.tripped() == {Trip.OVER_CURRENT}
    assert stand.ask("STAT:QUES:COND?") == "2"
    assert not await psu.output_is_on()


async def test_clearing_a_trip_leaves_the_output_off(stand: SupplyStand, psu: N5767a) -> None:
    await switch_on(psu)
    stand.twin.inject_trip(Trip.OVER_VOLTAGE)

    await psu.clear_trip()

    assert await psu.tripped() == frozenset()
    assert not await psu.output_is_on()


async def test_clear_command_alone_restores_the_output(stand: SupplyStand, psu: N5767a) -> None:
    await switch_on(psu)
    stand.twin.inject_trip(Trip.OVER_VOLTAGE)

    assert stand.ask("STAT:QUES:COND?;:OUTP?") == "1;0"
    assert stand.ask("OUTP:PROT:CLE", "STAT:QUES:COND?;:OUTP?") == "0;1"


async def test_inhibit_keeps_the_output_off_and_cannot_be_cleared(
    stand: SupplyStand, psu: N5767a
) -> None:
    await switch_on(psu)
    stand.twin.interlock_open = True

    assert stand.ask("STAT:QUES:COND?") == "512"
    with pytest.raises(CommandRefused, match="interlock persists"):
        await psu.clear_trip()


async def test_giving_the_panel_back_leaves_the_output_on(stand: SupplyStand, psu: N5767a) -> None:
    await switch_on(psu)

    await psu.local()

    assert stand.ask("SYST:COMM:RLST?") == "LOC"
    assert await psu.output_is_on()


async def test_safe_state_takes_current_and_output_away(psu: N5767a) -> None:
    await switch_on(psu)

    await psu.safe_state()

    assert (await psu.current_limit(), await psu.output_is_on()) == (0.0, False)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        pytest.param(["*IDN?"], "Agilent Technologies,N5767A,US1,A.05.02", id="identity"),
        pytest.param([":VOLT:PROT 50.000000", ":VOLT:PROT:LEV?"], "50.000", id="OVP, two names"),
        pytest.param([":VOLT 24 V", ":VOLT?"], "24.000", id="unit"),
        pytest.param(["VOLT:PROT? MAX"], "66.000", id="highest OVP"),
        pytest.param(["VOLT:LIM:LOW? MAX"], "57.000", id="highest low limit"),
        pytest.param(["OUTP:PON:STAT AUTO", "OUTP:PON:STAT?"], "AUTO", id="power-on state"),
        pytest.param(["SYST:COMM:RLST RWL", "SYST:COMM:RLST?"], "RWL", id="panel locked"),
        pytest.param(["SYST:COMM:RLST LOC", "CURR 1", "SYST:COMM:RLST?"], "REM", id="taken"),
        pytest.param(["VOLT:TRIG 9;:INIT;*TRG;:VOLT?"], "9.000", id="trigger"),
        pytest.param(["CURR:TRIG 2;:INIT;:ABOR;:TRIG;:CURR?"], "0.000", id="aborted"),
        pytest.param(["VOLT 7;*SAV 15;VOLT 9;*RCL 15;VOLT?"], "7.000", id="memory"),
        pytest.param(["*SAV 16", "SYST:ERR?"], '-222,"Data out of range"', id="no such memory"),
        pytest.param(["VOLT 64", "SYST:ERR?"], '-222,"Data out of range"', id="range"),
        pytest.param(["MEAS:POW?", "SYST:ERR?"], '-113,"Undefined header"', id="no power"),
        pytest.param([":CURR:PROT:STAT ON?", "SYST:ERR?"],
                     '-141,"Invalid character data"', id="malformed"),
        pytest.param([":CURR:PROT:STAT ON?", ":CURR:PROT:STAT?"], "0", id="malformed, goes on"),
    ],
)  # fmt: skip
def test_scpi_is_answered_as_the_manual_says(
    stand: SupplyStand, sent: list[str], answer: str
) -> None:
    assert stand.ask(*sent) == answer


async def sigrok(port: int, *options: str) -> str:
    address = f"scpi-pps:conn=tcp-raw/127.0.0.1/{port}"
    program = await asyncio.create_subprocess_exec(
        "sigrok-cli", "-d", address, "-g", "1", *options, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(program.communicate(), timeout=20.0)
    return output.decode()


@pytest.mark.independent
@pytest.mark.skipif(shutil.which("sigrok-cli") is None, reason="sigrok-cli is not installed")
async def test_sigrok_sets_switches_and_reads_the_twin() -> None:
    twin = N5767aTwin(serial="US1", dice=random.Random(1), now_us=wall_us)
    stand = stand_of(Clock(), twin, Circuit(now_us=wall_us, resistor_ohm=10.0))
    twin.device.execute(b"CURR 10")

    async with SocketDoor(twin) as door:
        await sigrok(door.port, "--config", "ovp_threshold=50", "--set")
        await sigrok(door.port, "--config", "voltage_target=12.5", "--set")
        await sigrok(door.port, "--config", "enabled=on", "--set")
        # Many, because the first are taken while the reading still settles.
        readings = await sigrok(door.port, "--samples", "20")

    voltage, current = readings.split("\n")[-3:-1]
    assert voltage.startswith("V1: 12.")
    assert current.startswith("I1: 1.2")
    assert stand.ask("VOLT?;:VOLT:PROT?;:OUTP?") == "12.500;50.000;1"
    assert stand.ask("SYST:ERR?") == '0,"No error"'
