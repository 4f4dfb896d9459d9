"""What the Keysight RP7935A keeps when it is told to: headers, ranges, reset values.

Optional nodes as the Operating and Service Guide of the RP7900 series prints them; each command
takes the channel list ``(@1)`` of the makers' multiple-output supplies. What a setting does is the
twin's. Lists, arbitrary waveforms and the output resistance are not modelled and are refused.
"""

from dataclasses import dataclass

from instruments.scpi import Boolean, ChannelList, Command, Number
from instruments.twins.kept import Kept

RATED_V, RATED_A, RATED_W = 80.0, 250.0, 10_000.0
# The guide: set points go to 102 % of the rating, over-voltage protection to 120 %.
HIGH_V, HIGH_A, HIGH_OVP_V = 81.6, 255.0, 96.0
STEP_V, STEP_A, STEP_S = 0.001, 0.01, 0.00002048  # Both first: chosen.
INFINITE = 9.9e37

SWITCH = Boolean()
CHANNELS = (ChannelList(of=frozenset({1}), optional=True),)
PIN_COUNT = 7

_VOLTS = Number(unit="V", low=0.0, high=HIGH_V, default=0.0)
_AMPERES = Number(unit="A", low=-HIGH_A, high=HIGH_A, default=0.0)
_OVP = Number(unit="V", low=0.0, high=HIGH_OVP_V, default=HIGH_OVP_V)
# Chosen: 1 % of the rating, in both directions, after a reset.
_SOURCED = Number(unit="A", low=0.0, high=HIGH_A, default=2.5)
_SUNK = Number(unit="A", low=-HIGH_A, high=0.0, default=-2.5)
_LIMIT = Number(unit="V", low=0.0, high=HIGH_V, default=0.8)


@dataclass(frozen=True, slots=True)
class Rate:
    """A slew in units a second, or INFinity."""

    low: float = 1e-3  # chosen
    high: float = INFINITE
    optional: bool = False

    def parse(self, token: str) -> float:
        """Read the rate."""
        if token.upper() in {"INF", "INFINITY"}:
            return self.high
        return self.number.parse(token)

    @property
    def number(self) -> Number:
        """The same range, for what MIN and MAX stand for."""
        return Number(low=self.low, high=self.high, default=self.high)


def nr3(value: float) -> str:
    """A number as this instrument writes it: ``+2.40000000E+01``."""
    return f"{value:+.8E}"


def nr1(value: float) -> str:
    """A whole number."""
    return f"{value:.0f}"


def level_commands(kept: Kept) -> list[Command]:
    """Set points of both priorities, their limits, their slews."""
    amplitude = "[:LEVel][:IMMediate][:AMPLitude]"
    return [
        kept.keep_number(f"[SOURce:]VOLTage{amplitude}", "volts", _VOLTS, step=STEP_V),
        kept.keep_number(f"[SOURce:]CURRent{amplitude}", "amperes", _AMPERES, step=STEP_A),
        kept.keep_number(
            "[SOURce:]CURRent:LIMit[:POSitive][:IMMediate][:AMPLitude]",
            "sourced",
            _SOURCED,
            step=STEP_A,
        ),
        kept.keep_number(
            "[SOURce:]CURRent:LIMit:NEGative[:IMMediate][:AMPLitude]", "sunk", _SUNK, step=STEP_A
        ),
        kept.keep_number(
            "[SOURce:]VOLTage:LIMit[:POSitive][:IMMediate][:AMPLitude]",
            "volts high",
            _LIMIT,
            step=STEP_V,
        ),
        kept.keep_number(
            "[SOURce:]VOLTage:LIMit:LOW[:IMMediate][:AMPLitude]", "volts low", _VOLTS, step=STEP_V
        ),
        _rate(kept, "[SOURce:]VOLTage:SLEW[:IMMediate]", "volts slew"),
        _rate(kept, "[SOURce:]CURRent:SLEW[:IMMediate]", "amperes slew"),
        kept.keep_flag("[SOURce:]VOLTage:SLEW:MAXimum", "volts slew maximum", default=True),
        kept.keep_flag("[SOURce:]CURRent:SLEW:MAXimum", "amperes slew maximum", default=True),
        kept.keep_number(
            "[SOURce:]VOLTage:RESistance[:LEVel][:IMMediate][:AMPLitude]",
            "resistance",
            Number(unit="OHM", low=0.0, high=0.0, default=0.0),
        ),
        Command("[SOURce:]POWer:LIMit", query=lambda *_: nr3(RATED_W), query_params=CHANNELS),
    ]


def _rate(kept: Kept, header: str, name: str) -> Command:
    rate = Rate()
    declared = kept.keep_number(header, name, rate.number)
    return Command(
        header,
        set=declared.set,
        query=declared.query,
        params=(rate, *CHANNELS),
        query_params=declared.query_params,
    )


