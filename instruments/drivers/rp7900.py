"""Driver of the Keysight RP7935A / RP7945A: two-quadrant supply, 80 V, +-250 A, +-10 kW.

Firmware known: none seen; written for B.03.02.1232 and up, which the guide names for this model.
Sources: the RP7900 Series Operating and Service Guide for protections, watchdog, output and status
(chapters 4 and 5); ratings as the model numbers say, the data sheet was not seen.
Quirks:
- Voltage priority is what this driver uses. ``open`` and ``reset`` see to it; leaving current
  priority switches the output off and resets the levels.
- Over-current protection has no level: it trips at the current limit or not at all. ``set_ocp`` is
  therefore a ceiling on the current limit, which it brings down at once and never lets above;
  ``trip_at_limit`` makes reaching the limit a trip. ``set_sink_ocp`` is the same for the sink, and
  part of the envelope once the sink may take in more than a reset leaves it.
- There is no power limit and no settable over-power protection: the instrument trips above its own
  power.
- A protection leaves the programmed output state: ``OUTP?`` still answers 1, and clearing brings
  the output back. ``output_is_on`` looks at the protections too, ``clear_trip`` switches off first.
- The watchdog counts silence on all remote interfaces, 1 to 3600 s, and latches.
- ``local`` gives the front panel back, the output stays as it is.
Uncertainty 0.05 V and 0.25 A, and the resolutions compared with: chosen.
Unverified: the sign that ``CURR:LIM:NEG`` takes (negative here), that the levels are reset by a
change of priority, the range of the slew rates.
"""

from collections.abc import Mapping

from instruments.drivers.answers import compare, integer, quantity, state
from instruments.drivers.driver import ScpiDriver, try_each
from instruments.drivers.setpoints import Protections, Setpoint
from instruments.protocols import (
    AnswerGarbled,
    CommandRefused,
    Identity,
    NoEnvelope,
    NotOnThisModel,
    OutsideRating,
    Regulation,
    SetpointNotTaken,
    SupplyLimits,
    SupplyReading,
    Trip,
)
from instruments.session import Session

RESOLUTION_V, RESOLUTION_A = 0.01, 0.05
UNCERTAINTY_V, UNCERTAINTY_A = 0.05, 0.25
RESET_SINK_A = 2.5  # 1 % of the rating; unverified, a lower one only asks for set_sink_ocp later
SLEW_TOLERANCE = 0.01  # chosen: how far the rate that is kept may be from the one asked for

VOLTAGE = Setpoint(header="VOLT", unit="V", high=80.0, resolution=RESOLUTION_V)
SOURCED = Setpoint(header="CURR:LIM", unit="A", high=250.0, resolution=RESOLUTION_A)
SUNK = Setpoint(header="CURR:LIM:NEG", unit="A", low=-250.0, high=0.0, resolution=RESOLUTION_A)
OVP = Setpoint(header="VOLT:PROT", unit="V", high=96.0, resolution=RESOLUTION_V)
UVP = Setpoint(header="VOLT:PROT:LOW", unit="V", high=80.0, resolution=RESOLUTION_V)
UVP_DELAY = Setpoint(header="VOLT:PROT:LOW:DEL", unit="s", high=2611.0, resolution=0.001)
OCP_DELAY = Setpoint(header="CURR:PROT:DEL", unit="s", high=0.255, resolution=0.001)
WATCHDOG = Setpoint(header="OUTP:PROT:WDOG:DEL", unit="s", low=1.0, high=3600.0, resolution=0.5)

