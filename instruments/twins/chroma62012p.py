"""Twin of the Chroma 62012P-80-60: one output, 80 V, 60 A, 1.2 kW.

Source of each behaviour: the 62000P and 62000H series manuals, chapter 5 (*IDN?, FETCh:STATus?,
grammar), and what public drivers of the model send and expect (number form ``5.000000e+01``, ON and
OFF as answers, limits, slew, inhibit). What is unverified is listed in ``drivers/chroma62012p.py``.
Deviations from the standard: the fields of *IDN? end with firmware and serial number in that order;
nothing but ``FETC:STAT?`` tells of trips and regulation; programs (PROGram) are not modelled.
"""

import math
import random
from collections.abc import Callable, Mapping

from instruments.protocols import Regulation, Trip
from instruments.scpi import Boolean, Choice, Command, Device, Number, ScpiError, setting
from instruments.twins.electrical import Port
from instruments.twins.stage import Guard, Ratings, SupplyStage
from instruments.twins.twin import Readout, Twin

RATINGS = Ratings(
    voltage_v=80.0,
    current_a=60.0,
    power_w=1200.0,
    voltage_step_v=0.001,  # chosen
    current_step_a=0.001,
    power_step_w=0.01,
    slew_v_per_s=10_000.0,
    settle_s=0.03,  # chosen: one reading at the slowest speed of 30 a second
)
OVP_V_MAX, OCP_A_MAX, OPP_W_MAX = 88.0, 63.0, 1260.0
VOLTS, AMPERES = Number(unit="V", low=0.0, high=80.0), Number(unit="A", low=0.0, high=60.0)
VOLT_SLEW, AMPERE_SLEW = Number(low=0.001, high=10.0), Number(low=0.001, high=1.0)  # per ms
FOLD_S = Number(unit="S", low=0.01, high=600.0)

STATUS_BITS: Mapping[Trip, int] = {
    Trip.OVER_VOLTAGE: 1 << 0,
    Trip.OVER_CURRENT: 1 << 1,
    Trip.OVER_POWER: 1 << 2,
    Trip.INTERLOCK: 1 << 3,
    Trip.OVER_TEMPERATURE: 1 << 4,
    Trip.SENSE: 1 << 6,
    Trip.POWER_FAIL: 1 << 9,
}
FOLDS: Mapping[str, Regulation | None] = {
    "DISABLE": None,
    "CVTOCC": Regulation.CC,
    "CCTOCV": Regulation.CV,
}
FOLD_BITS = {"CVTOCC": 1 << 10, "CCTOCV": 1 << 11}


