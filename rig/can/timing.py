"""How long a classic CAN frame occupies the wire.

Rules of this file: lengths are in bits of ISO 11898-1. Stuff bits are a mean, not the frame's own
count: in bits that are as good as random one bit in 30 is followed by a stuff bit, so an extended
frame of 8 bytes has 4 (0 at best, 29 at worst). Real payloads with long runs of 00 or FF carry a
few more; to count them would cost more than the rest of a frame's way over the bus.
"""

INTERMISSION_BITS = 3
"""What must pass between two frames."""

ERROR_BITS = 6 + 6 + 8 + INTERMISSION_BITS
"""An error frame: the flag, the echo of the others, the delimiter; then the intermission."""

RECOVERY_BITS = 128 * 11
"""The silence that a controller must see before it may leave bus-off."""

_STUFFABLE_BITS_PER_STUFF_BIT = 30


def frame_bits(length: int, *, extended: bool) -> int:
    """Bits from start to end of frame, without intermission, for ``length`` data bytes."""
    stuffable = (54 if extended else 34) + 8 * length
    ends = 10  # CRC delimiter, acknowledge slot and delimiter, end of frame: never stuffed.
    return stuffable + ends + stuffable // _STUFFABLE_BITS_PER_STUFF_BIT


def bits_us(bits: int, bitrate: int) -> int:
    """The duration of ``bits`` in microseconds, rounded."""
    return (bits * 1_000_000 + bitrate // 2) // bitrate


def durations_us(bitrate: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Durations of standard and of extended frames, each by data length 0 to 8."""
    standard, extended = (
        tuple(bits_us(frame_bits(length, extended=extended), bitrate) for length in range(9))
        for extended in (False, True)
    )
    return standard, extended
