"""The supply: its driver on its twin, and what only the twin can show."""

import random

import pytest

from instruments.drivers.psb10000 import EaPsb10000
from instruments.protocols import (
    AnswerGarbled,
    BidirectionalSupply,
    CommandRefused,
    InstrumentTimeout,
    NoEnvelope,
    NotOnThisModel,
    OutsideRating,
    Regulation,
    SetpointNotTaken,
    Supply,
    Trip,
)
from instruments.tests.stand import PSU, Battery, Bench
from instruments.twins.psb10000 import EaPsb10000Twin
from instruments.twins.twin import Fault


async def switch_on(psu: EaPsb10000, *, voltage_v: float = 60.0, current_a: float = 20.0) -> None:
    await psu.set_ovp(70.0)
    await psu.set_ocp(200.0)
    await psu.set_opp(10_000.0)
    await psu.set_voltage(voltage_v)
    await psu.set_current_limit(current_a)
    await psu.output_on()


async def test_driver_is_a_bidirectional_supply(psu: EaPsb10000) -> None:
    assert isinstance(psu, BidirectionalSupply)
    assert isinstance(psu, Supply)


async def test_limit_of_current_rules_when_it_is_reached_first(psu: EaPsb10000) -> None:
    await switch_on(psu, voltage_v=60.0, current_a=20.0)

    reading = await psu.measure()

    assert reading.current_a == pytest.approx(20.0, abs=1.0)
    assert reading.voltage_v == pytest.approx(52.0, abs=0.04)


async def test_voltage_rules_when_it_is_reached_first(psu: EaPsb10000) -> None:
    await switch_on(psu, voltage_v=51.0, current_a=100.0)

    reading = await psu.measure()

    assert reading.voltage_v == pytest.approx(51.0, abs=0.04)


async def test_limit_of_power_rules_when_it_is_reached_first(psu: EaPsb10000) -> None:
    await psu.set_power_limit(540.0)
    await switch_on(psu, voltage_v=60.0, current_a=100.0)

    reading = await psu.measure()

    assert reading.power_w == pytest.approx(540.0, abs=60.0)


async def test_reading_carries_the_time_of_the_question(bench: Bench, psu: EaPsb10000) -> None:
    bench.clock.now = 9_000_000

    reading = await psu.measure()

    assert reading.time_us == 9_000_000
    assert bench.clock.now > 9_000_000


async def test_readings_stay_within_the_published_uncertainty(psu: EaPsb10000) -> None:
    await switch_on(psu, voltage_v=60.0, current_a=20.0)

    readings = [await psu.measure() for _ in range(200)]

    assert max(abs(r.voltage_v - 52.0) for r in readings) <= psu.voltage_uncertainty_v(52.0)
    assert max(abs(r.current_a - 20.0) for r in readings) <= psu.current_uncertainty_a(20.0)


async def test_readings_scatter(psu: EaPsb10000) -> None:
    values = {(await psu.measure()).voltage_v for _ in range(50)}

    assert len(values) > 1


def test_same_dice_give_the_same_readings() -> None:
    def readings(seed: int) -> list[bytes]:
        twin = EaPsb10000Twin(serial="1", dice=random.Random(seed), now_us=lambda: 0)
        twin.connect(Battery(twin.demand))
        peer = twin.conversation()
        return [peer.receive(b"MEAS:ARR?\n") for _ in range(50)]

    assert readings(1) == readings(1)
    assert readings(1) != readings(2)


async def test_circuit_is_settled_with_the_old_demand_before_each_change(
    bench: Bench, psu: EaPsb10000
) -> None:
    await psu.set_voltage(40.0)
    bench.psu_circuit.settled.clear()

    await psu.set_voltage(41.0)

    assert bench.psu_circuit.settled[0] == (False, 40.0)
    assert bench.psu_twin.demand.voltage_v == 41.0


