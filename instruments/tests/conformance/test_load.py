"""What every electronic load does, at a battery."""

from math import nan

import pytest

from instruments.models import Kind
from instruments.protocols import (
    CommandRefused,
    InstrumentError,
    InstrumentTimeout,
    LoadMode,
    LoadReading,
    NotOnThisModel,
    OutsideRating,
    Trip,
)
from instruments.tests.conformance.subject import Subject, Wiring, of
from instruments.twins.twin import Fault

every = of(Kind.LOAD)
with_uvp = of(Kind.LOAD, without=("dl3021",))
with_short = of(Kind.LOAD, without=("dl3021",))
# What each mode is brought to; at 24 V none is beyond the smallest load here, 40 A and 200 W.
LEVELS = {LoadMode.CC: 6.0, LoadMode.CP: 100.0, LoadMode.CR: 5.0}
UNITS = {LoadMode.CC: "A", LoadMode.CV: "V", LoadMode.CP: "W", LoadMode.CR: "ohm"}
SETTLES_S = 2.0
modes = pytest.mark.parametrize("mode", LoadMode)


@pytest.fixture
def wiring() -> Wiring:
    return Wiring.BATTERY


@pytest.fixture
def battery_v(subject: Subject) -> float:
    if subject.wired.battery_v is None:
        pytest.skip("needs --battery")
    return subject.wired.battery_v


async def draw(subject: Subject, mode: LoadMode, level: float) -> LoadReading:
    """Draw in a mode until it is steady, and give a reading."""
    await subject.driver.set_mode(mode)
    await subject.driver.set_level(level)
    await subject.driver.input_on()
    await subject.wait(SETTLES_S)
    reading: LoadReading = await subject.driver.measure()
    return reading


def off(subject: Subject, reading: LoadReading) -> tuple[float, float]:
    """How far voltage and current of a reading may be off."""
    return (
        subject.driver.voltage_uncertainty_v(reading.voltage_v) + 0.01,
        subject.driver.current_uncertainty_a(reading.current_a) + 0.01,
    )


# Modes and levels.


@every
async def test_constant_current_is_drawn_into_the_load(subject: Subject, battery_v: float) -> None:
    reading = await draw(subject, LoadMode.CC, 6.0)

    off_v, off_a = off(subject, reading)
    assert reading.current_a == pytest.approx(6.0, abs=off_a)
    expected_v = battery_v - 6.0 * subject.wired.battery_ohm
    assert reading.voltage_v == pytest.approx(expected_v, abs=off_v + off_a)
    assert reading.power_w == pytest.approx(reading.voltage_v * reading.current_a, rel=0.02, abs=1)


@every
async def test_constant_voltage_is_held_at_the_terminals(
    subject: Subject, battery_v: float
) -> None:
    ohm = subject.wired.battery_ohm
    level_v = round(battery_v - 5.0 * ohm, 2)
    reading = await draw(subject, LoadMode.CV, level_v)

    off_v, off_a = off(subject, reading)
    assert reading.voltage_v == pytest.approx(level_v, abs=off_v)
    assert reading.current_a == pytest.approx((battery_v - level_v) / ohm, abs=off_a + off_v / ohm)


@every
async def test_constant_power_is_drawn(subject: Subject, battery_v: float) -> None:
    reading = await draw(subject, LoadMode.CP, 100.0)

    off_v, off_a = off(subject, reading)
    off_w = off_a * battery_v + off_v * reading.current_a + 1.0
    assert reading.power_w == pytest.approx(100.0, abs=off_w)
    assert reading.current_a == pytest.approx(100.0 / reading.voltage_v, abs=off_a + 0.05)


@every
async def test_constant_resistance_is_shown_to_the_battery(
    subject: Subject, battery_v: float
) -> None:
    reading = await draw(subject, LoadMode.CR, 5.0)

    _, off_a = off(subject, reading)
    expected_a = battery_v / (5.0 + subject.wired.battery_ohm)
    assert reading.current_a == pytest.approx(expected_a, abs=off_a + 0.02)


@every
@modes
async def test_a_level_is_read_back(subject: Subject, mode: LoadMode) -> None:
    await subject.driver.set_mode(mode)
    subject.sent.clear()
    await subject.driver.set_level(LEVELS.get(mode, 23.5))

    header = subject.commands()[-1].split()[0]
    assert f"{header}?" in subject.sent


