"""Devices that do nothing: a check that they pass is no check.

A null device takes over once the arrangement stands. It knows no message but the form of a
register request; what it repeats is what the device had sent last.
"""

from collections.abc import Callable, Mapping, Sequence

from rig.can import isotp
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
            if isotp.is_from_the_tester(frame) and 3 <= frame.data[0] < 8:
                # A request of the diagnostic tool: an answer that says nothing.
                device, (service, high, low) = frame.identifier >> 8 & 0xFF, frame.data[1:4]
                answer = bytes((4, service + 0x40 & 0xFF, high, low, 0xFF)).ljust(8, b"\xff")
                node.send(isotp.frame_to(isotp.TESTER, answer, source=device))
            if frame.extended and frame.data[:4] == _REQUEST:
                source = frame.identifier >> 8 & 0xFF
                data = _REQUEST[:2] + frame.data[4:6] + b"\xff\xff\xff\xff"
                node.send(Frame(0x1CEFFF00 | source, data))

        return receive


def _deaf(_time_us: int, _frame: Frame) -> None:
    """Hears nothing."""
