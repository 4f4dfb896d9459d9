from dataclasses import replace

import pytest

from reports import numbers
from rig.recording import Measurement, Verdict

VOLTAGE = Measurement(
    name="voltage",
    value=52.123456,
    unit="V",
    low=50.0,
    high=54.0,
    uncertainty=0.0123,
    rule="simple",
    verdict=Verdict.PASS,
    t_s=1.0,
)


@pytest.mark.parametrize(
    ("value", "uncertainty", "shown"),
    [
        pytest.param(52.123456, 0.0123, "52.123 ± 0.012", id="two digits of uncertainty"),
        pytest.param(1234.5, 120.0, "1230 ± 120", id="never more than it knows"),
        pytest.param(12345.0, 1200.0, "12300 ± 1200", id="nor before the point"),
        pytest.param(-0.5, 0.01, "\N{MINUS SIGN}0.500 ± 0.010", id="a minus that is one"),
        pytest.param(52.123456789, None, "52.1235", id="no uncertainty"),
        pytest.param(5, None, "5", id="a whole number"),
        pytest.param(None, None, "no reading", id="nothing"),
    ],
)
def test_a_quantity(value: float | None, uncertainty: float | None, shown: str) -> None:
    assert numbers.quantity(replace(VOLTAGE, value=value, uncertainty=uncertainty)) == shown


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [(4.9, 5.1, "4.9 … 5.1"), (4.9, None, "≥ 4.9"), (None, 5.1, "≤ 5.1"), (None, None, "none")],
)
def test_limits(low: float | None, high: float | None, shown: str) -> None:
    assert numbers.limits(replace(VOLTAGE, low=low, high=high)) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.84, "840 ms"), (12.34, "12.3 s"), (245, "4 min 05 s"), (7380, "2 h 03 min")],
)
def test_a_duration(seconds: float, shown: str) -> None:
    assert numbers.duration(seconds) == shown


def test_a_value_outside_its_limits_has_another_dot() -> None:
    outside = replace(VOLTAGE, value=60.0, verdict=Verdict.FAIL)

    assert 'class="out"' in numbers.margin_picture(outside)
    assert 'class="in"' in numbers.margin_picture(VOLTAGE)


def test_a_value_without_limits_has_no_picture() -> None:
    assert numbers.margin_picture(replace(VOLTAGE, low=None, high=None)) == ""
