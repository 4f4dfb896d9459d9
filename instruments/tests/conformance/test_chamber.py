"""What every climate chamber does."""

from math import nan

import pytest

from instruments.models import Kind
from instruments.protocols import InstrumentError, InstrumentTimeout, NotOnThisModel, OutsideRating
from instruments.tests.conformance.subject import Subject, of
from instruments.twins.twin import Fault

every = of(Kind.CHAMBER)
with_gradient = of(Kind.CHAMBER, without=("p300",))
GOAL_C = 40.0
# chosen: a chamber that has not reached 40 degC from room temperature by then is broken.
PATIENCE_S, LOOK_S = 3600.0, 30.0


@pytest.fixture(autouse=True)
async def standing(subject: Subject) -> None:
    """Each test begins with a chamber that stands."""
    await subject.driver.safe_state()
    subject.sent.clear()


async def reach(subject: Subject, goal_c: float) -> float:
    """How long it takes until the air is there, s; fails if it never is."""
    waited_s = 0.0
    while abs(await subject.driver.temperature() - goal_c) > TOLERANCE_K:
        assert waited_s < PATIENCE_S, f"{goal_c:g} degC not reached after {waited_s:g} s"
        await subject.wait(LOOK_S)
        waited_s += LOOK_S
    return waited_s


# chosen: as close as a chamber's own sensor should come to its set point.
TOLERANCE_K = 0.5


@every
async def test_a_set_temperature_is_read_back_and_starts_nothing(subject: Subject) -> None:
    await subject.driver.set_temperature(GOAL_C)

    assert await subject.driver.setpoint() == pytest.approx(GOAL_C, abs=0.1)
    assert not await subject.driver.running()


@every
@pytest.mark.parametrize("temperature_c", [-300.0, 500.0, nan], ids=["too cold", "too hot", "nan"])
async def test_a_temperature_outside_the_rating_is_refused_and_the_old_one_stays(
    subject: Subject, temperature_c: float
) -> None:
    await subject.driver.set_temperature(GOAL_C)

    with pytest.raises(OutsideRating, match=subject.session.name) as raised:
        await subject.driver.set_temperature(temperature_c)

    assert f"{temperature_c:g} degC" in str(raised.value)
    assert await subject.driver.setpoint() == pytest.approx(GOAL_C, abs=0.1)


@every
async def test_run_and_stop_are_seen(subject: Subject) -> None:
    await subject.driver.set_temperature(GOAL_C)
    await subject.driver.run()
    ran = await subject.driver.running()
    await subject.driver.stop()

    assert ran
    assert not await subject.driver.running()


@every
async def test_run_and_stop_can_be_asked_for_twice(subject: Subject) -> None:
    await subject.driver.set_temperature(GOAL_C)
    await subject.driver.run()
    await subject.driver.run()
    ran = await subject.driver.running()
    await subject.driver.stop()
    await subject.driver.stop()

    assert ran
    assert not await subject.driver.running()


@every
async def test_it_reaches_where_it_shall_go_and_stays(subject: Subject) -> None:
    await subject.driver.set_temperature(GOAL_C)
    await subject.driver.run()
    await reach(subject, GOAL_C)
    await subject.wait(300.0)

    off_k = subject.driver.temperature_uncertainty_k()
    assert await subject.driver.temperature() == pytest.approx(GOAL_C, abs=off_k)


@every
async def test_without_running_the_air_stays(subject: Subject) -> None:
    before_c = await subject.driver.temperature()
    await subject.driver.set_temperature(before_c + 20.0)
    await subject.wait(120.0)

    off_k = subject.driver.temperature_uncertainty_k()
    assert await subject.driver.temperature() == pytest.approx(before_c, abs=off_k)


@every
async def test_opening_leaves_it_running(subject: Subject) -> None:
    await subject.driver.set_temperature(GOAL_C)
    await subject.driver.run()

    await subject.driver.open()

    assert await subject.driver.running()


@with_gradient
async def test_a_gradient_is_what_the_air_moves_with(subject: Subject) -> None:
    start_c = await subject.driver.temperature()
    await subject.driver.set_gradient(1.0)
    await subject.driver.set_temperature(start_c + 10.0)
    await subject.driver.run()
    await subject.wait(300.0)
    moved_k = await subject.driver.temperature() - start_c
    await subject.driver.set_gradient(None)

    # 1 K/min for 5 min, and what the air lags behind.
    assert 2.0 < moved_k < 6.0


@with_gradient
@pytest.mark.parametrize("k_per_min", [0.0, -1.0, nan], ids=["none", "falls", "nan"])
async def test_a_gradient_that_is_none_is_refused_before_anything_is_sent(
    subject: Subject, k_per_min: float
) -> None:
    with pytest.raises(OutsideRating, match=subject.session.name):
        await subject.driver.set_gradient(k_per_min)

    assert subject.sent == []


@of(Kind.CHAMBER, only=("p300",))
async def test_a_gradient_is_named_missing_with_nothing_sent(subject: Subject) -> None:
    with pytest.raises(NotOnThisModel, match=subject.session.name):
        await subject.driver.set_gradient(1.0)

    assert subject.sent == []


@every
async def test_without_a_fault_no_alarm_stands(subject: Subject) -> None:
    assert await subject.driver.alarms() == []


@every
async def test_an_alarm_is_told(subject: Subject) -> None:
    twin = subject.is_twin_for("no real chamber is given an alarm")
    twin.raise_alarm(*((1,) if subject.model.name == "p300" else ()))

    assert len(await subject.driver.alarms()) == 1


@every
async def test_safe_state_stops_and_leaves_room_temperature(subject: Subject) -> None:
    await subject.driver.set_temperature(GOAL_C)
    await subject.driver.run()
    await subject.driver.safe_state()

    assert not await subject.driver.running()
    assert await subject.driver.setpoint() == pytest.approx(25.0, abs=0.1)


@every
@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.LOST], ids=["silent", "lost"])
async def test_safe_state_raises_when_nothing_is_heard_and_works_when_it_is_again(
    subject: Subject, fault: Fault
) -> None:
    await subject.driver.set_temperature(GOAL_C)
    await subject.driver.run()
    subject.suffer(fault)
    with pytest.raises(InstrumentError) as raised:
        await subject.driver.safe_state()
    subject.suffer(None)
    still_runs = await subject.driver.running()
    await subject.driver.safe_state()

    assert raised.value.__notes__
    assert still_runs
    assert not await subject.driver.running()


@every
async def test_safe_state_goes_on_after_a_step_that_got_no_answer(subject: Subject) -> None:
    await subject.driver.set_temperature(GOAL_C)
    await subject.driver.run()
    subject.suffer(Fault.MUTE)
    with pytest.raises(InstrumentTimeout) as raised:
        await subject.driver.safe_state()
    subject.suffer(None)

    assert raised.value.__notes__
    assert not await subject.driver.running()
