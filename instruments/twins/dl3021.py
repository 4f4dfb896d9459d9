"""Twin of the Rigol DL3021 (150 V, 40 A, 200 W), an electronic load.

Source of each behaviour: the maker's DL3000 programming guide (April 2019); forms of answers from a
public read-out of all settings of a DL3021A and public discharge logs of a DL3021 with firmware
00.01.05.00.01 (``3.821906``, ``0:1:5``, capacity in whole mAh, energy in Wh with four digits).
Deviations from the standard: FUNCtion is set as CURRent ... and answered as CC ..., or NONE while a
list or a battery test owns the level; switches answer 0 and 1; slews are in A/us, widths in ms,
frequencies in kHz, the capacity that ends a discharge in mAh; there is no command for a short, only
the panel's key (``SYST:KEY 33``).
The limits VLIMt and ILIMt of the present mode are its over-voltage and over-current protection.
Users of a DL3021 on USB found ``0`` behind the line feed of an answer; a public driver that
was tried on firmware 00.01.05.00.01 would fail on it, and on a stream it would spoil the next
answer: so only ``tail`` switches it on.
Currents step at once: at the slowest slew, 0.001 A/us, the whole 40 A take 40 ms, which a meter
that integrates over 200 ms does not show. Slews are kept and answered.
Chosen: over-power at 210 W, reverse voltage at -0.5 V; choosing a function switches the input off;
INPut ON and *CLS acknowledge a trip whose cause is gone; extremes count from the input's last
switching on; a continuous transient follows period and duty, and faster than 250 Hz its mean is
drawn. OCP and OPP tests are refused with -221; the waveform's cache is not there (-113).
"""

import random
from collections.abc import Callable, Iterator
from functools import partial

from instruments.protocols import LoadMode, Trip
from instruments.scpi import Boolean, Choice, Command, Device, Dialect, Number, ScpiError
from instruments.twins.dl3021_programs import Programs
from instruments.twins.dl3021_settings import (
    BATTERY,
    CURRENT,
    POWER,
    RESISTANCE,
    VOLTAGE,
    Settings,
)
from instruments.twins.electrical import LoadDemand, Port
from instruments.twins.stage import Guard, LoadStage, Ratings
from instruments.twins.stage_load import LOOP_S
from instruments.twins.twin import Readout, Twin

OVER_POWER_W, REVERSE_V = 210.0, -0.5
LEVELS = {
    LoadMode.CC: CURRENT,
    LoadMode.CV: VOLTAGE,
    LoadMode.CR: RESISTANCE,
    LoadMode.CP: POWER,
}
_NODES = {"CURR": LoadMode.CC, "VOLT": LoadMode.CV, "RES": LoadMode.CR, "POW": LoadMode.CP}
_BITS = {
    Trip.OVER_CURRENT: 2 | 8192,
    Trip.OVER_POWER: 8 | 8192,
    Trip.OVER_TEMPERATURE: 8192,
    Trip.OVER_VOLTAGE: 4096 | 1,
    Trip.REVERSE_VOLTAGE: 2048 | 1,
}
SENSE_BIT, LIST_BIT, UNREGULATED_BIT, DRAWING_BIT = 4, 128, 1024, 16384
_OWNERS = ("LIST", "BATT")
_KEY_INPUT, _KEY_SHORT = 32, 33


