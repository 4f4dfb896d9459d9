"""A CAN adapter with the face of the simulated bus: any interface of python-can, wall clock.

Rules of this file: one adapter is one controller, however many nodes of ours stand behind it; what
one of them sends the others hear as well, at once. Frames are read by a thread of their own, since
few interfaces can be waited for, and handed over by the batch; times are those of their arrival,
because adapters' own clocks differ. The bus's errors are seen as far as the adapter tells of them.
"""

import asyncio
import threading  # noqa: TID251 - python-can blocks; never part of a virtual run
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import can

from rig.can.bus import ErrorTap, Tap
from rig.can.frame import Frame
from rig.can.node import ControllerState, Receive
from rig.can.wall_bus import WallBus
from rig.clock import monotonic_us
from rig.errors import BenchError, NotOnThisBench
from rig.kernel import Kernel
from rig.wall import WallLoop

LOOK_S = 0.1  # chosen: how soon the thread sees that it is to end
SEND_S = 0.05  # chosen: some frames' time; an adapter whose queue stays full is in trouble
BATCH_MAX = 256
STATES = {
    can.BusState.ACTIVE: ControllerState.ERROR_ACTIVE,
    can.BusState.PASSIVE: ControllerState.ERROR_PASSIVE,
    can.BusState.ERROR: ControllerState.BUS_OFF,
}
Heard = tuple[int, can.Message]


