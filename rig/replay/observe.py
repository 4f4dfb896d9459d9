"""What the device under test says of itself on the buses, as signals with a time.

The same for a log and for a simulated run, so that a condition means the same in both. Only what
somebody wants is decoded: of three million frames most are passed over by a look at the identifier.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from rig.can.by_dbc import general_decoder, private_decoder, sma_decoder, visedo_decoder
from rig.can.decode import Decoder
from rig.can.frame import Frame, header_of
from rig.can.n2k import N2kDecoder
from rig.can.vreg_table import TYPE_BYTES, Field, load_vreg_table

Value = float | int | str | None
Handler = Callable[[int, bytes], bool]

STANDBY, RUNNING, SHUTTING_DOWN = 14, 9, 12  # public: register 0x0371
CONTACTOR_BITS = 1 << 7 | 1 << 8  # public: register 0x2100
ALWAYS = ("state", "flags", "error", "last_error_1")
PERIODIC_PGNS = frozenset({127506, 127508})  # public: told while it is on
BEACON = 0x18F000  # of the private bus (rig/can/dbc/private.dbc)
CLAIM_PGN, VREG_PGN, BATTERY_FUNCTION = 60928, 61184, 170
FIRST_ADDRESS = 0x50  # public: communication guide, until a battery claims another
VE_CAN, PRIVATE, EXTERNAL = "ve_can", "private", "external"
DECODERS: dict[str, tuple[str, Callable[[], Decoder]]] = {
    "n2k": (VE_CAN, N2kDecoder),
    "general": (EXTERNAL, general_decoder),
    "sma": (EXTERNAL, sma_decoder),
    "visedo": (EXTERNAL, visedo_decoder),
    "private": (PRIVATE, private_decoder),
}
OWN = ("contactor", "event")  # signals that are made of registers here


class MessageKind(StrEnum):
    """By what a message is named."""

    PGN = "PGN"
    REGISTER = "register"
    IDENTIFIER = "identifier"


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the device: a PGN, a VREG, or an 11 bit identifier."""

    kind: MessageKind
    number: int

    def __str__(self) -> str:
        match self.kind:
            case MessageKind.PGN:
                return str(self.number)
            case MessageKind.REGISTER:
                return f"0x{self.number:04X}"
            case MessageKind.IDENTIFIER:
                return f"0x{self.number:03X}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which signals and which messages somebody looks at."""

    signals: frozenset[str] = frozenset()
    messages: frozenset[Message] = frozenset()


def vreg_fields() -> dict[str, tuple[int, Field]]:
    """Every field of a register by its name, with the register's number."""
    return {
        field.name: (register.number, field)
        for register in load_vreg_table().registers.values()
        for field in register.fields
    }


