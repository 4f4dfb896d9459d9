"""Random and mutated frames into one port of a master, at the speed of a full bus.

The master is stepped by hand: no kernel, no plant, no wire. Everything follows from the seed; a
`Broken` says what to call to see it again.
"""

import asyncio
import hashlib
import random
import struct
import zlib
from collections.abc import Sequence

from bms.codes import State
from bms.data import hardware
from bms.io import Frame, Inputs, Port, Reception
from bms.master import Master
from bms.releases import firmware
from bms.wire import private
from rig.faults.tests.stand import bench_of
from rig.tests.virtual import virtual

FRAME_US = {Port.PRIVATE: 536, Port.VE_CAN: 536, Port.EXTERNAL: 230}
BATCH, BATTERY_BATCH = 24, 8  # frames between two steps; batches between two battery reports
STATES = frozenset({*range(11), *range(12, 17)})  # public: register 0x0371, without 11
STATE_REGISTER = b"\x66\x99\x71\x03"
ANSWERS_PER_FRAME = 1.5  # a request has one answer; a write may have the new value besides
LONGEST_ANSWER = 60  # frames of what the tool or another device asks for, in one step
OWN_PER_SECOND = 500  # chosen: twice what a master with two batteries says of its own accord


class Broken(AssertionError):
    """The master did what it must not; the message tells how to see it again."""


def recorded_traffic() -> dict[Port, list[Frame]]:
    """What is said on each bus while a system starts, runs, is asked and set, and stops."""
    heard: dict[Port, list[Frame]] = {port: [] for port in Port}

    @virtual
    async def record() -> None:
        async with bench_of(parallel=2) as (bench, _parts):
            buses = {
                Port.PRIVATE: bench.private_can,
                Port.VE_CAN: bench.ve_can,
                Port.EXTERNAL: bench.external_can,
            }
            for port, bus in buses.items():
                bus.sniff(
                    lambda _t, f, port=port: heard[port].append(
                        Frame(f.identifier, f.data, f.extended)
                    )
                )
            await bench.tool.set("external_protocol", 1)
            await bench.running()
            for register in (0x0100, 0x0102, 0x0371, 0x0FFF, 0x0F0F, 0x0376):
                await bench.gx.request(register)
            await bench.gx.write(0x0376, b"\x01")
            await bench.gx.write(0x0FFF, b"\x10\x27")
            await bench.tool.events()
            await bench.tool.battery_temperatures_c(0)
            await bench.tool.explanation("relay_function")
            await asyncio.sleep(6)
            await bench.stopped()

    record()
    return {port: _one_of_each(frames) for port, frames in heard.items()}


def _one_of_each(frames: Sequence[Frame]) -> list[Frame]:
    """The first of every message: what is said again and again shall not crowd out the rest."""
    found: dict[tuple[int, bytes], Frame] = {}
    for frame in frames:
        found.setdefault((frame.identifier, frame.data[:6]), frame)
    return list(found.values())


def wild(dice: random.Random, recorded: Sequence[Frame], last: Frame) -> Frame:
    """A frame that nobody sent: random, or something recorded with a little wrong."""
    kind = dice.randrange(8)
    if kind == 0 or not recorded:
        extended = dice.random() < 0.8
        identifier = dice.getrandbits(29 if extended else 11)
        return Frame(identifier, dice.randbytes(dice.randrange(9)), extended)
    frame = recorded[dice.randrange(len(recorded))]
    identifier, data = frame.identifier, frame.data
    if kind == 1:
        return last  # once more
    if kind == 2:
        return Frame(identifier, data[: dice.randrange(len(data) + 1)], frame.extended)
    if kind == 3:
        return Frame(identifier ^ 1 << dice.randrange(11), data, frame.extended)
    if kind == 4:
        return Frame(identifier & 0x7FF, data, not frame.extended)
    if kind == 5:
        return Frame(identifier, dice.randbytes(8), frame.extended)
    if kind == 6:  # as if the sender were another one
        return Frame(identifier & ~0xFF | dice.getrandbits(8), data, frame.extended)
    bits = int.from_bytes(data, "little") ^ 1 << dice.randrange(max(1, 8 * len(data)))
    return Frame(identifier, bits.to_bytes(len(data) + 1, "little")[: len(data)], frame.extended)


