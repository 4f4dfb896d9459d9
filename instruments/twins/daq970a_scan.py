"""Scanning in a DAQ970A: what each channel is configured for, the scan list, trigger, memory.

A scan measures its channels in ascending order. Nothing happens between two messages: sweeps that
the timer asks for are taken when somebody looks, each with the time at which it was due.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf

from instruments.scpi import (
    Boolean,
    ChannelList,
    Choice,
    Command,
    Extreme,
    Number,
    ScpiError,
    setting,
)
from instruments.twins.daq970a_parts import EmptyOr, OrInfinity, Span, block, exponent

MEMORY = 100_000
MOST_SWEEPS = 100_000
# Channels a second, the fastest scan that public drivers name for it.
FASTEST_HZ = 450.0
# chosen: the resolution that is told for 1 power line cycle, which the scan's readings have.
RESOLUTION = 3e-7
FUNCTIONS: Mapping[str, tuple[str, str, float]] = {
    # By name: the header behind CONFigure, the unit in readings, the usual range.
    "VOLT": ("[:VOLTage][:DC]", "VDC", 10.0),
    "VOLT:AC": (":VOLTage:AC", "VAC", 10.0),
    "RES": (":RESistance", "OHM", 1e3),
    "FRES": (":FRESistance", "OHM", 1e3),
    "TEMP": (":TEMPerature", "C", 1.0),
}


@dataclass(frozen=True, slots=True)
class Channel:
    """What a channel measures, and the range; None is automatic."""

    function: str
    span: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading in memory."""

    value: float
    unit: str
    time_us: int
    channel: int