class Observer:
    """Follows one device: `take` every frame, then read `values` and `heard_us`.

    ``address``: the device's on VE.Can; from then on its address claims are followed.
    """

    def __init__(self, wanted: Wanted, address: int = FIRST_ADDRESS) -> None:
        self.values: dict[str, Value] = {}
        self.heard_us: dict[Message, int] = {}
        self.now_us = 0
        self.on_since_us: int | None = None  # when it left standby, or was first heard otherwise
        self.address = address
        self._name: bytes | None = None
        self._messages = wanted.messages
        self._registers = _registers_of({*ALWAYS, *wanted.signals})
        kinds = {name.partition(".")[0] for name in wanted.signals} & DECODERS.keys()
        self._decoders = {kind: DECODERS[kind][1]() for kind in sorted(kinds)}
        self._wanted = wanted.signals
        self._routes: dict[str, dict[tuple[int, bool], Handler | None]] = {
            bus: {} for bus in (VE_CAN, PRIVATE, EXTERNAL)
        }

    def take(self, t_us: int, bus: str, can_id: int, extended: bool, data: bytes) -> bool:
        """One frame of a bus; whether it told anything that is wanted."""
        self.now_us = t_us
        routes = self._routes.get(bus)
        if routes is None:
            return False
        try:
            handler = routes[can_id, extended]
        except KeyError:
            handler = routes[can_id, extended] = self._route(bus, can_id, extended)
        return False if handler is None else handler(t_us, data)

    def _route(self, bus: str, can_id: int, extended: bool) -> Handler | None:
        """What is to be done with frames of an identifier; None: nothing."""
        handlers: list[Handler] = []
        if bus == VE_CAN and extended:
            header = header_of(can_id)
            if header.pgn == CLAIM_PGN:
                handlers.append(self._claims(header.source))
            if header.source == self.address:
                if header.pgn == VREG_PGN:
                    handlers.append(self._vreg)
                elif header.pgn in PERIODIC_PGNS:
                    handlers.append(self._is_on)
                handlers += self._told(Message(MessageKind.PGN, header.pgn))
                handlers += self._decoded(VE_CAN, can_id, extended)
        elif not extended:
            handlers += self._told(Message(MessageKind.IDENTIFIER, can_id))
            handlers += self._decoded(bus, can_id, extended)
        else:
            if bus == PRIVATE and can_id >> 8 == BEACON:
                handlers.append(self._beacon)
            handlers += self._decoded(bus, can_id, extended)
        if not handlers:
            return None
        if len(handlers) == 1:
            return handlers[0]

        def all_of_them(t_us: int, data: bytes) -> bool:
            told = [handler(t_us, data) for handler in handlers]
            return any(told)

        return all_of_them

    def _is_on(self, t_us: int, _data: bytes) -> bool:
        """What only a device that is on tells, to who came too late to hear of its state."""
        if self.on_since_us is None and self.values.get("state") is None:
            self.on_since_us = t_us
        return False

    def _beacon(self, t_us: int, data: bytes) -> bool:
        """Its sign of life on the private bus has the state, too."""
        if self.values.get("state") is not None or not data:
            return False
        self.values["state"] = data[0]
        self._note_state(t_us, None, data[0])
        return True

    def _claims(self, source: int) -> Handler:
        """A battery that claims an address: ours, if it is the first, or has moved."""

        def claimed(_t_us: int, data: bytes) -> bool:
            if len(data) < 8 or data[5] != BATTERY_FUNCTION:
                return False
            if self._name is None and source in {self.address, FIRST_ADDRESS}:
                self._name = data
            if self._name == data and source != self.address:
                self.address = source
                self._routes[VE_CAN].clear()
            return False

        return claimed

    def _told(self, message: Message) -> list[Handler]:
        if message not in self._messages:
            return []

        def told(t_us: int, _data: bytes) -> bool:
            self.heard_us[message] = t_us
            return True

        return [told]

    def _vreg(self, t_us: int, data: bytes) -> bool:
        """A register that it tells everybody."""
        if len(data) < 5 or data[:2] != b"\x66\x99":
            return False
        number = data[2] | data[3] << 8
        interesting = False
        if self._messages:
            message = Message(MessageKind.REGISTER, number)
            if message in self._messages:
                self.heard_us[message] = t_us
                interesting = True
        fields = self._registers.get(number)
        if fields is None:
            return interesting
        start = 4
        for field in fields:
            size = TYPE_BYTES.get(field.type, 4)
            self._put(t_us, field, data[start : start + size])
            start += size
        return True

    def _put(self, t_us: int, field: Field, piece: bytes) -> None:
        raw = int.from_bytes(piece, "little", signed=field.type.startswith("sn"))
        missing = raw == field.not_available
        value: Value = None if missing else round(raw * field.scale, 6)
        before = self.values.get(field.name)
        self.values[field.name] = value
        if field.name == "flags":
            self.values["contactor"] = int(bool(raw & CONTACTOR_BITS))
        elif field.name == "state":
            self._note_state(t_us, before, value)
        # What stood in the list before anybody listened is no event of this log.
        is_event = field.name == "error" or (field.name == "last_error_1" and before is not None)
        if is_event and value and value != before:
            self.values["event"] = value

    def _note_state(self, t_us: int, before: Value, value: Value) -> None:
        if value == STANDBY:
            self.on_since_us = None
        elif self.on_since_us is None or before == STANDBY:
            self.on_since_us = t_us

    def _decoded(self, bus: str, can_id: int, extended: bool) -> list[Handler]:
        """Whoever of the decoders knows frames of this identifier."""
        found = []
        for kind, decoder in self._decoders.items():
            if DECODERS[kind][0] != bus or (kind == "n2k") is not (bus == VE_CAN):
                continue
            names = decoder.names(Frame(can_id, bytes(8), extended))
            if names is None or not names.isdisjoint(self._wanted):
                found.append(self._by(decoder, can_id, extended))
        return found

    def _by(self, decoder: Decoder, can_id: int, extended: bool) -> Handler:
        def decode(t_us: int, data: bytes) -> bool:
            signals = decoder.signals(t_us, Frame(can_id, data, extended))
            for signal in signals:
                self.values[signal.name] = signal.value
                if signal.source is not None:
                    self.values[f"{signal.name}.{signal.source}"] = signal.value
            return bool(signals)

        return decode


def _registers_of(names: Iterable[str]) -> dict[int, tuple[Field, ...]]:
    """The registers to decode for these signals, with all their fields."""
    fields, table = vreg_fields(), load_vreg_table()
    numbers = {fields[bare][0] for name in names if (bare := name.removeprefix("vreg.")) in fields}
    return {number: table.registers[number].fields for number in numbers}
