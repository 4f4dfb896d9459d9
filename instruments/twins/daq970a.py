"""Twin of the Keysight DAQ970A mainframe: DAQM907A in slot 1, DAQM903A in 2, DAQM901A in 3.

Channels are slot times 100 plus number: digital bytes 101 and 102, the totaliser 103, the voltage
outputs 104 and 105, actuator relays 201 to 220, multiplexer inputs 301 to 320. A byte is an input
until it is written, and again after it is read as one; its lines have pull-ups, so that an input
that nobody drives is high.
Sources: the 34970A's manual for the digital, totaliser, source, route and scan commands and their
answers, which the DAQ970A's programming guide keeps; the M300's, of the same commands, for
``DIAG:REL:CYCL?``. Alarms, monitoring, scaling and advance sources are not modelled: their
commands are unknown (-113). Readings other than voltage see open terminals. A reading takes no
time of its own; only the scan timer lets time pass.
Unverified: ``CONF?`` of digital channels, and clearing the cycle counts.
"""

import random
from collections.abc import Callable, Iterable

from instruments.scpi import (
    Boolean,
    ChannelList,
    Command,
    Device,
    Dialect,
    Number,
    ScpiError,
)
from instruments.twins.daq970a_card import (
    BYTES,
    NO_CHANNEL,
    TOTALISER,
    AnalogOutputs,
    MultifunctionCard,
)
from instruments.twins.daq970a_parts import exponent
from instruments.twins.daq970a_scan import Channel, Scanner
from instruments.twins.electrical import AnalogInputs, DigitalLines
from instruments.twins.twin import Readout, Twin

