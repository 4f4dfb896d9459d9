"""What a supply of TDK-Lambda's GENESYS kind does, whatever language it is spoken to in.

Set points bound one another, protections latch, and clearing them brings the output back that
was wanted. Keysight sells the older series as N5700, so that its twin stands on this too.
Source: the makers' manuals (GENESYS 750 W and 2.4 kW chapter 7, G+1U 5 kW chapters 4 and 6, N5700
user's guide chapter 5): voltage at most 95 % of the over-voltage protection, that at least 105 %
of the voltage, the under-voltage limit at most 95 % of it. The standard foldback delay of 0.25 s is
that of public clients.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from instruments.protocols import Regulation, Trip
from instruments.scpi import ScpiError
from instruments.twins.stage import Guard, Ratings, SupplyStage
from instruments.twins.twin import Readout

PV_ABOVE_OVP, PV_BELOW_UVL, OVP_BELOW_PV, UVL_ABOVE_PV, ON_DURING_FAULT = 1, 2, 4, 6, 7
# As the error queue words them; GEN says E and the number, SCPI adds 300.
REFUSALS: Mapping[int, str] = {
    PV_ABOVE_OVP: "PV above OVP",
    PV_BELOW_UVL: "PV below UVL",
    OVP_BELOW_PV: "OVP below PV",
    UVL_ABOVE_PV: "UVL above PV",
    ON_DURING_FAULT: "On during fault",
}
STANDARD_DELAY_S = 0.25
# Below what any set point resolves: a product such as 1.05 x 40 must not refuse itself.
ROUNDING_V = 1e-6


class RefusedByRule(Exception):
    """A value in range that the supply's other settings, or a fault, do not allow."""

    def __init__(self, number: int) -> None:
        super().__init__(REFUSALS[number])
        self.number = number


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a model accepts: over-voltage protection from, to, and under-voltage limit up to."""

    ovp_v_min: float
    ovp_v_max: float
    uvl_v_max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What *SAV keeps."""

    voltage_v: float
    current_a: float
    ovp_v: float
    uvl_v: float
    foldback: Regulation | None
    added_delay_s: float
    auto_start: bool


