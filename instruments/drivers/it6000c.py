"""Driver of the ITECH IT6010C-80-300: two-quadrant supply, 80 V, +-300 A, +-10 kW.

Firmware known: none seen of this model; an IT6054C-800-225 with 000.006.101 is on public record.
Sources: the IT6000C programming guide as public drivers of the series quote it, and that record.
Quirks:
- Voltage priority is what this driver uses. ``open`` and ``reset`` see to it; to leave current
  priority the output is switched off.
- In voltage priority ``CURR?`` mirrors ``CURR:LIM?``. Limits of the sink are negative numbers.
- Each protection has a state and a delay, 60 s after a reset. Setting one here switches it on with
  a delay of 0.01 s (chosen), and ``output_on`` looks whether all three stand.
- One over-current threshold guards both directions: the lower of set_ocp and set_sink_ocp is set.
- Slew rates are in V/ms and A/ms.
- The watchdog counts silence on all remote interfaces, 1 to 6000 s, and latches.
- ``local`` gives the front panel back, the output stays as it is.
Uncertainty 0.04 V and 0.6 A, and the resolutions compared with: chosen.
Unverified: port 30000, the bit of the watchdog (4096, read as the watchdog while it is armed, as
power fail otherwise), 8192 and 16384 (read as power fail), what ``OUTP?`` answers after a trip and
whether clearing brings the output back (it is switched off first).
"""

from collections.abc import Mapping

from instruments.drivers.answers import integer, quantity, state
from instruments.drivers.driver import ScpiDriver, try_each
from instruments.drivers.setpoints import Protections, Setpoint
from instruments.protocols import (
    AnswerGarbled,
    CommandRefused,
    Identity,
    NoEnvelope,
    Regulation,
    SetpointNotTaken,
    SupplyLimits,
    SupplyReading,
    Trip,
)
from instruments.session import Session

RESOLUTION_V, RESOLUTION_A, RESOLUTION_W = 0.01, 0.02, 1.0
UNCERTAINTY_V, UNCERTAINTY_A = 0.04, 0.6
DELAY_S = 0.01  # chosen: short, and above the shortest seen on a unit of the series

VOLTAGE = Setpoint(header="VOLT", unit="V", high=80.0, resolution=RESOLUTION_V)
SOURCED = Setpoint(header="CURR:LIM", unit="A", high=300.0, resolution=RESOLUTION_A)
SUNK = Setpoint(header="CURR:LIM:NEG", unit="A", low=-300.0, high=0.0, resolution=RESOLUTION_A)
POWER = Setpoint(header="POW:LIM", unit="W", high=10_000.0, resolution=RESOLUTION_W)
SUNK_POWER = Setpoint(
    header="POW:LIM:NEG", unit="W", low=-10_000.0, high=0.0, resolution=RESOLUTION_W
)
OVP = Setpoint(header="VOLT:PROT", unit="V", high=80.8, resolution=RESOLUTION_V)
OCP = Setpoint(header="CURR:PROT", unit="A", high=303.0, resolution=RESOLUTION_A)
OPP = Setpoint(header="POW:PROT", unit="W", high=10_200.0, resolution=RESOLUTION_W)
UVP = Setpoint(header="VOLT:UND:PROT", unit="V", high=80.0, resolution=RESOLUTION_V)
WATCHDOG = Setpoint(header="OUTP:PROT:WDOG:DEL", unit="s", low=1.0, high=6000.0, resolution=0.5)
LONGEST_DELAY_S = 60.0
VOLTAGE_SLEWS, CURRENT_SLEWS = (
    tuple(
        Setpoint(header=f"{node}:{way}", unit=unit, low=0.001, high=2000.0, resolution=0.001)
        for way in ("POS", "NEG")
    )
    for node, unit in (("VOLT:SLEW", "V/ms"), ("CURR:SLEW", "A/ms"))
)

STATUS = "STAT:QUES:COND?"
TRIPS: Mapping[int, Trip] = {
    1: Trip.OVER_VOLTAGE,
    2: Trip.OVER_CURRENT,
    4: Trip.OVER_CURRENT,
    8: Trip.OVER_POWER,
    16: Trip.OVER_POWER,
    32: Trip.UNDER_VOLTAGE,
    64: Trip.OVER_TEMPERATURE,
    128: Trip.UNDER_CURRENT,
    256: Trip.SENSE,
    512: Trip.POWER_FAIL,  # current sharing with other units
    1024: Trip.REVERSE_VOLTAGE,
    2048: Trip.INTERLOCK,
    8192: Trip.POWER_FAIL,
    16384: Trip.POWER_FAIL,
}
SHUT_DOWN_BIT = 4096
# The first that is set: taking in before delivering, for both may be told at once.
REGULATIONS: Mapping[int, Regulation] = {
    64: Regulation.OFF,
    2048: Regulation.CC_SINK,
    4096: Regulation.CP_SINK,
    128: Regulation.CC,
    512: Regulation.CP,
    256: Regulation.CV,
}


