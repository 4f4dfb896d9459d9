"""What can be set on the DL3021 and asked back: headers, units, ends, delivered values, digits.

Headers and units are the maker's; delivered values and digits are what a public read-out of a
whole DL3021A shows, and where that was in another mode, the guide's appendix. Ranges are two-valued
settings of their own, and bound the levels below them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from instruments.scpi import Boolean, Choice, Command, ScpiError
from instruments.twins.rigol import Bound, Level

_QUANTITIES = ("CURRent", "VOLTage", "RESistance", "POWer")
CURRENT, VOLTAGE, RESISTANCE, POWER = (f"{name}[:LEVel][:IMMediate]" for name in _QUANTITIES)
BATTERY = "BATTary[:LEVel][:IMMediate]"
SLEW, SLEW_UP, SLEW_DOWN = "CURRent:SLEW[:BOTH]", "CURRent:SLEW:POSitive", "CURRent:SLEW:NEGative"
LEVEL_A, LEVEL_B = "CURRent:TRANsient:ALEVel", "CURRent:TRANsient:BLEVel"
WIDTH_A_MS = "CURRent:TRANsient:AWIDth"
DUTY_PCT = "CURRent:TRANsient:ADUTy"
FREQUENCY_KHZ, PERIOD_MS = "CURRent:TRANsient:FREQuency", "CURRent:TRANsient:PERiod"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """A number's ends, its delivered value and how it is answered."""

    low: float = 0.0
    high: float
    default: float
    unit: str = ""
    decimals: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A range: a low one and a high one, chosen by any value within."""

    low: float
    high: float

    def chosen(self, value: float) -> float:
        """The smallest range that holds a value."""
        return self.low if value <= self.low else self.high


CURRENT_SPAN, VOLTAGE_SPAN = Span(low=4.0, high=40.0), Span(low=15.0, high=150.0)
RESISTANCE_SPAN = Span(low=15.0, high=15_000.0)
SPANS: Mapping[str, Span] = {
    "CURRent:RANGe": CURRENT_SPAN,
    "VOLTage:RANGe": VOLTAGE_SPAN,
    "RESistance:RANGe": RESISTANCE_SPAN,
    "BATTary:RANGe": CURRENT_SPAN,
    "OCP:RANGe": CURRENT_SPAN,
}
# What a range bounds, and by how much of it: a slew's end is 2.5 A/us in 40 A and 0.25 in 4 A.
BOUNDED: Mapping[str, tuple[str, float]] = {
    CURRENT: ("CURRent:RANGe", 1.0),
    VOLTAGE: ("VOLTage:RANGe", 1.0),
    RESISTANCE: ("RESistance:RANGe", 1.0),
    BATTERY: ("BATTary:RANGe", 1.0),
    LEVEL_A: ("CURRent:RANGe", 1.0),
    LEVEL_B: ("CURRent:RANGe", 1.0),
    SLEW: ("CURRent:RANGe", 0.0625),
    SLEW_UP: ("CURRent:RANGe", 0.0625),
    SLEW_DOWN: ("CURRent:RANGe", 0.0625),
}
RESISTANCE_LOW_OHM = {15.0: 0.08, 15_000.0: 2.0}

_AMPERES = partial(Ends, unit="A", decimals=4)
_MS = partial(Ends, low=0.0, high=100_000.0)
NUMBERS: Mapping[str, Ends] = {
    CURRENT: _AMPERES(high=40.0, default=0.0),
    VOLTAGE: Ends(unit="V", high=150.0, default=0.0),
    RESISTANCE: Ends(unit="OHM", low=0.08, high=15_000.0, default=2.0),
    POWER: Ends(unit="W", high=200.0, default=0.0),
    **{f"{name}:VLIMt": Ends(unit="V", high=155.0, default=155.0) for name in _QUANTITIES},
    **{f"{name}:ILIMt": _AMPERES(high=70.0, default=70.0) for name in _QUANTITIES},
    "CURRent:VON": Ends(unit="V", high=150.0, default=0.0),
    # A/us: no suffix is known for it.
    SLEW: Ends(low=0.001, high=2.5, default=0.001),
    SLEW_UP: Ends(low=0.001, high=2.5, default=0.001),
    SLEW_DOWN: Ends(low=0.001, high=2.5, default=0.001),
    LEVEL_A: _AMPERES(high=40.0, default=4.0),
    LEVEL_B: _AMPERES(high=40.0, default=1.0),
    WIDTH_A_MS: _MS(default=2000.0, decimals=6),
    "CURRent:TRANsient:BWIDth": _MS(default=2000.0, decimals=6),
    FREQUENCY_KHZ: Ends(low=0.000001, high=15.0, default=0.001, decimals=6),
    PERIOD_MS: Ends(low=1.0 / 15.0, high=1_000_000.0, default=1000.0, decimals=6),
    DUTY_PCT: Ends(low=1.0, high=100.0, default=50.0, decimals=0),
    BATTERY: _AMPERES(high=40.0, default=0.0),
    "BATTary:VSTop": Ends(unit="V", high=150.0, default=0.0),
    "BATTary:CSTop": Ends(high=1_000_000.0, default=0.0),
    "BATTary:TIMestop": Ends(unit="S", high=1_000_000.0, default=0.0, decimals=0),
    "BATTary:VON": Ends(unit="V", high=150.0, default=0.5),
    "LIST:COUNt": Ends(high=99_999.0, default=1.0, decimals=0),
    "LIST:STEP": Ends(low=2.0, high=512.0, default=2.0, decimals=0),
    "LIST:RANGe": Ends(high=15_000.0, default=40.0, decimals=0),
    "OCP:VON": Ends(unit="V", high=150.0, default=0.01),
    "OCP:VONDelay": _MS(default=500.0, decimals=0),
    "OCP:ISET": _AMPERES(high=40.0, default=0.0),
    "OCP:ISTep": _AMPERES(high=40.0, default=1.0),
    "OCP:IDELaystep": _MS(default=500.0, decimals=0),
    "OCP:IMAX": _AMPERES(high=40.0, default=10.0),
    "OCP:IMIN": _AMPERES(high=40.0, default=9.0),
    "OCP:VOCP": Ends(unit="V", high=150.0, default=0.5),
    "OCP:TOCP": _MS(default=500.0, decimals=0),
    "OPP:VON": Ends(unit="V", high=150.0, default=0.01),
    "OPP:VONDelay": _MS(default=500.0, decimals=0),
    "OPP:PSET": Ends(unit="W", high=200.0, default=0.0),
    "OPP:PSTep": Ends(unit="W", high=200.0, default=1.0),
    "OPP:PDELaystep": _MS(default=500.0, decimals=0),
    "OPP:PMAX": Ends(unit="W", high=200.0, default=100.0),
    "OPP:PMIN": Ends(unit="W", high=200.0, default=90.0),
    "OPP:VOPP": Ends(unit="V", high=150.0, default=0.5),
    "OPP:TOPP": _MS(default=500.0, decimals=0),
}
SWITCHES = (
    "SENSe[:STATe]",
    "BATTary:VENabstop",
    "BATTary:CENabstop",
    "BATTary:TENabstop",
)
CHOICES: Mapping[str, tuple[str, ...]] = {
    "CURRent:TRANsient:MODE": ("CONTinuous", "PULSe", "TOGGle"),
    "LIST:MODE": ("CC", "CV", "CR", "CP"),
    "LIST:END": ("OFF", "LAST"),
}


class Settings:
    """The values, with the commands that set and ask them."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        """``changed`` is told the header of what was set."""
        self._changed = changed
        self.numbers: dict[str, float] = {}
        self.ranges: dict[str, float] = {}
        self.switches: dict[str, bool] = {}
        self.choices: dict[str, str] = {}
        self.reset()

    def reset(self) -> None:
        """As delivered."""
        self.numbers = {header: ends.default for header, ends in NUMBERS.items()}
        self.ranges = {header: span.high for header, span in SPANS.items()}
        self.switches = dict.fromkeys(SWITCHES, False)
        self.choices = {"CURRent:TRANsient:MODE": "CONT", "LIST:MODE": "CC", "LIST:END": "OFF"}

    def commands(self) -> Iterator[Command]:
        """A command for each, below an optional SOURce."""
        words = ("MIN", "MAX", "DEF")
        for header, ends in NUMBERS.items():
            yield from _spelled(
                header,
                set=partial(self._set_number, header),
                params=(Level(unit=ends.unit),),
                query=partial(self._show_number, header),
                query_params=(Bound(words=words),),
            )
        for header in SPANS:
            yield from _spelled(
                header,
                set=partial(self._set_range, header),
                params=(Level(unit=""),),
                query=partial(self._show_range, header),
                query_params=(Bound(words=words),),
            )
        for header in SWITCHES:
            yield from _spelled(
                header,
                set=partial(self._set_switch, header),
                params=(Boolean(),),
                query=partial(self._show_switch, header),
            )
        for header, choices in CHOICES.items():
            yield from _spelled(
                header,
                set=partial(self._set_choice, header),
                params=(Choice(of=choices),),
                query=partial(self._show_choice, header),
            )

    def ends(self, header: str) -> tuple[float, float]:
        """The lowest and highest value that a number can take in its range."""
        low, high = NUMBERS[header].low, NUMBERS[header].high
        if header in BOUNDED:
            span, share = BOUNDED[header]
            high = share * self.ranges[span]
        if header == RESISTANCE:
            low = RESISTANCE_LOW_OHM[self.ranges["RESistance:RANGe"]]
        return low, high

    def _number(self, header: str, given: float | str) -> float:
        low, high = self.ends(header)
        if isinstance(given, float):
            if not low <= given <= high * (1 + 1e-12):
                raise ScpiError(-222)
            return given
        default = min(max(NUMBERS[header].default, low), high)
        return {"MIN": low, "MAX": high, "DEF": default}[given]

    def _set_number(self, header: str, given: float | str) -> None:
        ends = NUMBERS[header]
        value = self._number(header, given)
        self.numbers[header] = round(value, ends.decimals)
        if header == FREQUENCY_KHZ:
            self.numbers[PERIOD_MS] = 1.0 / value
        if header == PERIOD_MS:
            self.numbers[FREQUENCY_KHZ] = 1.0 / value
        self._changed(header)

    def _show_number(self, header: str, bound: str | None) -> str:
        value = self.numbers[header] if bound is None else self._number(header, bound)
        return f"{value:.{NUMBERS[header].decimals}f}"

    def _set_range(self, header: str, given: float | str) -> None:
        span = SPANS[header]
        if isinstance(given, float):
            if not 0.0 <= given <= span.high:
                raise ScpiError(-222)
            self.ranges[header] = span.chosen(given)
        else:
            self.ranges[header] = span.low if given == "MIN" else span.high
        # What the new range cannot hold stands at its end.
        for bounded, (by, _) in BOUNDED.items():
            if by == header:
                low, high = self.ends(bounded)
                self.numbers[bounded] = min(max(self.numbers[bounded], low), high)
        self._changed(header)

    def _show_range(self, header: str, bound: str | None) -> str:
        span = SPANS[header]
        bounds = {None: self.ranges[header], "MIN": span.low}
        return f"{bounds.get(bound, span.high):.0f}"

    def _set_switch(self, header: str, on: bool) -> None:
        self.switches[header] = on
        self._changed(header)

    def _show_switch(self, header: str) -> str:
        return str(int(self.switches[header]))

    def _set_choice(self, header: str, choice: str) -> None:
        self.choices[header] = choice
        self._changed(header)

    def _show_choice(self, header: str) -> str:
        return self.choices[header]


def _spelled(header: str, **parts: object) -> Iterator[Command]:
    """The guide spells its tree BATTary, and the mode of the same name BATTery."""
    yield Command(f"[SOURce:]{header}", **parts)  # type: ignore[arg-type]
    if header.startswith("BATTary"):
        yield Command(f"[SOURce:]{header.replace('BATTary', 'BATTery')}", **parts)  # type: ignore[arg-type]
