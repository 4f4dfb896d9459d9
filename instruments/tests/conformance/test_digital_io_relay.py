"""What every instrument with digital lines and relays does.

Nothing must be wired to bytes 101 and 102 or to relays 201 and 202 that minds being switched.
"""

import asyncio

import pytest

from instruments.models import Kind
from instruments.protocols import CommandRefused, InstrumentError
from instruments.tests.conformance.subject import LINES, Subject, of
from instruments.twins.metering import Quantity
from instruments.twins.twin import Fault

every = of(Kind.DAQ)
levels = pytest.mark.parametrize("level", [True, False], ids=["high", "low"])


# Lines.


@every
@levels
async def test_a_line_that_is_driven_is_read_back(subject: Subject, level: bool) -> None:
    await subject.driver.set("lamp", not level)
    await subject.driver.set("lamp", level)

    assert await subject.driver.get("lamp") is level


@every
@levels
async def test_driving_a_line_leaves_its_neighbours(subject: Subject, level: bool) -> None:
    await subject.driver.set("fan", level)
    await subject.driver.set("lamp", True)
    first = await subject.driver.get("fan")
    await subject.driver.set("lamp", False)

    assert (first, await subject.driver.get("fan")) == (level, level)


@every
async def test_all_lines_are_told_by_name(subject: Subject) -> None:
    await subject.driver.set("lamp", True)
    await subject.driver.set("fan", False)
    everything = await subject.driver.get_all()

    assert everything.keys() == LINES.keys()
    assert (everything["lamp"], everything["fan"]) == (True, False)
    assert dict(subject.driver.lines) == LINES


@every
async def test_an_input_is_not_driven_and_nothing_is_sent(subject: Subject) -> None:
    with pytest.raises(CommandRefused, match="'sense'"):
        await subject.driver.set("sense", True)

    assert subject.sent == []


@every
@pytest.mark.parametrize("method", ["get", "set"])
async def test_a_line_that_nobody_named_is_refused_with_those_that_there_are(
    subject: Subject, method: str
) -> None:
    arguments = ("horn", True) if method == "set" else ("horn",)

    with pytest.raises(ValueError, match=r"'horn'.*lamp, fan, sense"):
        await getattr(subject.driver, method)(*arguments)

    assert subject.sent == []


# Pulses.


@every
@levels
async def test_a_pulse_returns(subject: Subject, level: bool) -> None:
    await subject.driver.set("lamp", not level)
    seen = []

    async def look(_seconds: float) -> None:
        seen.append(await subject.driver.get("lamp"))

    subject.session.sleep = look
    await subject.driver.pulse("lamp", 0.5, level=level)

    assert seen == [level]
    assert await subject.driver.get("lamp") is not level


@every
@levels
async def test_a_pulse_returns_when_it_is_cancelled(subject: Subject, level: bool) -> None:
    await subject.driver.set("lamp", not level)
    begun = asyncio.Event()

    async def for_ever(_seconds: float) -> None:
        begun.set()
        await asyncio.Event().wait()

    subject.session.sleep = for_ever
    pulse = asyncio.create_task(subject.driver.pulse("lamp", 0.5, level=level))
    await begun.wait()
    during = await subject.driver.get("lamp")
    pulse.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pulse

    assert during is level
    assert await subject.driver.get("lamp") is not level


@every
async def test_a_pulse_leaves_what_another_set_meanwhile(subject: Subject) -> None:
    await subject.driver.set("fan", False)

    async def set_another(_seconds: float) -> None:
        await subject.driver.set("fan", True)

    subject.session.sleep = set_another
    await subject.driver.pulse("lamp", 0.5)

    assert await subject.driver.get("fan")


# Relays.


@every
async def test_a_relay_closes_and_opens_and_its_neighbour_stays(subject: Subject) -> None:
    await subject.driver.open_all()
    await subject.driver.close_relay(201)
    closed = await subject.driver.relay_is_closed(201), await subject.driver.relay_is_closed(202)
    await subject.driver.open_relay(201)

    assert closed == (True, False)
    assert not await subject.driver.relay_is_closed(201)


@every
async def test_each_closing_counts_one_cycle_of_that_relay(subject: Subject) -> None:
    await subject.driver.open_all()
    before = await subject.driver.relay_cycles(201), await subject.driver.relay_cycles(202)
    for _ in range(3):
        await subject.driver.close_relay(201)
        await subject.driver.open_relay(201)
    after = await subject.driver.relay_cycles(201), await subject.driver.relay_cycles(202)

    assert (after[0] - before[0], after[1] - before[1]) == (3, 0)


@every
async def test_closing_a_closed_relay_counts_nothing(subject: Subject) -> None:
    await subject.driver.open_all()
    await subject.driver.close_relay(201)
    before = await subject.driver.relay_cycles(201)
    await subject.driver.close_relay(201)

    assert await subject.driver.relay_cycles(201) == before


@every
async def test_open_all_opens_all(subject: Subject) -> None:
    for channel in (201, 202):
        await subject.driver.close_relay(channel)
    await subject.driver.open_all()

    assert not await subject.driver.relay_is_closed(201)
    assert not await subject.driver.relay_is_closed(202)


@every
async def test_reset_opens_relays(subject: Subject) -> None:
    await subject.driver.close_relay(201)

    await subject.driver.reset()

    assert not await subject.driver.relay_is_closed(201)


# Voltages.


@every
async def test_two_hundred_voltages_lie_within_the_uncertainty(subject: Subject) -> None:
    true_v = subject.reading(Quantity.DC_VOLTAGE)
    found = [await subject.driver.read_voltage(301) for _ in range(200)]

    worst_v = max(abs(voltage_v - true_v) for voltage_v in found)
    assert worst_v <= subject.driver.voltage_uncertainty_v(true_v)


# Safety.


@every
async def test_safe_state_opens_relays_and_lets_lines_go(subject: Subject) -> None:
    await subject.driver.close_relay(201)
    await subject.driver.set("lamp", False)
    await subject.driver.safe_state()

    assert not await subject.driver.relay_is_closed(201)
    # A byte that is let go is pulled up.
    assert subject.commands()[-1] == "CONF:DIG:BYTE (@102)"


@every
@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.LOST], ids=["silent", "lost"])
async def test_safe_state_raises_when_nothing_is_heard_and_works_when_it_is_again(
    subject: Subject, fault: Fault
) -> None:
    await subject.driver.close_relay(201)
    subject.suffer(fault)
    with pytest.raises(InstrumentError) as raised:
        await subject.driver.safe_state()
    subject.suffer(None)
    still_closed = await subject.driver.relay_is_closed(201)
    await subject.driver.safe_state()

    assert raised.value.__notes__
    assert still_closed
    assert not await subject.driver.relay_is_closed(201)
