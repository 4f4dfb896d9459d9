"""Twin of the Keysight 34465A multimeter (Truevolt), without the DIG and MEM options.

Sources: the maker's "Truevolt Series Operating and Service Guide" for the commands, their ranges
and answers (numbers as ``+1.00000000E+01``, whole ones as ``+1``, states as 1 and 0, function
names in quotes, overload 9.9E+37 and its event bits). Resolution by integration time is the table
of the 34410A guide, the maker's meter before it, which agrees with the published answer
``"VOLT +1.000000E+01,+3.000000E-06"`` to ``CONF?`` at 1 PLC. Chosen: the errors (for DC voltage of
the order of the 34461A's in the data sheet 5991-1983), how long readings other than DC take, 50 Hz.
Unverified: ``CONF?`` of a temperature, and ``*OPT?`` without options.
Not modelled: limits, scaling, histograms, secondary readings, the file system, calibration; an
external or level trigger never comes, so that READ? with one is refused (-214) where a real meter
would wait.
"""

import random
import struct
from collections.abc import Callable

from instruments.scpi import (
    Boolean,
    Choice,
    Command,
    Device,
    Dialect,
    Number,
    Parameter,
    ScpiError,
    Text,
)
from instruments.twins.acquisition import Acquisition
from instruments.twins.averages import NOT_A_NUMBER, Averages
from instruments.twins.electrical import AnalogInputs
from instruments.twins.metering import Function, Meter, MeterInputs, OfVoltages
from instruments.twins.truevolt_parts import (
    FUNCTIONS,
    OVERLOAD_BITS,
    RESOLUTION,
    Probe,
    Span,
    exponent,
)
from instruments.twins.truevolt_sense import COARSEST, FINEST, Sense
from instruments.twins.truevolt_trigger import Triggering
from instruments.twins.twin import Twin

MEMORY = 50_000
TEXT = "DISPlay:TEXT[:DATA]"


