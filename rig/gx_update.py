"""A GX device that updates the DUT, for VRM or from a VUP file, and what supplies it meanwhile.

It follows the DUT by the NAME that it had when the update began: a boot loader that introduces
itself as somebody else is not found.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from rig.can.encode import vreg_write, vreg_write_long
from rig.can.face import CanBus, CanNode
from rig.can.frame import Frame, Header, identifier_of
from rig.can.vreg import SINGLE_PGN, VregDecoder
from rig.kernel import Kernel, Scheduled, seconds

BEGIN, START_MARK = 0x0013, b"VU"  # the frame that begins is none of the VREGs: ours
CLAIM_BYTE = 0xEE
CLAIM_WITHIN_S, ANSWER_WITHIN_S = 5.0, 2.0  # chosen: a GX's patience
HOLD_UP_J = 2.0  # chosen: capacitors of some mF that a GX's converter empties from 24 V to 9 V
BOOT_US = seconds(20)  # chosen: a GX device is back after some 20 s
GX_ADDRESS = 0x20


class FollowsTheDut(Protocol):
    """The GX device on the bus, as far as an update needs it."""

    @property
    def device_address(self) -> int:
        """Where the DUT is."""
        ...

    @property
    def device_name(self) -> bytes:
        """The NAME that it claimed its address with."""
        ...

    def disconnect(self) -> None:
        """It is off the bus: without power."""
        ...

    def connect(self) -> None:
        """It is on the bus again."""
        ...


class GxSupply:
    """What feeds the GX: its own supply, or the DUT's IO connector with a load beside it."""

    def __init__(self, kernel: Kernel, gx: FollowsTheDut) -> None:
        self._kernel, self._gx = kernel, gx
        self._load_w: float | None = None
        self._fails: Scheduled | None = None
        self.on = True

    def from_the_dut(self, load_w: float) -> None:
        """The IO connector of the DUT feeds it, and takes so much with all that hangs on it."""
        self._load_w = load_w

    def switched(self, on: bool) -> None:
        """The DUT switches its IO supply."""
        if self._load_w is None:
            return
        if self._fails is not None:
            self._fails.cancel()
            self._fails = None
        if not on and self.on:
            self._fails = self._kernel.after(seconds(HOLD_UP_J / self._load_w), self._fail)
        elif on and not self.on:
            self._kernel.after(BOOT_US, self._boot)

    def _fail(self) -> None:
        self._fails, self.on = None, False
        self._gx.disconnect()

    def _boot(self) -> None:
        self.on = True
        self._gx.connect()


class GxUpdate:
    """The GX's side of an update; it ends where the GX loses its supply."""

    def __init__(self, bus: CanBus, gx: FollowsTheDut, supply: GxSupply) -> None:
        self._bus, self._gx, self._supply = bus, gx, supply
        self._node: CanNode | None = None
        self._decoder = VregDecoder()
        self._claims: list[tuple[int, bytes]] = []
        self._codes: list[tuple[int, int]] = []
        self._address, self._sequence = 0, 0
        self._told: asyncio.Future[None] | None = None

    def _receive(self, _time_us: int, frame: Frame) -> None:
        if not frame.extended or not self._supply.on:
            return
        if frame.identifier >> 16 & 0xFF == CLAIM_BYTE:
            self._claims.append((frame.identifier & 0xFF, frame.data))
        message = self._decoder.decode(frame)
        if message is not None and message.kind == "ack" and message.code is not None:
            self._codes.append((message.register, message.code))
        if self._told is not None and not self._told.done():
            self._told.set_result(None)

    def _send(self, frame: Frame) -> None:
        if self._node is None:
            self._node = self._bus.attach("GX update", self._receive)
        if self._supply.on:
            self._node.send(frame)

    async def _wait_for(self, found: Callable[[], int | None], within_s: float) -> int | None:
        """What is found once something comes; None if it does not come in time."""
        try:
            async with asyncio.timeout(within_s):
                while (value := found()) is None:
                    self._told = asyncio.get_running_loop().create_future()
                    await self._told
                return value
        except TimeoutError:
            return None

    async def begin_update(self) -> int | None:
        """Begin, and wait for the boot loader of that device; the acknowledge code, or None."""
        self._address, name = self._gx.device_address, self._gx.device_name
        unique = int.from_bytes(name[:3], "little") & 0x1FFFFF
        header = Header(priority=7, pgn=SINGLE_PGN, source=GX_ADDRESS, destination=self._address)
        self._codes.clear()
        self._claims.clear()
        self._send(Frame(identifier_of(header), START_MARK + unique.to_bytes(6, "little")))
        code = await self._wait_for(lambda: self._code_of(BEGIN), ANSWER_WITHIN_S)
        if code != 0:
            return code

        def introduced() -> int | None:
            return next((source for source, claimed in self._claims if claimed == name), None)

        address = await self._wait_for(introduced, CLAIM_WITHIN_S)
        if address is None:
            return None
        self._address = address
        return 0

    def _code_of(self, register: int) -> int | None:
        return next((code for of, code in self._codes if of == register), None)

    async def write_update(self, register: int, data: bytes, within_s: float) -> int | None:
        """Write, and wait for the acknowledge code; None if nothing comes."""
        self._codes.clear()
        if len(data) <= 4:
            self._send(vreg_write(GX_ADDRESS, self._address, register, data))
        else:
            self._sequence = (self._sequence + 1) % 8
            address, sequence = self._address, self._sequence
            for frame in vreg_write_long(GX_ADDRESS, address, register, data, sequence):
                self._send(frame)
        return await self._wait_for(lambda: self._code_of(register), within_s)

    async def erased(self, within_s: float) -> int | None:
        """The acknowledge that follows "erasing"."""
        self._codes.clear()
        return await self._wait_for(lambda: self._codes[0][1] if self._codes else None, within_s)
