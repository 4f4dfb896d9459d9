"""Updates frame by frame: what is refused changes nothing, no power cut leaves a dead device."""

import random
import struct
from collections.abc import Callable, Iterator
from zlib import crc32

import pytest

from bms.boot.image import make
from bms.boot.loader import BootLoader
from bms.data import hardware
from bms.device import Device, shipped
from bms.firmware import Component, Firmware, seconds
from bms.io import Frame, Inputs, Port, Reception
from bms.releases import firmware
from bms.wire import isotp, nmea2000, vreg
from bms.wire.diagnostic import TOOL_ADDRESS

SERIAL, GX, MASTER = "HQ1845ABCDE", 0x20, 0x50
OLD, NEW = "1.37", "1.38"


def binary(name: str, component: Component) -> Firmware:
    return firmware(name, component)


class Powered:
    """A device that steps when it wants to, and whose supply can be cut after any frame."""

    def __init__(self, release: str = OLD, model: str = "Lynx Ion BMS 400") -> None:
        self.memory = dict(shipped(release))
        self.model = hardware()[model]
        self.now_us = 0
        self.frames_left: int | None = None  # until the supply is cut
        self.start()

    def start(self) -> None:
        self.device = Device(binary, self.memory, self.model, SERIAL)

    def step(self, *frames: Frame) -> list[Frame]:
        received = tuple(Reception(self.now_us, Port.VE_CAN, frame) for frame in frames)
        out = self.device.step(self.now_us, Inputs(received=received))
        self.memory.update(out.writes)
        sent = [frame for port, frame in out.sent if port is Port.VE_CAN]
        if self.frames_left is not None:
            self.frames_left -= len(frames) + len(sent) + bool(out.writes) + out.restart
            if self.frames_left <= 0:
                raise PowerCutError
        return sent

    def run(self, time_s: float) -> list[Frame]:
        sent, until_us = [], self.now_us + seconds(time_s)
        while self.now_us < until_us:
            self.now_us = min(until_us, max(self.now_us + 1000, self.device.next_step_us))
            sent += self.step()
        return sent

    @property
    def release(self) -> str | None:
        application = self.device.application
        return None if application is None else str(application.firmware.version)


class PowerCutError(Exception):
    """The supply is gone."""


class Tool:
    """The diagnostic tool, over its transport."""

    def __init__(self, powered: Powered) -> None:
        self.powered, self.link = powered, isotp.Endpoint()

    def ask(self, request: bytes) -> bytes:
        powered = self.powered
        self.link.send(powered.now_us, request)
        for _ in range(3000):
            frames = isotp.frames_to(MASTER, TOOL_ADDRESS, self.link.frames(powered.now_us))
            for sent in powered.step(*frames):
                if isotp.is_between(sent, TOOL_ADDRESS, MASTER):
                    answer = self.link.hear(powered.now_us, sent.data)
                    if answer is not None and answer[2:] != b"\x78":
                        return answer
            powered.now_us += 1000
        return b""

    def update(self, head: bytes, content: bytes) -> bytes:
        """The last answer: that of the verification, or a refusal before."""
        for request in (b"\x10\x02", b"", b"\x34" + head):
            answer = self.ask(request) if request else b""
            if not request:
                self.powered.run(1.0)
            elif answer[:1] == b"\x7f":
                return answer
        for number, start in enumerate(range(0, len(content), 32), 1):
            answer = self.ask(bytes((0x36, number)) + content[start : start + 32])
            if answer[:1] == b"\x7f":
                return answer
        answer = self.ask(b"\x37")
        self.powered.run(1.0)
        return answer


