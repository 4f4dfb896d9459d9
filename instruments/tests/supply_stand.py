"""A supply's twin on a circuit of its own and on an in-process VISA library, for tests."""

from dataclasses import dataclass
from typing import Any

from instruments.protocols import Answering
from instruments.session import Check, Session
from instruments.tests.stand import Clock
from instruments.twins.circuit import Circuit
from instruments.visa import TwinLibrary

ADDRESS = "TCPIP::supply.bench::5025::SOCKET"


@dataclass
class SupplyStand:
    """What a test holds: the time, the circuit, and ways to the twin."""

    clock: Clock
    twin: Any
    circuit: Circuit
    library: TwinLibrary

    def session(self, *, check: Check = "each") -> Session:
        return self.library.open_session(
            ADDRESS, now_us=self.clock.now_us, settle=self.clock.settle, check=check
        )

    def ask(self, *messages: str) -> str:
        """The answer to the last of these messages, all of them in order."""
        peer = self.twin.conversation()
        return [peer.receive(f"{message}\n".encode()).decode() for message in messages][-1].rstrip(
            "\n"
        )

    def wait(self, seconds: float) -> None:
        """Let time pass without traffic; the instrument sees to itself."""
        for _ in range(round(seconds * 100)):
            self.clock.now += 10_000
            self.twin.supervise()


def stand_of(clock: Clock, twin: Any, circuit: Circuit) -> SupplyStand:
    """Wire a twin to a circuit and register it."""
    twin.connect(circuit.attach_source(twin.demand))
    library = TwinLibrary.create()
    answering: Answering = twin
    library.register(ADDRESS, answering)
    return SupplyStand(clock, twin, circuit, library)
