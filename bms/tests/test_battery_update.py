"""New firmware for the batteries: each the image for its processor, and none by half."""

import struct
from zlib import crc32

import pytest

from bms.battery.module import Module
from bms.codes import State
from bms.data import battery_types
from bms.firmware import Component, Firmware
from bms.io import BatteryInputs, BatteryOutputs, Frame, Inputs, Port, Reception
from bms.master import Master
from bms.releases import firmware
from bms.wire import battery_update as wire
from bms.wire import isotp, private
from bms.wire.diagnostic import TOOL_ADDRESS

OLD_SERIAL, NEW_SERIAL = 17_200_047, 23_300_048  # made in 2017 and in 2023
LFP, RS = 2, 13
TICK_US = 50_000


class System:
    """A master and its batteries on a private bus without delay; a restart takes its time."""

    def __init__(self, running: Firmware | str, batteries: list[tuple[int, int]]) -> None:
        self.firmware = firmware(running) if isinstance(running, str) else running
        self.master = Master(self.firmware, {}, _hardware(), "HQ1845ABCDE")
        old = firmware("1.30", Component.BATTERY)
        self.kinds = {serial: battery_types()[code] for serial, code in batteries}
        self.modules: dict[int, Module | None] = {
            serial: Module(old, self.kinds[serial], serial) for serial in self.kinds
        }
        self.back_us: dict[int, int] = {}
        self.now_us = 0
        self.to_master: list[Frame] = []
        self.to_batteries: list[Frame] = []
        self.states: list[State] = []
        self.deaf: set[int] = set()

    def run(self, time_s: float, *requests: bytes) -> None:
        asks = list(requests)
        for _ in range(round(time_s * 1_000_000 / TICK_US)):
            self.now_us += TICK_US
            received = [(Port.PRIVATE, frame) for frame in self.to_master]
            if asks:
                tool = isotp.Endpoint()
                tool.send(0, asks.pop())
                frames = isotp.frames_to(0x50, TOOL_ADDRESS, tool.frames(0))
                received += [(Port.VE_CAN, frame) for frame in frames]
            self.to_master = []
            stamped = tuple(Reception(self.now_us, port, frame) for port, frame in received)
            out = self.master.step(self.now_us, Inputs(received=stamped))
            self.to_batteries = [frame for port, frame in out.sent if port is Port.PRIVATE]
            self.states.append(self.master.view.start_stop.state)
            for serial in self.modules:
                self._step(serial)

    def _step(self, serial: int) -> None:
        module = self.modules[serial]
        if module is None:
            if self.now_us >= self.back_us[serial]:
                new = firmware("1.38", Component.BATTERY)
                self.modules[serial] = Module(new, self.kinds[serial], serial)
            return
        heard = [] if serial in self.deaf else self.to_batteries
        received = tuple(Reception(self.now_us, Port.PRIVATE, frame) for frame in heard)
        inputs = BatteryInputs((3.3,) * 8, (25.0,) * 4, received=received)
        out = module.step(self.now_us, inputs)
        self.to_master += out.sent
        if out.restart_us:
            self.modules[serial] = None
            self.back_us[serial] = self.now_us + out.restart_us

    def releases(self) -> list[str | None]:
        return [None if m is None else str(m.firmware.version) for m in self.modules.values()]

    @property
    def error(self) -> int:
        return int(self.master.view.fail_safe.error)


def _hardware():
    from bms.data import hardware

    return hardware()["Lynx Ion BMS 400"]


UPDATE = b"\x31\x01\xb0\x01"


def test_batteries_run_what_came_with_the_master_and_the_system_is_off_again() -> None:
    system = System("1.38", [(OLD_SERIAL, LFP), (OLD_SERIAL + 1, LFP)])
    system.run(20, UPDATE)

    assert system.releases() == ["1.38", "1.38"]
    assert list(dict.fromkeys(system.states)) == [State.STANDBY, State.UPDATING_BATTERY]
    assert (system.states[-1], system.error) == (State.STANDBY, 0)


def test_each_processor_gets_its_image_since_1_38() -> None:
    for release, expected in (("1.38", ["1.38", "1.38"]), ("1.37", ["1.38", "1.30"])):
        system = System(release, [(OLD_SERIAL, LFP), (NEW_SERIAL, LFP)])
        system.run(20, UPDATE)

        assert system.releases() == expected
        assert system.error == (0 if release == "1.38" else 28)


