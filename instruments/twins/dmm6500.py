"""Twin of the Keithley DMM6500 multimeter in its SCPI language, without a scanner card.

Sources: the maker's "Model DMM6500 Reference Manual" (DMM6500-901-01) as public notes cite it page
by page, for functions, ranges, buffers, trigger templates and overflow (9.9E+37); the DMM7510's
and 2461's manuals, of the same language, for buffer elements and readings as ``-1.322940E-05``;
PyMeasure's tests on a real one for settings as ``0.0166667``; the data sheet SPEC-DMM6500 for DC
voltage. Errors are ``-113,"Undefined header;1;<date> <time>"`` as the 2450's manual prints.
Chosen: 60 Hz, which allows 15 power line cycles; noise; times of AC and other readings.
Not modelled: TSP and the two emulations (``*LANG`` waits for a reboot that never comes), limits,
digitizing, configuration lists, trigger blocks but for the loop templates, scanner channels.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from instruments.scpi import (
    Choice,
    Command,
    Device,
    Dialect,
    Number,
    Parameter,
    ScpiError,
    Text,
)
from instruments.twins.dmm6500_buffers import Buffers
from instruments.twins.dmm6500_parts import FUNCTIONS, RESOLUTION, SCREENS, plain
from instruments.twins.dmm6500_sense import Sense
from instruments.twins.electrical import AnalogInputs
from instruments.twins.metering import Meter, MeterInputs, OfVoltages
from instruments.twins.twin import Twin

LANGUAGES = ("SCPI", "TSP", "SCPI2000", "SCPI34401")
# How long a loop's reading takes beyond its integration; chosen.
SETTLING_S = 0.0005


class Dmm6500Twin(Twin):
    """The meter's SCPI in front of one pair of terminals."""

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float = 0.003,  # Chosen: what a LAN instrument of this class takes.
        line_hz: float = 60.0,
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        self._now_us = now_us
        self.meter = Meter(
            FUNCTIONS, resolution=RESOLUTION, usual_nplc=1.0, line_hz=line_hz, dice=dice
        )
        self.buffers = Buffers(self.meter, now_us=now_us, wall=self._wall)
        self.sense = Sense(self.meter, self._abort)
        self._busy_s = 0.0
        self._template: tuple[str, float, float, str] | None = None
        self.device = Device(
            [
                *self._measuring(),
                *self.sense.commands(),
                *self.buffers.commands(),
                *self._triggering(),
                *self._system(),
            ],
            identity=self.who,
            reset=self._reset,
            trigger=self._initiate,
            dialect=Dialect(queue_length=100, input_limit=65_536),
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
        """Four fields; the model's has its word before it."""
        return f"KEITHLEY INSTRUMENTS,MODEL DMM6500,{self.serial},1.7.12b"

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
        self.buffers.catch_up()
        self._busy_s = 0.0

    def _wall(self, time_us: int) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)

    def _reset(self) -> None:
        self._abort()
        self.meter.reset()
        self.sense.count = 1.0
        self._template = None
        self.buffers.reset()

    # Measuring.

    def _interval_s(self) -> float:
        return self.meter.seconds() + SETTLING_S

    def _measure(self, name: str | None) -> None:
        """Take ``COUNt`` readings into a buffer and wait for them."""
        self._abort()
        buffer = self.buffers.named(name)
        buffer.start(self.sense.count, self._interval_s())
        self._busy_s += buffer.finish()

    def _read(self, name: str | None, *elements: str | None) -> str:
        self._measure(name)
        return self.buffers.last(name, elements)

    def _fetch(self, name: str | None, *elements: str | None) -> str:
        return self.buffers.last(name, elements)

    def _measuring(self) -> list[Command]:
        what = self.buffers.elements_of(Text(optional=True))
        made = [
            Command("READ", query=self._read, query_params=what),
            Command("FETCh", query=self._fetch, query_params=what),
            Command("MEASure", query=self._read, query_params=what),
            Command("*OPC", set=self._complete, query=self._wait),
            Command("*WAI", set=self._finish),
        ]
        for function in FUNCTIONS:

            def measure(
                name: str | None, *elements: str | None, header: str = function.name
            ) -> str:
                self.sense.choose(header)
                return self._read(name, *elements)

            made.append(Command(f"MEASure:{function.header}", query=measure, query_params=what))
        return made

    def _finish(self) -> None:
        self._busy_s += self.buffers.finish()

    def _complete(self) -> None:
        self._finish()
        self.device.status.esr |= 1

    def _wait(self) -> str:
        self._finish()
        return "1"

    # Triggering.

    def _abort(self) -> None:
        self.buffers.abort()

    def _load(
        self, template: str, first: float | None, second: float | None, name: str | None
    ) -> None:
        known = {"SIMPLELOOP": "SimpleLoop", "DURATIONLOOP": "DurationLoop", "EMPTY": "Empty"}
        kind = known.get(template.upper())
        if kind is None:
            raise ScpiError(-224)
        self._abort()
        if kind == "Empty":
            self._template = None
            return
        if first is None or first <= 0:
            raise ScpiError(-109 if first is None else -222)
        self.buffers.named(name)
        self._template = (kind, first, second or 0.0, name or "defbuffer1")

    def _initiate(self) -> None:
        if self.buffers.running:
            raise ScpiError(-213)
        if self._template is None:
            # Without a loaded model the count is measured, as READ? does, but nobody waits.
            self.buffers.named(None).start(self.sense.count, self._interval_s())
            return
        kind, first, delay_s, name = self._template
        interval_s = self._interval_s() + delay_s
        count = first if kind == "SimpleLoop" else max(1.0, first // interval_s)
        self.buffers.named(name).start(count, interval_s)

    def _state(self) -> str:
        if self.buffers.running:
            return "RUNNING;RUNNING;4"
        return "EMPTY;EMPTY;0" if self._template is None else "IDLE;IDLE;6"

    def _triggering(self) -> list[Command]:
        number = Number(low=0.0, high=1e9, optional=True)
        return [
            Command("INITiate[:IMMediate]", set=self._initiate),
            Command("ABORt", set=self._abort),
            Command(
                "TRIGger:LOAD",
                set=self._load,
                params=(Text(), number, number, Text(optional=True)),
            ),
            Command("TRIGger:STATe", query=self._state),
            Command(
                "TRIGger:CONTinuous",
                set=lambda _word: None,
                params=(Choice(of=("OFF", "AUTO", "RESTart")),),
            ),
        ]

    # The rest.

    def _next_error(self) -> str:
        error = self.device.errors.pop()
        if error.code == 0:
            return '0,"No error;0;0 0"'
        when = f"{self._wall(self._now_us()):%Y/%m/%d %H:%M:%S.%f}"[:-3]
        return f'{error.code},"{error.text};1;{when}"'

    def _forget_errors(self) -> None:
        self.device.errors.clear()

    def _system(self) -> list[Command]:
        def nothing(*_given: object) -> None:
            """Nobody sees the display or hears the beeper of a twin."""

        hertz, seconds = Number(low=20, high=8000), Number(low=0.001, high=100)
        light = Choice(of=("ON100", "ON75", "ON50", "ON25", "OFF", "BLACkout"))
        clock = tuple(Number(low=0, high=9999, optional=index > 0) for index in range(6))
        text: tuple[Parameter, ...] = (Text(),)
        return [
            Command("SYSTem:ERRor[:NEXT]", query=self._next_error),
            Command("SYSTem:CLEar", set=self._forget_errors),
            # Takes effect when the instrument is rebooted, which nobody can ask of it.
            Command(
                "*LANG",
                set=nothing,
                params=(Choice(of=LANGUAGES),),
                query=lambda: LANGUAGES[0],
            ),
            Command("SYSTem:LFRequency", query=lambda: plain(self.meter.line_hz)),
            Command("SYSTem:BEEPer[:IMMediate]", set=nothing, params=(hertz, seconds)),
            Command(
                "SYSTem:TIME",
                set=nothing,
                params=clock,
                query=self._time,
                query_params=(Number(low=0, high=1, optional=True),),
            ),
            Command("SYSTem:CARD<1-1>:IDN", query=lambda _slot: "Empty Slot"),
            Command("ROUTe:TERMinals", query=lambda: "FRON"),
            Command("DISPlay:SCReen", set=nothing, params=(Choice(of=SCREENS),)),
            Command("DISPlay:CLEar", set=nothing),
            Command("DISPlay:USER<1-2>:TEXT[:DATA]", set=nothing, params=text),
            Command("DISPlay:LIGHt:STATe", set=nothing, params=(light,), query=lambda: "ON50"),
        ]

    def _time(self, form: float | None) -> str:
        now = self._wall(self._now_us())
        return f"{now:%a %b %d %H:%M:%S %Y}" if form == 1 else str(round(now.timestamp()))