class TdkSupply:
    """A power stage, and the rules between its settings."""

    def __init__(
        self,
        ratings: Ratings,
        bounds: Bounds,
        *,
        now_us: Callable[[], int],
        volts: Readout,
        amperes: Readout,
    ) -> None:
        self.bounds = bounds
        self.stage = SupplyStage(ratings, now_us=now_us, volts=volts, amperes=amperes)
        self._over = Guard(level=bounds.ovp_v_max)
        self._under = Guard(level=0.0, enabled=False)
        self.stage.guards = {Trip.OVER_VOLTAGE: self._over, Trip.UNDER_VOLTAGE: self._under}
        self.uvl_v = 0.0
        self.auto_start = False
        self.added_delay_s = 0.0
        self._wanted = False
        self._memory: dict[int, Settings] = {}
        self.reset()

    # Set points.

    def set_voltage(self, voltage_v: float) -> None:
        """Program the voltage between the under-voltage limit and the over-voltage protection."""
        if voltage_v > 0.95 * self.ovp_v + ROUNDING_V:
            raise RefusedByRule(PV_ABOVE_OVP)
        if voltage_v < self.uvl_v / 0.95 - ROUNDING_V:
            raise RefusedByRule(PV_BELOW_UVL)
        self.stage.program(voltage_v=voltage_v)

    def set_current(self, current_a: float) -> None:
        """Program the current limit."""
        self.stage.program(current_a=current_a)

    @property
    def ovp_v(self) -> float:
        """The over-voltage protection; it is always active."""
        return self._over.level

    def set_ovp(self, voltage_v: float) -> None:
        """Set the over-voltage protection."""
        if voltage_v < 1.05 * self.stage.voltage_v - ROUNDING_V:
            raise RefusedByRule(OVP_BELOW_PV)
        self._over.level = voltage_v
        self.stage.supervise()

    def set_uvl(self, voltage_v: float) -> None:
        """Set the limit below which no voltage can be programmed; it trips nothing."""
        if voltage_v > 0.95 * self.stage.voltage_v + ROUNDING_V:
            raise RefusedByRule(UVL_ABOVE_PV)
        self.uvl_v = voltage_v

    @property
    def uvp_v(self) -> float:
        """The under-voltage protection, which trips if it is enabled."""
        return self._under.level

    @property
    def uvp_enabled(self) -> bool:
        """Whether the under-voltage protection trips."""
        return self._under.enabled

    def set_uvp(self, voltage_v: float | None = None, *, enabled: bool | None = None) -> None:
        """Set the under-voltage protection's level, or whether it is active."""
        self._under.level = self._under.level if voltage_v is None else voltage_v
        self._under.enabled = self._under.enabled if enabled is None else enabled
        self.stage.supervise()

    def set_foldback(self, regulation: Regulation | None) -> None:
        """Trip when regulating in this mode for the delay; None: never."""
        self.stage.foldback = regulation
        self.stage.supervise()

    def add_delay(self, seconds: float) -> None:
        """Lengthen the standard delay of foldback and under-voltage protection."""
        self.added_delay_s = seconds
        self._under.delay_s = self.stage.foldback_delay_s = STANDARD_DELAY_S + seconds
        self.stage.supervise()

    # Output.

    def switch(self, on: bool) -> None:
        """Switch the output; raises RefusedByRule while a fault is latched."""
        if on and self.stage.trips:
            raise RefusedByRule(ON_DURING_FAULT)
        self._wanted = on
        self.stage.switch(on)

    def clear_protections(self, *, restore: bool) -> None:
        """Unlatch faults whose cause is gone; then, with `restore`, the output is as wanted."""
        if self.stage.clear_trips():
            return
        if restore and self._wanted:
            self.stage.switch(True)
        else:
            self._wanted = self.stage.on

    @property
    def interlock_open(self) -> bool:
        """Whether the rear connector's interlock keeps the output off."""
        return Trip.INTERLOCK in self.stage.causes

    @interlock_open.setter
    def interlock_open(self, is_open: bool) -> None:
        stage = self.stage
        if is_open:
            stage.causes.add(Trip.INTERLOCK)
            stage.supervise()
            return
        # It is a contact, not a latch; what becomes of the output is the power-on mode's.
        stage.causes.discard(Trip.INTERLOCK)
        stage.trips.discard(Trip.INTERLOCK)
        if not stage.trips:
            self.clear_protections(restore=self.auto_start)
        stage.supervise()

    # Everything at once.

    def reset(self) -> None:
        """Bring all to what the manuals list for *RST; faults that can go are gone."""
        stage = self.stage
        self._wanted = False
        stage.switch(False)
        stage.program(voltage_v=0.0, current_a=0.0, power_w=stage.ratings.power_w)
        self._over.level = self.bounds.ovp_v_max
        self.uvl_v = 0.0
        self._under.level, self._under.enabled = 0.0, False
        stage.foldback = None
        self.auto_start = False
        self.add_delay(0.0)
        stage.clear_trips()

    def save(self, place: int) -> None:
        """Keep the settings; the output is none of them."""
        self._memory[place] = Settings(
            voltage_v=self.stage.voltage_v,
            current_a=self.stage.current_a,
            ovp_v=self.ovp_v,
            uvl_v=self.uvl_v,
            foldback=self.stage.foldback,
            added_delay_s=self.added_delay_s,
            auto_start=self.auto_start,
        )

    def recall(self, place: int) -> None:
        """Take kept settings; the output goes off first. A place never used changes nothing."""
        kept = self._memory.get(place)
        if kept is None:
            return
        self.switch(False)
        # Through rest, so that no rule between old and new settings is in the way.
        self.uvl_v = 0.0
        self.stage.program(voltage_v=0.0)
        self.set_ovp(kept.ovp_v)
        self.set_voltage(kept.voltage_v)
        self.set_uvl(kept.uvl_v)
        self.set_current(kept.current_a)
        self.set_foldback(kept.foldback)
        self.add_delay(kept.added_delay_s)
        self.auto_start = kept.auto_start


class Trigger:
    """Set points that wait for a trigger; without having been armed it is ignored."""

    def __init__(self, supply: TdkSupply) -> None:
        self._supply = supply
        self._voltage_v: float | None = None
        self._current_a: float | None = None
        self._armed = False
        self.continuous = False

    @property
    def voltage_v(self) -> float:
        """The voltage that waits, or else the one that is set."""
        return self._supply.stage.voltage_v if self._voltage_v is None else self._voltage_v

    @voltage_v.setter
    def voltage_v(self, voltage_v: float) -> None:
        self._voltage_v = voltage_v

    @property
    def current_a(self) -> float:
        """The current limit that waits, or else the one that is set."""
        return self._supply.stage.current_a if self._current_a is None else self._current_a

    @current_a.setter
    def current_a(self, current_a: float) -> None:
        self._current_a = current_a

    def arm(self) -> None:
        """Be ready for one trigger."""
        self._armed = True

    def abort(self) -> None:
        """Be ready for none."""
        self._armed = self.continuous = False

    def forget(self) -> None:
        """Let nothing wait."""
        self.abort()
        self._voltage_v = self._current_a = None

    def fire(self) -> None:
        """Take what waits."""
        if not (self._armed or self.continuous):
            return
        self._armed = False
        self._supply.set_voltage(self.voltage_v)
        self._supply.set_current(self.current_a)
        self._voltage_v = self._current_a = None


def in_scpi(act: Callable[..., None]) -> Callable[..., None]:
    """A set command whose refusal by rule is queued with a number from 301 on."""

    def handler(*arguments: object) -> None:
        try:
            act(*arguments)
        except RefusedByRule as refusal:
            raise ScpiError(300 + refusal.number, REFUSALS[refusal.number]) from None

    return handler
