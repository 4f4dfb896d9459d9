"""Driver of the Agilent (now Keysight) N5767A: supply, 60 V, 25 A, 1.5 kW.

Firmware known: none seen; written for the Series N5700 user's guide and what public clients of the
model send.
Quirks and where they are from:
- The voltage is at most 95 % of the over-voltage protection, and that at least 105 % of the
  voltage (guide, chapter 5).
- There is no over-current level: the current protection trips in constant current. What protects
  is the current limit, so it is part of the envelope; the protection is set_foldback(CC), and its
  trip is over-current, as the status bit is called.
- OUTP:PROT:CLE restores the output as it was before the fault: clear_trip switches off first.
- No watchdog, no slew, no power limit, no MEAS:POW.
- SYST:COMM:RLST LOC leaves the output as it is; the next command takes control again.
Resolution 7.2 mV as public clients have it; 3 mA of the same share of the rating. Uncertainty
0.1 % of the rating: chosen.
Unverified: the delay of the current protection (0.25 s in the twin, as the GENESYS it is built on),
that clearing restores the output, what a set point is read back with, the error numbers 301 to 307
(those of the TDK-Lambda inside), what OUTP ON does while a fault is latched (307 in the twin).
"""

from collections.abc import Mapping

from instruments.drivers.answers import integer, quantity, state
from instruments.drivers.driver import ScpiDriver, try_each
from instruments.drivers.setpoints import Protections, Setpoint
from instruments.protocols import (
    CommandRefused,
    Identity,
    NotOnThisModel,
    Regulation,
    SetpointNotTaken,
    SupplyLimits,
    SupplyReading,
    Trip,
)
from instruments.session import Session

VOLTAGE = Setpoint(header="VOLT", unit="V", high=60.0, resolution=0.0072)
CURRENT = Setpoint(header="CURR", unit="A", high=25.0, resolution=0.003)
OVP = Setpoint(header="VOLT:PROT:LEV", unit="V", low=5.0, high=66.0, resolution=0.0072)
UNCERTAINTY_V, UNCERTAINTY_A = 0.06, 0.025

FAULTS: Mapping[int, Trip] = {
    1 << 0: Trip.OVER_VOLTAGE,
    1 << 1: Trip.OVER_CURRENT,
    1 << 2: Trip.POWER_FAIL,
    1 << 4: Trip.OVER_TEMPERATURE,
    1 << 9: Trip.INTERLOCK,
}
CV_BIT, CC_BIT = 1 << 8, 1 << 10


