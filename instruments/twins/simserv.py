"""Twin of a Weiss or Vötsch temperature chamber whose S!MPAC controller speaks simserv.

A request is a five-digit command number, the chamber's index (which the controller ignores) and
up to four arguments, separated by the byte 0xB6 and ended by CR; the answer is 1 and what was
asked, or an error number, ended by CR LF. Sources: the maker's "Communication protocol S!MPAC
simserv" (2019.05) as public drivers cite it, from which the command numbers, the error numbers,
the status bits and the message types are taken; see ``drivers/simserv.py`` for what is unverified.
Chosen: a chamber for -70 to 180 degC and 5 K/min, its names, its digital channels, a gradient of 0
for none, and how long the controller takes to obey what it has acknowledged.
Not modelled: stored programs (there is none, so that starting one is refused), humidity,
measured and control values beyond the one control variable, digital inputs.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from instruments.protocols import Conversation
from instruments.twins.line import LineConversation
from instruments.twins.thermal import Box, ThermalBox, ThermalPort
from instruments.twins.twin import Fault, Readout, Twin

SEPARATOR = "\xb6"
UNKNOWN_COMMAND, BAD_PARAMETERS, NO_DATA = -5, -6, -8
LOWEST_C, HIGHEST_C = -70.0, 180.0
STEEPEST_K_PER_MIN = 5.0
BOX = Box(
    heating_k_per_min=STEEPEST_K_PER_MIN,
    cooling_k_per_min=STEEPEST_K_PER_MIN,
    lag_s=60.0,
    drift_s=3600.0,
)
START = 1
CHANNELS: Mapping[int, str] = {1: "Start", 2: "Error", 7: "Compressed air", 8: "Dryer"}
ALARM, WARNING, INFO = 1, 2, 4


@dataclass(slots=True)
class Message:
    """One line of the controller's list of messages; the type is ALARM, WARNING or INFO."""

    text: str
    type: int
    active: bool = False


class _Refused(Exception):
    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(str(code))


