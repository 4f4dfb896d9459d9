"""Event supervision of the PSB 10080-1000: detections OVD to OPD, each with its action.

Under-voltage detection with the action ALARM switches off, as a protection does. The other
detections and actions are kept and answered, and change nothing here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from instruments.scpi import Choice, Command, Number, setting
from instruments.twins.psb10000_tables import (
    NOMINAL_A,
    NOMINAL_V,
    NOMINAL_W,
    show_a,
    show_v,
    show_w,
)
from instruments.twins.stage import Guard

ACTIONS = ("NONE", "SIGNAL", "WARNING", "ALARM")


@dataclass(frozen=True, slots=True)
class _Detection:
    header: str
    unit: str
    nominal: float
    over: bool
    show: Callable[[float], str]


DETECTIONS = (
    _Detection("SYSTem:CONFig:OVD", "V", NOMINAL_V, True, show_v),
    _Detection("SYSTem:CONFig:UVD", "V", NOMINAL_V, False, show_v),
    *(
        detection
        for root in ("SYSTem:CONFig", "SYSTem:SINK:CONFig")
        for detection in (
            _Detection(f"{root}:OCD", "A", NOMINAL_A, True, show_a),
            _Detection(f"{root}:UCD", "A", NOMINAL_A, False, show_a),
            _Detection(f"{root}:OPD", "W", NOMINAL_W, True, show_w),
        )
    ),
)
_UVD = "SYSTem:CONFig:UVD"


class Events:
    """Thresholds and actions of all detections."""

    def __init__(self, require_remote: Callable[[], None], under_voltage: Guard) -> None:
        """``under_voltage`` is the power stage's guard that UVD is given to."""
        self._require_remote = require_remote
        self._under_voltage = under_voltage
        self._levels = {d.header: 1.1 * d.nominal if d.over else 0.0 for d in DETECTIONS}
        self._actions = {d.header: "NONE" for d in DETECTIONS}
        self._apply()

    def commands(self) -> list[Command]:
        """The detections as commands."""
        return [command for d in DETECTIONS for command in (self._level(d), self._action(d.header))]

    def _level(self, d: _Detection) -> Command:
        def store(level: float) -> None:
            self._require_remote()
            self._levels[d.header] = level
            self._apply()

        number = Number(unit=d.unit, low=0.0, high=1.1 * d.nominal)
        return setting(d.header, number, store, lambda: self._levels[d.header], d.show)

    def _action(self, header: str) -> Command:
        def store(action: str) -> None:
            self._require_remote()
            self._actions[header] = action
            self._apply()

        return Command(
            f"{header}:ACTion",
            set=store,
            params=(Choice(of=ACTIONS),),
            query=lambda: self._actions[header],
        )

    def _apply(self) -> None:
        self._under_voltage.level = self._levels[_UVD]
        self._under_voltage.enabled = self._actions[_UVD] == "ALARM"
