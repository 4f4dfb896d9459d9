"""The GENESYS+ charger: its driver on its twin, its SCPI as strangers send it."""

import random
from collections.abc import AsyncIterator, Iterator

import pytest

from instruments.drivers.genesys import Genesys
from instruments.protocols import (
    CommandRefused,
    IdentityMismatch,
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
from instruments.twins.genesys import GenesysTwin


def made(circuit_of: str = "resistor") -> SupplyStand:
    clock = Clock()
    twin = GenesysTwin(serial="1234-567", dice=random.Random(1), now_us=clock.now_us)
    if circuit_of == "resistor":
        circuit = Circuit(now_us=clock.now_us, resistor_ohm=10.0)
    else:
        circuit = Circuit(now_us=clock.now_us, emf_v=20.0, emf_ohm=0.1)
    return stand_of(clock, twin, circuit)


@pytest.fixture
def stand() -> Iterator[SupplyStand]:
    stand = made()
    yield stand
    stand.library.close_all()


@pytest.fixture
async def psu(stand: SupplyStand) -> AsyncIterator[Genesys]:
    driver = Genesys(stand.session())
    await driver.open()
    yield driver
    await driver.close()


async def switch_on(
    psu: Genesys, *, voltage_v: float = 24.0, current_a: float = 10.0, ovp_v: float = 60.0
) -> None:
    await psu.set_ovp(ovp_v)
    await psu.set_voltage(voltage_v)
    await psu.set_current_limit(current_a)
    await psu.output_on()


async def test_driver_is_a_supply(psu: Genesys) -> None:
    assert isinstance(psu, Supply)


async def test_another_serial_number_is_noticed(stand: SupplyStand) -> None:
    with pytest.raises(IdentityMismatch, match="1234-567"):
        await Genesys(stand.session()).open(serial="9")


async def test_voltage_rules_when_the_load_takes_less_than_the_limit(
    stand: SupplyStand, psu: Genesys
) -> None:
    await switch_on(psu)
    stand.wait(0.5)

    reading = await psu.measure()

    assert reading.voltage_v == pytest.approx(24.0, abs=0.04)
    assert reading.current_a == pytest.approx(2.4, abs=0.065)
    assert await psu.regulation() is Regulation.CV


async def test_limit_of_current_rules_when_it_is_reached_first(
    stand: SupplyStand, psu: Genesys
) -> None:
    await switch_on(psu, voltage_v=50.0, current_a=2.0)
    stand.wait(0.5)

    reading = await psu.measure()

    assert reading.voltage_v == pytest.approx(20.0, abs=0.05)
    assert await psu.regulation() is Regulation.CC


async def test_limit_of_power_rules_when_it_is_reached_first(
    stand: SupplyStand, psu: Genesys
) -> None:
    await psu.set_power_limit(40.0)
    await switch_on(psu, voltage_v=50.0, current_a=10.0)
    stand.wait(0.5)

    reading = await psu.measure()

    assert reading.power_w == pytest.approx(40.0, abs=1.5)
    assert await psu.regulation() is Regulation.CP


async def test_voltage_above_95_percent_of_the_protection_is_refused(psu: Genesys) -> None:
    await psu.set_ovp(40.0)
    await psu.set_voltage(38.0)

    with pytest.raises(CommandRefused, match='301,"PV above OVP;06"'):
        await psu.set_voltage(38.1)


async def test_protection_below_105_percent_of_the_voltage_is_refused(psu: Genesys) -> None:
    await psu.set_voltage(40.0)
    await psu.set_ovp(42.0)

    with pytest.raises(CommandRefused, match='304,"OVP below PV;06"'):
        await psu.set_ovp(41.9)


async def test_voltage_outside_the_rating_is_not_even_sent(
    stand: SupplyStand, psu: Genesys
) -> None:
    with pytest.raises(OutsideRating, match="81 V"):
        await psu.set_voltage(81.0)

    assert stand.ask("VOLT?") == "0.000"


@pytest.mark.parametrize("missing", ["ovp", "current"])
async def test_output_stays_off_without_protection_and_limit_of_this_session(
    stand: SupplyStand, psu: Genesys, missing: str
) -> None:
    if missing != "ovp":
        await psu.set_ovp(40.0)
    if missing != "current":
        await psu.set_current_limit(5.0)

    with pytest.raises(NoEnvelope):
        await psu.output_on()

    assert stand.ask("OUTP?") == "0"


async def test_there_is_no_over_current_level(psu: Genesys) -> None:
    with pytest.raises(NotOnThisModel, match="foldback"):
        await psu.set_ocp(10.0)


async def test_over_voltage_from_outside_switches_off_and_latches() -> None:
    stand = made("battery")
    psu = Genesys(stand.session())
    await psu.open()
    await switch_on(psu, ovp_v=30.0)

    stand.circuit.emf_v = 35.0
    stand.wait(0.1)
    stand.circuit.emf_v = 20.0
    stand.wait(0.1)

    assert await psu.tripped() == {Trip.OVER_VOLTAGE}
    assert not await psu.output_is_on()
    with pytest.raises(CommandRefused, match="307"):
        await psu.output_on()


@pytest.mark.parametrize("mode", ["AUTO", "SAFE"])
async def test_clearing_a_trip_leaves_the_output_off_in_any_power_on_mode(
    stand: SupplyStand, psu: Genesys, mode: str
) -> None:
    await psu.session.command(f"OUTP:PON {mode}")
    await switch_on(psu)
    stand.twin.inject_trip(Trip.OVER_VOLTAGE)

    await psu.clear_trip()

    assert await psu.tripped() == frozenset()
    assert not await psu.output_is_on()


@pytest.mark.parametrize(("mode", "output"), [("AUTO", "1"), ("SAFE", "0")])
async def test_clear_command_alone_restores_the_output_in_auto_only(
    stand: SupplyStand, psu: Genesys, mode: str, output: str
) -> None:
    await psu.session.command(f"OUTP:PON {mode}")
    await switch_on(psu)
    stand.twin.inject_trip(Trip.OVER_VOLTAGE)

    assert stand.ask("OUTP:PROT:CLE", "OUTP?") == output


async def test_foldback_in_constant_current_trips_after_its_delay(
    stand: SupplyStand, psu: Genesys
) -> None:
    await psu.set_foldback(Regulation.CC, 0.5)
    await switch_on(psu, voltage_v=50.0, current_a=2.0)

    stand.wait(0.6)
    before = await psu.output_is_on()
    stand.wait(0.3)

    assert before
    assert await psu.tripped() == {Trip.FOLDBACK}
    assert not await psu.output_is_on()


async def test_foldback_does_not_trip_in_constant_voltage(stand: SupplyStand, psu: Genesys) -> None:
    await psu.set_foldback(Regulation.CC)
    await switch_on(psu)

    stand.wait(2.0)

    assert await psu.output_is_on()


async def test_under_voltage_protection_trips_when_it_is_on(
    stand: SupplyStand, psu: Genesys
) -> None:
    await switch_on(psu, voltage_v=50.0, current_a=2.0)
    stand.wait(1.0)
    await psu.session.command("VOLT:PROT:LOW 25")
    stand.wait(1.0)
    before = await psu.output_is_on()

    await psu.session.command("VOLT:PROT:LOW:STAT ON")
    stand.wait(1.0)

    assert before
    assert await psu.tripped() == {Trip.UNDER_VOLTAGE}


async def test_open_interlock_keeps_the_output_off(stand: SupplyStand, psu: Genesys) -> None:
    await switch_on(psu)

    stand.twin.interlock_open = True

    assert stand.ask("STAT:QUES:COND?") == "128"
    assert await psu.tripped() == {Trip.INTERLOCK}
    assert not await psu.output_is_on()
    with pytest.raises(CommandRefused, match="307"):
        await psu.output_on()


@pytest.mark.parametrize(("mode", "output"), [("AUTO", "1"), ("SAFE", "0")])
async def test_closing_the_interlock_brings_the_output_back_in_auto_only(
    stand: SupplyStand, psu: Genesys, mode: str, output: str
) -> None:
    await psu.session.command(f"OUTP:PON {mode}")
    await switch_on(psu)

    stand.twin.interlock_open = True
    stand.twin.interlock_open = False

    assert stand.ask("OUTP?") == output
    assert stand.ask("STAT:QUES:COND?") == "0"


async def test_watchdog_switches_off_when_nobody_asks(stand: SupplyStand, psu: Genesys) -> None:
    await switch_on(psu)
    await psu.set_watchdog(3.0)

    stand.wait(2.9)
    before = stand.twin.stage.on
    stand.wait(0.2)

    assert before
    assert not stand.twin.stage.on
    assert await psu.tripped() == {Trip.WATCHDOG}
    assert await psu.errors() == ['342,"Communication Watchdog Timeout;06"']


async def test_watchdog_is_fed_by_any_exchange(stand: SupplyStand, psu: Genesys) -> None:
    await switch_on(psu)
    await psu.set_watchdog(3.0)

    for _ in range(4):
        stand.wait(2.0)
        await psu.feed_watchdog()

    assert await psu.output_is_on()


async def test_disabling_the_watchdog_clears_its_fault(stand: SupplyStand, psu: Genesys) -> None:
    await psu.set_watchdog(1.0)
    stand.wait(1.5)
    assert await psu.tripped() == {Trip.WATCHDOG}
    await psu.errors()

    await psu.set_watchdog(None)

    assert await psu.tripped() == frozenset()


async def test_watchdog_outside_its_range_is_not_even_sent(psu: Genesys) -> None:
    with pytest.raises(OutsideRating, match="3601"):
        await psu.set_watchdog(3601.0)


async def test_output_rises_at_the_slew_that_was_set(stand: SupplyStand, psu: Genesys) -> None:
    await psu.set_slew(v_per_s=10.0, a_per_s=1000.0)
    await switch_on(psu, voltage_v=40.0)
    started_us = stand.clock.now

    stand.wait(2.0)
    reading = await psu.measure()

    elapsed_s = (stand.clock.now - started_us) / 1e6
    assert reading.voltage_v == pytest.approx(10.0 * elapsed_s, abs=2.0)
    assert reading.voltage_v < 30.0


async def test_front_panel_and_interface_take_control_in_turn(
    stand: SupplyStand, psu: Genesys
) -> None:
    await switch_on(psu)
    await psu.local()
    assert stand.ask("SYST:SET?") == "LOC"
    assert await psu.output_is_on()

    await psu.remote()

    assert stand.ask("SYST:SET?") == "REM"


async def test_safe_state_takes_current_and_output_away(stand: SupplyStand, psu: Genesys) -> None:
    await switch_on(psu)

    await psu.safe_state()

    assert (await psu.current_limit(), await psu.output_is_on()) == (0.0, False)


async def test_reset_forgets_settings_and_envelope(psu: Genesys) -> None:
    await switch_on(psu)

    await psu.reset()

    assert await psu.voltage_setpoint() == 0.0
    with pytest.raises(NoEnvelope):
        await psu.output_on()


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        pytest.param(["*IDN?"], "TDK-LAMBDA,G80-65,1234-567,G:01.000", id="identity"),
        pytest.param([":sour:volt:lev:imm:ampl 12.5", "VOLT?"], "12.500", id="long header"),
        pytest.param(["VOLT 12;CURR 3;:VOLT?;CURR?"], "12.000;3.000", id="several in one"),
        pytest.param(["VOLT 2500 mV", "VOLT?"], "2.500", id="unit"),
        pytest.param(["VOLT:PROT:LEV MAX", "VOLT:PROT:LEV?"], "88.000", id="maximum"),
        pytest.param(["VOLT:PROT? MIN"], "5.000", id="minimum asked"),
        pytest.param(["CURR:PROT:STAT ON", "OUTP:PROT:FOLD?"], "CC", id="foldback by two names"),
        pytest.param(["OUTP:PROT:FOLD CV", "CURR:PROT:STAT?"], "0", id="foldback in CV"),
        pytest.param(["OUTP:PROT:DEL 1.5", "OUTP:PROT:DEL?"], "1.5", id="delay"),
        pytest.param(["SYST:COMM:WATCHDOG:TIME 5", "SYST:WATCH:TIM?"], "5", id="watchdog"),
        pytest.param(["SYST:REM LLO", "SYST:SET?"], "LLO", id="panel locked"),
        pytest.param(["SYST:SET LOC", "VOLT 1", "SYST:SET?"], "REM", id="a set takes remote"),
        pytest.param(["VOLT 30", "VOLT:LIM:LOW 20", "VOLT 20.9", "SYST:ERR?"],
                     '302,"PV below UVL;06"', id="below the limit"),
        pytest.param(["VOLT 30", "VOLT:LIM:LOW 29", "SYST:ERR?"],
                     '306,"UVL above PV;06"', id="limit above the voltage"),
        pytest.param(["VOLT 85", "SYST:ERR?"], '-222,"Data Out Of Range;06"', id="range"),
        pytest.param(["NONSENSE", "SYST:ERR?"], '-100,"Command Error;06"', id="no command"),
        pytest.param(["VOLT", "SYST:ERR?"], '-109,"Missing Parameter;06"', id="no parameter"),
        pytest.param(["OUTP MAYBE", "SYST:ERR?"], '-220,"Parameter Error;06"', id="bad word"),
        pytest.param(["NONSENSE", "SYST:ERR:ENAB", "SYST:ERR?"], '0,"No error"', id="log begun"),
        pytest.param(["VOLT:TRIG 9", "*TRG", "VOLT?"], "0.000", id="trigger not armed"),
        pytest.param(["VOLT:TRIG 9", "INIT", "*TRG", "VOLT?"], "9.000", id="trigger"),
        pytest.param(["VOLT 7", "*SAV 2", "VOLT 9", "*RCL 2", "VOLT?"], "7.000", id="memory"),
        pytest.param(["STAT:QUES:ENAB 65535", "STAT:QUES:ENAB?"], "65535", id="16 bits"),
        pytest.param(["INST:NSEL 6", "INST:NSEL?"], "06", id="address"),
        pytest.param(["STAT:OPER:COND?"], "516", id="no fault, interlock looked at"),
        pytest.param(["OUTP:MODE?"], "OFF", id="mode"),
    ],
)  # fmt: skip
def test_scpi_is_answered_as_the_manual_says(
    stand: SupplyStand, sent: list[str], answer: str
) -> None:
    assert stand.ask(*sent) == answer


