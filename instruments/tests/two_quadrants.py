"""A two-quadrant supply's twin at a battery of 50 V behind 0.1 ohm, and ways to talk to it."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from instruments.protocols import BidirectionalSupply
from instruments.session import Session
from instruments.tests.stand import Clock
from instruments.twins.circuit import Circuit
from instruments.twins.it6000c import It6000cTwin
from instruments.twins.rp7900 import Rp7900Twin
from instruments.visa import TwinLibrary

NAME = "TCPIP::supply.bench::5025::SOCKET"
BETWEEN_MESSAGES_S = 0.05

TwinT = TypeVar("TwinT", Rp7900Twin, It6000cTwin)


@dataclass
class Stand(Generic[TwinT]):
    clock: Clock
    library: TwinLibrary
    twin: TwinT
    battery: Circuit
    sent: list[str] = field(default_factory=list)

    def session(self) -> Session:
        return self.library.open_session(
            NAME,
            now_us=self.clock.now_us,
            settle=self.clock.settle,
            log=lambda _us, way, text: self.sent.append(text) if way == ">" else None,
        )

    def say(self, text: str) -> str:
        """One message of a client that nobody here wrote, and its answer."""
        self.pass_s(BETWEEN_MESSAGES_S)
        return self.twin.conversation().receive(text.encode() + b"\n").decode().rstrip("\n")

    def pass_s(self, seconds: float) -> None:
        """Let time pass with nobody talking, supervised as a bench does it."""
        end_us = self.clock.now + round(seconds * 1_000_000)
        while (due_us := self.twin.due_us()) is not None and due_us <= end_us:
            self.clock.now = max(due_us, self.clock.now)
            self.twin.supervise()
        self.clock.now = end_us
        self.twin.supervise()


def stand_of(make: Callable[..., TwinT]) -> Stand[TwinT]:
    """Wire a twin to the battery and register it."""
    clock = Clock()
    library = TwinLibrary.create()
    twin = make(serial="1234", dice=random.Random(5), now_us=clock.now_us)
    battery = Circuit(now_us=clock.now_us, emf_v=50.0, emf_ohm=0.1)
    # At the stage, as `hil twin serve` wires it.
    twin.stage.connect(battery.attach_source(twin.stage.demand))
    library.register(NAME, twin)
    return Stand(clock, library, twin, battery)


async def switch_on(
    stand: Stand[Rp7900Twin] | Stand[It6000cTwin],
    supply: BidirectionalSupply,
    *,
    voltage_v: float = 60.0,
    current_a: float = 20.0,
    sink_a: float = 30.0,
) -> None:
    """Switch on inside an envelope of 70 V and 200 A, and let ramps arrive."""
    await supply.set_ovp(70.0)
    await supply.set_ocp(200.0)
    await supply.set_sink_ocp(200.0)
    await supply.set_voltage(voltage_v)
    await supply.set_current_limit(current_a)
    await supply.set_sink_current_limit(sink_a)
    await supply.output_on()
    stand.pass_s(2.0)
