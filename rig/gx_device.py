"""A GX device on VE.Can, as scenarios have it in their hands."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from rig.can.encode import DeviceName, address_claim, vreg_request, vreg_write
from rig.can.face import CanBus
from rig.can.frame import Frame
from rig.can.vreg import VICTRON, VregDecoder, VregMessage
from rig.can.vreg_table import load_vreg_table
from rig.gx_update import GxSupply
from rig.kernel import Kernel, seconds
from rig.signal import Signal

GX_ADDRESS = 0x20
GX_NAME = DeviceName(unique=1, manufacturer=358, function=130, device_class=25)
BATTERY_FUNCTION, FUNCTION_BYTE = 170, 5
ADDRESS_CLAIM_PGN = 0xEE
UNIQUE_NUMBER = 0x1FFFFF
FIRST_ADDRESS = 0x50  # public: communication guide, until a battery claims another
ANSWER_TIMEOUT_S = 1.0
REBOOT_NOISE_US = seconds(3)  # chosen: two periods of the DUT's fastest traffic lie within it
REBOOT_TIME_US = seconds(20)  # chosen: a GX device is back after some 20 s
Make = Callable[..., Signal[Any]]


class GxDevice:
    """A GX device on VE.Can: it asks, writes, listens, and can reboot."""

    def __init__(self, kernel: Kernel, bus: CanBus, make: Make) -> None:
        self._kernel, self._bus, self._make = kernel, bus, make
        self._node = bus.attach("GX", self._receive)
        self._decoder = VregDecoder()
        self._signals: dict[tuple[int, str], Signal[Any]] = {}
        self._answers: list[tuple[int, asyncio.Future[VregMessage]]] = []
        self._names: dict[bytes, int] = {}
        self._devices: dict[int, int] = {}  # batteries: unique number of the NAME -> address
        self._claimed: dict[int, bytes] = {}  # and the NAME
        self.supply = GxSupply(kernel, self)
        self.heard = make("frames of the DUT on VE.Can", "")
        self.heard.put(0)
        self._node.send(address_claim(GX_ADDRESS, GX_NAME))

    def _receive(self, time_us: int, frame: Frame) -> None:
        if not frame.extended:
            return
        source = frame.identifier & 0xFF
        if frame.identifier >> 16 & 0xFF == ADDRESS_CLAIM_PGN:
            self._note_claim(source, frame.data)
        if source == self.device_address:
            self.heard.put(self.heard.latest.value + 1 if self.heard.latest else 1, time_us)
        message = self._decoder.decode(frame)
        if message is None or message.source != self.device_address or message.kind == "request":
            return
        if message.manufacturer != VICTRON:
            return
        self._settle_answers(message)
        if message.kind == "data":
            for name, value in message.values.items():
                self._signal(message.register, name).put(value, time_us)

    def _note_claim(self, source: int, name: bytes) -> None:
        """Batteries are told apart by the unique numbers of their NAMEs, and followed."""
        if name[FUNCTION_BYTE] == BATTERY_FUNCTION:
            unique = int.from_bytes(name[:3], "little") & UNIQUE_NUMBER
            self._devices[unique], self._claimed[unique] = source, name

    def address_of(self, index: int) -> int:
        """Where a battery is now, in the order in which they first claimed an address."""
        addresses = list(self._devices.values())
        return addresses[index] if index < len(addresses) else FIRST_ADDRESS

    @property
    def device_address(self) -> int:
        """Where the DUT is: the first battery that claims an address."""
        return self.address_of(0)

    @property
    def device_name(self) -> bytes:
        """The NAME that the DUT claimed its address with; zeros if it has claimed none."""
        return next(iter(self._claimed.values()), bytes(8))

    def is_supplied_by_the_dut(self, load_w: float) -> None:
        """The DUT's IO connector feeds it from now on, with all that takes so much power."""
        self.supply.from_the_dut(load_w)

    def disconnect(self) -> None:
        """It is off the bus: without power."""
        self._node.detach()

    def connect(self) -> None:
        """It is on the bus again."""
        self._node.reattach()
        self._node.recover()
        self._node.send(address_claim(GX_ADDRESS, GX_NAME))

    def _settle_answers(self, message: VregMessage) -> None:
        for entry in tuple(self._answers):
            register, future = entry
            if register == message.register and not future.done():
                future.set_result(message)
                self._answers.remove(entry)

    def _signal(self, register: int, field: str) -> Signal[Any]:
        key = register, field
        if key not in self._signals:
            unit = next(
                (f.unit for f in load_vreg_table().registers[register].fields if f.name == field),
                "",
            )
            self._signals[key] = self._make(f"vreg.{field}", unit)
        return self._signals[key]

    def register(self, field: str) -> Signal[Any]:
        """A field of a register, such as "soc_pct", as the DUT broadcasts it."""
        return self._signal(load_vreg_table().named(field).number, field)

    async def request(self, register: int) -> VregMessage | None:
        """Ask for a register: the value, the refusal, or None if nothing comes."""
        return await self._exchange(
            register, vreg_request(GX_ADDRESS, self.device_address, register)
        )

    async def write(self, register: int, data: bytes) -> VregMessage | None:
        """Write a register: the new value, the acknowledge, or None if nothing comes."""
        return await self._exchange(
            register, vreg_write(GX_ADDRESS, self.device_address, register, data)
        )

    async def _exchange(self, register: int, frame: Frame) -> VregMessage | None:
        future: asyncio.Future[VregMessage] = asyncio.get_running_loop().create_future()
        entry = register, future
        self._answers.append(entry)
        self._node.send(frame)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await future
        except TimeoutError:
            self._answers.remove(entry)
            return None

    @property
    def registers(self) -> Sequence[int]:
        """All registers that the bench knows, by number."""
        return tuple(load_vreg_table().registers)

    def ask(self, register: int) -> None:
        """Send a request without waiting for its answer."""
        self._node.send(vreg_request(GX_ADDRESS, self.device_address, register))

    async def reboot(self) -> None:
        """Restart as a GX device does: error frames on the bus, silence, then back."""
        self._bus.disturb(REBOOT_NOISE_US)
        await asyncio.sleep(REBOOT_NOISE_US / 1e6)
        self._node.detach()
        # Its controller starts anew: a bus-off out of the noise would refuse the address claim.
        self._node.sleep()
        self._node.wake()
        await asyncio.sleep((REBOOT_TIME_US - REBOOT_NOISE_US) / 1e6)
        self.connect()
