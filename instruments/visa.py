"""A VISA library inside this process: real PyVISA resources on twins, in virtual time.

No thread, socket or clock: what a twin answers at once is on its way for the twin's latency, and
whoever waits for it says how the time passes. Reading before an answer is there is a time-out at
once, because virtual time cannot pass inside a blocking call.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from pyvisa import ResourceManager, constants, errors, rname
from pyvisa.highlevel import VisaLibraryBase
from pyvisa.resources import MessageBasedResource
from pyvisa.typing import VISARMSession, VISASession

from instruments.exchange import Turns
from instruments.protocols import Answering, Conversation
from instruments.session import Check, Log, Session

_ATTRIBUTES = constants.ResourceAttribute
_STATUS = constants.StatusCode
# PyVISA keeps one library a path: every bench gets a path, and so a library, of its own.
_SERIAL_NUMBERS = count(1)

Settle = Callable[[float], Awaitable[None]]


class TwinLibrary(VisaLibraryBase):
    """Routes VISA resource names to twins; make it by ``TwinLibrary.create()``."""

    _twins: dict[str, Answering]
    _links: dict[VISASession, "_Link"]
    _handles: "count[int]"

    @classmethod
    def create(cls) -> "TwinLibrary":
        """A library without twins."""
        return cls(f"twins-{next(_SERIAL_NUMBERS)}")

    def _init(self) -> None:
        self._twins = {}
        self._links = {}
        self._handles = count(1)

    def register(self, resource_name: str, twin: Answering) -> None:
        """Let a twin answer at a resource name such as ``TCPIP::psu.bench::5025::SOCKET``."""
        self._twins[_canonical(resource_name)] = twin

    def resource(self, resource_name: str, *, timeout_s: float = 2.0) -> MessageBasedResource:
        """A PyVISA resource with line-feed terminators, as drivers use it."""
        resource = ResourceManager(self).open_resource(
            resource_name,
            read_termination="\n",
            write_termination="\n",
            timeout=1000.0 * timeout_s,
            resource_pyclass=_TwinResource,
        )
        assert isinstance(resource, MessageBasedResource)
        return resource

    def open_session(
        self,
        resource_name: str,
        *,
        now_us: Callable[[], int],
        settle: Settle = asyncio.sleep,
        timeout_s: float = 2.0,
        check: Check = "each",
        log: Log | None = None,
    ) -> Session:
        """A session on a twin; ``settle`` lets seconds pass, as asyncio.sleep of a virtual loop."""
        resource = self.resource(resource_name, timeout_s=timeout_s)
        return Session(
            resource,
            name=resource_name,
            runner=Turns(self.waiter(resource, settle)),
            now_us=now_us,
            sleep=settle,
            stream=_canonical(resource_name).endswith("::SOCKET"),
            check=check,
            log=log,
        )

    def waiter(
        self, resource: MessageBasedResource, settle: Settle
    ) -> Callable[[], Awaitable[None]]:
        """What a session awaits between writing and reading: the answer, or the time-out."""
        links = self._links

        async def wait() -> None:
            link = links[resource.session]
            seconds = link.seconds_to_answer()
            await settle(seconds)
            link.pass_time(seconds)

        return wait

    def close_all(self) -> None:
        """Close every resource and the resource manager."""
        if self.resource_manager is not None:
            self.resource_manager.close()

    # The VISA functions that message-based resources use.

    def open_default_resource_manager(self) -> tuple[VISARMSession, constants.StatusCode]:
        """Begin; see viOpenDefaultRM."""
        return VISARMSession(next(self._handles)), _STATUS.success

    def list_resources(self, session: VISARMSession, query: str = "?*::INSTR") -> tuple[str, ...]:
        """Names that answer, in the order of their registration; see viFindRsrc."""
        return tuple(rname.filter(list(self._twins), query))

    def open(
        self,
        session: VISARMSession,
        resource_name: str,
        access_mode: constants.AccessModes = constants.AccessModes.no_lock,
        open_timeout: int = constants.VI_TMO_IMMEDIATE,
    ) -> tuple[VISASession, constants.StatusCode]:
        """Connect to a twin; see viOpen."""
        name = _canonical(resource_name)
        twin = self._twins.get(name)
        if twin is None or twin.lost:
            raise errors.VisaIOError(_STATUS.error_resource_not_found)
        handle = VISASession(next(self._handles))
        self._links[handle] = _Link(twin, name)
        return handle, _STATUS.success

    def close(self, session: Any) -> constants.StatusCode:
        """Disconnect; see viClose."""
        self._links.pop(session, None)
        return _STATUS.success

    def write(self, session: VISASession, data: bytes) -> tuple[int, constants.StatusCode]:
        """Send, and put the answer on its way; see viWrite."""
        self._link(session).write(data)
        return len(data), _STATUS.success

    def read(self, session: VISASession, count: int) -> tuple[bytes, constants.StatusCode]:
        """Take what has arrived; see viRead."""
        return self._link(session).read(count)

    def clear(self, session: VISASession) -> constants.StatusCode:
        """Drop what has arrived or is on its way; see viClear."""
        self._link(session).clear()
        return _STATUS.success

    def get_attribute(self, session: Any, attribute: Any) -> tuple[Any, constants.StatusCode]:
        """Read an attribute; see viGetAttribute."""
        try:
            return self._link(session).attributes[attribute], _STATUS.success
        except KeyError:
            raise errors.VisaIOError(_STATUS.error_nonsupported_attribute) from None

    def set_attribute(
        self, session: VISASession, attribute: Any, attribute_state: Any
    ) -> constants.StatusCode:
        """Change an attribute; see viSetAttribute."""
        link = self._link(session)
        if attribute not in link.attributes:
            raise errors.VisaIOError(_STATUS.error_nonsupported_attribute)
        link.attributes[attribute] = attribute_state
        link.take_attributes()
        return _STATUS.success

    def disable_event(
        self, session: VISASession, event_type: Any, mechanism: Any
    ) -> constants.StatusCode:
        """There are no events; see viDisableEvent."""
        return _STATUS.success

    def discard_events(
        self, session: VISASession, event_type: Any, mechanism: Any
    ) -> constants.StatusCode:
        """There are no events; see viDiscardEvents."""
        return _STATUS.success

    def _link(self, session: VISASession) -> "_Link":
        try:
            link = self._links[session]
        except KeyError:
            raise errors.InvalidSession from None
        if link.twin.lost:
            raise errors.VisaIOError(_STATUS.error_connection_lost)
        return link


class _TwinResource(MessageBasedResource):
    """PyVISA's resource, with a shorter way for the answer that comes whole: nearly every one."""

    def read(self, termination: str | None = None, encoding: str | None = None) -> str:
        """Read an answer without its termination."""
        end = self._read_termination
        if not end or termination is not None or encoding is not None:
            return super().read(termination, encoding)
        data, status = self.visalib.read(self.session, self.chunk_size)
        if status is _STATUS.success_max_count_read:
            return data.decode(self._encoding) + super().read()
        return data.decode(self._encoding).removesuffix(end)


