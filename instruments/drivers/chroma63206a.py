"""Driver of the Chroma 63206A-150-600: electronic load, 150 V, 600 A, 6 kW.

Firmware known: none seen; written for the command set of the 63200A series.
Quirks and where they are from (the maker's manual of the 6310 series, public, whose language this
one continues, and public drivers of the 63200A and 63600 series):
- ``MODE`` names quantity and range at once (``CCH``); this driver uses the high range only.
- Each quantity has its own levels (``CURR:STAT:L1``, ``POW:STAT:L1`` ...), kept over a change.
- Units are accepted (``10W``), answers are plain NR2. Slew is in A/us, 0.005 to 42 in ``CCH``.
- ``LOAD?`` answers ON or OFF, ``LOAD:SHOR?`` 1 or 0; both are read either way.
- Below the voltage ``CONF:VOLT:ON`` it does not begin to draw; with ``CONF:VOLT:LATC OFF`` it also
  stops below it and begins again above: that is what set_uvp uses. Nothing trips by it.
Resolution 10 mA, 10 mV, 1 W, 1 mohm: chosen, coarser than the data sheet has for each range.
Uncertainty 0.025 % of reading and of range (voltage), 0.05 % and 0.04 % (current): chosen.
Unverified: the bits of ``LOAD:PROT?`` (those of the 6310 are taken; a public driver of the 63600
has OT, OV, OC, OP, RV from bit 0), whether three queries may stand in one message, that
``LOAD OFF`` ends a short, range ends of power and resistance.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from instruments.drivers.answers import integer, quantity, state
from instruments.drivers.driver import ScpiDriver, try_each
from instruments.drivers.setpoints import Setpoint
from instruments.protocols import (
    AnswerGarbled,
    CommandRefused,
    Identity,
    LoadLimits,
    LoadMode,
    LoadReading,
    SetpointNotTaken,
    Trip,
)
from instruments.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quantity:
    mode: str
    level: Setpoint


_QUANTITIES: Mapping[LoadMode, _Quantity] = {
    LoadMode.CC: _Quantity(
        mode="CCH",
        level=Setpoint(header="CURR:STAT:L1", unit="A", high=600.0, resolution=0.01),
    ),
    LoadMode.CV: _Quantity(
        mode="CVH",
        level=Setpoint(header="VOLT:STAT:L1", unit="V", high=150.0, resolution=0.01),
    ),
    LoadMode.CP: _Quantity(
        mode="CPH",
        level=Setpoint(header="POW:STAT:L1", unit="W", high=6000.0, resolution=1.0),
    ),
    LoadMode.CR: _Quantity(
        mode="CRH",
        level=Setpoint(header="RES:STAT:L1", unit="ohm", low=0.001, high=1000.0, resolution=0.001),
    ),
}
# In A/us; the resolution is 0.1 % of what the high range begins with.
RISE = Setpoint(header="CURR:STAT:RISE", unit="", low=0.005, high=42.0, resolution=5e-6)
FALL = Setpoint(header="CURR:STAT:FALL", unit="", low=0.005, high=42.0, resolution=5e-6)
START_VOLTAGE = Setpoint(header="CONF:VOLT:ON", unit="V", high=150.0, resolution=0.01)
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
    limits = LoadLimits(
        voltage_v_max=150.0, current_a_max=600.0, power_w_max=6000.0, resistance_ohm_max=1000.0
    )

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
        await _QUANTITIES[self._mode].level.set(self.session, level)

    async def set_slew(self, a_per_s: float) -> None:
        """Set how fast the current moves, up and down, and read it back."""
        a_per_us = a_per_s * 1e-6
        # Both within the rating, or none is touched.
        FALL.permit(self.session, a_per_us)
        await RISE.set(self.session, a_per_us)
        await FALL.set(self.session, a_per_us)

    async def set_uvp(self, voltage_v: float | None) -> None:
        """Stop drawing below this voltage, and begin again above it; None: draw at any."""
        START_VOLTAGE.permit(self.session, voltage_v or 0.0)
        latch = "ON" if voltage_v is None else "OFF"
        await self.session.command(f"CONF:VOLT:LATC {latch}")
        taken = await self.session.query("CONF:VOLT:LATC?")
        if state(taken) is not (voltage_v is None):
            raise SetpointNotTaken(
                f"{self.session.name} CONF:VOLT:LATC: set {latch}, read back {taken}"
            )
        await START_VOLTAGE.set(self.session, voltage_v or 0.0)

    async def short(self, on: bool) -> None:
        """Short the input, or end that; the input must be on."""
        if on and not await self.input_is_on():
            raise CommandRefused(f"{self.session.name}: input_on comes before short")
        await self.session.command(f"LOAD:SHOR {'ON' if on else 'OFF'}")
        if state(await self.session.query("LOAD:SHOR?")) is not on:
            trips = ", ".join(sorted(await self.tripped())) or "no protection"
            raise SetpointNotTaken(f"{self.session.name} LOAD:SHOR is not {on}: {trips}")

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
        """Input off, short off, constant current 0; all are tried."""
        await try_each(self.input_off, lambda: self.short(False), self._draw_nothing)

    async def _draw_nothing(self) -> None:
        await _QUANTITIES[LoadMode.CC].level.set(self.session, 0.0)

    def voltage_uncertainty_v(self, voltage_v: float) -> float:
        """Expanded uncertainty (k=2): 0.025 % of reading and of 150 V, chosen."""
        return 0.00025 * (abs(voltage_v) + 150.0)

    def current_uncertainty_a(self, current_a: float) -> float:
        """Expanded uncertainty (k=2): 0.05 % of reading and 0.04 % of 600 A, chosen."""
        return 0.0005 * abs(current_a) + 0.0004 * 600.0
