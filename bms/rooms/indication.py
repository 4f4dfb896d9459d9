"""LEDs and buzzer. The patterns are the project's own: the maker's are not public."""

from collections.abc import Callable

from bms.codes import Ending, State
from bms.data import limit
from bms.firmware import Firmware, Room, Slot, milliseconds, seconds
from bms.status import IndicationStatus, View

BLINK_US = milliseconds(500)  # chosen: 1 Hz, half on
FLASH_PERIOD_US = seconds(1)  # chosen
BEEPS, BEEP_US = 3, milliseconds(100)  # three is stated, how long they are is chosen
SHORT_US, HALF_US, LONG_US = milliseconds(100), milliseconds(500), milliseconds(900)  # chosen

# For how long of a flash's period the green LED is on while the system is off; None: it is dark.
Flashes = Callable[[View, float], int | None]
Updating = Callable[[bool], IndicationStatus]


def of_a_combined_system(view: View, same_v: float) -> int | None:
    """Short: in service, as the button stopped it. Long: ready, the output is at our voltage.

    Half: it waits for a command. ``same_v``: so far apart are voltages that are the same.
    """
    if not view.settings.values.get("combined", 0):
        return None
    if view.start_stop.ended_by is Ending.BUTTON:
        return SHORT_US
    apart_v = abs(view.inputs.system_voltage_v - view.inputs.battery_voltage_v)
    return LONG_US if apart_v <= same_v else HALF_US


def one_after_the_other(first_half: bool) -> IndicationStatus:
    """Green, then red, never both, while a battery is updated (v1.12-04)."""
    return IndicationStatus(green=first_half, red=not first_half)


class Indication(Room):
    """Green: running, blinking while it starts or stops. Red: an error."""

    flashes = Slot[Flashes](of_a_combined_system)
    updating = Slot[Updating](one_after_the_other)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._same_v = limit("combined.same_voltage")
        self._flashing = False
        self._acknowledged_us = -1
        self._begun_us: int | None = None  # to acknowledge presses of the button

    def waits(self) -> bool:
        """While it flashes though the system is off, or acknowledges."""
        return self._flashing or self._begun_us is not None

    def step(self, now_us: int, view: View) -> IndicationStatus:
        """The LEDs of this instant, and the buzzer."""
        if view.bluetooth.acknowledged_us != self._acknowledged_us:
            self._acknowledged_us, self._begun_us = view.bluetooth.acknowledged_us, now_us
        if self._begun_us is not None:
            beep, rest = divmod(now_us - self._begun_us, 2 * BEEP_US)
            if beep < BEEPS:
                return IndicationStatus(green=rest < BEEP_US, buzzer=rest < BEEP_US)
            self._begun_us = None
        return self._lamps(now_us, view)

    def _lamps(self, now_us: int, view: View) -> IndicationStatus:
        state = view.start_stop.state
        self._flashing = False
        if state is State.ERROR:
            return IndicationStatus(red=True)
        if state is State.STANDBY:
            on_us = self.flashes(view, self._same_v)
            self._flashing = on_us is not None
            on = on_us is not None and now_us % FLASH_PERIOD_US < on_us
            return IndicationStatus(green=on, flashes=self._flashing)
        if state is State.UPDATING_BATTERY:
            return self.updating((now_us - view.start_stop.since_us) // BLINK_US % 2 == 0)
        blink = (now_us - view.start_stop.since_us) // BLINK_US % 2 == 0
        return IndicationStatus(green=blink or state is State.RUNNING)
