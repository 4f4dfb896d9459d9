"""Messages over frames of eight bytes: what arrives, what breaks off, and that both recover."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bms.firmware import milliseconds, seconds
from bms.wire.isotp import BURST, NEVER_US, Abort, Endpoint, Limits, TooLong

LONG = bytes(range(1, 101))


def talk(sender: Endpoint, receiver: Endpoint, now_us: int = 0) -> bytes | None:
    """Carry frames to and fro until nobody has more to send; the message that arrived."""
    message = None
    while True:
        now_us = max(now_us, min(sender.due_us, receiver.due_us))
        if now_us >= NEVER_US:
            return message
        for data in sender.frames(now_us):
            message = receiver.hear(now_us, data) or message
        for data in receiver.frames(now_us):
            sender.hear(now_us, data)


@given(message=st.binary(min_size=1, max_size=600), block=st.integers(0, 255))
def test_every_message_arrives_as_it_was_sent(message: bytes, block: int) -> None:
    sender, receiver = Endpoint(), Endpoint(Limits(block=block))
    sender.send(0, message)

    assert talk(sender, receiver) == message
    assert (sender.aborted, receiver.aborted) == (None, None)


def test_message_of_seven_bytes_is_a_single_frame_padded_to_eight() -> None:
    endpoint = Endpoint()
    endpoint.send(0, b"\x22\xf1\x89")

    assert endpoint.frames(0) == [bytes.fromhex("0322F189CCCCCCCC")]


def test_message_of_eight_bytes_begins_with_its_length() -> None:
    endpoint = Endpoint()
    endpoint.send(0, bytes(8))

    assert endpoint.frames(0) == [bytes.fromhex("1008000000000000")]


def test_message_above_4095_bytes_is_refused() -> None:
    with pytest.raises(TooLong, match="4096"):
        Endpoint().send(0, bytes(4096))


def begun(sender: Endpoint, flow: str) -> list[bytes]:
    """A long message whose first frame was answered so; what goes on at once."""
    sender.send(0, LONG)
    sender.frames(0)
    sender.hear(0, bytes.fromhex(flow))
    return sender.frames(0)


def test_block_size_of_the_partner_is_kept() -> None:
    sender = Endpoint()

    assert [data[0] for data in begun(sender, "300300")] == [0x21, 0x22, 0x23]
    assert sender.frames(seconds(0.1)) == []


@pytest.mark.parametrize(
    ("code", "apart_us"),
    [
        pytest.param("05", 5_000, id="5 ms"),
        pytest.param("F3", 300, id="300 us"),
        pytest.param("80", 127_000, id="reserved is the longest"),
    ],
)
def test_frames_are_as_far_apart_as_the_partner_asks(code: str, apart_us: int) -> None:
    sender = Endpoint()
    first = begun(sender, f"3000{code}")

    assert len(first) == 1
    assert sender.due_us == apart_us
    assert sender.frames(apart_us - 1) == []
    assert len(sender.frames(apart_us)) == 1


def test_partner_without_blocks_gets_no_more_at_once_than_a_buffer_holds() -> None:
    sender = Endpoint()
    sender.send(0, bytes(1000))
    sender.frames(0)
    sender.hear(0, b"\x30\0\0")

    assert len(sender.frames(0)) == BURST


ABORTS = [
    pytest.param(["320000"], Abort.OVERFLOW, id="overflow"),
    pytest.param(["350000"], Abort.FLOW, id="unknown flow status"),
    pytest.param(["310000"] * 11, Abort.WAITS, id="too many waits"),
]


@pytest.mark.parametrize(("flows", "why"), ABORTS)
def test_sender_gives_up_and_can_send_again(flows: list[str], why: Abort) -> None:
    sender = Endpoint()
    sender.send(0, LONG)
    sender.frames(0)
    for flow in flows:
        sender.hear(0, bytes.fromhex(flow))

    assert sender.aborted is why
    assert sender.frames(0) == []
    sender.send(0, LONG)
    assert talk(sender, Endpoint()) == LONG


def test_flow_control_in_time_is_heeded_and_one_too_late_is_not() -> None:
    for late_us, goes_on in ((seconds(1), True), (seconds(1) + 1, False)):
        sender = Endpoint()
        sender.send(0, LONG)
        sender.frames(0)
        sender.hear(late_us, b"\x30\0\0")

        assert bool(sender.frames(late_us)) is goes_on
        assert sender.aborted is (None if goes_on else Abort.TIMEOUT)


def test_wait_gives_the_partner_its_time_anew() -> None:
    sender = Endpoint()
    sender.send(0, LONG)
    sender.frames(0)
    sender.hear(seconds(0.9), b"\x31\0\0")
    sender.hear(seconds(1.8), b"\x30\0\0")

    assert sender.frames(seconds(1.8))


def taking(receiver: Endpoint, gap_us: int = 0) -> bytes | None:
    """A message of 20 bytes whose consecutive frames are so far apart."""
    receiver.hear(0, b"\x10\x14" + LONG[:6])
    receiver.hear(gap_us, b"\x21" + LONG[6:13])
    return receiver.hear(2 * gap_us, b"\x22" + LONG[13:20])


def test_consecutive_frame_in_time_is_taken_and_one_too_late_is_not() -> None:
    assert taking(Endpoint(), milliseconds(1_000)) == LONG[:20]

    late = Endpoint()
    assert taking(late, milliseconds(1_001)) is None
    assert late.aborted is Abort.TIMEOUT


def test_missing_consecutive_frame_ends_the_message_and_the_next_arrives() -> None:
    receiver = Endpoint()
    receiver.hear(0, b"\x10\x14" + LONG[:6])

    assert receiver.hear(0, b"\x22" + LONG[13:20]) is None
    assert receiver.aborted is Abort.SEQUENCE
    assert taking(receiver) == LONG[:20]


def test_another_message_replaces_one_that_is_not_complete() -> None:
    receiver = Endpoint()
    receiver.hear(0, b"\x10\x14" + LONG[:6])

    assert receiver.hear(0, b"\x02\x22\x01") == b"\x22\x01"
    assert receiver.aborted is Abort.REPLACED
    assert receiver.hear(0, b"\x21" + LONG[6:13]) is None


@pytest.mark.parametrize("head", ["1FFF", "1000"], ids=["too long", "32 bits of length"])
def test_message_without_room_is_refused_with_overflow(head: str) -> None:
    receiver = Endpoint(Limits(longest=64))
    receiver.hear(0, bytes.fromhex(head) + bytes(6))

    assert [data[:1] for data in receiver.frames(0)] == [b"\x32"]


@given(frames=st.lists(st.binary(max_size=8), max_size=20))
def test_no_frame_breaks_an_endpoint_and_it_works_afterwards(frames: list[bytes]) -> None:
    endpoint = Endpoint()
    for index, data in enumerate(frames):
        endpoint.hear(index, data)
        endpoint.frames(index)

    sender = Endpoint()
    sender.send(seconds(5), LONG)
    assert talk(sender, endpoint, seconds(5)) == LONG
