"""Twin of the Agilent (now Keysight) N5767A: one output, 60 V, 25 A, 1.5 kW.

Source of each behaviour: the Series N5700 user's guide, chapter 5 (commands, ranges, status bits);
it is a TDK-Lambda GENESYS inside, whose rules and error numbers it has here, see ``tdk_supply``.
What is unverified is listed in ``drivers/n5767a.py``.
Deviations from the standard: clearing protections brings the output back that was on before; the
current protection trips in constant current, there is no level; a command takes the supply from
local to remote.
"""

import random
from collections.abc import Callable, Mapping

from instruments.protocols import Regulation, Trip
from instruments.scpi import Boolean, Choice, Command, Device, Number, setting
from instruments.twins.electrical import Port
from instruments.twins.stage import Ratings
from instruments.twins.tdk_supply import Bounds, TdkSupply, Trigger, in_scpi
from instruments.twins.twin import Readout, Twin

RATINGS = Ratings(
    voltage_v=60.0,
    current_a=25.0,
    power_w=1500.0,
    voltage_step_v=0.001,  # chosen: a setting is read back as it was sent, to the last digit
    current_step_a=0.001,
    power_step_w=0.1,
    settle_s=0.05,  # chosen
)
# The guide's tables for a model of 60 V.
BOUNDS = Bounds(ovp_v_min=5.0, ovp_v_max=66.0, uvl_v_max=57.0)
VOLTS, AMPERES = Number(unit="V", low=0.0, high=63.0), Number(unit="A", low=0.0, high=26.25)

FAULT_BITS: Mapping[Trip, int] = {
    Trip.OVER_VOLTAGE: 1 << 0,
    Trip.OVER_CURRENT: 1 << 1,
    Trip.FOLDBACK: 1 << 1,
    Trip.POWER_FAIL: 1 << 2,
    Trip.OVER_TEMPERATURE: 1 << 4,
    Trip.INTERLOCK: 1 << 9,
}
HELD_BITS: Mapping[Regulation, int] = {Regulation.CV: 1 << 8, Regulation.CC: 1 << 10}
UNREGULATED_BIT = 1 << 10


