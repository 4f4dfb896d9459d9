"""Twin of the Rigol DP832 (30 V/3 A, 30 V/3 A, 5 V/3 A), three outputs of one bench supply.

Source of each behaviour: the maker's DP800 programming guide (December 2015), answers that public
logs of a DP832 and a DP832A show (``CH1:30V/3A,5.000,0.100``, ``5.0114,0.0000,0.000``, the
self-test's words); see ``drivers/dp832.py``, which names what nobody here has seen on a real one.
Deviations from the standard: channels are a parameter ``CHn`` that may be left out (the channel
chosen by INSTrument or APPLy is then meant), states are ON and OFF, trips YES and NO, power is
spelled POWE.
Chosen: values beyond the range are refused with -222; OUTP:MODE? of a channel that is off is UR;
a channel whose protection has tripped goes on only after it was cleared; timer, delayer, monitor
and recorder can be asked for but not started (-221), so that nothing moves unasked.
"""

import random
from collections.abc import Callable, Iterator
from functools import partial

from instruments.protocols import Regulation, Trip
from instruments.scpi import Boolean, Choice, Command, Device, Dialect, Number, ScpiError
from instruments.twins.dp832_panel import ChannelStatus, Panel
from instruments.twins.dp832_parts import (
    Channel,
    Outlet,
    Quantity,
    Rating,
    Which,
    level_text,
    on_off,
    quantity_commands,
    threshold,
    yes_no,
)
from instruments.twins.electrical import Port, SourceDemand
from instruments.twins.rigol import Bound, Level
from instruments.twins.stage import Ratings, SupplyStage, Together
from instruments.twins.twin import Readout, Twin

CHANNELS = (
    Rating(label="30V/3A", voltage_v=32.0, ovp_v=33.0),
    Rating(label="30V/3A", voltage_v=32.0, ovp_v=33.0),
    Rating(label="5V/3A", voltage_v=5.3, ovp_v=5.5),
)
TRACKING = (1, 2)  # The channels that can follow one another.
SLOTS = 10
_MODES = {Regulation.CV: "CV", Regulation.CC: "CC"}
_UNITS = {"VOLTage": "V", "CURRent": "A"}
_ASKED = (Which(optional=True),)