def test_error_queue_holds_ten(stand: SupplyStand) -> None:
    for _ in range(11):
        stand.ask("NONSENSE")

    errors = [stand.ask("SYST:ERR?") for _ in range(11)]

    assert errors[9:] == ['-350,"Queue Overflow;06"', '0,"No error"']


def test_shutdown_is_reported_when_its_bit_is_enabled(stand: SupplyStand) -> None:
    stand.ask("STAT:QUES:ENAB 255")

    stand.twin.inject_trip(Trip.OVER_VOLTAGE)

    assert stand.ask("SYST:ERR?") == '324,"Over-voltage shutdown;06"'
    assert stand.ask("STAT:QUES?") == "16"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CR LF", "CR"])
def test_any_line_end_ends_a_message(stand: SupplyStand, end: bytes) -> None:
    answer = stand.twin.conversation().receive(b"VOLT 5" + end + b"VOLT?" + end)

    assert answer == b"5.000\n"


def test_readings_never_show_less_than_nothing(stand: SupplyStand) -> None:
    readings = {stand.ask(q) for q in ("MEAS:VOLT?", "MEAS:CURR?", "MEAS:POW?") for _ in range(20)}

    assert all(float(reading) >= 0.0 for reading in readings)
    assert not any(reading.startswith("-") for reading in readings)
