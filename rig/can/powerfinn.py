"""A Powerfinn charger on the external bus: node 0x50, commanded by CANopen SDO.

Project-defined: that it has node 0x50, and is spoken to at 0x650 and answers at 0x5D0, is seen on
real buses; its objects are this project's own, and `dbc/visedo.dbc` says so. It serves one transfer
at a time (CiA 301): a request that comes while it works on another is lost.
"""

from collections.abc import Callable
from typing import Any

from rig.can.face import CanBus
from rig.can.frame import Frame
from rig.kernel import Kernel, milliseconds, seconds
from rig.signal import Signal

REQUEST, RESPONSE = 0x650, 0x5D0
WRITE_2, WRITE_1, WRITTEN, ABORT = 0x2B, 0x2F, 0x60, 0x80  # CiA 301: expedited, 2 and 1 bytes
VOLTAGE, CURRENT, RUN = (0x2001, 1), (0x2001, 2), (0x2001, 3)
NO_OBJECT = 0x06020000
WORKS_US = milliseconds(5)  # chosen: what a small controller takes for a request
PATIENCE_US = seconds(3)  # chosen: commanded by nobody for so long it stops


class Powerfinn:
    """What the charger has been told: limits in volts and amperes, and whether it runs."""

    def __init__(self, kernel: Kernel, bus: CanBus, make: Callable[..., Signal[Any]]) -> None:
        self._kernel = kernel
        self._node = bus.attach("Powerfinn", self._receive)
        self._works_on: Frame | None = None
        self._commanded_us = 0
        self.voltage_limit: Signal[float] = make("Powerfinn voltage limit", "V")
        self.current_limit: Signal[float] = make("Powerfinn current limit", "A")
        self.runs: Signal[bool] = make("Powerfinn runs", "")
        self.voltage_limit.put(0.0)
        self.current_limit.put(0.0)
        self.runs.put(False)

    def _receive(self, time_us: int, frame: Frame) -> None:
        if frame.extended or frame.identifier != REQUEST or len(frame.data) != 8:
            return
        if self._works_on is None:
            self._works_on = frame
            self._kernel.after(WORKS_US, self._serve)

    def _serve(self) -> None:
        frame, self._works_on = self._works_on, None
        assert frame is not None
        data = frame.data
        place = int.from_bytes(data[1:3], "little"), data[3]
        value = int.from_bytes(data[4:6], "little")
        if (data[0], place) == (WRITE_2, VOLTAGE):
            self.voltage_limit.put(value / 100)
        elif (data[0], place) == (WRITE_2, CURRENT):
            self.current_limit.put(value / 10)
        elif (data[0], place) == (WRITE_1, RUN):
            self.runs.put(bool(data[4]))
        else:
            self._answer(ABORT, data, NO_OBJECT)
            return
        self._commanded_us = self._kernel.now_us
        self._kernel.after(PATIENCE_US, self._lose_patience)
        self._answer(WRITTEN, data, 0)

    def _answer(self, command: int, request: bytes, value: int) -> None:
        data = bytes([command]) + request[1:4] + value.to_bytes(4, "little")
        self._node.send(Frame(RESPONSE, data, extended=False))

    def _lose_patience(self) -> None:
        if self._kernel.now_us - self._commanded_us >= PATIENCE_US:
            self.runs.put(False)
