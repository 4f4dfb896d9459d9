"""The diagnostic tool's CAN adapter on the bench's VE.Can: requests and answers over ISO-TP.

It takes part in the bus from its first request on, and from then on it acknowledges frames, as an
adapter does.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from rig.can import isotp
from rig.can.face import CanBus, CanNode
from rig.can.frame import Frame
from rig.can.node import ControllerState

LATENCY_S = 0.02  # chosen: a CAN adapter and the tool's own turn-around
ANSWER_WITHIN_S = 0.9  # chosen: its repetitions keep no step with a period of the device
PENDING_WITHIN_S = 5.0  # public: ISO 14229-2, once the device has said that it takes longer
ATTEMPTS = 3  # chosen: the tool repeats a question, for instance to a device that loses frames
PENDING = 0x78
ECHOING = frozenset({0x22, 0x2E})  # services whose answer repeats the identifier asked for


class ToolLink:
    """One adapter, which talks to the device that has this address now."""

    def __init__(self, bus: CanBus, address: Callable[[], int], name: str = "tool") -> None:
        self._bus, self._address, self._name = bus, address, name
        self._node: CanNode | None = None
        self._heard: deque[bytes] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._lock = asyncio.Lock()

    async def ask(self, request: bytes, attempts: int = ATTEMPTS) -> bytes:
        """One exchange. Raises TimeoutError if no answer comes, however often it is asked."""
        async with self._lock:
            for attempt in range(attempts):
                try:
                    answer = await self._exchange(request)
                except (TimeoutError, isotp.TransportError) as error:
                    if attempt + 1 == attempts:
                        raise TimeoutError(f"no answer to the diagnostic tool: {error}") from error
                else:
                    await asyncio.sleep(LATENCY_S)
                    return answer
        raise AssertionError("unreachable")

    async def _exchange(self, request: bytes) -> bytes:
        self._heard.clear()
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await self._put(isotp.Request(request))
        within_s = ANSWER_WITHIN_S
        while True:
            answer = await self._take(within_s)
            if answer[:1] == b"\x7f" and answer[2:3] == bytes([PENDING]):
                within_s = PENDING_WITHIN_S
            elif _fits(answer, request):
                return answer

    async def _put(self, message: isotp.Request) -> None:
        self._send(message.first())
        while not message.is_complete:
            permitted = isotp.permission(await self._next())
            if permitted is None:
                continue
            for payload in message.permitted(permitted.frames):
                self._send(payload)
                if permitted.separation_us:
                    await asyncio.sleep(permitted.separation_us / 1e6)

    async def _take(self, within_s: float) -> bytes:
        answer = isotp.Answer()
        async with asyncio.timeout(within_s):
            while answer.message is None:
                reply = answer.take(await self._next())
                if reply is not None:
                    self._send(reply)
        return answer.message

    def _send(self, payload: bytes) -> None:
        if self._node is None:
            self._node = self._bus.attach(self._name, self._receive)
            self._node.accept = isotp.is_for_the_tester
            self._node.on_state = self._recover
        self._node.send(isotp.frame_to(self._address(), payload))

    def _recover(self, state: ControllerState) -> None:
        if state is ControllerState.BUS_OFF and self._node is not None:
            self._node.recover()

    async def _next(self) -> bytes:
        """The next frame from the device."""
        while not self._heard:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._heard.popleft()

    def _receive(self, _time_us: int, frame: Frame) -> None:
        if not isotp.is_from(frame, self._address()):
            return
        self._heard.append(frame.data)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def _fits(answer: bytes, request: bytes) -> bool:
    """Whether it answers this request, and not one that was given up."""
    if answer[:1] == b"\x7f":
        return answer[1:2] == request[:1]
    return answer[:1] == bytes([request[0] + 0x40 & 0xFF]) and (
        request[0] not in ECHOING or answer[1:3] == request[1:3]
    )
