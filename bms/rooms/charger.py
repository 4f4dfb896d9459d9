"""Charger detection: a voltage that comes up on the user side while the system is off starts it."""

from bms.codes import State
from bms.data import limit
from bms.firmware import Firmware, Room, Slot
from bms.status import ChargerStatus, View

STANDBY_ONLY = frozenset({State.STANDBY})


class Charger(Room):
    """Tells for one step that the user-side voltage has risen past the detection level."""

    watches = Slot[frozenset[State]](STANDBY_ONLY)
    heeds_the_setting = Slot(True)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._from_v = limit("charger.detected")
        self._gone_v = limit("charger.gone")
        self._armed = False  # what is there at power-on has not risen

    def step(self, now_us: int, view: View) -> ChargerStatus:
        """Whether a charger has just come; only where it is watched for, and wanted."""
        voltage_v = view.inputs.system_voltage_v
        risen = self._armed and voltage_v > self._from_v
        if risen or voltage_v < self._gone_v:
            self._armed = not risen
        wanted = view.settings.values["start_on_charger"] or not self.heeds_the_setting
        watched = view.start_stop.state in self.watches
        return ChargerStatus(detected=bool(risen and wanted and watched))
