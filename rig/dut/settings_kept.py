"""The diagnostic tool's way to a real device, which gives it back as it was found.

A device in a lab keeps its settings from one attempt to the next. Before the first write of a
setting its code is read, and at the end written back.
"""

import struct

from rig.dut.tool import READ, SETTINGS, VALUE, WRITE, CanBeAsked

KEPT = frozenset(VALUE + number for number in SETTINGS.values())


class KeepsSettings:
    """Carries the tool's messages, and remembers what they change."""

    def __init__(self, device: CanBeAsked) -> None:
        self._device = device
        self._found: dict[int, bytes] = {}

    async def ask(self, request: bytes) -> bytes:
        """One exchange. Raises TimeoutError if no answer comes."""
        if len(request) > 2 and request[0] == WRITE:
            identifier = int.from_bytes(request[1:3], "big")
            if identifier in KEPT and identifier not in self._found:
                answer = await self._device.ask(struct.pack(">BH", READ, identifier))
                if answer[:1] == bytes([READ + 0x40]):
                    self._found[identifier] = answer[3:]
        return await self._device.ask(request)

    async def restore(self) -> list[int]:
        """Write back what was changed; the identifiers that the device did not take."""
        lost = []
        for identifier, value in self._found.items():
            try:
                answer = await self._device.ask(struct.pack(">BH", WRITE, identifier) + value)
            except TimeoutError:
                answer = b""
            if answer[:1] != bytes([WRITE + 0x40]):
                lost.append(identifier)
        self._found.clear()
        return lost
