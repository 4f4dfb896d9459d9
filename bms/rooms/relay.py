"""The programmable relay."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bms.codes import Reason, State
from bms.data import limit, settings
from bms.firmware import Firmware, Room, TableSlot
from bms.status import RelayStatus, View

Fact = Callable[[View], bool]

# Public: Master LV user guide, the inputs of 'Warning', as far as there are such warnings here.
WARNINGS: Mapping[str, Fact] = MappingProxyType(
    {
        "over-current": lambda view: view.protection.overload,
        "over-voltage": lambda view: view.protection.over_voltage,
        "under-voltage": lambda view: view.protection.under_voltage,
        "temperature": lambda view: view.permissions.discharge_reason is Reason.TEMPERATURE,
        "private CAN bus": lambda view: view.protection.silence_warning,
        "cell voltage deviation": lambda view: view.warnings.cell_voltage_deviation,
        "cell temperature deviation": lambda view: view.warnings.cell_temperature_deviation,
        "service requested": lambda view: view.warnings.service,
        "system voltage outside boundaries": lambda view: view.warnings.system_voltage,
        "system measurements invalid": lambda view: view.warnings.measurements_invalid,
        "master over-temperature": lambda view: view.warnings.hot_inside,
        "battery leakage": lambda view: view.warnings.leakage,
        "battery humidity": lambda view: view.warnings.humidity,
    }
)


class Relay(Room):
    """Does what its function says; the functions have names in the settings."""

    warnings = TableSlot[str, Fact](WARNINGS)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._warn_pct = limit("relay.warning.soc")
        self._clear_pct = limit("relay.warning.soc_clear")
        self._high_c = limit("temperature.discharge.high")
        self._high_c -= limit("relay.warning.below_high_temperature")
        self._low_c = limit("temperature.discharge.low")
        self._low_c += limit("relay.warning.above_low_temperature")
        self._low_soc = False
        self._active, self._name = False, ""
        self._driven = False  # while no function does
        self._functions: Mapping[str, Fact] = {
            # Normally closed: it opens to warn, so a broken wire warns as well (v1.14-09).
            "discharge not allowed warning": lambda view: not self._warned(view),
            "system activated": lambda view: view.start_stop.state is State.RUNNING,
            "warning": lambda view: any(fact(view) for fact in self.warnings.values()),
            "fail safe": lambda view: view.fail_safe.active,
            "current": self._by_current,
            "battery temperature": self._by_temperature,
            "battery cell voltage": self._by_cell_voltage,
            "state of charge": self._by_soc,
            "external pre-charge": lambda view: view.precharge.active,
        }

    def step(self, now_us: int, view: View) -> RelayStatus:
        """Whether the relay is closed."""
        code = view.settings.values.get("relay_function", 0)
        name = view.settings.choices.get("relay_function", {}).get(code, "")
        if name != self._name:
            self._name, self._active, self._driven = name, False, False
        function = self._functions.get(name)
        if function is None:
            if view.ve_can.relay is not None:
                self._driven = view.ve_can.relay == 1
            return RelayStatus(closed=self._driven, free=True)
        self._active = function(view)
        return RelayStatus(closed=self._active)

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

    def _by_current(self, view: View) -> bool:
        current_a = view.inputs.current_a
        return self._switch(view, "current", "a", (current_a, current_a))

    def _by_temperature(self, view: View) -> bool:
        temperatures = view.temperatures
        return self._switch(
            view, "temperature", "c", (temperatures.lowest_c, temperatures.highest_c)
        )

    def _by_cell_voltage(self, view: View) -> bool:
        protection = view.protection
        extremes_v = protection.lowest_cell_v, protection.highest_cell_v
        return self._switch(view, "cell_voltage", "v", extremes_v)

    def _by_soc(self, view: View) -> bool:
        return self._switch(view, "soc", "pct", (view.soc.soc_pct, view.soc.soc_pct))

    def _switch(self, view: View, what: str, unit: str, extremes: tuple[float, float]) -> bool:
        """Between its two set points it stays as it is; NaN opens it.

        Where 'on' is the upper of the two the highest reading counts, else the lowest.
        """
        lowest, highest = extremes
        on, off = (_set_point(view, f"relay_{what}_{side}_{unit}") for side in ("on", "off"))
        value, sign = (highest, 1.0) if on >= off else (lowest, -1.0)
        return sign * value > sign * off if self._active else sign * value >= sign * on


def _set_point(view: View, name: str) -> float:
    """A setting that is a number, in its unit."""
    return view.settings.values[name] * settings()[name].step
