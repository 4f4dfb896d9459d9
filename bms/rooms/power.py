"""Power: what the master takes for itself."""

from bms.codes import State
from bms.firmware import Room, Slot
from bms.status import PowerStatus, View

RUNNING_A = 0.15  # chosen: 4 W at 26 V


class Power(Room):
    """In the shutdown state only what waits for the button, the bus and a charger is supplied."""

    shutdown_a = Slot(0.0070)

    def step(self, now_us: int, view: View) -> PowerStatus:
        """The current of the state."""
        off = view.start_stop.state is State.STANDBY
        return PowerStatus(supply_current_a=self.shutdown_a if off else RUNNING_A)