class Truevolt34465aTwin(Twin):
    """The meter's SCPI in front of one pair of terminals."""

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float = 0.002,  # Chosen: what a LAN instrument of this class takes.
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        self.meter = Meter(
            FUNCTIONS, resolution=RESOLUTION, usual_nplc=10.0, line_hz=50.0, dice=dice
        )
        self.meter.on_overload = self._overload
        self.averages = Averages()
        self.memory = Acquisition(self._take, now_us=now_us, capacity=MEMORY)
        self.triggering = Triggering(self.memory, self.meter.seconds)
        self._busy_s = 0.0
        self._real_bits = 0
        self._swapped = False
        self._kept: dict[str, object] = {}
        self.device = Device(
            [
                *self._measuring(),
                *self._memory(),
                *Sense(self.meter, self.triggering.abort).commands(),
                *self.triggering.commands(),
                *self.averages.commands("CALCulate:AVERage", exponent),
                *self._system(),
            ],
            identity=self.who,
            reset=self._reset,
            trigger=self.triggering.bus,
            dialect=Dialect(
                queue_length=20, error_format='{code:+d},"{text}"', integer_format="{:+d}"
            ),
        )

    def connect(
        self, volts: AnalogInputs | None = None, *, inputs: MeterInputs | None = None
    ) -> None:
        """Wire the terminals to a voltage, or to ``inputs`` that have more than that."""
        if inputs is not None:
            self.meter.inputs = inputs
        elif volts is not None:
            self.meter.inputs = OfVoltages(volts)

    def identity(self) -> str:
        """Four fields, the last with the revisions of its processors."""
        return f"Keysight Technologies,34465A,{self.serial},A.03.03-03.15-03.03-00.52-05-02"

    @property
    def latency_s(self) -> float:
        """How long an answer takes: the interface, and the readings that it waits for."""
        return super().latency_s + self._busy_s

    @latency_s.setter
    def latency_s(self, latency_s: float) -> None:
        self._latency_s = latency_s

    def before_message(self) -> None:
        """Take the readings that are due; an answer waits only for its own."""
        super().before_message()
        self.memory.catch_up()
        self._busy_s = 0.0

    def _reset(self) -> None:
        self.triggering.reset()
        self.memory.clear()
        self.meter.reset()
        self.averages.on = False
        self.averages.clear()
        self._real_bits, self._swapped = 0, False
        self._kept.clear()

    # Measuring.

    def _take(self) -> float:
        value = self.meter.take()
        if self.averages.on:
            self.averages.add(value)
        return value

    def _overload(self, function: Function) -> None:
        self.device.status.questionable.event |= OVERLOAD_BITS.get(function.quantity, 0)

    def _finish(self) -> None:
        self._busy_s += self.memory.finish()

    def _read(self) -> str:
        self.triggering.abort()
        self.triggering.require_finite()
        self.triggering.initiate()
        return self._fetch()

    def _fetch(self) -> str:
        self._finish()
        if not self.memory.readings:
            raise ScpiError(-230)
        return self._shown([reading.value for reading in self.memory.readings])

    def _shown(self, values: list[float]) -> str:
        if not self._real_bits:
            return ",".join(exponent(value) for value in values)
        code = (
            f"{'<' if self._swapped else '>'}{len(values)}{'d' if self._real_bits == 64 else 'f'}"
        )
        return _block(struct.pack(code, *values).decode("latin-1"))

    def _measuring(self) -> list[Command]:
        def complete() -> None:
            self._finish()
            self.device.status.esr |= 1

        def wait() -> str:
            self._finish()
            return "1"

        made = [
            Command("READ", query=self._read),
            Command("FETCh", query=self._fetch),
            Command("*OPC", set=complete, query=wait),
            Command("*WAI", set=self._finish),
            Command("CONFigure", query=self._configured),
        ]
        for function in FUNCTIONS:
            made += self._configuring(function)
        return made

    def _configuring(self, function: Function) -> list[Command]:
        header = "[:VOLTage][:DC]" if function.name == "VOLT" else f":{function.header}"
        params: tuple[Parameter, ...] = (Span(), Span())
        if function.name in {"CONT", "DIOD"}:
            params = ()
        elif function.name == "TEMP":
            # Probe, its type, the 1 that the guide asks for, and the resolution.
            params = (Probe(), Span(), Number(low=1, high=1, optional=True), Span())

        def configure(*given: object) -> None:
            self._configure(function, given)

        def measure(*given: object) -> str:
            self._configure(function, given)
            return self._read()

        return [
            Command(f"CONFigure{header}", set=configure, params=params),
            Command(f"MEASure{header}", query=measure, query_params=params),
        ]

    def _configure(self, function: Function, given: tuple[object, ...]) -> None:
        meter = self.meter
        fresh = meter.fresh(function)
        if function.name == "TEMP":
            fresh.options["TRANsducer:TYPE"] = given[0] or "FRTD"
        elif function.ranges and given:
            if given[0] is not None:
                fresh.span, fresh.auto = self._asked_span(function, given[0]), False
            if given[1] is not None:
                share = self._asked_share(given[1], fresh.span, fixed=not fresh.auto)
                fresh.nplc = meter.cycles(share) if function.integrates else fresh.nplc
        self.triggering.reset()
        self.memory.clear()
        meter.settings[function.name] = fresh
        meter.active = function

    def _asked_span(self, function: Function, asked: object) -> float:
        if isinstance(asked, str):
            return function.ranges[0 if asked == "MIN" else -1]
        span = self.meter.fitting(function, asked) if isinstance(asked, float) else None
        if span is None:
            raise ScpiError(-222)
        return span

    @staticmethod
    def _asked_share(asked: object, span: float, *, fixed: bool) -> float:
        if isinstance(asked, str):
            return FINEST if asked == "MIN" else COARSEST
        if not isinstance(asked, float) or not fixed:
            # A resolution needs the range that it is a part of.
            raise ScpiError(-221)
        if asked / span < FINEST * 0.999999:
            raise ScpiError(-222)
        return asked / span

    def _configured(self) -> str:
        function, now = self.meter.active, self.meter.setting()
        if function.name in {"CONT", "DIOD"}:
            return f'"{function.name}"'
        resolution = f"{self.meter.resolution(function):+.6E}"
        if function.name == "TEMP":
            probe = str(now.options.get("TRANsducer:TYPE", "FRTD"))
            return f'"TEMP {probe},+1.000000E+02,+1.000000E+00,{resolution}"'
        return f'"{function.name} {now.span:+.6E},{resolution}"'

    # Memory.

    def _memory(self) -> list[Command]:
        def most(optional: bool) -> Number:
            return Number(low=1, high=MEMORY, whole=True, optional=optional)

        wait = Choice(of=("WAIT",), optional=True)
        return [
            Command("R", query=self._drain, query_params=(most(True),)),
            Command("DATA:REMove", query=self._remove, query_params=(most(False), wait)),
            Command("DATA:POINts", query=lambda: f"{len(self.memory.readings):+d}"),
            Command("DATA:LAST", query=self._last),
        ]

    def _drain(self, count: float | None) -> str:
        text = self._shown(self._removed(count))
        return text if self._real_bits else _block(text)

    def _remove(self, count: float, wait: str | None) -> str:
        if wait is not None:
            self._finish()
        if count > len(self.memory.readings):
            raise ScpiError(-222)
        return self._shown(self._removed(count))

    def _removed(self, count: float | None) -> list[float]:
        readings = self.memory.readings
        number = len(readings) if count is None else round(count)
        taken = [reading.value for reading in readings[:number]]
        del readings[:number]
        return taken

    def _last(self) -> str:
        readings = self.memory.readings
        return exponent(readings[-1].value if readings else NOT_A_NUMBER)

    # The rest.

    def _system(self) -> list[Command]:
        def form(word: str, bits: float | None) -> None:
            if bits not in {None, 32.0, 64.0} or (word == "ASC" and bits is not None):
                raise ScpiError(-224)
            self._real_bits = 0 if word == "ASC" else round(bits or 64)

        def order(word: str) -> None:
            self._swapped = word == "SWAP"

        def nothing(*_given: object) -> None:
            """Nobody sees the display, hears the beeper or touches the keys of a twin."""

        words = Choice(of=("ASCii", "REAL"))
        length = Number(low=32, high=64, whole=True, optional=True)
        return [
            Command(
                "FORMat[:DATA]",
                set=form,
                params=(words, length),
                query=lambda: f"REAL,{self._real_bits}" if self._real_bits else "ASC,9",
            ),
            Command(
                "FORMat:BORDer",
                set=order,
                params=(Choice(of=("NORMal", "SWAPped")),),
                query=lambda: "SWAP" if self._swapped else "NORM",
            ),
            Command("SYSTem:LFRequency", query=lambda: f"{self.meter.line_hz:+.0f}"),
            Command("SYSTem:LICense:CATalog", query=lambda: '""'),
            Command("*OPT", query=lambda: "0,0"),
            Command("SYSTem:BEEPer[:IMMediate]", set=nothing),
            self._keep("SYSTem:BEEPer:STATe", Boolean(), usual=True),
            Command("SYSTem:PRESet", set=self._reset),
            Command("SYSTem:LOCal", set=nothing),
            Command("SYSTem:REMote", set=nothing),
            Command("SYSTem:RWLock", set=nothing),
            Command("ROUTe:TERMinals", query=lambda: "FRON"),
            self._keep("DISPlay[:STATe]", Boolean(), usual=True),
            self._keep(TEXT, Text(), usual=""),
            Command("DISPlay:TEXT:CLEar", set=lambda: self._kept.update({TEXT: ""})),
            self._keep(
                "DISPlay:VIEW",
                Choice(of=("NUMeric", "HISTogram", "TCHart", "METer")),
                usual="NUM",
            ),
            self._keep("UNIT:TEMPerature", Choice(of=("C", "F", "K")), usual="C"),
            Command("CALibration:COUNt", query=lambda: "+1"),
        ]

    def _keep(self, header: str, kind: Parameter, *, usual: object) -> Command:
        """A setting that changes no reading of this twin: it is kept and told back."""

        def store(value: object) -> None:
            self._kept[header] = value

        def show() -> str:
            value = self._kept.get(header, usual)
            if isinstance(value, bool):
                return str(int(value))
            return f'"{value}"' if isinstance(kind, Text) else str(value)

        return Command(header, set=store, params=(kind,), query=show)


def _block(text: str) -> str:
    count = str(len(text))
    return f"#{len(count)}{count}{text}"
