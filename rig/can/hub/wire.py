"""One bus of the hub: the simulated bus's rules, at the pace of the wall clock.

Rules of this file: no I/O, and no clock but the kernel's, which the hub moves along with the wall
clock. What a client sends first lies in its port's backlog, in the order of sending, as in the
queue of a driver; from there it goes to the controller's mailboxes, where the lower identifier
goes first. A backlog that is full makes its client wait; nothing that was sent is ever dropped,
unless its client has left and nobody acknowledges. Without pacing a frame takes no time, so that
none ever waits for another.
"""

from collections import deque
from dataclasses import dataclass
from functools import partial

from rig.can.bus import Bus
from rig.can.frame import Frame
from rig.can.hub.member import Member
from rig.can.hub.records import ECHO, ErrorClass, error_record, frame_record
from rig.can.hub.socketcand import error_text, frame_text
from rig.can.node import ControllerState, Node
from rig.kernel import Kernel

MAILBOXES = 32
"""Chosen, and usual: of one client's frames so many arbitrate at a time."""

BACKLOG_FRAMES = 1024
"""Chosen: a quarter of a second of a full bus; more is better kept by the client."""

LOAD_WINDOW_US = 1_000_000
LINGER_US = 5_000_000
"""Chosen: how long what a client has sent before it left may wait for somebody to hear it."""

_ALONE = "no acknowledge: "
_UNPACED_BITRATE = 1_000_000_000
"""At this rate every frame takes less than half a microsecond, that is, none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerStatistics:
    """A client's controller on one bus; ``waiting`` are frames that it has yet to send."""

    client: str
    state: ControllerState
    attached: bool
    tec: int
    rec: int
    sent: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BusStatistics:
    """A bus since the hub began. ``load_pct``: of the last second; None without pacing."""

    name: str
    bitrate: int
    frames: int
    errors: int
    load_pct: float | None
    unsent: int
    """Frames whose clients have left before anybody heard them."""
    controllers: tuple[ControllerStatistics, ...]


class Port:
    """A member's controller on a bus, and what lies in its driver's queue."""

    __slots__ = ("_backlog", "member", "node", "sent", "until_us")

    def __init__(self, member: Member, node: Node) -> None:
        self.member = member
        self.node = node
        self.sent = 0
        self.until_us: int | None = None
        """When it stops waiting to be heard: set when its member has left."""
        self._backlog: deque[Frame] = deque()

    @property
    def waiting(self) -> int:
        """Frames that are not on the bus yet."""
        return self.node.pending + len(self._backlog)

    @property
    def is_full(self) -> bool:
        """Whether its client has to wait."""
        return len(self._backlog) >= BACKLOG_FRAMES

    def send(self, frame: Frame) -> None:
        """Queue a frame."""
        if self._backlog or not self._post(frame):
            self._backlog.append(frame)

    def refill(self) -> bool:
        """Put into the mailboxes what has room there; whether anything had."""
        backlog, moved = self._backlog, False
        while backlog and self._post(backlog[0]):
            backlog.popleft()
            moved = True
        return moved

    def _post(self, frame: Frame) -> bool:
        return self.node.pending < MAILBOXES and self.node.send(frame)


