"""The diagnostic tool's adapter: it repeats, waits when it is told to, and mistakes no answer."""

import asyncio

import pytest

from rig.can import isotp
from rig.can.bus import Bus
from rig.can.frame import Frame
from rig.can.node import ControllerState
from rig.dut.tool_link import ANSWER_WITHIN_S, ATTEMPTS, ToolLink
from rig.kernel import milliseconds
from rig.tests.virtual import kernel, virtual

QUESTION = b"\x22\xf1\x89"
ANSWER = b"\x62\xf1\x89\x31"


def single(message: bytes) -> Frame:
    """The device's answer in one frame."""
    payload = bytes((len(message),)) + message
    return isotp.frame_to(isotp.TESTER, payload.ljust(8, b"\xcc"), source=0x50)


class Device:
    """Answers each request by what it was given for it, as the requests come."""

    def __init__(self, bus: Bus, *answers: tuple[bytes, ...], delay_us: int = 1000) -> None:
        self.kernel, self.heard = bus.kernel, 0
        self._answers, self._delay_us = answers, delay_us
        self.node = bus.attach("device", self._receive)

    def _receive(self, _time_us: int, frame: Frame) -> None:
        if not isotp.is_from_the_tester(frame):
            return
        answers = self._answers[min(self.heard, len(self._answers) - 1)]
        self.heard += 1
        for number, answer in enumerate(answers, 1):
            self.kernel.after(number * self._delay_us, lambda a=answer: self.node.send(single(a)))


def bus_of() -> Bus:
    return Bus(kernel(), "ve_can", 250_000)


@virtual
async def test_question_is_answered_over_the_bus():
    bus = bus_of()
    Device(bus, (ANSWER,))

    assert await ToolLink(bus, lambda: 0x50).ask(QUESTION) == ANSWER


@virtual
async def test_question_that_is_lost_is_asked_again():
    bus = bus_of()
    device = Device(bus, (), (ANSWER,))

    assert await ToolLink(bus, lambda: 0x50).ask(QUESTION) == ANSWER
    assert device.heard == 2


@virtual
async def test_silent_device_is_a_time_out_after_three_questions():
    bus = bus_of()
    device = Device(bus, ())
    begun_us = bus.kernel.now_us

    with pytest.raises(TimeoutError, match="no answer"):
        await ToolLink(bus, lambda: 0x50).ask(QUESTION)
    assert device.heard == ATTEMPTS
    assert bus.kernel.now_us - begun_us >= ATTEMPTS * ANSWER_WITHIN_S * 1_000_000


@virtual
async def test_device_that_says_it_takes_longer_is_waited_for():
    bus = bus_of()
    device = Device(bus, (b"\x7f\x22\x78", ANSWER), delay_us=milliseconds(800))

    assert await ToolLink(bus, lambda: 0x50).ask(QUESTION) == ANSWER
    assert device.heard == 1


@virtual
async def test_answer_to_another_question_is_passed_over():
    bus = bus_of()
    Device(bus, (b"\x62\xf1\x8c\x41", ANSWER))

    assert await ToolLink(bus, lambda: 0x50).ask(QUESTION) == ANSWER


@virtual
async def test_refusal_is_an_answer():
    bus = bus_of()
    Device(bus, (b"\x7f\x22\x31",))

    assert await ToolLink(bus, lambda: 0x50).ask(QUESTION) == b"\x7f\x22\x31"


@virtual
async def test_adapter_leaves_bus_off_by_itself():
    bus = bus_of()
    Device(bus, (ANSWER,))
    link = ToolLink(bus, lambda: 0x50)
    await link.ask(QUESTION)
    node = link._node
    assert node is not None
    bus.disturb(milliseconds(500))
    with pytest.raises(TimeoutError):
        await link.ask(QUESTION, attempts=1)
    await asyncio.sleep(2.0)

    assert node.state is not ControllerState.BUS_OFF
    assert await link.ask(QUESTION) == ANSWER