@pytest.mark.parametrize("missing", ["ovp", "ocp", "opp", "all"])
async def test_output_stays_off_without_an_envelope(
    bench: Bench, psu: EaPsb10000, missing: str
) -> None:
    protections = {"ovp": psu.set_ovp, "ocp": psu.set_ocp, "opp": psu.set_opp}
    values = {"ovp": 70.0, "ocp": 200.0, "opp": 10_000.0}
    for name, protect in protections.items():
        if missing not in {name, "all"}:
            await protect(values[name])

    with pytest.raises(NoEnvelope):
        await psu.output_on()

    assert not bench.psu_twin.demand.enabled


async def test_envelope_at_the_maximum_is_none(psu: EaPsb10000) -> None:
    await psu.set_ovp(88.0)
    await psu.set_ocp(200.0)
    await psu.set_opp(10_000.0)

    with pytest.raises(NoEnvelope, match="maximum"):
        await psu.output_on()


async def test_envelope_that_somebody_moved_is_none(bench: Bench, psu: EaPsb10000) -> None:
    await psu.set_ovp(70.0)
    await psu.set_ocp(200.0)
    await psu.set_opp(10_000.0)
    bench.psu_twin.stage.guards[Trip.OVER_VOLTAGE].level = 80.0

    with pytest.raises(NoEnvelope, match="is 80 V, was set to 70"):
        await psu.output_on()


async def test_envelope_of_an_earlier_session_is_none(bench: Bench, psu: EaPsb10000) -> None:
    await psu.set_ovp(70.0)
    await psu.set_ocp(200.0)
    await psu.set_opp(10_000.0)
    other = EaPsb10000(bench.session(PSU))
    await other.open()

    with pytest.raises(NoEnvelope):
        await other.output_on()


async def test_over_voltage_switches_off_and_latches(bench: Bench, psu: EaPsb10000) -> None:
    await switch_on(psu)
    bench.psu_circuit.emf_v = 75.0
    bench.psu_twin.supervise()
    bench.psu_circuit.emf_v = 50.0

    assert await psu.tripped() == {Trip.OVER_VOLTAGE}
    assert not await psu.output_is_on()


async def test_over_current_switches_off(bench: Bench, psu: EaPsb10000) -> None:
    await switch_on(psu, voltage_v=60.0, current_a=90.0)
    await psu.set_ocp(50.0)

    assert await psu.tripped() == {Trip.OVER_CURRENT}
    assert not bench.psu_twin.demand.enabled


async def test_trip_is_not_forgotten_though_draining_errors_acknowledges_it(
    bench: Bench, psu: EaPsb10000
) -> None:
    await switch_on(psu)
    bench.psu_circuit.emf_v = 75.0
    bench.psu_twin.supervise()
    bench.psu_circuit.emf_v = 50.0

    await psu.set_voltage(30.0)

    assert not bench.psu_twin.trips
    assert await psu.tripped() == {Trip.OVER_VOLTAGE}


async def test_output_is_refused_while_an_alarm_stands(bench: Bench, psu: EaPsb10000) -> None:
    await psu.set_ovp(40.0)
    await psu.set_ocp(200.0)
    await psu.set_opp(10_000.0)

    with pytest.raises(CommandRefused):
        await psu.output_on()

    assert not bench.psu_twin.demand.enabled


async def test_clearing_a_trip_leaves_the_output_off(bench: Bench, psu: EaPsb10000) -> None:
    await switch_on(psu)
    bench.psu_circuit.emf_v = 75.0
    bench.psu_twin.supervise()
    bench.psu_circuit.emf_v = 50.0

    await psu.clear_trip()

    assert await psu.tripped() == frozenset()
    assert not await psu.output_is_on()


async def test_trip_whose_cause_persists_cannot_be_cleared(bench: Bench, psu: EaPsb10000) -> None:
    await switch_on(psu)
    bench.psu_circuit.emf_v = 75.0

    with pytest.raises(CommandRefused, match="over-voltage persists"):
        await psu.clear_trip()


