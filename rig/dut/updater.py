"""How firmware gets into the device: by the diagnostic tool, or by a GX device (VRM, VUP file).

An update ends with an outcome, good or bad; what a device refuses is told, never raised.
"""

import asyncio
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rig.dut.firmware_file import FirmwareFile, Part, firmware_file
from rig.dut.terminals import UpdatePath
from rig.dut.tool import CanBeAsked

UPDATE_ENABLE, UPDATE_END, UPDATE_DATA, UPDATE_BEGIN = 0x0010, 0x0011, 0x0012, 0x0013  # VELIB
ERASING = 0xC100  # public: VELIB
BLOCK_BYTES = 128  # chosen: a fast packet carries 223
ENTRY_S, START_S = 1.0, 1.0  # chosen: a device that restarts has done so by then
CLAIM_WITHIN_S, ANSWER_WITHIN_S, ERASED_WITHIN_S = 5.0, 2.0, 10.0  # chosen: a GX's patience
RETRIES = 3
SESSION, RESET, DOWNLOAD, TRANSFER, EXIT = 0x10, 0x11, 0x34, 0x36, 0x37


@dataclass(frozen=True, slots=True)
class UpdateOutcome:
    """How an update ended; ``code`` is what the device gave as the reason, where it did."""

    completed: bool
    step: str = ""
    code: int | None = None

    def __str__(self) -> str:
        if self.completed:
            return "completed"
        why = "no answer" if self.code is None else f"code {self.code:#06x}"
        return f"ended at {self.step}: {why}"


class _Ended(Exception):
    """An update does not go on."""

    def __init__(self, step: str, code: int | None = None) -> None:
        super().__init__(step)
        self.outcome = UpdateOutcome(False, step, code)


class GxUpdating(Protocol):
    """What a GX device does to update: begin, and write the registers of the update."""

    async def begin_update(self) -> int | None:
        """Begin, and wait for the boot loader of that device; the acknowledge code, or None."""
        ...

    async def write_update(self, register: int, data: bytes, within_s: float) -> int | None:
        """Write, and wait for the acknowledge code; None if nothing comes."""
        ...

    async def erased(self, within_s: float) -> int | None:
        """The acknowledge that follows "erasing"."""
        ...


class Updater:
    """Updates one device."""

    def __init__(self, tool: CanBeAsked, gx: GxUpdating) -> None:
        self._tool, self._gx = tool, gx

    async def install(self, release: str, path: UpdatePath) -> UpdateOutcome:
        """Install a release. The tool brings the boot loaders too, the other paths do not."""
        parts = [Part.MASTER]
        if path is UpdatePath.TOOL:
            parts = [Part.BOOT_LOADER, Part.SECONDARY_BOOT_LOADER, Part.MASTER]
        return await self.send([firmware_file(release, part) for part in parts], path)

    async def send(
        self, files: Sequence[FirmwareFile], path: UpdatePath, blocks: int | None = None
    ) -> UpdateOutcome:
        """Install these files, one after the other.

        ``blocks``: after so many of each the updater goes away, and says nothing more.
        """
        try:
            for file in files:
                if path is UpdatePath.TOOL:
                    await self._by_tool(file, blocks)
                else:
                    await self._by_vup(file, blocks)
        except _Ended as ended:
            return ended.outcome
        return UpdateOutcome(True)

    async def begin_and_leave(self) -> UpdateOutcome:
        """Have the device begin with an update by the tool, and start as it was."""
        try:
            await self._begin_by_tool(firmware_file("1.38"))
            await self._request("leaving", bytes([RESET, 1]))
        except _Ended as ended:
            return ended.outcome
        await asyncio.sleep(START_S)
        return UpdateOutcome(True)

    async def _begin_by_tool(self, file: FirmwareFile) -> None:
        await self._request("the boot loader", bytes([SESSION, 2]))
        await asyncio.sleep(ENTRY_S)
        await self._request("erasing", bytes([DOWNLOAD]) + file.head)

    async def _by_tool(self, file: FirmwareFile, blocks: int | None) -> None:
        await self._begin_by_tool(file)
        for number, block in _blocks(file)[:blocks]:
            await self._request("a block", bytes([TRANSFER, number]) + block)
        if blocks is not None:
            raise _Ended("leaving")
        await self._request("verifying", bytes([EXIT]))
        await asyncio.sleep(START_S)

    async def _request(self, step: str, request: bytes) -> None:
        try:
            answer = await self._tool.ask(request)
        except TimeoutError:
            raise _Ended(step) from None
        if answer[:1] == b"\x7f":
            raise _Ended(step, answer[2])

    async def _by_vup(self, file: FirmwareFile, blocks: int | None) -> None:
        gx = self._gx
        self._expect("the boot loader", await gx.begin_update())
        code = await gx.write_update(UPDATE_ENABLE, file.head, ANSWER_WITHIN_S)
        if code == ERASING:
            code = await gx.erased(ERASED_WITHIN_S)
        self._expect("erasing", code)
        for number, block in _blocks(file)[:blocks]:
            data = struct.pack("<B", number) + block
            self._expect("a block", await self._block(data))
        if blocks is not None:
            raise _Ended("leaving")
        self._expect("verifying", await gx.write_update(UPDATE_END, b"", ANSWER_WITHIN_S))
        await asyncio.sleep(START_S)

    async def _block(self, data: bytes) -> int | None:
        """A block that is not answered is sent again: one that had arrived is not taken twice."""
        code = None
        for _ in range(RETRIES):
            code = await self._gx.write_update(UPDATE_DATA, data, ANSWER_WITHIN_S)
            if code is not None:
                break
        return code

    @staticmethod
    def _expect(step: str, code: int | None) -> None:
        if code != 0:
            raise _Ended(step, code)


def _blocks(file: FirmwareFile) -> list[tuple[int, bytes]]:
    """The content in blocks, numbered from 1."""
    content = file.content
    starts = range(0, len(content), BLOCK_BYTES)
    return [(1 + i & 0xFF, content[at : at + BLOCK_BYTES]) for i, at in enumerate(starts)]
