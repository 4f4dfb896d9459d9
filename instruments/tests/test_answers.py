"""What an instrument answers is a number, or it is garbled: nothing in between passes."""

import math

import pytest

from instruments.drivers.answers import compare, quantity
from instruments.protocols import AnswerGarbled, SetpointNotTaken


@pytest.mark.parametrize("answer", ["nan", "NAN A", "inf", "-INF", "9.9E+999", "", "1.2.3"])
def test_what_is_no_finite_number_is_garbled(answer):
    with pytest.raises(AnswerGarbled, match="expected a number in A"):
        quantity(answer, "A")


@pytest.mark.parametrize("answer", ["43.5", "43.50 V", "43.50V", "+4.35E+01", " 43.5 v "])
def test_a_number_with_its_unit_or_without_is_one(answer):
    assert quantity(answer, "V") == 43.5


def test_a_set_point_that_is_no_number_was_not_taken():
    with pytest.raises(SetpointNotTaken):
        compare("voltage", 28.0, math.nan, 0.01, "V")
