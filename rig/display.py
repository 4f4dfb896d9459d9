"""A display on NMEA 2000, as a scenario holds it: it asks devices who they are, and sets them up.

What it hears it reads by `rig.can.n2k`, and only while it waits for it.
"""

import asyncio
from collections.abc import Callable

from rig.can.encode import (
    GROUP_FUNCTION_PGN,
    DeviceName,
    address_claim,
    commanded_address,
    group_command,
    group_request,
    iso_request,
    rename_command,
)
from rig.can.face import CanBus
from rig.can.frame import Frame, header_of
from rig.can.n2k import N2kDecoder, N2kMessage

ADDRESS = 0x21
NAME = DeviceName(unique=2, manufacturer=135, function=130, device_class=120)
REFUSAL_PGN = 59392
PACKET_SPACING_S = 0.05  # public: SAE J1939-21, of what is announced to everybody
PATIENCE_S = 0.6  # chosen: much longer than a device takes
ATTEMPTS = 3  # chosen: a display repeats what a device did not answer


class Display:
    """One display, which speaks with the device at ``device_address``."""

    def __init__(self, bus: CanBus, device_address: Callable[[], int]) -> None:
        self._node = bus.attach("display", self._receive)
        self._device_address = device_address
        self._decoder: N2kDecoder | None = None
        self._wanted: frozenset[int] = frozenset()
        self._messages: list[N2kMessage] = []
        self._arrived = asyncio.Event()
        self._sequence = 0
        self._node.send(address_claim(ADDRESS, NAME))

    def _receive(self, time_us: int, frame: Frame) -> None:
        if not self._wanted or not frame.extended:
            return
        header = header_of(frame.identifier)
        if header.pgn not in self._wanted or header.source == ADDRESS:
            return
        self._decoder = self._decoder or N2kDecoder()
        message = self._decoder.decode(frame)
        if message is not None:
            self._messages.append(message)
            self._arrived.set()

    async def _exchange(self, frames: tuple[Frame, ...], *wanted: int) -> N2kMessage | None:
        """Ask, again if need be, until a message of these PGNs comes; None if none does."""
        for _ in range(ATTEMPTS):
            message = await self._ask_once(frames, *wanted)
            if message is not None:
                return message
        return None

    async def _ask_once(self, frames: tuple[Frame, ...], *wanted: int) -> N2kMessage | None:
        self._wanted = frozenset(wanted)
        self._messages.clear()
        self._arrived.clear()
        for frame in frames:
            self._node.send(frame)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._arrived.wait()
        except TimeoutError:
            return None
        finally:
            self._wanted = frozenset()
        return self._messages[0]

    async def ask(self, pgn: int) -> N2kMessage | None:
        """Ask the device for a PGN (ISO request): it, or a refusal (59392); None: no answer."""
        request = iso_request(ADDRESS, self._device_address(), pgn)
        return await self._exchange((request,), pgn, REFUSAL_PGN)

    async def command(self, pgn: int, *fields: tuple[int, bytes]) -> N2kMessage | None:
        """Command fields of a PGN, by number; its acknowledge, or None if none comes."""
        frames = group_command(ADDRESS, self._device_address(), pgn, fields, self._next())
        return await self._exchange(frames, GROUP_FUNCTION_PGN)

    async def rename(self, text: str, field: int = 1) -> N2kMessage | None:
        """Command an installation description; its acknowledge, or None if none comes."""
        frames = rename_command(ADDRESS, self._device_address(), text, field, self._next())
        return await self._exchange(frames, GROUP_FUNCTION_PGN)

    async def request(self, pgn: int, interval_s: float | None = None) -> N2kMessage | None:
        """Ask for a PGN, or its interval, by group function; its acknowledge, or None."""
        interval_ms = None if interval_s is None else round(1000 * interval_s)
        frames = group_request(ADDRESS, self._device_address(), pgn, interval_ms, self._next())
        return await self._exchange(frames, GROUP_FUNCTION_PGN)

    async def move(self, name: int, address: int) -> None:
        """Command whoever has this NAME to take an address (65240)."""
        for frame in commanded_address(ADDRESS, name, address):
            self._node.send(frame)
            await asyncio.sleep(PACKET_SPACING_S)

    def _next(self) -> int:
        self._sequence = (self._sequence + 1) & 7
        return self._sequence