async def test_set_point_out_of_range_is_refused_before_it_is_sent(
    bench: Bench, psu: EaPsb10000
) -> None:
    bench.log.clear()

    with pytest.raises(OutsideRating, match="82 V is outside the rating, 0 to 80 V"):
        await psu.set_voltage(82.0)

    assert bench.log == []


async def test_set_point_that_is_not_taken_is_noticed(
    bench: Bench, psu: EaPsb10000, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = bench.psu_twin.stage.program

    def stubborn(*, voltage_v: float) -> None:
        program(voltage_v=min(voltage_v, 30.0))

    monkeypatch.setattr(bench.psu_twin.stage, "program", stubborn)

    with pytest.raises(SetpointNotTaken, match="set 40 V, read back 30 V"):
        await psu.set_voltage(40.0)


async def test_set_commands_need_the_remote_lock_and_queries_do_not(bench: Bench) -> None:
    session = bench.session(PSU, check="off")
    await session.command("VOLT 24")
    assert (await session.errors())[0].startswith("-221")

    await session.command("SYST:LOCK ON")
    await session.command("VOLT 24")

    assert await session.query("VOLT?") == "24.00 V"


async def test_answers_are_in_the_makers_form(bench: Bench, psu: EaPsb10000) -> None:
    session = psu.session

    assert await session.query("OUTP?") == "OFF"
    assert await session.query("CURR:PROT?") == "1100.0 A"
    assert await session.query("SYST:LOCK:OWN?") == "REMOTE"
    assert await session.query("SYST:NOM:POW?") == "30000 W"


async def test_status_registers_tell_output_remote_and_regulation(psu: EaPsb10000) -> None:
    await switch_on(psu, voltage_v=60.0, current_a=20.0)

    assert await psu.session.query("STAT:QUES:COND?") == str(1 << 10 | 1 << 11)
    assert await psu.session.query("STAT:OPER:COND?") == str(1 << 9)


async def test_safe_state_takes_current_and_output_away(bench: Bench, psu: EaPsb10000) -> None:
    await switch_on(psu)

    await psu.safe_state()

    assert (bench.psu_twin.demand.current_limit_a, bench.psu_twin.demand.enabled) == (0.0, False)


async def test_safe_state_tries_the_output_though_the_current_failed(
    bench: Bench, psu: EaPsb10000, monkeypatch: pytest.MonkeyPatch
) -> None:
    await switch_on(psu)

    async def fail(_current_a: float) -> None:
        raise InstrumentTimeout("first")

    monkeypatch.setattr(psu, "set_current_limit", fail)

    with pytest.raises(InstrumentTimeout, match="first"):
        await psu.safe_state()
    assert not bench.psu_twin.demand.enabled


async def test_watchdog_switches_off_when_nobody_asks(bench: Bench, psu: EaPsb10000) -> None:
    await psu.set_watchdog(3.0)
    await switch_on(psu)
    last_us = bench.clock.now

    # The last query was heard one answering time before it was answered.
    assert bench.psu_twin.due_us() == last_us - 5_000 + 3_000_000
    bench.clock.now = last_us + 3_000_000
    bench.psu_twin.supervise()

    assert not bench.psu_twin.demand.enabled
    assert not bench.psu_twin.remote


async def test_watchdog_merely_leaves_remote_if_the_state_after_remote_is_auto(
    bench: Bench, psu: EaPsb10000
) -> None:
    await psu.set_watchdog(3.0)
    await switch_on(psu)
    bench.psu_twin.state_after_remote = "AUTO"

    bench.clock.now += 3_000_000
    bench.psu_twin.supervise()

    # Nobody is in control and the output is on: why the driver insists on OFF.
    assert not bench.psu_twin.remote
    assert bench.psu_twin.demand.enabled


async def test_arming_the_watchdog_makes_the_state_after_remote_off(
    bench: Bench, psu: EaPsb10000
) -> None:
    bench.psu_twin.state_after_remote = "AUTO"

    await psu.set_watchdog(3.0)

    assert bench.psu_twin.state_after_remote == "OFF"


async def test_watchdog_is_fed_by_any_exchange(bench: Bench, psu: EaPsb10000) -> None:
    await psu.set_watchdog(3.0)
    await switch_on(psu)

    for _ in range(5):
        bench.clock.now += 2_000_000
        await psu.feed_watchdog()

    assert await psu.output_is_on()


async def test_silent_instrument_is_not_alive(bench: Bench, psu: EaPsb10000) -> None:
    assert await psu.alive()

    bench.psu_twin.fault = Fault.SILENT

    assert not await psu.alive()


async def test_garbage_instead_of_a_reading_is_named_so(bench: Bench, psu: EaPsb10000) -> None:
    bench.psu_twin.fault = Fault.GARBAGE

    with pytest.raises(AnswerGarbled):
        await psu.measure()


async def test_reset_switches_off_and_forgets_the_envelope(bench: Bench, psu: EaPsb10000) -> None:
    await switch_on(psu)

    await psu.reset()

    assert not bench.psu_twin.demand.enabled
    with pytest.raises(NoEnvelope):
        await psu.output_on()


async def sink(psu: EaPsb10000, *, current_a: float) -> None:
    await psu.set_sink_ocp(200.0)
    await psu.set_sink_current_limit(current_a)
    await switch_on(psu, voltage_v=48.0, current_a=20.0)


async def test_it_takes_current_in_below_the_terminals_voltage(
    bench: Bench, psu: EaPsb10000
) -> None:
    await sink(psu, current_a=10.0)

    reading = await psu.measure()

    assert reading.current_a == pytest.approx(-10.0, abs=1.0)
    assert reading.power_w == pytest.approx(-490.0, abs=60.0)
    assert await psu.regulation() is Regulation.CC_SINK


async def test_it_takes_nothing_in_without_a_sink_limit(bench: Bench, psu: EaPsb10000) -> None:
    await switch_on(psu, voltage_v=48.0, current_a=20.0)

    assert (await psu.measure()).current_a == pytest.approx(0.0, abs=0.7)
    assert await psu.regulation() is Regulation.CV


async def test_sink_needs_its_own_protection_before_the_output_goes_on(psu: EaPsb10000) -> None:
    await psu.set_sink_current_limit(10.0)

    with pytest.raises(NoEnvelope, match="SINK:CURR:PROT"):
        await switch_on(psu)


async def test_over_current_of_the_sink_trips_and_is_counted_as_the_sink_s(
    bench: Bench, psu: EaPsb10000
) -> None:
    await sink(psu, current_a=15.0)
    # Without draining the error queue, which would acknowledge the alarm.
    await bench.session(PSU, check="off").command("SINK:CURR:PROT 5")

    assert await psu.session.query("STAT:SEC:QUES:COND?") == "1"
    assert await psu.tripped() == {Trip.OVER_CURRENT}
    assert await psu.session.query("SYST:SINK:ALARM:COUNT:OCUR?") == "1"
    assert await psu.session.query("SYST:ALARM:COUNT:OCUR?") == "0"


async def test_limit_of_power_rules_in_the_sink_too(psu: EaPsb10000) -> None:
    await psu.set_sink_power_limit(245.0)
    await sink(psu, current_a=100.0)

    assert (await psu.measure()).power_w == pytest.approx(-245.0, abs=40.0)
    assert await psu.regulation() is Regulation.CP_SINK


@pytest.mark.parametrize(
    ("voltage_v", "power_w", "expected"),
    [
        (51.0, 30_000.0, Regulation.CV),
        (60.0, 30_000.0, Regulation.CC),
        (60.0, 540.0, Regulation.CP),
    ],
    ids=["CV", "CC", "CP"],
)
async def test_regulation_is_told(
    psu: EaPsb10000, voltage_v: float, power_w: float, expected: Regulation
) -> None:
    assert await psu.regulation() is Regulation.OFF
    await psu.set_power_limit(power_w)

    await switch_on(psu, voltage_v=voltage_v, current_a=20.0)

    assert await psu.regulation() is expected


async def test_slew_is_not_on_this_model(psu: EaPsb10000) -> None:
    with pytest.raises(NotOnThisModel):
        await psu.set_slew(1.0, 1.0)


async def test_set_values_stay_within_the_limits_of_adjustment(bench: Bench) -> None:
    session = bench.session(PSU, check="off")
    await session.command("SYST:LOCK ON;VOLT:LIM:HIGH 60;LOW 20")
    assert (await session.errors())[0].startswith("-221")
    await session.command("VOLT 24;VOLT:LIM:LOW 20")

    await session.command("VOLT 61;VOLT 19")

    assert [error[:4] for error in await session.errors()] == ["-222", "-222"]
    assert await session.query("VOLT?;VOLT:LIM:HIGH?;LOW?") == "24.00 V;60.00 V;20.00 V"


async def test_headers_behind_a_semicolon_may_begin_at_the_root(bench: Bench) -> None:
    session = bench.session(PSU)
    await session.command("SYST:LOCK ON")

    await session.command("VOLT:PROT 60.00 V;CURR:PROT 100.00 A;SINK:CURR:PROT 90.00 A")
    await session.command("SYST:COMM:MON:TIM 7;SYST:COMM:MON:ACT ON")

    assert await session.query("VOLT:PROT?;CURR:PROT?;SINK:CURR:PROT?") == (
        "60.00 V;100.0 A;90.0 A"
    )
    assert await session.query("SYST:COMM:MON:TIME?;ACT?") == "7;ON"


async def test_front_panel_that_takes_over_ends_remote_control(
    bench: Bench, psu: EaPsb10000
) -> None:
    await switch_on(psu)

    bench.psu_twin.fault = Fault.LOCK_LOST

    with pytest.raises(CommandRefused, match="-221"):
        await psu.set_voltage(50.0)
    assert await psu.session.query("SYST:LOCK:OWN?") == "LOCAL"
    with pytest.raises(CommandRefused):
        await psu.remote()
    assert not bench.psu_twin.demand.enabled


async def test_injected_trip_is_found_and_can_be_cleared(bench: Bench, psu: EaPsb10000) -> None:
    await switch_on(psu)

    bench.psu_twin.inject_trip(Trip.OVER_TEMPERATURE)

    assert await psu.tripped() == {Trip.OVER_TEMPERATURE}
    assert not await psu.output_is_on()
    await psu.clear_trip()
    assert await psu.tripped() == frozenset()


async def test_mode_with_resistance_is_refused(bench: Bench, psu: EaPsb10000) -> None:
    with pytest.raises(CommandRefused, match="-221"):
        await psu.session.command("SYST:CONF:MODE UIR")

    assert await psu.session.query("SYST:CONF:MODE?") == "UIP"


async def test_all_errors_come_in_one_answer(bench: Bench) -> None:
    session = bench.session(PSU, check="off")
    await session.command("VOLT 1;BOGUS")

    assert (
        await session.query("SYST:ERR:ALL?") == '-221,"Settings conflict",-113,"Undefined header"'
    )
    assert await session.query("SYST:ERR:ALL?") == '0,"No error"'


async def test_user_text_is_the_last_field_of_the_identity(bench: Bench) -> None:
    session = bench.session(PSU)
    await session.command('SYST:LOCK ON;SYST:CONF:USER:TEXT "bench 3"')

    assert (await session.query("*IDN?")).endswith(", bench 3")


async def test_under_voltage_detection_switches_off_only_as_an_alarm(
    bench: Bench, psu: EaPsb10000
) -> None:
    await sink(psu, current_a=30.0)
    await psu.session.command("SYST:CONF:UVD 45;UVD:ACT WARNING")
    bench.psu_circuit.emf_v = 40.0  # 42 V with what it then gives
    bench.psu_twin.supervise()
    assert await psu.output_is_on()

    await bench.session(PSU, check="off").command("SYST:CONF:UVD:ACT ALARM")
    bench.psu_twin.supervise()

    assert await psu.tripped() == {Trip.UNDER_VOLTAGE}
    assert not await psu.output_is_on()