class Gx:
    """A GX device, by Victron's update."""

    def __init__(self, powered: Powered) -> None:
        self.powered, self.sequence = powered, 0

    def write(self, register: int, data: bytes) -> int | None:
        """The last acknowledge code for that register within a second."""
        payload = vreg.HEADER + struct.pack("<H", register) + data
        if len(data) <= 4:
            frames = [Frame(0x1CEF0000 | MASTER << 8 | GX, payload.ljust(8, b"\xff"))]
        else:
            self.sequence += 1
            number = 0x1DEF0000 | MASTER << 8 | GX
            frames = list(nmea2000.fast_packet(number, payload, self.sequence))
        sent = [answer for frame in frames for answer in self.powered.step(frame)]
        return self._code(sent + self.powered.run(1.0), register)

    @staticmethod
    def _code(sent: list[Frame], register: int) -> int | None:
        code = None
        for frame in sent:
            message = vreg.read(frame)
            if message is not None and message.register == vreg.ACKNOWLEDGE:
                of, told = struct.unpack("<HH", message.data)
                code = told if of == register else code
        return code

    def begin(self) -> int | None:
        unique = nmea2000.unique_number(SERIAL).to_bytes(6, "little")
        frame = Frame(0x1CEF0000 | MASTER << 8 | GX, b"VU" + unique)
        code = self._code(self.powered.step(frame), vreg.UPDATE_BEGIN)
        self.powered.run(1.0)
        return code

    def update(self, head: bytes, content: bytes) -> int | None:
        """The last acknowledge code."""
        code = self.begin()
        code = self.write(vreg.UPDATE_ENABLE, head) if code == 0 else code
        for number, start in enumerate(range(0, len(content), 32), 1):
            if code != 0:
                return code
            block = bytes((number,)) + content[start : start + 32]
            code = self.write(vreg.UPDATE_DATA, block)
        return self.write(vreg.UPDATE_END, b"") if code == 0 else code


def image(release: str = NEW) -> tuple[bytes, bytes]:
    head, content = make(release, (1, 38), Component.MASTER)
    return head.pack(), content


def begun(path: Callable[[Powered], Tool | Gx], release: str = OLD) -> tuple[Powered, Tool | Gx]:
    powered = Powered(release)
    powered.run(1.0)
    return powered, path(powered)


PATHS = [pytest.param(Tool, b"\x77", id="tool"), pytest.param(Gx, 0, id="VUP")]


@pytest.mark.parametrize(("path", "good"), PATHS)
def test_an_update_starts_the_new_release_with_the_memory_as_it_was(path, good) -> None:
    powered, updater = begun(path)
    powered.memory["setting.relay_function"] = b"\x01"

    assert updater.update(*image()) == good
    powered.run(2.0)

    assert powered.release == NEW
    assert powered.memory["setting.relay_function"] == b"\x01"


def _bad_images() -> Iterator[object]:
    head, content = image()
    other = head[:4] + struct.pack("<H", 0xA3E5) + head[6:]
    processor = head[:7] + b"\x02" + head[8:]
    huge = head[:10] + struct.pack("<H", 5000) + head[12:]
    flipped = bytes([content[0] ^ 1]) + content[1:]
    unknown = b"9.99".ljust(len(content), b"\0")
    unknown_head = head[:12] + struct.pack("<I", crc32(unknown))
    yield pytest.param(other, content, b"\x7f\x34\x31", 0xC600, id="another product")
    yield pytest.param(processor, content, b"\x7f\x34\x31", 0xC700, id="another processor")
    yield pytest.param(huge, content, b"\x7f\x34\x71", 0xC500, id="too long")
    yield pytest.param(b"ELF\0" + head[4:], content, b"\x7f\x34\x72", 0xC400, id="no image")
    yield pytest.param(head, content[:40], b"\x7f\x37\x71", 0xC500, id="truncated")
    yield pytest.param(head, content + b"more", b"\x7f\x36\x71", 0xC500, id="more than it says")
    yield pytest.param(head, flipped, b"\x7f\x37\x72", 0xC400, id="corrupted")
    yield pytest.param(unknown_head, unknown, b"\x7f\x37\x72", 0xC400, id="not for this device")


@pytest.mark.parametrize(("head", "content", "negative", "code"), list(_bad_images()))
@pytest.mark.parametrize("path", [Tool, Gx], ids=["tool", "VUP"])
def test_a_bad_image_is_refused_and_changes_nothing(path, head, content, negative, code) -> None:
    powered, updater = begun(path)
    before = dict(powered.memory)

    assert updater.update(head, content) == (negative if path is Tool else code)
    powered.start()
    powered.run(1.0)

    assert powered.release == OLD
    flash = {name: raw for name, raw in powered.memory.items() if name.startswith("flash.")}
    assert flash == {name: before[name] for name in flash if name in before}


@pytest.mark.parametrize("path", [Tool, Gx], ids=["tool", "VUP"])
@pytest.mark.parametrize("component", list(Component)[:1] + list(Component)[2:], ids=str)
def test_power_cut_at_any_step_leaves_a_device_that_can_be_updated(path, component) -> None:
    head, content = make(NEW, (1, 38), component)
    cuts = 0
    while True:
        powered, updater = begun(path)
        powered.frames_left = 1 + cuts
        try:
            updater.update(head.pack(), content)
            powered.run(1.0)
            break
        except PowerCutError:
            cuts += 1
        powered.frames_left = None
        powered.start()
        powered.run(20.0)  # it may have been in the boot loader, which gives up after 15 s
        assert powered.release in {OLD, NEW}, f"cut after {cuts} frames"
        path(powered).update(*image())
        powered.run(1.0)
        assert powered.release == NEW, f"cut after {cuts} frames"
    assert cuts > 30


