"""The multifunction card DAQM907A: two digital bytes, a totaliser, two voltage outputs.

A byte is an input until it is written, and again after it is read as one.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from instruments.scpi import Boolean, ChannelList, Choice, Command, Number, Parameter
from instruments.twins.daq970a_parts import exponent
from instruments.twins.electrical import DigitalLines

BYTES = (101, 102)
TOTALISER = 103
SOURCES = (104, 105)
NO_CHANNEL = (112, "Channel list: channel number out of range")
# A 26-bit counter, which then begins anew.
MOST_COUNTS = 1 << 26
HIGHEST_SOURCE_V = 12.0


class AnalogOutputs(Protocol):
    """Wires that a voltage output drives."""

    def drive_v(self, channel: int, voltage_v: float) -> None:
        """Take the voltage of an output."""


class MultifunctionCard:
    """The card in slot 1: its commands, and what its terminals do."""

    def __init__(
        self, *, lines: DigitalLines, driven: AnalogOutputs, scan: Callable[[tuple[int, ...]], None]
    ) -> None:
        """``scan`` makes channels the scan list, as configuring them does."""
        self.lines = lines
        self.driven = driven
        self._scan = scan
        self.outputs: dict[int, int] = {}
        self.sources_v: dict[int, float] = dict.fromkeys(SOURCES, 0.0)
        self.counts = 0
        self._count_resets = False
        self._counting = True
        self._count_slope = "POS"

    def reset(self) -> None:
        """Bytes are inputs, outputs have no voltage, the totaliser begins anew."""
        self.release(BYTES)
        for channel in SOURCES:
            self._source(channel, 0.0)
        self.counts, self._count_resets, self._counting = 0, False, True
        self._count_slope = "POS"

    def commands(self) -> list[Command]:
        """All of the card's."""
        return [*self._digital(), *self._words(), *self._totaliser(), *self._sources()]

    def count(self, edges: int = 1) -> None:
        """Let edges come to the totaliser's input."""
        if self._counting:
            self.counts = (self.counts + edges) % MOST_COUNTS

    def _digital(self) -> list[Command]:
        channels = ChannelList(of=frozenset(BYTES), refusal=NO_CHANNEL)
        value = Number(low=0, high=255)
        written: tuple[Parameter, ...] = (value, channels)
        return [
            Command("[SENSe:]DIGital:DATA[:BYTE]", query=self.read_bytes, query_params=(channels,)),
            Command("CONFigure:DIGital:BYTE", set=self.release, params=(channels,)),
            Command(
                "[SOURce:]DIGital:DATA[:BYTE]",
                set=self._write_bytes,
                params=written,
            ),
            Command("SOURce:DIGital:DATA[:BYTE]", query=self._written, query_params=(channels,)),
            Command(
                "SOURce:DIGital:STATe",
                query=lambda chosen: _joined(str(int(c in self.outputs)) for c in chosen),
                query_params=(channels,),
            ),
        ]

    def _words(self) -> list[Command]:
        """Both bytes as one word, by the channel of the lower; and single bits."""
        lower = ChannelList(of=frozenset(BYTES[:1]), refusal=NO_CHANNEL)
        channels = ChannelList(of=frozenset(BYTES), refusal=NO_CHANNEL)
        bit = Number(low=0, high=7, whole=True)

        def read_word(_channels: tuple[int, ...]) -> str:
            self.release(BYTES)
            return f"{self.level(BYTES[0]) | self.level(BYTES[1]) << 8:+d}"

        def write_word(value: float, _channels: tuple[int, ...]) -> None:
            self._write_bytes(round(value) & 0xFF, BYTES[:1])
            self._write_bytes(round(value) >> 8, BYTES[1:])

        def read_bit(place: float, chosen: tuple[int, ...]) -> str:
            self.release(chosen)
            return _joined(f"{self.level(channel) >> round(place) & 1:+d}" for channel in chosen)

        def write_bit(level: bool, place: float, chosen: tuple[int, ...]) -> None:
            for channel in chosen:
                others = self.outputs.get(channel, 0xFF) & ~(1 << round(place))
                self._write_bytes(others | level << round(place), (channel,))

        word = Number(low=0, high=0xFFFF, whole=True)
        return [
            Command("[SENSe:]DIGital:DATA:WORD", query=read_word, query_params=(lower,)),
            Command("[SOURce:]DIGital:DATA:WORD", set=write_word, params=(word, lower)),
            Command("[SENSe:]DIGital:DATA:BIT", query=read_bit, query_params=(bit, channels)),
            Command("[SOURce:]DIGital:DATA:BIT", set=write_bit, params=(Boolean(), bit, channels)),
            Command("MEASure:DIGital:BYTE", query=self.read_bytes, query_params=(channels,)),
        ]

    def _totaliser(self) -> list[Command]:
        channels = ChannelList(of=frozenset({TOTALISER}), refusal=NO_CHANNEL)
        modes = Choice(of=("READ", "RRESet"), optional=True)

        def configure(mode: str | None, chosen: tuple[int, ...]) -> None:
            set_type(mode or "READ", chosen)
            self._scan(chosen)

        def measure(mode: str | None, chosen: tuple[int, ...]) -> str:
            configure(mode, chosen)
            return exponent(self.total())

        def set_type(mode: str, _chosen: tuple[int, ...]) -> None:
            self._count_resets = mode == "RRES"

        def set_slope(slope: str, _chosen: tuple[int, ...]) -> None:
            self._count_slope = slope

        def run(on: bool) -> Callable[[tuple[int, ...]], None]:
            def switch(_chosen: tuple[int, ...]) -> None:
                self._counting = on

            return switch

        def clear(_chosen: tuple[int, ...]) -> None:
            self.counts = 0

        header = "[SENSe:]TOTalize"
        return [
            Command("CONFigure:TOTalize", set=configure, params=(modes, channels)),
            Command("MEASure:TOTalize", query=measure, query_params=(modes, channels)),
            Command(
                f"{header}:DATA",
                query=lambda _chosen: exponent(self.total()),
                query_params=(channels,),
            ),
            Command(f"{header}:CLEar[:IMMediate]", set=clear, params=(channels,)),
            Command(f"{header}:STARt[:IMMediate]", set=run(True), params=(channels,)),
            Command(f"{header}:STOP[:IMMediate]", set=run(False), params=(channels,)),
            Command(
                f"{header}:TYPE",
                set=set_type,
                params=(Choice(of=("READ", "RRESet")), channels),
                query=lambda _chosen: "RRES" if self._count_resets else "READ",
                query_params=(channels,),
            ),
            Command(
                f"{header}:SLOPe",
                set=set_slope,
                params=(Choice(of=("POSitive", "NEGative")), channels),
                query=lambda _chosen: self._count_slope,
                query_params=(channels,),
            ),
        ]

    def total(self) -> float:
        """The count, which reading may reset."""
        total = self.counts
        if self._count_resets:
            self.counts = 0
        return float(total)

    def _sources(self) -> list[Command]:
        channels = ChannelList(of=frozenset(SOURCES), refusal=NO_CHANNEL)
        volts = Number(unit="V", low=-HIGHEST_SOURCE_V, high=HIGHEST_SOURCE_V)

        def store(voltage_v: float, chosen: tuple[int, ...]) -> None:
            for channel in chosen:
                self._source(channel, voltage_v)

        return [
            Command(
                "SOURce:VOLTage[:LEVel]",
                set=store,
                params=(volts, channels),
                query=lambda chosen: _joined(exponent(self.sources_v[c]) for c in chosen),
                query_params=(channels,),
            ),
        ]

    def _source(self, channel: int, voltage_v: float) -> None:
        # 16 bits over both directions.
        step_v = 2 * HIGHEST_SOURCE_V / (1 << 16)
        self.sources_v[channel] = round(voltage_v / step_v) * step_v
        self.driven.drive_v(channel, self.sources_v[channel])

    def read_bytes(self, channels: tuple[int, ...]) -> str:
        """Bytes as inputs, which they then are."""
        self.release(channels)
        return _joined(f"{self.level(channel):+d}" for channel in channels)

    def level(self, channel: int) -> int:
        """A byte's lines as they are."""
        first = _first_line(channel)
        return sum(self.lines.read(first + bit) << bit for bit in range(8))

    def release(self, channels: tuple[int, ...]) -> None:
        """Make bytes inputs: what drove their lines lets go."""
        for channel in channels:
            if self.outputs.pop(channel, None) is not None:
                self._drive(channel, 0xFF)

    def _write_bytes(self, value: float, channels: tuple[int, ...]) -> None:
        for channel in channels:
            self.outputs[channel] = round(value)
            self._drive(channel, round(value))

    def _drive(self, channel: int, pattern: int) -> None:
        first = _first_line(channel)
        for bit in range(8):
            self.lines.drive(first + bit, bool(pattern >> bit & 1))

    def _written(self, channels: tuple[int, ...]) -> str:
        return _joined(f"{self.outputs.get(channel, 0xFF):+d}" for channel in channels)


def _first_line(channel: int) -> int:
    return 8 * BYTES.index(channel)


def _joined(values: Iterable[str]) -> str:
    return ",".join(values)
