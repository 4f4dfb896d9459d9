"""Readers of the rig for what the codecs of the firmware make, and two fields of it exchanged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bms.io import Frame as Sent
from bms.wire import nmea2000
from rig.can.frame import Frame
from rig.can.n2k import N2kDecoder
from rig.can.vreg import VregDecoder

Values = dict[str, Any]
Read = Callable[[tuple[Frame, ...]], Values]


def by_dbc(decoder: Any) -> Read:
    def read(frames: tuple[Frame, ...]) -> Values:
        values: Values = {}
        for frame in frames:
            values |= decoder().values(frame)
        return values

    return read


def by_n2k(frames: tuple[Frame, ...]) -> Values:
    decoder = N2kDecoder()
    messages = [message for message in map(decoder.decode, frames) if message is not None]
    if len(messages) != 1:
        return {}
    (message,) = messages
    told: Values = {"pgn told": message.pgn, "sets": [dict(each) for each in message.sets]}
    return told | dict(message.fields) | dict(message.codes)


def by_vreg(frames: tuple[Frame, ...]) -> Values:
    message = VregDecoder().decode(frames[0])
    if message is None:
        return {}
    told: Values = {**message.values, **message.texts}
    return told | {"register": message.register, "code": message.code}


class SwappedPack:
    """A struct that packs two of its values in each other's place."""

    def __init__(self, layout: Any, one: int, other: int) -> None:
        self._layout, self._one, self._other = layout, one, other

    def pack(self, *values: Any) -> bytes:
        swapped = list(values)
        swapped[self._one], swapped[self._other] = values[self._other], values[self._one]
        return bytes(self._layout.pack(*swapped))


@dataclass(frozen=True)
class InAStruct:
    """Two values of a struct of a wire file."""

    module: Any
    layout: str
    one: int
    other: int

    def apply(self, monkeypatch: pytest.MonkeyPatch) -> None:
        layout = getattr(self.module, self.layout)
        monkeypatch.setattr(self.module, self.layout, SwappedPack(layout, self.one, self.other))


@dataclass(frozen=True)
class InBytes:
    """Two byte ranges of what a function of a wire file makes."""

    module: Any
    function: str
    one: slice
    other: slice

    def apply(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = getattr(self.module, self.function)

        def swapped(*args: Any, **kwargs: Any) -> Any:
            result = made(*args, **kwargs)
            data = bytearray(result if isinstance(result, bytes) else result.data)
            data[self.one], data[self.other] = data[self.other], data[self.one]
            return bytes(data) if isinstance(result, bytes) else result._replace(data=bytes(data))

        monkeypatch.setattr(self.module, self.function, swapped)


@dataclass(frozen=True)
class InTwoFrames:
    """The bytes of the two frames that a function of a wire file makes."""

    module: Any
    function: str

    def apply(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = getattr(self.module, self.function)

        def swapped(*args: Any) -> tuple[Sent, Sent]:
            one, other = made(*args)
            return one._replace(data=other.data), other._replace(data=one.data)

        monkeypatch.setattr(self.module, self.function, swapped)


@dataclass(frozen=True)
class InNames:
    """Two constants of a wire file."""

    module: Any
    one: str
    other: str

    def apply(self, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other = getattr(self.module, self.one), getattr(self.module, self.other)
        monkeypatch.setattr(self.module, self.one, other)
        monkeypatch.setattr(self.module, self.other, one)


def at(first: int, length: int = 1) -> slice:
    return slice(first, first + length)


def packet(pgn: int, data: bytes, destination: int = 255) -> tuple[Sent, ...]:
    return nmea2000.fast_packet(nmea2000.identifier(pgn, 0x50, destination), data, 3)
