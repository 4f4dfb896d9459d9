"""Reading buffers of a DMM6500: named, indexed from 1, read without being emptied."""

import struct
from collections.abc import Callable
from datetime import datetime

from instruments.scpi import Choice, Command, Number, Parameter, ScpiError, Text
from instruments.twins.acquisition import Acquisition, Reading
from instruments.twins.averages import Averages
from instruments.twins.dmm6500_parts import plain, reading
from instruments.twins.metering import OVERLOAD, Meter, Quantity

DEFAULTS = ("defbuffer1", "defbuffer2")
CAPACITY = 100_000
MOST = 7_000_000
ELEMENTS = (
    "READing",
    "RELative",
    "UNIT",
    "DATE",
    "TIME",
    "TSTamp",
    "SEConds",
    "FRACtional",
    "STATus",
    "FORMatted",
    "EXTRa",
    "CHANnel",
)
MOST_ELEMENTS = 14
UNITS = {
    Quantity.DC_VOLTAGE: "Volt DC",
    Quantity.AC_VOLTAGE: "Volt AC",
    Quantity.DC_CURRENT: "Amp DC",
    Quantity.AC_CURRENT: "Amp AC",
    Quantity.RESISTANCE: "Ohm",
    Quantity.TEMPERATURE: "Celsius",
    Quantity.FREQUENCY: "Hertz",
    Quantity.PERIOD: "Second",
    Quantity.CAPACITANCE: "Farad",
    Quantity.DC_VOLTAGE_RATIO: "Ratio",
}


