"""Driver of the Rigol DL3021: electronic load, 150 V, 40 A, 200 W.

Firmware known: 00.01.05.00.01 (answers in public logs); none driven by us.
Facts and where they are from: the maker's DL3000 programming guide (April 2019), a public read-out
of all settings of a DL3021A, public logs and drivers.
- Raw SCPI on TCP port 5555 (LAN is an option of the DL3021).
- ``FUNC`` is set as CURR, VOLT, POW, RES and answered as CC, CV, CP, CR; it also ends a list or a
  battery test. Switches answer 0 and 1.
- Slew is in A/us, 0.001 to 2.5; battery capacity is in mAh.
- Some units on USB answer ``0`` behind the line feed; VISA's termination character cuts it off.
- A DL3031A was seen to answer the same error to each ``SYST:ERR?`` until ``*CLS``: the guide says
  that reading takes the error away, and so does this driver.
- Ranges must not change while the input is on: this driver takes the high current and voltage
  range, and the resistance range that the level needs, only while it is off.
- VLIM and ILIM are the over-voltage and over-current protection of a mode.
Not on this model: a short (the panel's key can be pressed by SCPI, blindly); a voltage below which
it stops drawing: VON only starts, and its latch has no command. A discharge has a stop voltage:
see prepare_discharge.
Resolution 1 mA, 1 mV, 0.1 W; 0.1 ohm in the high range, 1 mohm in the low: the last two chosen.
Uncertainty 0.05 % + 0.02 % of 150 V and 0.05 % + 0.05 % of 40 A, the data sheet's read-back.
Unverified: the status bits of protections beyond their names and weights in the guide, whether *CLS
clears them, and the readings' rate: about 1 s on a DL3031A, integrated over 200 ms.
"""

from collections.abc import Mapping

from instruments.drivers.answers import integer, quantity, state
from instruments.drivers.driver import ScpiDriver, try_each
from instruments.drivers.setpoints import Setpoint
from instruments.protocols import (
    CommandRefused,
    Identity,
    LoadLimits,
    LoadMode,
    LoadReading,
    NotOnThisModel,
    SetpointNotTaken,
    Trip,
)
from instruments.session import Session

FUNCTIONS: Mapping[LoadMode, str] = {
    LoadMode.CC: "CURR",
    LoadMode.CV: "VOLT",
    LoadMode.CP: "POW",
    LoadMode.CR: "RES",
}
PROTECTIONS: Mapping[int, Trip] = {
    2: Trip.OVER_CURRENT,
    8: Trip.OVER_POWER,
    2048: Trip.REVERSE_VOLTAGE,
    4096: Trip.OVER_VOLTAGE,
}
SHUTDOWN = 8192
_WITH_REASON = 2 | 8
A_PER_S_PER_A_PER_US = 1e6
LOW_RANGE_OHM = 15.0
_LEVELS: Mapping[LoadMode, Setpoint] = {
    LoadMode.CC: Setpoint(header="CURR", unit="A", high=40.0, resolution=0.001),
    LoadMode.CV: Setpoint(header="VOLT", unit="V", high=150.0, resolution=0.001),
    LoadMode.CP: Setpoint(header="POW", unit="W", high=200.0, resolution=0.1),
}
_LOW_OHM = Setpoint(header="RES", unit="ohm", low=0.08, high=15.0, resolution=0.001)
_HIGH_OHM = Setpoint(header="RES", unit="ohm", low=2.0, high=15_000.0, resolution=0.1)
_SLEW = Setpoint(header="CURR:SLEW", unit="A/us", low=0.001, high=2.5, resolution=0.001)
_DISCHARGE = Setpoint(header="BATT", unit="A", high=40.0, resolution=0.001)
_STOP_V = Setpoint(header="BATT:VST", unit="V", high=150.0, resolution=0.001)
_STOP_MAH = Setpoint(header="BATT:CST", unit="mAh", high=1_000_000.0, resolution=1.0)
_STOP_S = Setpoint(header="BATT:TIM", unit="s", high=1_000_000.0, resolution=1.0)