def open_adapter(
    interface: str, channel: str, bitrate: int, options: Mapping[str, Any], where: str
) -> can.BusABC:
    """Open an adapter. Raises BenchError, which names the field ``where`` and what is so."""
    try:
        return can.Bus(channel, interface=interface, bitrate=bitrate, **options)
    except (can.CanError, OSError, ValueError, TypeError, ImportError, AttributeError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise BenchError(f"{where}: {interface} {channel} cannot be opened: {said}") from error


class AdapterNode:
    """One node of ours behind an adapter, as `rig.can.node.Node` is one on a simulated bus."""

    def __init__(self, bus: "AdapterBus", name: str, receive: Receive | None) -> None:
        self._bus, self.name, self._receive = bus, name, receive
        self.accept: Callable[[int], bool] | None = None
        self.on_state: Callable[[ControllerState], None] | None = None
        self.patient = False
        self.sample_point_pct = 87.5  # nobody asks: the adapter has its own
        self._attached = True

    def hear(self, time_us: int, frame: Frame) -> None:
        """A frame is on the bus."""
        if not self._attached or self._receive is None:
            return
        if self.accept is None or self.accept(frame.identifier):
            self._receive(time_us, frame)

    @property
    def state(self) -> ControllerState | None:
        """The adapter's fault confinement; None if it does not tell."""
        return self._bus.state

    def send(self, frame: Frame) -> bool:
        """Queue a frame; False if this node is not on the bus, or the adapter did not take it."""
        return self._attached and self._bus.transmit(self, frame)

    def send_all(self, frames: Sequence[Frame], due_us: int | None = None) -> None:
        """Queue several frames; on the wall clock nobody is late."""
        del due_us
        for frame in frames:
            self.send(frame)

    def detach(self) -> None:
        """It neither speaks nor hears; the adapter still acknowledges for the others."""
        self._attached = False

    def reattach(self) -> None:
        """It does again."""
        self._attached = True

    def sleep(self) -> None:
        """Its device is off."""
        self.detach()

    def wake(self) -> None:
        """Its device is on again."""
        self.reattach()

    def recover(self) -> None:
        """Leave bus-off."""
        self._bus.recover()

    def disturb(self, disturbed: bool) -> None:
        """Raises NotOnThisBench: an adapter makes no error frames."""
        raise NotOnThisBench(f"error frames on what {self.name} sends: not by a CAN adapter")


class AdapterBus(WallBus):
    """One bus of a lab, reached by one adapter."""

    def __init__(self, kernel: Kernel, name: str, adapter: can.BusABC, bitrate: int) -> None:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, WallLoop):
            raise BenchError("a CAN adapter is for benches on the wall clock")
        super().__init__(kernel, name, bitrate)
        self.refused_total = 0
        self.failure = ""  # what ended the reading, if anything did
        self._loop, self._adapter = loop, adapter
        self._nodes: list[AdapterNode] = []
        self._last_state = self.state
        self._ending = threading.Event()
        self._reader = threading.Thread(target=self._read, name=f"CAN {name}", daemon=True)
        self._reader.start()

    @property
    def state(self) -> ControllerState | None:
        """The adapter's fault confinement; None if it does not tell."""
        if getattr(type(self._adapter), "state", None) is can.BusABC.state:
            return None  # python-can's own answer for all that do not look: active
        try:
            return STATES[self._adapter.state]
        except (NotImplementedError, can.CanError, OSError, KeyError):
            return None

    def attach(self, name: str, receive: Receive | None, bitrate: int | None = None) -> AdapterNode:
        """Put a node of ours behind the adapter. Raises BenchError for one of another bit rate."""
        if bitrate not in {None, self.bitrate}:
            raise BenchError(f"{name}: {bitrate} bit/s on a bus of {self.bitrate}")
        node = AdapterNode(self, name, receive)
        self._nodes.append(node)
        return node

    def transmit(self, sender: AdapterNode, frame: Frame) -> bool:
        """Give a frame of a node of ours to the adapter; the other nodes hear it, too."""
        if self._ending.is_set():
            return False
        message = can.Message(
            arbitration_id=frame.identifier, data=frame.data, is_extended_id=frame.extended
        )
        try:
            self._adapter.send(message, timeout=SEND_S)
        except (can.CanError, OSError) as error:
            self.refused_total += 1
            self._tell_error(self.kernel.now_us, f"not sent: {' '.join(str(error).split())}")
            return False
        self._loop.call_soon(self._deliver, sender, frame)
        return True

    def _deliver(self, sender: AdapterNode | None, frame: Frame, time_us: int = -1) -> None:
        time_us = self.kernel.now_us if time_us < 0 else time_us
        self._saw_frame(time_us, "" if sender is None else sender.name, frame)
        for node in tuple(self._nodes):
            if node is not sender:
                node.hear(time_us, frame)

    def _read(self) -> None:
        """In the thread: wait for frames, and hand over what has come."""
        while not self._ending.is_set():
            batch: list[Heard] = []
            try:
                message = self._adapter.recv(LOOK_S)
                while message is not None:
                    batch.append((monotonic_us(), message))
                    message = self._adapter.recv(0.0) if len(batch) < BATCH_MAX else None
            except (can.CanError, OSError, ValueError) as error:
                self.failure = " ".join(str(error).split()) or type(error).__name__
                self._ending.set()
            if batch:
                with suppress(RuntimeError):  # the loop has ended before us
                    self._loop.call_soon_threadsafe(self._take, batch)

    def _take(self, batch: list[Heard]) -> None:
        began_us, now_us = self._loop.began_us, self.kernel.now_us
        for arrived_us, message in batch:
            time_us = min(max(0, arrived_us - began_us), now_us)
            if message.is_error_frame:
                self._saw_error_frame(time_us)
            elif not (message.is_remote_frame or message.is_fd) and message.is_rx:
                identifier, data = message.arbitration_id, bytes(message.data)
                self._deliver(None, Frame(identifier, data, message.is_extended_id), time_us)
        self._look_at_state()

    def _look_at_state(self) -> None:
        state = self.state
        if state is None or state is self._last_state:
            return
        self._last_state = state
        for node in tuple(self._nodes):
            if node.on_state is not None:
                node.on_state(state)

    def recover(self) -> None:
        """Have the adapter begin again, where it can."""
        if self.state is ControllerState.BUS_OFF and hasattr(self._adapter, "reset"):
            self._adapter.reset()

    def disturb(self, duration_us: int) -> None:
        """Raises NotOnThisBench: an adapter makes no error frames."""
        raise NotOnThisBench(f"{duration_us / 1e6:g} s of error frames: not by a CAN adapter")

    def close(self) -> None:
        """Let go of the adapter."""
        self._ending.set()
        self._reader.join(5 * LOOK_S)
        self._adapter.shutdown()


class AbsentBus:
    """A bus that this lab has no adapter on: who uses it hears so, by its name."""

    is_patient = False
    frames_total = errors_total = bitrate = 0

    def __init__(self, kernel: Kernel, name: str) -> None:
        self.kernel, self.name = kernel, name

    def attach(self, name: str, receive: Receive | None, bitrate: int | None = None) -> "AbsentBus":
        """Itself: nothing can be attached."""
        del name, receive, bitrate
        return self

    def watch(self, tap: Tap, *, patient: bool = False) -> None:
        """Record nothing when the bench looks on; raise NotOnThisBench when a scenario does."""
        del tap
        if not patient:
            self._missing()

    def watch_errors(self, tap: ErrorTap) -> None:
        """Nothing is heard."""

    def send(self, frame: Frame) -> bool:
        """Raises NotOnThisBench."""
        del frame
        self._missing()
        return False

    def load_pct(self, window_us: int) -> float:
        """Raises NotOnThisBench."""
        del window_us
        self._missing()
        return 0.0

    def catch_up(self) -> None:
        """Nothing is ever behind here."""

    def close(self) -> None:
        """There is nothing to close."""

    def _missing(self) -> None:
        raise NotOnThisBench(f"the {self.name} bus: there is no adapter on it")