class _Link:
    """One VISA session's connection: answers on their way, and answers that have arrived.

    A ``SOCKET`` is a stream: a late answer stays in it and ends only at a termination character.
    An ``INSTR`` exchanges messages: an unread answer is thrown away by the next message.
    """

    def __init__(self, twin: Answering, name: str) -> None:
        self.twin = twin
        self._stream = name.endswith("::SOCKET")
        self._peer: Conversation = twin.conversation()
        self._on_the_way: list[tuple[float, bytes]] = []
        self._arrived = b""
        self.attributes: dict[Any, Any] = {
            _ATTRIBUTES.timeout_value: 2000,
            _ATTRIBUTES.termchar: 10,
            _ATTRIBUTES.termchar_enabled: constants.VI_FALSE,
            _ATTRIBUTES.send_end_enabled: constants.VI_TRUE,
            _ATTRIBUTES.suppress_end_enabled: constants.VI_FALSE,
            _ATTRIBUTES.resource_name: name,
            _ATTRIBUTES.resource_class: name.rsplit("::", 1)[-1],
            _ATTRIBUTES.interface_type: constants.InterfaceType.tcpip,
            _ATTRIBUTES.resource_lock_state: constants.AccessModes.no_lock,
        }
        self.take_attributes()

    def take_attributes(self) -> None:
        """Keep what every exchange needs at hand."""
        self._timeout_s: float = self.attributes[_ATTRIBUTES.timeout_value] / 1000
        enabled = self.attributes[_ATTRIBUTES.termchar_enabled]
        self._end = bytes([self.attributes[_ATTRIBUTES.termchar]]) if enabled else b""

    def write(self, data: bytes) -> None:
        """Send bytes to the twin."""
        if not self._stream and (self._arrived or self._on_the_way):
            self.clear()
            self._peer.interrupted()
        answers = self._peer.receive(data)
        if not answers:
            return
        if self.twin.latency_s > 0:
            self._on_the_way.append((self.twin.latency_s, answers))
        else:
            self._arrived += answers

    def seconds_to_answer(self) -> float:
        """How long a patient client waits: for what is on its way, but not beyond the time-out."""
        if self._arrived:
            return 0.0
        due_s = self._on_the_way[0][0] if self._on_the_way else self._timeout_s
        return min(due_s, self._timeout_s)

    def pass_time(self, seconds: float) -> None:
        """Let what is due arrive."""
        still: list[tuple[float, bytes]] = []
        for due_s, answers in self._on_the_way:
            if due_s <= seconds:
                self._arrived += answers
            else:
                still.append((due_s - seconds, answers))
        self._on_the_way = still

    def read(self, count: int) -> tuple[bytes, constants.StatusCode]:
        """Take one answer, or a part of it if ``count`` is less."""
        arrived = self._arrived
        length = arrived.find(self._end) + 1 if self._end else 0 if self._stream else len(arrived)
        if length == 0:
            if not self._stream and not self._on_the_way:
                self._peer.unterminated()
            raise errors.VisaIOError(_STATUS.error_timeout)
        if length > count:
            self._arrived = arrived[count:]
            return arrived[:count], _STATUS.success_max_count_read
        self._arrived = arrived[length:]
        ended = _STATUS.success_termination_character_read if self._end else _STATUS.success
        return arrived[:length], ended

    def clear(self) -> None:
        """Forget answers."""
        self._arrived = b""
        self._on_the_way.clear()


def _canonical(resource_name: str) -> str:
    return str(rname.ResourceName.from_string(resource_name))
