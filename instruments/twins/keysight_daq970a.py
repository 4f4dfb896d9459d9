"""Twin of the Keysight DAQ970A mainframe: DAQM907A in slot 1, DAQM903A in 2, DAQM901A in 3.

Channels are slot times 100 plus number: digital bytes 101 and 102, actuator relays 201 to 220,
multiplexer inputs 301 to 320. A byte is an input until it is written, and again after it is read
as one; its lines have pull-ups, so that an input that nobody drives is high.
"""

import random
from collections.abc import Iterable

from instruments.scpi import ChannelList, Command, Device, Dialect, Number, Parameter, ScpiError
from instruments.twins.electrical import AnalogInputs, DigitalLines
from instruments.twins.twin import Readout, Twin

BYTES = (101, 102)
RELAYS = tuple(range(201, 221))
INPUTS = tuple(range(301, 321))
CARDS = {100: "DAQM907A", 200: "DAQM903A", 300: "DAQM901A"}
NO_CHANNEL = (112, "Channel list: channel number out of range")
HIGHEST_V = 300.0
OVERLOAD = 9.9e37


class DAQ970ATwin(Twin):
    """The mainframe's SCPI in front of digital lines, relay contacts and voltage inputs.

    Digital line 0 is bit 0 of channel 101, line 8 bit 0 of channel 102. A relay's line number is
    its channel, and driving it high closes it.
    """

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        latency_s: float = 0.002,  # Chosen: what a LAN instrument of this class takes.
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        floating = _Floating()
        self._lines: DigitalLines = floating
        self._contacts: DigitalLines = floating
        self._inputs: AnalogInputs = floating
        # Half of the driver's claim for what calibration leaves, chosen like the noise.
        self._volts = Readout(dice, offset_max=0.001, noise=0.0002, decimals=6)
        self.outputs: dict[int, int] = {}
        self.closed: set[int] = set()
        self.cycles: dict[int, int] = dict.fromkeys(RELAYS, 0)
        self.device = Device(
            [*self._digital(), *self._relays(), *self._voltages(), self._cards()],
            identity=self.who,
            reset=self._reset,
            dialect=Dialect(),
        )

    def connect(
        self,
        *,
        digital: DigitalLines | None = None,
        relays: DigitalLines | None = None,
        analog: AnalogInputs | None = None,
    ) -> None:
        """Wire the terminals; what is left out stays as it was."""
        self._lines = digital or self._lines
        self._contacts = relays or self._contacts
        self._inputs = analog or self._inputs

    def identity(self) -> str:
        """Four fields, the last with the revisions of its processors."""
        return f"Keysight Technologies,DAQ970A,{self.serial},A.02.04-01.00-02.01-00.02-02.00-04-02"

    def _digital(self) -> list[Command]:
        channels = ChannelList(of=frozenset(BYTES), refusal=NO_CHANNEL)
        value = Number(low=0, high=255)
        written: tuple[Parameter, ...] = (value, channels)
        return [
            Command("[SENSe:]DIGital:DATA:BYTE", query=self._read_bytes, query_params=(channels,)),
            Command("CONFigure:DIGital:BYTE", set=self._release, params=(channels,)),
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

    def _relays(self) -> list[Command]:
        channels = ChannelList(of=frozenset(RELAYS), refusal=NO_CHANNEL)
        return [
            Command(
                "ROUTe:CLOSe",
                set=lambda chosen: self._switch(chosen, closed=True),
                params=(channels,),
                query=lambda chosen: _joined(str(int(c in self.closed)) for c in chosen),
                query_params=(channels,),
            ),
            Command(
                "ROUTe:OPEN",
                set=lambda chosen: self._switch(chosen, closed=False),
                params=(channels,),
                query=lambda chosen: _joined(str(int(c not in self.closed)) for c in chosen),
                query_params=(channels,),
            ),
            Command(
                "DIAGnostic:RELay:CYCLes",
                query=lambda chosen: _joined(f"{self.cycles[c]:+d}" for c in chosen),
                query_params=(channels,),
            ),
        ]

    def _voltages(self) -> list[Command]:
        span = _RangeOrAuto()
        channels = ChannelList(of=frozenset(INPUTS), refusal=NO_CHANNEL)
        return [
            Command(
                "MEASure[:VOLTage][:DC]",
                query=self._measure,
                query_params=(span, span, channels),
            ),
        ]

    def _cards(self) -> Command:
        def card(slot: float) -> str:
            model = CARDS.get(round(slot))
            if model is None:
                raise ScpiError(-222)
            return f"Keysight Technologies,{model},{self.serial}-{slot:.0f},1.00"

        return Command("SYSTem:CTYPe", query=card, query_params=(Number(),))

    def _read_bytes(self, channels: tuple[int, ...]) -> str:
        self._release(channels)
        return _joined(f"{self._level(channel):+d}" for channel in channels)

    def _level(self, channel: int) -> int:
        first = _first_line(channel)
        return sum(self._lines.read(first + bit) << bit for bit in range(8))

    def _release(self, channels: tuple[int, ...]) -> None:
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
            self._lines.drive(first + bit, bool(pattern >> bit & 1))

    def _written(self, channels: tuple[int, ...]) -> str:
        return _joined(f"{self.outputs.get(channel, 0xFF):+d}" for channel in channels)

    def _switch(self, channels: tuple[int, ...], *, closed: bool) -> None:
        for channel in channels:
            if closed == (channel in self.closed):
                continue
            self.closed ^= {channel}
            self.cycles[channel] += closed
            self._contacts.drive(channel, closed)

    def _measure(
        self, span: float | None, _resolution: float | None, channels: tuple[int, ...]
    ) -> str:
        return _joined(f"{self._read_v(channel, span):+.8E}" for channel in channels)

    def _read_v(self, channel: int, span: float | None) -> float:
        shown = self._volts.read(self._inputs.read_v(channel))
        # 20 % over range can still be shown, except on the highest.
        top = HIGHEST_V if span is None else min(1.2 * span, HIGHEST_V)
        return shown if abs(shown) <= top else OVERLOAD if shown > 0 else -OVERLOAD

    def _reset(self) -> None:
        self._release(BYTES)
        self._switch(tuple(sorted(self.closed)), closed=False)


class _RangeOrAuto:
    """A range or resolution in volts, or AUTO, which the handler gets as None."""

    optional = True
    _number = Number(unit="V", low=0.0, high=HIGHEST_V, default=HIGHEST_V)

    def parse(self, token: str) -> float | None:
        """Read the range."""
        return None if token.upper() == "AUTO" else self._number.parse(token)


class _Floating:
    """Nothing wired: lines are pulled up, inputs see no voltage."""

    def read(self, line: int) -> bool:
        """Pulled up."""
        return True

    def drive(self, line: int, level: bool) -> None:
        """Reach nobody."""

    def read_v(self, channel: int) -> float:
        """No voltage."""
        return 0.0


def _first_line(channel: int) -> int:
    return 8 * BYTES.index(channel)


def _joined(values: Iterable[str]) -> str:
    return ",".join(values)
