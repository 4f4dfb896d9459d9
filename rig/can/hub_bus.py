"""A bus of the hub with the face of the simulated bus, for benches on the wall clock.

Each node is a client of its own, so that the hub arbitrates and counts for it as for a controller.
What is watched comes through one more client that only listens. Times are the kernel's.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from rig.can.frame import Frame
from rig.can.hub.client import HubClient, HubEnded
from rig.can.hub.records import Seen
from rig.can.hub.requests import Disturb, Plug, Recover
from rig.can.node import ControllerState, Receive
from rig.can.wall_bus import WallBus
from rig.clock import monotonic_us
from rig.errors import BenchError, NotOnThisBench
from rig.kernel import Kernel
from rig.wall import WallLoop


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


class HubBus(WallBus):
    """One bus of a hub process; it does not tell who sent a frame."""

    def __init__(self, kernel: Kernel, path: Path, name: str) -> None:
        client = HubClient(path, f"{name} monitor", (name,), read_only=True)
        super().__init__(kernel, name, client.welcome.buses[0].bitrate)
        self.path = path
        self._nodes: list[HubNode] = []
        self._ear = _Ear(client, self._hear)

    def attach(self, name: str, receive: Receive | None, bitrate: int | None = None) -> HubNode:
        """Put a controller on the bus. Raises BenchError for one of another bit rate."""
        if bitrate not in {None, self.bitrate}:
            raise BenchError(f"{name}: {bitrate} bit/s on a bus of {self.bitrate}")
        node = HubNode(self, name, receive)
        self._nodes.append(node)
        return node

    def _hear(self, time_us: int, seen: Seen) -> None:
        if seen.is_error:
            self._saw_error_frame(time_us)
        else:
            self._saw_frame(time_us, "", seen.frame)

    def disturb(self, duration_us: int) -> None:
        """Glitches for a while."""
        self._ear.client.ask(Disturb(bus=self.name, duration_us=duration_us))

    def close(self) -> None:
        """Leave the hub."""
        self._ear.close()
        for node in self._nodes:
            node.close()
