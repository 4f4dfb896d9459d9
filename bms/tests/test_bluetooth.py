"""The serial line to the Bluetooth module: messages, speeds, registers, the button."""

import pytest

from bms.codes import State
from bms.data import hardware
from bms.firmware import seconds
from bms.io import Inputs, Outputs
from bms.master import Master
from bms.releases import firmware
from bms.rooms.bluetooth import FIRST_BAUD
from bms.tests.bench import Bench
from bms.wire.bluetooth import RADIO, READ, SIGN_OF_LIFE, SPEED, WRITE, Lines, Message

SOC, BLUETOOTH, STRATEGY, CCL = 0x0FFF, 0x0090, 0x0376, 0x0391


def test_a_message_is_what_its_line_says() -> None:
    message = Message(READ, b"\xff\x0f\x00")

    assert message.line() == b":7FF0F0040\n"
    assert Lines().take(message.line()) == ([message], False)


def test_a_line_may_come_in_pieces() -> None:
    lines = Lines()

    assert lines.take(b":7FF0F") == ([], False)
    assert lines.take(b"0040\n:1") == ([Message(READ, b"\xff\x0f\x00")], False)


GARBAGE = {
    "a wrong check byte": b":7FF0F0041\n",
    "no colon": b"7FF0F0040\n",
    "no colon, and no end": b"`\xad",
    "no hexadecimal digits": b":7GG0F0040\n",
    "half a byte": b":7FF0F004\n",
    "no text": b":7\xff\xfe\n",
    "no end": b":" + b"0" * 70,
    "nothing": b"\n",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_noticed_and_does_not_last(garbage) -> None:
    lines = Lines()

    assert lines.take(garbage) == ([], True)
    assert lines.take(b"\n:154\n")[0] == [Message(SIGN_OF_LIFE)]


class Line:
    """A master in standby with something at its serial line."""

    def __init__(self, release: str = "1.38", serial: str = "HQ1845ABCDE") -> None:
        model = hardware()["Lynx Ion BMS 400"]
        self.master = Master(firmware(release), {}, model, serial)
        self.now_us = 0
        self.told: list[Message] = []
        self.out = Outputs()

    def step(self, after_s: float = 0.0, *messages: Message, raw: bytes = b"") -> list[Message]:
        self.now_us += seconds(after_s)
        data = b"".join(message.line() for message in messages) + raw
        self.out = self.master.step(self.now_us, Inputs(bluetooth_uart=data))
        return Lines().take(self.out.bluetooth_uart)[0]


def asked(messages: list[Message]) -> list[int]:
    return [int.from_bytes(m.data, "little") for m in messages if m.command == SPEED]


def agreed(baud: int) -> Message:
    return Message(SPEED, baud.to_bytes(4, "little"))


def test_the_highest_speed_is_asked_for_first_and_used_once_it_is_agreed_on() -> None:
    line = Line()

    assert asked(line.step()) == [115_200]
    assert line.out.bluetooth_baud == FIRST_BAUD
    assert line.step(0.01, agreed(115_200)) == [Message(SIGN_OF_LIFE)]
    assert line.out.bluetooth_baud == 115_200
    line.step(0.01, Message(SIGN_OF_LIFE))
    line.step(5.0)
    assert line.out.bluetooth_baud == 115_200


def test_a_speed_that_nothing_comes_at_is_given_up_for_the_next() -> None:
    line = Line()
    tried = asked(line.step())
    for _ in range(12):
        tried += asked(line.step(0.25, *(agreed(tried[-1]),) if tried else ()))
        tried += asked(line.step(0.6))
        tried += asked(line.step(1.1))

    assert tried[:3] == [115_200, 57_600, 38_400]


def test_garbage_at_a_higher_speed_leads_back_to_the_first() -> None:
    line = Line()
    line.step()
    line.step(0.01, agreed(115_200))
    line.step(0.01, Message(SIGN_OF_LIFE))
    line.step(1.0, raw=b"\x60\xad\x9c")

    assert line.out.bluetooth_baud == FIRST_BAUD
    assert asked(line.step(1.1)) == [57_600]


@pytest.mark.parametrize(("release", "speeds"), [("1.35", []), ("1.36", [115_200])])
def test_higher_speeds_are_asked_for_from_1_36_on(release, speeds) -> None:
    assert asked(Line(release).step()) == speeds


WEEKS = {
    "HQ1737ZZZZZ": False,
    "HQ1738AAAAA": True,
    "HQABCDEFGHI": False,
}


@pytest.mark.parametrize(("serial", "has"), WEEKS.items(), ids=WEEKS)
def test_the_serial_number_says_whether_there_is_bluetooth(serial, has) -> None:
    told = Line(serial=serial).step()

    assert any(m.command == RADIO for m in told) is has


def answer(release: str, message: Message) -> Message:
    line = Line(release)
    line.step()
    (told,) = [m for m in line.step(0.1, message) if m.command == message.command]
    return told


def test_a_register_is_read() -> None:
    assert answer("1.23", Message(READ, b"\x71\x03\x00")).data == b"\x71\x03\x00\x0e"


@pytest.mark.parametrize(("release", "flag"), [("1.35", 1), ("1.36", 0)])
def test_the_limits_are_unknown_before_1_36(release, flag) -> None:
    assert answer(release, Message(READ, b"\x91\x03\x00")).data[2] == flag


WRITES = {
    "a setting": (b"\x76\x03\x00\x01", 0),
    "no code of it": (b"\x76\x03\x00\x07", 4),
    "no setting": (b"\xff\x0f\x00\x01", 4),
    "nothing known": (b"\x0f\x0f\x00\x01", 1),
}


@pytest.mark.parametrize(("data", "flag"), WRITES.values(), ids=WRITES)
def test_what_is_written_is_checked(data, flag) -> None:
    assert answer("1.38", Message(WRITE, data)).data[2] == flag


def test_a_written_setting_is_taken() -> None:
    line = Line()
    line.step(0, Message(WRITE, b"\x90\x00\x00\x00"))
    told = line.step()

    assert line.master.view.settings.values["bluetooth"] == 0
    assert Message(RADIO, b"\0") in [*told, *line.step()]


def presses(bench: Bench, apart_s: float) -> None:
    for _ in range(3):
        bench.press()
        bench.run(apart_s)


def test_three_presses_in_a_row_are_no_stop_request() -> None:
    bench = Bench()
    bench.start()
    presses(bench, 0.2)
    bench.run(12)

    assert bench.state is State.RUNNING
    assert bench.master.view.settings.values["bluetooth"] == 0


def test_three_slow_presses_are_a_stop_request() -> None:
    bench = Bench()
    bench.start()
    presses(bench, 1.5)
    bench.run(12)

    assert bench.state is State.STANDBY
    assert bench.master.view.settings.values["bluetooth"] == 1


def test_the_contactor_stays_closed_through_the_row() -> None:
    bench = Bench()
    bench.start()
    bench.trace.clear()
    presses(bench, 0.2)
    bench.run(2)

    assert all(out.contactor_coil for out in bench.trace)
