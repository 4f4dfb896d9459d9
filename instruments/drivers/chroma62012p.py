"""Driver of the Chroma 62012P-80-60: supply, 80 V, 60 A, 1.2 kW.

Firmware known: 03.30.1, by an identity in public logs; none driven by us.
Facts and where they are from: the 62000P and 62000H series manuals, chapter 5, and what public
drivers of the model send.
- ``*IDN?`` gives firmware before serial number: the two are put in their places here.
- The output is CONF:OUTP; ``FETC:STAT?`` tells trips, output and regulation: ``0,ON,CV``.
- Set points must lie between soft limits (SOUR:VOLT:LIM:LOW and HIGH), which are left alone.
- Slew is in V/ms and A/ms; the current's is infinite (SLEWINF) until one is set.
- CONF:REM ON takes control; OFF gives it back and leaves the output as it is.
Not on this model: a power limit to set, a watchdog.
Ranges of protection 110 % of voltage, 105 % of current and of power: as public notes on the sister
model 62050P-100-100 have them. Uncertainty 0.1 % and 0.2 % of the rating: chosen.
Unverified: what clears a latched protection by command (``*CLS`` here, ENTER on the panel) and
whether the output is refused until then; values after ``*RST``; ranges of slew; words of CONF:FOLD;
the LAN option's port 2101.
"""

from collections.abc import Mapping
from dataclasses import replace

from instruments.drivers.answers import integer, quantity, state
from instruments.drivers.driver import ScpiDriver, try_each
from instruments.drivers.setpoints import Protections, Setpoint
from instruments.protocols import (
    AnswerGarbled,
    CommandRefused,
    Identity,
    IdentityMismatch,
    NotOnThisModel,
    Regulation,
    SetpointNotTaken,
    SupplyLimits,
    SupplyReading,
    Trip,
)
from instruments.session import Session

VOLTAGE = Setpoint(header="SOUR:VOLT", unit="V", high=80.0, resolution=0.01)
CURRENT = Setpoint(header="SOUR:CURR", unit="A", high=60.0, resolution=0.01)
OVP = Setpoint(header="SOUR:VOLT:PROT:HIGH", unit="V", high=88.0, resolution=0.01)
OCP = Setpoint(header="SOUR:CURR:PROT:HIGH", unit="A", high=63.0, resolution=0.01)
OPP = Setpoint(header="SOUR:POW:PROT:HIGH", unit="W", high=1260.0, resolution=0.1)
VOLT_SLEW = Setpoint(header="SOUR:VOLT:SLEW", unit="V/ms", low=0.001, high=10.0, resolution=0.001)
AMPERE_SLEW = Setpoint(header="SOUR:CURR:SLEW", unit="A/ms", low=0.001, high=1.0, resolution=0.001)
UNCERTAINTY_V, UNCERTAINTY_A = 0.08, 0.12

STATUS: Mapping[int, Trip] = {
    1 << 0: Trip.OVER_VOLTAGE,
    1 << 1: Trip.OVER_CURRENT,
    1 << 2: Trip.OVER_POWER,
    1 << 3: Trip.INTERLOCK,
    1 << 4: Trip.OVER_TEMPERATURE,
    1 << 6: Trip.SENSE,
    1 << 9: Trip.POWER_FAIL,
    1 << 10: Trip.FOLDBACK,
    1 << 11: Trip.FOLDBACK,
}


