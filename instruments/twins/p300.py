"""Twin of an ESPEC temperature chamber with a P-300 controller: lines of text over TCP or serial.

A line is a command with its parameters after commas, or a query with its question mark; sets are
answered ``OK:`` and the line, refusals ``NA:`` and the reason. Sources: the commands, answers and
reasons are those which the maker's own public library (ChamberConnectLibrary, p300 and
especinteract) sends, takes apart and explains; see ``drivers/p300.py`` for what is unverified.
Chosen: a chamber without humidity for -45 to 155 degC, its speed, ROM and type texts, its date.
Not modelled: stored programs, timers, product temperature control: as on a controller without
them, they are refused.
"""

import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from instruments.protocols import Conversation
from instruments.twins.line import LineConversation
from instruments.twins.thermal import Box, ThermalBox, ThermalPort
from instruments.twins.twin import Fault, Readout, Twin

LOWEST_C, HIGHEST_C = -45.0, 155.0
BOX = Box(heating_k_per_min=3.0, cooling_k_per_min=1.5, lag_s=90.0, drift_s=3600.0)
MODES = ("OFF", "STANDBY", "CONSTANT")
_ADDRESS = re.compile(r"\d{1,2}\s*,\s*(?=[A-Z%])")
_LEVEL = re.compile(r"([SHL])\s*(-?\d+(?:\.\d+)?)")
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class _Refused(Exception):
    """Why a line was not obeyed, in the controller's words."""


