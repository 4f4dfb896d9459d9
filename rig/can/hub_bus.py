"""A bus of the hub with the face of the simulated bus, for benches on the wall clock.

Each node is a client of its own, so that the hub arbitrates and counts for it as for a controller.
What is watched comes through one more client that only listens. Times are the kernel's.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from rig.can.bus import ErrorTap, Latecomer, Tap
from rig.can.frame import Frame
from rig.can.hub.client import HubClient, HubEnded
from rig.can.hub.records import Seen
from rig.can.hub.requests import Disturb, Plug, Recover
from rig.can.node import ControllerState, Receive
from rig.can.timing import ERROR_BITS, bits_us, durations_us
from rig.clock import monotonic_us
from rig.errors import BenchError, NotOnThisBench
from rig.kernel import Kernel, seconds
from rig.wall import WallLoop

LOAD_KEPT_US = seconds(10)


class _Ear:
    """A client whose frames are given to ``hear`` as they come, in the kernel's time."""

    def __init__(
        self,
        client: HubClient,
        hear: Callable[[int, Seen], None],
        told: Callable[[], None] = lambda: None,
    ) -> None:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, WallLoop):
            raise BenchError("a hub is for benches on the wall clock")
        self.client, self._loop, self._hear, self._told = client, loop, hear, told
        self._ahead_us = client.now_us() - monotonic_us()  # hub time, of the machine's own
        loop.add_reader(client.fileno(), self._read)

    def _read(self) -> None:
        try:
            self._read_all()
        except HubEnded:
            self._loop.remove_reader(self.client.fileno())  # or it would be told without end
            raise

    def _read_all(self) -> None:
        zero_us = self._ahead_us + self._loop.began_us
        while batch := self.client.receive(0.0):
            now_us = self._loop.kernel.now_us
            for seen in batch:
                self._hear(min(max(0, seen.time_us - zero_us), now_us), seen)
        self._told()

    def close(self) -> None:
        self._loop.remove_reader(self.client.fileno())
        self.client.close()


class HubNode:
    """A controller on the hub's bus, as `rig.can.node.Node` is one on a simulated bus."""

    def __init__(self, bus: "HubBus", name: str, receive: Receive | None) -> None:
        self._bus, self._receive = bus, receive
        self.accept: Callable[[int], bool] | None = None
        self.patient = False
        self.sample_point_pct = 87.5  # the hub's buses have no length that it would matter on
        self.on_state: Callable[[ControllerState], None] | None = None
        client = HubClient(bus.path, name, (bus.name,))
        self._last_state = ControllerState.ERROR_ACTIVE
        self._ear = _Ear(client, self._hear, self._tell_state)

    def _tell_state(self) -> None:
        if self.state is not self._last_state:
            self._last_state = self.state
            if self.on_state is not None:
                self.on_state(self.state)

    def _hear(self, time_us: int, seen: Seen) -> None:
        if seen.is_error or self._receive is None:
            return
        if self.accept is None or self.accept(seen.identifier):
            self._receive(time_us, seen.frame)

    @property
    def state(self) -> ControllerState:
        """Its fault confinement, as far as the hub has told."""
        return self._ear.client.states.get(0, ControllerState.ERROR_ACTIVE)

    def send(self, frame: Frame) -> bool:
        """Queue a frame."""
        self._ear.client.send(frame)
        return True

    def send_all(self, frames: Sequence[Frame], due_us: int | None = None) -> None:
        """Queue several frames at once; on the wall clock nobody is late."""
        del due_us
        self._ear.client.send_all((0, frame) for frame in frames)

    def detach(self) -> None:
        """Pull the cable."""
        self._plug(attached=False)

    def reattach(self) -> None:
        """Plug the cable in again."""
        self._plug(attached=True)

    def sleep(self) -> None:
        """Its device is off: it neither hears nor acknowledges."""
        self.detach()

    def wake(self) -> None:
        """Its device is on again, with a controller that starts on the bus."""
        self.reattach()
        self.recover()

    def disturb(self, disturbed: bool) -> None:
        """Raises NotOnThisBench: the hub disturbs a whole bus, not what one controller sends."""
        raise NotOnThisBench(f"error frames on what {self._ear.client.welcome.name} sends")

    def _plug(self, *, attached: bool) -> None:
        name = self._ear.client.welcome.name
        self._ear.client.ask(Plug(bus=self._bus.name, client=name, attached=attached))

    def recover(self) -> None:
        """Leave bus-off."""
        client = self._ear.client
        client.ask(Recover(bus=self._bus.name, client=client.welcome.name))

    def close(self) -> None:
        """Leave the hub."""
        self._ear.close()


class HubBus:
    """One bus of a hub process."""

    is_patient = False  # everybody hears every frame at its time

    def __init__(self, kernel: Kernel, path: Path, name: str) -> None:
        self.kernel, self.path, self.name = kernel, path, name
        self.frames_total = self.errors_total = 0
        self._taps: tuple[Tap, ...] = ()
        self._error_taps: tuple[ErrorTap, ...] = ()
        self._nodes: list[HubNode] = []
        self._busy: deque[tuple[int, int]] = deque()
        client = HubClient(path, f"{name} monitor", (name,), read_only=True)
        self.bitrate = client.welcome.buses[0].bitrate
        self._durations_us = durations_us(self.bitrate)
        self._error_us = bits_us(ERROR_BITS, self.bitrate)
        self._ear = _Ear(client, self._hear)

    def attach(self, name: str, receive: Receive | None, bitrate: int | None = None) -> HubNode:
        """Put a controller on the bus. Raises BenchError for one of another bit rate."""
        if bitrate not in {None, self.bitrate}:
            raise BenchError(f"{name}: {bitrate} bit/s on a bus of {self.bitrate}")
        node = HubNode(self, name, receive)
        self._nodes.append(node)
        return node

    def watch(self, tap: Tap, *, patient: bool = False) -> None:
        """Have every frame: time, no sender's name, frame."""
        del patient
        self._taps = (*self._taps, tap)

    def watch_errors(self, tap: ErrorTap) -> None:
        """Have every error frame: time, and what is known of it."""
        self._error_taps = (*self._error_taps, tap)

    def _hear(self, time_us: int, seen: Seen) -> None:
        if seen.is_error:
            self.errors_total += 1
            self._busy.append((time_us, self._error_us))
            for error_tap in self._error_taps:
                error_tap(time_us, "error frame")
            return
        self.frames_total += 1
        self._busy.append((time_us, self._durations_us[seen.extended][len(seen.data)]))
        while self._busy[0][0] < time_us - LOAD_KEPT_US:
            self._busy.popleft()
        frame = seen.frame
        for tap in self._taps:
            tap(time_us, "", frame)

    def load_pct(self, window_us: int) -> float:
        """Share of the last ``window_us``, 10 s at most, that frames and error frames occupied."""
        from_us = self.kernel.now_us - window_us
        busy_us = sum(busy for time_us, busy in self._busy if time_us > from_us)
        return min(100.0, 100.0 * busy_us / window_us)

    def disturb(self, duration_us: int) -> None:
        """Glitches for a while."""
        self._ear.client.ask(Disturb(bus=self.name, duration_us=duration_us))

    def catch_up(self) -> None:
        """Nothing is ever behind here."""

    def postpone(self, sender: Latecomer, due_us: int) -> None:
        """Nobody looks later here: it speaks in time."""
        del due_us
        sender.hurry()

    def forget(self, sender: object) -> None:
        """Nobody ever waits to be asked here."""

    def close(self) -> None:
        """Leave the hub."""
        self._ear.close()
        for node in self._nodes:
            node.close()
