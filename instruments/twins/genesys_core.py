"""The GENESYS+ G80-65 behind its languages: who controls it, what it reports, what it shows.

Bits are those of the G+1U 5 kW manual, tables 6-1 and 6-8; both languages report the same two
words.
"""

import random
from collections.abc import Callable, Mapping

from instruments.protocols import Regulation, Trip
from instruments.twins.stage import Ratings
from instruments.twins.tdk_supply import Bounds, TdkSupply
from instruments.twins.twin import Readout

RATINGS = Ratings(
    voltage_v=80.0,
    current_a=65.0,
    power_w=5200.0,
    voltage_step_v=0.001,  # chosen: a setting is read back as it was sent, to the last digit
    current_step_a=0.001,
    power_step_w=0.1,
    settle_s=0.05,  # chosen: a reading through a filter of some tens of hertz
)
BOUNDS = Bounds(ovp_v_min=5.0, ovp_v_max=88.0, uvl_v_max=76.0)

FAULT_BITS: Mapping[Trip, int] = {
    Trip.POWER_FAIL: 1 << 1,
    Trip.OVER_TEMPERATURE: 1 << 2,
    Trip.FOLDBACK: 1 << 3,
    Trip.OVER_VOLTAGE: 1 << 4,
    Trip.INTERLOCK: 1 << 7,
    Trip.UNDER_VOLTAGE: 1 << 9,
    Trip.WATCHDOG: 1 << 15,
}
CV_BIT, CC_BIT, NO_FAULT_BIT, AUTO_BIT, FOLD_BIT = 1 << 0, 1 << 1, 1 << 2, 1 << 4, 1 << 5
LOCAL_BIT, UVP_BIT, ILC_BIT, CC_FOLD_BIT = 1 << 7, 1 << 8, 1 << 9, 1 << 11
CP_ENABLED_BIT, CP_BIT = 1 << 14, 1 << 15
HELD_BITS: Mapping[Regulation, int] = {
    Regulation.CV: CV_BIT,
    Regulation.CC: CC_BIT,
    Regulation.CP: CP_BIT,
}
MODES: Mapping[Regulation, str] = {
    Regulation.OFF: "OFF",
    Regulation.CC: "CC",
    Regulation.CP: "CP",
}
CONTROLS: Mapping[str, str] = {"0": "LOC", "1": "REM", "2": "LLO"}


class Genesys:
    """The supply, and the little that is around it whatever language is spoken."""

    def __init__(
        self, *, serial: str, address: int, dice: random.Random, now_us: Callable[[], int]
    ) -> None:
        self.serial = serial
        self.address = address
        self.control = "REM"
        self.test_date = "2020/01/01"  # chosen
        self.interlock_enabled = True
        self._contact_open = False
        # Half of what the driver gives as uncertainty is left by calibration: chosen.
        self.supply = TdkSupply(
            RATINGS,
            BOUNDS,
            now_us=now_us,
            volts=Readout(dice, offset_max=0.02, noise=0.002, decimals=3),
            amperes=Readout(dice, offset_max=0.03, noise=0.003, decimals=3),
        )
        self.stage = self.supply.stage
        self.stage.watchdog.seconds = 30.0  # chosen

    @property
    def interlock_open(self) -> bool:
        """Whether the interlock contact of the rear connector is open."""
        return self._contact_open

    @interlock_open.setter
    def interlock_open(self, is_open: bool) -> None:
        self._contact_open = is_open
        self.see_interlock()

    def see_interlock(self) -> None:
        """Obey the contact; one that is not enabled is as good as closed."""
        self.supply.interlock_open = self._contact_open and self.interlock_enabled

    def fault_word(self) -> int:
        """The questionable condition."""
        return sum(FAULT_BITS.get(trip, 0) for trip in self.stage.trips)

    def status_word(self) -> int:
        """The operation condition."""
        stage, supply = self.stage, self.supply
        word = HELD_BITS.get(stage.regulation(), 0)
        word |= 0 if stage.trips else NO_FAULT_BIT
        word |= AUTO_BIT * supply.auto_start | LOCAL_BIT * (self.control == "LOC")
        word |= UVP_BIT * supply.uvp_enabled | ILC_BIT * self.interlock_enabled
        word |= FOLD_BIT * (stage.foldback is not None)
        word |= CP_ENABLED_BIT * (stage.power_w < RATINGS.power_w)
        return word | CC_FOLD_BIT * (stage.foldback is Regulation.CC)

    def mode(self) -> str:
        """What is held constant, in the maker's letters."""
        return MODES.get(self.stage.regulation(), "CV")

    def read(self) -> tuple[float, float, float]:
        """Volts, amperes and watts as shown; a meter for one polarity shows nothing below 0."""
        voltage_v, current_a, power_w = self.stage.measure()
        return max(voltage_v, 0.0), max(current_a, 0.0), max(power_w, 0.0)

    def take_remote(self) -> None:
        """Leave local, as any set command makes it do."""
        if self.control == "LOC":
            self.set_control("REM")

    def set_control(self, control: str) -> None:
        """Give control to the front panel (LOC), the interface (REM), or lock the panel (LLO)."""
        self.control = CONTROLS.get(control, control)
        self.stage.supervise()

    def reset(self) -> None:
        """Do what both languages' reset does; a locked panel is unlocked."""
        self.supply.reset()
        self.set_control("REM")
