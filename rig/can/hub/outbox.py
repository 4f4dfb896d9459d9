"""What waits for one client: bounded, so that a slow one costs itself and nobody else.

Rules of this file: no I/O; who owns the socket gives a function that sends. What does not fit any
more is dropped as it comes, and counted: what a client has received until then has no gap, and
the first datagram after one says how large it was.
"""

from collections import deque
from collections.abc import Callable, Sequence

from rig.can.hub.records import RECORDS_A_DATAGRAM

Bundle = Callable[[Sequence[bytes], int], bytes]
"""Makes one piece of the stream of some frames, given how many were dropped before."""

Send = Callable[[bytes], int]
"""Sends as much as goes, and says how much that was. Raises BlockingIOError if nothing goes."""

QUEUE_FRAMES = 65_536
"""Chosen: four seconds of four full buses; a client that sleeps longer is dead or too slow."""

MESSAGES_MAX = 1000
"""Chosen: answers and news that a client may leave unread."""


class Outbox:
    """Frames on their way to one client. ``fresh`` is where the hub puts them."""

    __slots__ = (
        "_bundle",
        "_limit",
        "_messages",
        "_queue",
        "_queued",
        "delivered",
        "dropped",
        "fresh",
    )

    def __init__(self, bundle: Bundle, limit: int = QUEUE_FRAMES) -> None:
        self.fresh: list[bytes] = []
        self.delivered = 0
        """Frames that the client's socket has taken."""
        self.dropped = 0
        """Frames that came while the queue was full."""
        self._bundle = bundle
        self._limit = limit
        self._queue: deque[tuple[bytes, int]] = deque()
        self._queued = 0
        self._messages = 0

    @property
    def waiting(self) -> int:
        """Frames that the client has yet to take."""
        return self._queued + len(self.fresh)

    @property
    def is_blocked(self) -> bool:
        """Whether something waits for the socket to take more."""
        return bool(self._queue)

    def post(self, message: bytes) -> None:
        """Put a message behind all frames that came before it; the thousandth unread is dropped."""
        self._seal(full_only=False)
        if self._messages < MESSAGES_MAX:
            self._queue.append((message, 0))
            self._messages += 1

    def pour(self, send: Send) -> None:
        """Send what goes."""
        if self._queue:
            self._seal(full_only=True)
            self._drain(send)
        if not self._queue and self.fresh:
            self._seal(full_only=False)
            self._drain(send)

    def _drain(self, send: Send) -> None:
        queue = self._queue
        try:
            while queue:
                piece, frames = queue[0]
                sent = send(piece)
                if sent < len(piece):
                    queue[0] = (piece[sent:], frames)
                    return
                queue.popleft()
                self._messages -= not frames
                self._queued -= frames
                self.delivered += frames
        except BlockingIOError:
            pass

    def _seal(self, *, full_only: bool) -> None:
        """Make pieces of what is fresh; while others wait, whole ones only."""
        fresh = self.fresh
        while len(fresh) >= (RECORDS_A_DATAGRAM if full_only else 1):
            batch, self.fresh = fresh[:RECORDS_A_DATAGRAM], fresh[RECORDS_A_DATAGRAM:]
            fresh = self.fresh
            if self._queued + len(batch) > self._limit:
                self.dropped += len(batch)
            else:
                self._queue.append((self._bundle(batch, self.dropped), len(batch)))
                self._queued += len(batch)