class Dp832Twin(Twin):
    """The supply's SCPI in front of three stages."""

    default_port = 5555

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float = 0.02,  # chosen: the data sheet allows a command up to 118 ms
        settle_s: float = 0.0,
    ) -> None:
        """``settle_s``: how long a reading lags behind a change.

        0 because the real one works off commands in turn: what is asked after a set is measured
        when that set is done.
        """
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        self.panel = Panel()
        self.channels = tuple(
            Channel(rating, self._stage(rating, now_us, settle_s)) for rating in CHANNELS
        )
        self._chosen = 1
        self._status = ChannelStatus(self.channels)
        self._slots: dict[int, tuple[tuple[float, float, float, float, bool, bool], ...]] = {}
        self.supervised = Together([channel.stage for channel in self.channels])
        self.device = Device(
            [
                *self._sources(),
                *self._outputs(),
                *self._protections(),
                *self._measurements(),
                *self._selection(),
                *self._status.commands(),
                *self._system(),
                *self.panel.commands(),
            ],
            identity=self.who,
            reset=self._reset,
            dialect=Dialect(input_limit=256),
        )
        self._status.of(self.device.status)
        for channel in self.channels:
            channel.stage.on_change = self._status.refresh
        self._reset()

    def _stage(self, rating: Rating, now_us: Callable[[], int], settle_s: float) -> SupplyStage:
        ratings = Ratings(
            voltage_v=rating.voltage_v,
            current_a=rating.current_a,
            power_w=rating.voltage_v * rating.current_a,
            # With the option for more digits, as the answers in public logs have them.
            voltage_step_v=0.001,
            current_step_a=0.001,
            settle_s=settle_s,
        )
        # A tenth of the data sheet's 0.05 % + 10 mV and 0.15 % + 5 mA, chosen like the noise.
        volts = Readout(self._dice, offset_max=0.001, noise=0.0001, decimals=4)
        amperes = Readout(self._dice, offset_max=0.0005, noise=0.0001, decimals=4)
        return SupplyStage(ratings, now_us=now_us, volts=volts, amperes=amperes)

    @property
    def demand(self) -> SourceDemand:
        """What channel 1 would deliver."""
        return self.stage().demand

    def connect(self, port: Port, channel: int = 1) -> None:
        """Wire one channel's terminals into a circuit."""
        self.stage(channel).connect(port)

    def stage(self, channel: int = 1) -> SupplyStage:
        """The power stage of a channel."""
        return self.channels[channel - 1].stage

    def identity(self) -> str:
        """Four fields, without spaces."""
        return f"RIGOL TECHNOLOGIES,DP832,{self.serial},00.01.16"

    # [SOURce<n>:], where a source without a number is the chosen channel.

    def _sources(self) -> Iterator[Command]:
        nodes = {"[SOURce:]": None, "SOURce1:": 1, "SOURce2:": 2, "SOURce3:": 3}
        for node, number in nodes.items():
            for name, unit in _UNITS.items():
                yield from quantity_commands(
                    f"{node}{name}",
                    unit,
                    partial(self._quantity, number, name),
                    partial(self._program, number, name),
                )

    def _quantity(self, number: int | None, name: str) -> Quantity:
        return self._channel(number).quantity(name)

    def _program(self, number: int | None, name: str, given: float | str) -> None:
        number = number or self._chosen
        channel = self._channel(number)
        value = channel.quantity(name).resolve(given)
        channel.quantity(name).program(value)
        if name == "VOLTage" and channel.tracks:
            # The one follows the other's set point, not its output.
            self._channel(TRACKING[2 - number]).voltage.program(value)

    # OUTPut and its protections, where the channel is a parameter.

    def _outputs(self) -> Iterator[Command]:
        switch = (Which(otherwise=Boolean()), Boolean(optional=True))
        yield Command(
            "OUTPut[:STATe]",
            set=partial(self._leading, self._switch),
            params=switch,
            query=lambda which: on_off(self._channel(which).stage.on),
            query_params=_ASKED,
        )
        for header in ("OUTPut:MODE", "OUTPut:CVCC"):
            yield Command(
                header,
                query=lambda which: _MODES.get(self._channel(which).stage.regulation(), "UR"),
                query_params=_ASKED,
            )
        yield Command(
            "OUTPut:TRACk[:STATe]",
            set=partial(self._leading, self._track),
            params=switch,
            query=self._tracks,
            query_params=_ASKED,
        )
        # The DP832 has no sense terminals, and no timer that this twin would run.
        yield Command("OUTPut:SENSe", query=lambda which: "NONE", query_params=_ASKED)
        yield Command("OUTPut:TIMEr[:STATe]", query=lambda which: "OFF", query_params=_ASKED)

    def _protections(self) -> Iterator[Command]:
        for node, name in (("OUTPut:OVP", "VOLTage"), ("OUTPut:OCP", "CURRent")):
            level = Level(unit=_UNITS[name], words=("MIN", "MAX"))
            yield Command(
                f"{node}[:STATe]",
                set=partial(self._leading, partial(self._protect_on, name)),
                params=(Which(otherwise=Boolean()), Boolean(optional=True)),
                query=partial(self._protected, name),
                query_params=_ASKED,
            )
            yield Command(
                f"{node}:VALue",
                set=partial(self._leading, partial(self._protect, name)),
                params=(
                    Which(otherwise=level),
                    Level(unit=level.unit, words=level.words, optional=True),
                ),
                query=partial(self._ask_threshold, name),
                query_params=(Which(otherwise=Bound(), optional=True), Bound()),
            )
            for leaf in ("QUES", "ALAR"):
                yield Command(
                    f"{node}:{leaf}", query=partial(self._tripped, name), query_params=_ASKED
                )
            yield Command(f"{node}:CLEar", set=partial(self._forget_trip, name), params=_ASKED)

    def _leading(
        self, act: Callable[[Outlet | None, object], None], first: object, second: object
    ) -> None:
        """Do what has a channel in front that may be left out."""
        if not isinstance(first, Outlet):
            if second is not None:
                raise ScpiError(-108)
            act(None, first)
        elif second is None:
            raise ScpiError(-109)
        else:
            act(first, second)

    def _switch(self, which: Outlet | None, on: object) -> None:
        channels = [self._channel(which)]
        if self.panel["SYSTem:ONOFFSync"]:
            channels = list(self.channels)
        if on and any(channel.stage.trips for channel in channels):
            raise ScpiError(-221)
        for channel in channels:
            channel.stage.switch(bool(on))

    def _track(self, which: Outlet | None, on: object) -> None:
        channel = self._channel(which)
        if channel.rating is CHANNELS[2]:
            raise ScpiError(-221)
        channel.tracks = bool(on)
        if self.panel["SYSTem:TRACKMode"] == "SYNC":
            for number in TRACKING:
                self._channel(number).tracks = bool(on)

    def _tracks(self, which: Outlet | None) -> str:
        channel = self._channel(which)
        return "NONE" if channel.rating is CHANNELS[2] else on_off(channel.tracks)

    def _protect_on(self, name: str, which: Outlet | None, on: object) -> None:
        self._channel(which).quantity(name).protect_on(bool(on))

    def _protected(self, name: str, which: Outlet | None) -> str:
        return on_off(self._channel(which).quantity(name).guard.enabled)

    def _protect(self, name: str, which: Outlet | None, level: object) -> None:
        assert isinstance(level, float | str)  # The parameter reads nothing else.
        self._channel(which).quantity(name).protect(level)

    def _ask_threshold(self, name: str, first: Outlet | str | None, bound: str | None) -> str:
        which = None if isinstance(first, str) else first
        bound = first if isinstance(first, str) else bound
        return threshold(self._channel(which).quantity(name), bound)

    def _tripped(self, name: str, which: Outlet | None) -> str:
        return yes_no(self._channel(which).quantity(name).tripped)

    def _forget_trip(self, name: str, which: Outlet | None) -> None:
        stage = self._channel(which).stage
        self._channel(which).quantity(name).forget_trip()
        # It cools by itself; nothing in the guide acknowledges that.
        if Trip.OVER_TEMPERATURE not in stage.causes:
            stage.trips.discard(Trip.OVER_TEMPERATURE)

    # What is measured, which channel is meant.

    def _measurements(self) -> Iterator[Command]:
        def command(header: str, show: Callable[[float, float, float], str]) -> Command:
            return Command(
                header,
                query=lambda which: show(*self._channel(which).stage.measure()),
                query_params=_ASKED,
            )

        yield command("MEASure[:VOLTage][:DC]", lambda v, a, w: _digits(v, 4))
        yield command("MEASure:CURRent[:DC]", lambda v, a, w: _digits(a, 4))
        yield command("MEASure:POWEr[:DC]", lambda v, a, w: _digits(w, 3))
        yield command(
            "MEASure:ALL[:DC]",
            lambda v, a, w: f"{_digits(v, 4)},{_digits(a, 4)},{_digits(w, 3)}",
        )

    def _channel(self, which: Outlet | int | None) -> Channel:
        number = which.number if isinstance(which, Outlet) else which
        return self.channels[(number or self._chosen) - 1]

    def _selection(self) -> Iterator[Command]:
        def select(number: float) -> None:
            self._chosen = round(number)

        # The guide prints SELEct; clients send SELect too.
        for leaf in ("[:SELEct]", ":SELect"):
            yield Command(
                f"INSTrument{leaf}",
                set=lambda which: select(which.number),
                params=(Which(),),
                query=lambda: f"CH{self._chosen}",
            )
        yield Command(
            "INSTrument:NSELect",
            set=select,
            params=(Number(low=1, high=3),),
            query=lambda: str(self._chosen),
        )
        volts, amperes = (Level(unit=unit, optional=True) for unit in "VA")
        yield Command(
            "APPLy",
            set=self._apply,
            params=(Which(otherwise=Level(unit="V")), volts, amperes),
            query=self._applied,
            query_params=(
                Which(optional=True),
                Choice(of=("VOLTage", "CURRent"), optional=True),
            ),
        )

    def _apply(self, *given: Outlet | float | str | None) -> None:
        number, levels = self._chosen, given[:2]
        if isinstance(given[0], Outlet):
            number, levels = given[0].number, given[1:]
        elif given[2] is not None:
            raise ScpiError(-108)
        channel = self._channel(number)
        pairs = list(zip(_UNITS, levels, strict=True))
        # Both are looked at before either is taken.
        for name, level in pairs:
            if isinstance(level, float | str):
                channel.quantity(name).resolve(level)
        self._chosen = number
        for name, level in pairs:
            if isinstance(level, float | str):
                self._program(number, name, level)

    def _applied(self, which: Outlet | None, only: str | None) -> str:
        channel = self._channel(which)
        voltage, current = level_text(channel.voltage.value), level_text(channel.current.value)
        if only is not None:
            return voltage if only == "VOLT" else current
        number = self.channels.index(channel) + 1
        return f"CH{number}:{channel.rating.label},{voltage},{current}"

    # System.

    def _clear_status(self) -> None:
        self.device.status.clear()
        self.device.errors.clear()
        self._status.forget_events()

    def _system(self) -> list[Command]:
        slot = (Number(low=1, high=SLOTS),)
        return [
            Command("*CLS", set=self._clear_status),
            Command("*SAV", set=self._save, params=slot),
            Command("*RCL", set=self._recall, params=slot),
            Command("*TRG", set=self._trigger),
            Command("INITiate", set=self._initiate),
        ]

    def _save(self, slot: float) -> None:
        self._slots[round(slot)] = tuple(channel.kept() for channel in self.channels)

    def _recall(self, slot: float) -> None:
        if round(slot) not in self._slots:
            raise ScpiError(-200)
        for channel, kept in zip(self.channels, self._slots[round(slot)], strict=True):
            channel.recall(kept)

    def _initiate(self) -> None:
        if self.panel["TRIGger[:SEQuence]:SOURce"] == "IMM":
            self._trigger()

    def _trigger(self) -> None:
        coupled = self.panel["INSTrument:COUPle[:TRIGger]"] == "ALL"
        for channel in self.channels if coupled else [self._channel(None)]:
            channel.voltage.program(channel.voltage.triggered)
            channel.current.program(channel.current.triggered)

    def _reset(self) -> None:
        self._chosen = 1
        self.panel.reset()
        for channel in self.channels:
            channel.stage.switch(False)
            channel.stage.trips &= channel.stage.causes
            channel.tracks = False
            channel.voltage.reset()
            channel.current.reset()


def _digits(value: float, decimals: int) -> str:
    # Adding 0 makes a negative zero a plain one.
    return f"{round(value, decimals) + 0.0:.{decimals}f}"
