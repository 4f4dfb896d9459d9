"""GEN, the native language of TDK-Lambda's GENESYS supplies on RS-232, RS-485 and USB.

Lines ended by a carriage return; every one is answered, a set by OK or by an error: E and a number
for what the settings or a fault do not allow, C and a number for what is no command.
Source: GENESYS 750 W, 2.4 kW and 5 kW manuals, chapter 7 (commands, errors, registers, checksum,
backspace); G30-170 manual section 5.9 (no other command before ADR was answered; line feeds are
ignored); 16-bit words of the G+ as in the G+1U 5 kW manual, tables 6-7 and 6-8.
Not modelled: service requests (a line that comes unasked), the single-byte messages of the
multi-drop option, parallel operation. Unverified: that the G+ shows its words in four digits, and
UVP, which is here what SCPI calls VOLTage:PROTection:LOW.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from instruments.protocols import Regulation
from instruments.twins.genesys_core import BOUNDS, RATINGS, Genesys
from instruments.twins.tdk_supply import OVP_BELOW_PV, PV_ABOVE_OVP, RefusedByRule
from instruments.twins.twin import Fault, Twin

ILLEGAL, MISSING, BAD, CHECKSUM, RANGE = "C01", "C02", "C03", "C04", "C05"
END, LINE_FEED, BACKSPACE, REPEAT = 13, 10, 8, "\\"
LONGEST_VALUE = 12
LONGEST_LINE = 256  # chosen
SWITCH: Mapping[str, bool] = {"1": True, "ON": True, "0": False, "OFF": False}
CONTROL: Mapping[str, str] = {name: name for name in ("LOC", "REM", "LLO")} | {
    "0": "LOC",
    "1": "REM",
    "2": "LLO",
}
FILTERS_HZ = (18, 23, 46)
# Settable above the rating by as much.
EXCESS = 1.05

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(E[+-]?\d+)?")
_T = TypeVar("_T")


class Refusal(Exception):
    """A line that is answered by this error."""


@dataclass(frozen=True, slots=True)
class Spelled:
    """A number as a client wrote it, which is how it is read back."""

    text: str
    value: float


class GenLanguage:
    """The commands and registers of one supply; a conversation brings the lines."""

    def __init__(self, genesys: Genesys, *, who: Callable[[], str]) -> None:
        self._genesys, self._who = genesys, who
        self._supply, self._stage = genesys.supply, genesys.stage
        self._spelled: dict[str, Spelled] = {}
        self._filter_hz = FILTERS_HZ[0]
        self._enables = {"FENA": 0, "SENA": 0}
        self._events = {"FENA": 0, "SENA": 0}
        self._before = {"FENA": 0, "SENA": 0}
        self._queries = self._all_queries()
        self._plain = self._all_plain()
        self._sets = self._all_sets()

    @property
    def address(self) -> int:
        """The number by which the supply is called on its line."""
        return self._genesys.address

    def refresh(self) -> None:
        """Latch enabled conditions that have come up."""
        words = {"FENA": self._genesys.fault_word(), "SENA": self._genesys.status_word()}
        for name, word in words.items():
            self._events[name] |= word & ~self._before[name] & self._enables[name]
        self._before = words

    def obey(self, line: str) -> str:
        """The answer to a line; empty for those that go to every supply on the line."""
        name, _, argument = line.strip().upper().partition(" ")
        try:
            return self._answer(name, argument.strip())
        except Refusal as refusal:
            return str(refusal)
        except RefusedByRule as rule:
            return f"E{rule.number:02}"

    def _answer(self, name: str, argument: str) -> str:
        if not name:
            return "OK"
        if name in self._queries:
            return self._queries[name]()
        if name in self._plain:
            if argument and name not in {"SAV", "RCL"}:
                raise Refusal(BAD)
            self._genesys.take_remote()
            self._plain[name]()
            return "OK"
        if name in self._sets:
            if not argument:
                raise Refusal(MISSING)
            if name not in {"RMT", "FENA", "SENA"}:
                self._genesys.take_remote()
            self._sets[name](argument)
            self._stage.supervise()
            return "OK"
        if name[:1] == "G" and name[1:] in {"PV", "PC", "OUT", "RST", "SAV", "RCL"}:
            # To all supplies: obeyed, and answered by none, not even if it is wrong.
            self.obey(f"{name[1:]} {argument}")
            return ""
        raise Refusal(ILLEGAL)

    # Tables.

    def _all_queries(self) -> Mapping[str, Callable[[], str]]:
        genesys, supply, stage = self._genesys, self._supply, self._stage
        return {
            "RMT?": lambda: genesys.control,
            "MDAV?": lambda: "0",
            "MS?": lambda: "1",
            "IDN?": self._identity,
            "REV?": lambda: "G:01.000",
            "SN?": lambda: genesys.serial[:12],
            "DATE?": lambda: genesys.test_date,
            "PV?": lambda: self._show("PV", stage.voltage_v),
            "MV?": lambda: _digits(genesys.read()[0]),
            "PC?": lambda: self._show("PC", stage.current_a),
            "MC?": lambda: _digits(genesys.read()[1]),
            "DVC?": self._display,
            "STT?": self._status,
            "FILTER?": lambda: str(self._filter_hz),
            "OUT?": lambda: _word(stage.on),
            "FLD?": lambda: _word(stage.foldback is not None),
            "FBD?": lambda: str(round(supply.added_delay_s * 10)),
            "OVP?": lambda: self._show("OVP", supply.ovp_v),
            "UVL?": lambda: self._show("UVL", supply.uvl_v),
            "UVP?": lambda: self._show("UVP", supply.uvp_v),
            "AST?": lambda: _word(supply.auto_start),
            "MODE?": genesys.mode,
            "FLT?": lambda: f"{genesys.fault_word():04X}",
            "STAT?": lambda: f"{genesys.status_word():04X}",
            "FENA?": lambda: f"{self._enables['FENA']:04X}",
            "SENA?": lambda: f"{self._enables['SENA']:04X}",
            "FEVE?": lambda: self._take_event("FENA"),
            "SEVE?": lambda: self._take_event("SENA"),
        }

    def _all_plain(self) -> Mapping[str, Callable[[], None]]:
        supply = self._supply
        return {
            "CLS": self._clear,
            "RST": self._reset,
            "FBDRST": lambda: supply.add_delay(0.0),
            "OVM": lambda: supply.set_ovp(BOUNDS.ovp_v_max),
            "SAV": lambda: supply.save(0),
            "RCL": lambda: supply.recall(0),
        }

    def _all_sets(self) -> Mapping[str, Callable[[str], None]]:
        supply = self._supply
        return {
            "RMT": lambda text: self._genesys.set_control(_one_of(CONTROL, text)),
            "PV": self._set_voltage,
            "PC": self._set_current,
            "OVP": self._set_ovp,
            "UVL": self._set_uvl,
            "UVP": self._set_uvp,
            "OUT": self._set_output,
            "FLD": self._set_foldback,
            "FBD": lambda text: supply.add_delay(_whole(text, 0, 255) / 10),
            "AST": lambda text: setattr(supply, "auto_start", _one_of(SWITCH, text)),
            "FILTER": self._set_filter,
            "FENA": lambda text: self._set_enable("FENA", text),
            "SENA": lambda text: self._set_enable("SENA", text),
        }

    # Set commands.

    def _set_voltage(self, text: str) -> None:
        value = _number(text)
        if value > EXCESS * RATINGS.voltage_v:
            raise RefusedByRule(PV_ABOVE_OVP)
        self._supply.set_voltage(value)
        self._spelled["PV"] = Spelled(text, self._stage.voltage_v)

    def _set_current(self, text: str) -> None:
        self._supply.set_current(_number(text, EXCESS * RATINGS.current_a))
        self._spelled["PC"] = Spelled(text, self._stage.current_a)

    def _set_ovp(self, text: str) -> None:
        value = _number(text, BOUNDS.ovp_v_max)
        if value < BOUNDS.ovp_v_min:
            raise RefusedByRule(OVP_BELOW_PV)
        self._supply.set_ovp(value)
        self._spelled["OVP"] = Spelled(text, self._supply.ovp_v)

    def _set_uvl(self, text: str) -> None:
        self._supply.set_uvl(_number(text, BOUNDS.uvl_v_max))
        self._spelled["UVL"] = Spelled(text, self._supply.uvl_v)

    def _set_uvp(self, text: str) -> None:
        value = _number(text, BOUNDS.uvl_v_max)
        self._supply.set_uvp(value, enabled=value > 0.0)
        self._spelled["UVP"] = Spelled(text, self._supply.uvp_v)

    def _set_output(self, text: str) -> None:
        on = _one_of(SWITCH, text)
        if on:
            # The manual: OUT 1 recovers from over-voltage and foldback.
            self._supply.clear_protections(restore=False)
        self._supply.switch(on)

    def _set_foldback(self, text: str) -> None:
        self._supply.set_foldback(Regulation.CC if _one_of(SWITCH, text) else None)

    def _set_filter(self, text: str) -> None:
        hertz = _whole(text, FILTERS_HZ[0], FILTERS_HZ[-1])
        if hertz not in FILTERS_HZ:
            raise Refusal(BAD)
        self._filter_hz = hertz

    def _set_enable(self, name: str, text: str) -> None:
        try:
            mask = int(text, 16)
        except ValueError:
            raise Refusal(BAD) from None
        if not 0 <= mask <= 0xFFFF:
            raise Refusal(RANGE)
        self._enables[name] = mask

    def _clear(self) -> None:
        self._events = dict.fromkeys(self._events, 0)

    def _reset(self) -> None:
        self._genesys.reset()
        self._spelled.clear()

    # Queries.

    def _identity(self) -> str:
        maker, model, *_ = self._who().split(",")
        return f"{maker.removeprefix('TDK-')},{model}"

    def _show(self, name: str, value: float) -> str:
        """A setting as it was last written, or in digits if it has become another since."""
        spelled = self._spelled.get(name)
        return spelled.text if spelled and spelled.value == value else _digits(value)

    def _display(self) -> str:
        supply, stage = self._supply, self._stage
        voltage_v, current_a, _ = self._genesys.read()
        fields = voltage_v, stage.voltage_v, current_a, stage.current_a, supply.ovp_v, supply.uvl_v
        return ",".join(_digits(field) for field in fields)

    def _status(self) -> str:
        genesys, stage = self._genesys, self._stage
        voltage_v, current_a, _ = genesys.read()
        return (
            f"MV({_digits(voltage_v)}),PV({_digits(stage.voltage_v)}),"
            f"MC({_digits(current_a)}),PC({_digits(stage.current_a)}),"
            f"SR({genesys.status_word():04X}),FR({genesys.fault_word():04X})"
        )

    def _take_event(self, name: str) -> str:
        event, self._events[name] = self._events[name], 0
        return f"{event:04X}"


class GenConversation:
    """One client's line to a supply: bytes into lines, checksums, and whom a line is for."""

    def __init__(self, twin: Twin, language: GenLanguage) -> None:
        self._twin = twin
        self._language = language
        self._line = bytearray()
        self._last = ""
        self._called = False
        self._before = b""

    def receive(self, data: bytes) -> bytes:
        """Obey every line that is complete and give their answers in order."""
        if self._twin.fault in {Fault.SILENT, Fault.LOST}:
            self._twin.supervise()
            return b""
        answers = b""
        for byte in data:
            if byte == END:
                line, self._line = self._line.decode("latin-1"), bytearray()
                self._twin.before_message()
                answers += self._obey(line)
            elif byte == BACKSPACE:
                del self._line[-1:]
            elif byte != LINE_FEED and len(self._line) < LONGEST_LINE:
                self._line.append(byte)
        return self._through_fault(answers)

    def interrupted(self) -> None:
        """A serial line knows nothing of answers thrown away."""

    def unterminated(self) -> None:
        """A serial line knows nothing of clients that wait."""

    def _obey(self, line: str) -> bytes:
        if line.strip() == REPEAT:
            line = self._last
        self._last = line
        text, dollar, checksum = line.partition("$")
        answer = CHECKSUM if dollar and checksum.upper() != _checksum(text) else None
        words = text.upper().split()
        if answer is None and words[:1] == ["ADR"]:
            answer = self._call(words[1:])
        elif not self._called:
            return b""
        elif answer is None:
            answer = self._language.obey(text)
        if not answer:
            return b""
        return (answer + ("$" + _checksum(answer) if dollar else "") + "\r").encode("latin-1")

    def _call(self, words: list[str]) -> str:
        """Whom the next lines are for; the supply that is called answers."""
        try:
            address = int("".join(words))
        except ValueError:
            return (BAD if words else MISSING) if self._called else ""
        self._called = address == self._language.address
        return "OK" if self._called else ""

    def _through_fault(self, answers: bytes) -> bytes:
        if not answers:
            return b""
        before, self._before = self._before, answers
        match self._twin.fault:
            case Fault.MUTE:
                return b""
            case Fault.GARBAGE:
                return self._twin.junk()[:-1] + b"\r"
            case Fault.WRONG_ORDER:
                return before or answers
            case _:
                return answers


def _checksum(text: str) -> str:
    return f"{sum(text.encode('latin-1')) & 0xFF:02X}"


def _digits(value: float) -> str:
    """Five digits, as the manual shows for a model of two digits before the point."""
    return f"{value:06.3f}"


def _word(state: bool) -> str:
    return "ON" if state else "OFF"


def _number(text: str, high: float = math.inf) -> float:
    if len(text) > LONGEST_VALUE or _NUMBER.fullmatch(text) is None:
        raise Refusal(BAD)
    value = float(text)
    if not 0.0 <= value <= high:
        raise Refusal(RANGE)
    return value


def _whole(text: str, low: int, high: int) -> int:
    value = _number(text, float(high))
    if not value.is_integer() or value < low:
        raise Refusal(RANGE)
    return int(value)


def _one_of(words: Mapping[str, _T], text: str) -> _T:
    try:
        return words[text]
    except KeyError:
        raise Refusal(BAD) from None
