"""The rig's end of a device's harness: all its terminals but the CAN ports, over one socket.

One JSON object a datagram (AF_UNIX, SEQPACKET), as the wires of a real device would carry levels:
to the device `inputs`, `supply` and `uart`; from it `outputs`, `uart` and `module_reset`. Written
apart from the device's end. A device that is gone drives nothing: its outputs have fallen, its
contactor opens.
"""

import json
import random
import socket  # noqa: TID251 - never part of a virtual run
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from rig.dut.bluetooth import FIRST_BAUD, BluetoothModule
from rig.dut.terminals import Input, Output
from rig.errors import NotOnThisBench
from rig.kernel import milliseconds, seconds
from rig.plant.plant import Plant
from rig.wall import WallLoop

DATAGRAM_MAX = 65_536
SAMPLE_US = milliseconds(10)  # chosen: a tenth of the device's own look at its terminals
POWER_CUT_US = seconds(0.5)  # chosen: what a relay in the supply lead is open for
ROOM_C = 25.0
# What a device measures is told when it has moved by this much.
STEPS: Mapping[str, float] = {
    "battery_voltage_v": 0.001,
    "system_voltage_v": 0.001,
    "current_a": 0.01,
    "internal_temperature_c": 0.05,
    "io_supply_v": 0.01,
}
SENSED: Mapping[Output, str] = {
    Output.ALLOW_CHARGE: "allow_charge_relay",
    Output.ALLOW_DISCHARGE: "allow_discharge_relay",
    Output.ALLOW_CHARGE_SIGNAL: "allow_charge_signal",
    Output.ALLOW_DISCHARGE_SIGNAL: "allow_discharge_signal",
    Output.PROGRAMMABLE_RELAY: "programmable_relay",
    Output.GREEN_LED: "green_led",
    Output.RED_LED: "red_led",
    Output.BUZZER: "buzzer",
    Output.FAN: "fan",
}
DRIVEN: Mapping[Input, str] = {
    Input.START_STOP: "start_stop_pressed",
    Input.INTERLOCK: "interlock_closed",
    Input.EMERGENCY_STOP: "emergency_stop",
}


