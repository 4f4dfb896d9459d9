"""How the master gives a battery new firmware, on the private bus. The layout is the project's own.

The low byte of an identifier is a channel that the first message gives to the battery with that
serial: batteries have no node yet. An image's processor is 0 where the master only asks.
"""

import struct

from bms.io import Frame

ASK, DATA, END, ANSWER, RESTART = 0x18F070, 0x18F071, 0x18F072, 0x18F073, 0x18F074
TO_BATTERIES = frozenset({ASK, DATA, END, RESTART})
ASKS_ONLY = 0
OK, WRONG_PROCESSOR, WRONG_CONTENT = 0, 1, 2
PART = 7  # bytes of content in a message

_ASK = struct.Struct("<IBBH")
_END = struct.Struct("<I4x")
_ANSWER = struct.Struct("<BB6x")


def ask(channel: int, serial: int, processor: int, release: int, length: int) -> Frame:
    """To the battery of this serial: an image for this processor follows, so many bytes."""
    return Frame(ASK << 8 | channel, _ASK.pack(serial, processor, release, length))


def read_ask(data: bytes) -> tuple[int, int, int]:
    """Serial, processor, and length."""
    serial, processor, _, length = _ASK.unpack(data)
    return serial, processor, length


def data(channel: int, content: bytes) -> list[Frame]:
    """The content, in numbered parts."""
    parts = [content[start : start + PART] for start in range(0, len(content), PART)]
    return [
        Frame(DATA << 8 | channel, bytes((number & 0xFF,)) + part.ljust(PART, b"\0"))
        for number, part in enumerate(parts)
    ]


def end(channel: int, crc: int) -> Frame:
    """That was all of it."""
    return Frame(END << 8 | channel, _END.pack(crc))


def read_end(payload: bytes) -> int:
    """The CRC of the content."""
    (crc,) = _END.unpack(payload)
    return int(crc)


def answer(channel: int, code: int, processor: int) -> Frame:
    """The battery's: whether it takes that, and which processor it has."""
    return Frame(ANSWER << 8 | channel, _ANSWER.pack(code, processor))


def read_answer(payload: bytes) -> tuple[int, int]:
    """Code and processor."""
    code, processor = _ANSWER.unpack(payload)
    return int(code), int(processor)


def restart(channel: int) -> Frame:
    """Start what was installed."""
    return Frame(RESTART << 8 | channel, bytes(8))
