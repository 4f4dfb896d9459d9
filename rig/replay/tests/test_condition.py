"""Conditions: how they are read, and when they are true."""

import pytest

from rig.replay.condition import Watch, read_condition
from rig.replay.language import ConditionError

STATE, FLAGS, ERROR, SOC = 0x0371, 0x2100, 0x2101, 0x0FFF
CLOSED = 1 << 7 | 1 << 8


def vreg(register, value, size=1):
    return (
        b"\x66\x99"
        + register.to_bytes(2, "little")
        + value.to_bytes(size, "little").ljust(4, b"\xff")
    )


class Device:
    """Tells registers of a device at 0x50."""

    def __init__(self, text):
        self.watch = Watch(read_condition(text))

    def tells(self, at_s, register, value, size=1, address=0x50):
        data = vreg(register, value, size)
        return self.watch.take(round(at_s * 1e6), "ve_can", 0x1CEFFF00 | address, True, data)

    def sends(self, at_s, can_id):
        return self.watch.take(round(at_s * 1e6), "ve_can", can_id, True, bytes(8))

    @property
    def first_s(self):
        return None if self.watch.first_us is None else self.watch.first_us / 1e6


def test_an_event_is_the_error_that_is_told():
    device = Device("event == 26")

    device.tells(1.0, ERROR, 0)
    device.tells(2.0, ERROR, 26)

    assert device.first_s == 2.0


def test_an_error_that_stood_in_the_list_before_is_no_event():
    device = Device("event == 26")

    device.tells(1.0, 0x2110, 26, size=4)
    device.tells(2.0, 0x2110, 26, size=4)

    assert device.first_s is None


def test_names_stand_for_codes():
    device = Device("error == over_voltage or state == shutting_down")

    device.tells(1.0, STATE, 12)

    assert device.first_s == 1.0


def test_a_register_of_another_device_does_not_count():
    device = Device("error == 13")

    device.tells(1.0, ERROR, 13, address=0x51)

    assert device.first_s is None


@pytest.mark.parametrize(("opens_s", "first_s"), [(12.9, 12.9), (13.2, None)], ids=["soon", "late"])
def test_contactor_opens_within_3_s_of_stop(opens_s, first_s):
    device = Device("contactor opens within 3 s of stop")
    device.tells(0.0, STATE, 9)
    device.tells(0.0, FLAGS, CLOSED, size=4)

    device.tells(10.0, STATE, 12)
    device.tells(opens_s, FLAGS, 0, size=4)

    assert device.first_s == first_s


def test_no_contactor_opens_within_3_s_of_stop_is_true_once_they_are_over():
    device = Device("no contactor opens within 3 s of stop")
    device.tells(0.0, STATE, 9)
    device.tells(0.0, FLAGS, CLOSED, size=4)

    device.tells(10.0, STATE, 12)
    device.tells(12.9, SOC, 5000, size=2)
    device.tells(13.5, SOC, 5001, size=2)

    assert device.first_s == 13.5


def test_a_message_is_missing_only_while_the_device_is_on():
    device = Device("no 127508 for 10 s")
    device.tells(0.0, STATE, 14)
    device.sends(30.0, 0x18EEFF20)
    assert device.first_s is None

    device.tells(40.0, STATE, 9)
    device.sends(45.0, 0x19F21450)
    device.sends(54.9, 0x18EEFF20)
    assert device.first_s is None
    device.sends(55.1, 0x18EEFF20)

    assert device.first_s == 55.1


def test_a_missing_register_is_told_from_others():
    device = Device("no 0x0390 for 5 s")
    device.tells(0.0, STATE, 9)

    device.tells(4.0, 0x0390, 284, size=4)
    device.tells(8.0, 0x0391, 284, size=4)
    device.tells(9.1, 0x0391, 285, size=4)

    assert device.first_s == 9.1


def test_for_asks_for_an_unbroken_time():
    device = Device("soc_pct > 99 for 5 s")

    device.tells(0.0, SOC, 9950, size=2)
    device.tells(4.0, SOC, 9800, size=2)
    device.tells(6.0, SOC, 9950, size=2)
    device.tells(10.0, SOC, 9950, size=2)
    assert device.first_s is None
    device.tells(11.0, SOC, 9950, size=2)

    assert device.first_s == 11.0


def test_a_bit_of_the_flags():
    device = Device("not flags bit 30 and state == running")

    device.tells(0.0, FLAGS, 1 << 30, size=4)
    device.tells(1.0, STATE, 9)
    assert device.first_s is None
    device.tells(2.0, FLAGS, 0, size=4)

    assert device.first_s == 2.0


def test_a_value_that_is_not_available_is_neither_more_nor_less():
    device = Device("soc_pct > 0 or soc_pct <= 0")

    device.tells(0.0, SOC, 0xFFFF, size=2)

    assert device.first_s is None


def test_the_signature_names_the_branch_and_the_error():
    device = Device("soc_pct > 99 or error == 13")

    device.tells(0.0, ERROR, 13)

    assert device.watch.signature == ("error == 13", 13)


def test_the_device_is_followed_to_another_address():
    device = Device("error == 13")
    name = bytes((1, 2, 3, 4, 0, 170, 0, 0xC0))

    device.watch.take(0, "ve_can", 0x18EEFF50, True, name)
    device.watch.take(1_000_000, "ve_can", 0x18EEFF61, True, name)
    device.tells(2.0, ERROR, 13, address=0x61)

    assert device.first_s == 2.0


@pytest.mark.parametrize(
    ("text", "at", "allowed"),
    [
        ("soc_pc > 3", "character 1", "near it: soc_pct"),
        ("event = 26", "character 6", "=="),
        ("no 127508", "the end", "'for'"),
        ("no 127508 for 10", "the end", "ms, s, min, h"),
        ("no 127508 for -5 s", "character 15", "above 0"),
        ("(event == 26", "the end", "')'"),
        ("event == 26 event", "character 13", "'and'"),
        ("state == runing", "character 10", "running"),
        ("contactor opens within 3 s of event == 26", "the end", "an event"),
        ("no 12 for 3 s", "character 4", "a PGN"),
        ("", "the end", "a signal"),
    ],
    ids=lambda each: each or "nothing",
)
def test_what_cannot_be_read_is_told_with_its_place_and_what_is_allowed(text, at, allowed):
    with pytest.raises(ConditionError) as caught:
        read_condition(text)

    assert at in str(caught.value)
    assert allowed in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_error_that_is_told_a_moment_later_belongs_to_the_failure():
    device = Device("state == error")

    device.tells(1.0, STATE, 10)
    device.tells(1.5, ERROR, 25)
    device.tells(2.5, ERROR, 26)

    assert device.watch.signature == (25,)


@pytest.mark.parametrize("text", ["(" * 5000 + "error > 0" + ")" * 5000, "not " * 5000 + "error"])
def test_brackets_too_deep_to_read_are_told_in_a_line_that_can_be_read(text):
    with pytest.raises(ConditionError) as caught:
        read_condition(text)

    assert "inside one another" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_brackets_as_deep_as_anybody_writes_them_are_read():
    device = Device("(" * 40 + "error > 0" + ")" * 40)

    device.tells(1.0, ERROR, 13)

    assert device.first_s == 1.0
