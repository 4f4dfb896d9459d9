"""The SENSe commands of a DMM6500: each function's range, integration, zero, relative offset."""

from collections.abc import Callable

from instruments.scpi import Boolean, Command, Number, Parameter, ScpiError, Text, setting
from instruments.scpi.command import expand
from instruments.twins.dmm6500_parts import FUNCTIONS, OPTIONS, plain
from instruments.twins.metering import OVERLOAD, Function, Meter, Setting

MOST_READINGS = 1_000_000


class Sense:
    """The SENSe tree over one meter, and the digits on its display."""

    def __init__(self, meter: Meter, abort: Callable[[], None]) -> None:
        self._meter = meter
        self._abort = abort
        self.count = 1.0

    def commands(self) -> list[Command]:
        """The whole tree; ``SENSe`` and its number may be left out everywhere."""
        made = [
            Command(
                "[SENSe<1-1>:]FUNCtion[:ON]",
                set=lambda _one, text: self.choose(text),
                params=(Text(),),
                query=lambda _one: f'"{self._meter.active.name}"',
            ),
            _numbered(
                "[SENSe<1-1>:]COUNt",
                Number(low=1, high=MOST_READINGS, default=1, whole=True),
                lambda value: setattr(self, "count", value),
                lambda: self.count,
            ),
            Command("[SENSe<1-1>:]AZERo:ONCE", set=lambda _one: self._zero_once()),
        ]
        for function in FUNCTIONS:
            header = f"[SENSe<1-1>:]{function.header}"
            if function.ranges_itself:
                made += self._ranges(header, function)
            if function.integrates:
                made += self._integration(header, function)
            if function.name != "CONT":
                made += self._relative(header, function)
            for leaf, (kind, usual) in OPTIONS[function.name].items():
                made.append(self._option(header, leaf, function, kind, usual))
            made.append(self._digits(function))
        return made

    def choose(self, text: str) -> None:
        """Make a function the active one, by any of its spellings."""
        wanted = text.strip().upper()
        for function in FUNCTIONS:
            if wanted in {spelling for spelling, _ in expand(function.header)}:
                self._abort()
                self._meter.active = function
                return
        raise ScpiError(-224)

    def _now(self, function: Function) -> Setting:
        return self._meter.settings[function.name]

    def _zero_once(self) -> None:
        for now in self._meter.settings.values():
            now.autozero = False

    def _ranges(self, header: str, function: Function) -> list[Command]:
        low, high = function.ranges[0], function.ranges[-1]

        def choose(value: float) -> None:
            span = self._meter.fitting(function, value)
            assert span is not None  # The number's range saw to that.
            self._now(function).span, self._now(function).auto = span, False

        return [
            _numbered(
                f"{header}:RANGe[:UPPer]",
                Number(low=low, high=high, default=function.usual),
                choose,
                lambda: self._now(function).span,
                least=-high,
            ),
            _switch(f"{header}:RANGe:AUTO", self._meter, function, "auto"),
        ]

    def _integration(self, header: str, function: Function) -> list[Command]:
        line_hz = self._meter.line_hz
        most = 15.0 if line_hz == 60.0 else 12.0

        def set_nplc(value: float) -> None:
            self._now(function).nplc = value

        return [
            _numbered(
                f"{header}:NPLCycles",
                Number(low=0.0005, high=most, default=1.0),
                set_nplc,
                lambda: self._now(function).nplc,
            ),
            _numbered(
                f"{header}:APERture",
                Number(unit="S", low=0.0005 / line_hz, high=most / line_hz, default=1 / line_hz),
                lambda value: set_nplc(value * line_hz),
                # A real one was seen to tell its least, 1/120000 s, as 8.33e-06: steps of 10 ns.
                lambda: round(self._now(function).nplc / line_hz, 8),
            ),
            _switch(f"{header}:AZERo[:STATe]", self._meter, function, "autozero"),
        ]

    def _relative(self, header: str, function: Function) -> list[Command]:
        def kept() -> float:
            return float(str(self._now(function).options.get("RELative", 0.0)))

        def keep(value: float) -> None:
            self._now(function).options["RELative"] = value
            if self._now(function).null is not None:
                self._now(function).null = value

        def switch(_one: int, on: bool) -> None:
            self._now(function).null = kept() if on else None

        def acquire(_one: int) -> None:
            if function is not self._meter.active:
                raise ScpiError(-221)
            self._now(function).null = None
            value = self._meter.take()
            if abs(value) >= OVERLOAD:
                raise ScpiError(-230)
            keep(value)
            switch(1, True)

        return [
            _numbered(f"{header}:RELative", Number(low=-1e12, high=1e12, default=0.0), keep, kept),
            Command(
                f"{header}:RELative:STATe",
                set=switch,
                params=(Boolean(),),
                query=lambda _one: str(int(self._now(function).null is not None)),
            ),
            Command(f"{header}:RELative:ACQuire", set=acquire),
        ]

    def _option(
        self, header: str, leaf: str, function: Function, kind: Parameter, usual: object
    ) -> Command:
        def load() -> object:
            return self._now(function).options.get(leaf, usual)

        def keep(value: object) -> None:
            self._now(function).options[leaf] = value

        if isinstance(kind, Number):
            return _numbered(f"{header}:{leaf}", kind, keep, lambda: float(str(load())))

        def show(_one: int) -> str:
            value = load()
            return str(int(value)) if isinstance(value, bool) else str(value)

        return Command(
            f"{header}:{leaf}",
            set=lambda _one, value: keep(value),
            params=(kind,),
            query=show,
        )

    def _digits(self, function: Function) -> Command:
        def keep(value: float) -> None:
            self._now(function).options["digits"] = value

        return setting(
            f"DISPlay:{function.header}:DIGits",
            Number(low=3, high=6, default=6, whole=True),
            keep,
            lambda: float(str(self._now(function).options.get("digits", 6))),
            plain,
        )


def _numbered(
    header: str,
    number: Number,
    store: Callable[[float], None],
    load: Callable[[], float],
    *,
    least: float | None = None,
) -> Command:
    """A setting below ``SENSe<1-1>``, whose number both handlers get and ignore."""
    made = setting(header, number, store, load, plain)
    query = made.query
    assert query is not None
    taken = number if least is None else _Down(number, least)
    return Command(
        header,
        set=lambda _one, value: store(value),
        query=lambda _one, bound: query(bound),
        params=(taken,),
        query_params=made.query_params,
    )


class _Down:
    """A number that may be less than its MIN: a range is chosen by what is expected."""

    optional = False

    def __init__(self, number: Number, least: float) -> None:
        self._number = number
        self._free = Number(low=least, high=number.high)

    def parse(self, token: str) -> float:
        """Read it."""
        bound = self._number.bound(token.upper())
        return float(self._free.parse(token)) if bound is None else bound


def _switch(header: str, meter: Meter, function: Function, name: str) -> Command:
    def store(_one: int, on: bool) -> None:
        setattr(meter.settings[function.name], name, on)

    return Command(
        header,
        set=store,
        params=(Boolean(),),
        query=lambda _one: str(int(getattr(meter.settings[function.name], name))),
    )
