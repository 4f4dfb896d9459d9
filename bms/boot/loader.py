"""The primary boot loader, while it runs in place of the application.

It drives nothing but VE.Can: the contactor is open, the lamps are dark. Two ways lead in: the
diagnostic tool (ISO-TP, services 34, 36, 37, 11) and Victron's update (VUP: registers 0x0010 to
0x0012, blocks as fast packets). Either gives it images; a restart installs what is complete.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from struct import unpack

from bms.address import Address
from bms.boot.image import FAMILY, FAMILY_MASK, ImageRefused, Refusal
from bms.boot.transfer import Knows, Transfer, install
from bms.data import Hardware, boards
from bms.firmware import Component, Firmware, Room, Slot, TableSlot, milliseconds, seconds
from bms.io import BitTiming, CanFrame, ControllerState, Frame, Inputs, Outputs, Port, Transmission
from bms.reassembly import FastPackets
from bms.rooms.update import ENTRY
from bms.wire import diagnostic, isotp, nmea2000, vreg

AWAKE_A, ASLEEP_A = 0.060, 0.0070  # chosen: the processor alone; as the application in standby
ERASE_US, INSTALL_US = milliseconds(300), milliseconds(50)  # chosen
NOT_BEGUN_US = seconds(15)  # chosen: nothing came after it was entered: back to the application
OFF_BUS_US = milliseconds(200)  # chosen: as the application's patience with bus-off
FOREVER_US = 1 << 62
MANUFACTURERS = {0: 358, 1: 1160}  # public: Victron, MG; by the setting `identity`
LONG_PGN = 126720  # public: VREGs that are longer than a frame
LONG_LENGTH_MIN = 5  # header, register, and something to write
BIT_TIMING = {Port.VE_CAN: BitTiming(bit_rate=250_000)}


class Phase(StrEnum):
    """What it is doing."""

    INSTALLING = "installing"
    WAITING = "entered, nothing begun"
    ERASING = "erasing"
    LOADING = "an image was begun"
    ASLEEP = "asleep"


class BootLoader(Room):
    """One stay in the boot loader: from its start to the restart that it asks for."""

    component = Component.BOOT_LOADER
    version = Slot("1.05")
    patience_us = Slot(seconds(1))  # between two frames of a message
    manufacturers = TableSlot[int, int](MANUFACTURERS)
    sleeps_after_us = Slot[int | None](seconds(60))
    products = TableSlot[int, int](boards())

    def __init__(
        self,
        firmware: Firmware,
        registers: Mapping[str, bytes],
        hardware: Hardware,
        serial: str,
        knows: Knows,
    ) -> None:
        super().__init__(firmware)
        self._registers, self._board = registers, hardware.board
        self._transfer = Transfer(knows)
        identity = registers.get("setting.identity", b"\0")[0]
        manufacturer = self.manufacturers.get(identity, MANUFACTURERS[0])
        unique = nmea2000.unique_number(serial)
        self._unique = unique.to_bytes(6, "little")
        name = nmea2000.Name(unique=unique, manufacturer=manufacturer).pack()
        self._address = Address(name)
        entered = registers.get(ENTRY, b"")
        if entered:
            self._address.value = entered[0]
        self._phase = Phase.WAITING if entered else Phase.INSTALLING
        self._since_us: int | None = None
        self._heard_us = 0
        self._tool = isotp.Endpoint(isotp.Limits(timeout_us=self.patience_us))
        self._packets, self._packet_us = FastPackets(), 0
        self._pending: Callable[[], list[Frame]] | None = None  # the answer once it has erased
        self._off_bus_us: int | None = None
        self._installed_us = 0
        self.next_step_us = self.look_us = 0

    def step(self, now_us: int, inputs: Inputs) -> Outputs:
        """What it sends and stores; `Outputs.restart` when it is done."""
        if self._since_us is None:
            self._since_us = self._heard_us = now_us
        if self._phase is Phase.INSTALLING:
            return self._install(now_us)
        if inputs.start_stop_pressed and self._phase is Phase.ASLEEP:
            return Outputs(restart=True)
        sent: list[Frame] = []
        writes: dict[str, bytes] = {}
        if self._registers.get(ENTRY):
            writes[ENTRY] = b""  # the next start is the application's again
        restart = False
        for time_us, port, frame in inputs.received:
            if port is Port.VE_CAN and frame.extended:
                restart |= self._hear(time_us, frame, sent, writes)
        restart |= self._pass(now_us, sent)
        sent += self._tool_frames(now_us)
        self.next_step_us = self.look_us = self._due_us(now_us)
        return Outputs(
            supply_current_a=ASLEEP_A if self._phase is Phase.ASLEEP else AWAKE_A,
            bit_timing=BIT_TIMING,
            sent=tuple(Transmission(Port.VE_CAN, frame) for frame in sent),
            recover=(Port.VE_CAN,) if self._recovers(now_us, inputs) else (),
            writes=writes,
            restart=restart,
        )

    def _install(self, now_us: int) -> Outputs:
        """One step of it, each with its time; then the application, if there is one."""
        self.next_step_us = self.look_us = self._installed_us + INSTALL_US
        if self._installed_us and now_us < self.next_step_us:
            return Outputs(supply_current_a=AWAKE_A)
        self._installed_us = now_us
        self.next_step_us = self.look_us = now_us + INSTALL_US
        try:
            writes = install(self._registers)
        except ImageRefused:  # it was damaged after it was stored: it is of no use
            writes = {"flash.staged": b""}
        if writes is None:
            # Nothing to install and nothing to start: it waits for an update, as if begun.
            self._phase, self._heard_us = Phase.LOADING, now_us
            writes = {}
        done = writes == {"flash.staged": b""}
        return Outputs(supply_current_a=AWAKE_A, writes=writes, restart=done)

    def _due_us(self, now_us: int) -> int:
        due_us = min(max(now_us, self._tool.due_us), FOREVER_US)
        if self._phase is Phase.ERASING:
            due_us = min(due_us, self._heard_us + ERASE_US)
        if self._phase is Phase.WAITING:
            due_us = min(due_us, self._heard_us + NOT_BEGUN_US)
        if self._phase is Phase.LOADING and self.sleeps_after_us is not None:
            due_us = min(due_us, self._heard_us + self.sleeps_after_us)
        if not self._address.settled or self._off_bus_us is not None:
            due_us = min(due_us, now_us + milliseconds(50))
        return due_us

    def _pass(self, now_us: int, sent: list[Frame]) -> bool:
        """What time brings; whether it restarts."""
        if self._phase is not Phase.ASLEEP:
            sent += self._address.due_claim(now_us)
            self._address.settle(now_us)
        quiet_us = now_us - self._heard_us
        if self._phase is Phase.ERASING and quiet_us >= ERASE_US:
            self._phase, self._heard_us = Phase.LOADING, now_us
            sent += self._pending() if self._pending is not None else []
            self._pending = None
        sleeps_after_us = FOREVER_US if self.sleeps_after_us is None else self.sleeps_after_us
        if self._phase is Phase.LOADING and quiet_us >= sleeps_after_us:
            self._transfer.break_off()
            self._phase = Phase.ASLEEP
        return self._phase is Phase.WAITING and quiet_us >= NOT_BEGUN_US

    def _recovers(self, now_us: int, inputs: Inputs) -> bool:
        if inputs.controllers.get(Port.VE_CAN) is not ControllerState.BUS_OFF:
            self._off_bus_us = None
            return False
        if self._off_bus_us is None:
            self._off_bus_us = now_us
        if now_us - self._off_bus_us < OFF_BUS_US:
            return False
        self._off_bus_us = now_us
        self._address.lose()
        return True

    # What comes in

    def _hear(
        self, time_us: int, frame: CanFrame, sent: list[Frame], writes: dict[str, bytes]
    ) -> bool:
        source = nmea2000.source_of(frame)
        if nmea2000.pgn_of(frame) == nmea2000.ADDRESS_CLAIM:
            answer = self._address.hear(source, frame.data)
            sent += [] if answer is None else [answer]
            return False
        if nmea2000.pgn_of(frame) == nmea2000.ISO_REQUEST:
            if int.from_bytes(frame.data[:3], "little") == nmea2000.ADDRESS_CLAIM:
                sent.append(self._address.claim())
            return False
        if nmea2000.destination_of(frame) != self._address.value:
            return False
        if isotp.is_between(frame, self._address.value, diagnostic.TOOL_ADDRESS):
            self._wake(time_us)
            request = self._tool.hear(time_us, frame.data)
            if request is None:
                return False
            answer_, restart = self._serve(request, writes)
            if answer_ is not None:
                self._tool.send(time_us, answer_)
            return restart
        return self._hear_vup(time_us, frame, sent, writes)

    def _wake(self, time_us: int) -> None:
        """Somebody speaks to it."""
        if self._phase is Phase.ASLEEP:
            self._phase = Phase.LOADING
        if self._phase is not Phase.ERASING:
            self._heard_us = time_us

    def _tool_frames(self, now_us: int) -> tuple[Frame, ...]:
        contents = self._tool.frames(now_us)
        return isotp.frames_to(diagnostic.TOOL_ADDRESS, self._address.value, contents)

    def _begin(self, head: bytes, products: Callable[[int], bool]) -> None:
        self._transfer.begin(head, products)
        self._phase = Phase.ERASING

    # The diagnostic tool

    def _serve(self, request: bytes, writes: dict[str, bytes]) -> tuple[bytes | None, bool]:
        """The answer to a request of the tool, and whether it restarts then."""
        service, data = request[0], request[1:]
        try:
            match service:
                case diagnostic.SESSION if data == b"\x02":
                    return diagnostic.answer(service, data), False
                case diagnostic.DOWNLOAD:
                    self._begin(data, of_the_family)
                    ready = diagnostic.answer(service, b"")
                    self._pending = lambda: self._send_to_tool(ready)
                    return diagnostic.refusal(service, diagnostic.PENDING), False
                case diagnostic.TRANSFER if len(data) > 1:
                    self._transfer.block(data[0], data[1:])
                    return diagnostic.answer(service, data[:1]), False
                case diagnostic.TRANSFER_EXIT:
                    writes.update(self._stage())
                    return diagnostic.answer(service, b""), True
                case diagnostic.RESET:
                    return diagnostic.answer(service, data), True
                case diagnostic.READ if data == diagnostic.BOOT_LOADER.to_bytes(2, "big"):
                    return diagnostic.answer(service, data + self.version.encode()), False
                case _:
                    return diagnostic.refusal(service, diagnostic.NOT_SUPPORTED), False
        except ImageRefused as refused:
            return diagnostic.refusal(service, NEGATIVE[refused.code]), False

    def _send_to_tool(self, answer: bytes) -> list[Frame]:
        self._tool.send(self._heard_us, answer)
        return []

    def _stage(self) -> dict[str, bytes]:
        """A complete image is stored; a restart installs it."""
        return self._transfer.end()

    # Victron's update

    def _hear_vup(
        self, time_us: int, frame: CanFrame, sent: list[Frame], writes: dict[str, bytes]
    ) -> bool:
        asker = nmea2000.source_of(frame)
        if vreg.is_update_start(frame, self._address.value):
            if frame.data[2:] == self._unique:
                self._wake(time_us)
                self._transfer.break_off()
                self._address.lose()  # it introduces itself to who begins anew
                address, begin = self._address.value, vreg.UPDATE_BEGIN
                sent.append(vreg.acknowledge(address, asker, begin, vreg.ACK_OK))
            return False
        message = vreg.read(frame)
        if message is not None:
            self._wake(time_us)
            if len(message.data) < vreg.DATA_LENGTH:
                # What is cut short says nothing of what it means.
                if message.register not in {vreg.REQUEST, vreg.ACKNOWLEDGE}:
                    sent.append(self._refusal(message.register, asker))
                return False
            if message.register == vreg.REQUEST:
                register = vreg.requested_register(message)
                code = vreg.ACK_UNKNOWN_REQUEST
                sent.append(vreg.acknowledge(self._address.value, asker, register, code))
                return False
            return self._vup(message.register, message.data, asker, sent, writes)
        if nmea2000.pgn_of(frame) != LONG_PGN or not frame.data:
            return False
        self._wake(time_us)
        late = frame.data[0] & 0x1F and time_us - self._packet_us > self.patience_us
        self._packet_us = time_us
        if late:
            self._packets = FastPackets()
            self._transfer.break_off()
            code = int(Refusal.TIMEOUT)
            sent.append(vreg.acknowledge(self._address.value, asker, vreg.UPDATE_DATA, code))
            return False
        payload = self._packets.push(frame)
        if payload is None or payload[:2] != vreg.HEADER or len(payload) < LONG_LENGTH_MIN:
            return False
        (register,) = unpack("<H", payload[2:4])
        return self._vup(register, payload[4:], asker, sent, writes)

    def _refusal(self, register: int, asker: int) -> Frame:
        return vreg.acknowledge(self._address.value, asker, register, vreg.ACK_INVALID)

    def _vup(
        self,
        register: int,
        data: bytes,
        asker: int,
        sent: list[Frame],
        writes: dict[str, bytes],
    ) -> bool:
        """A write of an updating register; whether it restarts."""

        def acknowledge(code: int) -> Frame:
            return vreg.acknowledge(self._address.value, asker, register, code)

        restart = False
        code = vreg.ACK_OK
        try:
            match register:
                case vreg.UPDATE_ENABLE:
                    self._begin(data, self._is_for_us)
                    self._pending = lambda: [acknowledge(vreg.ACK_OK)]
                    code = Refusal.ERASING
                case vreg.UPDATE_DATA:
                    self._transfer.block(data[0], data[1:])
                case vreg.UPDATE_END:
                    writes.update(self._stage())
                    restart = True
                case _:
                    code = vreg.ACK_UNKNOWN_COMMAND
        except ImageRefused as refused:
            code = refused.code
        sent.append(acknowledge(code))
        return restart

    def _is_for_us(self, product_id: int) -> bool:
        """VUP compares without a mask: the generic id, on boards that it knows (VISS-298)."""
        return product_id == FAMILY and self._board in self.products


NEGATIVE: Mapping[Refusal, int] = {
    Refusal.SEQUENCE: 0x73,
    Refusal.CONTENT: 0x72,
    Refusal.LENGTH: 0x71,
    Refusal.WRONG_PRODUCT: 0x31,
    Refusal.WRONG_PROCESSOR: 0x31,
}


def of_the_family(product_id: int) -> bool:
    """The tool's images are for the whole family."""
    return product_id & FAMILY_MASK == FAMILY
