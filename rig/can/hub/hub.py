"""The hub without its sockets: buses, members, and what members ask for.

Rules of this file: no I/O; time comes in by `advance`. All buses share one kernel, hence one clock:
what happens on them is seen in the order in which it happened.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from rig.can.frame import Frame
from rig.can.hub.member import Member, MemberStatistics
from rig.can.hub.outbox import QUEUE_FRAMES, Outbox
from rig.can.hub.records import datagram
from rig.can.hub.requests import (
    AskStatistics,
    BadRequest,
    BusSpec,
    Disturb,
    Hello,
    Plug,
    Recover,
    Request,
    Welcome,
    message_bytes,
)
from rig.can.hub.wire import BusStatistics, Port, Wire
from rig.kernel import Kernel

STRANGERS_RESTART_MS = 100
"""Chosen, and usual for SocketCAN: a stranger's tool cannot ask for it."""


class ReadOnly(StrEnum):
    """Who may not send."""

    NONE = "none"
    STRANGERS = "strangers"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubStatistics:
    """All that the hub has counted since it began; ``cpu_s`` of its process."""

    uptime_s: float
    cpu_s: float
    buses: tuple[BusStatistics, ...]
    clients: tuple[MemberStatistics, ...]


class Hub:
    """Buses and their members.

    ``epoch_us`` is the time since 1970 at which the kernel's time begins, in whole milliseconds;
    ``monotonic_offset_us`` is hub time less the machine's monotonic clock.
    """

    def __init__(
        self,
        buses: Sequence[BusSpec],
        *,
        read_only: ReadOnly = ReadOnly.NONE,
        paced: bool = True,
        acknowledging: bool = True,
        queue_frames: int = QUEUE_FRAMES,
        epoch_us: int = 0,
        monotonic_offset_us: int = 0,
    ) -> None:
        self.kernel = Kernel()
        self.members: list[Member] = []
        self._read_only = read_only
        self._queue_frames = queue_frames
        self._epoch_us = epoch_us
        self._monotonic_offset_us = monotonic_offset_us
        self._specs = {spec.name: spec for spec in buses}
        self._wires = {
            spec.name: Wire(
                self.kernel,
                spec.name,
                spec.bitrate,
                epoch_us=epoch_us,
                paced=paced,
                acknowledging=acknowledging,
            )
            for spec in buses
        }
        self._paced = paced
        self._ports: dict[Member, list[Port | None]] = {}

    @property
    def bus_names(self) -> list[str]:
        """The buses, in the order in which they were given."""
        return list(self._wires)

    def advance(self, now_us: int) -> None:
        """Let everything happen that is due by now."""
        if now_us > self.kernel.now_us:
            self.kernel.run(now_us, _never)

    def settle(self) -> None:
        """Do what is left when members have sent what they had to send."""
        for wire in self._wires.values():
            wire.settle()

    def welcome(self, hello: Hello) -> Member:
        """Take one of our processes; `Welcome` is in its outbox. Raises BadRequest."""
        for name in hello.buses:
            self._wire(name, "buses")
        if hello.bitrate is not None and not self._paced:
            raise BadRequest("bitrate: frames take no time here (--no-pacing); allowed: none")
        member = Member(
            name=self._free_name(hello.name),
            outbox=Outbox(datagram, self._queue_frames),
            read_only=hello.read_only or self._read_only is ReadOnly.ALL,
            echo=hello.echo,
            restart_ms=hello.restart_ms,
            buses=hello.buses,
        )
        answer = Welcome(
            name=member.name,
            buses=tuple(self._specs[name] for name in hello.buses or self._specs),
            read_only=member.read_only,
            epoch_us=self._epoch_us,
            monotonic_offset_us=self._monotonic_offset_us,
        )
        member.outbox.post(message_bytes({"answer": "hello", **asdict(answer)}))
        self._join(member, hello.bitrate)
        return member

    def welcome_stranger(self, bus: int) -> Member:
        """Take a client of the socketcand protocol on the bus that it has opened."""
        member = Member(
            name=self._free_name("socketcand"),
            outbox=Outbox(lambda texts, _dropped: b"".join(texts), self._queue_frames),
            text=True,
            read_only=self._read_only is not ReadOnly.NONE,
            restart_ms=STRANGERS_RESTART_MS,
            buses=(self.bus_names[bus],),
        )
        self._join(member, None)
        return member

    def leave(self, member: Member) -> None:
        """Forget a member who has gone."""
        self.members.remove(member)
        del self._ports[member]
        for name in member.buses:
            self._wires[name].leave(member)

    def send(self, member: Member, bus: int, frame: Frame) -> None:
        """Queue a frame of a member on its ``bus``; who may only read is refused, and counted."""
        port = self._ports[member][bus]
        if port is None:
            member.refused += 1
        else:
            port.send(frame)

    def is_full(self, member: Member) -> bool:
        """Whether a member has to wait until some of its frames have gone."""
        return any(port is not None and port.is_full for port in self._ports[member])

    def obey(self, member: Member, request: Request, cpu_s: float) -> None:
        """Do what a member asks for, and answer. Raises BadRequest."""
        answer: dict[str, object] = {}
        match request:
            case Hello():
                raise BadRequest("ask: 'hello' a second time; allowed: once")
            case AskStatistics():
                answer = {"answer": "statistics", **asdict(self.statistics(cpu_s))}
            case Disturb():
                self._wire(request.bus).disturb(request.duration_us)
                answer = {"answer": "disturb"}
            case Plug():
                self._has_controller(request).plug(request.client, request.attached)
                answer = {"answer": "plug"}
            case Recover():
                self._has_controller(request).recover(request.client)
                answer = {"answer": "recover"}
        member.outbox.post(message_bytes(answer))

    def statistics(self, cpu_s: float) -> HubStatistics:
        """What there is to count."""
        return HubStatistics(
            uptime_s=self.kernel.now_us / 1_000_000,
            cpu_s=round(cpu_s, 3),
            buses=tuple(wire.statistics() for wire in self._wires.values()),
            clients=tuple(member.statistics() for member in self.members),
        )

    def _join(self, member: Member, bitrate: int | None) -> None:
        self.members.append(member)
        self._ports[member] = [
            self._wires[name].join(member, number, bitrate)
            for number, name in enumerate(member.buses)
        ]

    def _free_name(self, name: str) -> str:
        """The name, or with a number if somebody has it."""
        names = {member.name for member in self.members}
        wires = self._wires.values()
        free, number = name, 1
        while free in names or any(wire.is_known(free) for wire in wires):
            number += 1
            free = f"{name}-{number}"
        return free

    def _wire(self, name: str, field: str = "bus") -> Wire:
        if name not in self._wires:
            raise BadRequest(f"{field}: {name!r}; allowed: {', '.join(self._wires)}")
        return self._wires[name]

    def _has_controller(self, request: Plug | Recover) -> Wire:
        wire = self._wire(request.bus)
        if not wire.is_known(request.client):
            known = ", ".join(one.client for one in wire.statistics().controllers) or "nobody"
            raise BadRequest(
                f"client: {request.client!r} has no controller on {request.bus}; allowed: {known}"
            )
        return wire


def _never() -> bool:
    return False
