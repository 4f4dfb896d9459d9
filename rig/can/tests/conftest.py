"""A bus with a kernel, and what every node heard."""

import pytest

from rig.can.bus import Bus
from rig.can.frame import Frame
from rig.can.node import Node
from rig.kernel import Kernel

BITRATE = 250_000


class Bench:
    """A kernel, a bus, and what every node heard."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        self.bus = Bus(self.kernel, "private", BITRATE)
        self.heard: dict[str, list[tuple[int, Frame]]] = {}
        self.seen: list[tuple[int, str, Frame]] = []
        self.errors: list[tuple[int, str]] = []
        self.bus.watch(lambda *what: self.seen.append(what))
        self.bus.watch_errors(lambda *what: self.errors.append(what))

    def node(self, name: str, bitrate: int | None = None) -> Node:
        heard = self.heard.setdefault(name, [])
        return self.bus.attach(name, lambda *what: heard.append(what), bitrate)

    def run(self, until_us: int) -> None:
        self.kernel.run(until_us, lambda: False)

    @property
    def identifiers(self) -> list[int]:
        return [frame.identifier for _, _, frame in self.seen]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def other_bench() -> Bench:
    return Bench()
