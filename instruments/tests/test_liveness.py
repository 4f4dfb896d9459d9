"""What a session sees and does at its socket: an instrument that hangs up, and small messages."""

import asyncio
import socket  # noqa: TID251 - real sockets are the subject
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from instruments.blocking import open_blocking_session
from instruments.doors.pump import wall_us
from instruments.liveness import _link, _wire
from instruments.session import Session
from instruments.tests.test_traps import resource_at


@contextmanager
def connected() -> Iterator[tuple[Session, socket.socket, socket.socket]]:
    """A session, the socket that it has, and the instrument's end, on which nothing answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        resource = resource_at(server.getsockname()[1])
        session = open_blocking_session(resource, name="supply", now_us=wall_us)
        instrument, _ = server.accept()
        wire = _wire(_link(resource))
        assert wire is not None
        with instrument:
            yield session, wire, instrument
        with suppress(OSError):
            resource.close()


async def seen(session: Session) -> bool:
    """Whether it is seen to be gone, once the news has come."""
    for _ in range(100):
        if session.peer_has_closed():
            return True
        await asyncio.sleep(0.005)
    return False


def test_two_small_messages_do_not_wait_for_each_other():
    with connected() as (_session, wire, _instrument):
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


async def test_an_instrument_that_is_there_has_not_hung_up():
    with connected() as (session, _wire, _instrument):
        assert not session.peer_has_closed()


async def test_an_instrument_that_hangs_up_is_seen_without_a_question():
    with connected() as (session, _wire, instrument):
        instrument.close()

        assert await seen(session)


async def test_a_connection_that_is_cut_on_our_side_is_seen_as_well():
    with connected() as (session, wire, _instrument):
        wire.shutdown(socket.SHUT_RDWR)

        assert await seen(session)


async def test_what_an_instrument_says_unasked_is_neither_taken_nor_called_its_end():
    with connected() as (session, wire, instrument):
        instrument.sendall(b"hello\n")
        await asyncio.sleep(0.05)

        assert not session.peer_has_closed()
        assert wire.recv(16) == b"hello\n"


async def test_who_has_let_go_himself_does_not_call_the_instrument_gone():
    with connected() as (session, _wire, _instrument):
        await session.close()

        assert not session.peer_has_closed()