def protection_commands(kept: Kept) -> list[Command]:
    """Over-voltage, under-voltage, over-current at the limit, watchdog, inhibit."""
    under = "[SOURce:]VOLTage:PROTection:LOW"
    return [
        kept.keep_number("[SOURce:]VOLTage:PROTection[:LEVel]", "ovp", _OVP, step=STEP_V),
        kept.keep_number(f"{under}[:LEVel]", "uvp", _VOLTS, step=STEP_V),
        kept.keep_number(
            f"{under}:DELay",
            "uvp delay",
            Number(unit="S", low=STEP_S, high=2611.0, default=STEP_S),
        ),
        kept.keep_flag(f"{under}:STATe", "uvp on"),
        kept.keep_flag("[SOURce:]CURRent:PROTection:STATe", "ocp on"),
        kept.keep_number(
            "[SOURce:]CURRent:PROTection:DELay[:TIME]",
            "ocp delay",
            Number(unit="S", low=0.0, high=0.255, default=0.02),
        ),
        kept.keep_choice(
            "[SOURce:]CURRent:PROTection:DELay:STARt", "ocp start", ("SCHange", "CCTRans")
        ),
        kept.keep_flag("OUTPut:PROTection:WDOG[:STATe]", "watchdog on"),
        kept.keep_number(
            "OUTPut:PROTection:WDOG:DELay",
            "watchdog",
            Number(unit="S", low=1.0, high=3600.0, default=60.0),
            step=1.0,
            show=nr1,
        ),
        Command(
            "OUTPut:PROTection:TEMPerature:MARGin", query=lambda *_: nr3(40.0)
        ),  # chosen: a cool instrument
        kept.keep_choice("OUTPut:INHibit:MODE", "inhibit mode", ("OFF", "LATChing", "LIVE")),
    ]


def output_commands(kept: Kept) -> list[Command]:
    """What belongs to the output and its connector, without effect on the terminals here."""
    seconds = Number(unit="S", low=0.0, high=1023.0, default=0.0)
    commands = [
        kept.keep_number("OUTPut:DELay:RISE", "rise delay", seconds),
        kept.keep_number("OUTPut:DELay:FALL", "fall delay", seconds),
        kept.keep_flag("OUTPut[:STATe]:COUPle[:STATe]", "coupled"),
        kept.keep_choice("OUTPut:PON:STATe", "power on", ("RST", "RCL0")),
        kept.keep_flag("OUTPut:RELay:LOCK[:STATe]", "relay locked"),
        kept.keep_flag("DISPlay[:WINDow][:STATe]", "display", default=True),
        kept.keep_flag("LXI:IDENtify[:STATe]", "identify"),
        kept.keep_choice(
            "SYSTem:COMMunicate:RLSTate", "remote state", ("LOCal", "REMote", "RWLock")
        ),
    ]
    functions = ("DINPut", "DIO", "FAULt", "INHibit", "OFFCouple", "ONCouple", "TINPut", "TOUTput")
    for pin in range(1, PIN_COUNT + 1):
        header = f"DIGital:PIN{pin}"
        commands += [
            kept.keep_choice(f"{header}:FUNCtion", f"pin {pin}", functions),
            kept.keep_choice(f"{header}:POLarity", f"pin {pin} polarity", ("POSitive", "NEGative")),
        ]
    return commands


def measurement_settings(kept: Kept) -> list[Command]:
    """How it samples; every reading here is the mean of one window of direct current."""
    return [
        kept.keep_flag("SENSe:FUNCtion:VOLTage", "senses volts", default=True),
        kept.keep_flag("SENSe:FUNCtion:CURRent", "senses amperes", default=True),
        kept.keep_number(
            "SENSe:SWEep:POINts",
            "points",
            Number(low=1.0, high=524_288.0, default=3255.0),
            step=1.0,
            show=nr1,
        ),
        kept.keep_number(
            "SENSe:SWEep:TINTerval",
            "interval",
            Number(unit="S", low=0.00000512, high=40_000.0, default=0.00000512),
        ),
        kept.keep_number("SENSe:SWEep:NPLCycles", "cycles", Number(low=0.0, high=1e6, default=1.0)),
        kept.keep_choice("SENSe:WINDow[:TYPE]", "window", ("RECTangular", "HANNing")),
    ]


def transient_settings(kept: Kept) -> list[Command]:
    """Triggered levels; of the transients, the step."""
    return [
        kept.keep_choice("[SOURce:]VOLTage:MODE", "volts mode", ("FIXed", "STEP")),
        kept.keep_choice("[SOURce:]CURRent:MODE", "amperes mode", ("FIXed", "STEP")),
        kept.keep_number(
            "[SOURce:]VOLTage[:LEVel]:TRIGgered[:AMPLitude]", "volts step", _VOLTS, step=STEP_V
        ),
        kept.keep_number(
            "[SOURce:]CURRent[:LEVel]:TRIGgered[:AMPLitude]", "amperes step", _AMPERES, step=STEP_A
        ),
        kept.keep_flag("[SOURce:]STEP:TOUTput", "step triggers"),
        kept.keep_choice("TRIGger:TRANsient:SOURce", "transient source", ("BUS", "IMMediate")),
        kept.keep_choice("TRIGger:ACQuire:SOURce", "acquire source", ("BUS", "TRANsient")),
        kept.keep_flag("INITiate:CONTinuous:TRANsient", "transient continuous"),
    ]