STATUS = "STAT:QUES1:COND?;:STAT:QUES2:COND?"
TRIPS: Mapping[int, Trip] = {
    1 << 0: Trip.OVER_VOLTAGE,
    1 << 1: Trip.OVER_CURRENT,
    1 << 2: Trip.POWER_FAIL,
    1 << 3: Trip.OVER_POWER,
    1 << 4: Trip.OVER_TEMPERATURE,
    1 << 5: Trip.OVER_POWER,
    1 << 6: Trip.REVERSE_VOLTAGE,
    1 << 9: Trip.INTERLOCK,
    1 << 11: Trip.WATCHDOG,
    1 << 12: Trip.OVER_CURRENT,  # excessive dynamic current
}
# Of the second group: master/slave and safety disconnect, then under-voltage.
SECOND_TRIPS: Mapping[int, Trip] = {
    1 << 4: Trip.INTERLOCK,
    1 << 5: Trip.INTERLOCK,
    1 << 6: Trip.UNDER_VOLTAGE,
}
LIMIT_BIT, SINK_LIMIT_BIT = 1 << 7, 1 << 8
CV_BIT, CC_BIT, OFF_BIT = 1, 2, 4


class Rp7900(ScpiDriver):
    """The RP7935A in voltage priority."""

    models = ("RP7935A", "RP7945A")
    limits = SupplyLimits(
        voltage_v_max=80.0,
        current_a_max=250.0,
        power_w_max=10_000.0,
        sink_current_a_max=250.0,
        sink_power_w_max=10_000.0,
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._protections = Protections(OVP)
        # The highest current of each direction that this session allows; None: not said yet.
        self._ocp_a: float | None = None
        self._sink_ocp_a: float | None = None

    async def open(self, *, serial: str | None = None) -> Identity:
        """Check the identity, see to voltage priority; otherwise the output stays as it is."""
        self._forget_envelope()
        identity = await super().open(serial=serial)
        await self.session.clear()
        await self._take_voltage_priority()
        return identity

    async def reset(self) -> None:
        """Bring it to its power-on settings, in voltage priority."""
        self._forget_envelope()
        await super().reset()
        await self._take_voltage_priority()

    async def remote(self) -> None:
        """Take control from the front panel."""
        await self.session.command("SYST:COMM:RLST REM")

    async def local(self) -> None:
        """Give the front panel back; the output stays as it is."""
        await self.session.command("SYST:COMM:RLST LOC")

    async def set_voltage(self, voltage_v: float) -> None:
        """Set the output voltage and read it back."""
        await VOLTAGE.set(self.session, voltage_v)

    async def voltage_setpoint(self) -> float:
        """The voltage that is set, V."""
        return await VOLTAGE.get(self.session)

    async def set_current_limit(self, current_a: float) -> None:
        """Set the current limit and read it back; refused above set_ocp."""
        self._permit(current_a, self._ocp_a, "set_ocp")
        await SOURCED.set(self.session, current_a)

    async def current_limit(self) -> float:
        """The current limit that is set, A."""
        return await SOURCED.get(self.session)

    async def set_sink_current_limit(self, current_a: float) -> None:
        """Set how much it takes in at most, and read it back; refused above set_sink_ocp."""
        self._permit(current_a, self._sink_ocp_a, "set_sink_ocp")
        await SUNK.set(self.session, 0.0 - current_a)

    async def set_power_limit(self, power_w: float) -> None:
        """Raise NotOnThisModel."""
        raise NotOnThisModel(f"{self.session.name}: trips above its power, limits none")

    async def set_sink_power_limit(self, power_w: float) -> None:
        """Raise NotOnThisModel."""
        raise NotOnThisModel(f"{self.session.name}: trips above its power, limits none")

    async def set_ovp(self, voltage_v: float) -> None:
        """Set the over-voltage protection and read it back."""
        await self._protections.set(self.session, OVP, voltage_v)

    async def set_ocp(self, current_a: float) -> None:
        """Hold the current limit at or below this from now on; a limit above it comes down."""
        SOURCED.permit(self.session, current_a)
        self._ocp_a = None
        if await SOURCED.get(self.session) > current_a:
            await SOURCED.set(self.session, current_a)
        self._ocp_a = current_a

    async def set_sink_ocp(self, current_a: float) -> None:
        """Hold the sink's current limit at or below this from now on, a magnitude."""
        SUNK.permit(self.session, 0.0 - current_a)
        self._sink_ocp_a = None
        if -await SUNK.get(self.session) > current_a:
            await SUNK.set(self.session, 0.0 - current_a)
        self._sink_ocp_a = current_a

    async def trip_at_limit(self, delay_s: float | None) -> None:
        """Trip when a current limit has been reached for up to 0.255 s; None: only limit."""
        if delay_s is not None:
            await OCP_DELAY.set(self.session, delay_s)
        await self._switch("CURR:PROT:STAT", delay_s is not None)

    async def set_opp(self, power_w: float) -> None:
        """Raise NotOnThisModel."""
        raise NotOnThisModel(f"{self.session.name}: its over-power protection is fixed")

    async def set_uvp(self, voltage_v: float | None, *, delay_s: float = 0.0001) -> None:
        """Trip below this voltage once it was reached, None: not; read back."""
        if voltage_v is not None:
            await self._protections.set(self.session, UVP, voltage_v)
            await UVP_DELAY.set(self.session, delay_s)
        await self._switch("VOLT:PROT:LOW:STAT", voltage_v is not None)

    async def set_slew(self, v_per_s: float, a_per_s: float) -> None:
        """Set how fast voltage and current move, and read it back within 1 %."""
        rates = (("VOLT:SLEW", v_per_s, "V/s"), ("CURR:SLEW", a_per_s, "A/s"))
        # Both within the rating, or none is touched.
        for header, rate, unit in rates:
            if not 0.0 < rate < 1e9:
                raise OutsideRating(
                    f"{self.session.name} {header}: {rate:g} {unit} is outside 0 to 1e9 {unit}"
                )
        for header, rate, unit in rates:
            await self.session.command(f"{header} {rate:.10g}")
            taken = quantity(await self.session.query(f"{header}?"))
            compare(f"{self.session.name} {header}", rate, taken, SLEW_TOLERANCE * rate, unit)

    async def set_watchdog(self, seconds: float | None) -> None:
        """Trip after silence of 1 to 3600 whole seconds; None disarms it."""
        if seconds is not None:
            WATCHDOG.permit(self.session, seconds)
        await self._switch("OUTP:PROT:WDOG", False)
        if seconds is not None:
            await WATCHDOG.set(self.session, seconds)
            await self._switch("OUTP:PROT:WDOG", True)

    async def feed_watchdog(self) -> None:
        """Show that the client is there; any other message does too."""
        await self.session.query("*STB?")

    async def latch_inhibit(self, on: bool) -> None:
        """Let pin 3 of the digital connector switch the output off, latching; or not."""
        await self.session.command(f"DIG:PIN3:FUNC {'INH' if on else 'DINP'}")
        await self.session.command(f"OUTP:INH:MODE {'LATC' if on else 'OFF'}")
        mode = await self.session.query("OUTP:INH:MODE?")
        if mode.strip().upper() != ("LATC" if on else "OFF"):
            raise SetpointNotTaken(f"{self.session.name} OUTP:INH:MODE: read back {mode!r}")

    async def output_on(self) -> None:
        """Switch on, inside an envelope that was set in this session and still stands."""
        await self._protections.require(self.session)
        await self._require_ceiling(SOURCED, self._ocp_a, "set_ocp")
        sunk_a = -await SUNK.get(self.session)
        if self._sink_ocp_a is not None or sunk_a > RESET_SINK_A + RESOLUTION_A:
            await self._require_ceiling(SUNK, self._sink_ocp_a, "set_sink_ocp")
        await self.session.command("OUTP ON")
        if not await self.output_is_on():
            trips = ", ".join(sorted(await self.tripped())) or "no protection"
            # Otherwise whoever clears the protection would bring the output on.
            await self.output_off()
            raise CommandRefused(f"{self.session.name} is still off after OUTP ON: {trips}")

    async def output_off(self) -> None:
        """Switch off and see that it is."""
        await self.session.command("OUTP OFF")
        if state(await self.session.query("OUTP?")):
            raise SetpointNotTaken(f"{self.session.name} is still on after OUTP OFF")

    async def output_is_on(self) -> bool:
        """Whether the output is programmed on and no protection disables it."""
        programmed, *groups = await self._ask(f"OUTP?;:{STATUS}", 3)
        return state(programmed) and not _trips(*groups)

    async def measure(self) -> SupplyReading:
        """Measure voltage, current and power in one acquisition."""
        answers = await self._ask("MEAS:VOLT?;:FETC:CURR?;POW?", 3)
        voltage_v, current_a, power_w = (quantity(answer) for answer in answers)
        return SupplyReading(
            voltage_v=voltage_v,
            current_a=current_a,
            power_w=power_w,
            time_us=self.session.asked_us,
        )

    async def regulation(self) -> Regulation:
        """What it holds constant now."""
        operation, questionable = map(
            integer, await self._ask("STAT:OPER:COND?;:STAT:QUES1:COND?", 2)
        )
        if operation & OFF_BIT or questionable & sum(TRIPS):
            return Regulation.OFF
        if questionable & SINK_LIMIT_BIT:
            return Regulation.CC_SINK
        if questionable & LIMIT_BIT or operation & CC_BIT:
            return Regulation.CC
        return Regulation.CV if operation & CV_BIT else Regulation.UNREGULATED

    async def tripped(self) -> frozenset[Trip]:
        """Protections that disable the output; all latch in the instrument."""
        return _trips(*await self._ask(STATUS, 2))

    async def clear_trip(self) -> None:
        """Switch off first, for clearing would bring the output back; see that none stands."""
        await self.output_off()
        await self.session.command("OUTP:PROT:CLE")
        if standing := await self.tripped():
            raise CommandRefused(f"{self.session.name}: {', '.join(sorted(standing))} persists")

    async def safe_state(self) -> None:
        """Both currents to 0, output off; every step is tried."""
        await try_each(
            lambda: self.set_current_limit(0.0),
            lambda: self.set_sink_current_limit(0.0),
            self.output_off,
        )

    def voltage_uncertainty_v(self, voltage_v: float) -> float:
        """Expanded uncertainty (k=2), chosen."""
        return UNCERTAINTY_V

    def current_uncertainty_a(self, current_a: float) -> float:
        """Expanded uncertainty (k=2), chosen."""
        return UNCERTAINTY_A

    async def _ask(self, message: str, count: int) -> list[str]:
        answers = (await self.session.query(message)).split(";")
        if len(answers) != count:
            raise AnswerGarbled(
                f"{self.session.name} gave {len(answers)} answers to {message!r}, expected {count}"
            )
        return answers

    async def _switch(self, header: str, on: bool) -> None:
        await self.session.command(f"{header} {'ON' if on else 'OFF'}")
        if state(await self.session.query(f"{header}?")) is not on:
            raise SetpointNotTaken(f"{self.session.name} {header} is not {'ON' if on else 'OFF'}")

    async def _take_voltage_priority(self) -> None:
        if not (await self.session.query("FUNC?")).strip().upper().startswith("VOLT"):
            await self.session.command("FUNC VOLT")

    def _permit(self, current_a: float, ceiling_a: float | None, setter: str) -> None:
        if ceiling_a is not None and current_a > ceiling_a:
            raise OutsideRating(
                f"{self.session.name}: {current_a:g} A is above {ceiling_a:g} A of {setter}"
            )

    async def _require_ceiling(self, limit: Setpoint, ceiling_a: float | None, setter: str) -> None:
        name = self.session.name
        if ceiling_a is None:
            raise NoEnvelope(f"{name}: {setter} is due in this session before the output goes on")
        if ceiling_a >= self.limits.current_a_max:
            raise NoEnvelope(f"{name}: {setter} stands at its maximum, which protects nothing")
        found_a = abs(await limit.get(self.session))
        if found_a > ceiling_a + RESOLUTION_A:
            raise NoEnvelope(
                f"{name} {limit.header} is {found_a:g} A, above {ceiling_a:g} A of {setter}"
            )

    def _forget_envelope(self) -> None:
        self._protections.forget()
        self._ocp_a = self._sink_ocp_a = None


def _trips(first: str, second: str) -> frozenset[Trip]:
    """The protections that stand in the two questionable groups."""
    groups = ((integer(first), TRIPS), (integer(second), SECOND_TRIPS))
    return frozenset(trip for bits, table in groups for bit, trip in table.items() if bits & bit)