class N5767aTwin(Twin):
    """One supply behind SCPI."""

    default_port = 5025

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float = 0.01,  # chosen
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        self.control = "REM"
        # Half of what the driver gives as uncertainty is left by calibration: chosen.
        self._supply = TdkSupply(
            RATINGS,
            BOUNDS,
            now_us=now_us,
            volts=Readout(dice, offset_max=0.03, noise=0.003, decimals=3),
            amperes=Readout(dice, offset_max=0.0125, noise=0.002, decimals=3),
        )
        self.stage = self._supply.stage
        self.supervised = self.stage
        self.demand = self.stage.demand
        self._trigger = Trigger(self._supply)
        self._power_on = "RST"
        self.device = Device(
            [
                *self._sources(),
                *self._outputs(),
                *self._triggers(),
                *self._measurements(),
                *self._system(),
            ],
            identity=self.who,
            reset=self._reset,
        )
        self.stage.on_change = self._refresh
        self._refresh()

    def connect(self, port: Port) -> None:
        """Wire the terminals into a circuit."""
        self.stage.connect(port)

    @property
    def interlock_open(self) -> bool:
        """Whether an inhibit signal of the rear connector J1 keeps the output off."""
        return self._supply.interlock_open

    @interlock_open.setter
    def interlock_open(self, is_open: bool) -> None:
        self._supply.interlock_open = is_open

    def identity(self) -> str:
        """Four fields."""
        return f"Agilent Technologies,N5767A,{self.serial},A.05.02"

    def _refresh(self) -> None:
        stage, status = self.stage, self.device.status
        faults = 0
        for trip in stage.trips:
            faults |= FAULT_BITS.get(trip, 0)
        held = stage.regulation()
        if held in {Regulation.UNREGULATED, Regulation.CP}:
            faults |= UNREGULATED_BIT
        status.questionable.update(faults)
        status.operation.update(HELD_BITS.get(held, 0))

    def _reset(self) -> None:
        self._supply.reset()
        self._trigger.forget()
        self._power_on = "RST"
        self.control = "REM"

    # Commands.

    def _do(self, act: Callable[..., None]) -> Callable[..., None]:
        def handler(*arguments: object) -> None:
            if self.control == "LOC":
                self.control = "REM"
            act(*arguments)

        return in_scpi(handler)

    def _number(
        self,
        header: str,
        number: Number,
        store: Callable[[float], None],
        load: Callable[[], float],
    ) -> Command:
        return setting(header, number, self._do(store), load, _thousandths)

    def _switch(
        self, header: str, store: Callable[[bool], None], load: Callable[[], bool]
    ) -> Command:
        return Command(
            header, set=self._do(store), params=(Boolean(),), query=lambda: str(int(load()))
        )

    def _sources(self) -> list[Command]:
        supply, stage = self._supply, self.stage
        level = "[:LEVel][:IMMediate][:AMPLitude]"
        ovp = Number(unit="V", low=BOUNDS.ovp_v_min, high=BOUNDS.ovp_v_max)
        low = Number(unit="V", low=0.0, high=BOUNDS.uvl_v_max)
        return [
            self._number(
                f"[SOURce:]VOLTage{level}", VOLTS, supply.set_voltage, lambda: stage.voltage_v
            ),
            self._number(
                f"[SOURce:]CURRent{level}", AMPERES, supply.set_current, lambda: stage.current_a
            ),
            self._number(
                "[SOURce:]VOLTage:PROTection[:LEVel]", ovp, supply.set_ovp, lambda: supply.ovp_v
            ),
            self._number("[SOURce:]VOLTage:LIMit:LOW", low, supply.set_uvl, lambda: supply.uvl_v),
            self._switch(
                "[SOURce:]CURRent:PROTection:STATe",
                lambda on: supply.set_foldback(Regulation.CC if on else None),
                lambda: stage.foldback is not None,
            ),
        ]

    def _outputs(self) -> list[Command]:
        supply = self._supply
        return [
            self._switch("OUTPut[:STATe]", supply.switch, lambda: self.stage.on),
            Command(
                "OUTPut:PROTection:CLEar",
                set=self._do(lambda: supply.clear_protections(restore=True)),
            ),
            Command(
                "OUTPut:PON:STATe",
                set=self._do(self._set_power_on),
                params=(Choice(of=("RST", "AUTO")),),
                query=lambda: self._power_on,
            ),
        ]

    def _set_power_on(self, mode: str) -> None:
        self._power_on = mode
        self._supply.auto_start = mode == "AUTO"

    def _triggers(self) -> list[Command]:
        trigger = self._trigger
        fire = self._do(trigger.fire)
        return [
            self._number(
                "[SOURce:]VOLTage[:LEVel]:TRIGgered[:AMPLitude]",
                VOLTS,
                lambda value: setattr(trigger, "voltage_v", value),
                lambda: trigger.voltage_v,
            ),
            self._number(
                "[SOURce:]CURRent[:LEVel]:TRIGgered[:AMPLitude]",
                AMPERES,
                lambda value: setattr(trigger, "current_a", value),
                lambda: trigger.current_a,
            ),
            self._switch(
                "INITiate:CONTinuous[:TRANsient]",
                lambda on: setattr(trigger, "continuous", on),
                lambda: trigger.continuous,
            ),
            Command("INITiate[:IMMediate][:TRANsient]", set=trigger.arm),
            Command("ABORt", set=trigger.abort),
            Command(
                "TRIGger:SOURce",
                set=lambda source: None,
                params=(Choice(of=("BUS",)),),
                query=lambda: "BUS",
            ),
            Command("TRIGger[:TRANsient][:IMMediate]", set=fire),
            Command("*TRG", set=fire),
        ]

    def _measurements(self) -> list[Command]:
        def read(index: int) -> Callable[[], str]:
            # A meter for one polarity shows nothing below 0.
            return lambda: _thousandths(max(self.stage.measure()[index], 0.0))

        return [
            Command("MEASure[:SCALar]:VOLTage[:DC]", query=read(0)),
            Command("MEASure[:SCALar]:CURRent[:DC]", query=read(1)),
        ]

    def _system(self) -> list[Command]:
        place = Number(low=0, high=15)
        supply = self._supply
        return [
            Command(
                "SYSTem:COMMunicate:RLSTate",
                set=lambda control: setattr(self, "control", control),
                params=(Choice(of=("LOCal", "REMote", "RWLock")),),
                query=lambda: self.control,
            ),
            Command("*SAV", set=lambda number: supply.save(round(number)), params=(place,)),
            Command(
                "*RCL", set=self._do(lambda number: supply.recall(round(number))), params=(place,)
            ),
        ]


def _thousandths(value: float) -> str:
    return f"{value:.3f}"
