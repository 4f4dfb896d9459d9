"""NMEA 2000 messages by the `nmea2000` library, in the rig's own types.

Rules of this file: the library is imported with the first decoder, because its import takes long;
its wall-clock time stamps are not passed on; field names are its own (CANboat's: `stateOfCharge`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rig.can.decode import DecodedSignal
from rig.can.frame import Frame

Value = float | int | str | None

_SKIPPED = ("reserved", "spare")


@dataclass(frozen=True, slots=True, kw_only=True)
class N2kMessage:
    """A complete message, fast packet or single frame."""

    pgn: int
    name: str
    source: int
    destination: int
    priority: int
    fields: Mapping[str, Value]
    """Volt, ampere, kelvin, second; a percentage stays one; a code that has a name is its name."""
    codes: Mapping[str, int]
    """The number behind each field that has a name."""
    units: Mapping[str, str]
    sets: tuple[Mapping[str, Value], ...] = ()
    """What comes as often as there are some, as raw codes: the PGNs of a list, or error codes."""


class N2kDecoder:
    """Decodes frames, and gathers fast packets; one decoder for one bus."""

    def __init__(self) -> None:
        import can
        from nmea2000.decoder import NMEA2000Decoder
        from nmea2000.input_formats import N2KFormat

        self._message_type = can.Message
        self._decoder: Any = NMEA2000Decoder(N2KFormat.PYTHON_CAN)

    def decode(self, frame: Frame) -> N2kMessage | None:
        """The message that this frame is, or completes; None for what is not known."""
        if not frame.extended:
            return None
        found = self._decoder.decode(
            # A fixed time stamp: with none the library would ask the wall clock.
            self._message_type(
                timestamp=1.0, arbitration_id=frame.identifier, data=frame.data, check=False
            )
        )
        if found is None:
            return None
        fields: dict[str, Value] = {}
        sets: list[Mapping[str, Value]] = []
        codes: dict[str, int] = {}
        units: dict[str, str] = {}
        for each in found.fields:
            if each.id.startswith(_SKIPPED):
                continue
            if isinstance(each.value, list):
                sets += [{key: one.raw_value for key, one in row.items()} for row in each.value]
                continue
            value = each.value
            fields[each.id] = value if isinstance(value, float | int | str | None) else str(value)
            units[each.id] = each.unit_of_measurement or ""
            if isinstance(each.raw_value, int) and each.raw_value != value:
                codes[each.id] = each.raw_value
        return N2kMessage(
            pgn=found.PGN,
            name=found.id,
            source=found.source,
            destination=found.destination,
            priority=found.priority,
            fields=fields,
            codes=codes,
            units=units,
            sets=tuple(sets),
        )

    def names(self, frame: Frame) -> None:
        """Only decoding tells: a fast packet's later frames do not say what they belong to."""
        return

    def signals(self, time_us: int, frame: Frame) -> tuple[DecodedSignal, ...]:
        """The fields of a message, named `n2k.<message>.<instance>.<field>`."""
        message = self.decode(frame)
        if message is None:
            return ()
        instance = message.fields.get("instance")
        prefix = f"n2k.{message.name}" + ("" if instance is None else f".{instance}")
        return tuple(
            DecodedSignal(
                name=f"{prefix}.{name}",
                value=message.codes.get(name, value),
                unit=message.units[name],
                time_us=time_us,
                source=message.source,
                label=str(value) if name in message.codes else "",
            )
            for name, value in message.fields.items()
        )