class Dl3021Twin(Twin):
    """The load's SCPI in front of one stage and the programs that move it."""

    default_port = 5555

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float = 0.005,  # Public logs: 4 to 5 ms a query on a DL3031A.
        tail: bool = False,
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        # A third of the data sheet's 0.05 % + 0.02 % and 0.05 % + 0.05 %, chosen like the noise.
        self.stage = LoadStage(
            Ratings(
                voltage_v=150.0,
                current_a=40.0,
                power_w=200.0,
                voltage_step_v=0.001,
                current_step_a=0.001,
            ),
            now_us=now_us,
            volts=Readout(dice, offset_max=0.01, noise=0.0003, decimals=6),
            amperes=Readout(dice, offset_max=0.006, noise=0.0002, decimals=6),
        )
        self.settings = Settings(self._changed)
        self.programs = Programs(self.stage, self.settings, now_us=now_us)
        self._mode = LoadMode.CC
        self._trigger_source = "MANU"
        self.supervised = self.programs
        self.device = Device(
            [
                *self.settings.commands(),
                *self._functions(),
                *self._lists(),
                *self._triggers(),
                *self._measurements(),
                *self._system(),
            ],
            identity=self.who,
            reset=self._reset,
            dialect=Dialect(terminator=b"\n0" if tail else b"\n"),
        )
        guards = self.stage.guards
        guards[Trip.OVER_VOLTAGE] = Guard(155.0, while_off=True)
        guards[Trip.REVERSE_VOLTAGE] = Guard(REVERSE_V, while_off=True)
        guards[Trip.OVER_CURRENT] = Guard(70.0, delay_s=LOOP_S)
        guards[Trip.OVER_POWER] = Guard(OVER_POWER_W, delay_s=LOOP_S)
        self.stage.on_change = self._refresh_status
        self._apply()

    @property
    def demand(self) -> LoadDemand:
        """What the load would draw."""
        return self.stage.demand

    def connect(self, port: Port) -> None:
        """Wire the terminals into a circuit."""
        self.stage.connect(port)

    def identity(self) -> str:
        """Four fields, without spaces."""
        return f"RIGOL TECHNOLOGIES,DL3021,{self.serial},00.01.05.00.01"

    # From settings to the stage.

    def _changed(self, header: str) -> None:
        # While a program runs it is the program that moves the level.
        if not self.programs.armed:
            self._apply()

    def _apply(self) -> None:
        stage, numbers, function = self.stage, self.settings.numbers, self.programs.function
        mode, level = self._mode, numbers[LEVELS[self._mode]]
        start_v = numbers["CURRent:VON"] if mode is LoadMode.CC else 0.0
        if function == "BATT":
            mode, level, start_v = LoadMode.CC, numbers[BATTERY], numbers["BATTary:VON"]
        elif function == "LIST":
            mode = LoadMode(self.settings.choices["LIST:MODE"])
            level, start_v = self.programs.level(0), 0.0
        node = LEVELS[mode].partition("[")[0]
        stage.guards[Trip.OVER_VOLTAGE].level = numbers[f"{node}:VLIMt"]
        stage.guards[Trip.OVER_CURRENT].level = numbers[f"{node}:ILIMt"]
        stage.start_voltage_v = start_v
        stage.program(mode=mode, level=level)

    # Commands.

    def _functions(self) -> Iterator[Command]:
        yield Command(
            "[SOURce:]INPut[:STATe]",
            set=self._switch,
            params=(Boolean(),),
            query=lambda: str(int(self.stage.on)),
        )
        yield Command(
            "[SOURce:]FUNCtion",
            set=self._choose,
            params=(Choice(of=("CURRent", "RESistance", "VOLTage", "POWer")),),
            query=lambda: "NONE" if self.programs.function in _OWNERS else self._mode.value,
        )
        yield Command(
            "[SOURce:]FUNCtion:MODE",
            set=self._own,
            params=(Choice(of=("FIXed", "LIST", "WAVe", "BATTery", "OCP", "OPP")),),
            query=lambda: self.programs.function,
        )
        # The waveform's window is the panel's: it is asked, and moved by steps, and shows nothing.
        yield Command(
            "[SOURce:]WAVe:TIMe",
            set=lambda step: None,
            params=(Choice(of=("ADD", "SUB")),),
            query=lambda: "0S",
        )
        yield Command(
            "[SOURce:]WAVe:TSTep",
            set=lambda step: None,
            params=(Number(low=1, high=10),),
            query=lambda: "0",
        )

    def _switch(self, on: bool) -> None:
        if on and self.stage.clear_trips():
            raise ScpiError(-221)
        self.stage.switch(on)
        self.programs.supervise()

    def _choose(self, node: str) -> None:
        mode = _NODES[node]
        if mode is not self._mode or self.programs.function != "FIX":
            self._stop()
        self._mode = mode
        self.programs.function = "FIX"
        self._apply()

    def _own(self, function: str) -> None:
        if function in {"OCP", "OPP"}:
            raise ScpiError(-221)
        if function != self.programs.function:
            self._stop()
        self.programs.function = function
        self._apply()

    def _stop(self) -> None:
        self.programs.halt()
        self.stage.switch(False)
        self.programs.supervise()

    def _lists(self) -> Iterator[Command]:
        steps = self.programs.steps
        step = Number(low=0, high=512)
        for leaf, low, high, kept, show in (
            ("LEVel", 0.0, 15_000.0, steps.levels, self.programs.level),
            ("WIDth", 0.00005, 3600.0, steps.widths_s, self.programs.width_s),
            ("SLEW", 0.001, 2.5, steps.slews, self.programs.slew),
        ):
            yield self._step(leaf, (step, Number(low=low, high=high)), kept, show)

    def _step(
        self,
        leaf: str,
        params: tuple[Number, Number],
        kept: dict[int, float],
        show: Callable[[int], float],
    ) -> Command:
        def store(step: float, value: float) -> None:
            # The guide: parameters cannot be changed while it runs.
            if self.programs.list_runs:
                raise ScpiError(-221)
            kept[round(step)] = value
            self._changed(leaf)

        return Command(
            f"[SOURce:]LIST:{leaf}",
            set=store,
            params=params,
            query=lambda step: f"{show(round(step)):.6f}",
            query_params=(params[0],),
        )

    def _triggers(self) -> list[Command]:
        def choose(source: str) -> None:
            # A DL3031A was seen to disarm when its source is set.
            self._trigger_source = source
            self._arm(False)

        def trigger() -> None:
            if self._trigger_source == "BUS":
                self.programs.trigger()

        return [
            Command(
                "TRIGger:SOURce",
                set=choose,
                params=(Choice(of=("BUS", "EXTernal", "MANUal")),),
                query=lambda: self._trigger_source,
            ),
            Command("TRIGger[:IMMediate]", set=trigger),
            Command("*TRG", set=trigger),
            Command(
                "[SOURce:]TRANsient[:STATe]",
                set=self._arm,
                params=(Boolean(),),
                query=lambda: str(int(self.programs.armed)),
            ),
        ]

    def _arm(self, on: bool) -> None:
        if on and self.stage.clear_trips():
            raise ScpiError(-221)
        self.programs.arm(on)
        if not on:
            self._apply()

    def _measurements(self) -> Iterator[Command]:
        def command(header: str, value: Callable[[], float]) -> Command:
            return Command(header, query=lambda: f"{value() + 0.0:.6f}")

        measure, programs = self.stage.measure, self.programs
        for root in ("MEASure[:SCALar]", "FETCh[:SCALar]"):
            yield command(f"{root}:VOLTage[:DC]", lambda: measure()[0])
            yield command(f"{root}:CURRent[:DC]", lambda: measure()[1])
            yield command(f"{root}:POWer[:DC]", lambda: measure()[2])
            yield command(f"{root}:RESistance[:DC]", self._resistance_ohm)
            for index, leaf in enumerate(("MIN", "MAX")):
                yield command(f"{root}:VOLTage:{leaf}", partial(self._extreme_v, index))
                yield command(f"{root}:CURRent:{leaf}", partial(self._extreme_a, index))
            yield Command(f"{root}:CAPability", query=self._capacity_mah)
            yield Command(f"{root}:WATThours", query=lambda: f"{programs.discharge.energy_wh:.4f}")
            # Its short form is DISCT; DISC is sent as well.
            for leaf in ("DISChargingTime", "DISC"):
                yield Command(f"{root}:{leaf}", query=self._discharge_time)
            yield Command(f"{root}:TIME", query=lambda: "0.200000")

    def _extreme_v(self, index: int) -> float:
        return self.programs.extremes.voltage_v[index]

    def _extreme_a(self, index: int) -> float:
        return self.programs.extremes.current_a[index]

    def _resistance_ohm(self) -> float:
        voltage_v, current_a, _ = self.stage.measure()
        return voltage_v / current_a if current_a > 0.0 else 0.0

    def _capacity_mah(self) -> str:
        # Whole mAh, the begun one not counted.
        return f"{int(self.programs.discharge.charge_ah * 1000 + 1e-9):.6f}"

    def _discharge_time(self) -> str:
        minutes, seconds = divmod(self.programs.discharge.time_us // 1_000_000, 60)
        return f"{minutes // 60}:{minutes % 60}:{seconds}"

    def _system(self) -> list[Command]:
        return [
            Command("SYSTem:KEY", set=self._press, params=(Number(low=0, high=99),)),
            Command("DEBug:KEY", set=lambda on: None, params=(Boolean(),)),
            Command("*OPT", query=lambda: "0,0,0,LAN,0"),
            Command("*CLS", set=self._clear_status),
        ]

    def _press(self, key: float) -> None:
        if key == _KEY_INPUT:
            self._switch(not self.stage.on)
        elif key == _KEY_SHORT and self.stage.on:
            self.stage.short(not self.stage.shorted)

    def _clear_status(self) -> None:
        self.device.status.clear()
        self.device.errors.clear()
        self.stage.clear_trips()

    def _refresh_status(self) -> None:
        stage, demand = self.stage, self.stage.demand
        condition = SENSE_BIT * self.settings.switches["SENSe[:STATe]"]
        condition |= LIST_BIT * self.programs.list_runs
        for trip in stage.trips:
            condition |= _BITS.get(trip, 8192)
        if demand.enabled:
            condition |= DRAWING_BIT
            starved = demand.mode is LoadMode.CC and stage.port.current_a() < 0.99 * demand.level
            condition |= UNREGULATED_BIT * starved
        self.device.status.questionable.update(condition)

    def _reset(self) -> None:
        self._stop()
        self.settings.reset()
        self.programs.function = "FIX"
        self._mode, self._trigger_source = LoadMode.CC, "MANU"
        self.stage.clear_trips()
        self._apply()