@every
@modes
@pytest.mark.parametrize("level", [-1.0, 1e5, nan], ids=["below", "above", "nan"])
async def test_a_level_outside_the_rating_is_refused_before_anything_is_sent(
    subject: Subject, mode: LoadMode, level: float
) -> None:
    await subject.driver.set_mode(mode)
    subject.sent.clear()

    with pytest.raises(OutsideRating, match=subject.session.name) as raised:
        await subject.driver.set_level(level)

    assert f"{level:g} {UNITS[mode]}" in str(raised.value)
    assert subject.sent == []


@every
@pytest.mark.parametrize("a_per_s", [0.0, -1.0, nan, 1e12], ids=["none", "falls", "nan", "fast"])
async def test_slew_outside_the_rating_is_refused_before_anything_is_sent(
    subject: Subject, a_per_s: float
) -> None:
    with pytest.raises(OutsideRating):
        await subject.driver.set_slew(a_per_s)

    assert subject.sent == []


@every
async def test_slew_is_read_back(subject: Subject) -> None:
    await subject.driver.set_slew(100_000.0)

    headers = {text.split()[0] for text in subject.commands()}
    assert headers
    assert {f"{header}?" for header in headers} <= set(subject.sent)


@every
async def test_a_level_without_a_mode_of_this_session_is_refused(subject: Subject) -> None:
    with pytest.raises(CommandRefused, match="set_mode"):
        await subject.driver.set_level(1.0)

    assert subject.sent == []


@every
async def test_the_input_stays_off_without_a_mode_of_this_session(subject: Subject) -> None:
    with pytest.raises(CommandRefused, match="set_mode"):
        await subject.driver.input_on()

    assert subject.sent == []


@every
@pytest.mark.parametrize("again", ["open", "reset"])
async def test_opening_and_reset_forget_the_mode(
    subject: Subject, battery_v: float, again: str
) -> None:
    await draw(subject, LoadMode.CC, 6.0)
    await subject.driver.input_off()
    await getattr(subject.driver, again)()

    with pytest.raises(CommandRefused, match="set_mode"):
        await subject.driver.input_on()


@every
@modes
async def test_changing_the_mode_switches_the_input_off(
    subject: Subject, battery_v: float, mode: LoadMode
) -> None:
    await draw(subject, LoadMode.CC, 6.0)

    await subject.driver.set_mode(mode)

    assert not await subject.driver.input_is_on()


# The input.


@every
async def test_input_on_and_off_are_seen(subject: Subject, battery_v: float) -> None:
    await draw(subject, LoadMode.CC, 6.0)
    on = await subject.driver.input_is_on()
    await subject.driver.input_off()

    assert on
    assert not await subject.driver.input_is_on()


@every
async def test_opening_leaves_the_input_on_and_reset_ends_it(
    subject: Subject, battery_v: float
) -> None:
    await draw(subject, LoadMode.CC, 6.0)
    await subject.driver.open()
    opened = await subject.driver.input_is_on()
    await subject.driver.reset()

    assert opened
    assert not await subject.driver.input_is_on()


@every
async def test_an_input_that_is_off_sees_the_battery_and_draws_nothing(
    subject: Subject, battery_v: float
) -> None:
    await draw(subject, LoadMode.CC, 6.0)
    await subject.driver.input_off()
    await subject.wait(SETTLES_S)
    reading = await subject.driver.measure()

    off_v, off_a = off(subject, reading)
    assert reading.voltage_v == pytest.approx(battery_v, abs=off_v)
    assert abs(reading.current_a) <= off_a


@every
async def test_two_hundred_readings_lie_within_the_uncertainty(
    subject: Subject, battery_v: float
) -> None:
    await draw(subject, LoadMode.CC, 6.0)
    readings = [await subject.driver.measure() for _ in range(200)]

    _, off_a = off(subject, readings[0])
    assert max(abs(reading.current_a - 6.0) for reading in readings) <= off_a
    assert len({reading.time_us for reading in readings}) == 200


# Under-voltage, short, trips.


@with_uvp
async def test_below_its_lowest_voltage_it_draws_nothing(
    subject: Subject, battery_v: float
) -> None:
    await subject.driver.set_uvp(battery_v + 5.0)
    below = await draw(subject, LoadMode.CC, 6.0)
    await subject.driver.set_uvp(None)
    without = await draw(subject, LoadMode.CC, 6.0)

    assert abs(below.current_a) <= subject.driver.current_uncertainty_a(0.0)
    assert without.current_a == pytest.approx(6.0, abs=0.5)


