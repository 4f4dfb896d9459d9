"""What the DP832's panel keeps, and its status: nothing of it reaches a terminal.

Programs that would move outputs by themselves can be asked for, not started: see `dp832.py`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from instruments.protocols import Regulation, Trip
from instruments.scpi import (
    Boolean,
    Choice,
    Command,
    Number,
    Parameter,
    Register,
    ScpiError,
    Status,
)
from instruments.twins.dp832_parts import Channel, on_off

CC_BIT, CV_BIT, OVP_BIT, OCP_BIT = 1, 2, 4, 8
OVER_TEMPERATURE_BIT, CHANNELS_BIT = 1 << 4, 1 << 13


class Panel:
    """Settings that are kept and answered and reach no terminal."""

    _BOOLEANS = {
        "SYSTem:BEEPer[:STATe]": True,
        "SYSTem:KLOCk[:STATe]": False,
        "SYSTem:LOCK": False,
        "SYSTem:OTP": True,
        "SYSTem:SAVer": False,
        "SYSTem:ONOFFSync": False,
        "DISPlay[:WINDow][:STATe]": True,
    }
    _CHOICES = {
        "SYSTem:POWEron": (("DEFault", "LAST"), "DEF"),
        "SYSTem:TRACKMode": (("SYNC", "INDE"), "SYNC"),
        "DISPlay:MODE": (("NORMal", "WAVE", "DIAL", "CLAssic"), "NORM"),
        "TIMEr:ENDState": (("OFF", "LAST"), "OFF"),
        "DELAY:ENDState": (("ON", "OFF", "LAST"), "OFF"),
        "INSTrument:COUPle[:TRIGger]": (("ALL", "NONE"), "NONE"),
        "TRIGger[:SEQuence]:SOURce": (("BUS", "IMMediate"), "BUS"),
    }
    _NUMBERS = {
        "SYSTem:BRIGhtness": (1.0, 100.0, 50.0),
        "SYSTem:CONTrast": (1.0, 100.0, 25.0),
        "SYSTem:RGBBrightness": (1.0, 100.0, 50.0),
        "TIMEr:GROUPs": (1.0, 2048.0, 1.0),
        "DELAY:GROUPs": (1.0, 2048.0, 1.0),
        "TRIGger[:SEQuence]:DELay": (0.0, 3600.0, 0.0),
    }
    # Programs that would move the outputs by themselves: they can be asked for, not started.
    _PROGRAMS = ("TIMEr", "DELAY", "MONItor", "RECorder", "ANALyzer")

    def __init__(self) -> None:
        self._kept: dict[str, object] = {}
        self.reset()

    def __getitem__(self, header: str) -> object:
        """What is kept under this header."""
        return self._kept[header]

    def reset(self) -> None:
        """As delivered."""
        self._kept = dict(self._BOOLEANS)
        self._kept |= {header: default for header, (_, default) in self._CHOICES.items()}
        self._kept |= {header: default for header, (*_, default) in self._NUMBERS.items()}

    def commands(self) -> Iterable[Command]:
        """A command for each."""
        for header in self._BOOLEANS:
            yield self._command(header, Boolean(), on_off)
        for header, (words, _) in self._CHOICES.items():
            yield self._command(header, Choice(of=words), str)
        for header, (low, high, default) in self._NUMBERS.items():
            number = Number(low=low, high=high, default=default)
            yield self._command(header, number, lambda value: f"{value:.0f}")
        for header in self._PROGRAMS:
            yield Command(
                f"{header}[:STATe]",
                set=_refuse_to_start,
                params=(Boolean(),),
                query=lambda: "OFF",
            )
        for header in ("TIMEr:CYCLEs", "DELAY:CYCLEs"):
            yield Command(header, query=lambda: "N,1")
        yield Command("DELAY:STOP", query=lambda: "NONE")
        # The panel's lock is all that changes: outputs stay as they are.
        for mode in ("REMote", "LOCal", "RWLock", "BEEPer:IMMediate"):
            yield Command(f"SYSTem:{mode}", set=lambda: None)
        yield Command("SYSTem:SELF:TEST:BOARD", query=lambda: "PASS,PASS")
        yield Command("SYSTem:SELF:TEST:FAN", query=lambda: "PASS")
        yield Command("SYSTem:SELF:TEST:TEMP", query=lambda: "30.0")
        yield Command("*TST", query=lambda: "TopBoard:PASS,BottomBoard:PASS,Fan:PASS")
        yield Command("*OPT", query=lambda: "DP8-ACCURACY")

    def _command(self, header: str, parameter: Parameter, show: Callable[[object], str]) -> Command:
        def store(value: object) -> None:
            self._kept[header] = value

        return Command(
            header, set=store, params=(parameter,), query=lambda: show(self._kept[header])
        )


def _refuse_to_start(on: bool) -> None:
    if on:
        raise ScpiError(-221)


class ChannelStatus:
    """The questionable status of each channel, of all channels, and of the instrument."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._channels = channels
        self._all = Register()
        self._status = Status()

    def of(self, status: Status) -> None:
        """Sum up into this status from now on."""
        self._status = status

    def commands(self) -> Iterator[Command]:
        """The tree of channels below the questionable status."""
        registers = {"": self._all}
        for number, channel in enumerate(self._channels, start=1):
            registers[f":ISUMmary{number}"] = channel.summary
        for node, register in registers.items():
            header = f"STATus:QUEStionable:INSTrument{node}"
            yield Command(f"{header}[:EVENt]", query=partial(_event, register))
            yield Command(f"{header}:CONDition", query=partial(_condition, register))
            yield Command(
                f"{header}:ENABle",
                set=partial(self._enable, register),
                params=(Number(low=0, high=0x7FFF),),
                query=partial(_enabled, register),
            )

    def _enable(self, register: Register, mask: float) -> None:
        register.enable = round(mask)
        self.refresh()

    def forget_events(self) -> None:
        """What *CLS does to these registers."""
        for register in (self._all, *(channel.summary for channel in self._channels)):
            register.event = 0

    def refresh(self) -> None:
        """Take the conditions of this instant."""
        summaries = 0
        hot = False
        for number, channel in enumerate(self._channels, start=1):
            trips, regulation = channel.stage.trips, channel.stage.regulation()
            channel.summary.update(
                CC_BIT * (regulation is Regulation.CC)
                | CV_BIT * (regulation is Regulation.CV)
                | OVP_BIT * (Trip.OVER_VOLTAGE in trips)
                | OCP_BIT * (Trip.OVER_CURRENT in trips)
            )
            summaries |= channel.summary.summary << number
            hot = hot or Trip.OVER_TEMPERATURE in trips
        self._all.update(summaries)
        self._status.questionable.update(
            OVER_TEMPERATURE_BIT * hot | CHANNELS_BIT * self._all.summary
        )


def _event(register: Register) -> str:
    return str(register.take_event())


def _condition(register: Register) -> str:
    return str(register.condition)


def _enabled(register: Register) -> str:
    return str(register.enable)
