"""A serial line that is none: a pseudo-terminal, for POSIX systems.

As on a wire, there is one conversation whoever plugs in, and what nobody reads is gone.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self

from instruments.doors.pump import Pump, wall_us
from instruments.protocols import Answering

_CHUNK = 65_536
# Eight data bits between a start and a stop bit.
_BITS_A_CHARACTER = 10
# chosen: a client that reads nothing for so long has unplugged.
_PATIENCE_S = 1.0
_RETRY_S = 0.01


class PtyDoor:
    """Serves one twin on a pseudo-terminal while the context is entered.

    It stays when a client closes it and another opens it. ``baud`` paces the characters of both
    directions as a line of that speed does; None: as fast as they come.
    """

    def __init__(
        self,
        twin: Answering,
        *,
        baud: int | None = None,
        now_us: Callable[[], int] = wall_us,
    ) -> None:
        self._twin = twin
        self._character_s = _BITS_A_CHARACTER / baud if baud else 0.0
        self._pump = Pump(twin, now_us)
        self._heard: asyncio.Queue[bytes] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._ends: tuple[int, int] = (-1, -1)
        self._nobody_reads = False
        self.path = ""

    async def __aenter__(self) -> Self:
        if sys.platform == "win32":
            raise OSError("a pseudo-terminal needs a POSIX system")
        import tty

        master, slave = self._ends = os.openpty()
        # Neither echo nor line editing: also for a client that does not set the line itself.
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.set_blocking(master, False)
        loop = asyncio.get_running_loop()
        loop.add_reader(master, self._listen)
        self._task = loop.create_task(self._serve())
        self._pump.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._task is not None
        asyncio.get_running_loop().remove_reader(self._ends[0])
        self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            pass
        finally:
            for end in self._ends:
                os.close(end)
        await self._pump.stop()

    @property
    def resource_name(self) -> str:
        """The VISA name of this door."""
        return f"ASRL{self.path}::INSTR"

    def _listen(self) -> None:
        # The door holds the client's end open too: a client that closes ends nothing here.
        self._heard.put_nowait(os.read(self._ends[0], _CHUNK))

    async def _serve(self) -> None:
        conversation = self._twin.conversation()
        while True:
            data = await self._heard.get()
            await self._wait(len(data) * self._character_s)
            for line in data.splitlines(keepends=True):
                thinks_s = self._twin.thinks_s(line)
                await self._wait(thinks_s)
                answers = conversation.receive(line)
                if answers and not self._twin.lost:
                    await self._wait(self._twin.latency_s - thinks_s)
                    await self._speak(answers)

    async def _speak(self, answers: bytes) -> None:
        """Write at the pace of the line; what finds no room for a while is lost.

        Whoever has let one answer be lost is waited for no more, until there is room again.
        """
        loop = asyncio.get_running_loop()
        began_s, sent, moved_s = loop.time(), 0, loop.time()
        while sent < len(answers):
            due = len(answers)
            if self._character_s:
                due = min(due, int((loop.time() - began_s) / self._character_s))
            try:
                written = os.write(self._ends[0], answers[sent:due]) if due > sent else 0
            except BlockingIOError:
                written = 0
            if written:
                sent, moved_s, self._nobody_reads = sent + written, loop.time(), False
            elif due > sent and (self._nobody_reads or loop.time() - moved_s > _PATIENCE_S):
                self._nobody_reads = True
                return
            else:
                await asyncio.sleep(min(self._character_s or _RETRY_S, _RETRY_S))

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.sleep(seconds)