class N5767a(ScpiDriver):
    """The N5767A."""

    models = ("N5767A",)
    limits = SupplyLimits(voltage_v_max=60.0, current_a_max=25.0, power_w_max=1500.0)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._protections = Protections(OVP, CURRENT)

    async def open(self, *, serial: str | None = None) -> Identity:
        """Check the identity and take control; the output stays as it is."""
        self._protections.forget()
        identity = await super().open(serial=serial)
        await self.session.clear()
        await self.remote()
        return identity

    async def reset(self) -> None:
        """Bring it to its power-on settings."""
        self._protections.forget()
        await super().reset()

    async def remote(self) -> None:
        """Take control from the front panel."""
        await self._control("REM")

    async def local(self) -> None:
        """Give the front panel back; the output stays as it is."""
        await self._control("LOC")

    async def set_voltage(self, voltage_v: float) -> None:
        """Set the output voltage and read it back; at most 95 % of the protection."""
        await VOLTAGE.set(self.session, voltage_v)

    async def set_current_limit(self, current_a: float) -> None:
        """Set the current limit and read it back."""
        await self._protections.set(self.session, CURRENT, current_a)

    async def set_power_limit(self, power_w: float) -> None:
        """There is none."""
        raise NotOnThisModel(f"{self.session.name}: no power limit")

    async def set_ovp(self, voltage_v: float) -> None:
        """Set the over-voltage protection and read it back; at least 105 % of the voltage."""
        await self._protections.set(self.session, OVP, voltage_v)

    async def set_ocp(self, current_a: float) -> None:
        """There is no level: the current limit and set_foldback are what this model has."""
        raise NotOnThisModel(f"{self.session.name}: no over-current level; it has foldback")

    async def set_opp(self, power_w: float) -> None:
        """There is none."""
        raise NotOnThisModel(f"{self.session.name}: no over-power protection")

    async def set_foldback(self, regulation: Regulation | None) -> None:
        """Trip in constant current; None: never."""
        if regulation not in {None, Regulation.CC}:
            raise NotOnThisModel(f"{self.session.name}: it trips in CC only")
        on = regulation is not None
        await self.session.command(f"CURR:PROT:STAT {'ON' if on else 'OFF'}")
        if state(await self.session.query("CURR:PROT:STAT?")) != on:
            raise SetpointNotTaken(f"{self.session.name} CURR:PROT:STAT is not what was set")

    async def set_slew(self, v_per_s: float, a_per_s: float) -> None:
        """It is fixed."""
        raise NotOnThisModel(f"{self.session.name}: its slew is fixed")

    async def voltage_setpoint(self) -> float:
        """The voltage that is set, V."""
        return await VOLTAGE.get(self.session)

    async def current_limit(self) -> float:
        """The current limit that is set, A."""
        return await CURRENT.get(self.session)

    async def regulation(self) -> Regulation:
        """What it holds constant now."""
        if not await self.output_is_on():
            return Regulation.OFF
        word = integer(await self.session.query("STAT:OPER:COND?"))
        if word & CC_BIT:
            return Regulation.CC
        return Regulation.CV if word & CV_BIT else Regulation.UNREGULATED

    async def set_watchdog(self, seconds: float | None) -> None:
        """There is none."""
        raise NotOnThisModel(f"{self.session.name}: no watchdog")

    async def feed_watchdog(self) -> None:
        """There is none."""
        raise NotOnThisModel(f"{self.session.name}: no watchdog")

    async def output_on(self) -> None:
        """Switch on, inside an over-voltage protection and a current limit of this session."""
        await self._protections.require(self.session)
        await self.session.command("OUTP:STAT ON")
        if not await self.output_is_on():
            trips = ", ".join(sorted(await self.tripped())) or "no fault"
            raise CommandRefused(f"{self.session.name} is still off after OUTP:STAT ON: {trips}")

    async def output_off(self) -> None:
        """Switch off and see that it is."""
        await self.session.command("OUTP:STAT OFF")
        if await self.output_is_on():
            raise SetpointNotTaken(f"{self.session.name} is still on after OUTP:STAT OFF")

    async def output_is_on(self) -> bool:
        """Whether the output is on."""
        return state(await self.session.query("OUTP:STAT?"))

    async def measure(self) -> SupplyReading:
        """Measure voltage and current, one after the other."""
        voltage_v = quantity(await self.session.query("MEAS:VOLT?"), "V")
        asked_us = self.session.asked_us
        current_a = quantity(await self.session.query("MEAS:CURR?"), "A")
        return SupplyReading(
            voltage_v=voltage_v,
            current_a=current_a,
            power_w=voltage_v * current_a,
            time_us=asked_us,
        )

    async def tripped(self) -> frozenset[Trip]:
        """Faults that are latched, and the interlock if it is open now."""
        word = integer(await self.session.query("STAT:QUES:COND?"))
        return frozenset(trip for bit, trip in FAULTS.items() if word & bit)

    async def clear_trip(self) -> None:
        """Switch off, unlatch, and see that no fault stands any more."""
        await self.output_off()
        await self.session.command("OUTP:PROT:CLE")
        if standing := await self.tripped():
            raise CommandRefused(f"{self.session.name}: {', '.join(sorted(standing))} persists")

    async def safe_state(self) -> None:
        """Current to 0, output off; every step is tried."""
        await try_each(lambda: self.set_current_limit(0.0), self.output_off)

    def voltage_uncertainty_v(self, voltage_v: float) -> float:
        """Expanded uncertainty (k=2): 0.1 % of the rating, chosen."""
        return UNCERTAINTY_V

    def current_uncertainty_a(self, current_a: float) -> float:
        """Expanded uncertainty (k=2): 0.1 % of the rating, chosen."""
        return UNCERTAINTY_A

    async def _control(self, control: str) -> None:
        await self._word("SYST:COMM:RLST", control)

    async def _word(self, header: str, word: str) -> None:
        """Set a word and read it back."""
        await self.session.command(f"{header} {word}")
        taken = (await self.session.query(f"{header}?")).strip().upper()
        if taken != word:
            raise SetpointNotTaken(f"{self.session.name} {header}: set {word}, read back {taken}")
