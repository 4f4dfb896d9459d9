"""Driver of one channel of the Rigol DP832: bench supply, 30 V/3 A, 30 V/3 A, 5 V/3 A.

Firmware known: 00.01.16 (answers in public logs); none driven by us.
Facts and where they are from: the maker's DP800 programming guide (December 2015), public logs.
- Raw SCPI on TCP port 5555. Channels are ``CHn`` parameters or ``SOURn`` nodes; this driver always
  names its channel, so that the one chosen on the panel does not matter.
- Settable to 32 V/3.2 A (CH3: 5.3 V); protections to 33 V/3.3 A (CH3: 5.5 V). They are off as
  delivered: a threshold alone protects nothing, so set_ovp and set_ocp switch it on as well.
- Power is spelled ``POWE``; states are ON and OFF, trips YES and NO.
- ``SYST:LOCAL`` gives the panel back and leaves outputs as they are. There is no remote lock: any
  command takes the panel again.
- A command takes up to 118 ms (data sheet): after what moves the output the driver waits 0.1 s.
Not on this model: power limit, OPP, slew, watchdog.
Resolution 10 mV (1 mV with the option for more digits) and 1 mA. Uncertainty 0.05 % + 10 mV and
0.15 % + 5 mA, the data sheet's read-back of 25 +- 5 degC.
Unverified: the ranges of the protections, the time of a command, the uncertainty; whether a
tripped channel must be cleared before it goes on; over-temperature, which a model with several
channels reports only as an event that reading forgets: not read here.
"""

from instruments.drivers.answers import quantity, state
from instruments.drivers.driver import ScpiDriver, try_each
from instruments.drivers.setpoints import Protections, Setpoint
from instruments.protocols import (
    AnswerGarbled,
    CommandRefused,
    Identity,
    NoEnvelope,
    NotOnThisModel,
    Regulation,
    SetpointNotTaken,
    SupplyLimits,
    SupplyReading,
    Trip,
)
from instruments.session import Session

SETTLING_S = 0.1
RATED_V = {1: 30.0, 2: 30.0, 3: 5.0}
SETTABLE_V = {1: 32.0, 2: 32.0, 3: 5.3}
OVP_V = {1: 33.0, 2: 33.0, 3: 5.5}
_REGULATIONS = {"CV": Regulation.CV, "CC": Regulation.CC, "UR": Regulation.UNREGULATED}
_PROTECTIONS = {"OVP": Trip.OVER_VOLTAGE, "OCP": Trip.OVER_CURRENT}