class HarnessedDut:
    """A device at the other end of a harness, between the plant and the DAQ."""

    def __init__(self, loop: WallLoop, plant: Plant, path: Path, *, bluetooth: bool) -> None:
        """``bluetooth``: a device of its age has a module, which is on the bench with it."""
        self._loop, self._kernel, self._plant = loop, loop.kernel, plant
        self._levels: dict[str, Any] = {}
        self._driven = {"start_stop_pressed": False, "interlock_closed": True}
        self._driven["emergency_stop"] = False
        self._told: dict[str, Any] = {}
        self._io_supply_v: float | None = None
        self._internal_c: float | None = None
        self._shunt = 1.0, 0.0
        self._voltage_sense = 1.0
        self._self_test_passed = True
        module = BluetoothModule(loop.kernel, self._say_by_bluetooth) if bluetooth else None
        self.bluetooth = module
        self._device: socket.socket | None = None
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._door.bind(str(path))
        self._door.listen(1)
        self._door.setblocking(False)
        loop.add_reader(self._door.fileno(), self._accept)
        self._sample()

    def _accept(self) -> None:
        device, _ = self._door.accept()
        if self._device is not None:
            device.close()  # one device has one harness
            return
        device.setblocking(False)
        self._device, self._told = device, {}
        self._loop.add_reader(device.fileno(), self._hear)
        self._tell()

    def _hear(self) -> None:
        assert self._device is not None
        while True:
            try:
                received = self._device.recv(DATAGRAM_MAX)
            except BlockingIOError:
                return
            except OSError:
                received = b""
            if not received:
                self._lose()
                return
            told = json.loads(received)
            self._take(told.get("outputs", {}))
            if self.bluetooth is not None:
                self._tell_bluetooth(self.bluetooth, told)

    def _tell_bluetooth(self, module: BluetoothModule, told: Mapping[str, Any]) -> None:
        if told.get("module_reset"):
            module.reset()
        if "uart" in told or "bluetooth_baud" in told.get("outputs", {}):
            baud = int(self._levels.get("bluetooth_baud", FIRST_BAUD))
            module.hear(bytes.fromhex(told.get("uart", "")), baud)

    def _say_by_bluetooth(self, data: bytes) -> None:
        self._send({"uart": data.hex()})

    def _lose(self) -> None:
        """The device is gone: a coil without current opens its contactor."""
        assert self._device is not None
        self._loop.remove_reader(self._device.fileno())
        self._device.close()
        self._device = None
        self._take(dict.fromkeys(self._levels, False))

    def _take(self, levels: Mapping[str, Any]) -> None:
        now_us = self._kernel.now_us
        for name, level in levels.items():
            if self._levels.get(name) == level:
                continue
            self._levels[name] = level
            if name == "contactor_coil":
                self._plant.set_coil(now_us, bool(level))
            elif name == "precharge":
                self._plant.set_precharge(now_us, bool(level))

    def _sample(self) -> None:
        self._kernel.after(SAMPLE_US, self._sample)
        self._plant.sample(self._kernel.now_us)
        self._tell()

    def _tell(self) -> None:
        """Bring what has moved to the device's terminals."""
        if self._device is None:
            return
        battery_v, system_v, current_a = self._plant.measured
        inputs: dict[str, Any] = {
            "battery_voltage_v": self._voltage_sense * battery_v,
            "system_voltage_v": system_v,
            "current_a": self._shunt[0] * current_a + self._shunt[1],
            "internal_temperature_c": ROOM_C if self._internal_c is None else self._internal_c,
            "io_supply_v": battery_v if self._io_supply_v is None else self._io_supply_v,
            "aux_contact_closed": self._plant.aux_closed,
            "self_test_passed": self._self_test_passed,
            **self._driven,
        }
        moved = {name: value for name, value in inputs.items() if self._has_moved(name, value)}
        if moved:
            self._told.update(moved)
            self._send({"inputs": moved})

    def _has_moved(self, name: str, value: float | bool) -> bool:
        before = self._told.get(name)
        step = STEPS.get(name)
        return before is None or (before != value if step is None else abs(before - value) >= step)

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._device is not None:
            with suppress(OSError):  # who is gone is noticed when it is read
                self._device.send(json.dumps(message).encode())

    # What the DAQ is wired to

    def drive(self, line: Input, level: bool) -> None:
        """Drive one input; the device notices at once."""
        self._driven[DRIVEN[line]] = level
        self._tell()

    def sense(self, line: Output) -> bool:
        """Read one output as it is now."""
        if line is Output.CONTACTOR_AUX:
            self._plant.sample(self._kernel.now_us)
            return self._plant.aux_closed
        return bool(self._levels.get(SENSED[line], False))

    @property
    def supply_current_a(self) -> float:
        """What it takes for itself through its supply lead."""
        return float(self._levels.get("supply_current_a", 0.0))

    # What can be inserted at its terminals

    def power_cycle(self) -> None:
        """Cut its supply for a moment."""
        self._send({"supply": False})
        self._kernel.after(POWER_CUT_US, lambda: self._send({"supply": True}))

    def supply(self, on: bool) -> None:
        """Supply it, or cut its supply, until told otherwise."""
        self._send({"supply": on})

    def supply_io_from(self, voltage_v: float | None) -> None:
        """Supply its IO connector with this voltage; None: from the battery."""
        self._io_supply_v = voltage_v

    def surround(self, temperature_c: float | None) -> None:
        """It has this temperature inside; None: that of a room."""
        self._internal_c = temperature_c

    def misread_current(self, error: tuple[float, float]) -> None:
        """Its shunt has this gain, and this offset in amperes."""
        self._shunt = error

    def misread_voltage(self, gain: float) -> None:
        """Its sense wire for the batteries' voltage has this gain; 0: it is broken."""
        self._voltage_sense = gain

    def fail_self_test(self, failed: bool) -> None:
        """Its processor's self-test fails, or passes again."""
        self._self_test_passed = not failed

    # What is inside the device is not at its harness: all of these raise NotOnThisBench

    def disturb_can(self, disturbed: bool) -> None:
        """Its own CAN controller."""
        _inside("error frames on what it sends")

    def stall(self) -> None:
        """Its main loop."""
        _inside("a stalled loop")

    def resume(self) -> None:
        """Its main loop."""
        _inside("a stalled loop")

    def damage(self, register: str, how: str, dice: random.Random) -> Callable[[], None]:
        """Its memory."""
        _inside("damaged memory")

    def close(self) -> None:
        """Pull it out."""
        self._loop.remove_reader(self._door.fileno())
        self._door.close()
        if self._device is not None:
            self._lose()


def _inside(what: str) -> NoReturn:
    raise NotOnThisBench(f"{what}: not at the terminals of a device")
