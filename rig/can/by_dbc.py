"""Decoding by a DBC file with cantools: the 11-bit protocols and the private bus.

Rules of this file: two attributes of ours stand in the DBC files: `NotAvailable` (the raw code that
says so) and `Text` (the signal is characters, first one first). cantools is imported with the
first decoder. A lab with the maker's own DBC of the private bus gives its path instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rig.can.decode import DecodedSignal
from rig.can.frame import Frame

if TYPE_CHECKING:
    from cantools.database.can import Message, Signal

FOLDER = Path(__file__).with_name("dbc")
SMA = FOLDER / "sma.dbc"
GENERAL = FOLDER / "general.dbc"
PRIVATE = FOLDER / "private.dbc"
VISEDO = FOLDER / "visedo.dbc"
MGREG = FOLDER / "mgreg.dbc"


class DbcDecoder:
    """Frames to signals named `<prefix>.<signal>`.

    ``node_bits`` low bits of an identifier are the sender's number and not the message's.
    """

    def __init__(self, path: Path, prefix: str, node_bits: int = 0) -> None:
        from cantools.database import load_file
        from cantools.database.can import Database

        database = load_file(path)
        if not isinstance(database, Database):
            raise ValueError(f"{path}: no CAN database")
        self._prefix = prefix
        self._node_mask = (1 << node_bits) - 1
        self._messages = {
            (message.frame_id, message.is_extended_frame): (
                message,
                tuple(_column(prefix, signal) for signal in message.signals),
            )
            for message in database.messages
        }
        self._names = {
            key: frozenset(column.full_name for column in columns)
            for key, (_, columns) in self._messages.items()
        }
        self._last: dict[int, tuple[bytes, dict[str, int]]] = {}

    def names(self, frame: Frame) -> frozenset[str]:
        """Which signals this frame can carry."""
        key = (frame.identifier & ~self._node_mask, frame.extended)
        return self._names.get(key, frozenset())

    def signals(self, time_us: int, frame: Frame) -> tuple[DecodedSignal, ...]:
        """The signals of a frame; those that a short frame does not reach are left out."""
        key = (frame.identifier & ~self._node_mask, frame.extended)
        message, columns = self._messages.get(key, (None, ()))
        if message is None:
            return ()
        # Batteries say the same again and again; the codes are worked out when they are new.
        known = self._last.get(frame.identifier)
        if known is None or known[0] != frame.data:
            known = self._last[frame.identifier] = frame.data, _raw_values(message, frame.data)
        raw = known[1]
        source = frame.identifier & self._node_mask if self._node_mask else None
        return tuple(
            column.signal(raw[column.name], time_us, source)
            for column in columns
            if column.name in raw
        )

    def changed(self, time_us: int, frame: Frame, before: bytes) -> tuple[DecodedSignal, ...]:
        """Those signals whose codes are others than in an earlier frame of this identifier."""
        key = (frame.identifier & ~self._node_mask, frame.extended)
        _, columns = self._messages.get(key, (None, ()))
        data = frame.data
        if len(data) != len(before) or any(column.bits is None for column in columns):
            return self.signals(time_us, frame)
        code = int.from_bytes(data, "little")
        differs = code ^ int.from_bytes(before, "little")
        source = frame.identifier & self._node_mask if self._node_mask else None
        return tuple(
            column.signal(column.raw(code), time_us, source)
            for column in columns
            if column.bits is not None
            and differs & column.bits
            and column.bits.bit_length() <= 8 * len(data)
        )

    def values(self, frame: Frame) -> dict[str, float | int | str | None]:
        """Signal to value, without the prefix; empty for an unknown frame."""
        start = len(self._prefix) + 1
        return {each.name[start:]: each.value for each in self.signals(0, frame)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """What is to be known of a signal, taken from the DBC once."""

    name: str
    full_name: str
    unit: str
    scale: float
    offset: float
    text_bytes: int
    not_available: int | None
    labels: Mapping[int, str]
    bits: int | None
    """Where it is in the data as a little-endian number; None where it is not that simple."""
    shift: int
    signed_from: int
    """The least code that stands for a negative number."""

    def raw(self, code: int) -> int:
        """Its code, from the data as a number; for a column with `bits`."""
        raw = (code & (self.bits or 0)) >> self.shift
        return raw if raw < self.signed_from else raw - 2 * self.signed_from

    def signal(self, raw: int, time_us: int, source: int | None) -> DecodedSignal:
        """The signal that a raw code stands for."""
        return DecodedSignal(
            name=self.full_name,
            value=self._value(raw),
            unit=self.unit,
            time_us=time_us,
            source=source,
            label=self.labels.get(raw, ""),
        )

    def _value(self, raw: int) -> float | int | str | None:
        if raw == self.not_available:
            return None
        if self.text_bytes:
            return raw.to_bytes(self.text_bytes, "little").rstrip(b"\0\xff").decode("latin-1")
        if self.scale == 1 and self.offset == 0:
            return raw
        # Rounded, so that 579 x 0.1 is 57.9.
        return round(raw * self.scale + self.offset, 6)


def sma_decoder() -> DbcDecoder:
    """What an SMA inverter reads: signals `sma.*`."""
    return DbcDecoder(SMA, "sma")


def general_decoder() -> DbcDecoder:
    """What a reader of the General BMS protocol reads: signals `general.*`."""
    return DbcDecoder(GENERAL, "general")


def private_decoder(path: Path = PRIVATE) -> DbcDecoder:
    """The bus between master and batteries, ours unless a lab names another DBC: `private.*`."""
    return DbcDecoder(path, "private", node_bits=8)


def visedo_decoder() -> DbcDecoder:
    """The Visedo protocol and the Powerfinn charger that belongs to it: signals `visedo.*`."""
    return DbcDecoder(VISEDO, "visedo")


def mgreg_decoder() -> DbcDecoder:
    """MG's own registers on VE.Can: signals `mgreg.*`."""
    return DbcDecoder(MGREG, "mgreg", node_bits=8)


def _column(prefix: str, signal: "Signal") -> _Column:
    attributes = signal.dbc.attributes if signal.dbc is not None else None
    ours = {
        name: int(attributes[name].value)
        for name in ("Text", "NotAvailable")
        if attributes and name in attributes
    }
    choices: Mapping[int, object] = signal.choices or {}
    return _Column(
        name=signal.name,
        full_name=f"{prefix}.{signal.name}",
        unit=signal.unit or "",
        scale=signal.scale,
        offset=signal.offset,
        text_bytes=(signal.length + 7) // 8 if ours.get("Text") else 0,
        not_available=ours.get("NotAvailable"),
        labels={code: str(label) for code, label in choices.items()},
        bits=((1 << signal.length) - 1) << signal.start if _is_simple(signal) else None,
        shift=signal.start,
        signed_from=1 << (signal.length - signal.is_signed),
    )


def _is_simple(signal: "Signal") -> bool:
    return (
        signal.byte_order == "little_endian"
        and not signal.is_multiplexer
        and not signal.multiplexer_ids
        and not signal.is_float
    )


def _raw_values(message: "Message", data: bytes) -> dict[str, int]:
    """The codes of a frame; none where its multiplexer names what the file does not know."""
    from cantools.database.errors import DecodeError

    try:
        decoded = message.decode(data, decode_choices=False, scaling=False, allow_truncated=True)
    except DecodeError:
        return {}
    if not isinstance(decoded, dict):
        return {}
    return {name: int(value) for name, value in decoded.items() if isinstance(value, int | float)}
