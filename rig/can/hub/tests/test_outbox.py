"""What waits for a client that is slow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.can.hub.outbox import MESSAGES_MAX, Outbox


def bundle(frames, dropped):
    return f"[{dropped}]".encode() + b"".join(frames)


class Socket:
    """Takes as many bytes as it has room for."""

    def __init__(self, room):
        self.room = room
        self.pieces = []

    def send(self, piece):
        if not self.room:
            raise BlockingIOError
        taken = piece[: self.room]
        self.room -= len(taken)
        self.pieces.append(taken)
        return len(taken)


def put(outbox, *frames):
    outbox.fresh.extend(frames)


def test_what_came_meanwhile_goes_out_as_one_piece():
    outbox, socket = Outbox(bundle), Socket(100)
    put(outbox, b"a", b"b", b"c")

    outbox.pour(socket.send)

    assert socket.pieces == [b"[0]abc"]
    assert (outbox.delivered, outbox.waiting, outbox.is_blocked) == (3, 0, False)


def test_a_piece_has_512_frames_at_most():
    outbox, socket = Outbox(bundle), Socket(10_000)
    put(outbox, *[b"x"] * 1100)

    outbox.pour(socket.send)

    assert [piece.count(b"x") for piece in socket.pieces] == [512, 512, 76]


def test_a_full_socket_keeps_the_frames_for_later():
    outbox, socket = Outbox(bundle), Socket(0)
    put(outbox, b"a")
    outbox.pour(socket.send)
    put(outbox, b"b")
    outbox.pour(socket.send)
    assert (outbox.waiting, outbox.is_blocked) == (2, True)

    socket.room = 100
    outbox.pour(socket.send)
    outbox.pour(socket.send)

    assert socket.pieces == [b"[0]a", b"[0]b"]
    assert outbox.dropped == 0


def test_what_does_not_fit_is_dropped_and_the_next_piece_says_how_many():
    outbox, socket = Outbox(bundle, limit=512), Socket(0)
    put(outbox, *[b"a"] * 512)
    outbox.pour(socket.send)
    put(outbox, *[b"b"] * 512)
    outbox.pour(socket.send)
    assert (outbox.waiting, outbox.dropped) == (512, 512)

    socket.room = 10_000
    outbox.pour(socket.send)
    put(outbox, b"c")
    outbox.pour(socket.send)

    assert socket.pieces == [b"[0]" + b"a" * 512, b"[512]c"]


def test_a_stream_goes_on_where_the_socket_has_stopped():
    outbox, socket = Outbox(bundle), Socket(4)
    put(outbox, b"abc")
    outbox.pour(socket.send)
    assert outbox.delivered == 0

    socket.room = 100
    outbox.pour(socket.send)

    assert b"".join(socket.pieces) == b"[0]abc"
    assert outbox.delivered == 1


def test_a_message_comes_behind_the_frames_before_it_and_before_those_after_it():
    outbox, socket = Outbox(bundle), Socket(100)
    put(outbox, b"a")
    outbox.post(b"news")
    put(outbox, b"b")

    outbox.pour(socket.send)
    outbox.pour(socket.send)

    assert socket.pieces == [b"[0]a", b"news", b"[0]b"]


def test_who_never_reads_does_not_fill_the_memory_with_messages():
    outbox = Outbox(bundle)

    for _ in range(2 * MESSAGES_MAX):
        outbox.post(b"news")

    socket = Socket(10**6)
    outbox.pour(socket.send)
    assert len(socket.pieces) == MESSAGES_MAX


@given(st.lists(st.tuples(st.integers(0, 900), st.booleans()), max_size=30))
def test_every_frame_is_delivered_dropped_or_waiting_and_memory_is_bounded(steps):
    limit = 1000
    outbox, came = Outbox(bundle, limit), 0

    for frames, is_open in steps:
        put(outbox, *[b"x"] * frames)
        came += frames
        outbox.pour(Socket(10**6 if is_open else 0).send)

        assert outbox.delivered + outbox.dropped + outbox.waiting == came
        assert outbox.waiting <= limit + 512


@pytest.mark.parametrize("rounds", [1, 50])
def test_an_open_socket_loses_nothing(rounds):
    outbox, socket = Outbox(bundle, limit=600), Socket(10**9)

    for _ in range(rounds):
        put(outbox, *[b"x"] * 600)
        outbox.pour(socket.send)

    assert (outbox.delivered, outbox.dropped) == (600 * rounds, 0)
