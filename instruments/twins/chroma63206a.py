"""Twin of the Chroma 63206A-150-600 (150 V, 600 A, 6 kW), one electronic load.

The mode names a quantity and a range (``CCH``); each quantity keeps its own levels L1 and L2, of
which L1 is drawn; mode CCD alternates between two levels of its own.
Ranges of current, their resolution and slew: the 63200A series' data sheet as public drivers of it
have them. Thresholds, status bits and what a short draws: the manual of the 6310 series. Ranges of
power and resistance: chosen, see ``drivers/chroma63206a.py``.
Not modelled: programs, sine, battery and LED modes, go/no-go tests, parallel operation.
"""

import math
import random
from collections.abc import Callable, Mapping

from instruments.protocols import LoadMode, Trip
from instruments.scpi import (
    Boolean,
    Choice,
    Command,
    Device,
    Dialect,
    Number,
    Register,
    ScpiError,
    setting,
    status_group,
)
from instruments.twins.chroma63206a_menu import Menu
from instruments.twins.chroma63206a_tables import (
    MAXIMUM_A,
    MAXIMUM_OHM,
    MAXIMUM_V,
    MAXIMUM_W,
    MODES,
    RANGES,
    clamp,
    number,
)
from instruments.twins.dynamics import Dynamics
from instruments.twins.electrical import Port
from instruments.twins.stage import Guard, LoadStage, Ratings
from instruments.twins.stage_load import LOOP_S
from instruments.twins.stage_parts import to_step
from instruments.twins.twin import Readout, Twin

# The 6310 series trips at 102 % of its voltage and current and at 104 % of its power.
OVER_V, OVER_A, OVER_W = 1.02 * MAXIMUM_V, 1.02 * MAXIMUM_A, 1.04 * MAXIMUM_W
CEILING_A = 1.1 * MAXIMUM_A  # chosen: what it can draw at all, above its threshold
REVERSE_V = -1.0  # chosen
PROTECTION_BITS: Mapping[Trip, int] = {
    Trip.OVER_CURRENT: 1 << 0,
    Trip.OVER_VOLTAGE: 1 << 1,
    Trip.OVER_POWER: 1 << 2,
    Trip.REVERSE_VOLTAGE: 1 << 3,
    Trip.OVER_TEMPERATURE: 1 << 4,
}
RATINGS = Ratings(voltage_v=MAXIMUM_V, current_a=MAXIMUM_A, power_w=MAXIMUM_W)


