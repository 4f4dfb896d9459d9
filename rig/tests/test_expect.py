"""Claims: when each form is met, when it is unmet, and what it then says."""

import asyncio
import math
import re
from types import SimpleNamespace

import pytest

from rig.errors import BenchError, Unmet
from rig.expect import (
    Measurement,
    above,
    below,
    between,
    chosen,
    expect,
    other_than,
    with_bit,
    without_bit,
    witness,
)
from rig.kernel import milliseconds, seconds
from rig.signal import Poller, Signal
from rig.tests.virtual import kernel, virtual
from rig.views import CLOSED, OPEN


class Keeper:
    """Keeps what a claim tells its witness."""

    item = "v1.08-04"

    def __init__(self):
        self.told: list[tuple[str, bool, Measurement | None]] = []

    def expectation(self, what, text, *, met, measurement):
        text = f"{what} {text}".strip()
        self.told.append((text, met, measurement))


@pytest.fixture
def keeper():
    token = witness.set(Keeper())
    yield witness.get()
    witness.reset(token)


def told_by_a_bus(*values, name="contactor", unit=""):
    """A signal that takes the first value at once and each other one a second later."""
    signal = Signal(name, unit, kernel=kernel())
    for at_s, value in enumerate(values):
        if at_s:
            kernel().at(seconds(at_s), lambda value=value: signal.put(value))
        else:
            signal.put(value)
    return signal


def read_from_an_instrument(value_at, name="voltage", unit="V"):
    """A signal that somebody has to poll; ``value_at`` gives its value at a time."""

    async def read():
        signal.put(value_at(kernel().now_us))

    signal = Signal(name, unit, kernel=kernel(), poll=Poller(read))
    return signal


# Conditions


@pytest.mark.parametrize(
    ("condition", "inside", "outside"),
    [
        pytest.param(above(3.4), 3.41, 3.4, id="above"),
        pytest.param(below(10), 9.9, 10, id="below"),
        pytest.param(between(1, 2), 1, 2.01, id="between-low"),
        pytest.param(between(1, 2), 2, 0.99, id="between-high"),
        pytest.param(other_than(0), 1, 0, id="other-than"),
        pytest.param(with_bit(29), 1 << 29, 1 << 28, id="with-bit"),
        pytest.param(without_bit(29), 1 << 28, 1 << 29, id="without-bit"),
    ],
)
def test_a_condition_takes_what_is_inside_and_not_what_is_outside(condition, inside, outside):
    assert condition.holds(inside)
    assert not condition.holds(outside)


@pytest.mark.parametrize(
    "condition",
    [above(0), below(0), between(0, 1), with_bit(0), without_bit(0)],
    ids=lambda condition: condition.text,
)
def test_what_is_not_available_meets_no_condition_on_a_number(condition):
    assert not condition.holds(None)


def test_a_chosen_value_is_the_value_and_needs_its_reason():
    assert chosen(1.5, "between two steps") == 1.5
    with pytest.raises(ValueError, match="needs its reason"):
        chosen(1.5, "")


# becomes


@virtual
async def test_becomes_is_met_at_once_where_the_value_is_there():
    assert await expect(told_by_a_bus(CLOSED)).becomes(CLOSED, within=seconds(1)) == 0


@virtual
async def test_becomes_is_met_by_a_change_and_gives_the_delay():
    signal = told_by_a_bus(CLOSED, OPEN)

    assert await expect(signal).becomes(OPEN, within=seconds(2)) == seconds(1)


@virtual
async def test_becomes_is_met_by_a_change_at_the_very_end():
    await expect(told_by_a_bus(CLOSED, OPEN)).becomes(OPEN, within=seconds(1))


@virtual
async def test_becomes_is_unmet_by_a_change_that_comes_too_late():
    signal = told_by_a_bus(CLOSED, OPEN)

    with pytest.raises(Unmet, match=r"contactor did not become open within 0\.999 s, last closed"):
        await expect(signal).becomes(OPEN, within=milliseconds(999))
    assert kernel().now_us == milliseconds(999)


