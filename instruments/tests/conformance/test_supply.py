"""Set points and the envelope of every supply, one quadrant or two."""

from math import nan

import pytest

from instruments.models import Kind
from instruments.protocols import (
    NoEnvelope,
    NotOnThisModel,
    OutsideRating,
)
from instruments.tests.conformance.envelope import (
    LACKS,
    Point,
    every_supply,
    has,
    having,
    set_envelope,
)
from instruments.tests.conformance.subject import Subject, models_of

# By the manuals: the highest over-voltage threshold, and what stands for over-current at most.
OVP_V_MAX = {
    "psb10000": 88.0,
    "rp7900": 96.0,
    "it6000c": 80.8,
    "genesys": 88.0,
    "n5767a": 66.0,
    "dp832": 33.0,
    "chroma62012p": 88.0,
}
OCP_A_MAX = {
    "psb10000": 1100.0,
    "rp7900": 250.0,
    "it6000c": 303.0,
    "dp832": 3.3,
    "chroma62012p": 63.0,
}
# How another client changes the over-voltage threshold.
OVP_OF_ANOTHER = {
    "psb10000": "VOLT:PROT 70",
    "rp7900": "VOLT:PROT 70",
    "it6000c": "VOLT:PROT 70",
    "genesys": "VOLT:PROT:LEV 70",
    "n5767a": "VOLT:PROT:LEV 60",
    "dp832": "SOUR1:VOLT:PROT 30",
    "chroma62012p": "SOUR:VOLT:PROT:HIGH 70",
}
SETTERS = {
    "set_voltage": ("V", "voltage_v_max"),
    "set_current_limit": ("A", "current_a_max"),
    "set_power_limit": ("W", "power_w_max"),
    "set_ovp": ("V", "voltage_v_max"),
    "set_ocp": ("A", "current_a_max"),
    "set_opp": ("W", "power_w_max"),
}
setters = pytest.mark.parametrize(
    ("model", "setter"),
    [
        pytest.param(model, setter, id=f"{model.name}-{setter}")
        for model in models_of(Kind.SUPPLY, Kind.BIDIRECTIONAL_SUPPLY)
        for setter in SETTERS
        if has(model, setter)
    ],
)


# Set points.


@every_supply
async def test_voltage_and_current_limit_are_asked_from_the_instrument(
    subject: Subject, point: Point
) -> None:
    await subject.driver.set_voltage(point.voltage_v)
    await subject.driver.set_current_limit(point.limit_a)
    subject.sent.clear()
    found = await subject.driver.voltage_setpoint(), await subject.driver.current_limit()

    assert found == pytest.approx((point.voltage_v, point.limit_a), abs=0.05)
    assert len(subject.sent) == 2


@setters
async def test_a_set_value_is_read_back(subject: Subject, point: Point, setter: str) -> None:
    value = {"V": point.ovp_v, "A": point.ocp_a, "W": 50.0}[SETTERS[setter][0]]

    await getattr(subject.driver, setter)(value)

    set_headers = {text.split()[0] for text in subject.commands()}
    assert subject.sent
    assert {f"{header}?" for header in set_headers} <= set(subject.sent)


@setters
@pytest.mark.parametrize("times", [pytest.param(2.0, id="above"), pytest.param(-0.1, id="below")])
async def test_a_value_outside_the_rating_is_refused_before_anything_is_sent(
    subject: Subject, setter: str, times: float
) -> None:
    unit, limit = SETTERS[setter]
    value = times * getattr(subject.driver.limits, limit)

    with pytest.raises(OutsideRating, match=subject.session.name) as raised:
        await getattr(subject.driver, setter)(value)

    assert f"{value:g} {unit}" in str(raised.value)
    assert subject.sent == []


@setters
async def test_not_a_number_is_refused_before_anything_is_sent(
    subject: Subject, setter: str
) -> None:
    with pytest.raises(OutsideRating):
        await getattr(subject.driver, setter)(nan)

    assert subject.sent == []


@having("set_slew")
@pytest.mark.parametrize(
    ("v_per_s", "a_per_s"),
    [
        pytest.param(nan, 10.0, id="voltage not a number"),
        pytest.param(10.0, nan, id="current not a number"),
        pytest.param(10.0, -1.0, id="current falls"),
        pytest.param(10.0, 1e12, id="current too fast"),
    ],
)
async def test_slew_outside_the_rating_is_refused_before_anything_is_sent(
    subject: Subject, v_per_s: float, a_per_s: float
) -> None:
    with pytest.raises(OutsideRating):
        await subject.driver.set_slew(v_per_s, a_per_s)

    assert subject.sent == []


