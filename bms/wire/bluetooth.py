"""Messages on the serial line between the master and its Bluetooth module.

Text lines in the shape of Victron's public VE.Direct HEX protocol: a colon, a command digit, bytes
in hexadecimal, little endian, and a check byte that makes the sum 0x55. Reading and writing
registers is as there; commands B and C, for the link itself, are the project's own.
"""

from dataclasses import dataclass

READ, WRITE = 7, 8  # public: VE.Direct HEX protocol
SPEED, RADIO, SIGN_OF_LIFE = 0xB, 0xC, 0x1
FLAG_OK, FLAG_UNKNOWN, FLAG_REFUSED = 0, 1, 4  # public: VE.Direct HEX protocol
_SUM = 0x55
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class Message:
    """A command and its bytes."""

    command: int
    data: bytes = b""

    def line(self) -> bytes:
        """As it goes over the line."""
        check = (_SUM - self.command - sum(self.data)) & 0xFF
        return b":%X%s%02X\n" % (self.command, self.data.hex().upper().encode(), check)


def register_message(command: int, register: int, flag: int, value: bytes = b"") -> Message:
    """The answer to a read or a write, with a flag and, where there is one, the value."""
    return Message(command, register.to_bytes(2, "little") + bytes((flag,)) + value)


class Lines:
    """What comes in, cut into messages; anything else is counted as garbage."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, data: bytes) -> tuple[list[Message], bool]:
        """The messages that are now complete, and whether there was garbage."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        garbage = len(self._rest) > _LONGEST or self._rest[:1] not in {b"", b":"}
        if garbage:
            self._rest = b""
        read = [_read(line) for line in lines]
        return [one for one in read if one is not None], garbage or None in read


def _read(line: bytes) -> Message | None:
    digits = line[2:]
    if line[:1] != b":" or len(digits) % 2 or len(digits) < 2:
        return None
    try:
        command, data = int(line[1:2], 16), bytes.fromhex(digits.decode("ascii"))
    except ValueError:  # no hexadecimal digits, or no text at all
        return None
    return Message(command, data[:-1]) if (command + sum(data)) & 0xFF == _SUM else None