class P300Twin(Twin):
    """The controller's lines in front of one thermal box."""

    default_port = 10001

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float = 0.1,  # Chosen: about what a line takes at 9600 Bd and to be obeyed.
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        self._now_us = now_us
        self.box = ThermalBox(BOX, now_us=now_us)
        # Chosen: a thermocouple chain of this class.
        self._sensor = Readout(dice, offset_max=0.3, noise=0.03, decimals=1)
        self.mode = "OFF"
        self.setpoint_c = 23.0
        self.high_c, self.low_c = HIGHEST_C, LOWEST_C
        self.refrigeration = "REF9"
        self.relays: set[int] = set()
        self.alarms: list[int] = []
        self.key_protect = False
        self.mask = "00000000"
        self._clock_offset = timedelta()
        self._queries = self._all_queries()
        self._sets = self._all_sets()

    def connect(self, port: ThermalPort) -> None:
        """Put something into the chamber."""
        self.box.connect(port)

    def conversation(self) -> Conversation:
        """Begin a client's connection."""
        return LineConversation(self, self.obey, end=b"\r\n")

    def identity(self) -> str:
        """What it is; there is no ``*IDN?``, type and ROM are asked one by one."""
        return f"ESPEC,P-300,{self.serial},P3AT1.00"

    def due_us(self) -> int | None:
        """When the air has moved."""
        return self.box.due_us()

    def supervise(self) -> None:
        """Bring the air to the present."""
        self.box.advance()

    def raise_alarm(self, number: int) -> None:
        """Let an alarm come: the chamber stops."""
        self.alarms.append(number)
        self._enter("STANDBY")

    def obey(self, line: str) -> str:
        """Answer one line."""
        text = _ADDRESS.sub("", line.strip().upper(), count=1)
        try:
            if "?" in text:
                return self._ask(text)
            name, _, rest = text.partition(",")
            command = self._sets.get(name.strip())
            if command is None:
                raise _Refused("CMD ERR")
            command(rest.strip())
        except _Refused as reason:
            return f"NA:{reason}"
        return f"OK:{text}"

    def _ask(self, text: str) -> str:
        name, _, rest = text.partition("?")
        query = self._queries.get(name.strip())
        if query is None:
            raise _Refused("CMD ERR")
        return query(rest.strip(" ,"))

    # Queries: what stands after the question mark is given.

    def _all_queries(self) -> Mapping[str, Callable[[str], str]]:
        def refused(reason: str) -> Callable[[str], str]:
            def query(_rest: str) -> str:
                raise _Refused(reason)

            return query

        return {
            "ROM": self._rom,
            "TYPE": lambda _rest: "T,P3,155.0",
            "DATE": lambda _rest: f"{self._clock():%y.%m/%d}",
            "TIME": lambda _rest: f"{self._clock():%H:%M:%S}",
            "SRQ": lambda _rest: f"0{int(bool(self.alarms))}000000",
            "MASK": lambda _rest: self.mask,
            "TIMER ON": lambda _rest: "0",
            "TIMER USE": lambda _rest: "0",
            "TIMER LIST": refused("DATA NOT READY"),
            "ALARM": lambda _rest: ",".join(map(str, [len(self.alarms), *self.alarms])),
            "KEYPROTECT": lambda _rest: "ON" if self.key_protect else "OFF",
            "MODE": lambda _rest: self.mode,
            "MON": lambda _rest: f"{self._measured()},,{self.mode},{len(self.alarms)}",
            "TEMP": lambda _rest: (
                f"{self._measured()},{self.setpoint_c:.1f},{self.high_c:.1f},{self.low_c:.1f}"
            ),
            "HUMI": refused("CONT NOT READY-1"),
            "SET": lambda _rest: self.refrigeration,
            "REF": lambda _rest: "1,ON1" if self.mode == "CONSTANT" else "1,OFF1",
            "RELAY": lambda _rest: self._relays(),
            "%": lambda _rest: "1,50.0" if self.mode == "CONSTANT" else "1,0.0",
            "CONSTANT SET": self._constant,
            "PRGM MON": refused("CONT NOT READY-2"),
            "PRGM SET": refused("CONT NOT READY-2"),
            "PRGM USE": lambda rest: "0" if rest in {"RAM", "ROM"} else self._no_program(),
            "PRGM DATA": refused("DATA NOT READY"),
            "RUN PRGM": refused("CONT NOT READY-2"),
            "RUN PRGM MON": refused("CONT NOT READY-2"),
            "SYSTEM SET": refused("CONT NOT READY-3"),
            **dict.fromkeys(
                ("MON PTC", "TEMP PTC", "SET PTC", "PTC", "PRGM DATA PTC"),
                refused("CONT NOT READY-1"),
            ),
            "IPSET": lambda _rest: "127.0.0.1,255.0.0.0,0.0.0.0",
        }

    def _rom(self, rest: str) -> str:
        if self.fault is Fault.WRONG_IDENTITY:
            return "S2A1.00"
        return "P3DT1.00" if rest == "DISP" else self.identity().rsplit(",", 1)[-1]

    def _constant(self, rest: str) -> str:
        answers = {
            "TEMP": f"{self.setpoint_c:.1f},ON",
            "REF": "AUTO" if self.refrigeration == "REF9" else self.refrigeration[3:],
            "RELAY": self._relays(),
        }
        if rest not in answers:
            raise _Refused("CONT NOT READY-1" if rest in {"HUMI", "PTC"} else "PARA ERR")
        return answers[rest]

    def _relays(self) -> str:
        return ",".join(map(str, [len(self.relays), *sorted(self.relays)]))

    def _measured(self) -> str:
        return f"{self._sensor.read(self.box.temperature_c):.1f}"

    def _clock(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self._now_us()) + self._clock_offset

    def _no_program(self) -> str:
        raise _Refused("DATA NOT READY")

    # Commands: what stands after the first comma is given.

    def _all_sets(self) -> Mapping[str, Callable[[str], None]]:
        def refused(reason: str) -> Callable[[str], None]:
            def command(_rest: str) -> None:
                raise _Refused(reason)

            return command

        return {
            "TEMP": self._set_temperature,
            "MODE": self._set_mode,
            "POWER": self._set_power,
            "SET": self._set_refrigeration,
            "RELAY": self._set_relays,
            "KEYPROTECT": self._set_key_protect,
            "MASK": self._set_mask,
            "SRQ": lambda rest: _one_of(rest, "RESET"),
            "DATE": lambda rest: self._set_clock(rest.split(". ")[0], "%y.%m/%d", date=True),
            "TIME": lambda rest: self._set_clock(rest, "%H:%M:%S", date=False),
            "HUMI": refused("CONT NOT READY-1"),
            "TEMP PTC": refused("CONT NOT READY-1"),
            "PTC": refused("CONT NOT READY-1"),
            "PRGM": refused("CONT NOT READY-2"),
            "RUN PRGM": refused("INVALID REQ"),
            "PRGM DATA WRITE": refused("PRGM WRITE ERR-2"),
            "PRGM ERASE": refused("DATA NOT READY"),
            "TIMER": refused("DATA NOT READY"),
            "TIMER WRITE": refused("INVALID REQ"),
            "TIMER ERASE": refused("DATA NOT READY"),
            "IPSET": refused("INVALID REQ"),
        }

    def _set_temperature(self, rest: str) -> None:
        levels = {name: float(value) for name, value in _LEVEL.findall(rest)}
        if not levels or _LEVEL.sub("", rest).strip(" ,"):
            raise _Refused("PARA ERR")
        setpoint_c = levels.get("S", self.setpoint_c)
        high_c, low_c = levels.get("H", self.high_c), levels.get("L", self.low_c)
        if not LOWEST_C <= low_c <= setpoint_c <= high_c <= HIGHEST_C:
            raise _Refused("DATA OUT OF RANGE")
        self.setpoint_c, self.high_c, self.low_c = setpoint_c, high_c, low_c
        self._enter(self.mode)

    def _set_mode(self, rest: str) -> None:
        if re.fullmatch(r"RUN\s*\d+", rest):
            self._no_program()
        _one_of(rest, *MODES)
        if rest == "CONSTANT" and self.alarms:
            raise _Refused("CHB NOT READY")
        self._enter(rest)

    def _set_power(self, rest: str) -> None:
        _one_of(rest, "ON", "OFF")
        if rest == "OFF":
            self._enter("OFF")
        elif self.mode == "OFF":
            self._enter("STANDBY")

    def _enter(self, mode: str) -> None:
        self.mode = mode
        self.box.condition(self.setpoint_c if mode == "CONSTANT" else None)

    def _set_refrigeration(self, rest: str) -> None:
        _one_of(rest, "REF0", "REF1", "REF3", "REF6", "REF9")
        self.refrigeration = rest

    def _set_relays(self, rest: str) -> None:
        state, *numbers = (part.strip() for part in rest.split(","))
        _one_of(state, "ON", "OFF")
        if not numbers or not all(part.isdecimal() and 1 <= int(part) <= 12 for part in numbers):
            raise _Refused("PARA ERR")
        chosen = {int(part) for part in numbers}
        self.relays = self.relays | chosen if state == "ON" else self.relays - chosen

    def _set_key_protect(self, rest: str) -> None:
        _one_of(rest, "ON", "OFF")
        if rest == "ON" and self.mode == "OFF":
            raise _Refused("CONT NOT READY-4")
        self.key_protect = rest == "ON"

    def _set_mask(self, rest: str) -> None:
        if not re.fullmatch(r"[01]{8}", rest):
            raise _Refused("PARA ERR")
        self.mask = rest

    def _set_clock(self, text: str, form: str, *, date: bool) -> None:
        now = self._clock()
        try:
            given = datetime.strptime(text.strip(), form).replace(tzinfo=UTC)
        except ValueError:
            raise _Refused("PARA ERR") from None
        day, moment = (given, now) if date else (now, given)
        self._clock_offset += datetime.combine(day.date(), moment.timetz()) - now


def _one_of(text: str, *allowed: str) -> None:
    if text not in allowed:
        raise _Refused("PARA ERR")
