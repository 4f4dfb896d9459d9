"""Climate chambers: the drivers on their twins."""

import random
from collections.abc import AsyncIterator, Iterator

import pytest

from instruments.drivers.p300 import P300
from instruments.drivers.simserv import Simserv
from instruments.exchange import Turns
from instruments.protocols import (
    AnswerGarbled,
    Chamber,
    CommandRefused,
    IdentityMismatch,
    InstrumentTimeout,
    NotOnThisModel,
    OutsideRating,
    SetpointNotTaken,
)
from instruments.session import Session
from instruments.tests.stand import Clock
from instruments.twins.p300 import P300Twin
from instruments.twins.simserv import SimservTwin
from instruments.twins.twin import Fault
from instruments.visa import TwinLibrary

WEISS, ESPEC = "TCPIP::weiss.bench::2049::SOCKET", "TCPIP::espec.bench::10001::SOCKET"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def library() -> Iterator[TwinLibrary]:
    library = TwinLibrary.create()
    yield library
    library.close_all()


@pytest.fixture
def weiss_twin(clock: Clock, library: TwinLibrary) -> SimservTwin:
    twin = SimservTwin(serial="58217", dice=random.Random(1), now_us=clock.now_us)
    library.register(WEISS, twin)
    return twin


@pytest.fixture
def espec_twin(clock: Clock, library: TwinLibrary) -> P300Twin:
    twin = P300Twin(serial="7", dice=random.Random(2), now_us=clock.now_us)
    library.register(ESPEC, twin)
    return twin


def line_session(
    library: TwinLibrary, clock: Clock, name: str, kind: type[Simserv | P300]
) -> Session:
    resource = library.resource(name)
    resource.encoding = kind.encoding
    resource.read_termination = kind.read_termination
    resource.write_termination = kind.write_termination
    return Session(
        resource,
        name=name,
        runner=Turns(library.waiter(resource, clock.settle)),
        now_us=clock.now_us,
        sleep=clock.settle,
        check="off",
    )


@pytest.fixture
async def weiss(
    library: TwinLibrary, clock: Clock, weiss_twin: SimservTwin
) -> AsyncIterator[Simserv]:
    driver = Simserv(line_session(library, clock, WEISS, Simserv))
    await driver.open()
    yield driver
    await driver.close()


@pytest.fixture
async def espec(library: TwinLibrary, clock: Clock, espec_twin: P300Twin) -> AsyncIterator[P300]:
    driver = P300(line_session(library, clock, ESPEC, P300))
    await driver.open()
    yield driver
    await driver.close()


# Both drivers.


def test_drivers_are_chambers(weiss: Simserv, espec: P300) -> None:
    assert isinstance(weiss, Chamber)
    assert isinstance(espec, Chamber)


async def test_weiss_tells_type_and_serial_number(weiss: Simserv) -> None:
    identity = await weiss.identify()

    assert (identity.model, identity.serial) == ("TempEvent T/180/70/5", "58217")


async def test_weiss_of_another_serial_number_is_refused(weiss: Simserv) -> None:
    with pytest.raises(IdentityMismatch, match="'58217', expected '58218'"):
        await weiss.open(serial="58218")


async def test_weiss_of_another_type_is_refused(
    library: TwinLibrary, clock: Clock, weiss_twin: SimservTwin
) -> None:
    driver = Simserv(line_session(library, clock, WEISS, Simserv), models=["ClimeEvent"])

    with pytest.raises(IdentityMismatch, match="expected 'ClimeEvent'"):
        await driver.open()


async def test_weiss_set_point_is_waited_for(weiss: Simserv, clock: Clock) -> None:
    before_us = clock.now

    await weiss.set_temperature(-25.5)

    assert await weiss.setpoint() == -25.5
    assert clock.now - before_us >= 300_000


async def test_weiss_set_point_that_never_comes_is_not_taken(
    library: TwinLibrary, clock: Clock
) -> None:
    twin = SimservTwin(serial="1", dice=random.Random(1), now_us=clock.now_us, settle_s=60.0)
    library.register(WEISS, twin)
    driver = Simserv(line_session(library, clock, WEISS, Simserv))
    await driver.open()

    with pytest.raises(SetpointNotTaken, match="set 40 degC, read back 23 degC"):
        await driver.set_temperature(40.0)


@pytest.mark.parametrize("temperature_c", [-70.5, 180.5, float("nan")], ids=str)
async def test_weiss_refuses_what_it_cannot_reach(weiss: Simserv, temperature_c: float) -> None:
    with pytest.raises(OutsideRating, match="-70 to 180 degC"):
        await weiss.set_temperature(temperature_c)


async def test_weiss_runs_to_its_set_point_and_stops(weiss: Simserv, clock: Clock) -> None:
    await weiss.set_temperature(60.0)
    await weiss.run()
    clock.now += 3_600_000_000

    assert await weiss.running()
    assert await weiss.temperature() == pytest.approx(60.0, abs=weiss.temperature_uncertainty_k())

    await weiss.stop()

    assert not await weiss.running()


