"""VE.Can registers as an observer reads them: PGN 61184, or 126720 for what is longer.

Rules of this file: data is `66 99` (MG's own code: `88 9C`), register, value, little endian;
register 0x0001 asks for another one, 0x0002 acknowledges or refuses. Nothing here comes from the
firmware model: two codecs by two minds, so that they can disagree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rig.can.decode import DecodedSignal
from rig.can.fast_packet import FastPacketAssembler
from rig.can.frame import Frame, Header, header_of
from rig.can.vreg_table import TYPE_BYTES, Field, VregTable, load_vreg_table

SINGLE_PGN = 61184
LONG_PGN = 126720
REQUEST = 0x0001
ACKNOWLEDGE = 0x0002
VICTRON = 358
MG = 1160

_MANUFACTURERS = {b"\x66\x99": VICTRON, b"\x88\x9c": MG}


@dataclass(frozen=True, slots=True, kw_only=True)
class VregMessage:
    """One VREG frame; `register` is the one that a request or an acknowledge is about.

    Data that is addressed (`destination` not 255) is a write.
    """

    kind: Literal["data", "request", "ack"]
    register: int
    name: str
    source: int
    destination: int
    values: Mapping[str, float | None]
    """Field to number in its unit; None is not available, or cut off."""
    raw: bytes
    """The register's data, padding included."""
    manufacturer: int = VICTRON
    code: int | None = None
    """Of an acknowledge: 0 is ok."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Strings, versions, and what a code means."""
    set_bits: frozenset[str] = frozenset()
    """Names of the flags that are set."""


class VregDecoder:
    """Reads VREG frames by the rig's own table."""

    def __init__(self, table: VregTable | None = None) -> None:
        self._table = table or load_vreg_table()
        self._assembler = FastPacketAssembler()

    def decode(self, frame: Frame) -> VregMessage | None:
        """The message that this frame is, or completes; None if it is no VREG frame."""
        if not frame.extended:
            return None
        header = header_of(frame.identifier)
        payload: bytes | None = None
        if header.pgn == SINGLE_PGN:
            payload = frame.data
        elif header.pgn == LONG_PGN:
            payload = self._assembler.push(frame)
        if payload is None or len(payload) < 4:
            return None
        manufacturer = _MANUFACTURERS.get(payload[:2])
        if manufacturer is None:
            return None
        return self._message(header, manufacturer, payload)

    def names(self, frame: Frame) -> None:
        """Only decoding tells."""
        return

    def signals(self, time_us: int, frame: Frame) -> tuple[DecodedSignal, ...]:
        """The fields of a register that was told, named `vreg.<field>`."""
        message = self.decode(frame)
        return () if message is None else self.told(time_us, message)

    def told(self, time_us: int, message: VregMessage) -> tuple[DecodedSignal, ...]:
        """The fields of a message that is a register's data; none of any other."""
        if message.kind != "data":
            return ()
        register = self._table.registers.get(message.register)
        return tuple(
            DecodedSignal(
                name=f"vreg.{each.name}",
                value=_signal_value(message, each),
                unit=each.unit,
                time_us=time_us,
                source=message.source,
                label=message.texts.get(each.name, ""),
            )
            for each in (register.fields if register is not None else ())
        )

    def _message(self, header: Header, manufacturer: int, payload: bytes) -> VregMessage:
        register = int.from_bytes(payload[2:4], "little")
        data = payload[4:]
        kind: Literal["data", "request", "ack"] = "data"
        values: dict[str, float | None] = {}
        texts: dict[str, str] = {}
        set_bits: list[str] = []
        code = None
        if register in {REQUEST, ACKNOWLEDGE} and len(data) >= 2:
            kind = "request" if register == REQUEST else "ack"
            register = int.from_bytes(data[:2], "little")
            if kind == "ack" and len(data) >= 4:
                code = int.from_bytes(data[2:4], "little")
                texts["code"] = self._table.acknowledge_labels.get(code, f"0x{code:04X}")
        known = self._table.registers.get(register)
        if known is not None and kind == "data":
            _read_fields(known.fields, data, values, texts, set_bits)
        return VregMessage(
            kind=kind,
            register=register,
            name=known.name if known is not None else "",
            source=header.source,
            destination=header.destination,
            values=values,
            raw=data,
            manufacturer=manufacturer,
            code=code,
            texts=texts,
            set_bits=frozenset(set_bits),
        )


def _read_fields(
    fields: tuple[Field, ...],
    data: bytes,
    values: dict[str, float | None],
    texts: dict[str, str],
    set_bits: list[str],
) -> None:
    start = 0
    for each in fields:
        if each.type == "string":
            text = data[start:].split(b"\0")[0].rstrip(b"\xff")
            texts[each.name] = text.decode("utf-8", "replace")
            return
        size = TYPE_BYTES[each.type]
        piece = data[start : start + size]
        start += size
        raw = int.from_bytes(piece, "little", signed=each.type.startswith("sn"))
        if len(piece) < size or raw == each.not_available:
            values[each.name] = None
        elif each.type == "version":
            texts[each.name] = f"{raw >> 16}.{raw >> 8 & 0xFF:02d}"
        else:
            # Rounded, so that 579 x 0.1 is 57.9.
            values[each.name] = round(raw * each.scale, 6)
            if raw in each.labels:
                texts[each.name] = each.labels[raw]
            set_bits += [name for bit, name in each.bits.items() if raw >> bit & 1]


def _signal_value(message: VregMessage, each: Field) -> float | str | None:
    if each.name in message.values:
        return message.values[each.name]
    return message.texts.get(each.name)
