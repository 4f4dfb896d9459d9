"""Devices that do nothing: a check that they pass is no check.

A null device takes over once the arrangement stands. It knows no message but the form of a
register request; what it repeats is what the device had sent last.
"""

from collections.abc import Callable, Mapping, Sequence

from rig.can.frame import Frame
from rig.can.node import Node
from rig.dut.terminals import NullMode
from rig.kernel import Kernel, seconds

REPEAT_US = seconds(1)
_REQUEST = b"\x66\x99\x01\x00"


class NullDevice:
    """Stands at the CAN ports in place of the device."""

    def __init__(
        self,
        mode: NullMode,
        kernel: Kernel,
        nodes: Mapping[str, Node],
        last: Mapping[str, Sequence[Frame]],
    ) -> None:
        self._mode, self._kernel = mode, kernel
        self._nodes, self._last = dict(nodes), dict(last)
        for node in nodes.values():
            node.receive = self._receiver(node) if mode is NullMode.UNAVAILABLE else _deaf
        if mode is not NullMode.SILENT:
            kernel.after(REPEAT_US, self._repeat)

    def _repeat(self) -> None:
        for port, frames in self._last.items():
            for frame in frames:
                self._nodes[port].send(self._worn(frame))
        self._kernel.after(REPEAT_US, self._repeat)

    def _worn(self, frame: Frame) -> Frame:
        if self._mode is NullMode.FROZEN:
            return frame
        is_register = frame.data[:2] == _REQUEST[:2]
        kept = frame.data[:4] if is_register else b""
        return Frame(frame.identifier, kept.ljust(len(frame.data), b"\xff"), frame.extended)

    @staticmethod
    def _receiver(node: Node) -> Callable[[int, Frame], None]:
        def receive(_time_us: int, frame: Frame) -> None:
            if frame.extended and frame.data[:4] == _REQUEST:
                source = frame.identifier >> 8 & 0xFF
                data = _REQUEST[:2] + frame.data[4:6] + b"\xff\xff\xff\xff"
                node.send(Frame(0x1CEFFF00 | source, data))

        return receive

    def answer_tool(self, request: bytes) -> bytes | None:
        """What the diagnostic tool gets: silence, or an answer that says nothing."""
        if self._mode is not NullMode.UNAVAILABLE:
            return None
        return bytes((request[0] + 0x40,)) + request[1:3] + b"\xff"


def _deaf(_time_us: int, _frame: Frame) -> None:
    """Hears nothing."""
