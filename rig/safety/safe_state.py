"""The way to the safe state, in the order in which nothing is opened under load.

Each step has its own time, is verified by reading back, and is tried whatever became of the
others. Sources and load go off first and at once, each on its own connection; whatever cannot be
seen off in time has the interlock opened on it. Nothing here is ever called safe that was not seen.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from instruments.exchange import urgently
from instruments.protocols import InstrumentError
from rig.concurrency import together
from rig.safety.automaton import Bench
from rig.safety.hands import Hands, Output
from rig.safety.spec import Limits, Sense

LOOK_AGAIN_S = 0.005
TRIES = 3
CONTACTOR = "contactor_aux"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: ``verified`` is None where a bench has nothing to do it with."""

    name: str
    took_ms: float
    verified: bool | None
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the way to the safe state."""

    state: Bench
    off_ms: float | None  # until the last output was seen off; None: it was not
    steps: tuple[Step, ...]

    def as_json(self) -> dict[str, Any]:
        """For the record."""
        steps = [asdict(step) for step in self.steps]
        return {"state": str(self.state), "off_ms": self.off_ms, "steps": steps}


class Way:
    """Brings a bench to its safe state, once or again."""

    def __init__(
        self, hands: Hands, sense: Sense, limits: Limits, now_us: Callable[[], int]
    ) -> None:
        self._hands, self._sense, self._limits, self._now_us = hands, sense, limits, now_us

    async def go(self) -> Outcome:
        """Take every step. Raises nothing: what goes wrong is in the outcome."""
        began_us = self._now_us()
        outputs, io = self._hands.outputs, self._hands.io
        seen: list[Output] = []

        async def off(output: Output) -> None:
            await self._off(output)
            seen.append(output)

        doubt = asyncio.create_task(self._open_if_in_doubt(seen))
        steps = await self._each("output off", off)
        off_ms = self._since_ms(began_us) if len(seen) == len(outputs) else None
        doubt.cancel()
        steps.append(await self._try("no current", self._see_no_current))
        if self._sense.interlock_relay is None:
            steps.append(Step(name="interlock open", took_ms=0.0, verified=None, said="not wired"))
        else:
            steps.append(await self._try("interlock open", self._open_interlock))
        steps += await self._each("nothing set", lambda output: output.nothing())
        steps.append(await self._try("inputs at rest", io.safe_state))
        if CONTACTOR in io.lines:
            steps.append(await self._try("contactor open", self._see_contactor_open))
        # With the interlock open: what was still under way to an instrument has found it so.
        steps += await self._each("still off", self._see_off)
        safe = all(step.verified is not False for step in steps)
        state = Bench.SAFE if safe else Bench.UNKNOWN
        return Outcome(state=state, off_ms=off_ms, steps=tuple(steps))

    async def _each(self, name: str, act: Callable[[Output], Awaitable[None]]) -> list[Step]:
        """A step of every output, all at once."""
        tries = [
            self._try(f"{output.role}: {name}", lambda output=output: act(output))  # type: ignore[misc]
            for output in self._hands.outputs
        ]
        return list(await together(*tries))

    async def _try(self, name: str, act: Callable[[], Awaitable[None]]) -> Step:
        began_us, said, verified = self._now_us(), "", False
        try:
            async with asyncio.timeout(self._limits.step_s):
                with urgently():
                    await act()
            verified = True
        except TimeoutError:
            said = f"not within {self._limits.step_s:g} s"
        except Exception as error:  # noqa: BLE001 - told in the report; the other steps go on
            said = str(error) or type(error).__name__
        return Step(name=name, took_ms=self._since_ms(began_us), verified=verified, said=said)

    async def _off(self, output: Output) -> None:
        """Off and seen so; a lock or a connection that was lost is taken again."""
        for left in reversed(range(TRIES)):
            try:
                await output.off()
                return
            except InstrumentError:
                if not left:
                    raise
                try:
                    await output.nothing()
                    return
                except InstrumentError:
                    continue

    async def _open_if_in_doubt(self, seen: list[Output]) -> None:
        await asyncio.sleep(self._limits.doubt_s)
        if len(seen) < len(self._hands.outputs) and self._sense.interlock_relay is not None:
            await self._try("interlock open, in doubt", self._open_interlock)

    async def _open_interlock(self) -> None:
        assert self._sense.interlock_relay is not None
        await self._hands.io.open_relay(self._sense.interlock_relay)

    async def _see_no_current(self) -> None:
        while not abs(await self._current_a()) <= self._limits.rest_a:  # noqa: ASYNC110 - a meter
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _current_a(self) -> float:
        """By the DAQ; where it has no transducer, what the instruments' own meters make of it."""
        channel = self._sense.current_channel
        if channel is None:
            return max([abs((await one.measure())[1]) for one in self._hands.outputs], default=0.0)
        return await self._hands.io.read_voltage(channel) / self._sense.current_v_per_a

    async def _see_contactor_open(self) -> None:
        while (await self._hands.io.get_all())[CONTACTOR]:  # noqa: ASYNC110 - a contact
            await asyncio.sleep(LOOK_AGAIN_S)

    @staticmethod
    async def _see_off(output: Output) -> None:
        if await output.is_on():
            await output.off()
            raise InstrumentError(f"the {output.role} was on again, and was switched off again")

    def _since_ms(self, began_us: int) -> float:
        return (self._now_us() - began_us) / 1000
