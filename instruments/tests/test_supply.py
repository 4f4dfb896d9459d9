"""The supply: its driver on its twin, and what only the twin can show."""

import random

import pytest

from instruments.drivers.ea_psb10000 import EaPsb10000
from instruments.protocols import (
    AnswerGarbled,
    CommandRefused,
    InstrumentTimeout,
    NoEnvelope,
    SetpointNotTaken,
    Supply,
    Trip,
)
from instruments.tests.stand import PSU, Battery, Bench
from instruments.twins.ea_psb10000 import EaPsb10000Twin
from instruments.twins.twin import Fault


async def switch_on(psu: EaPsb10000, *, voltage_v: float = 60.0, current_a: float = 20.0) -> None:
    await psu.set_ovp(70.0)
    await psu.set_ocp(200.0)
    await psu.set_voltage(voltage_v)
    await psu.set_current_limit(current_a)
    await psu.output_on()


async def test_driver_is_a_supply(psu: EaPsb10000) -> None:
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


@pytest.mark.parametrize("missing", ["ovp", "ocp", "both"])
async def test_output_stays_off_without_an_envelope(
    bench: Bench, psu: EaPsb10000, missing: str
) -> None:
    if missing == "ocp":
        await psu.set_ovp(70.0)
    if missing == "ovp":
        await psu.set_ocp(200.0)

    with pytest.raises(NoEnvelope):
        await psu.output_on()

    assert not bench.psu_twin.demand.enabled


async def test_envelope_at_the_maximum_is_none(psu: EaPsb10000) -> None:
    await psu.set_ovp(88.0)
    await psu.set_ocp(200.0)

    with pytest.raises(NoEnvelope, match="maximum"):
        await psu.output_on()


async def test_envelope_that_somebody_moved_is_none(bench: Bench, psu: EaPsb10000) -> None:
    await psu.set_ovp(70.0)
    await psu.set_ocp(200.0)
    bench.psu_twin.ovp_v = 80.0

    with pytest.raises(NoEnvelope, match="is 80 V, was set to 70"):
        await psu.output_on()


async def test_envelope_of_an_earlier_session_is_none(bench: Bench, psu: EaPsb10000) -> None:
    await psu.set_ovp(70.0)
    await psu.set_ocp(200.0)
    other = EaPsb10000(bench.session(PSU))
    await other.open()

    with pytest.raises(NoEnvelope):
        await other.output_on()


async def test_over_voltage_switches_off_and_latches(bench: Bench, psu: EaPsb10000) -> None:
    await switch_on(psu)
    bench.psu_circuit.emf_v = 75.0
    bench.psu_twin.check_protections()
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
    bench.psu_twin.check_protections()
    bench.psu_circuit.emf_v = 50.0

    await psu.set_voltage(30.0)

    assert not bench.psu_twin.trips
    assert await psu.tripped() == {Trip.OVER_VOLTAGE}


async def test_output_is_refused_while_an_alarm_stands(bench: Bench, psu: EaPsb10000) -> None:
    await psu.set_ovp(40.0)
    await psu.set_ocp(200.0)

    with pytest.raises(CommandRefused):
        await psu.output_on()

    assert not bench.psu_twin.demand.enabled


async def test_clearing_a_trip_leaves_the_output_off(bench: Bench, psu: EaPsb10000) -> None:
    await switch_on(psu)
    bench.psu_circuit.emf_v = 75.0
    bench.psu_twin.check_protections()
    bench.psu_circuit.emf_v = 50.0

    await psu.clear_trip()

    assert await psu.tripped() == frozenset()
    assert not await psu.output_is_on()


async def test_trip_whose_cause_persists_cannot_be_cleared(bench: Bench, psu: EaPsb10000) -> None:
    await switch_on(psu)
    bench.psu_circuit.emf_v = 75.0

    with pytest.raises(CommandRefused, match="over-voltage persists"):
        await psu.clear_trip()


async def test_set_point_out_of_range_is_refused(bench: Bench, psu: EaPsb10000) -> None:
    with pytest.raises(CommandRefused, match="-222"):
        await psu.set_voltage(82.0)

    assert bench.psu_twin.demand.voltage_v == 0.0


async def test_set_point_that_is_not_taken_is_noticed(bench: Bench) -> None:
    class Stubborn(Battery):
        def settle(self) -> None:
            demand = bench.psu_twin.demand
            demand.voltage_v = min(demand.voltage_v, 30.0)

    bench.psu_twin.connect(Stubborn(bench.psu_twin.demand))
    psu = EaPsb10000(bench.session(PSU))
    await psu.open()

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
    due_us = bench.psu_twin.watchdog_due_us()
    assert due_us is not None

    bench.clock.now = due_us
    bench.psu_twin.check_watchdog()

    assert not bench.psu_twin.demand.enabled
    assert not bench.psu_twin.remote


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
