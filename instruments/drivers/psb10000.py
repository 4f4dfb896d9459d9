"""Driver of the EA Elektro-Automatik PSB 10080-1000 4U: 80 V, 1000 A, 30 kW, both quadrants.

Firmware known: none seen; written for the command set of the 10000 series.
Quirks and where they are from (the maker's SCPI guide, as public drivers of the series use it):
- Set commands need ``SYST:LOCK ON``; without it they are refused. Reading needs nothing.
- Answers carry their unit (``43.50 V``); states are ON and OFF.
- ``SYST:ERR?`` acknowledges alarms whose cause is gone: the status is read before it, and what
  was seen is kept until clear_trip.
- Thresholds of protection are always active, have no delay, and go to 110 % of nominal; those of
  the sink quadrant are their own.
- It takes current in whenever its set voltage is below the terminals and the sink's limit is not
  0. The sink's limit is 0 after a reset; raising it makes sink protections part of the envelope.
- The interface watchdog merely leaves remote on expiry. What becomes of the output is the setting
  ``POW:STAG:AFT:REM``; this driver makes it OFF, and sees that it is, before it arms the watchdog.
- Under-voltage is event supervision (UVD): it switches off only with its action at ALARM, which
  this driver leaves as it finds it.
- Voltage and current set points move as fast as the power stage can; there is no slew to set.
Resolution 0.01 V and 1 W as the public manual of the 9000 series has for this voltage and power;
0.1 A is taken over from its 360 A models. Uncertainty 0.05 % and 0.1 % of nominal: chosen.
Unverified: the error code of a refused lock, the exact model field of ``*IDN?``, whether
``OUTP ON`` is refused while an alarm stands, whether a power is answered in W or in kW, what
``*RST`` does to set values, and bit 7 of the operation register as "watchdog expired".
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

NOMINAL_V, NOMINAL_A, NOMINAL_W = 80.0, 1000.0, 30_000.0
UNCERTAINTY_V, UNCERTAINTY_A = 0.04, 1.0

# Set values go to 102 % of nominal by the guide; the rating is where this driver stops.
VOLTAGE = Setpoint(header="VOLT", unit="V", high=NOMINAL_V, resolution=0.01)
CURRENT = Setpoint(header="CURR", unit="A", high=NOMINAL_A, resolution=0.1)
POWER = Setpoint(header="POW", unit="W", high=NOMINAL_W, resolution=1.0)
SINK_CURRENT = Setpoint(header="SINK:CURR", unit="A", high=NOMINAL_A, resolution=0.1)
SINK_POWER = Setpoint(header="SINK:POW", unit="W", high=NOMINAL_W, resolution=1.0)
OVP = Setpoint(header="VOLT:PROT", unit="V", high=88.0, resolution=0.01)
OCP = Setpoint(header="CURR:PROT", unit="A", high=1100.0, resolution=0.1)
OPP = Setpoint(header="POW:PROT", unit="W", high=33_000.0, resolution=1.0)
SINK_OCP = Setpoint(header="SINK:CURR:PROT", unit="A", high=1100.0, resolution=0.1)
SINK_OPP = Setpoint(header="SINK:POW:PROT", unit="W", high=33_000.0, resolution=1.0)
WATCHDOG = Setpoint(header="SYST:COMM:MON:TIM", unit="", low=1.0, high=36_000.0, resolution=0.5)

STATUS, OPERATION, AFTER_REMOTE = "STAT:QUES:COND?", "STAT:OPER:COND?", "POW:STAG:AFT:REM"
ALARMS: Mapping[int, Trip] = {
    1 << 0: Trip.OVER_VOLTAGE,
    1 << 1: Trip.OVER_CURRENT,
    1 << 2: Trip.OVER_POWER,
    1 << 3: Trip.OVER_TEMPERATURE,
    1 << 5: Trip.UNDER_VOLTAGE,
    1 << 13: Trip.POWER_FAIL,
}
SINK_BIT = 1 << 12
REGULATIONS: Mapping[int, tuple[Regulation, Regulation]] = {
    1 << 8: (Regulation.CV, Regulation.CV),
    1 << 9: (Regulation.CC, Regulation.CC_SINK),
    1 << 10: (Regulation.CP, Regulation.CP_SINK),
}


class EaPsb10000(ScpiDriver):
    """The PSB 10080-1000 4U as supply and as sink."""

    models = ("PSB 10080-1000 4U", "PSB 10080-1000")
    limits = SupplyLimits(
        voltage_v_max=NOMINAL_V,
        current_a_max=NOMINAL_A,
        power_w_max=NOMINAL_W,
        sink_current_a_max=NOMINAL_A,
        sink_power_w_max=NOMINAL_W,
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._seen: frozenset[Trip] = frozenset()
        self._protections = Protections(OVP, OCP, OPP)
        self._sink_protections = Protections(SINK_OCP)
        session.read_status_before_errors(STATUS, self._note_status)

    async def open(self, *, serial: str | None = None) -> Identity:
        """Check the identity and take the remote lock; the output stays as it is."""
        self._forget()
        identity = await super().open(serial=serial)
        await self.session.clear()
        await self.remote()
        return identity

    async def reset(self) -> None:
        """Bring it to its power-on settings, and keep the lock."""
        self._forget()
        await self.remote()
        await super().reset()
        await self.remote()

    async def remote(self) -> None:
        """Take control from the front panel, and see that it was given."""
        await self.session.command("SYST:LOCK ON")
        owner = await self.session.query("SYST:LOCK:OWN?")
        if owner.strip().upper() != "REMOTE":
            raise CommandRefused(f"{self.session.name} gave no remote lock: owner is {owner!r}")

    async def local(self) -> None:
        """Give the front panel back; the output follows the state after remote."""
        await self.session.command("SYST:LOCK OFF")

    async def set_voltage(self, voltage_v: float) -> None:
        """Set the output voltage and read it back."""
        await VOLTAGE.set(self.session, voltage_v)

    async def set_current_limit(self, current_a: float) -> None:
        """Set the current limit and read it back."""
        await CURRENT.set(self.session, current_a)

    async def set_power_limit(self, power_w: float) -> None:
        """Set the power limit and read it back."""
        await POWER.set(self.session, power_w)

    async def set_sink_current_limit(self, current_a: float) -> None:
        """Set how much it takes in at most, a magnitude, and read it back."""
        await SINK_CURRENT.set(self.session, current_a)

    async def set_sink_power_limit(self, power_w: float) -> None:
        """Set how much power it takes in at most, a magnitude, and read it back."""
        await SINK_POWER.set(self.session, power_w)

    async def set_ovp(self, voltage_v: float) -> None:
        """Set the over-voltage protection and read it back."""
        await self._protections.set(self.session, OVP, voltage_v)

    async def set_ocp(self, current_a: float) -> None:
        """Set the over-current protection and read it back."""
        await self._protections.set(self.session, OCP, current_a)

    async def set_opp(self, power_w: float) -> None:
        """Set the over-power protection and read it back."""
        await self._protections.set(self.session, OPP, power_w)

    async def set_sink_ocp(self, current_a: float) -> None:
        """Set the over-current protection of the sink, a magnitude, and read it back."""
        await self._sink_protections.set(self.session, SINK_OCP, current_a)

    async def set_sink_opp(self, power_w: float) -> None:
        """Set the over-power protection of the sink, a magnitude, and read it back."""
        await self._sink_protections.set(self.session, SINK_OPP, power_w)

    async def set_slew(self, v_per_s: float, a_per_s: float) -> None:
        """Raises NotOnThisModel."""
        raise NotOnThisModel(f"{self.session.name}: set points have no slew that can be set")

    async def voltage_setpoint(self) -> float:
        """The voltage that is set, asked from the instrument, V."""
        return await VOLTAGE.get(self.session)

    async def current_limit(self) -> float:
        """The current limit that is set, asked from the instrument, A."""
        return await CURRENT.get(self.session)

    async def output_on(self) -> None:
        """Switch on, inside an envelope that was set in this session and still stands.

        Over-voltage, over-current and over-power belong to it; the sink's over-current too once
        the sink may take anything in. Raises NoEnvelope.
        """
        await self._protections.require(self.session)
        if await SINK_CURRENT.get(self.session) > 0.0:
            await self._sink_protections.require(self.session)
        await self.session.command("OUTP ON")
        if not await self.output_is_on():
            trips = ", ".join(sorted(await self.tripped())) or "no alarm"
            raise CommandRefused(f"{self.session.name} is still off after OUTP ON: {trips}")

    async def output_off(self) -> None:
        """Switch off and see that it is."""
        await self.session.command("OUTP OFF")
        if await self.output_is_on():
            raise SetpointNotTaken(f"{self.session.name} is still on after OUTP OFF")

    async def output_is_on(self) -> bool:
        """Whether the output is on."""
        return state(await self.session.query("OUTP?"))

    async def measure(self) -> SupplyReading:
        """Measure voltage, current and power in one query; taken in, current is negative."""
        answer = await self.session.query("MEAS:ARR?")
        # To the right of the second comma a broken answer has nothing, which is no number.
        voltage, _, rest = answer.partition(",")
        current, _, power = rest.partition(",")
        return SupplyReading(
            voltage_v=quantity(voltage, "V"),
            current_a=quantity(current, "A"),
            power_w=quantity(power, "W"),
            time_us=self.session.asked_us,
        )

    async def regulation(self) -> Regulation:
        """What it holds constant now."""
        if not await self.output_is_on():
            return Regulation.OFF
        bits = integer(await self.session.query(OPERATION))
        for bit, (source, sink) in REGULATIONS.items():
            if bits & bit:
                return sink if bits & SINK_BIT else source
        return Regulation.UNREGULATED

    async def tripped(self) -> frozenset[Trip]:
        """Alarms standing now or seen since the last clear_trip."""
        self._note_status(await self.session.query(STATUS))
        return self._seen

    async def clear_trip(self) -> None:
        """Switch off, acknowledge, and see that no alarm stands any more."""
        await self.output_off()
        await self.session.errors()
        self._seen = frozenset()
        if standing := await self.tripped():
            raise CommandRefused(f"{self.session.name}: {', '.join(sorted(standing))} persists")

    async def set_watchdog(self, seconds: float | None) -> None:
        """Let it leave remote and switch off after silence of 1 to 36000 s; None disarms it."""
        if seconds is not None:
            WATCHDOG.permit(self.session, seconds)
        await self.session.command("SYST:COMM:MON:ACT OFF")
        if seconds is None:
            return
        await self.session.command(f"{AFTER_REMOTE} OFF")
        after = await self.session.query(f"{AFTER_REMOTE}?")
        if after.strip().upper() != "OFF":
            raise SetpointNotTaken(f"{self.session.name} {AFTER_REMOTE}: set OFF, is {after!r}")
        await WATCHDOG.set(self.session, seconds)
        await self.session.command("SYST:COMM:MON:ACT ON")

    async def feed_watchdog(self) -> None:
        """Show that the client is there; any other exchange does too."""
        await self.session.query("*STB?")

    async def safe_state(self) -> None:
        """Take the lock, both currents to 0, output off; every step is tried."""
        await try_each(
            self.remote,
            lambda: self.set_current_limit(0.0),
            lambda: self.set_sink_current_limit(0.0),
            self.output_off,
        )

    def voltage_uncertainty_v(self, voltage_v: float) -> float:
        """Expanded uncertainty (k=2): 0.05 % of nominal, chosen."""
        return UNCERTAINTY_V

    def current_uncertainty_a(self, current_a: float) -> float:
        """Expanded uncertainty (k=2): 0.1 % of nominal, chosen."""
        return UNCERTAINTY_A

    def _forget(self) -> None:
        self._protections.forget()
        self._sink_protections.forget()

    def _note_status(self, answer: str) -> None:
        bits = integer(answer)
        self._seen |= {trip for bit, trip in ALARMS.items() if bits & bit}
