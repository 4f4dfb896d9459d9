"""Driver of the Chroma 63206A-150-600: electronic load, 150 V, 600 A, 6 kW.

Firmware known: none seen; written for the command set of the 63200A series.
Quirks and where they are from (the maker's manuals of the 63200A and 63600 series, public):
- ``MODE`` names quantity and range at once (``CCH``); this driver uses the high range only.
- Each quantity has its own levels (``CURR:STAT:L1``, ``POW:STAT:L1`` ...), kept over a change.
- Units are accepted (``10W``), answers are plain NR2.
Resolution 10 mA, 10 mV, 1 W, 1 mohm: chosen, coarser than the data sheet has for each range.
Uncertainty 0.025 % of reading and of range (voltage), 0.05 % and 0.04 % (current): chosen.
Unverified: whether ``LOAD?`` answers ON or 1 (both are read), the bits of ``LOAD:PROT?``, and
whether three queries may stand in one message.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from instruments.drivers.answers import compare, integer, quantity, state
from instruments.drivers.driver import ScpiDriver, try_each
from instruments.protocols import (
    AnswerGarbled,
    CommandRefused,
    Identity,
    LoadMode,
    LoadReading,
    SetpointNotTaken,
    Trip,
)
from instruments.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quantity:
    mode: str
    level: str
    unit: str
    resolution: float


_QUANTITIES: Mapping[LoadMode, _Quantity] = {
    LoadMode.CC: _Quantity(mode="CCH", level="CURR:STAT:L1", unit="A", resolution=0.01),
    LoadMode.CV: _Quantity(mode="CVH", level="VOLT:STAT:L1", unit="V", resolution=0.01),
    LoadMode.CP: _Quantity(mode="CPH", level="POW:STAT:L1", unit="W", resolution=1.0),
    LoadMode.CR: _Quantity(mode="CRH", level="RES:STAT:L1", unit="ohm", resolution=0.001),
}
PROTECTIONS: Mapping[int, Trip] = {
    1 << 0: Trip.OVER_CURRENT,
    1 << 1: Trip.OVER_VOLTAGE,
    1 << 2: Trip.OVER_POWER,
    1 << 3: Trip.REVERSE_VOLTAGE,
    1 << 4: Trip.OVER_TEMPERATURE,
}


class Chroma63206A(ScpiDriver):
    """The load in its high ranges."""

    models = ("63206A-150-600",)
    voltage_max_v = 150.0
    current_max_a = 600.0
    power_max_w = 6000.0

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._mode: LoadMode | None = None

    async def open(self, *, serial: str | None = None) -> Identity:
        """Check the identity and forget old errors; the input stays as it is."""
        self._mode = None
        identity = await super().open(serial=serial)
        await self.session.clear()
        return identity

    async def reset(self) -> None:
        """Bring it to its power-on settings."""
        self._mode = None
        await super().reset()

    async def set_mode(self, mode: LoadMode) -> None:
        """Switch the input off, then choose what is held constant and read it back."""
        self._mode = None
        await self.input_off()
        wanted = _QUANTITIES[mode].mode
        await self.session.command(f"MODE {wanted}")
        taken = (await self.session.query("MODE?")).strip().upper()
        if taken != wanted:
            raise SetpointNotTaken(f"{self.session.name} MODE: set {wanted}, read back {taken}")
        self._mode = mode

    async def set_level(self, level: float) -> None:
        """Set the level of the mode chosen in this session and read it back."""
        if self._mode is None:
            raise CommandRefused(f"{self.session.name}: set_mode comes before set_level")
        chosen = _QUANTITIES[self._mode]
        await self._set(chosen, level)

    async def _set(self, chosen: _Quantity, level: float) -> None:
        await self.session.command(f"{chosen.level} {level:.10g}")
        taken = quantity(await self.session.query(f"{chosen.level}?"), chosen.unit)
        what = f"{self.session.name} {chosen.level}"
        compare(what, level, taken, chosen.resolution, chosen.unit)

    async def input_on(self) -> None:
        """Switch the input on, in a mode chosen in this session."""
        if self._mode is None:
            raise CommandRefused(f"{self.session.name}: set_mode comes before input_on")
        await self.session.command("LOAD ON")
        if not await self.input_is_on():
            trips = ", ".join(sorted(await self.tripped())) or "no protection"
            raise CommandRefused(f"{self.session.name} is still off after LOAD ON: {trips}")

    async def input_off(self) -> None:
        """Switch the input off and see that it is."""
        await self.session.command("LOAD OFF")
        if await self.input_is_on():
            raise SetpointNotTaken(f"{self.session.name} is still on after LOAD OFF")

    async def input_is_on(self) -> bool:
        """Whether the input is on."""
        return state(await self.session.query("LOAD?"))

    async def measure(self) -> LoadReading:
        """Measure voltage, current and power in one message."""
        answer = await self.session.query("MEAS:VOLT?;:MEAS:CURR?;:MEAS:POW?")
        parts = answer.split(";")
        if len(parts) != 3:
            raise AnswerGarbled(f"{self.session.name} answered {answer!r}, expected three values")
        return LoadReading(
            voltage_v=quantity(parts[0], "V"),
            current_a=quantity(parts[1], "A"),
            power_w=quantity(parts[2], "W"),
            time_us=self.session.asked_us,
        )

    async def tripped(self) -> frozenset[Trip]:
        """Protections that stand; they latch in the load until cleared."""
        bits = integer(await self.session.query("LOAD:PROT?"))
        return frozenset(trip for bit, trip in PROTECTIONS.items() if bits & bit)

    async def clear_trip(self) -> None:
        """Switch off, clear, and see that no protection stands any more."""
        await self.input_off()
        await self.session.command("LOAD:PROT:CLE")
        if standing := await self.tripped():
            raise CommandRefused(f"{self.session.name}: {', '.join(sorted(standing))} persists")

    async def safe_state(self) -> None:
        """Input off, constant current 0; both are tried."""
        await try_each(self.input_off, lambda: self._set(_QUANTITIES[LoadMode.CC], 0.0))

    def voltage_uncertainty_v(self, voltage_v: float) -> float:
        """Expanded uncertainty (k=2): 0.025 % of reading and of 150 V, chosen."""
        return 0.00025 * (abs(voltage_v) + 150.0)

    def current_uncertainty_a(self, current_a: float) -> float:
        """Expanded uncertainty (k=2): 0.05 % of reading and 0.04 % of 600 A, chosen."""
        return 0.0005 * abs(current_a) + 0.0004 * 600.0
