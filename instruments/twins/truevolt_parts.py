"""What a Truevolt 34465A can measure, and how its parameters are written.

Source of each number: see ``twins/truevolt34465a.py``. All errors are chosen, those of DC voltage
of the order of the lesser model's for one year, the others of the order usual for this class.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from instruments.scpi import Choice, Number, ScpiError
from instruments.scpi.command import expand
from instruments.twins.metering import Function, Quantity

# The share of the range that an integration time tells apart, by power line cycles.
RESOLUTION: Mapping[float, float] = {
    0.02: 3e-6,
    0.06: 1.5e-6,
    0.2: 0.7e-6,
    1.0: 0.3e-6,
    10.0: 0.1e-6,
    100.0: 0.03e-6,
}
NPLCS = tuple(RESOLUTION)
# Which event of the questionable register an overload sets.
OVERLOAD_BITS: Mapping[Quantity, int] = {
    Quantity.DC_VOLTAGE: 1,
    Quantity.AC_VOLTAGE: 1,
    Quantity.DC_CURRENT: 2,
    Quantity.AC_CURRENT: 2,
    Quantity.TEMPERATURE: 16,
    Quantity.FREQUENCY: 32,
    Quantity.RESISTANCE: 512,
    Quantity.CAPACITANCE: 1024,
}

_VOLTS = (0.1, 1.0, 10.0, 100.0, 1000.0)
_AMPERES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 3.0, 10.0)
_OHMS = (100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9)


FUNCTIONS: tuple[Function, ...] = (
    Function(
        name="VOLT",
        header="VOLTage[:DC]",
        quantity=Quantity.DC_VOLTAGE,
        ranges=_VOLTS,
        usual=10.0,
        reading_error=4e-5,
        range_error=5e-6,
        top=1000.0,
    ),
    Function(
        name="VOLT:AC",
        header="VOLTage:AC",
        quantity=Quantity.AC_VOLTAGE,
        ranges=(0.1, 1.0, 10.0, 100.0, 750.0),
        usual=10.0,
        reading_error=6e-4,
        range_error=3e-4,
        top=750.0,
        integrates=False,
        seconds=0.4,
    ),
    Function(
        name="VOLT:RAT",
        header="VOLTage[:DC]:RATio",
        quantity=Quantity.DC_VOLTAGE_RATIO,
        ranges=(),
        usual=1.0,
        reading_error=1e-4,
        range_error=1e-5,
        ranges_itself=False,
    ),
    Function(
        name="CURR",
        header="CURRent[:DC]",
        quantity=Quantity.DC_CURRENT,
        ranges=_AMPERES,
        usual=1.0,
        reading_error=5e-4,
        range_error=1e-4,
        top=10.0,
    ),
    Function(
        name="CURR:AC",
        header="CURRent:AC",
        quantity=Quantity.AC_CURRENT,
        ranges=_AMPERES[2:],
        usual=1.0,
        reading_error=1e-3,
        range_error=4e-4,
        top=10.0,
        integrates=False,
        seconds=0.4,
    ),
    Function(
        name="RES",
        header="RESistance",
        quantity=Quantity.RESISTANCE,
        ranges=_OHMS,
        usual=1e3,
        reading_error=1e-4,
        range_error=2e-5,
    ),
    Function(
        name="FRES",
        header="FRESistance",
        quantity=Quantity.RESISTANCE,
        ranges=_OHMS,
        usual=1e3,
        reading_error=1e-4,
        range_error=1e-5,
    ),
    Function(
        name="FREQ",
        header="FREQuency",
        quantity=Quantity.FREQUENCY,
        ranges=(),
        usual=1.0,
        reading_error=1e-4,
        range_error=0.0,
        integrates=False,
        ranges_itself=False,
        seconds=0.1,
    ),
    Function(
        name="PER",
        header="PERiod",
        quantity=Quantity.PERIOD,
        ranges=(),
        usual=1.0,
        reading_error=1e-4,
        range_error=0.0,
        integrates=False,
        ranges_itself=False,
        seconds=0.1,
    ),
    Function(
        name="CONT",
        header="CONTinuity",
        quantity=Quantity.RESISTANCE,
        ranges=(1e3,),
        usual=1e3,
        reading_error=1e-4,
        range_error=2e-4,
        integrates=False,
        ranges_itself=False,
    ),
    Function(
        name="DIOD",
        header="DIODe",
        quantity=Quantity.DC_VOLTAGE,
        ranges=(10.0,),
        usual=10.0,
        reading_error=1e-4,
        range_error=2e-5,
        top=5.0,
        integrates=False,
        ranges_itself=False,
    ),
    Function(
        name="TEMP",
        header="TEMPerature",
        quantity=Quantity.TEMPERATURE,
        ranges=(),
        usual=100.0,
        reading_error=0.0,
        range_error=1e-3,
        ranges_itself=False,
    ),
    Function(
        name="CAP",
        header="CAPacitance",
        quantity=Quantity.CAPACITANCE,
        ranges=(1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4),
        usual=1e-6,
        reading_error=5e-3,
        range_error=5e-3,
        integrates=False,
        seconds=0.3,
    ),
)


def exponent(value: float) -> str:
    """As the meter writes every number that is not whole: ``+1.00000000E+01``."""
    return f"{value:+.8E}"


@dataclass(frozen=True, slots=True)
class Span:
    """A range or resolution: a number, or AUTO, MIN, MAX or DEF, which arrive as words."""

    optional: bool = True

    def parse(self, token: str) -> float | str | None:
        """Read it; DEF and AUTO are both what the meter chooses itself: None."""
        text = token.upper()
        if text in {"AUTO", "DEF", "DEFAULT"}:
            return None
        if text in {"MIN", "MINIMUM", "MAX", "MAXIMUM"}:
            return text[:3]
        return float(_NUMBER.parse(token))


@dataclass(frozen=True, slots=True)
class Switch:
    """ON, OFF, 1, 0 or ONCE; arrives as ON, OFF or ONCE."""

    optional: bool = False

    def parse(self, token: str) -> str:
        """Read it."""
        text = token.upper()
        word = {"ON": "ON", "1": "ON", "OFF": "OFF", "0": "OFF", "ONCE": "ONCE"}.get(text)
        if word is None:
            raise ScpiError(-224)
        return word


@dataclass(frozen=True, slots=True)
class Probe:
    """A temperature probe's kind, in its short form; DEF is the meter's own choice: None."""

    optional: bool = True

    def parse(self, token: str) -> str | None:
        """Read it."""
        return None if token.upper() in {"DEF", "DEFAULT"} else str(_PROBES.parse(token))


_NUMBER = Number(low=0.0)
_PROBES = Choice(of=("FRTD", "RTD", "FTHermistor", "THERmistor", "TCouple"))


def names_of(function: Function) -> frozenset[str]:
    """Every spelling of a function's name, as clients put it between quotes."""
    return frozenset(spelling for spelling, _ in expand(function.header))
