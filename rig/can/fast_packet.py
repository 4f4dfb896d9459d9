"""NMEA 2000 fast packet: up to 223 bytes in frames of eight.

Rules of this file: byte 0 is sequence << 5 | frame number; frame 0 carries the length and 6 bytes,
the others 7; padding is FF. A gap, a repeat or a new sequence drops what was gathered: a lost
frame loses the message, as on a real receiver.
"""

from rig.can.frame import Frame, header_of

LENGTH_MAX = 223


class FastPacketAssembler:
    """Gathers the frames of many senders and PGNs."""

    def __init__(self) -> None:
        self._partial: dict[int, tuple[int, int, int, bytes]] = {}

    def push(self, frame: Frame) -> bytes | None:
        """The whole payload with the last frame of it, else None."""
        header = header_of(frame.identifier)
        sender = header.pgn << 16 | header.destination << 8 | header.source
        if not frame.data:
            return None
        sequence, number = frame.data[0] >> 5, frame.data[0] & 0x1F
        if number == 0:
            if len(frame.data) < 2:
                return None
            partial = (sequence, 0, frame.data[1], frame.data[2:])
        else:
            known = self._partial.pop(sender, None)
            if known is None or known[:2] != (sequence, number - 1):
                return None
            partial = (sequence, number, known[2], known[3] + frame.data[1:])
        length, data = partial[2:]
        if len(data) >= length:
            self._partial.pop(sender, None)
            return data[:length]
        self._partial[sender] = partial
        return None


def split(identifier: int, payload: bytes, sequence: int = 0) -> tuple[Frame, ...]:
    """The frames of a payload. Raises ValueError if it is too long."""
    if len(payload) > LENGTH_MAX:
        raise ValueError(f"{len(payload)} bytes: a fast packet carries at most {LENGTH_MAX}")
    chunks = [bytes([len(payload)]) + payload[:6]]
    chunks += [payload[start : start + 7] for start in range(6, len(payload), 7)]
    return tuple(
        Frame(identifier, bytes([(sequence & 7) << 5 | number]) + chunk.ljust(7, b"\xff"))
        for number, chunk in enumerate(chunks)
    )