RELAYS = tuple(range(201, 221))
INPUTS = tuple(range(301, 321))
CARDS = {100: "DAQM907A", 200: "DAQM903A", 300: "DAQM901A"}
HIGHEST_V = 300.0
RANGES_V = (0.1, 1.0, 10.0, 100.0, 300.0)
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
        now_us: Callable[[], int] | None = None,
        latency_s: float = 0.002,  # Chosen: what a LAN instrument of this class takes.
    ) -> None:
        """``now_us`` dates readings and drives the scan timer; without it time stands still."""
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        floating = _Floating()
        self._contacts: DigitalLines = floating
        self._inputs: AnalogInputs = floating
        # Half of the driver's claim for what calibration leaves, chosen like the noise.
        self._volts = Readout(dice, offset_max=0.001, noise=0.0002, decimals=6)
        self.closed: set[int] = set()
        self.cycles: dict[int, int] = dict.fromkeys((*RELAYS, *INPUTS), 0)
        self._cycles_nplc: dict[int, float] = {}
        self.scanner = Scanner(
            inputs=INPUTS,
            others=(*BYTES, TOTALISER),
            refusal=NO_CHANNEL,
            read=self._scanned,
            now_us=now_us or _standstill,
        )
        self.card = MultifunctionCard(lines=floating, driven=floating, scan=self.scanner.scan)
        self.device = Device(
            [
                *self.card.commands(),
                *self._relays(),
                *self._voltages(),
                *self.scanner.commands(),
                *self._system(),
            ],
            identity=self.who,
            reset=self._reset,
            trigger=self.scanner.trigger,
            dialect=Dialect(
                queue_length=20, error_format='{code:+d},"{text}"', integer_format="{:+d}"
            ),
        )

    def connect(
        self,
        *,
        digital: DigitalLines | None = None,
        relays: DigitalLines | None = None,
        analog: AnalogInputs | None = None,
        outputs: AnalogOutputs | None = None,
    ) -> None:
        """Wire the terminals; what is left out stays as it was."""
        self.card.lines = digital or self.card.lines
        self._contacts = relays or self._contacts
        self._inputs = analog or self._inputs
        self.card.driven = outputs or self.card.driven

    @property
    def outputs(self) -> dict[int, int]:
        """What was written to the bytes that are driven."""
        return self.card.outputs

    def count(self, edges: int = 1) -> None:
        """Let edges come to the totaliser's input."""
        self.card.count(edges)

    def before_message(self) -> None:
        """Take the sweeps that the scan timer made due."""
        super().before_message()
        self.scanner.catch_up()

    def identity(self) -> str:
        """Four fields, the last with the revisions of its processors."""
        return f"Keysight Technologies,DAQ970A,{self.serial},A.02.04-01.00-02.01-00.02-02.00-04-02"

    def _relays(self) -> list[Command]:
        channels = ChannelList(of=frozenset((*RELAYS, *INPUTS)), refusal=NO_CHANNEL)
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
            Command(
                "DIAGnostic:RELay:CYCLes:CLEar",
                set=lambda chosen: self.cycles.update(dict.fromkeys(chosen, 0)),
                params=(channels,),
            ),
            Command("ROUTe:CLOSe:EXCLusive", set=self._close_only, params=(channels,)),
            Command("ROUTe:DONE", query=lambda: "1"),
        ]

    def _close_only(self, channels: tuple[int, ...]) -> None:
        """Open what else is closed on the same cards, then close."""
        cards = {channel // 100 for channel in channels}
        others = (c for c in sorted(self.closed) if c // 100 in cards and c not in channels)
        self._switch(tuple(others), closed=False)
        self._switch(channels, closed=True)

    def _voltages(self) -> list[Command]:
        span = _RangeOrAuto()
        channels = ChannelList(of=frozenset(INPUTS), refusal=NO_CHANNEL)
        return [
            Command(
                "MEASure[:VOLTage][:DC]",
                query=self._measure,
                query_params=(span, span, channels),
            ),
            Command(
                "[SENSe:]VOLTage[:DC]:NPLC",
                set=self._set_nplc,
                params=(Number(low=0.02, high=200.0, default=1.0), channels),
                query=lambda chosen: _joined(
                    exponent(self._cycles_nplc.get(c, 1.0)) for c in chosen
                ),
                query_params=(channels,),
            ),
            Command(
                "[SENSe:]VOLTage[:DC]:RANGe",
                set=self._set_range,
                params=(Number(unit="V", low=0.0, high=HIGHEST_V), channels),
                query=lambda chosen: _joined(exponent(self._span(c) or 10.0) for c in chosen),
                query_params=(channels,),
            ),
            Command(
                "[SENSe:]VOLTage[:DC]:RANGe:AUTO",
                set=lambda on, chosen: self._set_range(None if on else 10.0, chosen),
                params=(Boolean(), channels),
                query=lambda chosen: _joined(str(int(self._span(c) is None)) for c in chosen),
                query_params=(channels,),
            ),
        ]

    def _set_nplc(self, cycles: float, channels: tuple[int, ...]) -> None:
        self._cycles_nplc.update(dict.fromkeys(channels, cycles))

    def _set_range(self, span: float | None, channels: tuple[int, ...]) -> None:
        fits = None if span is None else next(top for top in RANGES_V if span <= top)
        self.scanner.channels.update(dict.fromkeys(channels, Channel("VOLT", fits)))

    def _span(self, channel: int) -> float | None:
        return self.scanner.channels.get(channel, Channel("VOLT")).span

    def _scanned(self, channel: int, config: Channel) -> float:
        """What a scan reads at one channel."""
        if channel == TOTALISER:
            return self.card.total()
        if channel in BYTES:
            self.card.release((channel,))
            return float(self.card.level(channel))
        self.cycles[channel] += 1
        if config.function == "VOLT":
            return self._read_v(channel, config.span)
        return 0.0 if config.function == "VOLT:AC" else OVERLOAD

    def _system(self) -> list[Command]:
        def card(slot: float) -> str:
            number = round(slot) if slot >= 100 else round(slot) * 100
            model = CARDS.get(number)
            if model is None:
                raise ScpiError(-222)
            return f"Keysight Technologies,{model},{self.serial}-{number},1.00"

        def nothing(*_given: object) -> None:
            """Nobody sees the display, hears the beeper or touches the keys of a twin."""

        return [
            Command("SYSTem:CTYPe", query=card, query_params=(Number(),)),
            Command("SYSTem:LFRequency", query=lambda: "+50"),
            Command("SYSTem:PRESet", set=self.scanner.abort),
            Command("SYSTem:LOCal", set=nothing),
            Command("SYSTem:REMote", set=nothing),
            Command("SYSTem:RWLock", set=nothing),
            Command("SYSTem:BEEPer[:IMMediate]", set=nothing),
            Command("DISPlay[:STATe]", set=nothing, params=(Boolean(),), query=lambda: "1"),
            Command("INSTrument:DMM[:STATe]", query=lambda: "1"),
            Command("INSTrument:DMM:INSTalled", query=lambda: "1"),
        ]

    def _switch(self, channels: tuple[int, ...], *, closed: bool) -> None:
        for channel in channels:
            if closed == (channel in self.closed):
                continue
            self.closed ^= {channel}
            self.cycles[channel] += closed
            if channel in RELAYS:
                self._contacts.drive(channel, closed)

    def _measure(
        self, span: float | None, _resolution: float | None, channels: tuple[int, ...]
    ) -> str:
        self.scanner.configure("VOLT", span, channels)
        return _joined(exponent(self._read_v(channel, span)) for channel in channels)

    def _read_v(self, channel: int, span: float | None) -> float:
        shown = self._volts.read(self._inputs.read_v(channel))
        # 20 % over range can still be shown, except on the highest.
        top = HIGHEST_V if span is None else min(1.2 * span, HIGHEST_V)
        return shown if abs(shown) <= top else OVERLOAD if shown > 0 else -OVERLOAD

    def _reset(self) -> None:
        self.card.reset()
        self._switch(tuple(sorted(self.closed)), closed=False)
        self._cycles_nplc.clear()
        self.scanner.reset()


class _RangeOrAuto:
    """A range or resolution in volts, or AUTO, which the handler gets as None."""

    optional = True
    _number = Number(unit="V", low=0.0, high=HIGHEST_V, default=HIGHEST_V)

    def parse(self, token: str) -> float | None:
        """Read the range."""
        return None if token.upper() in {"AUTO", "DEF", "DEFAULT"} else self._number.parse(token)


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

    def drive_v(self, channel: int, voltage_v: float) -> None:
        """Reach nobody."""


def _standstill() -> int:
    return 0


def _joined(values: Iterable[str]) -> str:
    return ",".join(values)
