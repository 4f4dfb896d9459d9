"""The SENSe commands of a Truevolt meter: each function's range, integration, zero and null."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from instruments.scpi import (
    Boolean,
    Choice,
    Command,
    Extreme,
    Number,
    Parameter,
    ScpiError,
    Text,
    setting,
)
from instruments.twins.metering import Function, Meter, Setting
from instruments.twins.truevolt_parts import (
    FUNCTIONS,
    NPLCS,
    RESOLUTION,
    Switch,
    exponent,
    names_of,
)

FINEST, COARSEST = min(RESOLUTION.values()), max(RESOLUTION.values())


@dataclass(frozen=True, slots=True)
class _Within:
    """A number whose MIN is the smallest range but which may be less than that."""

    bounds: Number
    free: Number
    optional: bool = False

    def parse(self, token: str) -> float:
        bound = self.bounds.bound(token.upper())
        return float(self.free.parse(token)) if bound is None else bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A setting that changes no reading of this twin: it is kept and told back."""

    leaf: str
    kind: Parameter
    usual: object
    show: Callable[[object], str]


def _number(leaf: str, usual: float, low: float, high: float) -> Option:
    kind = Number(low=low, high=high, default=usual)
    return Option(leaf=leaf, kind=kind, usual=usual, show=lambda value: exponent(float(str(value))))


def _state(leaf: str, usual: bool) -> Option:
    return Option(leaf=leaf, kind=Boolean(), usual=usual, show=lambda value: str(int(bool(value))))


def _word(leaf: str, usual: str, *of: str) -> Option:
    return Option(leaf=leaf, kind=Choice(of=of), usual=usual, show=str)


_PROBES = ("FRTD", "RTD", "FTHermistor", "THERmistor", "TCouple")
OPTIONS: dict[str, tuple[Option, ...]] = {
    "VOLT": (_state("IMPedance:AUTO", False),),
    "VOLT:AC": (_number("BANDwidth", 20.0, 3.0, 200.0),),
    "CURR": (_number("TERMinals", 3.0, 3.0, 10.0),),
    "CURR:AC": (
        _number("BANDwidth", 20.0, 3.0, 200.0),
        _number("TERMinals", 3.0, 3.0, 10.0),
    ),
    "RES": (_state("OCOMpensated", False), _state("POWer:LIMit[:STATe]", False)),
    "FRES": (_state("OCOMpensated", False), _state("POWer:LIMit[:STATe]", False)),
    "FREQ": (
        _number("APERture", 0.1, 0.001, 1.0),
        _number("RANGe:LOWer", 20.0, 3.0, 200.0),
        _number("VOLTage:RANGe[:UPPer]", 10.0, 0.1, 750.0),
        _state("VOLTage:RANGe[:UPPer]:AUTO", True),
        _state("TIMeout:AUTO", False),
    ),
    "PER": (
        _number("APERture", 0.1, 0.001, 1.0),
        _number("RANGe:LOWer", 20.0, 3.0, 200.0),
        _number("VOLTage:RANGe[:UPPer]", 10.0, 0.1, 750.0),
        _state("VOLTage:RANGe[:UPPer]:AUTO", True),
        _state("TIMeout:AUTO", False),
    ),
    "TEMP": (
        _word("TRANsducer:TYPE", "FRTD", *_PROBES),
        _number("TRANsducer:FRTD:RESistance[:REFerence]", 100.0, 80.0, 120.0),
        _number("TRANsducer:RTD:RESistance[:REFerence]", 100.0, 80.0, 120.0),
        _state("TRANsducer:FRTD:OCOMpensated", False),
        _state("TRANsducer:RTD:OCOMpensated", False),
        _number("TRANsducer:THERmistor:TYPE", 5000.0, 5000.0, 5000.0),
        _number("TRANsducer:FTHermistor:TYPE", 5000.0, 5000.0, 5000.0),
        _word("TRANsducer:TCouple:TYPE", "J", "E", "J", "K", "N", "R", "T"),
        _state("TRANsducer:TCouple:CHECk", False),
        _word("TRANsducer:TCouple:RJUNction:TYPE", "INT", "INTernal", "FIXed"),
        _number("TRANsducer:TCouple:RJUNction", 0.0, -20.0, 80.0),
    ),
}