class Chroma62012p(ScpiDriver):
    """The 62012P-80-60."""

    models = ("62012P-80-60",)
    limits = SupplyLimits(voltage_v_max=80.0, current_a_max=60.0, power_w_max=1200.0)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._protections = Protections(OVP, OCP)

    async def open(self, *, serial: str | None = None) -> Identity:
        """Check the identity and take control; output and latched trips stay as they are."""
        self._protections.forget()
        identity = _in_order(await super().open())
        if serial is not None and identity.serial != serial:
            raise IdentityMismatch(
                f"{self.session.name} has serial number {identity.serial!r}, expected {serial!r}"
            )
        await self.session.errors()
        await self.remote()
        return identity

    async def identify(self) -> Identity:
        """Ask who it is."""
        return _in_order(await super().identify())

    async def reset(self) -> None:
        """Bring it to its power-on settings."""
        self._protections.forget()
        await super().reset()

    async def remote(self) -> None:
        """Take control from the front panel."""
        await self.session.command("CONF:REM ON")

    async def local(self) -> None:
        """Give the front panel back; the output stays as it is."""
        await self.session.command("CONF:REM OFF")

    async def set_voltage(self, voltage_v: float) -> None:
        """Set the output voltage and read it back."""
        await VOLTAGE.set(self.session, voltage_v)

    async def set_current_limit(self, current_a: float) -> None:
        """Set the current limit and read it back."""
        await CURRENT.set(self.session, current_a)

    async def set_power_limit(self, power_w: float) -> None:
        """There is none but the rating."""
        raise NotOnThisModel(f"{self.session.name}: no power limit to set")

    async def set_ovp(self, voltage_v: float) -> None:
        """Set the over-voltage protection and read it back."""
        await self._protections.set(self.session, OVP, voltage_v)

    async def set_ocp(self, current_a: float) -> None:
        """Set the over-current protection and read it back."""
        await self._protections.set(self.session, OCP, current_a)

    async def set_opp(self, power_w: float) -> None:
        """Set the over-power protection and read it back."""
        await self._protections.set(self.session, OPP, power_w)

    async def set_slew(self, v_per_s: float, a_per_s: float) -> None:
        """Set how fast voltage and current move and read it back."""
        # Both within the rating, or none is touched.
        AMPERE_SLEW.permit(self.session, a_per_s / 1000.0)
        await VOLT_SLEW.set(self.session, v_per_s / 1000.0)
        await AMPERE_SLEW.set(self.session, a_per_s / 1000.0)

    async def voltage_setpoint(self) -> float:
        """The voltage that is set, V."""
        return await VOLTAGE.get(self.session)

    async def current_limit(self) -> float:
        """The current limit that is set, A."""
        return await CURRENT.get(self.session)

    async def regulation(self) -> Regulation:
        """What it holds constant now; at its rated power it says CC."""
        _, on, mode = await self._status()
        if not on:
            return Regulation.OFF
        try:
            return {"CV": Regulation.CV, "CC": Regulation.CC}[mode]
        except KeyError:
            raise AnswerGarbled(
                f"{self.session.name}: answered {mode!r} in FETC:STAT?, expected CV or CC"
            ) from None

    async def set_watchdog(self, seconds: float | None) -> None:
        """There is none."""
        raise NotOnThisModel(f"{self.session.name}: no watchdog")

    async def feed_watchdog(self) -> None:
        """There is none."""
        raise NotOnThisModel(f"{self.session.name}: no watchdog")

    async def output_on(self) -> None:
        """Switch on, inside protections that were set in this session and still stand."""
        await self._protections.require(self.session)
        await self.session.command("CONF:OUTP ON")
        if not await self.output_is_on():
            trips = ", ".join(sorted(await self.tripped())) or "no trip"
            raise CommandRefused(f"{self.session.name} is still off after CONF:OUTP ON: {trips}")

    async def output_off(self) -> None:
        """Switch off and see that it is."""
        await self.session.command("CONF:OUTP OFF")
        if await self.output_is_on():
            raise SetpointNotTaken(f"{self.session.name} is still on after CONF:OUTP OFF")

    async def output_is_on(self) -> bool:
        """Whether the output is on."""
        return state(await self.session.query("CONF:OUTP?"))

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
        """Protections that are latched."""
        word, _, _ = await self._status()
        return frozenset(trip for bit, trip in STATUS.items() if word & bit)

    async def clear_trip(self) -> None:
        """Switch off, acknowledge, and see that no protection stands any more."""
        await self.output_off()
        await self.session.clear()
        if standing := await self.tripped():
            raise CommandRefused(f"{self.session.name}: {', '.join(sorted(standing))} persists")

    async def safe_state(self) -> None:
        """Current to 0, output off; every step is tried."""
        await try_each(lambda: self.set_current_limit(0.0), self.output_off)

    def voltage_uncertainty_v(self, voltage_v: float) -> float:
        """Expanded uncertainty (k=2): 0.1 % of the rating, chosen."""
        return UNCERTAINTY_V

    def current_uncertainty_a(self, current_a: float) -> float:
        """Expanded uncertainty (k=2): 0.2 % of the rating, chosen."""
        return UNCERTAINTY_A

    async def _status(self) -> tuple[int, bool, str]:
        answer = await self.session.query("FETC:STAT?")
        word, _, rest = answer.partition(",")
        on, _, mode = rest.partition(",")
        return integer(word), state(on), mode.strip().upper()


def _in_order(identity: Identity) -> Identity:
    return replace(identity, serial=identity.firmware, firmware=identity.serial)
