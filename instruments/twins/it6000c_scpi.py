"""What the ITECH IT6010C-80-300 keeps when it is told to: headers, ranges, reset values.

Headers as the IT6000C programming guide has them and public drivers of the series send them.
Levels are in the unit of their name; limits of the sink are negative numbers.
"""

from collections.abc import Callable

from instruments.scpi import Command, Number
from instruments.twins.kept import Kept

RATED_V, RATED_A, RATED_W = 80.0, 300.0, 10_000.0
# Seen on a unit of the series: 101 % of the rated current, 102 % of the rated power.
HIGH_V, HIGH_A, HIGH_W = 80.8, 303.0, 10_200.0
# Current: a user's record of the documented resolution. The others: chosen.
STEP_V, STEP_A, STEP_W = 0.001, 0.01, 1.0
LONGEST_DELAY_S = 60.0

# After a reset 1 % of the rating, as a public driver of this very model notes.
_VOLTS = Number(unit="V", low=0.0, high=HIGH_V, default=0.8)
_SIGNED = Number(unit="A", low=-HIGH_A, high=HIGH_A, default=3.0)
_SOURCED = Number(unit="A", low=0.0, high=HIGH_A, default=3.0)
_SUNK = Number(unit="A", low=-HIGH_A, high=0.0, default=-3.0)
_DELAY = Number(unit="S", low=0.0, high=LONGEST_DELAY_S, default=LONGEST_DELAY_S)

Permit = Callable[[float], None]


def general(value: float) -> str:
    """A number as this instrument writes it, with six digits: ``-2.27251``."""
    return f"{value:g}"


def level_commands(
    kept: Kept, *, in_voltage_priority: Permit, in_current_priority: Permit
) -> dict[str, Command]:
    """Set points and limits by name; a limit can be set in one priority only."""
    node = "[:LEVel][:IMMediate][:AMPLitude]"
    limit = "[:LEVel]:LIMit"
    return {
        "volts": kept.keep_number(f"[SOURce:]VOLTage{node}", "volts", _VOLTS, step=STEP_V),
        "amperes": kept.keep_number(f"[SOURce:]CURRent{node}", "amperes", _SIGNED, step=STEP_A),
        "sourced": kept.keep_number(
            f"[SOURce:]CURRent{limit}[:POSitive]",
            "sourced",
            _SOURCED,
            step=STEP_A,
            permit=in_voltage_priority,
        ),
        "sunk": kept.keep_number(
            f"[SOURce:]CURRent{limit}:NEGative",
            "sunk",
            _SUNK,
            step=STEP_A,
            permit=in_voltage_priority,
        ),
        "volts high": kept.keep_number(
            f"[SOURce:]VOLTage{limit}[:HIGH]",
            "volts high",
            _VOLTS,
            step=STEP_V,
            permit=in_current_priority,
        ),
        "volts low": kept.keep_number(
            f"[SOURce:]VOLTage{limit}:NEGative",
            "volts low",
            Number(unit="V", low=0.0, high=HIGH_V, default=0.0),
            step=STEP_V,
            permit=in_current_priority,
        ),
        "watts": kept.keep_number(
            "[SOURce:]POWer[:LEVel]:LIMit[:POSitive]",
            "watts",
            Number(unit="W", low=0.0, high=HIGH_W, default=RATED_W),
            step=STEP_W,
        ),
        "watts sunk": kept.keep_number(
            "[SOURce:]POWer[:LEVel]:LIMit:NEGative",
            "watts sunk",
            Number(unit="W", low=-HIGH_W, high=0.0, default=-RATED_W),
            step=STEP_W,
        ),
    }


def aliases(levels: dict[str, Command]) -> list[Command]:
    """Second names of limits, as the smaller series of the maker has them."""
    limit = "[SOURce:]VOLTage[:LEVel]:LIMit"
    return [
        _renamed(levels["volts high"], f"{limit}:POSitive"),
        _renamed(levels["volts low"], f"{limit}:LOW"),
    ]


def _renamed(command: Command, header: str) -> Command:
    return Command(
        header,
        set=command.set,
        query=command.query,
        params=command.params,
        query_params=command.query_params,
    )