class Buffers:
    """All buffers of one meter, and the format in which they are told."""

    def __init__(
        self, meter: Meter, *, now_us: Callable[[], int], wall: Callable[[int], datetime]
    ) -> None:
        self._meter = meter
        self._now_us = now_us
        self._wall = wall
        self._form = "ASC"
        self._buffers: dict[str, Acquisition] = {}
        self._modes: dict[str, str] = {}
        self.reset()

    def reset(self) -> None:
        """Leave the two buffers of the factory, empty."""
        self._buffers = {name: self._made(CAPACITY) for name in DEFAULTS}
        self._modes = dict.fromkeys(DEFAULTS, "CONT")
        self._form = "ASC"

    def _made(self, capacity: int) -> Acquisition:
        return Acquisition(self._meter.take, now_us=self._now_us, capacity=capacity)

    def named(self, name: str | None) -> Acquisition:
        """The buffer of a name, the first of the factory without one; else refuse."""
        buffer = self._buffers.get(name or DEFAULTS[0])
        if buffer is None:
            raise ScpiError(-224)
        return buffer

    @property
    def running(self) -> bool:
        """Whether readings are still to come into any."""
        return any(buffer.running for buffer in self._buffers.values())

    def catch_up(self) -> None:
        """Take what is due by now."""
        for buffer in self._buffers.values():
            buffer.catch_up()

    def finish(self) -> float:
        """Take all that are still to come, and give how long that takes, s."""
        return sum(buffer.finish() for buffer in self._buffers.values())

    def abort(self) -> None:
        """Take no more; what has been taken stays."""
        for buffer in self._buffers.values():
            buffer.abort()

    # What is told.

    @staticmethod
    def elements_of(*first: Parameter) -> tuple[Parameter, ...]:
        """Parameters that end with a list of buffer elements."""
        element = Choice(of=ELEMENTS, optional=True)
        return (*first, *[element] * MOST_ELEMENTS)

    def last(self, name: str | None, elements: tuple[str | None, ...]) -> str:
        """The newest reading of a buffer, with its elements."""
        buffer = self.named(name)
        if not buffer.readings:
            raise ScpiError(-230)
        return self._told(buffer, buffer.readings[-1:], elements)

    def _data(self, first: float, final: float, name: str | None, *elements: str | None) -> str:
        buffer = self.named(name)
        low, high = round(first) - 1 - buffer.dropped, round(final) - buffer.dropped
        if not 0 <= low < high <= len(buffer.readings):
            raise ScpiError(-222)
        return self._told(buffer, buffer.readings[low:high], elements)

    def _told(
        self, buffer: Acquisition, readings: list[Reading], elements: tuple[str | None, ...]
    ) -> str:
        chosen = [element for element in elements if element is not None] or ["READ"]
        if self._form != "ASC":
            if not set(chosen) <= {"READ", "REL", "EXTR"}:
                raise ScpiError(1133, "Parameter 4, Syntax error, expected valid name parameters")
            numbers = [self._number(buffer, one, name) for one in readings for name in chosen]
            code = "d" if self._form == "REAL" else "f"
            return "#0" + struct.pack(f"<{len(numbers)}{code}", *numbers).decode("latin-1")
        return ",".join(self._element(buffer, one, name) for one in readings for name in chosen)

    def _number(self, buffer: Acquisition, one: Reading, name: str) -> float:
        match name:
            case "READ":
                return one.value
            case "REL":
                return (one.time_us - buffer.readings[0].time_us) / 1_000_000
            case _:
                return 0.0

    def _element(self, buffer: Acquisition, one: Reading, name: str) -> str:
        when = self._wall(one.time_us)
        match name:
            case "READ":
                return reading(one.value)
            case "REL":
                return f"{self._number(buffer, one, name):.9f}"
            case "UNIT":
                return UNITS[self._meter.active.quantity]
            case "DATE":
                return f"{when:%m/%d/%Y}"
            case "TIME":
                return f"{when:%H:%M:%S.%f}"
            case "TST":
                return f"{when:%m/%d/%Y %H:%M:%S.%f}"
            case "SEC":
                return str(int(when.timestamp()))
            case "FRAC":
                return f"{one.time_us % 1_000_000 / 1_000_000:.9f}"
            case "STAT":
                return plain(8.0 if abs(one.value) < OVERLOAD else 9.0)
            case "FORM":
                return f"{one.value:+.6f}"
            case _:
                return "0"

    # Commands.

    def commands(self) -> list[Command]:
        """TRACe and FORMat."""
        which = (Text(optional=True),)
        size = Number(low=0, high=MOST, whole=True)
        style = Choice(of=("STANdard", "FULL", "WRITable", "FULLWRitable"), optional=True)
        place = Number(low=1, high=1e12, whole=True)

        def keep_form(word: str) -> None:
            self._form = word

        return [
            Command(
                "FORMat[:DATA]",
                set=keep_form,
                params=(Choice(of=("ASCii", "REAL", "SREal")),),
                query=lambda: self._form,
            ),
            Command("TRACe:ACTual", query=self._actual, query_params=which),
            Command("TRACe:ACTual:STARt", query=self._begin, query_params=which),
            Command("TRACe:ACTual:END", query=self._end, query_params=which),
            Command("TRACe:CLEar", set=lambda name: self.named(name).clear(), params=which),
            Command(
                "TRACe:POINts",
                set=self._resize,
                params=(size, *which),
                query=lambda name: str(self.named(name).capacity),
                query_params=which,
            ),
            Command(
                "TRACe:DATA",
                query=self._data,
                query_params=self.elements_of(place, place, *which),
            ),
            Command("TRACe:MAKE", set=self._make, params=(Text(), size, style)),
            Command("TRACe:DELete", set=self._delete, params=(Text(),)),
            Command(
                "TRACe:FILL:MODE",
                set=self._fill,
                params=(Choice(of=("CONTinuous", "ONCE")), *which),
                query=self._mode,
                query_params=which,
            ),
            *self._statistics(),
        ]

    def _statistics(self) -> list[Command]:
        which = (Text(optional=True),)

        def of(value: Callable[[Averages], float]) -> Callable[[str | None], str]:
            def query(name: str | None) -> str:
                averages = Averages(one.value for one in self.named(name).readings)
                if not averages.count:
                    raise ScpiError(-230)
                return reading(value(averages))

            return query

        header = "TRACe:STATistics"
        leaves: dict[str, Callable[[Averages], float]] = {
            "AVERage": lambda averages: averages.mean,
            "MINimum": lambda averages: averages.low,
            "MAXimum": lambda averages: averages.high,
            "PK2Pk": lambda averages: averages.high - averages.low,
            "STDDev": lambda averages: averages.deviation,
        }
        return [
            Command(f"{header}:{leaf}", query=of(value), query_params=which)
            for leaf, value in leaves.items()
        ]

    def _actual(self, name: str | None) -> str:
        return str(len(self.named(name).readings))

    def _begin(self, name: str | None) -> str:
        buffer = self.named(name)
        return str(buffer.dropped + 1 if buffer.readings else 0)

    def _end(self, name: str | None) -> str:
        buffer = self.named(name)
        return str(buffer.dropped + len(buffer.readings))

    def _resize(self, size: float, name: str | None) -> None:
        self._replace(name or DEFAULTS[0], size)

    def _replace(self, name: str, size: float) -> None:
        self.named(name)
        if 0 < size < 10:
            raise ScpiError(-222)
        self._buffers[name] = self._made(round(size) or CAPACITY)

    def _make(self, name: str, size: float, _style: str | None) -> None:
        if name in self._buffers or not name:
            raise ScpiError(-224)
        if 0 < size < 10:
            raise ScpiError(-222)
        self._buffers[name] = self._made(round(size) or CAPACITY)
        self._modes[name] = "ONCE"

    def _delete(self, name: str) -> None:
        self.named(name)
        # An empty name means the first of the factory's too.
        if name in {"", *DEFAULTS}:
            raise ScpiError(-221)
        del self._buffers[name]
        del self._modes[name]

    def _fill(self, mode: str, name: str | None) -> None:
        self.named(name)
        self._modes[name or DEFAULTS[0]] = mode

    def _mode(self, name: str | None) -> str:
        self.named(name)
        return self._modes[name or DEFAULTS[0]]