class It6000c(ScpiDriver):
    """The IT6010C-80-300 in voltage priority."""

    models = ("IT6010C-80-300",)
    limits = SupplyLimits(
        voltage_v_max=80.0,
        current_a_max=300.0,
        power_w_max=10_000.0,
        sink_current_a_max=300.0,
        sink_power_w_max=10_000.0,
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._protections = Protections(OVP, OCP)
        # Header of each protection that this session has set -> its delay.
        self._delays: dict[str, float] = {}
        self._ocp_a: float | None = None
        self._sink_ocp_a: float | None = None

    async def open(self, *, serial: str | None = None) -> Identity:
        """Check the identity, go remote, see to voltage priority; else the output stays."""
        self._forget_envelope()
        identity = await super().open(serial=serial)
        await self.session.clear()
        await self.remote()
        await self._take_voltage_priority()
        return identity

    async def reset(self) -> None:
        """Bring it to its power-on settings, in voltage priority."""
        self._forget_envelope()
        await super().reset()
        await self._take_voltage_priority()

    async def remote(self) -> None:
        """Take control from the front panel."""
        await self.session.command("SYST:REM")

    async def local(self) -> None:
        """Give the front panel back; the output stays as it is."""
        await self.session.command("SYST:LOC")

    async def set_voltage(self, voltage_v: float) -> None:
        """Set the output voltage and read it back."""
        await VOLTAGE.set(self.session, voltage_v)

    async def voltage_setpoint(self) -> float:
        """The voltage that is set, V."""
        return await VOLTAGE.get(self.session)

    async def set_current_limit(self, current_a: float) -> None:
        """Set the current limit and read it back."""
        await SOURCED.set(self.session, current_a)

    async def current_limit(self) -> float:
        """The current limit that is set, A."""
        return await SOURCED.get(self.session)

    async def set_power_limit(self, power_w: float) -> None:
        """Set the power limit and read it back."""
        await POWER.set(self.session, power_w)

    async def set_sink_current_limit(self, current_a: float) -> None:
        """Set how much it takes in at most, a magnitude, and read it back."""
        await SUNK.set(self.session, 0.0 - current_a)

    async def set_sink_power_limit(self, power_w: float) -> None:
        """Set how much power it takes in at most, a magnitude, and read it back."""
        await SUNK_POWER.set(self.session, 0.0 - power_w)

    async def set_ovp(self, voltage_v: float) -> None:
        """Set the over-voltage protection, switch it on, and read both back."""
        await self._protect(OVP, voltage_v)

    async def set_ocp(self, current_a: float) -> None:
        """Set the over-current protection; a lower one of the sink stays in force."""
        OCP.permit(self.session, current_a)
        self._ocp_a = current_a
        await self._set_threshold()

    async def set_sink_ocp(self, current_a: float) -> None:
        """Set the over-current protection of the sink; a lower set_ocp stays in force."""
        OCP.permit(self.session, current_a)
        self._sink_ocp_a = current_a
        await self._set_threshold()

    async def set_opp(self, power_w: float) -> None:
        """Set the over-power protection of both directions, switch it on, read both back."""
        await self._protect(OPP, power_w)

    async def set_uvp(
        self, voltage_v: float | None, *, delay_s: float = DELAY_S, warm_up_s: float = 1.0
    ) -> None:
        """Trip below this voltage, except while it warms up after switching on; None: not."""
        if voltage_v is None:
            self._delays.pop(UVP.header, None)
            await self._switch(f"{UVP.header}:STAT", False)
            return
        await _delay(f"{UVP.header}:WARM").set(self.session, warm_up_s)
        await self._protect(UVP, voltage_v, delay_s=delay_s)

    async def set_slew(self, v_per_s: float, a_per_s: float) -> None:
        """Set how fast voltage and current move, up and down, and read it back."""
        # Both within the rating, or none is touched.
        rates = [(setpoint, v_per_s / 1000.0) for setpoint in VOLTAGE_SLEWS]
        rates += [(setpoint, a_per_s / 1000.0) for setpoint in CURRENT_SLEWS]
        for setpoint, rate in rates:
            setpoint.permit(self.session, rate)
        for setpoint, rate in rates:
            await setpoint.set(self.session, rate)

    async def set_watchdog(self, seconds: float | None) -> None:
        """Trip after silence of 1 to 6000 whole seconds; None disarms it."""
        if seconds is not None:
            WATCHDOG.permit(self.session, seconds)
        await self._switch("OUTP:PROT:WDOG:STAT", False)
        if seconds is not None:
            await WATCHDOG.set(self.session, seconds)
            await self._switch("OUTP:PROT:WDOG:STAT", True)

    async def feed_watchdog(self) -> None:
        """Show that the client is there; any other message does too."""
        await self.session.query("*STB?")

    async def output_on(self) -> None:
        """Switch on, inside an envelope that was set in this session and still stands."""
        await self._protections.require(self.session)
        for header, delay_s in self._delays.items():
            await self._require_armed(header, delay_s)
        await self.session.command("OUTP 1")
        if not await self.output_is_on():
            trips = ", ".join(sorted(await self.tripped())) or "no protection"
            # Otherwise whoever clears the protection might bring the output on.
            await self.output_off()
            raise CommandRefused(f"{self.session.name} is still off after OUTP 1: {trips}")

    async def output_off(self) -> None:
        """Switch off and see that it is."""
        await self.session.command("OUTP 0")
        if state(await self.session.query("OUTP?")):
            raise SetpointNotTaken(f"{self.session.name} is still on after OUTP 0")

    async def output_is_on(self) -> bool:
        """Whether the output is on and no protection disables it."""
        return state(await self.session.query("OUTP?")) and not await self.tripped()

    async def measure(self) -> SupplyReading:
        """Measure voltage, current and power at one instant."""
        answer = await self.session.query("MEAS?")
        fields = answer.split(",")
        if len(fields) < 3:
            raise AnswerGarbled(f"{self.session.name} answered {answer!r} to MEAS?")
        return SupplyReading(
            voltage_v=quantity(fields[0]),
            current_a=quantity(fields[1]),
            power_w=quantity(fields[2]),
            time_us=self.session.asked_us,
        )

    async def regulation(self) -> Regulation:
        """What it holds constant now."""
        bits = integer(await self.session.query("STAT:OPER:COND?"))
        for bit, regulation in REGULATIONS.items():
            if bits & bit:
                return regulation
        on = state(await self.session.query("OUTP?"))
        return Regulation.UNREGULATED if on else Regulation.OFF

    async def tripped(self) -> frozenset[Trip]:
        """Protections that have switched the output off; all latch in the instrument."""
        bits = integer(await self.session.query(STATUS))
        trips = {trip for bit, trip in TRIPS.items() if bits & bit}
        if bits & SHUT_DOWN_BIT and not trips:
            watched = state(await self.session.query("OUTP:PROT:WDOG:STAT?"))
            trips.add(Trip.WATCHDOG if watched else Trip.POWER_FAIL)
        return frozenset(trips)

    async def clear_trip(self) -> None:
        """Switch off, clear, and see that no protection stands any more."""
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

    async def _set_threshold(self) -> None:
        asked = [value for value in (self._ocp_a, self._sink_ocp_a) if value is not None]
        await self._protect(OCP, min(asked))

    async def _protect(self, setpoint: Setpoint, value: float, *, delay_s: float = DELAY_S) -> None:
        header = setpoint.header
        self._delays.pop(header, None)
        await self._protections.set(self.session, setpoint, value)
        taken_s = await _delay(f"{header}:DEL").set(self.session, delay_s)
        await self._switch(f"{header}:STAT", True)
        self._delays[header] = taken_s

    async def _require_armed(self, header: str, delay_s: float) -> None:
        name = self.session.name
        if not state(await self.session.query(f"{header}:STAT?")):
            raise NoEnvelope(f"{name} {header} was set and has been switched off since")
        found_s = await _delay(f"{header}:DEL").get(self.session)
        if found_s != delay_s:
            raise NoEnvelope(f"{name} {header}:DEL is {found_s:g} s, was set to {delay_s:g}")

    async def _switch(self, header: str, on: bool) -> None:
        await self.session.command(f"{header} {'ON' if on else 'OFF'}")
        if state(await self.session.query(f"{header}?")) is not on:
            raise SetpointNotTaken(f"{self.session.name} {header} is not {'ON' if on else 'OFF'}")

    async def _take_voltage_priority(self) -> None:
        if (await self.session.query("FUNC?")).strip().upper().startswith("VOLT"):
            return
        await self.output_off()
        await self.session.command("FUNC VOLT")

    def _forget_envelope(self) -> None:
        self._protections.forget()
        self._delays.clear()
        self._ocp_a = self._sink_ocp_a = None


def _delay(header: str) -> Setpoint:
    """A delay of a protection, or its warm-up."""
    return Setpoint(header=header, unit="s", high=LONGEST_DELAY_S, resolution=0.001)
