"""What a multimeter does behind its SCPI: functions, ranges, integration, errors of measurement.

A model gives its table of functions and its resolution by integration time; its twin puts the
commands in front. The errors of one meter are drawn once, within half of what its data sheet
allows for one year; each reading adds noise that falls with the integration time.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import copysign, isfinite, nan
from typing import Protocol

from instruments.twins.electrical import AnalogInputs

OVERLOAD = 9.9e37
# The input of a meter with one pair of terminals.
INPUT = 1


class Quantity(StrEnum):
    """What a meter can be wired to."""

    DC_VOLTAGE = "DC voltage"
    DC_VOLTAGE_RATIO = "ratio of DC voltages"
    AC_VOLTAGE = "AC voltage"
    DC_CURRENT = "DC current"
    AC_CURRENT = "AC current"
    RESISTANCE = "resistance"
    TEMPERATURE = "temperature"
    FREQUENCY = "frequency"
    PERIOD = "period"
    CAPACITANCE = "capacitance"


class MeterInputs(Protocol):
    """What a meter's terminals see, in V, A, ohm, degC, Hz or F."""

    def read(self, quantity: Quantity) -> float:
        """The true value now; not a number where nothing is connected."""


@dataclass(slots=True)
class FixedInputs:
    """Values that stay until somebody changes them; without any, nothing is connected."""

    values: dict[Quantity, float] = field(default_factory=dict)

    def read(self, quantity: Quantity) -> float:
        """The value; open terminals have no voltage, no current, and no resistance to show."""
        silent = 0.0 if quantity not in {Quantity.RESISTANCE, Quantity.TEMPERATURE} else nan
        return self.values.get(quantity, silent)


class OfVoltages:
    """A voltage at the terminals, and nothing else."""

    def __init__(self, volts: AnalogInputs) -> None:
        self._volts = volts

    def read(self, quantity: Quantity) -> float:
        """The voltage, or what open terminals show of everything else."""
        if quantity is Quantity.DC_VOLTAGE:
            return self._volts.read_v(INPUT)
        return FixedInputs().read(quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One measuring function: its name in answers, its header, its ranges and what limits it.

    ``reading_error`` and ``range_error`` are the shares that one year allows. ``shows`` is how
    far beyond a range it can show, ``top`` what it never shows more than.
    """

    name: str
    header: str
    quantity: Quantity
    ranges: tuple[float, ...]
    usual: float
    reading_error: float
    range_error: float
    shows: float = 1.2
    top: float = OVERLOAD
    integrates: bool = True
    ranges_itself: bool = True
    seconds: float = 0.02


@dataclass(slots=True)
class Setting:
    """How one function is set now; ``options`` are those that change no reading."""

    span: float
    auto: bool
    nplc: float
    autozero: bool = True
    null: float | None = None
    options: dict[str, object] = field(default_factory=dict)


class Meter:
    """Functions, how they are set, and readings of the active one."""

    def __init__(
        self,
        functions: Sequence[Function],
        *,
        resolution: Mapping[float, float],
        usual_nplc: float,
        line_hz: float,
        dice: random.Random,
    ) -> None:
        """``resolution`` is the share of the range by number of power line cycles."""
        self.functions = {function.name: function for function in functions}
        self.line_hz = line_hz
        self.usual_nplc = usual_nplc
        self._resolution = sorted(resolution.items())
        self._dice = dice
        # Half of the one-year figures: what calibration left of one particular meter; chosen.
        self._errors = {
            f.name: (
                dice.uniform(-0.5, 0.5) * f.reading_error,
                dice.uniform(-0.5, 0.5) * f.range_error,
            )
            for f in functions
        }
        self.inputs: MeterInputs = FixedInputs()
        self.on_overload: Callable[[Function], None] = lambda _function: None
        self.reset()

    def reset(self) -> None:
        """Set everything as after power-on."""
        self.settings = {name: self.fresh(function) for name, function in self.functions.items()}
        self.active = next(iter(self.functions.values()))

    def fresh(self, function: Function) -> Setting:
        """A function's settings as after power-on."""
        return Setting(function.usual, function.ranges_itself, self.usual_nplc)

    def setting(self, function: Function | None = None) -> Setting:
        """How a function is set; without one, the active."""
        return self.settings[(function or self.active).name]

    def fitting(self, function: Function, value: float) -> float | None:
        """The smallest range that a value fits into; None if it fits into none."""
        fits = (span for span in function.ranges if abs(value) <= span * 1.000001)
        return next(fits, None)

    def resolution(self, function: Function) -> float:
        """The smallest step that the set range and integration time tell apart."""
        setting = self.settings[function.name]
        return setting.span * self.share(setting.nplc)

    def share(self, nplc: float) -> float:
        """The resolution as a share of the range: that of the next lower tabled integration."""
        shares = [share for cycles, share in self._resolution if cycles <= nplc * 1.000001]
        return shares[-1] if shares else self._resolution[0][1]

    def cycles(self, share: float) -> float:
        """The shortest tabled integration whose resolution is as good as this share."""
        good = (cycles for cycles, known in self._resolution if known <= share * 1.000001)
        return next(good, self._resolution[-1][0])

    def seconds(self) -> float:
        """How long one reading of the active function takes; autozero measures twice."""
        function, setting = self.active, self.setting()
        if not function.integrates:
            return function.seconds
        return setting.nplc / self.line_hz * (2 if setting.autozero else 1)

    def take(self) -> float:
        """One reading of the active function; an overload is 9.9E37 with its sign."""
        function, setting = self.active, self.setting()
        true = self.inputs.read(function.quantity)
        if setting.auto:
            setting.span = self._automatic(function, setting.span, true)
        limit = min(function.shows * setting.span, function.top) if function.ranges else OVERLOAD
        if not isfinite(true) or abs(true) > limit:
            self.on_overload(function)
            return OVERLOAD if true != true else copysign(OVERLOAD, true)
        gain, offset = self._errors[function.name]
        # chosen: noise of half the resolution, one standard deviation.
        noise = self._dice.gauss(0.0, 0.5 * self.share(setting.nplc) * setting.span)
        shown = true * (1 + gain) + offset * setting.span + noise
        return shown - (setting.null or 0.0)

    def _automatic(self, function: Function, span: float, true: float) -> float:
        """Up at what cannot be shown any more, down below a tenth of the range."""
        if not isfinite(true):
            return function.ranges[-1]
        if 0.1 * span <= abs(true) <= function.shows * span:
            return span
        fits = (span for span in function.ranges if abs(true) <= function.shows * span)
        return next(fits, function.ranges[-1])