class Wire:
    """A bus with its members: those who can send have a port, the others only listen."""

    def __init__(
        self,
        kernel: Kernel,
        name: str,
        bitrate: int,
        *,
        epoch_us: int = 0,
        paced: bool = True,
        acknowledging: bool = True,
    ) -> None:
        self.name = name
        self.bitrate = bitrate
        self.paced = paced
        self._kernel = kernel
        self._epoch_us = epoch_us
        self._bus = Bus(kernel, name, bitrate if paced else _UNPACED_BITRATE)
        self._ports: dict[str, Port] = {}
        self._numbers: dict[Member, int] = {}
        self._listeners: dict[Member, int] = {}
        self._binary: list[tuple[Member, int]] = []
        self._text: list[Member] = []
        self._idle_nodes: list[Node] = []
        self._leaving: list[Port] = []
        self._unsent = 0
        if acknowledging:
            self._bus.attach("the hub", None)
        self._bus.watch(self._carried)
        self._bus.watch_errors(self._erred)

    def join(self, member: Member, number: int, bitrate: int | None) -> Port | None:
        """Take a member to whom this bus is its ``number``; a port unless it only reads.

        One that is set to another rate hears nothing; if it can send, it disturbs.
        """
        self._numbers[member] = number
        if member.read_only:
            if bitrate in {None, self.bitrate}:
                self._listeners[member] = number
            self._regroup()
            return None
        node = self._idle_nodes.pop() if self._idle_nodes else self._bus.attach(member.name, None)
        # A controller that has another's name from before is as good as new.
        node.name = member.name
        node.pending = 0
        port = Port(member, node)
        node.on_state = partial(self._state_is_new, port)
        self._ports[member.name] = port
        if bitrate is not None and self.paced:
            node.bitrate = bitrate
        node.wake()
        self._regroup()
        return port

    def leave(self, member: Member) -> None:
        """Forget a member; what it has sent still goes out."""
        self._numbers.pop(member, None)
        self._listeners.pop(member, None)
        port = self._ports.get(member.name)
        if port is not None and port.member is member:
            port.until_us = self._kernel.now_us + LINGER_US
            self._leaving.append(port)
        self._regroup()

    def settle(self) -> None:
        """What is left to do when the kernel has come up to now."""
        if not self.paced:
            self._bus.catch_up()
            for port in self._ports.values():
                while port.refill():
                    self._bus.catch_up()
        if self._leaving:
            self._leaving = [port for port in self._leaving if not self._let_go(port)]

    def _let_go(self, port: Port) -> bool:
        """Take a port off whose member has left, if it is done."""
        assert port.until_us is not None
        if port.waiting and self._kernel.now_us < port.until_us:
            return False
        self._unsent += port.waiting
        node = port.node
        node.on_state = None
        node.sleep()
        node.attached = True
        node.bitrate = self._bus.bitrate
        del self._ports[node.name]
        self._idle_nodes.append(node)
        return True

    def is_known(self, client: str) -> bool:
        """Whether somebody of this name has a controller here, or has had until a moment ago."""
        return client in self._ports

    def disturb(self, duration_us: int) -> None:
        """Glitches on the wire for a while."""
        self._bus.disturb(duration_us)

    def plug(self, client: str, attached: bool) -> None:
        """Pull a client's cable, or plug it in again. Raises KeyError for one without a port."""
        node = self._ports[client].node
        if attached:
            node.reattach()
        else:
            node.detach()
        self._regroup()

    def recover(self, client: str) -> None:
        """Bring a client's controller out of bus-off. Raises KeyError for one without a port."""
        self._ports[client].node.recover()

    def statistics(self) -> BusStatistics:
        """What it has carried until now."""
        return BusStatistics(
            name=self.name,
            bitrate=self.bitrate,
            frames=self._bus.frames_total,
            errors=self._bus.errors_total,
            load_pct=self._load_pct() if self.paced else None,
            unsent=self._unsent,
            controllers=tuple(
                ControllerStatistics(
                    client=name,
                    state=port.node.state,
                    attached=port.node.attached,
                    tec=port.node.tec,
                    rec=port.node.rec,
                    sent=port.sent,
                    waiting=port.waiting,
                )
                for name, port in self._ports.items()
            ),
        )

    def _load_pct(self) -> float:
        # Until the first second is over, of the time that there was.
        window_us = min(LOAD_WINDOW_US, max(1, self._kernel.now_us))
        return round(self._bus.load_pct(window_us), 1)

    def _regroup(self) -> None:
        """Find out anew who hears this bus, and in which language."""
        hearing = dict(self._listeners)
        for port in self._ports.values():
            number, node = self._numbers.get(port.member), port.node
            if number is not None and node.live and node.bitrate == self._bus.bitrate:
                hearing[port.member] = number
        self._binary = [(member, number) for member, number in hearing.items() if not member.text]
        self._text = [member for member in hearing if member.text]

    def _carried(self, time_us: int, sender: str, frame: Frame) -> None:
        """A frame has reached its end: everybody has it, its sender if it wants to."""
        port = self._ports.get(sender)
        own = None
        stamp_us = self._epoch_us + time_us
        if port is not None:
            own = port.member
            port.sent += 1
            own.sent += 1
            # In time for the next arbitration, however late the hub's process is.
            if self.paced:
                port.refill()
        record, known = b"", -1
        for member, number in self._binary:
            if member is own:
                if own.echo:
                    own.outbox.fresh.append(frame_record(stamp_us, number, frame, ECHO))
                continue
            if number != known:
                record, known = frame_record(stamp_us, number, frame), number
            member.outbox.fresh.append(record)
        if self._text:
            text = frame_text(stamp_us, frame)
            for member in self._text:
                if member is not own:
                    member.outbox.fresh.append(text)

    def _erred(self, time_us: int, text: str) -> None:
        """An error frame, or the attempts of one whom nobody hears."""
        error = ErrorClass.PROTOCOL
        if text.startswith(_ALONE):
            error = ErrorClass.NO_ACKNOWLEDGE
            port = self._ports.get(text.removeprefix(_ALONE))
            if port is not None and not port.node.attached:
                # Its attempts end where its cable does.
                return
        stamp_us = self._epoch_us + time_us
        for member, number in self._binary:
            member.outbox.fresh.append(error_record(stamp_us, number, error))
        for member in self._text:
            member.outbox.fresh.append(error_text(stamp_us, error))

    def _state_is_new(self, port: Port, state: ControllerState) -> None:
        self._regroup()
        node, member = port.node, port.member
        number = self._numbers.get(member)
        if number is not None and not member.text:
            member.tell_state(self._epoch_us + self._kernel.now_us, number, state, node.tec)
        if state is ControllerState.BUS_OFF and member.restart_ms is not None:
            self._kernel.after(member.restart_ms * 1000, node.recover)
        elif state is ControllerState.ERROR_ACTIVE:
            # What had waited for the end of bus-off has nobody else to start it.
            self._kernel.after(0, partial(_refill, port))


def _refill(port: Port) -> None:
    port.refill()