@virtual
async def test_a_change_from_before_the_claim_that_is_told_after_it_took_no_time():
    await asyncio.sleep(2)
    signal = told_by_a_bus(OPEN)
    kernel().at(seconds(2.1), lambda: signal.put(CLOSED, seconds(1.997)))

    assert await expect(signal).becomes(CLOSED, within=seconds(1)) == 0


@virtual
async def test_a_change_that_is_timed_after_the_limit_is_too_late_however_it_is_told():
    signal = told_by_a_bus(OPEN)
    kernel().at(seconds(0.9), lambda: signal.put(CLOSED, seconds(1.001)))

    with pytest.raises(Unmet, match=r"did not become closed within 1\.000 s"):
        await expect(signal).becomes(CLOSED, within=seconds(1))


@virtual
async def test_becomes_is_unmet_by_a_signal_that_was_never_told():
    silent = Signal("soc", "%", kernel=kernel())

    with pytest.raises(Unmet, match=r"soc did not become 60 within 1\.000 s, it was never told"):
        await expect(silent).becomes(60, within=seconds(1))


@virtual
async def test_becomes_is_unmet_by_a_change_that_comes_too_early():
    signal = told_by_a_bus(CLOSED, OPEN)

    with pytest.raises(Unmet, match=r"became open after 1\.000 s, expected 1\.001 s to 2\.000 s"):
        await expect(signal).becomes(OPEN, within=seconds(2), after=milliseconds(1001))


@virtual
async def test_becomes_not_before_a_time_is_a_measurement_with_its_limits(keeper):
    await expect(told_by_a_bus(CLOSED, OPEN)).becomes(OPEN, within=seconds(2), after=seconds(1))

    (_, met, measurement), *none = keeper.told
    assert none == []
    assert met
    assert (measurement.value, measurement.low, measurement.high) == (1.0, 1.0, 2.0)
    assert (measurement.unit, measurement.uncertainty, measurement.verdict) == ("s", 0.0, "PASS")


@pytest.mark.parametrize(
    ("opens_ms", "verdict"),
    [pytest.param(1000, "INCONCLUSIVE", id="near"), pytest.param(1030, "PASS", id="clear")],
)
@virtual
async def test_becomes_is_inconclusive_where_the_early_limit_is_within_a_poll(
    keeper, opens_ms, verdict
):
    signal = read_from_an_instrument(lambda now_us: now_us >= milliseconds(opens_ms))

    await expect(signal).becomes(True, within=seconds(2), after=milliseconds(1000))

    measurement = keeper.told[0][2]
    assert measurement.verdict == verdict
    assert measurement.uncertainty == 0.02


@virtual
async def test_becomes_sees_an_instrument_change_within_a_poll():
    signal = read_from_an_instrument(lambda now_us: now_us > milliseconds(333))

    delay_us = await expect(signal).becomes(True, within=seconds(2))

    assert milliseconds(333) < delay_us <= milliseconds(353)


@virtual
async def test_a_claim_sees_a_change_within_a_poll_though_somebody_watches_more_coarsely():
    signal = read_from_an_instrument(lambda now_us: now_us > milliseconds(333))
    signal.watch(lambda _sample: None, seconds(1))
    await asyncio.sleep(0.1)

    delay_us = await expect(signal).becomes(True, within=seconds(2))

    assert milliseconds(233) < delay_us <= milliseconds(253)


# stays


@virtual
async def test_stays_is_met_where_nothing_happens_for_the_time():
    await expect(told_by_a_bus(CLOSED, OPEN)).stays(CLOSED, for_=milliseconds(999))

    assert kernel().now_us == milliseconds(999)


@virtual
async def test_stays_is_met_by_other_values_that_the_condition_takes_too():
    await expect(told_by_a_bus(26.1, 26.3, 26.2)).stays(between(26, 27), for_=seconds(3))


@virtual
async def test_stays_is_unmet_by_a_change():
    signal = told_by_a_bus(CLOSED, OPEN)

    message = r"contactor became open after 1\.000 s, expected closed for 2\.000 s"
    with pytest.raises(Unmet, match=message):
        await expect(signal).stays(CLOSED, for_=seconds(2))


