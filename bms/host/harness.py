"""The wires of the device's terminals, but for its CAN ports: one socket to who stands around it.

One JSON object a datagram (AF_UNIX, SEQPACKET). To the device: `inputs`, those fields of `Inputs`
that changed; `uart`, bytes of the Bluetooth module in hexadecimal; `supply`, whether it has any.
From the device: `outputs`, the fields of `Outputs` that are levels; `uart`; `module_reset`, when it
boots and its Bluetooth module with it. When the socket closes, the device is out of its rig, which
is as good as without supply.
"""

import json
import socket  # noqa: TID251 - the harness is a socket
from pathlib import Path
from typing import Any

from bms.io import Inputs, Outputs

DATAGRAM_MAX = 65_536
ANALOG = (
    "battery_voltage_v",
    "system_voltage_v",
    "current_a",
    "internal_temperature_c",
    "io_supply_v",
)
DIGITAL = (
    "start_stop_pressed",
    "interlock_closed",
    "emergency_stop",
    "aux_contact_closed",
    "self_test_passed",
)
LEVELS = (
    "contactor_coil",
    "precharge",
    "allow_charge_relay",
    "allow_charge_signal",
    "allow_discharge_relay",
    "allow_discharge_signal",
    "programmable_relay",
    "green_led",
    "red_led",
    "buzzer",
    "fan",
    "io_supply_on",
    "supply_current_a",
    "bluetooth_baud",
)


class BadWire(ValueError):
    """Something came over the harness that no wire carries."""


class Harness:
    """The device's end of it."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self._told: dict[str, Any] = {}

    def fileno(self) -> int:
        """For who waits for it."""
        return self._socket.fileno()

    def receive(self) -> dict[str, Any] | None:
        """What came, None if the harness is gone. Raises BlockingIOError, and BadWire."""
        try:
            received = self._socket.recv(DATAGRAM_MAX)
        except ConnectionError:
            return None
        if not received:
            return None
        try:
            found = json.loads(received)
        except ValueError as error:
            raise BadWire(f"harness: {error}") from error
        if not isinstance(found, dict):
            raise BadWire("harness: no JSON object")
        return found

    def tell(self, outputs: Outputs) -> None:
        """Drive the wires, if anything on them has changed."""
        levels = {name: getattr(outputs, name) for name in LEVELS}
        changed = {name: level for name, level in levels.items() if self._told.get(name) != level}
        message: dict[str, Any] = {}
        if changed:
            message["outputs"] = changed
        if outputs.bluetooth_uart:
            message["uart"] = outputs.bluetooth_uart.hex()
        if message:
            self._told = levels
            self._socket.send(json.dumps(message).encode())

    def reset_module(self) -> None:
        """Reset the Bluetooth module, as every start of the device does."""
        self._socket.send(json.dumps({"module_reset": True}).encode())

    def close(self) -> None:
        """Pull it out."""
        self._socket.close()


def changed_inputs(inputs: Inputs, told: dict[str, Any]) -> Inputs:
    """The inputs with what was told of them. Raises BadWire for a wire that there is not."""
    fields: dict[str, Any] = {}
    for name, value in told.items():
        if name in ANALOG and isinstance(value, int | float) and not isinstance(value, bool):
            fields[name] = float(value)
        elif name in DIGITAL and isinstance(value, bool):
            fields[name] = value
        else:
            raise BadWire(
                f"harness: {name}: {value!r}; allowed: numbers for {', '.join(ANALOG)}; "
                f"true or false for {', '.join(DIGITAL)}"
            )
    return inputs._replace(**fields)
