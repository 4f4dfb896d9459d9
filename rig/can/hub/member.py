"""Somebody on the hub's buses, as buses and statistics see it.

Rules of this file: no I/O. A member is one of our processes (records) or a stranger (text).
"""

from dataclasses import dataclass

from rig.can.hub.outbox import Outbox
from rig.can.hub.requests import message_bytes
from rig.can.node import ControllerState


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberStatistics:
    """One client: what the hub has for it and from it.

    ``delivered`` frames its socket has taken, ``dropped`` came while its queue was full,
    ``waiting`` are in that queue; ``sent`` were on a bus, ``refused`` could not be.
    """

    name: str
    kind: str
    buses: tuple[str, ...]
    read_only: bool
    delivered: int
    dropped: int
    waiting: int
    sent: int
    refused: int


@dataclass(slots=True, kw_only=True, eq=False)
class Member:
    """A client. ``echo``: whether it wants to see its own frames come back."""

    name: str
    outbox: Outbox
    text: bool = False
    read_only: bool = False
    echo: bool = False
    restart_ms: int | None = None
    buses: tuple[str, ...] = ()
    sent: int = 0
    refused: int = 0

    def tell_state(self, time_us: int, bus: int, state: ControllerState, tec: int) -> None:
        """Tell it that its controller on its ``bus`` has changed its state."""
        news = {"news": "state", "time_us": time_us, "bus": bus, "state": str(state), "tec": tec}
        self.outbox.post(message_bytes(news))

    def statistics(self) -> MemberStatistics:
        """What there is to count."""
        return MemberStatistics(
            name=self.name,
            kind="socketcand" if self.text else "own",
            buses=self.buses,
            read_only=self.read_only,
            delivered=self.outbox.delivered,
            dropped=self.outbox.dropped,
            waiting=self.outbox.waiting,
            sent=self.sent,
            refused=self.refused,
        )