@pytest.mark.parametrize(("release", "error"), [("1.36", 0), ("1.35", 28)])
def test_a_battery_that_takes_8_s_to_restart_is_waited_for_since_1_36(release, error) -> None:
    system = System(release, [(OLD_SERIAL, LFP), (OLD_SERIAL + 1, RS)])
    system.run(10, UPDATE)
    if error:
        assert (system.error, system.states[-1]) == (error, State.ERROR)
    else:
        system.run(10)
        assert (system.error, system.states[-1]) == (0, State.STANDBY)


def test_without_a_battery_the_update_is_unavailable() -> None:
    system = System("1.38", [])
    system.run(5, UPDATE)

    assert (system.error, system.states[-1]) == (29, State.ERROR)


def test_a_battery_that_does_not_answer_ends_the_update() -> None:
    system = System("1.38", [(OLD_SERIAL, LFP), (OLD_SERIAL + 1, LFP)])
    system.run(2, UPDATE)
    system.deaf.add(OLD_SERIAL)
    system.run(10)

    assert system.error == 28


def test_while_the_system_runs_no_update_begins() -> None:
    system = System("1.38", [(OLD_SERIAL, LFP)])
    system.master.view.start_stop = type(system.master.view.start_stop)(state=State.INITIALISING)
    system.run(0.05, UPDATE)

    assert State.UPDATING_BATTERY not in system.states


CONTENT = b"1.38".ljust(64, b"\0")


def battery() -> Module:
    module = Module(firmware("1.30", Component.BATTERY), battery_types()[LFP], OLD_SERIAL)
    say(module, private.beacon(13, 0, 2, 0))
    return module


def say(module: Module, *frames: Frame) -> BatteryOutputs:
    received = tuple(Reception(1_000, Port.PRIVATE, frame) for frame in frames)
    return module.step(1_000, BatteryInputs((3.3,) * 8, (25.0,) * 4, received=received))


def codes(out: BatteryOutputs) -> list[int]:
    return [
        wire.read_answer(frame.data)[0]
        for frame in out.sent
        if frame.identifier >> 8 == wire.ANSWER
    ]


def test_image_for_another_processor_is_refused_and_nothing_is_installed() -> None:
    module = battery()

    assert codes(say(module, wire.ask(5, OLD_SERIAL, 2, 38, 64))) == [wire.WRONG_PROCESSOR]
    say(module, *wire.data(5, CONTENT), wire.end(5, crc32(CONTENT)))
    assert say(module, wire.restart(5)).restart_us == 0


DAMAGE = [
    pytest.param(wire.data(5, CONTENT)[:-1], crc32(CONTENT), id="truncated"),
    pytest.param(wire.data(5, b"2" + CONTENT[1:]), crc32(CONTENT), id="corrupted"),
    pytest.param(wire.data(5, CONTENT)[::-1], crc32(CONTENT), id="out of order"),
]


@pytest.mark.parametrize(("parts", "crc"), DAMAGE)
def test_image_that_is_not_whole_is_refused_and_nothing_is_installed(parts, crc) -> None:
    module = battery()
    say(module, wire.ask(5, OLD_SERIAL, 1, 38, 64))

    assert codes(say(module, *parts, wire.end(5, crc))) == [wire.WRONG_CONTENT]
    out = say(module, wire.restart(5))
    assert (out.restart_us, dict(out.writes)) == (0, {})


def test_whole_image_is_stored_with_the_restart() -> None:
    module = battery()
    say(module, wire.ask(5, OLD_SERIAL, 1, 38, 64))
    say(module, *wire.data(5, CONTENT), wire.end(5, crc32(CONTENT)))
    out = say(module, wire.restart(5))

    assert out.restart_us > 0
    assert dict(out.writes) == {"flash.application": b"1.38"}


def test_messages_for_another_battery_are_not_taken() -> None:
    module = battery()

    assert codes(say(module, wire.ask(5, OLD_SERIAL + 1, 1, 38, 64))) == []
    assert struct.calcsize("<IBBH") == private.LENGTH