class Chroma62012pTwin(Twin):
    """One supply behind SCPI."""

    default_port = 2101

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float = 0.01,  # chosen
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        # Half of what the driver gives as uncertainty is left by calibration: chosen.
        self.stage = SupplyStage(
            RATINGS,
            now_us=now_us,
            volts=Readout(dice, offset_max=0.04, noise=0.004, decimals=3),
            amperes=Readout(dice, offset_max=0.06, noise=0.006, decimals=3),
        )
        self.supervised = self.stage
        self.demand = self.stage.demand
        self._ovp, self._ocp = Guard(level=OVP_V_MAX), Guard(level=OCP_A_MAX)
        self._opp = Guard(level=OPP_W_MAX)
        self.stage.guards = {
            Trip.OVER_VOLTAGE: self._ovp,
            Trip.OVER_CURRENT: self._ocp,
            Trip.OVER_POWER: self._opp,
        }
        self._states = {"REMote": False, "BEEPer": True}
        self._inhibited = False
        self._rest()
        self.device = Device(
            [
                *self._sources(),
                *self._slews(),
                *self._configuration(),
                *self._measurements(),
                *self._memory_commands(),
            ],
            identity=self.who,
            reset=self._reset,
        )
        self._memory: dict[int, tuple[float, float]] = {}

    def connect(self, port: Port) -> None:
        """Wire the terminals into a circuit."""
        self.stage.connect(port)

    def identity(self) -> str:
        """Four fields: the serial number is the last."""
        return f"CHROMA,62012P-80-60,03.30.1,{self.serial}"

    @property
    def interlock_open(self) -> bool:
        """Whether the remote inhibit input is active; CONF:INH says whether that matters."""
        return self._inhibited

    @interlock_open.setter
    def interlock_open(self, is_open: bool) -> None:
        self._inhibited = is_open
        self._see_inhibit()

    def _see_inhibit(self) -> None:
        stage = self.stage
        if self._inhibited and self._inhibit != "OFF":
            stage.causes.add(Trip.INTERLOCK)
        else:
            stage.causes.discard(Trip.INTERLOCK)
            if self._inhibit == "LIVE" and Trip.INTERLOCK in stage.trips:
                # Live: the output follows the contact. Otherwise it has latched.
                stage.trips.discard(Trip.INTERLOCK)
                if self._wanted and not stage.trips:
                    stage.switch(True)
        stage.supervise()

    def _rest(self) -> None:
        """All settings as after *RST."""
        stage = self.stage
        self._wanted = False
        stage.switch(False)
        stage.program(voltage_v=0.0, current_a=0.0)
        self._ovp.level, self._ocp.level, self._opp.level = OVP_V_MAX, OCP_A_MAX, OPP_W_MAX
        self._limits = {"VOLT": (0.0, VOLTS.high), "CURR": (0.0, AMPERES.high)}
        self._volt_slew, self._ampere_slew, self._ampere_slew_is_inf = 10.0, 1.0, True
        self._apply_slew()
        self._fold = "DISABLE"
        stage.foldback, stage.foldback_delay_s = None, 0.01
        self._inhibit = "OFF"
        stage.causes.clear()
        stage.clear_trips()
        self._speed, self._average = 0, {"TIMES": "0", "METHOD": "FIX"}

    def _reset(self) -> None:
        self._rest()
        self._see_inhibit()

    # Commands.

    def _sources(self) -> list[Command]:
        stage = self.stage
        return [
            *self._limited("VOLT", "VOLTage", VOLTS, self._set_voltage, lambda: stage.voltage_v),
            *self._limited("CURR", "CURRent", AMPERES, self._set_current, lambda: stage.current_a),
            self._guard("VOLTage", Number(unit="V", low=0.0, high=OVP_V_MAX), self._ovp),
            self._guard("CURRent", Number(unit="A", low=0.0, high=OCP_A_MAX), self._ocp),
            self._guard("POWer", Number(unit="W", low=0.0, high=OPP_W_MAX), self._opp),
        ]

    def _set_voltage(self, voltage_v: float) -> None:
        self.stage.program(voltage_v=voltage_v)

    def _set_current(self, current_a: float) -> None:
        self.stage.program(current_a=current_a)

    def _limited(
        self,
        key: str,
        name: str,
        number: Number,
        store: Callable[[float], None],
        load: Callable[[], float],
    ) -> list[Command]:
        """A set point, and the two soft limits that it must lie between."""

        def set_point(value: float) -> None:
            low, high = self._limits[key]
            if not low <= value <= high:
                raise ScpiError(-222)
            store(value)

        def limit(index: int, value: float) -> None:
            pair = [*self._limits[key]]
            pair[index] = value
            if pair[0] > pair[1]:
                raise ScpiError(-222)
            self._limits[key] = (pair[0], pair[1])

        def low(value: float) -> None:
            limit(0, value)

        def high(value: float) -> None:
            limit(1, value)

        header = f"[SOURce:]{name}"
        return [
            setting(f"{header}[:LEVel]", number, set_point, load, _exponent),
            setting(f"{header}:LIMit:LOW", number, low, lambda: self._limits[key][0], _exponent),
            setting(f"{header}:LIMit:HIGH", number, high, lambda: self._limits[key][1], _exponent),
        ]

    def _guard(self, name: str, number: Number, guard: Guard) -> Command:
        def store(value: float) -> None:
            guard.level = value
            self.stage.supervise()

        return setting(
            f"[SOURce:]{name}:PROTect:HIGH", number, store, lambda: guard.level, _exponent
        )

    def _slews(self) -> list[Command]:
        def volts(per_ms: float) -> None:
            self._volt_slew = per_ms
            self._apply_slew()

        def amperes(per_ms: float) -> None:
            self._ampere_slew, self._ampere_slew_is_inf = per_ms, False
            self._apply_slew()

        def infinite(state: str) -> None:
            self._ampere_slew_is_inf = state in {"ENABLE", "ON", "1"}
            self._apply_slew()

        return [
            setting("[SOURce:]VOLTage:SLEW", VOLT_SLEW, volts, lambda: self._volt_slew, _exponent),
            setting(
                "[SOURce:]CURRent:SLEW", AMPERE_SLEW, amperes, lambda: self._ampere_slew, _exponent
            ),
            Command(
                "[SOURce:]CURRent:SLEWINF",
                set=infinite,
                params=(Choice(of=("ENABLE", "DISABLE", "ON", "OFF", "1", "0")),),
                query=lambda: "ENABLE" if self._ampere_slew_is_inf else "DISABLE",
            ),
        ]

    def _apply_slew(self) -> None:
        v_per_s = 1000.0 * self._volt_slew
        a_per_s = math.inf if self._ampere_slew_is_inf else 1000.0 * self._ampere_slew
        self.stage.set_slew(
            v_per_s_up=v_per_s, v_per_s_down=v_per_s, a_per_s_up=a_per_s, a_per_s_down=a_per_s
        )

    def _configuration(self) -> list[Command]:
        stage = self.stage
        return [
            Command(
                "CONFigure:OUTPut",
                set=self._switch,
                params=(Boolean(),),
                query=lambda: _word(stage.on),
            ),
            *(self._state(name) for name in self._states),
            Command(
                "CONFigure:INHibit",
                set=self._set_inhibit,
                params=(Choice(of=("OFF", "LIVE", "TRIG", "EXCITE")),),
                query=lambda: self._inhibit,
            ),
            Command(
                "CONFigure:FOLD",
                set=self._set_fold,
                params=(Choice(of=(*FOLDS, "OFF", "CV_TO_CC", "CC_TO_CV")),),
                query=lambda: self._fold,
            ),
            setting(
                "CONFigure:FOLDT",
                FOLD_S,
                lambda seconds: setattr(stage, "foldback_delay_s", seconds),
                lambda: stage.foldback_delay_s,
                _exponent,
            ),
            Command(
                "CONFigure:MEASure:SPeed",
                set=lambda speed: setattr(self, "_speed", round(speed)),
                params=(Number(low=0, high=3),),
                query=lambda: str(self._speed),
            ),
            self._averaging("TIMES", ("0", "1", "2", "3")),
            self._averaging("METHOD", ("FIX", "MOV")),
        ]

    def _state(self, name: str) -> Command:
        def store(on: bool) -> None:
            self._states[name] = on

        return Command(
            f"CONFigure:{name}",
            set=store,
            params=(Boolean(),),
            query=lambda: _word(self._states[name]),
        )

    def _averaging(self, name: str, words: tuple[str, ...]) -> Command:
        def store(word: str) -> None:
            self._average[name] = word

        return Command(
            f"CONFigure:AVG:{name}",
            set=store,
            params=(Choice(of=words),),
            query=lambda: self._average[name],
        )

    def _switch(self, on: bool) -> None:
        if on and self.stage.trips:
            raise ScpiError(-221)
        self._wanted = on
        self.stage.switch(on)

    def _set_inhibit(self, mode: str) -> None:
        self._inhibit = mode
        self._see_inhibit()

    def _set_fold(self, mode: str) -> None:
        self._fold = mode.replace("_", "") if mode != "OFF" else "DISABLE"
        self.stage.foldback = FOLDS[self._fold]
        self.stage.supervise()

    def _measurements(self) -> list[Command]:
        names = ("VOLTage", "CURRent", "POWer")
        return [
            Command("FETCh:STATus", query=self._status),
            *(
                Command(f"{verb}:{name}", query=self._reading(index))
                for verb in ("FETCh", "MEASure")
                for index, name in enumerate(names)
            ),
        ]

    def _reading(self, index: int) -> Callable[[], str]:
        return lambda: _exponent(max(self.stage.measure()[index], 0.0))

    def _status(self) -> str:
        stage = self.stage
        code = 0
        for trip in stage.trips:
            code |= FOLD_BITS.get(self._fold, 0) if trip is Trip.FOLDBACK else 0
            code |= STATUS_BITS.get(trip, 0)
        held = stage.regulation()
        mode = "CC" if held in {Regulation.CC, Regulation.CP} else "CV"
        return f"{code},{_word(stage.on)},{mode}"

    def _memory_commands(self) -> list[Command]:
        place = Number(low=1, high=10)

        def save(number: float) -> None:
            self._memory[round(number)] = self.stage.voltage_v, self.stage.current_a

        def recall(number: float) -> None:
            if (kept := self._memory.get(round(number))) is not None:
                self._switch(False)
                self.stage.program(voltage_v=kept[0], current_a=kept[1])

        return [
            Command("*SAV", set=save, params=(place,)),
            Command("*RCL", set=recall, params=(place,)),
            Command("*CLS", set=self._clear),
        ]

    def _clear(self) -> None:
        self.device.status.clear()
        self.device.errors.clear()
        # Chosen: some command must do what ENTER does on the panel.
        self._wanted = self._wanted and self.stage.on
        self.stage.clear_trips()


def _exponent(value: float) -> str:
    return f"{value:.6e}"


def _word(state: bool) -> str:
    return "ON" if state else "OFF"
