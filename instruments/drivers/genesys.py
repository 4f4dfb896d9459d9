"""Driver of the TDK-Lambda GENESYS+ G80-65: supply, 80 V, 65 A, 5.2 kW, over SCPI.

Firmware known: none seen; written for the manuals of G10-500, G+1U 5 kW and GH10-100, and what
public drivers of the series send. The interface must be set to SCPI, not to GEN, in its menu.
Quirks and where they are from:
- The voltage is at most 95 % of the over-voltage protection, and that at least 105 % of the
  voltage; otherwise errors 301 and 304 (LAN option manual, GENESYS 750 W manual).
- There is no over-current level. What protects is the current limit, so it is part of the
  envelope; foldback trips in constant current or voltage after a delay of 0.25 s and what is added.
- OUTP:PROT:CLE brings the output back that was on before the fault if the power-on mode is AUTO
  (Z+ manual, of the same command set): clear_trip switches off first.
- SYST:ERR:ENAB starts the error log and empties it (G+1U 5 kW manual, 6.2.5).
- The watchdog is fed by any message, latches, and queues error 342 (GH10-100 manual, 5.10). It
  announces the trip and refuses nothing, and so do the shutdowns 321 to 327.
- A set command takes the supply from local to remote; local leaves the output as it is.
- A semicolon ends a message on the LAN option: one query a message.
Uncertainty 0.05 % and 0.1 % of the rating: chosen.
Unverified: the option field in the model of ``*IDN?``; numbers and texts of errors 304 to 307 and
of shutdowns (the older series'); that SCPI's operation word has GEN's bits; VOLTage:SLEW and its
unit V/ms, POWer, INSTrument; the longest foldback delay; that SYST:SET is on every interface; what
OUTP:PON? answers. The LAN socket 8003 is that of the older series.
"""

from collections.abc import Mapping