def slew_commands(kept: Kept) -> list[Command]:
    """Rates in V/ms and A/ms; the header without direction sets both."""
    rate = Number(low=0.001, high=2000.0, default=0.1)
    commands: list[Command] = []
    for quantity, name in (("VOLTage", "volts"), ("CURRent", "amperes")):
        up = kept.keep_number(f"[SOURce:]{quantity}:SLEW:POSitive", f"{name} up", rate)
        down = kept.keep_number(f"[SOURce:]{quantity}:SLEW:NEGative", f"{name} down", rate)
        both = _renamed(up, f"[SOURce:]{quantity}:SLEW[:BOTH]")
        assert up.set is not None  # keep_number declares a setter.
        assert down.set is not None
        commands += [up, down, _setting_both(both, up.set, down.set)]
    return commands


def _setting_both(
    command: Command, first: Callable[..., None], second: Callable[..., None]
) -> Command:
    def store(value: float) -> None:
        first(value)
        second(value)

    return Command(
        command.header,
        set=store,
        query=command.query,
        params=command.params,
        query_params=command.query_params,
    )


def protection_commands(kept: Kept) -> list[Command]:
    """Each with its level, its state and its delay; under-protections with their warm-up."""
    volts = Number(unit="V", low=0.0, high=HIGH_V, default=RATED_V)
    amperes = Number(unit="A", low=-HIGH_A, high=HIGH_A, default=RATED_A)
    watts = Number(unit="W", low=-HIGH_W, high=HIGH_W, default=RATED_W)
    under_volts = Number(unit="V", low=0.0, high=HIGH_V, default=0.0)
    under_amperes = Number(unit="A", low=-HIGH_A, high=HIGH_A, default=0.0)
    commands: list[Command] = []
    for root, name, level, step in (
        ("VOLTage[:OVER]", "ovp", volts, STEP_V),
        ("CURRent[:OVER]", "ocp", amperes, STEP_A),
        ("POWer[:OVER]", "opp", watts, STEP_W),
        ("VOLTage:UNDer", "uvp", under_volts, STEP_V),
        ("CURRent:UNDer", "ucp", under_amperes, STEP_A),
    ):
        header = f"[SOURce:]{root}:PROTection"
        commands += [
            kept.keep_number(f"{header}[:LEVel]", name, level, step=step),
            kept.keep_number(f"{header}:DELay", f"{name} delay", _DELAY),
            kept.keep_flag(f"{header}:STATe", f"{name} on"),
        ]
        if "UNDer" in root:
            commands.append(kept.keep_number(f"{header}:WARM", f"{name} warm-up", _DELAY))
    return [
        *commands,
        kept.keep_flag("OUTPut:PROTection:WDOG[:STATe]", "watchdog on"),
        kept.keep_number(
            "OUTPut:PROTection:WDOG:DELay",
            "watchdog",
            Number(unit="S", low=1.0, high=6000.0, default=30.0),
            step=1.0,
        ),
        kept.keep_choice("OUTPut:INHibit:MODE", "inhibit mode", ("LIVE", "LATChing")),
    ]


def other_commands(kept: Kept) -> list[Command]:
    """Settings without effect on the terminals here; of the functions only the fixed one."""
    delay = Number(unit="S", low=0.0, high=LONGEST_DELAY_S, default=0.0)
    return [
        kept.keep_choice("[SOURce:]FUNCtion:MODE", "function", ("FIXed",), show=lambda _: "FIXed"),
        kept.keep_number("OUTPut:DELay:RISE", "rise delay", delay),
        kept.keep_number("OUTPut:DELay:FALL", "fall delay", delay),
        kept.keep_choice("OUTPut:PON:STATe", "power on", ("RST", "LAST_ON", "LAST_OFF")),
        kept.keep_choice("SYSTem:POSetup", "power-on setup", ("RST", "SAV0")),
        kept.keep_choice("[SOURce:]FILTer:LEVel", "filter", ("FAST", "MEDium", "LOW")),
        kept.keep_choice("FORMat[:DATA]", "format", ("ASCii",)),
        kept.keep_flag("SYSTem:BEEPer[:STATe]", "beeper", default=True),
        kept.keep_flag("SYSTem:VOLTage:RZERo", "zeroes", default=True),
        kept.keep_flag("[SOURce:]REMote:SENSe[:STATe]", "remote sense"),
        kept.keep_flag("SENSe[:REMote][:STATe]", "sense"),
        kept.keep_flag("SINK:RESistance:STATe", "sink resistance"),
        kept.keep_flag("*PSC", "clears status"),
        Command("SYSTem:BEEPer:IMMediate", set=lambda: None),
        Command("OUTPut:REVerse[:STATe]", query=lambda: "0"),
    ]
