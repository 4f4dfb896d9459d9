"""Messages that come in several frames: fast packets of NMEA 2000, and what is broadcast by BAM.

A gap, a repeat or a new beginning drops what was gathered: a lost frame loses the message.
"""

from bms.io import CanFrame
from bms.wire.nmea2000 import destination_of, pgn_of, source_of

BROADCAST_ANNOUNCE = 32  # the control byte of PGN 60416 that begins a BAM
SLOTS_MAX = 16  # senders that are heard at once: a flood does not take the memory


class FastPackets:
    """Gathers the fast packets of one PGN."""

    def __init__(self) -> None:
        self._parts: dict[tuple[int, int], tuple[int, int, int, bytes]] = {}

    def push(self, frame: CanFrame) -> bytes | None:
        """The whole message with its last frame."""
        data = frame.data
        if len(data) < 2:
            return None
        key = source_of(frame), destination_of(frame)
        sequence, number = data[0] >> 5, data[0] & 0x1F
        if number == 0:
            part = sequence, 0, data[1], data[2:]
        else:
            known = self._parts.pop(key, None)
            if known is None or known[:2] != (sequence, number - 1):
                return None
            part = sequence, number, known[2], known[3] + data[1:]
        if len(part[3]) >= part[2]:
            self._parts.pop(key, None)
            return part[3][: part[2]]
        if len(self._parts) < SLOTS_MAX:
            self._parts[key] = part
        return None


class Broadcasts:
    """Gathers what is announced to everybody (SAE J1939-21, BAM): PGN 60416, then 60160."""

    CONTROL, DATA = 60416, 60160

    def __init__(self) -> None:
        self._parts: dict[int, tuple[int, int, int, bytes]] = {}  # PGN, length, number, bytes

    def push(self, frame: CanFrame) -> tuple[int, bytes] | None:
        """PGN and message with its last frame; ``frame`` is one of the two PGNs."""
        source, data = source_of(frame), frame.data
        if len(data) != 8:
            return None
        if pgn_of(frame) == self.CONTROL:
            self._parts.pop(source, None)
            if data[0] == BROADCAST_ANNOUNCE and len(self._parts) < SLOTS_MAX:
                pgn, length = int.from_bytes(data[5:8], "little"), data[1] | data[2] << 8
                self._parts[source] = pgn, length, 0, b""
            return None
        known = self._parts.pop(source, None)
        if known is None or data[0] != known[2] + 1:
            return None
        pgn, length, number, gathered = known
        gathered += data[1:]
        if len(gathered) >= length:
            return pgn, gathered[:length]
        self._parts[source] = pgn, length, number + 1, gathered
        return None