class Sense:
    """The SENSe tree over one meter; any change ends what is being measured."""

    def __init__(self, meter: Meter, abort: Callable[[], None]) -> None:
        self._meter = meter
        self._abort = abort

    def commands(self) -> list[Command]:
        """The whole tree."""
        made = [
            Command(
                "[SENSe:]FUNCtion[:ON]",
                set=self._choose,
                params=(Text(),),
                query=lambda: f'"{self._meter.active.name}"',
            )
        ]
        for function in FUNCTIONS:
            header = f"[SENSe:]{function.header}"
            if function.ranges_itself:
                made += self._ranges(header, function)
            if function.integrates:
                made += self._integration(header, function)
            made += self._null(header, function)
            made += [self._option(header, function, one) for one in OPTIONS.get(function.name, ())]
        return made

    def _choose(self, text: str) -> None:
        for function in FUNCTIONS:
            if text.strip().upper() in names_of(function):
                self._abort()
                self._meter.active = function
                return
        raise ScpiError(-224)

    def _now(self, function: Function) -> Setting:
        return self._meter.settings[function.name]

    def _change(self, function: Function, **values: float | bool | None) -> None:
        self._abort()
        for name, value in values.items():
            setattr(self._now(function), name, value)

    def _ranges(self, header: str, function: Function) -> list[Command]:
        bounds = Number(low=function.ranges[0], high=function.ranges[-1], default=function.usual)
        free = Number(low=-bounds.high, high=bounds.high)

        def set_range(value: float) -> None:
            self._change(function, span=self._meter.fitting(function, value), auto=False)

        def automatic(state: str) -> None:
            if state == "ONCE":
                self._now(function).auto = True
                self._meter.take()
            self._change(function, auto=state == "ON")

        return [
            Command(
                f"{header}:RANGe[:UPPer]",
                set=set_range,
                params=(_Within(bounds, free),),
                query=lambda bound: exponent(self._now(function).span if bound is None else bound),
                query_params=(Extreme(bounds),),
            ),
            Command(
                f"{header}:RANGe[:UPPer]:AUTO",
                set=automatic,
                params=(Switch(),),
                query=lambda: str(int(self._now(function).auto)),
            ),
        ]

    def _integration(self, header: str, function: Function) -> list[Command]:
        meter = self._meter

        def fit(value: float) -> None:
            cycles = next(known for known in NPLCS if value <= known * 1.000001)
            self._change(function, nplc=cycles)
            self._now(function).options["APERture:ENABled"] = False

        def set_aperture(seconds: float) -> None:
            self._change(function, nplc=seconds * meter.line_hz)
            self._now(function).options["APERture:ENABled"] = True

        def set_resolution(value: float | str | None) -> None:
            share = value / self._now(function).span if isinstance(value, float) else 0.0
            if share < FINEST * 0.999999:
                raise ScpiError(-222)
            self._change(function, nplc=meter.cycles(share))

        def show_resolution(bound: float | None) -> str:
            share = meter.share(self._now(function).nplc) if bound is None else bound
            return exponent(share * self._now(function).span)

        return [
            setting(
                f"{header}:NPLC",
                Number(low=NPLCS[0], high=NPLCS[-1], default=10.0),
                fit,
                lambda: self._now(function).nplc,
                exponent,
            ),
            setting(
                f"{header}:APERture",
                Number(unit="S", low=0.0002, high=1.0, default=0.1),
                set_aperture,
                lambda: self._now(function).nplc / meter.line_hz,
                exponent,
            ),
            self._option(header, function, _state("APERture:ENABled", False)),
            Command(
                f"{header}:RESolution",
                set=set_resolution,
                params=(Number(low=0.0, high=inf),),
                query=show_resolution,
                query_params=(Extreme(Number(low=FINEST, high=COARSEST, default=0.1e-6)),),
            ),
            Command(
                f"{header}:ZERO:AUTO",
                set=lambda state: self._change(function, autozero=state == "ON"),
                params=(Switch(),),
                query=lambda: str(int(self._now(function).autozero)),
            ),
        ]

    def _null(self, header: str, function: Function) -> list[Command]:
        def switch(on: bool) -> None:
            known = self._now(function).options.get("NULL", 0.0)
            self._change(function, null=float(str(known)) if on else None)

        def keep(value: float) -> None:
            self._now(function).options["NULL"] = value
            switch(True)

        return [
            Command(
                f"{header}:NULL[:STATe]",
                set=switch,
                params=(Boolean(),),
                query=lambda: str(int(self._now(function).null is not None)),
            ),
            setting(
                f"{header}:NULL:VALue",
                Number(low=-1.2e12, high=1.2e12, default=0.0),
                keep,
                lambda: float(str(self._now(function).options.get("NULL", 0.0))),
                exponent,
            ),
        ]

    def _option(self, header: str, function: Function, option: Option) -> Command:
        def keep(value: object) -> None:
            self._now(function).options[option.leaf] = value

        return Command(
            f"{header}:{option.leaf}",
            set=keep,
            params=(option.kind,),
            query=lambda: option.show(self._now(function).options.get(option.leaf, option.usual)),
        )
