"""A hub without sockets on a clock of the test's, and what its members got."""

import json
from typing import Any

from rig.can.frame import Frame
from rig.can.hub.hub import Hub
from rig.can.hub.member import Member
from rig.can.hub.records import FRAMES, Seen, seen_in
from rig.can.hub.requests import BusSpec, Hello, Request


class HubBench:
    """The hub is settled after each step, as the server does."""

    def __init__(self, *buses: tuple[str, int], **settings: Any) -> None:
        specs = [BusSpec(name=name, bitrate=bitrate) for name, bitrate in buses]
        self.hub = Hub(specs, **settings)
        self.now_us = 0
        self._told: dict[Member, list[dict[str, Any]]] = {}
        self._seen: dict[Member, list[Seen]] = {}

    def join(self, name: str, *buses: str, **hello: Any) -> Member:
        return self.hub.welcome(Hello(name=name, buses=buses, **hello))

    def send(self, member: Member, *identifiers: int, bus: int = 0, data: bytes = bytes(8)) -> None:
        for identifier in identifiers:
            self.hub.send(member, bus, Frame(identifier, data))
        self.hub.settle()

    def run(self, duration_us: int) -> None:
        self.now_us += duration_us
        self.hub.advance(self.now_us)
        self.hub.settle()

    def ask(self, member: Member, request: Request) -> dict[str, Any]:
        self.hub.obey(member, request, 0.0)
        return self.told(member)[-1]

    def seen(self, member: Member) -> list[Seen]:
        """All frames that it has had until now."""
        self._pour(member)
        return self._seen[member]

    def told(self, member: Member) -> list[dict[str, Any]]:
        """All answers and news that it has had until now."""
        self._pour(member)
        return self._told[member]

    def identifiers(self, member: Member) -> list[int]:
        return [seen.identifier for seen in self.seen(member)]

    def bus(self, name: str) -> Any:
        return next(bus for bus in self.hub.statistics(0.0).buses if bus.name == name)

    def controller(self, bus: str, client: str) -> Any:
        return next(one for one in self.bus(bus).controllers if one.client == client)

    def client(self, name: str) -> Any:
        return next(one for one in self.hub.statistics(0.0).clients if one.name == name)

    def _pour(self, member: Member) -> None:
        seen = self._seen.setdefault(member, [])
        told = self._told.setdefault(member, [])

        def take(piece: bytes) -> int:
            if piece[0] == FRAMES:
                seen.extend(seen_in(piece))
            else:
                told.append(json.loads(piece))
            return len(piece)

        member.outbox.pour(take)
