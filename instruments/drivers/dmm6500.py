"""Driver of the Keithley DMM6500 multimeter in its SCPI language.

Firmware known: none seen; written for the command set that the maker's "Model DMM6500 Reference
Manual" (DMM6500-901-01) prints, as public notes and PyMeasure's driver use it.
Quirks:
- The model's field of ``*IDN?`` has the word MODEL before it.
- It speaks one of four languages; another than SCPI is refused at opening, since changing it needs
  a reboot.
- Setting a range ends the automatic one; there is no ``CONF``, so a function keeps its settings.
- Integration time is any number of cycles up to 15 (12 where the mains have 50 Hz).
- Overload reads as 9.9E37.
Uncertainty: the shares below, chosen. Those of DC voltage lie above the one-year figures of the
data sheet SPEC-DMM6500; of the others no source was read.
Unverified: how settings are written beyond what PyMeasure's tests on a real one show.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from instruments.drivers.answers import integer, quantity
from instruments.drivers.driver import ScpiDriver
from instruments.protocols import (
    Identity,
    IdentityMismatch,
    Measurand,
    MeterReading,
    NotOnThisModel,
    OutsideRating,
    Quality,
    SetpointNotTaken,
)
from instruments.session import Session

OVERLOAD = 9.9e37
LEAST_NPLC = 0.0005


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a measurand is called, its ranges, and its uncertainty as shares of reading and range."""

    function: str
    ranges: tuple[float, ...]
    reading: float
    full: float
    unit: str


_OHMS = (10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8)
KINDS: Mapping[Measurand, Kind] = {
    Measurand.DC_VOLTAGE: Kind(
        function="VOLT:DC",
        ranges=(0.1, 1.0, 10.0, 100.0, 1000.0),
        reading=1e-4,
        full=4e-5,
        unit="V",
    ),
    Measurand.DC_CURRENT: Kind(
        function="CURR:DC",
        ranges=(1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 3.0),
        reading=1.5e-3,
        full=3e-4,
        unit="A",
    ),
    Measurand.RESISTANCE: Kind(function="RES", ranges=_OHMS, reading=2e-4, full=1e-4, unit="ohm"),
    Measurand.RESISTANCE_4W: Kind(
        function="FRES", ranges=(1.0, *_OHMS), reading=2e-4, full=1e-4, unit="ohm"
    ),
    # The probe's own uncertainty comes on top.
    Measurand.TEMPERATURE: Kind(function="TEMP", ranges=(), reading=0.0, full=0.2, unit="degC"),
}


class Dmm6500(ScpiDriver):
    """One pair of terminals, measured on demand."""

    models = ("MODEL DMM6500", "DMM6500")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._range: float | None = None

    async def open(self, *, serial: str | None = None) -> Identity:
        """Make sure that it is this meter and speaks SCPI; its settings stay."""
        identity = await super().open(serial=serial)
        language = (await self.session.query("*LANG?")).strip()
        if language != "SCPI":
            raise IdentityMismatch(f"{self.session.name} speaks {language}, expected SCPI")
        await self.session.clear()
        return identity

    async def reset(self) -> None:
        """Bring it to its power-on settings: DC voltage, automatic range, 1 cycle."""
        await super().reset()
        self._range = None

    async def configure(
        self, measurand: Measurand, *, range_max: float | None = None, nplc: float = 1.0
    ) -> None:
        """Choose what is measured, the range (None: automatic) and the integration time.

        Raises OutsideRating before anything is set, SetpointNotTaken if the meter kept others.
        """
        kind, name = KINDS[measurand], self.session.name
        header = f"SENS:{kind.function}"
        most = quantity(await self.session.query(f"{header}:NPLC? MAX"))
        self._permit(measurand, range_max, nplc, most)
        await self.session.command(f'SENS:FUNC "{kind.function}"')
        active = (await self.session.query("SENS:FUNC?")).strip().strip('"')
        if active != kind.function:
            raise SetpointNotTaken(f"{name}: asked for {kind.function}, it is on {active}")
        await self.session.command(f"{header}:NPLC {nplc:g}")
        taken = quantity(await self.session.query(f"{header}:NPLC?"))
        if abs(taken - nplc) > 1e-4 * nplc:
            raise SetpointNotTaken(f"{name}: set {nplc:g} cycles, read back {taken:g}")
        if kind.ranges:
            await self._set_range(header, kind, range_max)
        self._range = None if range_max is None else abs(range_max)

    async def read(self) -> MeterReading:
        """Measure once; an overload is a reading of that quality, never a number to trust."""
        value = quantity(await self.session.query("READ?"))
        quality = Quality.GOOD if abs(value) < OVERLOAD else Quality.OVERLOAD
        return MeterReading(value=value, time_us=self.session.asked_us, quality=quality)

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

    async def _set_range(self, header: str, kind: Kind, range_max: float | None) -> None:
        if range_max is None:
            await self.session.command(f"{header}:RANG:AUTO ON")
        else:
            await self.session.command(f"{header}:RANG {abs(range_max):.10g}")
        automatic = bool(integer(await self.session.query(f"{header}:RANG:AUTO?")))
        span = quantity(await self.session.query(f"{header}:RANG?"))
        wanted = range_max is None
        if automatic != wanted or (range_max is not None and span < abs(range_max) * 0.999999):
            raise SetpointNotTaken(
                f"{self.session.name}: asked for range {range_max or 'auto'}, "
                f"it is on {span:g} {kind.unit}{', automatic' if automatic else ''}"
            )

    def _permit(
        self, measurand: Measurand, range_max: float | None, nplc: float, most: float
    ) -> None:
        kind, name = KINDS[measurand], self.session.name
        if not LEAST_NPLC <= nplc <= most:
            raise OutsideRating(
                f"{name}: {nplc:g} power line cycles; allowed are {LEAST_NPLC:g} to {most:g}"
            )
        if range_max is None:
            return
        if not kind.ranges:
            raise NotOnThisModel(f"{name}: {measurand} has no range")
        if not 0 < abs(range_max) <= kind.ranges[-1]:
            raise OutsideRating(
                f"{name} {kind.function}: {range_max:g} {kind.unit} is outside the rating, "
                f"up to {kind.ranges[-1]:g} {kind.unit}"
            )