@virtual
async def test_stays_is_unmet_by_a_value_that_is_another_to_begin_with():
    with pytest.raises(Unmet, match="was not closed to begin with, last open"):
        await expect(told_by_a_bus(OPEN)).stays(CLOSED, for_=seconds(2))


@virtual
async def test_stays_is_unmet_by_a_signal_that_was_never_told():
    silent = Signal("soc", "%", kernel=kernel())

    with pytest.raises(Unmet, match="it was never told"):
        await expect(silent).stays(above(50), for_=seconds(2))


@virtual
async def test_stays_is_unmet_by_a_value_that_becomes_not_available():
    with pytest.raises(Unmet, match="became None"):
        await expect(told_by_a_bus(60.0, None)).stays(above(50), for_=seconds(2))


# never


@virtual
async def test_never_is_met_by_a_signal_that_was_never_told():
    await expect(Signal("soc", "%", kernel=kernel())).never(0, for_=seconds(2))


@virtual
async def test_never_is_met_by_other_values():
    await expect(told_by_a_bus(1, 2, 3)).never(above(3), for_=seconds(4))


@pytest.mark.parametrize("values", [(5,), (1, 5)], ids=["at once", "later"])
@virtual
async def test_never_is_unmet_by_the_value(values):
    with pytest.raises(Unmet, match=r"became above 3 after [01]\.000 s, expected never within"):
        await expect(told_by_a_bus(*values)).never(above(3), for_=seconds(2))


# is_


@virtual
async def test_is_is_met_by_the_value_of_now_and_takes_no_time():
    await expect(told_by_a_bus(CLOSED, OPEN)).is_(CLOSED)

    assert kernel().now_us == 0


@virtual
async def test_is_reads_an_instrument_anew():
    signal = read_from_an_instrument(lambda now_us: now_us)
    signal.put(-1)

    await expect(signal).is_(0)


@virtual
async def test_is_is_unmet_by_another_value_and_says_which():
    with pytest.raises(Unmet, match=r"voltage is not above 27, last 26\.5 V \(t = 0\.000 s\)"):
        await expect(told_by_a_bus(26.5, name="voltage", unit="V")).is_(above(27))


# measure


@pytest.mark.parametrize(
    ("value", "limits", "verdict"),
    [
        pytest.param(5.0, {"low": 4.9, "high": 5.1}, "PASS", id="between"),
        pytest.param(4.9, {"low": 4.9, "high": 5.1}, "PASS", id="on-the-low-limit"),
        pytest.param(5.1, {"low": 4.9, "high": 5.1}, "PASS", id="on-the-high-limit"),
        pytest.param(99.0, {"low": 4.9}, "PASS", id="low-limit-alone"),
        pytest.param(-99.0, {"high": 5.1}, "PASS", id="high-limit-alone"),
        pytest.param(5.0, {"high": 5.1, "uncertainty": 0.05}, "PASS", id="clear-of-the-limit"),
        pytest.param(5.0, {"high": 5.1, "uncertainty": 0.2}, "INCONCLUSIVE", id="just-inside"),
        pytest.param(5.2, {"high": 5.1, "uncertainty": 0.2}, "INCONCLUSIVE", id="just-outside"),
    ],
)
@virtual
async def test_a_measurement_is_kept_with_its_verdict(keeper, value, limits, verdict):
    expect.measure("delay", value, "s", **limits)

    (_, met, measurement), *none = keeper.told
    assert none == []
    assert met
    assert measurement.verdict == verdict
    assert measurement.value == value


