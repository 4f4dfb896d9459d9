"""The SCPI of a TDK-Lambda GENESYS+: its command tables and its error queue.

Source of each behaviour: the makers' manuals of G10-500, G+1U 5 kW and GH10-100 (error queue,
watchdog), the LAN option's manual (error texts with the address, +301 and +302), the Z+ manual
where the series share a command.
"""

from collections.abc import Callable, Mapping

from instruments.protocols import Regulation, Trip
from instruments.scpi import (
    Boolean,
    Choice,
    Command,
    Device,
    Number,
    Register,
    ScpiError,
    setting,
)
from instruments.twins.genesys_core import BOUNDS, FAULT_BITS, RATINGS, Genesys
from instruments.twins.tdk_supply import Trigger, in_scpi

VOLTS, AMPERES = Number(unit="V", low=0.0, high=84.0), Number(unit="A", low=0.0, high=68.25)
SLEW = Number(low=0.0001, high=999.99)  # V/ms and A/ms
FASTEST = 999.99

SHUTDOWNS: Mapping[Trip, tuple[int, str]] = {
    Trip.POWER_FAIL: (321, "AC fault shutdown"),
    Trip.OVER_TEMPERATURE: (322, "Over-temperature shutdown"),
    Trip.FOLDBACK: (323, "Fold-back shutdown"),
    Trip.OVER_VOLTAGE: (324, "Over-voltage shutdown"),
    Trip.INTERLOCK: (327, "Enable Open shutdown"),
}
# What the maker's shorter list makes of the standard's codes; the rest are "Command Error".
OWN_CODES: Mapping[int, tuple[int, str]] = {
    -108: (-115, "Unexpected number of parameters"),
    -109: (-109, "Missing Parameter"),
    -131: (-131, "Invalid Suffix"),
    -138: (-131, "Invalid Suffix"),
    -222: (-222, "Data Out Of Range"),
    -350: (-350, "Queue Overflow"),
    **dict.fromkeys((-104, -121, -141, -151, -161, -171, -224), (-220, "Parameter Error")),
}
CONTROL = Choice(of=("LOCal", "REMote", "LLO", "0", "1", "2"))
CONTROL_HEADERS = ("SYSTem:SET", "SYSTem:REMote[:STATe]", "SYSTem[:COMMunicate]:RLSTate")
FOLD = Choice(of=("OFF", "CC", "CV", "NONE", "0", "1", "2"))
FOLDED: Mapping[str, Regulation] = {
    "CC": Regulation.CC,
    "1": Regulation.CC,
    "CV": Regulation.CV,
    "2": Regulation.CV,
}
POWER_ON = Choice(of=("OFF", "ON", "SAFE", "AUTO", "0", "1"))


