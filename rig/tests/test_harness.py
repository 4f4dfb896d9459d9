"""The rig's end of a device's harness, with a device that is one socket."""

import asyncio
import json
import shutil
import socket  # noqa: TID251 - of a device on the wall clock
import tempfile
from pathlib import Path

import pytest

from rig.benches.system import build_plant
from rig.dut.bluetooth import READ, App, line
from rig.dut.harness import HarnessedDut
from rig.dut.terminals import Input, Output
from rig.errors import NotOnThisBench
from rig.needs import Needs
from rig.wall import WallLoop

RADIO_ON = b":C0148\n"  # command C, 1, and what makes the sum 0x55


class Device:
    """A device at the other end: it keeps what it was told."""

    def __init__(self, path: Path) -> None:
        self.wires = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.wires.connect(str(path))
        self.wires.setblocking(False)
        self.inputs: dict[str, object] = {}
        self.uart = b""

    def say(self, **told: object) -> None:
        self.wires.send(json.dumps(told).encode())

    async def listen(self) -> None:
        await asyncio.sleep(0.05)
        while True:
            try:
                told = json.loads(self.wires.recv(65_536))
            except BlockingIOError:
                return
            self.inputs.update(told.get("inputs", {}))
            self.uart += bytes.fromhex(told.get("uart", ""))


@pytest.fixture
def at_a_harness():
    """Run something with the rig's end and a device on the wall clock."""
    folder = Path(tempfile.mkdtemp(prefix="h"))  # a socket's name has to be short

    def run(work, *, bluetooth=True):
        async def main():
            loop = asyncio.get_running_loop()
            assert isinstance(loop, WallLoop)
            plant = build_plant(loop.kernel, Needs(), "dut")
            dut = HarnessedDut(loop, plant, folder / "harness", bluetooth=bluetooth)
            device = Device(folder / "harness")
            try:
                await asyncio.sleep(0.02)
                return await work(dut, device)
            finally:
                dut.close()
                device.wires.close()

        with asyncio.Runner(loop_factory=WallLoop) as runner:
            return runner.run(main())

    yield run
    shutil.rmtree(folder)


def test_a_driven_line_reaches_the_device(at_a_harness):
    async def work(dut, device):
        dut.drive(Input.INTERLOCK, False)
        await device.listen()
        return device.inputs["interlock_closed"]

    assert at_a_harness(work) is False


def test_a_lamp_of_the_device_is_seen_until_the_device_is_gone(at_a_harness):
    async def work(dut, device):
        device.say(outputs={"red_led": True})
        await asyncio.sleep(0.02)
        lit = dut.sense(Output.RED_LED)
        device.wires.close()
        await asyncio.sleep(0.02)
        return lit, dut.sense(Output.RED_LED)

    assert at_a_harness(work) == (True, False)


def test_an_app_asks_over_the_devices_serial_line_and_is_answered(at_a_harness):
    answer = line(READ, bytes.fromhex("ff0f00") + b"\x10\x27")

    async def work(dut, device):
        device.say(uart=RADIO_ON.hex())
        await asyncio.sleep(0.05)
        asking = asyncio.create_task(App(dut.bluetooth).read(0x0FFF))
        await device.listen()
        device.say(uart=answer.hex())
        return device.uart, await asking

    asked, told = at_a_harness(work)
    assert asked == line(READ, bytes.fromhex("ff0f00"))
    assert told is not None
    assert (told.kind, told.number) == ("data", 10_000)


def test_a_module_that_is_reset_with_its_device_has_no_radio_any_more(at_a_harness):
    async def work(dut, device):
        device.say(uart=RADIO_ON.hex())
        device.say(module_reset=True)
        await asyncio.sleep(0.05)
        return await App(dut.bluetooth).read(0x0FFF)

    assert at_a_harness(work) is None


def test_what_is_said_at_another_speed_than_the_modules_is_garbage_to_it(at_a_harness):
    async def work(dut, device):
        device.say(outputs={"bluetooth_baud": 115_200}, uart=RADIO_ON.hex())
        await asyncio.sleep(0.05)
        return await App(dut.bluetooth).read(0x0FFF)

    assert at_a_harness(work) is None


def test_an_older_device_has_no_module(at_a_harness):
    async def work(dut, _device):
        return dut.bluetooth

    assert at_a_harness(work, bluetooth=False) is None


@pytest.mark.parametrize(
    ("inside", "named"),
    [
        (lambda dut: dut.stall(), "a stalled loop: not at the terminals of a device"),
        (lambda dut: dut.disturb_can(True), "error frames on what it sends: not at the terminals"),
        (lambda dut: dut.damage("soc", "erased", None), "damaged memory: not at the terminals"),
    ],
    ids=["stall", "controller", "memory"],
)
def test_what_is_inside_a_device_is_not_at_its_harness(at_a_harness, inside, named):
    async def work(dut, _device):
        with pytest.raises(NotOnThisBench, match=named):
            inside(dut)

    at_a_harness(work)