class Scanner:
    """Configurations by channel, the list to scan, and what scans have read."""

    def __init__(
        self,
        *,
        inputs: Iterable[int],
        others: Iterable[int],
        refusal: tuple[int, str],
        read: Callable[[int, Channel], float],
        now_us: Callable[[], int],
    ) -> None:
        """``inputs`` measure, ``others`` are read as they are: digital bytes, the totaliser."""
        self._inputs = frozenset(inputs)
        self._scannable = self._inputs | frozenset(others)
        self._refusal = refusal
        self._read = read
        self._now_us = now_us
        self.reset()

    def reset(self) -> None:
        """Forget configurations, list and readings."""
        self.channels: dict[int, Channel] = {}
        self.list: tuple[int, ...] = ()
        self.memory: list[Sample] = []
        self.source = "IMM"
        self.count = 1.0
        self.interval_s = 10.0
        self.shown: dict[str, bool] = dict.fromkeys(("CHANnel", "TIME", "UNIT", "ALARm"), False)
        self.time_type = "REL"
        self.delay_s: dict[int, float] = {}
        self._started_us = 0
        self._due_us = 0
        self._left = 0.0
        self._waiting = False

    # Sweeps.

    @property
    def running(self) -> bool:
        """Whether sweeps are still to come."""
        return self._left > 0 or self._waiting

    def catch_up(self) -> None:
        """Take the sweeps that the timer made due."""
        if self.source != "TIM" or not self._left or not self.list:
            return
        interval_us = round(max(self.interval_s, len(self.list) / FASTEST_HZ) * 1_000_000)
        due = (self._now_us() - self._due_us) // interval_us + 1
        # Of a long scan that nobody looked at only the newest readings are kept.
        skipped = max(0, round(min(due, self._left)) - MEMORY // len(self.list) - 1)
        self._due_us += skipped * interval_us
        self._left -= skipped
        while self._left > 0 and self._due_us <= self._now_us():
            self._sweep(self._due_us)
            self._due_us += interval_us
            self._left -= 1

    def initiate(self) -> None:
        """Begin a scan; readings of the last are forgotten."""
        if not self.list:
            raise ScpiError(-221)
        if self.running:
            raise ScpiError(-213)
        self.memory.clear()
        self._started_us = self._due_us = self._now_us()
        if self.source == "IMM":
            if self.count == inf:
                raise ScpiError(-221)
            for _ in range(min(round(self.count), MEMORY // len(self.list) + 1)):
                self._sweep(self._started_us)
        elif self.source == "TIM":
            self._left = self.count
            self.catch_up()
        else:
            self._left, self._waiting = self.count, True

    def trigger(self) -> None:
        """Take the sweep that ``*TRG`` asks for."""
        if not self._waiting or self.source != "BUS":
            raise ScpiError(-211)
        self._sweep(self._now_us())
        self._left -= 1
        self._waiting = self._left > 0

    def abort(self) -> None:
        """Take no more sweeps; readings stay."""
        self._left, self._waiting = 0.0, False

    def _sweep(self, time_us: int) -> None:
        for channel in self.list:
            config = self.channels.get(channel, Channel("VOLT"))
            unit = FUNCTIONS[config.function][1] if channel in self._inputs else ""
            self.memory.append(Sample(self._read(channel, config), unit, time_us, channel))
        del self.memory[: max(0, len(self.memory) - MEMORY)]

    def _fetch(self) -> str:
        if not self.memory:
            raise ScpiError(-230)
        return self._told(self.memory)

    def read(self) -> str:
        """Scan now, and tell; a scan that would never end, or never begin, is refused."""
        if self.source not in {"IMM", "TIM"} or (self.source == "TIM" and self.count > 1):
            raise ScpiError(-214)
        self.abort()
        self.initiate()
        self.catch_up()
        return self._fetch()

    def _told(self, samples: Iterable[Sample]) -> str:
        return ",".join(self._one(sample) for sample in samples)

    def _one(self, sample: Sample) -> str:
        text = exponent(sample.value)
        if self.shown["UNIT"] and sample.unit:
            text += f" {sample.unit}"
        fields = [text]
        if self.shown["TIME"]:
            if self.time_type == "ABS":
                when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=sample.time_us)
                fields.append(f"{when:%Y,%m,%d,%H,%M,%S}.{when.microsecond // 1000:03d}")
            else:
                fields.append(f"{(sample.time_us - self._started_us) / 1e6:013.3f}")
        if self.shown["CHANnel"]:
            fields.append(str(sample.channel))
        if self.shown["ALARm"]:
            fields.append("0")
        return ",".join(fields)

    # Commands.

    def commands(self) -> list[Command]:
        """CONFigure, MEASure, ROUTe:SCAN, READ?, FETCh?, R?, DATA, TRIGger, FORMat."""
        most = Number(low=1, high=MEMORY, whole=True, optional=True)
        return [
            *self._configuring(),
            *self._listing(),
            *self._triggering(),
            *self._formatting(),
            Command("READ", query=self.read),
            Command("FETCh", query=self._fetch),
            Command("R", query=self._drain, query_params=(most,)),
            Command("DATA:POINts", query=lambda: f"{len(self.memory):+d}"),
            Command(
                "DATA:REMove",
                query=self._remove,
                query_params=(Number(low=1, high=MEMORY, whole=True),),
            ),
        ]

    def _drain(self, count: float | None) -> str:
        number = len(self.memory) if count is None else round(count)
        text = self._told(self.memory[:number])
        del self.memory[:number]
        return block(text)

    def _remove(self, count: float) -> str:
        if count > len(self.memory):
            raise ScpiError(-222)
        text = self._told(self.memory[: round(count)])
        del self.memory[: round(count)]
        return text

    def _chosen(self, of: Iterable[int]) -> ChannelList:
        return ChannelList(of=frozenset(of), refusal=self._refusal)

    def _configuring(self) -> list[Command]:
        inputs = self._chosen(self._inputs)
        made = [
            Command("CONFigure", query=self._configured, query_params=(self._all(),)),
        ]
        for name, (header, _, _) in FUNCTIONS.items():
            probe = (Choice(of=("TCouple", "RTD", "FRTD", "THERmistor", "DEF"), optional=True),)
            kind = (Span(words=True), Span(), Span()) if name == "TEMP" else (Span(), Span())
            params = (*probe, *kind, inputs) if name == "TEMP" else (*kind, inputs)

            def configure(*given: object, function: str = name) -> None:
                *asked, channels = given
                assert isinstance(channels, tuple)
                span = asked[0] if function != "TEMP" else None
                self.configure(function, span if isinstance(span, float) else None, channels)

            made.append(Command(f"CONFigure{header}", set=configure, params=params))
            if name == "VOLT":
                # MEASure of DC voltage belongs to the mainframe: it measures at once.
                continue

            def measure(*given: object, function: str = name) -> str:
                *asked, channels = given
                assert isinstance(channels, tuple)
                span = asked[0] if function != "TEMP" else None
                self.configure(function, span if isinstance(span, float) else None, channels)
                return self.read()

            made.append(Command(f"MEASure{header}", query=measure, query_params=params))
        return made

    def configure(self, function: str, span: float | None, channels: tuple[int, ...]) -> None:
        """Give channels a function; they are the new scan list, with a trigger as after reset."""
        for channel in channels:
            self.channels[channel] = Channel(function, span)
        self.scan(channels)
        self.source, self.count = "IMM", 1.0

    def scan(self, channels: tuple[int, ...]) -> None:
        """Make this the scan list; a channel is in it once, and the list is in order."""
        self.abort()
        self.list = tuple(sorted(set(channels)))

    def _all(self) -> ChannelList:
        return ChannelList(of=self._scannable, refusal=self._refusal, optional=True)

    def _configured(self, channels: tuple[int, ...] | None) -> str:
        told = []
        for channel in channels or self.list:
            if channel not in self._inputs:
                told.append('"TOT READ"' if channel % 100 == 3 else '"DIG:BYTE"')
                continue
            config = self.channels.get(channel, Channel("VOLT"))
            span = config.span or FUNCTIONS[config.function][2]
            told.append(f'"{config.function} {span:+.6E},{span * RESOLUTION:+.6E}"')
        return ",".join(told)

    def _listing(self) -> list[Command]:
        def listed() -> str:
            return block(f"(@{','.join(map(str, self.list))})")

        delay = Number(unit="S", low=0.0, high=60.0)

        def set_delay(value: float, channels: tuple[int, ...] | None) -> None:
            self.delay_s.update(dict.fromkeys(channels or self.list, value))

        def show_delay(channels: tuple[int, ...] | None) -> str:
            return ",".join(exponent(self.delay_s.get(c, 0.0)) for c in channels or self.list)

        return [
            Command("ROUTe:SCAN", set=self.scan, params=(EmptyOr(self._all()),), query=listed),
            Command("ROUTe:SCAN:SIZE", query=lambda: f"{len(self.list):+d}"),
            Command(
                "ROUTe:CHANnel:DELay",
                set=set_delay,
                params=(delay, self._all()),
                query=show_delay,
                query_params=(self._all(),),
            ),
        ]

    def _triggering(self) -> list[Command]:
        def set_source(word: str) -> None:
            self.abort()
            self.source = word

        def set_count(value: float) -> None:
            self.count = value

        def set_interval(value: float) -> None:
            self.interval_s = value

        sources = Choice(of=("IMMediate", "BUS", "TIMer", "EXTernal"))
        count = Number(low=1, high=MOST_SWEEPS, default=1, whole=True)
        return [
            Command("INITiate[:IMMediate]", set=self.initiate),
            Command("ABORt", set=self.abort),
            Command("TRIGger:SOURce", set=set_source, params=(sources,), query=lambda: self.source),
            Command(
                "TRIGger:COUNt",
                set=set_count,
                params=(OrInfinity(count),),
                query=lambda bound: exponent(self._shown_count() if bound is None else bound),
                query_params=(Extreme(count),),
            ),
            setting(
                "TRIGger:TIMer",
                Number(unit="S", low=0.0, high=360_000.0, default=10.0),
                set_interval,
                lambda: self.interval_s,
                exponent,
            ),
        ]

    def _shown_count(self) -> float:
        return 9.9e37 if self.count == inf else self.count

    def _formatting(self) -> list[Command]:
        def switch(name: str) -> Command:
            def store(on: bool) -> None:
                self.shown[name] = on

            return Command(
                f"FORMat:READing:{name}",
                set=store,
                params=(Boolean(),),
                query=lambda: str(int(self.shown[name])),
            )

        def keep_type(word: str) -> None:
            self.time_type = word

        return [
            *(switch(name) for name in self.shown),
            Command(
                "FORMat:READing:TIME:TYPE",
                set=keep_type,
                params=(Choice(of=("ABSolute", "RELative")),),
                query=lambda: self.time_type,
            ),
        ]
