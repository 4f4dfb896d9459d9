"""HiSLIP on the wire: headers, message types and codes, as IVI-6.1 numbers them."""

import asyncio
import struct
from dataclasses import dataclass
from enum import IntEnum

# Prologue, message type, control code, message parameter, length of the payload.
_HEADER = struct.Struct("!2sBBIQ")
_PROLOGUE = b"HS"
HEADER_SIZE = _HEADER.size


class Kind(IntEnum):
    """Message types."""

    INITIALIZE = 0
    INITIALIZE_RESPONSE = 1
    FATAL_ERROR = 2
    ERROR = 3
    ASYNC_LOCK = 4
    ASYNC_LOCK_RESPONSE = 5
    DATA = 6
    DATA_END = 7
    DEVICE_CLEAR_COMPLETE = 8
    DEVICE_CLEAR_ACKNOWLEDGE = 9
    ASYNC_REMOTE_LOCAL_CONTROL = 10
    ASYNC_REMOTE_LOCAL_RESPONSE = 11
    TRIGGER = 12
    INTERRUPTED = 13
    ASYNC_INTERRUPTED = 14
    ASYNC_MAXIMUM_MESSAGE_SIZE = 15
    ASYNC_MAXIMUM_MESSAGE_SIZE_RESPONSE = 16
    ASYNC_INITIALIZE = 17
    ASYNC_INITIALIZE_RESPONSE = 18
    ASYNC_DEVICE_CLEAR = 19
    ASYNC_SERVICE_REQUEST = 20
    ASYNC_STATUS_QUERY = 21
    ASYNC_STATUS_RESPONSE = 22
    ASYNC_DEVICE_CLEAR_ACKNOWLEDGE = 23
    ASYNC_LOCK_INFO = 24
    ASYNC_LOCK_INFO_RESPONSE = 25


class Fatal(IntEnum):
    """Why a connection is given up."""

    UNIDENTIFIED = 0
    POOR_HEADER = 1
    CHANNELS_NOT_ESTABLISHED = 2
    INVALID_INITIALIZATION = 3
    TOO_MANY_CLIENTS = 4


class Refusal(IntEnum):
    """Why one message is not obeyed; the connection goes on."""

    UNIDENTIFIED = 0
    UNKNOWN_TYPE = 1
    UNKNOWN_CONTROL_CODE = 2
    UNKNOWN_VENDOR_MESSAGE = 3
    TOO_LARGE = 4


class Violation(Exception):
    """The client broke the protocol so that the connection cannot go on."""

    def __init__(self, code: Fatal, text: str) -> None:
        self.code = code
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Message:
    """One message; ``oversized`` if its payload was thrown away unread."""

    kind: int
    control: int
    parameter: int
    payload: bytes
    oversized: bool = False


async def receive(reader: asyncio.StreamReader, payload_bytes_max: int) -> Message:
    """The next message. Raises Violation, and IncompleteReadError when the client has gone."""
    header = await reader.readexactly(HEADER_SIZE)
    prologue, kind, control, parameter, length = _HEADER.unpack(header)
    if prologue != _PROLOGUE:
        raise Violation(Fatal.POOR_HEADER, f"prologue {prologue!r}, expected {_PROLOGUE!r}")
    if length <= payload_bytes_max:
        payload = await reader.readexactly(length) if length else b""
        return Message(kind, control, parameter, payload)
    while length:
        length -= len(await reader.readexactly(min(length, payload_bytes_max)))
    return Message(kind, control, parameter, b"", oversized=True)


def frame(kind: Kind, control: int = 0, parameter: int = 0, payload: bytes = b"") -> bytes:
    """A message's bytes."""
    return _HEADER.pack(_PROLOGUE, kind, control, parameter, len(payload)) + payload
