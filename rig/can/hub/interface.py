"""The hub as an interface of python-can: `can.Bus("ve_can", interface="hil_hub")`.

Rules of this file: an entry point (`can.interface`, `hil_hub`) names the class, so that every tool
of python-can knows it. Frames come by the batch, so the socket alone would not say that some are
left: `fileno` is that of an epoll object which is readable as long as there are any.
"""

import os
import select
from collections import deque
from pathlib import Path
from typing import Any

import can

from rig.can.frame import Frame
from rig.can.hub.client import HubClient, HubError, HubTimeout, default_socket
from rig.can.hub.records import Seen
from rig.can.node import ControllerState

_STATES = {
    ControllerState.ERROR_ACTIVE: can.BusState.ACTIVE,
    ControllerState.ERROR_PASSIVE: can.BusState.PASSIVE,
    ControllerState.BUS_OFF: can.BusState.ERROR,
}


class HubBus(can.BusABC):
    """One bus of a hub.

    ``socket``: where the hub listens; ``name``: what the statistics call this client; ``bitrate``:
    what its controller is set to, the bus's own by default; ``restart_ms``: when it recovers from
    bus-off by itself. Raises can.CanInitializationError.
    """

    def __init__(
        self,
        channel: str,
        *,
        socket: str | None = None,
        name: str | None = None,
        read_only: bool = False,
        receive_own_messages: bool = False,
        bitrate: int | None = None,
        restart_ms: int | None = 100,
        **kwargs: Any,
    ) -> None:
        path = default_socket() if socket is None else Path(socket)
        try:
            self._client = HubClient(
                path,
                name or f"python-can-{os.getpid()}",
                (channel,),
                read_only=_flag(read_only),
                echo=_flag(receive_own_messages),
                bitrate=None if bitrate is None else int(bitrate),
                restart_ms=None if restart_ms is None else int(restart_ms),
            )
        except HubError as error:
            raise can.CanInitializationError(str(error)) from None
        self._seen: deque[Seen] = deque()
        self._rest = os.eventfd(0, os.EFD_NONBLOCK)
        self._readable = select.epoll()
        self._readable.register(self._client.fileno(), select.EPOLLIN)
        self._readable.register(self._rest, select.EPOLLIN)
        self.channel = channel
        self.channel_info = f"{channel} of the hub at {path}"
        super().__init__(channel=channel, **kwargs)

    def send(self, msg: can.Message, timeout: float | None = None) -> None:
        """Send a data frame of up to 8 bytes; waits while the bus is full, at most ``timeout`` s.

        Raises can.CanTimeoutError, can.CanOperationError.
        """
        if msg.is_remote_frame or msg.is_error_frame or msg.is_fd or len(msg.data) > 8:
            raise can.CanOperationError("the hub carries data frames of up to 8 bytes, no others")
        if self._client.welcome.read_only:
            raise can.CanOperationError("the hub lets this client read only")
        frame = Frame(msg.arbitration_id, bytes(msg.data), msg.is_extended_id)
        try:
            self._client.send(frame, timeout_s=timeout)
        except HubTimeout as error:
            raise can.CanTimeoutError(str(error)) from None
        except HubError as error:
            raise can.CanOperationError(str(error)) from None

    def _recv_internal(self, timeout: float | None) -> tuple[can.Message | None, bool]:
        if not self._seen:
            self._fetch(timeout)
        if not self._seen:
            return None, False
        seen = self._seen.popleft()
        if not self._seen:
            self._tell_rest(False)
        return self._message(seen), False

    def _fetch(self, timeout: float | None) -> None:
        try:
            self._seen.extend(self._client.receive(timeout))
        except HubError as error:
            raise can.CanOperationError(str(error)) from None
        if len(self._seen) > 1:
            self._tell_rest(True)

    def _tell_rest(self, some: bool) -> None:
        """Make `fileno` readable for frames that have left the socket, or no longer."""
        if some:
            os.eventfd_write(self._rest, 1)
            return
        try:
            os.eventfd_read(self._rest)
        except BlockingIOError:
            # It was the only frame of its batch.
            return

    def _message(self, seen: Seen) -> can.Message:
        return can.Message(
            timestamp=seen.time_us / 1e6,
            arbitration_id=seen.identifier,
            is_extended_id=seen.extended,
            is_error_frame=seen.is_error,
            is_rx=not seen.is_echo,
            data=seen.data,
            channel=self.channel,
        )

    def fileno(self) -> int:
        """Readable as long as `recv` has a frame to give."""
        return self._readable.fileno()

    @property
    def state(self) -> can.BusState:
        """The state of this client's controller, as far as `recv` has come."""
        return _STATES[self._client.states.get(0, ControllerState.ERROR_ACTIVE)]

    @state.setter
    def state(self, new_state: can.BusState) -> None:
        raise NotImplementedError("a controller's state follows from its errors")

    def shutdown(self) -> None:
        """Leave the hub; what was sent still goes out."""
        if self._is_shutdown:
            return
        super().shutdown()
        self._readable.close()
        os.close(self._rest)
        self._client.close()

    @staticmethod
    def _detect_available_configs() -> list[Any]:
        """The buses of a hub that listens where this user's does."""
        path = default_socket()
        try:
            with HubClient(path, "detection", ()) as client:
                return [
                    {"interface": "hil_hub", "channel": bus.name, "socket": str(path)}
                    for bus in client.welcome.buses
                ]
        except HubError:
            return []


def _flag(value: bool | str) -> bool:
    """Options of python-can's tools come as they were typed."""
    if isinstance(value, str):
        return value.strip().lower() in {"true", "1", "yes", "on"}
    return value
