"""The Bluetooth module inside a device, on its serial line to the master, and an app that uses it.

There is no radio: an app in reach is one that asks the module. The module brings the app's lines
to the master and the answers back, at the speed that both agreed on; a line at another speed, or
above what the wires carry, arrives as garbage. Written apart from the firmware's side.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from rig.kernel import Kernel, seconds

FIRST_BAUD, HIGHEST_BAUD = 19_200, 230_400  # chosen: what such a module begins with, and can do
BITS_PER_BYTE = 10  # public: start bit, eight bits, stop bit
FALL_BACK_S = 1.0  # chosen: so long without a readable line, and it begins anew
ANSWER_WITHIN_S = 1.0
READ, WRITE, SIGN_OF_LIFE, SPEED, RADIO = "7", "8", "1", "B", "C"
UNKNOWN, REFUSED = 1, 4  # public: flags of the VE.Direct HEX protocol
NOISE = 0x5A  # what garbage differs from what was sent by


@dataclass(frozen=True, slots=True)
class AppAnswer:
    """What an app is told about a register."""

    kind: Literal["data", "unknown", "refused"]
    raw: bytes

    @property
    def number(self) -> int:
        """The value as a number without a sign."""
        return int.from_bytes(self.raw, "little")


def line(command: str, data: bytes = b"") -> bytes:
    """A command and its bytes as they go over the line."""
    check = (0x55 - int(command, 16) - sum(data)) & 0xFF
    return f":{command}{(data + bytes([check])).hex().upper()}\n".encode()


def parse(text: bytes) -> tuple[str, bytes] | None:
    """The command and the bytes in a line; None for garbage."""
    try:
        command, data = chr(text[1]), bytes.fromhex(text[2:].decode("ascii"))
        right = (int(command, 16) + sum(data)) & 0xFF == 0x55
    except (ValueError, IndexError):
        return None
    return (command, data[:-1]) if right and text[:1] == b":" and data else None


class BluetoothModule:
    """The module; the app side is `ask`."""

    def __init__(self, kernel: Kernel, to_master: Callable[[bytes], None]) -> None:
        self._kernel, self._to_master = kernel, to_master
        self._clean_up_to_baud = HIGHEST_BAUD
        self._asking: asyncio.Future[tuple[str, bytes]] | None = None
        self._session = 0
        self.reset()

    def reset(self) -> None:
        """It is switched on, together with its master."""
        self._baud = self._masters_baud = FIRST_BAUD
        self._rest = b""
        self._radio = False
        self._free_us = 0
        self._session += 1

    def limit(self, clean_up_to_baud: float) -> None:
        """Above this speed the wires garble every line."""
        self._clean_up_to_baud = int(clean_up_to_baud)

    def hear(self, data: bytes, baud: int) -> None:
        """The master sends, from now on at this speed."""
        self._masters_baud = baud
        if data:
            duration_us = self._duration_us(data, baud)
            self._kernel.after(duration_us, lambda: self._arrived(data, baud))

    @staticmethod
    def _duration_us(data: bytes, baud: int) -> int:
        return round(len(data) * BITS_PER_BYTE * 1e6 / baud)

    def _arrived(self, data: bytes, baud: int) -> None:
        if baud != self._baud or baud > self._clean_up_to_baud:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for text in lines:
            message = parse(text)
            if message is not None:
                self._session += 1
                self._take(*message)

    def _take(self, command: str, data: bytes) -> None:
        if command == SPEED:
            speed = min(int.from_bytes(data, "little"), HIGHEST_BAUD)
            self._say(line(SPEED, speed.to_bytes(4, "little")), then=lambda: self._change(speed))
        elif command == SIGN_OF_LIFE:
            self._say(line(SIGN_OF_LIFE))
        elif command == RADIO:
            self._radio = data != b"\0"
        elif self._asking is not None and not self._asking.done():
            self._asking.set_result((command, data))

    def _say(self, data: bytes, then: Callable[[], None] | None = None) -> None:
        """Send to the master, one line after the other."""
        baud = self._baud
        begin_us = max(self._kernel.now_us, self._free_us)
        self._free_us = begin_us + self._duration_us(data, baud)

        def arrive() -> None:
            clean = baud == self._masters_baud and baud <= self._clean_up_to_baud
            self._to_master(data if clean else bytes(byte ^ NOISE for byte in data))
            if then is not None:
                then()

        self._kernel.at(self._free_us, arrive)

    def _change(self, baud: int) -> None:
        self._baud, self._rest = baud, b""
        self._expect_something()

    def _expect_something(self) -> None:
        """Fall back if no readable line comes in time."""
        session = self._session

        def look() -> None:
            if session == self._session:
                self._baud, self._rest = FIRST_BAUD, b""

        self._kernel.after(seconds(FALL_BACK_S), look)

    async def ask(self, text: bytes) -> tuple[str, bytes] | None:
        """One exchange of an app; None if the module is not in reach, or nothing comes."""
        if not self._radio:
            await asyncio.sleep(ANSWER_WITHIN_S)
            return None
        self._asking = asyncio.get_running_loop().create_future()
        self._say(text)
        self._expect_something()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await self._asking
        except TimeoutError:
            return None


class InReach(Protocol):
    """The module inside the device, as an app reaches it."""

    async def ask(self, text: bytes) -> tuple[str, bytes] | None:
        """One exchange of an app; None if the module is not in reach, or nothing comes."""
        ...


class App:
    """VictronConnect on somebody's phone, near the device."""

    def __init__(self, module: InReach | None) -> None:
        self._module = module

    async def read(self, register: int) -> AppAnswer | None:
        """A register's value; None if the device is not in reach or does not answer."""
        return await self._exchange(READ, register, b"")

    async def write(self, register: int, data: bytes) -> AppAnswer | None:
        """Write a register; the answer repeats the value."""
        return await self._exchange(WRITE, register, data)

    async def _exchange(self, command: str, register: int, data: bytes) -> AppAnswer | None:
        if self._module is None:
            await asyncio.sleep(ANSWER_WITHIN_S)
            return None
        head = register.to_bytes(2, "little")
        answer = await self._module.ask(line(command, head + b"\0" + data))
        if answer is None or answer[0] != command or answer[1][:2] != head:
            return None
        flag = answer[1][2]
        kind: Literal["data", "unknown", "refused"] = "data"
        if flag:
            kind = "unknown" if flag == UNKNOWN else "refused"
        return AppAnswer(kind, answer[1][3:])
