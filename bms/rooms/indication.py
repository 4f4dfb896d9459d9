"""LEDs and buzzer. The patterns are the project's own: the maker's are not public."""

from bms.firmware import Room, milliseconds
from bms.status import IndicationStatus, State, View

BLINK_US = milliseconds(500)  # chosen: 1 Hz, half on


class Indication(Room):
    """Green: running, blinking while it starts or stops. Red: an error."""

    def step(self, now_us: int, view: View) -> IndicationStatus:
        """The LEDs of this instant."""
        state = view.start_stop.state
        if state is State.ERROR:
            return IndicationStatus(red=True)
        if state is State.STANDBY:
            return IndicationStatus()
        blink = (now_us - view.start_stop.since_us) // BLINK_US % 2 == 0
        return IndicationStatus(green=blink or state is State.RUNNING)
