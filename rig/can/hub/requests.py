"""What our processes ask of the hub, and what it answers: one JSON object a datagram.

Rules of this file: parsed once, here, into types; a refusal names the field and what is allowed.
The first request of a client is its `Hello`. Who can open the hub's socket may ask for anything:
the file system keeps the others out.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

T = TypeVar("T")

DISTURB_US_MAX = 60_000_000
RESTART_MS_MAX = 60_000
NAME_LENGTH_MAX = 64


class BadRequest(ValueError):
    """A request that cannot be met; the message names the field and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Who comes, to which buses; a client's bus numbers count along ``buses``.

    ``bitrate``: what its controllers are set to; None: as the bus. ``restart_ms``: when a
    controller that is bus-off recovers by itself; None: when asked.
    """

    name: str
    buses: tuple[str, ...] = ()
    read_only: bool = False
    echo: bool = False
    bitrate: int | None = None
    restart_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskStatistics:
    """What the buses and the clients have done until now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturb:
    """Glitches on a bus: what is on it in the next ``duration_us`` ends in error frames."""

    bus: str
    duration_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plug:
    """Pull a client's cable on a bus, or plug it in again."""

    bus: str
    client: str
    attached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover:
    """Leave bus-off; ``client`` is whose controller."""

    bus: str
    client: str


Request = Hello | AskStatistics | Disturb | Plug | Recover


@dataclass(frozen=True, slots=True, kw_only=True)
class BusSpec:
    """A bus of the hub."""

    name: str
    bitrate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """The answer to a `Hello`. ``name`` is what the client is called from now on.

    Time of a frame less ``monotonic_offset_us`` is the machine's monotonic clock in us;
    ``epoch_us`` is when the hub began, a whole number of milliseconds.
    """

    name: str
    buses: tuple[BusSpec, ...]
    read_only: bool
    epoch_us: int
    monotonic_offset_us: int


def parse_request(received: bytes) -> Request:
    """The request of a datagram. Raises BadRequest."""
    fields = _object(received)
    kind = fields.pop("ask", None)
    match kind:
        case "hello":
            request: Request = Hello(
                name=_text(fields, "name"),
                buses=tuple(_texts(fields, "buses")),
                read_only=_flag(fields, "read_only"),
                echo=_flag(fields, "echo"),
                bitrate=_maybe_number(fields, "bitrate", 10_000, 1_000_000),
                restart_ms=_maybe_number(fields, "restart_ms", 0, RESTART_MS_MAX),
            )
        case "statistics":
            request = AskStatistics()
        case "disturb":
            request = Disturb(
                bus=_text(fields, "bus"),
                duration_us=_number(fields, "duration_us", 1, DISTURB_US_MAX),
            )
        case "plug":
            request = Plug(
                bus=_text(fields, "bus"),
                client=_text(fields, "client"),
                attached=_flag(fields, "attached"),
            )
        case "recover":
            request = Recover(bus=_text(fields, "bus"), client=_text(fields, "client"))
        case _:
            raise BadRequest(f"ask: {kind!r}; allowed: hello, statistics, disturb, plug, recover")
    if fields:
        raise BadRequest(f"{', '.join(fields)}: unknown to {kind!r}")
    return request


def request_bytes(request: Request) -> bytes:
    """A request as it is sent."""
    kinds = {
        Hello: "hello",
        AskStatistics: "statistics",
        Disturb: "disturb",
        Plug: "plug",
        Recover: "recover",
    }
    return message_bytes({"ask": kinds[type(request)], **asdict(request)})


def message_bytes(fields: dict[str, Any]) -> bytes:
    """An answer as it is sent."""
    return json.dumps(fields, separators=(",", ":")).encode()


def _object(received: bytes) -> dict[str, Any]:
    try:
        found = json.loads(received)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadRequest("not a JSON object")
    return found


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.pop(name, None)
    if not isinstance(value, str) or not 0 < len(value) <= NAME_LENGTH_MAX:
        raise BadRequest(f"{name}: {value!r}; allowed: 1 to {NAME_LENGTH_MAX} characters")
    if not value.isprintable():
        raise BadRequest(f"{name}: {value!r}; allowed: printable characters")
    return value


def _texts(fields: dict[str, Any], name: str) -> list[str]:
    values = fields.pop(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadRequest(f"{name}: {values!r}; allowed: a list of names")
    if len(set(values)) < len(values):
        raise BadRequest(f"{name}: {values!r}; allowed: each once")
    return values


def _flag(fields: dict[str, Any], name: str) -> bool:
    value = fields.pop(name, False)
    if not isinstance(value, bool):
        raise BadRequest(f"{name}: {value!r}; allowed: true or false")
    return value


def _number(fields: dict[str, Any], name: str, low: int, high: int) -> int:
    value = fields.pop(name, None)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadRequest(f"{name}: {value!r}; allowed: a whole number, {low} to {high}")
    return value


def _maybe_number(fields: dict[str, Any], name: str, low: int, high: int) -> int | None:
    if fields.get(name) is None:
        fields.pop(name, None)
        return None
    return _number(fields, name, low, high)
