"""What PyVISA-py leaves undone at its TCP sockets, done there where they can be reached.

To PyVISA-py a peer that has closed its end just does not answer, for the whole time-out: this waits
on the socket itself and looks before PyVISA reads. And it says that small messages are sent at
once, but does not see to it: a command and its error query then take 48 ms instead of 6.
"""

import select
import socket  # noqa: TID251 - looked at, never opened; not part of a virtual run
from contextlib import suppress
from typing import Any

from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from instruments.session import Resource

_CHUNK = 65_536
# Another thread may have taken what was to be seen; Windows knows no such flag.
_LOOK = socket.MSG_PEEK | getattr(socket, "MSG_DONTWAIT", 0)


def speak_at_once(resource: Resource) -> None:
    """Send each message when it is written, as VISA has it by default (VI_ATTR_TCPIP_NODELAY).

    Else the second of two waits until the instrument's delayed acknowledgement, 40 ms.
    """
    wire = _wire(_link(resource))
    if wire is not None:
        with suppress(OSError):  # who has gone already is told by the first exchange
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def wait_for_answer(resource: Resource) -> None:
    """Wait until there is something to read, at most for the resource's time-out.

    Raises ConnectionResetError if the peer has closed, VisaIOError at the time-out. Over other
    libraries and interfaces than PyVISA-py's TCP it returns at once: reading waits there.
    """
    link = _link(resource)
    wire = _wire(link)
    pending = getattr(link, "_pending_buffer", None)
    if wire is None or pending:
        return
    if not select.select([wire], [], [], link.timeout)[0]:
        raise VisaIOError(StatusCode.error_timeout)
    if isinstance(pending, bytearray):
        # Into the buffer in which PyVISA-py looks before it asks the socket.
        come = wire.recv(_CHUNK)
        pending += come
    else:
        come = wire.recv(1, socket.MSG_PEEK)
    if not come:
        raise ConnectionResetError("the peer has closed the connection")


def peer_has_closed(resource: Resource) -> bool:
    """Whether the peer is known to have closed, by a look that takes nothing and waits for nothing.

    Half an answer that came before hides it, and so does one that nobody has read.
    """
    wire = _wire(_link(resource))
    try:
        if wire is None or not select.select([wire], [], [], 0.0)[0]:
            return False
        return not wire.recv(1, _LOOK)
    except ConnectionError:
        return True
    except (OSError, ValueError):  # nothing there any more, or it was let go by ourselves
        return False


def _link(resource: Resource) -> Any:
    """PyVISA-py's own object behind a resource, None over another library."""
    links = getattr(getattr(resource, "visalib", None), "sessions", None)
    return links.get(getattr(resource, "session", None)) if isinstance(links, dict) else None


def _wire(link: Any) -> socket.socket | None:
    interface = getattr(link, "interface", None)
    # HiSLIP answers on the first of its two connections.
    wire = getattr(interface, "_sync", interface)
    return wire if isinstance(wire, socket.socket) else None
