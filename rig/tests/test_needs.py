"""What a scenario asks of a bench."""

from dataclasses import fields

import pytest

from rig.errors import BenchError, BenchFileError
from rig.needs import Needs


def test_who_names_nothing_gets_the_house_system():
    assert Needs.parse({}) == Needs()


def test_what_is_named_is_taken_and_the_rest_stays():
    assert Needs.parse({"soc_pct": 98.0, "parallel": 4}) == Needs(soc_pct=98.0, parallel=4)


def test_an_unknown_need_is_refused_in_one_line_that_names_it_and_all_that_are_allowed():
    with pytest.raises(BenchFileError) as caught:
        Needs.parse({"soc_pct": 60.0, "soc": 60.0})

    message = str(caught.value)
    assert message.startswith("needs(soc=...): no such need; allowed are batteries, battery, ")
    assert "\n" not in message
    assert all(field.name in message for field in fields(Needs))


def test_a_refused_need_is_the_rigs_failure_and_not_the_devices():
    assert issubclass(BenchFileError, BenchError)


def test_needs_cannot_be_changed_once_they_are_stated():
    with pytest.raises(AttributeError):
        Needs().soc_pct = 10.0
