"""The programmable relay."""

from bms.data import limit
from bms.firmware import Firmware, Room
from bms.status import RelayStatus, State, View


class Relay(Room):
    """Does what its function says; the functions have names in the settings."""

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._warn_pct = limit("relay.warning.soc")
        self._clear_pct = limit("relay.warning.soc_clear")
        self._high_c = limit("temperature.discharge.high")
        self._high_c -= limit("relay.warning.below_high_temperature")
        self._low_c = limit("temperature.discharge.low")
        self._low_c += limit("relay.warning.above_low_temperature")
        self._low_soc = False

    def step(self, now_us: int, view: View) -> RelayStatus:
        """Whether the relay is closed."""
        code = view.settings.values["relay_function"]
        function = view.settings.choices["relay_function"].get(code)
        if function != "discharge not allowed warning":
            return RelayStatus()
        # Normally closed: it opens to warn, so a broken wire warns as well (v1.14-09).
        warned = self._warned(view)
        return RelayStatus(closed=not warned, warned=warned)

    def _warned(self, view: View) -> bool:
        state, temperatures = view.start_stop.state, view.temperatures
        soc_pct = view.soc.soc_pct
        self._low_soc = soc_pct <= (self._clear_pct if self._low_soc else self._warn_pct)
        return (
            state in {State.SHUTTING_DOWN, State.ERROR, State.STANDBY}
            or view.fail_safe.active
            or self._low_soc
            or view.protection.almost_discharged
            or temperatures.highest_c >= self._high_c
            or temperatures.lowest_c <= self._low_c
        )
