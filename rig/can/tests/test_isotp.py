"""The rig's end of ISO-TP, by messages worked out by hand and by the firmware's own end."""

import pytest

from bms.wire.isotp import Endpoint
from rig.can.frame import Frame
from rig.can.isotp import (
    LONGEST,
    Answer,
    Request,
    TransportError,
    frame_to,
    is_for_the_tester,
    is_from,
    permission,
)

EIGHT = bytes(range(1, 9))


def test_short_request_is_one_frame() -> None:
    request = Request(b"\x22\xf1\x89")

    assert request.first().hex() == "0322f189cccccccc"
    assert request.is_complete


def test_long_request_goes_on_only_as_it_is_permitted() -> None:
    request = Request(bytes(range(20)))

    assert request.first().hex() == "1014000102030405"
    assert [frame.hex() for frame in request.permitted(1)] == ["21060708090a0b0c"]
    assert not request.is_complete
    assert [frame.hex() for frame in request.permitted(9)] == ["220d0e0f10111213"]
    assert request.is_complete


@pytest.mark.parametrize("length", [0, LONGEST + 1])
def test_message_that_has_no_length_is_refused(length: int) -> None:
    with pytest.raises(TransportError, match="4095"):
        Request(bytes(length))


def test_flow_control_says_how_many_and_how_far_apart() -> None:
    told = permission(bytes.fromhex("300805"))

    assert told is not None
    assert (told.frames, told.separation_us) == (8, 5_000)


def test_flow_control_can_ask_to_wait() -> None:
    told = permission(bytes.fromhex("310000"))

    assert told is not None
    assert told.frames == 0


@pytest.mark.parametrize("payload", ["320000", "370000"], ids=["overflow", "unknown"])
def test_refusing_flow_control_is_an_error(payload: str) -> None:
    with pytest.raises(TransportError):
        permission(bytes.fromhex(payload))


def test_answer_of_several_frames_is_permitted_and_gathered() -> None:
    answer = Answer()

    assert answer.take(bytes.fromhex("1008010203040506")) == bytes.fromhex("301000cccccccccc")
    assert answer.take(bytes.fromhex("210708cccccccccc")) is None
    assert answer.message == EIGHT


def test_missing_frame_of_an_answer_is_an_error() -> None:
    answer = Answer()
    answer.take(bytes.fromhex("1020010203040506"))

    with pytest.raises(TransportError, match="1 is missing"):
        answer.take(bytes.fromhex("22cccccccccccccc"))


def test_addresses_are_those_of_normal_fixed_addressing() -> None:
    assert frame_to(0x50, EIGHT).identifier == 0x18DA50F9
    assert is_from(Frame(0x18DAF950, EIGHT), 0x50)
    assert not is_from(Frame(0x18DAF951, EIGHT), 0x50)
    assert is_for_the_tester(0x18DAF950)
    assert not is_for_the_tester(0x18DA50F9)


@pytest.mark.parametrize("length", [1, 7, 8, 13, 300, 4095])
def test_firmware_and_tester_understand_each_other(length: int) -> None:
    message = bytes(index % 251 for index in range(length))
    device, request, answer = Endpoint(), Request(message), Answer()
    heard = device.hear(0, request.first())
    while not request.is_complete:
        for flow in device.frames(0):
            told = permission(flow)
            assert told is not None
            for frame in request.permitted(told.frames):
                heard = device.hear(0, frame) or heard
    device.send(0, heard or b"")
    while answer.message is None:
        for frame in device.frames(device.due_us):
            flow = answer.take(frame)
            if flow is not None:
                device.hear(0, flow)

    assert (heard, answer.message) == (message, message)