from instruments.drivers.answers import integer, quantity, state
from instruments.drivers.driver import ScpiDriver, try_each
from instruments.drivers.setpoints import Protections, Setpoint
from instruments.protocols import (
    AnswerGarbled,
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

VOLTAGE = Setpoint(header="VOLT", unit="V", high=80.0, resolution=0.002)
CURRENT = Setpoint(header="CURR", unit="A", high=65.0, resolution=0.002)
POWER = Setpoint(header="POW", unit="W", high=5200.0, resolution=0.1)
OVP = Setpoint(header="VOLT:PROT:LEV", unit="V", low=5.0, high=88.0, resolution=0.002)
DELAY = Setpoint(header="OUTP:PROT:DEL", unit="S", high=25.5, resolution=0.1)
WATCHDOG = Setpoint(header="SYST:WATCH:TIM", unit="S", low=1.0, high=3600.0, resolution=0.5)
VOLTAGE_SLEWS = tuple(
    Setpoint(header=f"VOLT:SLEW:{way}", unit="V/ms", low=1e-4, high=999.99, resolution=1e-4)
    for way in ("UP", "DOWN")
)
CURRENT_SLEWS = tuple(
    Setpoint(header=f"CURR:SLEW:{way}", unit="A/ms", low=1e-4, high=999.99, resolution=1e-4)
    for way in ("UP", "DOWN")
)
UNCERTAINTY_V, UNCERTAINTY_A = 0.04, 0.065
ANNOUNCEMENTS = frozenset({*range(321, 328), 342})

FAULTS: Mapping[int, Trip] = {
    1 << 1: Trip.POWER_FAIL,
    1 << 2: Trip.OVER_TEMPERATURE,
    1 << 3: Trip.FOLDBACK,
    1 << 4: Trip.OVER_VOLTAGE,
    1 << 7: Trip.INTERLOCK,
    1 << 8: Trip.INTERLOCK,
    1 << 9: Trip.UNDER_VOLTAGE,
    1 << 15: Trip.WATCHDOG,
}
REGULATIONS: Mapping[str, Regulation] = {
    "OFF": Regulation.OFF,
    "CV": Regulation.CV,
    "CC": Regulation.CC,
    "CP": Regulation.CP,
}
FOLDS: Mapping[Regulation | None, str] = {
    None: "OFF",
    Regulation.CC: "CC",
    Regulation.CV: "CV",
}


class Genesys(ScpiDriver):
    """The G80-65."""

    models = ("G80-65", "G80-65-LAN", "G80-65-GPIB")
    limits = SupplyLimits(voltage_v_max=80.0, current_a_max=65.0, power_w_max=5200.0)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._protections = Protections(OVP, CURRENT)
        session.announcements = ANNOUNCEMENTS

    async def open(self, *, serial: str | None = None) -> Identity:
        """Check the identity and take control; the output stays as it is."""
        self._protections.forget()
        identity = await super().open(serial=serial)
        await self.session.clear()
        await self.session.command("SYST:ERR:ENAB")
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
        """Set the power limit and read it back."""
        await POWER.set(self.session, power_w)

    async def set_ovp(self, voltage_v: float) -> None:
        """Set the over-voltage protection and read it back; at least 105 % of the voltage."""
        await self._protections.set(self.session, OVP, voltage_v)

    async def set_ocp(self, current_a: float) -> None:
        """There is no level: the current limit and set_foldback are what this model has."""
        raise NotOnThisModel(f"{self.session.name}: no over-current level; it has foldback")

    async def set_opp(self, power_w: float) -> None:
        """There is none."""
        raise NotOnThisModel(f"{self.session.name}: no over-power protection")

    async def set_foldback(self, regulation: Regulation | None, added_delay_s: float = 0.0) -> None:
        """Trip in CC or CV, 0.25 s and the added delay after it began; None: never."""
        if regulation not in FOLDS:
            raise NotOnThisModel(f"{self.session.name}: foldback is in CC or CV only")
        await DELAY.set(self.session, added_delay_s)
        await self._word("OUTP:PROT:FOLD", FOLDS[regulation])

    async def set_slew(self, v_per_s: float, a_per_s: float) -> None:
        """Set how fast voltage and current move, up and down."""
        # Both within the rating, or none is touched.
        rates = [(setpoint, v_per_s / 1000.0) for setpoint in VOLTAGE_SLEWS]
        rates += [(setpoint, a_per_s / 1000.0) for setpoint in CURRENT_SLEWS]
        for setpoint, rate in rates:
            setpoint.permit(self.session, rate)
        for setpoint, rate in rates:
            await setpoint.set(self.session, rate)

    async def voltage_setpoint(self) -> float:
        """The voltage that is set, V."""
        return await VOLTAGE.get(self.session)

    async def current_limit(self) -> float:
        """The current limit that is set, A."""
        return await CURRENT.get(self.session)

    async def regulation(self) -> Regulation:
        """What it holds constant now."""
        answer = (await self.session.query("OUTP:MODE?")).strip().upper()
        try:
            return REGULATIONS[answer]
        except KeyError:
            raise AnswerGarbled(
                f"{self.session.name}: answered {answer!r} to OUTP:MODE?, expected CV, CC or OFF"
            ) from None

    async def set_watchdog(self, seconds: float | None) -> None:
        """Let it trip after silence of 1 to 3600 s; None disarms it."""
        if seconds is not None:
            WATCHDOG.permit(self.session, seconds)
        await self.session.command("SYST:WATCH OFF")
        if seconds is None:
            return
        await WATCHDOG.set(self.session, seconds)
        await self.session.command("SYST:WATCH ON")
        if not state(await self.session.query("SYST:WATCH?")):
            raise SetpointNotTaken(f"{self.session.name}: the watchdog is off after SYST:WATCH ON")

    async def feed_watchdog(self) -> None:
        """Show that the client is there; any other exchange does too."""
        await self.session.query("*STB?")

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
        """Expanded uncertainty (k=2): 0.05 % of the rating, chosen."""
        return UNCERTAINTY_V

    def current_uncertainty_a(self, current_a: float) -> float:
        """Expanded uncertainty (k=2): 0.1 % of the rating, chosen."""
        return UNCERTAINTY_A

    async def _control(self, control: str) -> None:
        await self._word("SYST:SET", control)

    async def _word(self, header: str, word: str) -> None:
        """Set a word and read it back."""
        await self.session.command(f"{header} {word}")
        taken = (await self.session.query(f"{header}?")).strip().upper()
        if taken != word:
            raise SetpointNotTaken(f"{self.session.name} {header}: set {word}, read back {taken}")
