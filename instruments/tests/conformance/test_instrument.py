"""What every instrument of the bench does, whatever it is for."""

import pytest

from instruments.models import Kind
from instruments.protocols import (
    AnswerGarbled,
    BidirectionalSupply,
    Chamber,
    DigitalIO,
    IdentityMismatch,
    Instrument,
    InstrumentError,
    InstrumentLost,
    InstrumentTimeout,
    Load,
    Meter,
    NotOnThisModel,
    Relay,
    Supply,
)
from instruments.tests.conformance.subject import Subject, of
from instruments.twins.twin import Fault

pytestmark = of(*Kind)

PROTOCOLS: dict[Kind, tuple[type, ...]] = {
    Kind.SUPPLY: (Supply,),
    Kind.BIDIRECTIONAL_SUPPLY: (Supply, BidirectionalSupply),
    Kind.LOAD: (Load,),
    Kind.METER: (Meter,),
    Kind.DAQ: (DigitalIO, Relay),
    Kind.CHAMBER: (Chamber,),
}
# Queries by which instruments tell who they are: nothing else may precede a refusal.
WHO = ("*IDN?", "99997", "TYPE?", "ROM?")
WITHOUT_SERIAL = ("p300",)
WITHOUT_RESET = ("simserv", "p300")


def test_driver_has_all_that_its_protocols_ask_for(subject: Subject) -> None:
    for protocol in (Instrument, *PROTOCOLS[subject.model.kind]):
        assert isinstance(subject.driver, protocol)


async def test_identity_is_told_alike_by_opening_and_by_asking(closed: Subject) -> None:
    opened = await closed.driver.open()
    asked = await closed.driver.identify()

    assert opened == asked
    assert opened.manufacturer
    assert opened.model


async def test_the_serial_number_that_it_told_is_taken(closed: Subject) -> None:
    if closed.model.name in WITHOUT_SERIAL:
        pytest.skip("it tells no serial number")
    told = await closed.driver.identify()

    opened = await closed.driver.open(serial=told.serial)

    assert opened.serial == told.serial != ""


async def test_another_serial_number_is_refused_before_anything_is_set(closed: Subject) -> None:
    refusal = NotOnThisModel if closed.model.name in WITHOUT_SERIAL else IdentityMismatch

    with pytest.raises(refusal, match=closed.session.name) as raised:
        await closed.driver.open(serial="not this one")

    assert refusal is NotOnThisModel or "'not this one'" in str(raised.value)
    assert all(text.startswith(WHO) for text in closed.sent)


async def test_another_instrument_is_refused_before_anything_is_set(closed: Subject) -> None:
    if closed.model.name == "simserv":
        pytest.skip("its driver takes every type of chamber unless the bench names some")
    closed.suffer(Fault.WRONG_IDENTITY)

    with pytest.raises(IdentityMismatch, match=closed.session.name):
        await closed.driver.open()

    assert all(text.startswith(WHO) for text in closed.sent)


async def test_it_is_alive_after_opening_and_has_no_errors(subject: Subject) -> None:
    assert await subject.driver.alive()
    assert await subject.driver.errors() == []


async def test_one_that_hears_nothing_is_not_alive_until_it_does_again(subject: Subject) -> None:
    subject.suffer(Fault.SILENT)
    silent = await subject.driver.alive()
    subject.suffer(None)

    assert not silent
    assert await subject.driver.alive()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(Fault.SILENT, InstrumentTimeout, id="silent"),
        pytest.param(Fault.MUTE, InstrumentTimeout, id="mute"),
        pytest.param(Fault.SLOW, InstrumentTimeout, id="slow"),
        pytest.param(Fault.LOST, InstrumentLost, id="lost"),
        pytest.param(Fault.GARBAGE, AnswerGarbled, id="garbage"),
    ],
)
async def test_a_fault_has_its_name_and_leaves_no_stale_answer(
    subject: Subject, fault: Fault, error: type[InstrumentError]
) -> None:
    before = await subject.driver.identify()
    subject.suffer(fault)
    with pytest.raises(error):
        await subject.driver.identify()
    subject.suffer(None)

    assert await subject.driver.identify() == before


async def test_a_closed_driver_is_not_alive_and_can_be_opened_again(subject: Subject) -> None:
    await subject.driver.close()
    closed = await subject.driver.alive()
    await subject.driver.open()

    assert not closed
    assert await subject.driver.alive()


async def test_reset_leaves_no_error_or_is_named_missing(subject: Subject) -> None:
    if subject.model.name in WITHOUT_RESET:
        with pytest.raises(NotOnThisModel, match=subject.session.name):
            await subject.driver.reset()
        assert subject.sent == []
        return

    await subject.driver.reset()

    assert await subject.driver.errors() == []


async def test_safe_state_can_be_asked_for_at_any_time_and_again(subject: Subject) -> None:
    await subject.driver.safe_state()
    await subject.driver.safe_state()

    assert await subject.driver.errors() == []