@pytest.mark.parametrize(
    ("value", "limits"),
    [
        pytest.param(4.89, {"low": 4.9, "high": 5.1}, id="below"),
        pytest.param(5.11, {"low": 4.9, "high": 5.1}, id="above"),
        pytest.param(5.3, {"high": 5.1, "uncertainty": 0.2}, id="outside-by-the-uncertainty"),
        pytest.param(math.nan, {"low": 4.9}, id="nan-with-a-low-limit"),
        pytest.param(math.nan, {"high": 5.1}, id="nan-with-a-high-limit"),
    ],
)
@virtual
async def test_a_number_outside_the_limits_is_unmet_and_kept_as_a_failure(keeper, value, limits):
    with pytest.raises(Unmet):
        expect.measure("delay", value, "s", **limits)

    (_, met, measurement), *none = keeper.told
    assert none == []
    assert not met
    assert measurement.verdict == "FAIL"


@pytest.mark.parametrize(
    ("unit", "limits", "text"),
    [
        pytest.param("s", {"low": 4.9, "high": 5.1}, "delay is 2 s, expected 4.9 to 5.1 s", id="s"),
        pytest.param("s", {"low": 4.9}, "delay is 2 s, expected 4.9 to ... s", id="one-limit"),
        pytest.param("", {"low": 3}, "delay is 2, expected 3 to ...", id="no-unit"),
    ],
)
@virtual
async def test_an_unmet_measurement_names_item_expected_measured_unit_and_time(
    keeper, unit, limits, text
):
    with pytest.raises(Unmet, match="^" + re.escape(f"v1.08-04: {text} (t = 0.000 s)") + "$"):
        expect.measure("delay", 2.0, unit, **limits)


@virtual
async def test_a_measurement_without_a_limit_is_refused():
    with pytest.raises(ValueError, match="delay: a measurement without a limit claims nothing"):
        expect.measure("delay", 2.0, "s")


# that


@virtual
async def test_a_sentence_that_holds_is_kept(keeper):
    expect.that("two and two are four", holds=True)

    assert keeper.told == [("two and two are four", True, None)]


@virtual
async def test_a_sentence_that_does_not_hold_is_unmet(keeper):
    with pytest.raises(Unmet, match=r"v1\.08-04: not so: two and two are five \(t = 0\.000 s\)"):
        expect.that("two and two are five", holds=False)

    assert [met for _, met, _ in keeper.told] == [False]


# Who says it, and for whom


@virtual
async def test_an_unmet_claim_is_kept_once_and_without_a_measurement(keeper):
    with pytest.raises(Unmet):
        await expect(told_by_a_bus(OPEN)).is_(CLOSED)

    assert keeper.told == [("contactor is not closed, last open", False, None)]


@virtual
async def test_without_a_witness_a_claim_names_no_item():
    with pytest.raises(Unmet, match=r"^\?: not so"):
        expect.that("it holds", holds=False)


async def _claim_of_each_form(form):
    signal = told_by_a_bus(OPEN)
    match form:
        case "becomes":
            await expect(signal).becomes(CLOSED, within=1)
        case "measure":
            expect.measure("delay", 2.0, "s", high=1.0)
        case "that":
            expect.that("it holds", holds=False)


@pytest.mark.parametrize("form", ["becomes", "measure", "that"])
@virtual
async def test_the_key_of_an_unmet_claim_is_the_line_where_it_stands(form):
    first = _claim_of_each_form.__code__.co_firstlineno
    line = {"becomes": first + 4, "measure": first + 6, "that": first + 8}[form]

    with pytest.raises(Unmet) as caught:
        await _claim_of_each_form(form)

    assert caught.value.key == f"test_expect.py:{line}"


@virtual
async def test_an_instrument_that_fails_while_a_claim_waits_is_the_rigs_failure():
    def fail_later(now_us):
        if now_us > milliseconds(100):
            raise OSError("the LAN is gone")
        return 0

    signal = read_from_an_instrument(fail_later)

    with pytest.raises(BenchError, match="voltage cannot be read: the LAN is gone"):
        await expect(signal).becomes(1, within=seconds(5))


@virtual
async def test_a_claim_leaves_no_watch_behind():
    reads = SimpleNamespace(count=0)

    def count(_now_us):
        reads.count += 1
        return 0

    signal = read_from_an_instrument(count)
    with pytest.raises(Unmet):
        await expect(signal).becomes(1, within=milliseconds(100))
    before = reads.count

    await asyncio.sleep(10)

    assert reads.count == before