class Dl3021(ScpiDriver):
    """The load in its high ranges of current and voltage."""

    models = ("DL3021", "DL3021A")
    limits = LoadLimits(
        voltage_v_max=150.0, current_a_max=40.0, power_w_max=200.0, resistance_ohm_max=15_000.0
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._mode: LoadMode | None = None
        self._discharges = False
        self._seen: frozenset[Trip] = frozenset()

    async def open(self, *, serial: str | None = None) -> Identity:
        """Check the identity and forget old errors; the input stays as it is."""
        self._forget()
        identity = await super().open(serial=serial)
        await self.session.clear()
        return identity

    async def reset(self) -> None:
        """Bring it to its power-on settings."""
        self._forget()
        await super().reset()

    def _forget(self) -> None:
        self._forget_mode()
        self._seen = frozenset()

    async def set_mode(self, mode: LoadMode) -> None:
        """Switch the input off, then choose what is held constant and read it back."""
        self._forget_mode()
        await self.input_off()
        await self.session.command(f"FUNC {FUNCTIONS[mode]}")
        taken = (await self.session.query("FUNC?")).strip().upper()
        if taken != mode.value:
            raise SetpointNotTaken(f"{self.session.name} FUNC: set {mode}, read back {taken}")
        for node in ("CURR", "VOLT"):
            await self.session.command(f"{node}:RANG MAX")
        self._mode = mode

    async def set_level(self, level: float) -> None:
        """Set the level of the mode chosen in this session and read it back."""
        if self._mode is None:
            raise CommandRefused(f"{self.session.name}: set_mode comes before set_level")
        if self._mode is LoadMode.CR:
            await self._set_resistance(level)
        else:
            await _LEVELS[self._mode].set(self.session, level)

    async def _set_resistance(self, level: float) -> None:
        low = level <= LOW_RANGE_OHM
        wanted = _LOW_OHM if low else _HIGH_OHM
        wanted.permit(self.session, level)
        is_low = quantity(await self.session.query("RES:RANG?")) <= LOW_RANGE_OHM
        if low is not is_low:
            if await self.input_is_on():
                raise CommandRefused(
                    f"{self.session.name}: {level:g} ohm is in the other range, which the input "
                    "must be off for"
                )
            await self.session.command(f"RES:RANG {'MIN' if low else 'MAX'}")
        await wanted.set(self.session, level)

    async def set_slew(self, a_per_s: float) -> None:
        """Set how fast a constant current rises and falls, 1000 to 2 500 000 A/s."""
        await _SLEW.set(self.session, a_per_s / A_PER_S_PER_A_PER_US)

    async def set_uvp(self, voltage_v: float | None) -> None:
        """Raises NotOnThisModel; None is what it has."""
        if voltage_v is not None:
            raise NotOnThisModel(
                f"{self.session.name}: a DL3021 stops below a voltage only while it discharges a "
                "battery, see prepare_discharge"
            )

    async def short(self, on: bool) -> None:
        """Raises NotOnThisModel."""
        raise NotOnThisModel(f"{self.session.name}: a DL3021 has no command for a short")

    async def prepare_discharge(
        self,
        current_a: float,
        *,
        stop_voltage_v: float,
        stop_charge_mah: float | None = None,
        stop_after_s: float | None = None,
    ) -> None:
        """Switch the input off and set a battery discharge; input_on then begins it.

        It ends by itself at the stop voltage, or at the charge or time if given.
        """
        self._forget_mode()
        await self.input_off()
        await self.session.command("FUNC:MODE BATT")
        taken = (await self.session.query("FUNC:MODE?")).strip().upper()
        if taken != "BATT":
            raise SetpointNotTaken(f"{self.session.name} FUNC:MODE: set BATT, read back {taken}")
        await self.session.command("BATT:RANG MAX")
        await _DISCHARGE.set(self.session, current_a)
        for setpoint, leaf, value in (
            (_STOP_V, "VEN", stop_voltage_v),
            (_STOP_MAH, "CEN", stop_charge_mah),
            (_STOP_S, "TEN", stop_after_s),
        ):
            if value is not None:
                await setpoint.set(self.session, value)
            await self._enable(f"BATT:{leaf}", value is not None)
        self._discharges = True

    async def _enable(self, header: str, on: bool) -> None:
        await self.session.command(f"{header} {int(on)}")
        if state(await self.session.query(f"{header}?")) is not on:
            raise SetpointNotTaken(f"{self.session.name} {header} is not {int(on)}")

    async def discharged_mah(self) -> float:
        """Charge taken by the discharge that runs, or ran last, in whole mAh."""
        return quantity(await self.session.query("MEAS:CAP?"))

    def _forget_mode(self) -> None:
        self._mode = None
        self._discharges = False

    async def input_on(self) -> None:
        """Switch the input on, in a mode or with a discharge chosen in this session."""
        if self._mode is None and not self._discharges:
            raise CommandRefused(f"{self.session.name}: set_mode comes before input_on")
        await self.session.command("INP ON")
        if not await self.input_is_on():
            trips = ", ".join(sorted(await self.tripped())) or "no protection"
            raise CommandRefused(f"{self.session.name} is still off after INP ON: {trips}")

    async def input_off(self) -> None:
        """Switch the input off and see that it is."""
        await self.session.command("INP OFF")
        if await self.input_is_on():
            raise SetpointNotTaken(f"{self.session.name} is still on after INP OFF")

    async def input_is_on(self) -> bool:
        """Whether the input is on."""
        return state(await self.session.query("INP?"))

    async def measure(self) -> LoadReading:
        """Measure voltage, current and power, one after another."""
        volts, amperes, watts = await self.session.query_all(
            ("MEAS:VOLT?", "MEAS:CURR?", "MEAS:POW?")
        )
        return LoadReading(
            voltage_v=quantity(volts, "V"),
            current_a=quantity(amperes, "A"),
            power_w=quantity(watts, "W"),
            time_us=self.session.asked_us,
        )

    async def tripped(self) -> frozenset[Trip]:
        """Protections that stand, or were seen since the last clear_trip."""
        answers = await self.session.query_all(("STAT:QUES?", "STAT:QUES:COND?"))
        # Reading the event forgets it in the load: it is kept here.
        self._seen |= _trips(integer(answers[0]) | integer(answers[1]))
        return self._seen

    async def clear_trip(self) -> None:
        """Switch off, acknowledge, and see that no protection stands any more."""
        await self.input_off()
        await self.session.clear()
        self._seen = _trips(integer(await self.session.query("STAT:QUES:COND?")))
        if self._seen:
            raise CommandRefused(f"{self.session.name}: {', '.join(sorted(self._seen))} persists")

    async def safe_state(self) -> None:
        """Input off, constant current 0; both are tried."""
        await try_each(self.input_off, self._no_current)

    async def _no_current(self) -> None:
        await _LEVELS[LoadMode.CC].set(self.session, 0.0)

    def voltage_uncertainty_v(self, voltage_v: float) -> float:
        """Expanded uncertainty (k=2): 0.05 % of reading and 0.02 % of 150 V."""
        return 0.0005 * abs(voltage_v) + 0.03

    def current_uncertainty_a(self, current_a: float) -> float:
        """Expanded uncertainty (k=2): 0.05 % of reading and 0.05 % of 40 A."""
        return 0.0005 * abs(current_a) + 0.02


def _trips(bits: int) -> frozenset[Trip]:
    found = {trip for bit, trip in PROTECTIONS.items() if bits & bit}
    # A shutdown without over-current or over-power leaves heat: it has no bit of its own.
    if bits & SHUTDOWN and not bits & _WITH_REASON:
        found.add(Trip.OVER_TEMPERATURE)
    return frozenset(found)