def test_blocks_out_of_turn_are_refused_and_the_last_one_again_is_not_taken_twice() -> None:
    powered, tool = begun(Tool)
    head, content = image()
    tool.ask(b"\x10\x02")
    powered.run(1.0)

    assert tool.ask(b"\x36\x01" + content[:32]) == b"\x7f\x36\x73"  # nothing was begun
    tool.ask(b"\x34" + head)
    assert tool.ask(b"\x36\x01" + content[:32]) == b"\x76\x01"
    assert tool.ask(b"\x36\x01" + content[:32]) == b"\x76\x01"
    assert tool.ask(b"\x36\x03" + content[32:]) == b"\x7f\x36\x73"
    assert tool.ask(b"\x36\x02" + content[32:]) == b"\x76\x02"
    assert tool.ask(b"\x37") == b"\x77"


def test_boot_loader_that_nobody_speaks_to_starts_the_application_again() -> None:
    powered, tool = begun(Tool)
    tool.ask(b"\x10\x02")
    powered.run(5.0)
    waited = powered.release
    powered.run(15.0)

    assert (waited, powered.release) == (None, OLD)


def test_button_wakes_a_boot_loader_that_sleeps_and_starts_the_application() -> None:
    powered, tool = begun(Tool, NEW)
    tool.ask(b"\x10\x02")
    powered.run(1.0)
    tool.ask(b"\x34" + image()[0])
    powered.run(70.0)
    asleep = powered.device.step(powered.now_us, Inputs()).supply_current_a
    powered.device.step(powered.now_us, Inputs(start_stop_pressed=True))
    powered.run(1.0)

    assert asleep < 0.01
    assert powered.release == NEW


def test_device_without_an_application_waits_for_one() -> None:
    powered = Powered()
    powered.memory["flash.application"] = b""
    powered.start()
    powered.run(2.0)

    assert powered.release is None
    assert Tool(powered).update(*image()) == b"\x77"
    powered.run(1.0)
    assert powered.release == NEW


def test_device_without_a_boot_loader_is_dead() -> None:
    powered = Powered()
    powered.memory["flash.boot_loader"] = b""
    powered.start()

    assert powered.step() == []
    assert powered.device.next_step_us > seconds(1e6)


def test_damaged_staged_image_is_dropped() -> None:
    powered = Powered()
    powered.memory["flash.staged"] = b"\xff" * 40
    powered.start()
    powered.run(2.0)

    assert (powered.release, powered.memory["flash.staged"]) == (OLD, b"")


def test_update_meant_for_another_device_does_not_begin() -> None:
    powered = Powered()
    powered.run(1.0)
    powered.step(Frame(0x1CEF0000 | MASTER << 8 | GX, b"VU\x01\x02\x03\0\0\0"))
    powered.run(2.0)

    assert powered.release == OLD


def test_tool_reads_the_version_of_the_boot_loader_that_is_installed() -> None:
    _, tool = begun(Tool, NEW)

    version = BootLoader.version.resolve(firmware(NEW, Component.BOOT_LOADER))
    assert tool.ask(b"\x22\xf1\x80") == b"\x62\xf1\x80" + version.encode()


def test_no_frame_stops_a_boot_loader() -> None:
    dice = random.Random(1)
    powered, tool = begun(Tool, NEW)
    tool.ask(b"\x10\x02")
    identifiers = (0x1CEF5020, 0x1DEF5020, 0x18DA50F9, 0x18EA5020, 0x18EEFF51, 0x1CEFFF20)
    starts = (b"", b"\x66\x99", b"\x66\x99\x01\x00", b"\x66\x99\x12\x00", b"\x66\x99\x10\x00")
    for _ in range(5_000):
        data = dice.choice(starts) + dice.randbytes(8)
        powered.step(Frame(dice.choice(identifiers), data[: dice.randrange(9)]))
        powered.now_us += 1_000
    assert powered.release is None  # it was the boot loader all the while
    powered.run(120)

    assert Gx(powered).update(*image()) == vreg.ACK_OK
