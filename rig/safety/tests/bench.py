"""Outputs and a DAQ made of nothing, which fail as a test wants."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from instruments.protocols import InstrumentError
from rig.safety.envelope import Envelope
from rig.safety.hands import Hands


@dataclass
class FakeOutput:
    role: str
    on: bool = False
    current_a: float = 0.0
    deaf: bool = False  # hears and answers nothing, until the caller gives up
    broken: bool = False  # answers every command with an error, and does nothing
    guards: int = 0
    log: list[str] = field(default_factory=list)

    async def _hears(self, what: str) -> None:
        self.log.append(f"{self.role} {what}")
        if self.deaf:
            await asyncio.sleep(60)
        if self.broken:
            raise InstrumentError(f"{self.role} is broken")

    async def guard(self, envelope: Envelope) -> None:
        await self._hears("guard")
        self.guards += 1

    async def off(self) -> None:
        await self._hears("off")
        self.on = False

    async def nothing(self) -> None:
        await self._hears("nothing")
        self.on = False

    async def is_on(self) -> bool:
        await self._hears("on?")
        return self.on

    async def seems_on(self) -> bool:
        return self.on

    async def measure(self) -> tuple[float, float]:
        await self._hears("measure")
        return 28.0, self.current_a

    async def watch(self, seconds: float | None) -> bool:
        await self._hears(f"watch {seconds}")
        return True


class FakeDaq:
    """Relay 201 holds the outputs off; channel 319 is the current, 320 the stop's chain."""

    def __init__(self, outputs: list[FakeOutput], log: list[str]) -> None:
        self.outputs, self.log = outputs, log
        self.lines = {"contactor_aux": (101, 0)}
        self.closed = self.contactor = self.broken = False
        self.stuck_a = 0.0
        self.stop_v = 24.0

    def _hears(self, what: str) -> None:
        self.log.append(f"daq {what}")
        if self.broken:
            raise InstrumentError("the DAQ is broken")

    async def close_relay(self, channel: int) -> None:
        self._hears(f"close {channel}")
        self.closed = self.contactor = True

    async def open_relay(self, channel: int) -> None:
        self._hears(f"open {channel}")
        self.closed = self.contactor = False
        for output in self.outputs:
            output.on = False

    async def read_voltage(self, channel: int) -> float:
        if channel == 320:
            return self.stop_v
        self._hears(f"read {channel}")
        drawn_a = sum(output.current_a for output in self.outputs if output.on)
        return 0.01 * (drawn_a + self.stuck_a)

    async def get_all(self) -> dict[str, bool]:
        self._hears("lines")
        return {"contactor_aux": self.contactor}

    async def safe_state(self) -> None:
        self._hears("rest")


def bench(**options: Any) -> tuple[Hands, FakeOutput, FakeOutput, FakeDaq, list[str]]:
    log: list[str] = []
    charger = FakeOutput("charger", log=log, **options)
    load = FakeOutput("load", log=log)
    daq = FakeDaq([charger, load], log)
    hands: Any = Hands(outputs=(charger, load), io=daq, drivers=())
    return hands, charger, load, daq, log
