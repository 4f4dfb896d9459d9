"""The way to the safe state: its order, and that nothing is called safe that was not seen."""

from rig.clock import monotonic_us
from rig.safety.automaton import Bench
from rig.safety.safe_state import Outcome, Way
from rig.safety.spec import Limits, Sense
from rig.safety.tests.bench import bench

SENSE = Sense(interlock_relay=201, stop_channel=320, current_channel=319)
LIMITS = Limits(step_s=0.2, doubt_s=0.05)


async def taken(hands) -> Outcome:
    return await Way(hands, SENSE, LIMITS, monotonic_us).go()


def failed(outcome: Outcome) -> list[str]:
    return [step.name for step in outcome.steps if step.verified is False]


async def test_outputs_go_off_first_and_the_contactor_is_opened_without_current():
    hands, charger, load, daq, log = bench()
    charger.on = load.on = daq.closed = daq.contactor = True

    outcome = await taken(hands)

    assert outcome.state is Bench.SAFE
    assert outcome.off_ms is not None
    assert not failed(outcome)
    assert log[:2] == ["charger off", "load off"]
    last = ("daq read 319", "daq open 201", "load nothing", "daq rest", "daq lines")
    order = [log.index(what) for what in last]
    assert order == sorted(order)
    assert log[-2:] == ["charger on?", "load on?"]


async def test_a_broken_output_stops_no_other_step_and_the_end_is_unknown():
    hands, charger, load, daq, _log = bench()
    charger.on = load.on = daq.closed = True
    charger.broken = True

    outcome = await taken(hands)

    assert outcome.state is Bench.UNKNOWN
    assert outcome.off_ms is None
    assert not load.on
    assert not daq.closed
    assert set(failed(outcome)) == {
        "charger: output off",
        "charger: nothing set",
        "charger: still off",
    }


async def test_an_output_that_hears_nothing_is_off_by_the_interlock_before_its_step_is_over():
    hands, charger, load, daq, _log = bench()
    charger.on = load.on = daq.closed = True
    charger.deaf = True
    began_us = monotonic_us()
    open_relay, opened_ms = daq.open_relay, []

    async def opens(channel: int) -> None:
        opened_ms.append((monotonic_us() - began_us) / 1000)
        await open_relay(channel)

    daq.open_relay = opens

    outcome = await taken(hands)

    assert 45 < opened_ms[0] < 190
    assert not charger.on
    assert outcome.state is Bench.UNKNOWN


async def test_a_daq_that_fails_makes_the_end_unknown_although_all_outputs_are_off():
    hands, charger, _load, daq, _log = bench()
    charger.on = True
    daq.broken = True

    outcome = await taken(hands)

    assert not charger.on
    assert outcome.state is Bench.UNKNOWN
    assert {"no current", "interlock open"} <= set(failed(outcome))


async def test_current_that_does_not_end_is_told_and_the_contactor_is_opened_all_the_same():
    hands, _charger, _load, daq, log = bench()
    daq.stuck_a = 5.0

    outcome = await taken(hands)

    assert failed(outcome) == ["no current"]
    assert "daq open 201" in log


async def test_a_bench_without_an_interlock_says_so_and_can_be_safe():
    hands, charger, _load, _daq, _log = bench()
    charger.on = True
    sense = Sense(current_channel=319)

    outcome = await Way(hands, sense, LIMITS, monotonic_us).go()

    (step,) = (step for step in outcome.steps if step.name == "interlock open")
    assert (step.verified, step.said) == (None, "not wired")
    assert outcome.state is Bench.SAFE


async def test_an_output_that_is_on_again_at_the_end_is_switched_off_and_the_end_is_unknown():
    hands, _charger, load, daq, _log = bench()
    rest = daq.safe_state

    async def somebody_switches_it_on() -> None:
        await rest()
        load.on = True

    daq.safe_state = somebody_switches_it_on

    outcome = await taken(hands)

    assert not load.on
    assert outcome.state is Bench.UNKNOWN
    assert failed(outcome) == ["load: still off"]
