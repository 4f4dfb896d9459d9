"""Driver of the EA Elektro-Automatik PSB 10080-1000 4U: supply, 80 V, 1000 A, 30 kW.

Firmware known: none seen; written for the command set of the 10000 series.
Quirks and where they are from (the maker's SCPI guide, as public drivers of the series use it):
- Set commands need ``SYST:LOCK ON``; without it they are refused. Reading needs nothing.
- Answers carry their unit (``43.50 V``); states are ON and OFF.
- ``SYST:ERR?`` acknowledges alarms whose cause is gone: the status is read before it, and what
  was seen is kept until clear_trip.
- Thresholds of protection are always active, have no delay, and go to 110 % of nominal.
- The interface watchdog leaves remote on expiry; the output follows the menu setting "state after
  remote", which must be OFF, and which cannot be read by SCPI.
Resolution 0.01 V and 1 W as the public manual of the 9000 series has for this voltage and power;
0.1 A is taken over from its 360 A models. Uncertainty 0.05 % and 0.1 % of nominal: chosen.
Unverified: the error code of a refused lock, the exact model field of ``*IDN?``, and whether
``OUTP ON`` is refused while an alarm stands.
"""

from collections.abc import Mapping

from instruments.drivers.answers import compare, integer, quantity, state
from instruments.drivers.driver import ScpiDriver, try_each
from instruments.protocols import (
    CommandRefused,
    Identity,
    NoEnvelope,
    SetpointNotTaken,
    SupplyReading,
    Trip,
)
from instruments.session import Session

RESOLUTION_V, RESOLUTION_A, RESOLUTION_W = 0.01, 0.1, 1.0
HIGHEST_OVP_V, HIGHEST_OCP_A = 88.0, 1100.0
UNCERTAINTY_V, UNCERTAINTY_A = 0.04, 1.0

STATUS = "STAT:QUES:COND?"
ALARMS: Mapping[int, Trip] = {
    1 << 0: Trip.OVER_VOLTAGE,
    1 << 1: Trip.OVER_CURRENT,
    1 << 2: Trip.OVER_POWER,
    1 << 3: Trip.OVER_TEMPERATURE,
    1 << 13: Trip.POWER_FAIL,
}


class EaPsb10000(ScpiDriver):
    """The source quadrant of the PSB 10080-1000 4U."""

    models = ("PSB 10080-1000 4U", "PSB 10080-1000")
    voltage_max_v = 80.0
    current_max_a = 1000.0
    power_max_w = 30_000.0

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._seen: frozenset[Trip] = frozenset()
        self._ovp_v: float | None = None
        self._ocp_a: float | None = None
        session.read_status_before_errors(STATUS, self._note_status)

    async def open(self, *, serial: str | None = None) -> Identity:
        """Check the identity and take the remote lock; the output stays as it is."""
        self._forget_envelope()
        identity = await super().open(serial=serial)
        await self.session.clear()
        await self._take_lock()
        return identity

    async def reset(self) -> None:
        """Bring it to its power-on settings, and keep the lock."""
        self._forget_envelope()
        await self._take_lock()
        await super().reset()
        await self._take_lock()

    async def local(self) -> None:
        """Give the front panel back; the output goes off by the state after remote."""
        await self.session.command("SYST:LOCK OFF")

    async def set_voltage(self, voltage_v: float) -> None:
        """Set the output voltage and read it back."""
        await self._set("VOLT", voltage_v, RESOLUTION_V, "V")

    async def set_current_limit(self, current_a: float) -> None:
        """Set the current limit and read it back."""
        await self._set("CURR", current_a, RESOLUTION_A, "A")

    async def set_power_limit(self, power_w: float) -> None:
        """Set the power limit and read it back."""
        await self._set("POW", power_w, RESOLUTION_W, "W")

    async def set_ovp(self, voltage_v: float) -> None:
        """Set the over-voltage protection and read it back."""
        self._ovp_v = None
        self._ovp_v = await self._set("VOLT:PROT", voltage_v, RESOLUTION_V, "V")

    async def set_ocp(self, current_a: float) -> None:
        """Set the over-current protection and read it back."""
        self._ocp_a = None
        self._ocp_a = await self._set("CURR:PROT", current_a, RESOLUTION_A, "A")

    async def set_opp(self, power_w: float) -> None:
        """Set the over-power protection and read it back."""
        await self._set("POW:PROT", power_w, RESOLUTION_W, "W")

    async def output_on(self) -> None:
        """Switch on, inside an envelope that was set in this session and still stands."""
        await self._require_envelope()
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
        """Measure voltage, current and power in one query."""
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
        """Let the instrument leave remote after silence of 1 to 36000 s; None disarms it."""
        await self.session.command("SYST:COMM:MON:ACT OFF")
        if seconds is None:
            return
        await self._set("SYST:COMM:MON:TIM", seconds, 0.5, "")
        await self.session.command("SYST:COMM:MON:ACT ON")

    async def feed_watchdog(self) -> None:
        """Show that the client is there; any other exchange does too."""
        await self.session.query("*STB?")

    async def safe_state(self) -> None:
        """Take the lock, current to 0, output off; every step is tried."""
        await try_each(self._take_lock, lambda: self.set_current_limit(0.0), self.output_off)

    def voltage_uncertainty_v(self, voltage_v: float) -> float:
        """Expanded uncertainty (k=2): 0.05 % of nominal, chosen."""
        return UNCERTAINTY_V

    def current_uncertainty_a(self, current_a: float) -> float:
        """Expanded uncertainty (k=2): 0.1 % of nominal, chosen."""
        return UNCERTAINTY_A

    async def _set(self, header: str, value: float, resolution: float, unit: str) -> float:
        await self.session.command(f"{header} {value:.10g}")
        taken = quantity(await self.session.query(f"{header}?"), unit)
        compare(f"{self.session.name} {header}", value, taken, resolution, unit)
        return taken

    async def _take_lock(self) -> None:
        await self.session.command("SYST:LOCK ON")
        owner = await self.session.query("SYST:LOCK:OWN?")
        if owner.strip().upper() != "REMOTE":
            raise CommandRefused(f"{self.session.name} gave no remote lock: owner is {owner!r}")

    async def _require_envelope(self) -> None:
        name = self.session.name
        if self._ovp_v is None or self._ocp_a is None:
            raise NoEnvelope(f"{name}: OVP and OCP must be set in this session before OUTP ON")
        if self._ovp_v >= HIGHEST_OVP_V or self._ocp_a >= HIGHEST_OCP_A:
            raise NoEnvelope(f"{name}: OVP or OCP stands at its maximum, which protects nothing")
        for header, expected, unit in (
            ("VOLT:PROT", self._ovp_v, "V"),
            ("CURR:PROT", self._ocp_a, "A"),
        ):
            found = quantity(await self.session.query(f"{header}?"), unit)
            if found != expected:
                raise NoEnvelope(f"{name} {header} is {found:g} {unit}, was set to {expected:g}")

    def _forget_envelope(self) -> None:
        self._ovp_v = self._ocp_a = None

    def _note_status(self, answer: str) -> None:
        bits = integer(answer)
        standing = frozenset(trip for bit, trip in ALARMS.items() if bits & bit)
        if not standing <= self._seen:
            self._seen |= standing