class Fuzzed:
    """A master with two good batteries, and a link that follows its contactor."""

    def __init__(self, release: str, port: Port, seed: int, recorded: Sequence[Frame]) -> None:
        self._calm = seed % 2 == 1  # until it runs, so that it does
        self.where = f"Fuzzed({release!r}, Port.{port.name}, {seed}, traffic).run(frames)"
        self.release, self.port, self.recorded = release, port, recorded
        self.dice = random.Random(f"{release}/{port}/{seed}")
        self.now_us = self.frames = self.sent = 0
        self.registers: dict[str, bytes] = {}
        self.digest = hashlib.sha256()
        self.last = Frame(0, b"")
        self.pressed = False
        self.states: set[State] = set()
        self._boot()

    def _boot(self) -> None:
        model = hardware()["Lynx Ion BMS 400"]
        serial = "HQ1845ABCDE"
        self.master = Master(firmware(self.release), self.registers, model, serial)
        self.out = self.master.step(self.now_us, Inputs())

    def run(self, frames: int) -> None:
        """Let it have so many. Raises Broken, with the seed, if it does what it must not."""
        batch = 0
        while self.frames < frames:
            batch += 1
            if batch % 2_000 == 10:
                self.pressed = True  # start it, stop it, clear its error
            elif self.pressed and batch % 2_000 == 40:
                self.pressed = False
            try:
                self._step(with_batteries=batch % BATTERY_BATCH == 0)
            except Broken:
                raise
            except Exception as error:
                raise Broken(f"{self._at()}: {type(error).__name__}: {error}") from error

    def _at(self) -> str:
        return f"{self.where} at frame {self.frames}, state {self.master.view.start_stop.state}"

    def _step(self, *, with_batteries: bool) -> None:
        begin_us, frame_us = self.now_us, FRAME_US[self.port]
        received = []
        self._calm = self._calm and self.master.view.start_stop.state is not State.RUNNING
        for index in range(0 if self._calm else BATCH):
            self.last = wild(self.dice, self.recorded, self.last)
            received.append(Reception(begin_us + frame_us * (1 + index), self.port, self.last))
        self.frames += len(received)
        self.now_us += frame_us * BATCH
        if with_batteries:
            received += [Reception(self.now_us, Port.PRIVATE, frame) for frame in self._reports()]
        closed = self.out.contactor_coil
        inputs = Inputs(
            battery_voltage_v=26.4,
            system_voltage_v=26.4 if closed or self.out.precharge else 0.0,
            io_supply_v=26.4,
            aux_contact_closed=closed,
            start_stop_pressed=self.pressed,
            received=tuple(received),
        )
        self.out = self.master.step(self.now_us, inputs)
        self.registers.update(self.out.writes)
        self.states.add(self.master.view.start_stop.state)
        self._check(len(received))
        if self.out.restart:
            self._boot()

    def _reports(self) -> list[Frame]:
        if not self.master.view.registration.complete:
            return [private.announce(serial, 2, 8, 38) for serial in (17_200_001, 17_200_002)]
        frames = []
        for node in (0, 1):
            frames += [private.cells(node, group, (3.3,) * 4) for group in (0, 1)]
            frames.append(private.temperatures(node, 0, (25.0,) * 4))
            frames.append(private.status(node, (None, None), 0, None, self.frames & 0xFF))
        return frames

    def _check(self, received: int) -> None:
        state = int(self.master.view.start_stop.state)
        if state not in STATES:
            raise Broken(f"{self._at()}: a state that no table has")
        sent = self.out.sent
        self.sent += len(sent)
        self.digest.update(struct.pack("<BI", state, len(sent)))
        for _, frame in sent:
            self.digest.update(zlib.crc32(frame.data, frame.identifier).to_bytes(4, "little"))
            if frame.data[:4] == STATE_REGISTER and frame.data[4] not in STATES:
                raise Broken(f"{self._at()}: it tells the state {frame.data[4]}")
        if len(sent) > ANSWERS_PER_FRAME * received + LONGEST_ANSWER:
            raise Broken(f"{self._at()}: {len(sent)} frames in answer to {received}")
        most = ANSWERS_PER_FRAME * self.frames + OWN_PER_SECOND * (1 + self.now_us / 1e6)
        if self.sent > most:
            raise Broken(f"{self._at()}: {self.sent} frames sent, at most {most:.0f} allowed")
