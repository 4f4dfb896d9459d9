"""Driver of the Keysight 34465A multimeter (Truevolt).

Firmware known: none seen; written for the command set that the maker's "Truevolt Series Operating
and Service Guide" prints.
Quirks:
- ``CONF`` sets everything of a function back, so integration time follows it.
- An integration time is one of six; another is taken for the next longer, so it is refused here.
- Overload reads as 9.9E37.
- A reading of 100 power line cycles takes 4 s, since autozero measures twice: longer than a
  session's usual time-out. From 1 s on it is started, slept through, and fetched.
Uncertainty: the shares below, chosen. Those of DC voltage lie above the one-year figures that the
data sheet 5991-1983 gives for the 34461A, the lesser model; of the others no source was read.
Unverified: the resistance of the probe behind a temperature (the meter's own default is taken).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from instruments.drivers.answers import integer, quantity
from instruments.drivers.driver import ScpiDriver
from instruments.protocols import (
    Identity,
    Measurand,
    MeterReading,
    NotOnThisModel,
    OutsideRating,
    Quality,
    SetpointNotTaken,
)
from instruments.session import Session

OVERLOAD = 9.9e37
NPLCS = (0.02, 0.06, 0.2, 1.0, 10.0, 100.0)
# Below this a reading is waited for inside READ?.
PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a measurand is called, its ranges, and its uncertainty as shares of reading and range."""

    header: str
    ranges: tuple[float, ...]
    reading: float
    full: float
    unit: str


_OHMS = (100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9)
KINDS: Mapping[Measurand, Kind] = {
    Measurand.DC_VOLTAGE: Kind(
        header="VOLT:DC",
        ranges=(0.1, 1.0, 10.0, 100.0, 1000.0),
        reading=1e-4,
        full=4e-5,
        unit="V",
    ),
    Measurand.DC_CURRENT: Kind(
        header="CURR:DC",
        ranges=(1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 3.0, 10.0),
        reading=1.5e-3,
        full=3e-4,
        unit="A",
    ),
    Measurand.RESISTANCE: Kind(header="RES", ranges=_OHMS, reading=2e-4, full=1e-4, unit="ohm"),
    Measurand.RESISTANCE_4W: Kind(header="FRES", ranges=_OHMS, reading=2e-4, full=5e-5, unit="ohm"),
    # The probe's own uncertainty comes on top.
    Measurand.TEMPERATURE: Kind(header="TEMP", ranges=(), reading=0.0, full=0.2, unit="degC"),
}


class Truevolt34465a(ScpiDriver):
    """One pair of terminals, measured on demand."""

    models = ("34465A",)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._seconds = 0.0
        self._range: float | None = None

    async def open(self, *, serial: str | None = None) -> Identity:
        """Make sure that it is this meter; what it measures stays as it was set."""
        identity = await super().open(serial=serial)
        await self.session.clear()
        await self._take_seconds()
        return identity

    async def reset(self) -> None:
        """Bring it to its power-on settings: DC voltage, automatic range, 10 cycles."""
        await super().reset()
        self._range = None
        await self._take_seconds()

    async def configure(
        self, measurand: Measurand, *, range_max: float | None = None, nplc: float = 1.0
    ) -> None:
        """Choose what is measured, the range (None: automatic) and the integration time.

        Raises OutsideRating before anything is sent, SetpointNotTaken if the meter kept others.
        """
        kind, name = KINDS[measurand], self.session.name
        self._permit(measurand, range_max, nplc)
        await self.session.command(f"CONF:{kind.header}" + _argument(range_max))
        await self.session.command(f"SENS:{kind.header}:NPLC {nplc:g}")
        taken = quantity(await self.session.query(f"SENS:{kind.header}:NPLC?"))
        if abs(taken - nplc) > 1e-6:
            raise SetpointNotTaken(f"{name}: set {nplc:g} cycles, read back {taken:g}")
        if range_max is not None:
            span = quantity(await self.session.query(f"SENS:{kind.header}:RANG?"))
            automatic = integer(await self.session.query(f"SENS:{kind.header}:RANG:AUTO?"))
            if span < abs(range_max) * 0.999999 or automatic:
                raise SetpointNotTaken(
                    f"{name}: asked for {range_max:g} {kind.unit}, it is on {span:g} {kind.unit}"
                )
        self._range = None if range_max is None else abs(range_max)
        await self._take_seconds()

    async def read(self) -> MeterReading:
        """Measure once; an overload is a reading of that quality, never a number to trust."""
        if self._seconds < PATIENCE_S:
            answer, begun_us = await self.session.query("READ?"), self.session.asked_us
        else:
            await self.session.command("ABOR")
            await self.session.command("INIT")
            begun_us = self.session.now_us()
            await self.session.sleep(self._seconds)
            answer = await self.session.query("FETC?")
        value = quantity(answer)
        quality = Quality.GOOD if abs(value) < OVERLOAD else Quality.OVERLOAD
        return MeterReading(value=value, time_us=begun_us, quality=quality)

    async def safe_state(self) -> None:
        """End what it measures; a meter energises nothing."""
        await self.session.command("ABOR")

    def uncertainty(self, measurand: Measurand, value: float) -> float:
        """Expanded uncertainty (k=2) of a reading, in its own unit; chosen shares."""
        kind = KINDS[measurand]
        if not kind.ranges:
            return kind.full
        least = max(abs(value), self._range or 0.0)
        span = next((span for span in kind.ranges if least <= span), kind.ranges[-1])
        return kind.reading * abs(value) + kind.full * span

    def _permit(self, measurand: Measurand, range_max: float | None, nplc: float) -> None:
        kind, name = KINDS[measurand], self.session.name
        if nplc not in NPLCS:
            allowed = ", ".join(f"{known:g}" for known in NPLCS)
            raise OutsideRating(f"{name}: {nplc:g} power line cycles; allowed are {allowed}")
        if range_max is None:
            return
        if not kind.ranges:
            raise NotOnThisModel(f"{name}: {measurand} has no range")
        if not 0 < abs(range_max) <= kind.ranges[-1]:
            raise OutsideRating(
                f"{name} {kind.header}: {range_max:g} {kind.unit} is outside the rating, "
                f"up to {kind.ranges[-1]:g} {kind.unit}"
            )

    async def _take_seconds(self) -> None:
        """How long a reading takes; functions without integration time answer at once."""
        active = (await self.session.query("FUNC?")).strip().strip('"')
        cycles = 1.0
        if active in {"VOLT", "CURR", "RES", "FRES", "TEMP"}:
            cycles = quantity(await self.session.query(f"SENS:{active}:NPLC?"))
        line_hz = quantity(await self.session.query("SYST:LFR?"))
        self._seconds = 2.2 * cycles / line_hz


def _argument(range_max: float | None) -> str:
    return "" if range_max is None else f" {abs(range_max):.10g}"