class Chroma63206ATwin(Twin):
    """The load's SCPI in front of one power stage."""

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float = 0.005,  # Chosen: an embedded Ethernet stack's few milliseconds.
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        # Half of the driver's claim for what calibration leaves, chosen like the noise.
        volts = Readout(dice, offset_max=0.015, noise=0.001, decimals=4)
        amperes = Readout(dice, offset_max=0.1, noise=0.01, decimals=4)
        self.stage = LoadStage(RATINGS, now_us=now_us, volts=volts, amperes=amperes)
        self.demand = self.stage.demand
        self.dynamics = Dynamics(self.stage, now_us=now_us)
        self.supervised = self.dynamics
        self.stage.guards.update(
            {
                Trip.OVER_VOLTAGE: Guard(level=OVER_V, while_off=True),
                Trip.REVERSE_VOLTAGE: Guard(level=REVERSE_V, while_off=True),
                Trip.OVER_CURRENT: Guard(level=OVER_A, delay_s=LOOP_S),
                Trip.OVER_POWER: Guard(level=OVER_W, delay_s=LOOP_S),
            }
        )
        self._menu = Menu(self.stage)
        self._mode = "CCL"
        self._current_limit_a = MAXIMUM_A
        self._channel = Register()
        self._levels: dict[str, float] = {}
        self._slews: dict[str, float] = {}
        self._initialise()
        self.device = Device(
            [
                *self._sets(),
                *self._dynamic(),
                *self._states(),
                *self._measurements(),
                *self._menu.commands(),
            ],
            identity=self.who,
            reset=self._reset,
            dialect=Dialect(),
        )
        self.device.status.others.append(self._channel)
        self.stage.on_change = self._refresh_status

    def connect(self, port: Port) -> None:
        """Wire the terminals into a circuit."""
        self.stage.connect(port)

    def identity(self) -> str:
        """Four fields, without spaces."""
        return f"CHROMA,63206A-150-600,{self.serial},1.50"

    @property
    def trips(self) -> set[Trip]:
        """Protections that have tripped."""
        return self.stage.trips

    def _refresh_status(self) -> None:
        protection = self._protection()
        self.device.status.questionable.update(protection)
        self._channel.update(protection)

    def _protection(self) -> int:
        return sum(PROTECTION_BITS.get(trip, 0) for trip in self.stage.trips)

    # Levels.

    @property
    def _span(self) -> str:
        return self._mode[-1]

    def _initialise(self) -> None:
        self._levels = {
            f"{kind}:{level}": {"VOLT": MAXIMUM_V, "RES": MAXIMUM_OHM}.get(kind, 0.0)
            for kind in ("CURR", "VOLT", "POW", "RES", "DYN")
            for level in ("L1", "L2")
        }
        high = RANGES["H"]
        self._slews = {
            f"{kind}:{edge}": high.slew_a_per_us_max
            for kind in ("STAT", "DYN", "POW", "RES")
            for edge in ("RISE", "FALL")
        }

    def _sets(self) -> list[Command]:
        stage = self.stage
        kinds = (
            ("CURRent:STATic", "CURR", "A", 0.0, MAXIMUM_A),
            ("VOLTage[:STATic]", "VOLT", "V", 0.0, MAXIMUM_V),
            ("POWer[:STATic]", "POW", "W", 0.0, MAXIMUM_W),
            ("RESistance[:STATic]", "RES", "OHM", 0.001, MAXIMUM_OHM),
            ("CURRent:DYNamic", "DYN", "A", 0.0, MAXIMUM_A),
        )
        commands = [
            Command("MODE", set=self._choose, params=(Choice(of=MODES),), query=lambda: self._mode),
            setting(
                "VOLTage[:STATic]:ILIMit",
                Number(unit="A", low=0.0, high=MAXIMUM_A, default=MAXIMUM_A),
                self._limit_current,
                lambda: self._current_limit_a,
                number,
            ),
            Command("LOAD:PROTection[:STATus]", query=lambda: str(self._protection())),
            Command("FETCh:STATus", query=lambda: str(self._protection())),
            Command(
                "LOAD:PROTection:CLEar",
                set=lambda: self._clear(stage),
                query=lambda: str(self._protection()),
            ),
        ]
        for header, kind, unit, low, high in kinds:
            for level in ("L1", "L2"):
                commands.append(
                    self._level(
                        f"{header}:{level}", kind, level, Number(unit=unit, low=low, high=high)
                    )
                )
        for header, kind in (
            ("CURRent:STATic", "STAT"),
            ("CURRent:DYNamic", "DYN"),
            ("POWer[:STATic]", "POW"),
            ("RESistance[:STATic]", "RES"),
        ):
            commands += [self._slew(f"{header}:{edge}", kind, edge) for edge in ("RISE", "FALL")]
        return commands

    def _level(self, header: str, kind: str, level: str, kind_of_number: Number) -> Command:
        key = f"{kind}:{level}"
        return setting(
            header,
            kind_of_number,
            lambda value: self._set_level(kind, key, value),
            lambda: self._levels[key],
            number,
        )

    def _set_level(self, kind: str, key: str, value: float) -> None:
        span = RANGES[self._span]
        if self._draws(kind) and value > span.end(kind):
            raise ScpiError(-222)
        self._levels[key] = to_step(value, span.current_step_a if span.is_current(kind) else 0.001)
        if self._draws(kind):
            self._apply()

    def _draws(self, kind: str) -> bool:
        return kind == _KINDS[self._mode[:-1]]

    def _slew(self, header: str, kind: str, edge: str) -> Command:
        key = f"{kind}:{edge}"
        low, high = RANGES["L"].slew_a_per_us_min, RANGES["H"].slew_a_per_us_max

        def store(value: float) -> None:
            span = RANGES[self._span]
            if not span.slew_a_per_us_min <= value <= span.slew_a_per_us_max:
                raise ScpiError(-222)
            self._slews[key] = value
            self._apply()

        return setting(
            header,
            Number(unit="A/US", low=low, high=high),
            store,
            lambda: self._slews[key],
            _slew_number,
        )

    def _limit_current(self, value: float) -> None:
        self._current_limit_a = value
        self._apply()

    def _choose(self, mode: str) -> None:
        self._mode = mode
        span = RANGES[self._span]
        kind = _KINDS[mode[:-1]]
        for level in ("L1", "L2"):
            key = f"{kind}:{level}"
            self._levels[key] = min(self._levels[key], span.end(kind))
        for key, value in self._slews.items():
            self._slews[key] = clamp(value, span.slew_a_per_us_min, span.slew_a_per_us_max)
        self._apply()

    def _apply(self) -> None:
        """Bring mode, levels, limits and slew to the power stage."""
        stage, kind = self.stage, _KINDS[self._mode[:-1]]
        slews = "DYN" if kind == "DYN" else "STAT"
        stage.set_slew(
            a_per_s_up=1e6 * self._slews[f"{slews}:RISE"],
            a_per_s_down=1e6 * self._slews[f"{slews}:FALL"],
        )
        mode = LoadMode.CC if kind == "DYN" else LoadMode(self._mode[:2])
        # A short draws what the range is rated for, and 110 % of it for 30 ms, which is left out.
        # Otherwise protections shall see what is too much.
        limit_a = CEILING_A
        if stage.shorted:
            limit_a = RANGES[self._span].end("CURR")
        elif mode is LoadMode.CV:
            limit_a = self._current_limit_a
        self.dynamics.levels = (self._levels["DYN:L1"], self._levels["DYN:L2"])
        self.dynamics.active = kind == "DYN"
        level = self.dynamics.level() if kind == "DYN" else self._levels[f"{kind}:L1"]
        stage.program(mode=mode, level=level, current_limit_a=limit_a)

    # Dynamic load.

    def _dynamic(self) -> list[Command]:
        dynamics = self.dynamics

        def times(index: int) -> Command:
            def store(seconds: float) -> None:
                kept = list(dynamics.times_s)
                kept[index] = seconds
                dynamics.times_s = (kept[0], kept[1])

            return setting(
                f"CURRent:DYNamic:T{index + 1}",
                # 10 us to 99.99 s by the data sheet.
                Number(unit="S", low=1e-5, high=99.999999, default=0.001),
                store,
                lambda: dynamics.times_s[index],
                lambda value: f"{value:.6f}",
            )

        def repeat(count: float) -> None:
            dynamics.repeats = round(count)

        return [
            times(0),
            times(1),
            setting(
                "CURRent:DYNamic:REPeat",
                Number(low=0, high=65_535, default=0),
                repeat,
                lambda: float(dynamics.repeats),
                lambda value: f"{value:.0f}",
            ),
        ]

    # States.

    def _states(self) -> list[Command]:
        stage = self.stage
        return [
            Command(
                "LOAD[:STATe]",
                set=self._switch,
                params=(Boolean(),),
                query=lambda: "ON" if stage.on else "OFF",
            ),
            *status_group("STATus:CHANnel", self._channel),
            Command("RUN", set=lambda: self._switch(True)),
            Command("ABORt", set=lambda: self._switch(False)),
            Command(
                "LOAD:SHORt[:STATe]",
                set=self._short,
                params=(Boolean(),),
                query=lambda: "1" if stage.shorted else "0",
            ),
        ]

    def _measurements(self) -> list[Command]:
        measure = self.stage.measure
        return [
            command
            for root in ("MEASure", "FETCh")
            for command in (
                Command(f"{root}:VOLTage", query=lambda: number(measure()[0])),
                Command(f"{root}:CURRent", query=lambda: number(measure()[1])),
                Command(f"{root}:POWer", query=lambda: number(measure()[2])),
            )
        ]

    def _switch(self, on: bool) -> None:
        if on and self.stage.trips:
            raise ScpiError(-221)
        if on != self.stage.on:
            self.dynamics.restart()
        self.stage.switch(on)
        self._apply()

    def _short(self, on: bool) -> None:
        if on and self.stage.trips:
            raise ScpiError(-221)
        # The limit stands before the short does.
        if on:
            self.stage.program(current_limit_a=RANGES[self._span].end("CURR"))
        self.stage.short(on)
        self._apply()

    def _clear(self, stage: LoadStage) -> None:
        stage.clear_trips()

    def _reset(self) -> None:
        self.stage.switch(False)
        self._mode = "CCL"
        self._current_limit_a = MAXIMUM_A
        self._initialise()
        self._menu.reset()
        self.dynamics.reset()
        self.stage.clear_trips()
        self._apply()


_KINDS: Mapping[str, str] = {
    "CC": "CURR",
    "CV": "VOLT",
    "CP": "POW",
    "CR": "RES",
    "CCD": "DYN",
}


def _slew_number(value: float) -> str:
    return f"{value:.6f}" if math.isfinite(value) else "0"