@with_uvp
async def test_above_its_lowest_voltage_it_draws(subject: Subject, battery_v: float) -> None:
    await subject.driver.set_uvp(battery_v - 5.0)

    assert (await draw(subject, LoadMode.CC, 6.0)).current_a == pytest.approx(6.0, abs=0.5)


@with_uvp
@pytest.mark.parametrize("voltage_v", [-1.0, nan, 500.0], ids=["below", "nan", "above"])
async def test_a_lowest_voltage_outside_the_rating_is_refused_before_anything_is_sent(
    subject: Subject, voltage_v: float
) -> None:
    with pytest.raises(OutsideRating):
        await subject.driver.set_uvp(voltage_v)

    assert subject.sent == []


@with_short
async def test_a_short_is_refused_while_the_input_is_off(subject: Subject) -> None:
    await subject.driver.set_mode(LoadMode.CC)

    with pytest.raises(CommandRefused, match="input_on"):
        await subject.driver.short(True)

    assert not await subject.driver.input_is_on()


@with_short
async def test_a_short_draws_what_the_battery_gives_and_ends(
    subject: Subject, battery_v: float
) -> None:
    subject.is_twin_for("no real battery is shorted")
    await draw(subject, LoadMode.CC, 6.0)
    await subject.driver.short(True)
    await subject.wait(SETTLES_S)
    shorted = await subject.driver.measure()
    await subject.driver.short(False)
    await subject.wait(SETTLES_S)
    ended = await subject.driver.measure()

    assert shorted.current_a > 0.9 * battery_v / subject.wired.battery_ohm
    assert shorted.voltage_v < 0.1 * battery_v
    assert ended.current_a == pytest.approx(6.0, abs=0.5)


@of(Kind.LOAD, only=("dl3021",))
@pytest.mark.parametrize(("method", "argument"), [("set_uvp", 10.0), ("short", True)])
async def test_what_it_cannot_do_is_named_missing_with_nothing_sent(
    subject: Subject, method: str, argument: object
) -> None:
    with pytest.raises(NotOnThisModel, match=subject.session.name):
        await getattr(subject.driver, method)(argument)

    assert subject.sent == []


@every
async def test_a_trip_latches_until_it_is_cleared_and_never_switches_on(
    subject: Subject, battery_v: float
) -> None:
    await draw(subject, LoadMode.CC, 6.0)
    subject.inject(Trip.OVER_CURRENT)
    await subject.wait(1.0)
    tripped = await subject.driver.tripped()
    on = await subject.driver.input_is_on()
    await subject.driver.clear_trip()
    await subject.wait(1.0)

    assert (tripped, on) == ({Trip.OVER_CURRENT}, False)
    assert await subject.driver.tripped() == frozenset()
    assert not await subject.driver.input_is_on()


# Safety.


@every
async def test_safe_state_draws_nothing(subject: Subject, battery_v: float) -> None:
    await draw(subject, LoadMode.CC, 6.0)
    await subject.driver.safe_state()
    await subject.wait(SETTLES_S)
    reading = await subject.driver.measure()

    assert not await subject.driver.input_is_on()
    assert abs(reading.current_a) <= subject.driver.current_uncertainty_a(0.0)


@every
@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.LOST], ids=["silent", "lost"])
async def test_safe_state_raises_when_nothing_is_heard_and_works_when_it_is_again(
    subject: Subject, battery_v: float, fault: Fault
) -> None:
    await draw(subject, LoadMode.CC, 6.0)
    subject.suffer(fault)
    with pytest.raises(InstrumentError) as raised:
        await subject.driver.safe_state()
    subject.suffer(None)
    still_on = await subject.driver.input_is_on()
    await subject.driver.safe_state()

    assert raised.value.__notes__
    assert still_on
    assert not await subject.driver.input_is_on()


@every
async def test_safe_state_goes_on_after_a_step_that_got_no_answer(
    subject: Subject, battery_v: float
) -> None:
    await draw(subject, LoadMode.CC, 6.0)
    subject.suffer(Fault.MUTE)
    with pytest.raises(InstrumentTimeout) as raised:
        await subject.driver.safe_state()
    subject.suffer(None)

    assert raised.value.__notes__
    assert not await subject.driver.input_is_on()