async def test_weiss_setting_does_not_start_it(
    weiss: Simserv, weiss_twin: SimservTwin, clock: Clock
) -> None:
    await weiss.set_temperature(60.0)
    clock.now += 3_600_000_000

    assert not await weiss.running()
    assert await weiss.temperature() == pytest.approx(23.0, abs=0.5)


async def test_weiss_gradient_limits_both_directions(weiss: Simserv, clock: Clock) -> None:
    await weiss.set_temperature(60.0)
    await weiss.set_gradient(0.5)
    await weiss.run()
    start_c = await weiss.temperature()

    clock.now += 600_000_000

    assert await weiss.temperature() - start_c == pytest.approx(5.0, abs=0.3)


@pytest.mark.parametrize("k_per_min", [0.0, -1.0], ids=str)
async def test_weiss_gradient_is_above_zero(weiss: Simserv, k_per_min: float) -> None:
    with pytest.raises(OutsideRating):
        await weiss.set_gradient(k_per_min)


async def test_weiss_alarm_is_told_in_its_words_and_blocks_the_start(
    weiss: Simserv, weiss_twin: SimservTwin
) -> None:
    weiss_twin.raise_alarm()

    assert await weiss.alarms() == ["Temperature limiter test space"]
    with pytest.raises(SetpointNotTaken, match="Temperature limiter test space"):
        await weiss.run()


async def test_weiss_runs_again_after_its_errors_are_reset(
    weiss: Simserv, weiss_twin: SimservTwin
) -> None:
    weiss_twin.raise_alarm()
    await weiss.clear()

    await weiss.run()

    assert await weiss.alarms() == []


async def test_weiss_warning_is_no_alarm(weiss: Simserv, weiss_twin: SimservTwin) -> None:
    weiss_twin.messages[1].active = True

    assert await weiss.alarms() == []


async def test_weiss_error_answer_is_a_refusal(weiss: Simserv) -> None:
    with pytest.raises(CommandRefused, match="unknown command"):
        await weiss._ask("12345")


async def test_weiss_safe_state_stops_at_room_temperature(weiss: Simserv) -> None:
    await weiss.set_temperature(60.0)
    await weiss.run()

    await weiss.safe_state()

    assert (await weiss.running(), await weiss.setpoint()) == (False, 25.0)


async def test_weiss_has_no_reset(weiss: Simserv) -> None:
    with pytest.raises(NotOnThisModel):
        await weiss.reset()


async def test_weiss_that_is_silent_is_not_alive(weiss: Simserv, weiss_twin: SimservTwin) -> None:
    alive = await weiss.alive()
    weiss_twin.fault = Fault.SILENT

    assert (alive, await weiss.alive()) == (True, False)
    with pytest.raises(InstrumentTimeout):
        await weiss.temperature()


async def test_weiss_garbage_is_garbled(weiss: Simserv, weiss_twin: SimservTwin) -> None:
    weiss_twin.fault = Fault.GARBAGE

    with pytest.raises(AnswerGarbled):
        await weiss.temperature()


async def test_weiss_can_be_opened_again_after_it_was_closed(weiss: Simserv) -> None:
    await weiss.close()

    await weiss.open(serial="58217")

    assert await weiss.setpoint() == 23.0


async def test_espec_runs_to_its_set_point_and_stops(espec: P300, clock: Clock) -> None:
    await espec.set_temperature(-10.0)
    await espec.run()
    clock.now += 7_200_000_000

    assert await espec.running()
    assert await espec.temperature() == pytest.approx(-10.0, abs=espec.temperature_uncertainty_k())

    await espec.stop()

    assert not await espec.running()


async def test_espec_that_is_off_stays_off(espec: P300, espec_twin: P300Twin) -> None:
    await espec.safe_state()

    assert espec_twin.mode == "OFF"


async def test_espec_refuses_what_its_limits_do_not_allow(
    espec: P300, espec_twin: P300Twin
) -> None:
    espec_twin.high_c = 60.0

    with pytest.raises(OutsideRating, match="61 degC is outside the limits, -45 to 60"):
        await espec.set_temperature(61.0)


async def test_espec_has_no_gradient(espec: P300) -> None:
    await espec.set_gradient(None)

    with pytest.raises(NotOnThisModel):
        await espec.set_gradient(1.0)


async def test_espec_alarm_is_told_and_blocks_the_start(espec: P300, espec_twin: P300Twin) -> None:
    espec_twin.raise_alarm(7)

    assert await espec.alarms() == ["alarm 7"]
    with pytest.raises(CommandRefused, match="CHB NOT READY"):
        await espec.run()


async def test_other_controller_is_no_p300(espec: P300, espec_twin: P300Twin) -> None:
    espec_twin.fault = Fault.WRONG_IDENTITY

    with pytest.raises(IdentityMismatch, match="expected one of P3"):
        await espec.open()


async def test_espec_serial_number_cannot_be_checked(espec: P300) -> None:
    with pytest.raises(NotOnThisModel, match="serial number"):
        await espec.open(serial="7")