@having("set_watchdog")
@pytest.mark.parametrize("seconds", [0.0, -1.0, nan, 1e6], ids=["none", "past", "nan", "days"])
async def test_watchdog_outside_the_rating_is_refused_before_anything_is_sent(
    subject: Subject, seconds: float
) -> None:
    with pytest.raises(OutsideRating):
        await subject.driver.set_watchdog(seconds)

    assert subject.sent == []


@every_supply
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("set_power_limit", (50.0,)),
        ("set_ocp", (1.0,)),
        ("set_opp", (50.0,)),
        ("set_slew", (10.0, 10.0)),
        ("set_watchdog", (2.0,)),
        ("feed_watchdog", ()),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
async def test_a_method_works_or_is_named_missing_with_nothing_sent(
    subject: Subject, method: str, arguments: tuple[float, ...]
) -> None:
    if has(subject.model, method):
        await getattr(subject.driver, method)(*arguments)
        assert subject.sent
        return

    with pytest.raises(NotOnThisModel, match=subject.session.name):
        await getattr(subject.driver, method)(*arguments)

    assert subject.sent == []


# The envelope.


@every_supply
async def test_output_stays_off_without_any_protection(subject: Subject) -> None:
    with pytest.raises(NoEnvelope, match=subject.session.name):
        await subject.driver.output_on()

    assert subject.commands() == []
    assert not await subject.driver.output_is_on()


@every_supply
async def test_over_voltage_protection_alone_is_no_envelope(subject: Subject, point: Point) -> None:
    await subject.driver.set_ovp(point.ovp_v)

    with pytest.raises(NoEnvelope):
        await subject.driver.output_on()

    assert not await subject.driver.output_is_on()


@every_supply
async def test_over_current_protection_alone_is_no_envelope(subject: Subject, point: Point) -> None:
    if has(subject.model, "set_ocp"):
        await subject.driver.set_ocp(point.ocp_a)
    await subject.driver.set_current_limit(point.limit_a)

    with pytest.raises(NoEnvelope):
        await subject.driver.output_on()

    assert not await subject.driver.output_is_on()


@every_supply
async def test_over_voltage_protection_at_its_maximum_is_no_envelope(
    subject: Subject, point: Point
) -> None:
    highest_v = OVP_V_MAX[subject.model.name]
    await set_envelope(subject, ovp_v=highest_v, ocp_a=point.ocp_a, limit_a=point.limit_a)

    with pytest.raises(NoEnvelope, match=f"{highest_v:g}"):
        await subject.driver.output_on()

    assert not await subject.driver.output_is_on()


@every_supply
async def test_over_current_protection_at_its_maximum_is_no_envelope(
    subject: Subject, point: Point
) -> None:
    limits = subject.driver.limits
    highest_a = OCP_A_MAX.get(subject.model.name, limits.current_a_max)
    await set_envelope(subject, ovp_v=point.ovp_v, ocp_a=highest_a, limit_a=limits.current_a_max)

    with pytest.raises(NoEnvelope, match="maximum"):
        await subject.driver.output_on()

    assert not await subject.driver.output_is_on()


@every_supply
async def test_a_protection_that_another_client_changed_is_no_envelope(
    subject: Subject, point: Point
) -> None:
    await set_envelope(subject, ovp_v=point.ovp_v, ocp_a=point.ocp_a, limit_a=point.limit_a)
    another = subject.another_session()
    await another.command(OVP_OF_ANOTHER[subject.model.name])
    await another.close()

    with pytest.raises(NoEnvelope):
        await subject.driver.output_on()

    assert not await subject.driver.output_is_on()


@every_supply
@pytest.mark.parametrize("again", ["open", "reset"])
async def test_opening_and_reset_forget_the_envelope(
    subject: Subject, point: Point, again: str
) -> None:
    await set_envelope(subject, ovp_v=point.ovp_v, ocp_a=point.ocp_a, limit_a=point.limit_a)
    await getattr(subject.driver, again)()

    with pytest.raises(NoEnvelope):
        await subject.driver.output_on()

    assert not await subject.driver.output_is_on()


@every_supply
def test_the_table_of_what_is_missing_names_only_what_protocols_have(subject: Subject) -> None:
    missing = LACKS[subject.model.name]

    assert all(callable(getattr(subject.driver, name)) for name in missing)