class Dp832(ScpiDriver):
    """One of the three channels; several drivers may share one session."""

    models = ("DP832", "DP832A")
    limits = SupplyLimits(voltage_v_max=32.0, current_a_max=3.2, power_w_max=102.4)

    def __init__(self, session: Session, *, channel: int = 1) -> None:
        """``channel``: 1 to 3."""
        if channel not in RATED_V:
            raise ValueError(f"{session.name} has channels 1 to 3, not {channel}")
        super().__init__(session)
        self.channel = channel
        highest_v = SETTABLE_V[channel]
        self.limits = SupplyLimits(
            voltage_v_max=highest_v, current_a_max=3.2, power_w_max=highest_v * 3.2
        )
        node = f"SOUR{channel}"
        self._voltage = Setpoint(header=f"{node}:VOLT", unit="V", high=highest_v, resolution=0.01)
        self._current = Setpoint(header=f"{node}:CURR", unit="A", high=3.2, resolution=0.001)
        self._ovp = Setpoint(
            header=f"{node}:VOLT:PROT", unit="V", low=0.01, high=OVP_V[channel], resolution=0.01
        )
        self._ocp = Setpoint(
            header=f"{node}:CURR:PROT", unit="A", low=0.001, high=3.3, resolution=0.001
        )
        self._protections = Protections(self._ovp, self._ocp)

    async def open(self, *, serial: str | None = None) -> Identity:
        """Check the identity and take the panel; the output stays as it is."""
        self._protections.forget()
        identity = await super().open(serial=serial)
        await self.session.clear()
        await self.remote()
        return identity

    async def reset(self) -> None:
        """Bring it to its power-on settings, all three channels."""
        self._protections.forget()
        await super().reset()

    async def remote(self) -> None:
        """Take control from the front panel."""
        await self.session.command("SYST:REM")

    async def local(self) -> None:
        """Give the front panel back; the output stays as it is."""
        await self.session.command("SYST:LOC")

    async def set_voltage(self, voltage_v: float) -> None:
        """Set the output voltage, read it back, and let it settle."""
        await self._voltage.set(self.session, voltage_v)
        await self.session.sleep(SETTLING_S)

    async def set_current_limit(self, current_a: float) -> None:
        """Set the current limit, read it back, and let it settle."""
        await self._current.set(self.session, current_a)
        await self.session.sleep(SETTLING_S)

    async def set_power_limit(self, power_w: float) -> None:
        """Raises NotOnThisModel."""
        raise self._missing("power limit")

    async def voltage_setpoint(self) -> float:
        """The voltage that is set, asked from the instrument, V."""
        return await self._voltage.get(self.session)

    async def current_limit(self) -> float:
        """The current limit that is set, asked from the instrument, A."""
        return await self._current.get(self.session)

    async def set_ovp(self, voltage_v: float) -> None:
        """Set the over-voltage protection, switch it on, and read both back."""
        await self._protections.set(self.session, self._ovp, voltage_v)
        await self._arm(self._ovp)

    async def set_ocp(self, current_a: float) -> None:
        """Set the over-current protection, switch it on, and read both back."""
        await self._protections.set(self.session, self._ocp, current_a)
        await self._arm(self._ocp)

    async def _arm(self, protection: Setpoint) -> None:
        await self.session.command(f"{protection.header}:STAT ON")
        if not await self._is_armed(protection):
            raise SetpointNotTaken(f"{self.session.name} {protection.header}:STAT is still OFF")

    async def _is_armed(self, protection: Setpoint) -> bool:
        return state(await self.session.query(f"{protection.header}:STAT?"))

    async def set_opp(self, power_w: float) -> None:
        """Raises NotOnThisModel."""
        raise self._missing("over-power protection")

    async def set_slew(self, v_per_s: float, a_per_s: float) -> None:
        """Raises NotOnThisModel."""
        raise self._missing("slew")

    async def set_watchdog(self, seconds: float | None) -> None:
        """Raises NotOnThisModel."""
        raise self._missing("watchdog")

    async def feed_watchdog(self) -> None:
        """Raises NotOnThisModel."""
        raise self._missing("watchdog")

    async def output_on(self) -> None:
        """Switch on, inside an envelope that was set in this session and still stands."""
        await self._protections.require(self.session)
        for protection in (self._ovp, self._ocp):
            if not await self._is_armed(protection):
                raise NoEnvelope(f"{self.session.name} {protection.header}:STAT was switched off")
        await self.session.command(f"OUTP CH{self.channel},ON")
        await self.session.sleep(SETTLING_S)
        if not await self.output_is_on():
            trips = ", ".join(sorted(await self.tripped())) or "no protection"
            raise CommandRefused(f"{self.session.name} is still off after OUTP ON: {trips}")

    async def output_off(self) -> None:
        """Switch off and see that it is."""
        await self.session.command(f"OUTP CH{self.channel},OFF")
        if await self.output_is_on():
            raise SetpointNotTaken(f"{self.session.name} is still on after OUTP OFF")

    async def output_is_on(self) -> bool:
        """Whether the output is on."""
        return state(await self.session.query(f"OUTP? CH{self.channel}"))

    async def measure(self) -> SupplyReading:
        """Measure voltage, current and power in one query."""
        answer = await self.session.query(f"MEAS:ALL? CH{self.channel}")
        parts = answer.split(",")
        if len(parts) != 3:
            raise AnswerGarbled(f"{self.session.name} answered {answer!r}, expected three values")
        return SupplyReading(
            voltage_v=quantity(parts[0], "V"),
            current_a=quantity(parts[1], "A"),
            power_w=quantity(parts[2], "W"),
            time_us=self.session.asked_us,
        )

    async def regulation(self) -> Regulation:
        """What it holds constant now."""
        if not await self.output_is_on():
            return Regulation.OFF
        answer = await self.session.query(f"OUTP:MODE? CH{self.channel}")
        try:
            return _REGULATIONS[answer.strip().upper()]
        except KeyError:
            raise AnswerGarbled(
                f"{self.session.name} answered {answer!r}, expected CV, CC or UR"
            ) from None

    async def tripped(self) -> frozenset[Trip]:
        """Protections that have tripped; they latch in the supply until cleared."""
        standing = set()
        for node, trip in _PROTECTIONS.items():
            answer = await self.session.query(f"OUTP:{node}:QUES? CH{self.channel}")
            if answer.strip().upper() not in {"YES", "NO"}:
                raise AnswerGarbled(f"{self.session.name} answered {answer!r}, expected YES or NO")
            if answer.strip().upper() == "YES":
                standing.add(trip)
        return frozenset(standing)

    async def clear_trip(self) -> None:
        """Switch off, acknowledge, and see that no protection stands any more."""
        await self.output_off()
        for node in _PROTECTIONS:
            await self.session.command(f"OUTP:{node}:CLEAR CH{self.channel}")
        if standing := await self.tripped():
            raise CommandRefused(f"{self.session.name}: {', '.join(sorted(standing))} persists")

    async def safe_state(self) -> None:
        """Current to 0, output off; both are tried."""
        await try_each(self._no_current, self.output_off)

    async def _no_current(self) -> None:
        # No time to settle here: the output goes off next.
        await self._current.set(self.session, 0.0)

    def voltage_uncertainty_v(self, voltage_v: float) -> float:
        """Expanded uncertainty (k=2): 0.05 % + 10 mV."""
        return 0.0005 * abs(voltage_v) + 0.01

    def current_uncertainty_a(self, current_a: float) -> float:
        """Expanded uncertainty (k=2): 0.15 % + 5 mA."""
        return 0.0015 * abs(current_a) + 0.005

    def _missing(self, what: str) -> NotOnThisModel:
        return NotOnThisModel(f"{self.session.name}: a DP832 has no {what}")