class SimservTwin(Twin):
    """The controller's commands in front of one thermal box."""

    default_port = 2049

    def __init__(
        self,
        *,
        serial: str,
        dice: random.Random,
        now_us: Callable[[], int],
        latency_s: float = 0.05,  # Chosen: a PLC's cycle or two.
        settle_s: float = 0.3,  # Chosen; public drivers wait up to 1 s before they read back.
    ) -> None:
        super().__init__(serial=serial, dice=dice, latency_s=latency_s)
        self._now_us = now_us
        self._settle_us = round(settle_s * 1_000_000)
        self.box = ThermalBox(BOX, now_us=now_us)
        # Chosen: a Pt100 chain of this class.
        self._sensor = Readout(dice, offset_max=0.2, noise=0.02, decimals=2)
        self.setpoint_c = 23.0
        self.up_k_per_min = self.down_k_per_min = 0.0
        self.outputs = dict.fromkeys(CHANNELS, False)
        self.messages = [
            Message("Temperature limiter test space", ALARM),
            Message("Set point deviation", WARNING),
            Message("Maintenance due", INFO),
        ]
        self._pending: list[tuple[int, Callable[[], None]]] = []
        self._commands = {**self._values(), **self._channels(), **self._programs()}

    def connect(self, port: ThermalPort) -> None:
        """Put something into the chamber."""
        self.box.connect(port)

    def conversation(self) -> Conversation:
        """Begin a client's connection."""
        return LineConversation(self, self.obey, end=b"\r\n")

    def identity(self) -> str:
        """What it is; there is no ``*IDN?``, the fields are asked one by one."""
        return f"Weiss Technik,TempEvent T/180/70/5,{self.serial},2019"

    # What happens without being asked.

    def due_us(self) -> int | None:
        """When the air has moved, or a command that was acknowledged takes effect."""
        due = [due_us for due_us, _ in self._pending]
        moves_us = self.box.due_us()
        return min([*due, *([] if moves_us is None else [moves_us])], default=None)

    def supervise(self) -> None:
        """Obey what is due, and bring the air to the present."""
        now_us = self._now_us()
        due = [act for due_us, act in self._pending if due_us <= now_us]
        self._pending = [entry for entry in self._pending if entry[0] > now_us]
        for act in due:
            act()
        self.box.advance()

    def raise_alarm(self) -> None:
        """Let the temperature limiter trip: conditioning stops until the errors are reset."""
        self.messages[0].active = True
        self.outputs[START] = False
        self._recondition()

    # Commands.

    def obey(self, line: str) -> str:
        """Answer one request."""
        number, *fields = line.split(SEPARATOR)
        command = self._commands.get(number.strip())
        if command is None:
            return str(UNKNOWN_COMMAND)
        if not fields:
            return str(BAD_PARAMETERS)
        try:
            values = command([field.strip() for field in fields[1:]])
        except _Refused as error:
            return str(error.code)
        return SEPARATOR.join(["1", *values])

    def _values(self) -> "Commands":
        def limit(value_c: float) -> "Command":
            return lambda arguments: self._of_temperature(arguments, f"{value_c:.2f}")

        def text(value: str) -> "Command":
            return lambda arguments: self._of_temperature(arguments, value)

        return {
            "99997": self._info,
            "10012": lambda _arguments: [str(self._status())],
            "11018": lambda _arguments: ["1"],
            "11026": text("Temperature"),
            "11023": text("°C"),
            "11001": self._set_temperature,
            "11002": lambda rest: self._of_temperature(rest, f"{self.setpoint_c:.2f}"),
            "11004": lambda rest: self._of_temperature(
                rest, f"{self._sensor.read(self.box.temperature_c):.2f}"
            ),
            "11007": limit(LOWEST_C),
            "11009": limit(HIGHEST_C),
            "11014": limit(LOWEST_C - 5.0),
            "11015": limit(HIGHEST_C + 5.0),
            "11016": limit(LOWEST_C - 2.0),
            "11017": limit(HIGHEST_C + 2.0),
            "11066": lambda rest: self._of_temperature(rest, f"{self.up_k_per_min:.2f}"),
            "11068": lambda rest: self._set_gradient("up_k_per_min", rest),
            "11070": lambda rest: self._of_temperature(rest, f"{self.down_k_per_min:.2f}"),
            "11072": lambda rest: self._set_gradient("down_k_per_min", rest),
            "12012": lambda _arguments: ["0"],
            "13007": lambda _arguments: ["0"],
            "15004": lambda _arguments: ["0"],
        }

    def _channels(self) -> "Commands":
        return {
            "14001": self._switch,
            "14003": lambda rest: [str(int(self.outputs[_index(rest, self.outputs)]))],
            "14007": lambda _arguments: [str(len(CHANNELS))],
            "14010": lambda rest: [CHANNELS[_index(rest, CHANNELS)]],
            "17002": lambda _arguments: [str(len(self.messages))],
            "17005": lambda rest: [str(self._message(rest).type)],
            "17007": lambda rest: [self._message(rest).text],
            "17009": lambda rest: [str(int(self._message(rest).active))],
            "17012": self._reset_errors,
            "17111": lambda rest: [str(self._message(rest).type)],
        }

    def _programs(self) -> "Commands":
        def refused(code: int) -> "Command":
            def command(_arguments: list[str]) -> list[str]:
                raise _Refused(code)

            return command

        return {
            "19014": refused(BAD_PARAMETERS),
            "19015": lambda _arguments: [],
            "19204": lambda _arguments: ["0"],
            "19210": lambda _arguments: ["0"],
            **dict.fromkeys(
                ("19003", "19004", "19006", "19009", "19010", "19021", "19031"), refused(NO_DATA)
            ),
            **dict.fromkeys(("19207", "19208", "19209"), refused(NO_DATA)),
        }

    def _info(self, arguments: list[str]) -> list[str]:
        maker, model, serial, year = self.identity().split(",")
        if self.fault is Fault.WRONG_IDENTITY:
            model = serial = f"not by {maker}"
        facts = {1: model, 2: year, 3: serial}
        return [facts[_index(arguments, facts)]]

    def _status(self) -> int:
        running = 3 if self.outputs[START] else 1
        warned = any(m.active and m.type == WARNING for m in self.messages)
        alarmed = any(m.active and m.type == ALARM for m in self.messages)
        return running | warned << 2 | alarmed << 3

    def _of_temperature(self, arguments: list[str], value: str) -> list[str]:
        _index(arguments, {1: None})
        return [value]

    def _set_temperature(self, arguments: list[str]) -> list[str]:
        _index(arguments, {1: None})
        setpoint_c = _number(arguments, LOWEST_C, HIGHEST_C)

        def act() -> None:
            self.setpoint_c = setpoint_c
            self._recondition()

        return self._later(act)

    def _set_gradient(self, name: str, arguments: list[str]) -> list[str]:
        _index(arguments, {1: None})
        gradient = _number(arguments, 0.0, STEEPEST_K_PER_MIN)

        def act() -> None:
            setattr(self, name, gradient)
            self._recondition()

        return self._later(act)

    def _switch(self, arguments: list[str]) -> list[str]:
        channel = _index(arguments, self.outputs)
        on = _number(arguments, 0, 1) == 1

        def act() -> None:
            # An alarm that stands keeps the chamber from starting.
            self.outputs[channel] = on and not (channel == START and self._status() & 8)
            self._recondition()

        return self._later(act)

    def _reset_errors(self, _arguments: list[str]) -> list[str]:
        for message in self.messages:
            message.active = False
        return []

    def _message(self, arguments: list[str]) -> Message:
        return self.messages[_index(arguments, range(1, len(self.messages) + 1)) - 1]

    def _later(self, act: Callable[[], None]) -> list[str]:
        self._pending.append((self._now_us() + self._settle_us, act))
        if self._settle_us == 0:
            self.supervise()
        return []

    def _recondition(self) -> None:
        self.box.condition(
            self.setpoint_c if self.outputs[START] else None,
            up_k_per_min=self.up_k_per_min or None,
            down_k_per_min=self.down_k_per_min or None,
        )


Command = Callable[[list[str]], list[str]]
Commands = dict[str, Command]


def _index(arguments: list[str], known: "range | Mapping[int, object]") -> int:
    try:
        index = int(arguments[0])
    except (IndexError, ValueError):
        raise _Refused(BAD_PARAMETERS) from None
    if index not in known:
        raise _Refused(BAD_PARAMETERS)
    return index


def _number(arguments: list[str], low: float, high: float) -> float:
    try:
        value = float(arguments[1])
    except (IndexError, ValueError):
        raise _Refused(BAD_PARAMETERS) from None
    if not low <= value <= high:
        raise _Refused(BAD_PARAMETERS)
    return value