class GenesysScpi:
    """The commands of one supply; `device` is the one that obeys them."""

    device: Device

    def __init__(self, genesys: Genesys) -> None:
        self._genesys = genesys
        self._supply, self._stage = genesys.supply, genesys.stage
        self._faults: frozenset[Trip] = frozenset()
        self._slew = dict.fromkeys(("VOLT_UP", "VOLT_DOWN", "CURR_UP", "CURR_DOWN"), FASTEST)
        self._trigger = Trigger(genesys.supply)

    def commands(self) -> list[Command]:
        """The whole table."""
        return [
            *self._sources(),
            *self._slews(),
            *self._triggered(),
            *self._outputs(),
            *self._measurements(),
            *self._system(),
            *self._watchdog(),
            *self._memory(),
        ]

    def refresh(self) -> None:
        """Bring the registers to the present; a new fault that is enabled queues an error."""
        status = self.device.status
        faults = frozenset(self._stage.trips)
        for trip in faults - self._faults:
            if trip is Trip.WATCHDOG:
                self.device.report(ScpiError(342, "Communication Watchdog Timeout"))
            elif trip in SHUTDOWNS and status.questionable.enable & FAULT_BITS[trip]:
                self.device.report(ScpiError(*SHUTDOWNS[trip]))
        self._faults = faults
        for register in (status.questionable, status.operation):
            register.rising = 0xFFFF
        status.questionable.update(self._genesys.fault_word())
        status.operation.update(self._genesys.status_word())

    def reset(self) -> None:
        """Do what *RST does."""
        self._genesys.reset()
        self._trigger.forget()

    def _do(self, act: Callable[..., None]) -> Callable[..., None]:
        """A set command; each takes remote."""

        def handler(*arguments: object) -> None:
            self._genesys.take_remote()
            act(*arguments)

        return in_scpi(handler)

    def _number(
        self,
        header: str,
        number: Number,
        store: Callable[[float], None],
        load: Callable[[], float],
        decimals: int = 3,
    ) -> Command:
        def show(value: float) -> str:
            return f"{value:.{decimals}f}"

        return setting(header, number, self._do(store), load, show)

    def _switch(
        self, header: str, store: Callable[[bool], None], load: Callable[[], bool]
    ) -> Command:
        return Command(
            header, set=self._do(store), params=(Boolean(),), query=lambda: str(int(load()))
        )

    def _sources(self) -> list[Command]:
        supply, stage = self._supply, self._stage
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
                f"[SOURce:]POWer{level}",
                Number(unit="W", low=0.0, high=1.05 * RATINGS.power_w),
                lambda value: stage.program(power_w=value),
                lambda: stage.power_w,
                decimals=1,
            ),
            self._number(
                "[SOURce:]VOLTage:PROTection[:OVER][:LEVel]",
                ovp,
                supply.set_ovp,
                lambda: supply.ovp_v,
            ),
            self._number("[SOURce:]VOLTage:LIMit:LOW", low, supply.set_uvl, lambda: supply.uvl_v),
            self._number(
                "[SOURce:]VOLTage:PROTection:LOW[:LEVel]",
                low,
                supply.set_uvp,
                lambda: supply.uvp_v,
            ),
            self._switch(
                "[SOURce:]VOLTage:PROTection:LOW:STATe",
                lambda on: supply.set_uvp(enabled=on),
                lambda: supply.uvp_enabled,
            ),
            self._switch(
                "[SOURce:]CURRent:PROTection:STATe",
                lambda on: supply.set_foldback(Regulation.CC if on else None),
                lambda: stage.foldback is Regulation.CC,
            ),
        ]

    def _slews(self) -> list[Command]:
        def slew(name: str, way: str, apply: Callable[[float], None]) -> Command:
            key = f"{name[:4]}_{way}"

            def store(per_ms: float) -> None:
                self._slew[key] = per_ms
                apply(1000.0 * per_ms)

            header = f"[SOURce:]{name}:SLEW:{way}"
            return self._number(header, SLEW, store, lambda: self._slew[key], decimals=4)

        stage = self._stage
        return [
            slew("VOLTage", "UP", lambda v_per_s: stage.set_slew(v_per_s_up=v_per_s)),
            slew("VOLTage", "DOWN", lambda v_per_s: stage.set_slew(v_per_s_down=v_per_s)),
            slew("CURRent", "UP", lambda a_per_s: stage.set_slew(a_per_s_up=a_per_s)),
            slew("CURRent", "DOWN", lambda a_per_s: stage.set_slew(a_per_s_down=a_per_s)),
        ]

    def _triggered(self) -> list[Command]:
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
                "INITiate:CONTinuous",
                lambda on: setattr(trigger, "continuous", on),
                lambda: trigger.continuous,
            ),
            Command("INITiate[:IMMediate][:TRANsient]", set=trigger.arm),
            Command("ABORt", set=trigger.abort),
            Command("TRIGger[:TRANsient][:IMMediate]", set=fire),
            Command("*TRG", set=fire),
        ]

    def _outputs(self) -> list[Command]:
        genesys, supply, stage = self._genesys, self._supply, self._stage
        return [
            self._switch("OUTPut[:STATe]", supply.switch, lambda: stage.on),
            Command(
                "OUTPut:PON[:STATe]",
                set=self._do(self._set_power_on),
                params=(POWER_ON,),
                query=lambda: "AUTO" if supply.auto_start else "SAFE",
            ),
            Command(
                "OUTPut:PROTection:CLEar",
                set=self._do(lambda: supply.clear_protections(restore=supply.auto_start)),
            ),
            Command(
                "OUTPut:PROTection:FOLDback[:MODE]",
                set=self._do(lambda mode: supply.set_foldback(FOLDED.get(mode))),
                params=(FOLD,),
                query=lambda: stage.foldback or "OFF",
            ),
            self._number(
                "OUTPut:PROTection:DELay",
                Number(unit="S", low=0.0, high=25.5),
                supply.add_delay,
                lambda: supply.added_delay_s,
                decimals=1,
            ),
            self._switch(
                "OUTPut:ILC[:MODE][:STATe]", self._set_interlock, lambda: genesys.interlock_enabled
            ),
            Command("OUTPut:MODE", query=genesys.mode),
        ]

    def _set_power_on(self, mode: str) -> None:
        self._supply.auto_start = mode in {"ON", "AUTO", "1"}
        self._stage.supervise()

    def _set_interlock(self, enabled: bool) -> None:
        self._genesys.interlock_enabled = enabled
        self._genesys.see_interlock()

    def _measurements(self) -> list[Command]:
        read = self._genesys.read
        return [
            Command("MEASure[:SCALar]:VOLTage[:DC]", query=lambda: f"{read()[0]:.3f}"),
            Command("MEASure[:SCALar]:CURRent[:DC]", query=lambda: f"{read()[1]:.3f}"),
            Command("MEASure[:SCALar]:POWer[:DC]", query=lambda: f"{read()[2]:.1f}"),
        ]

    def _system(self) -> list[Command]:
        genesys = self._genesys
        address = Number(low=0, high=31)
        return [
            *(
                Command(
                    header,
                    set=genesys.set_control,
                    params=(CONTROL,),
                    query=lambda: genesys.control,
                )
                for header in (
                    "SYSTem:SET",
                    "SYSTem:REMote[:STATe]",
                    "SYSTem[:COMMunicate]:RLSTate",
                )
            ),
            *(
                Command(
                    header,
                    set=lambda number: None,  # There is one supply on this line.
                    params=(address,),
                    query=lambda: f"{genesys.address:02}",
                )
                for header in ("INSTrument[:SELect]", "INSTrument:NSELect")
            ),
            Command("SYSTem:ERRor[:NEXT]", query=self._next_error),
            Command("SYSTem:ERRor:ENABle", set=self._clear_errors),
            Command("SYSTem:DATE", query=lambda: genesys.test_date),
            *self._enable("STATus:QUEStionable:ENABle", lambda: self.device.status.questionable),
            *self._enable("STATus:OPERation:ENABle", lambda: self.device.status.operation),
        ]

    def _enable(self, header: str, register: Callable[[], Register]) -> list[Command]:
        def store(value: float) -> None:
            register().enable = round(value)

        word = Number(low=0, high=0xFFFF)
        return [
            Command(header, set=store, params=(word,), query=lambda: str(register().enable)),
        ]

    def _clear_errors(self) -> None:
        self.device.errors.clear()

    def _next_error(self) -> str:
        error = self.device.errors.pop()
        if error.code == 0:
            return '0,"No error"'
        own = OWN_CODES.get(error.code, (-100, "Command Error"))
        if error.code > 0:
            own = error.code, error.text
        elif -300 < error.code <= -200 and error.code not in OWN_CODES:
            own = -200, "Execution Error"
        return f'{own[0]},"{own[1]};{self._genesys.address:02}"'

    def _watchdog(self) -> list[Command]:
        watchdog = self._stage.watchdog
        header = "SYSTem[:COMMunicate]:WATCHdog"
        return [
            self._switch(f"{header}[:STATe]", self._arm, lambda: watchdog.armed),
            self._number(
                f"{header}:TIMe",
                Number(unit="S", low=1.0, high=3600.0),
                lambda seconds: setattr(watchdog, "seconds", float(round(seconds))),
                lambda: watchdog.seconds,
                decimals=0,
            ),
        ]

    def _arm(self, on: bool) -> None:
        self._stage.watchdog.armed = on
        if not on:
            # The manual: to disable it clears its fault as well.
            self._stage.trips.discard(Trip.WATCHDOG)
            self._stage.supervise()

    def _memory(self) -> list[Command]:
        place = Number(low=1, high=4)
        return [
            Command("*SAV", set=lambda number: self._supply.save(round(number)), params=(place,)),
            Command(
                "*RCL",
                set=self._do(lambda number: self._supply.recall(round(number))),
                params=(place,),
            ),
            Command("*OPT", query=lambda: "0"),
            Command("*PSC", set=lambda on: None, params=(Boolean(),), query=lambda: "1"),
        ]
