"""A seeded fuzzer for twins: messages made of a model's own words, then broken.

What may switch an output on is found in a message by a reader of its own that takes too much rather
than too little: it knows neither the parser nor the twin's tables. The words are the twin's, so
that the messages reach deep.
"""

import random
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from instruments.models import model_named
from instruments.scpi import Boolean, ChannelList, Choice, Extreme, Number, Text
from instruments.tests.fuzz_subjects import Subject
from instruments.twins.circuit import Circuit
from instruments.twins.electrical import LoadDemand

# A message that keeps the processor for as long hangs.
PATIENCE_S = 5.0
JUNK = (
    *("0", "1", "-1", "2", "0.4", "5", "1e3", "-1E-3", "1E400", "1E-400", "1E99999", "INF", "NAN"),
    *("1_0", "0x10", "#H1F", "#B1", "#Q7", "#", "#0abc", "#15hello", "#9999999999", "#3", "(@1)"),
    *("(@1:3,2)", "(@101:105)", "(@", "(@)", "(", ")", '"text"', "'a''b'", '"', "'", "MIN", "MAX"),
    *("DEF", "ON", "OFF", "CH1", "CH2,5", "1,2,3", "", ",", "5 V", "250 mA", "3KW", "1 MOHM"),
    *("9" * 99, "0" * 300, "TRUE", "\xb5", "\x00", "\xff", "?", "*", "::", "  ", "\t", "+", "-"),
    *(".", "E5", "1E"),
)


class FuzzFailed(AssertionError):
    """A message did what none may; the text says how to see it again."""


class Fuzzer:
    """Sends one twin messages of one seed, and looks after each."""

    def __init__(self, subject: Subject, seed: int) -> None:
        self._subject = subject
        self._seed = seed
        self._dice = random.Random(f"{subject.name}/{seed}")
        self._now_us = 0
        self._twin = self._make()
        self._peer: Any = self._twin.conversation()
        self._grammar = _Grammar(self._twin, subject, self._dice)
        self._message = b""
        self.switched_on = 0
        self.answered = 0

    def run(self, messages: int) -> None:
        """Send so many; raises FuzzFailed at the first that does what none may."""
        with _hanging_named(self):
            for number in range(messages):
                self._number = number
                self._message = self._grammar.message()
                _watch()
                try:
                    self._step()
                except FuzzFailed:
                    raise
                except Exception as error:
                    raise FuzzFailed(self.say(f"raised {error!r}")) from error

    def say(self, what: str) -> str:
        """What went wrong, and how to see it again."""
        return (
            f"{self._subject.name}, seed {self._seed}, message {self._number}: "
            f"{self._message!r} {what}"
        )

    def _step(self) -> None:
        dice, message = self._dice, self._message
        self._now_us += dice.choice((0, 0, 1000, 20_000, 100_000, 3_000_000))
        answer = self._tell(message)
        self.answered += bool(answer)
        if _NO_NUMBER.search(answer) and not _NO_NUMBER.search(message):
            raise FuzzFailed(self.say(f"answered {answer!r}"))
        if getattr(self._peer, "_buffer", b""):
            # A block or line that has not ended would hide what comes next.
            self._peer = self._twin.conversation()
        may = may_switch_on(message.decode("latin-1"), self._subject.switches)
        if self._is_on() and not may:
            raise FuzzFailed(self.say("switched it on"))
        if may:
            self.switched_on += self._is_on()
            # Also when it is not on yet: what was asked for may come when a fault is cleared.
            for off in self._subject.off:
                self._tell(off + self._subject.end)
            if self._is_on():
                raise FuzzFailed(self.say(f"left it on after {self._subject.off!r}"))
        if self._number % 20 == 0:
            for ready in self._subject.ready:
                self._tell(ready + self._subject.end)
            if self._is_on():
                raise FuzzFailed(self.say(f"let it go on by {self._subject.ready!r}"))

    def _tell(self, message: bytes) -> bytes:
        answer: bytes = self._peer.receive(message)
        self._twin.supervise()
        return answer

    def _make(self) -> Any:
        subject = self._subject
        twin: Any = model_named(subject.model).make_twin(
            serial="1", dice=random.Random(self._seed), now_us=lambda: self._now_us
        )
        if subject.language is not None:
            twin.language = subject.language
        for stage in _stages(twin):
            circuit = Circuit(now_us=lambda: self._now_us, emf_v=20.0, emf_ohm=0.1)
            is_load = isinstance(stage.demand, LoadDemand)
            attach = circuit.attach_load if is_load else circuit.attach_source
            stage.connect(attach(stage.demand))
        return twin

    def _is_on(self) -> bool:
        stages = _stages(self._twin)
        return any(stage.demand.enabled for stage in stages) or bool(
            getattr(self._twin, "closed", ())
        )


_NO_NUMBER = re.compile(rb"(?<![A-Za-z])(nan|inf|None|True|False)(?![A-Za-z])")


def _stages(twin: Any) -> list[Any]:
    outputs = len(getattr(twin, "channels", (None,)))
    if outputs > 1 and callable(getattr(twin, "stage", None)):
        return [twin.stage(number) for number in range(1, outputs + 1)]
    return [twin.stage] if hasattr(getattr(twin, "stage", None), "demand") else []


def may_switch_on(message: str, switches: Mapping[str, re.Pattern[str] | None]) -> bool:
    """Whether some unit of the message, under some path it may have, is told to switch on."""
    paths = {""}
    for unit in re.split(r"[;\r\n]", message.replace("\x08", "")):
        text = unit.strip("".join(map(chr, range(33)))).upper()
        match = re.match(r":?([A-Z*][\w:]*)(.*)", text, re.DOTALL | re.ASCII)
        if match is None:
            continue
        headers = {path + match[1] for path in paths}
        for pattern, data in switches.items():
            if any(re.fullmatch(pattern, _without_numbers(header)) for header in headers):
                told = _means_on(match[2]) if data is None else data.search(match[2]) is not None
                if told:
                    return True
        paths |= {header[: header.rfind(":") + 1] for header in headers}
        if len(paths) > 64:
            return True
    return False


def _without_numbers(header: str) -> str:
    return ":".join(node.rstrip("0123456789") for node in header.split(":"))


def _means_on(data: str) -> bool:
    for token in re.split(r"[,\x00-\x20]+", data):
        number = re.match(r"[+-]?(\d+\.?\d*|\.\d+)(E[+-]?\d{1,3})?", token)
        if token.startswith(("ON", "#")) or (number and abs(float(number[0])) >= 0.5):
            return True
    return False


class _Grammar:
    """Messages out of a twin's own commands, whole or broken."""

    def __init__(self, twin: Any, subject: Subject, dice: random.Random) -> None:
        self._dice = dice
        self._end = subject.end
        self._on = subject.on
        self._words = subject.words
        self._commands: list[tuple[list[str], str, tuple[Any, ...]]] = []
        table = None if subject.words else twin.device._table
        for keys, mark in () if table is None else ((table._sets, ""), (table._queries, "?")):
            spelled: dict[int, tuple[list[str], str, tuple[Any, ...]]] = {}
            for key, (command, _) in keys.items():
                kinds = command.query_params if mark else command.params
                spelled.setdefault(id(command), ([], mark, kinds))[0].append(key)
            self._commands += spelled.values()

    def message(self) -> bytes:
        """One message with its end."""
        dice = self._dice
        chance = dice.random()
        if chance < 0.02:
            text = self._on
        elif chance < 0.05:
            text = dice.randbytes(dice.randrange(1, 60))
        else:
            units = 1 if chance < 0.7 else dice.randrange(2, 5)
            text = (
                dice.choice((";", ";:", ";"))
                .join(self._unit() for _ in range(units))
                .encode("latin-1")
            )
            for _ in range(0 if chance < 0.5 else dice.randrange(0, 4)):
                text = self._broken(text)
        return text + self._end

    def _unit(self) -> str:
        dice = self._dice
        if self._words:
            word = dice.choice(self._words)
            if dice.random() < 0.4:
                return word
            data = dice.choice((*JUNK, "1", "0", "ON", "5.0", "12.5", *self._words))
            return word + dice.choice(("", " ", " ")) + data
        keys, mark, kinds = dice.choice(self._commands)
        header = dice.choice(keys)
        if dice.random() < 0.1:
            header = re.sub(r"([A-Z])(:|$)", lambda m: f"{m[1]}{dice.randrange(5)}{m[2]}", header)
        header = dice.choice((header, header, header.lower(), ":" + header))
        values = ",".join(self._value(kind) for kind in kinds)
        if dice.random() < 0.15:
            values = dice.choice(JUNK)
        return f"{header}{mark} {values}" if values else header + mark

    def _value(self, kind: Any) -> str:
        dice = self._dice
        if dice.random() < 0.08:
            return dice.choice(JUNK)
        match kind:
            case Number() | Extreme():
                number = kind.number if isinstance(kind, Extreme) else kind
                low, high = max(number.low, -1e4), min(number.high, 1e4)
                value = dice.choice((low, high, number.default, dice.uniform(low, high), 0.0, 1.0))
                named = dice.choice(("MIN", "MAX", "DEF"))
                return named if value is None or dice.random() < 0.1 else f"{value:g}"
            case Boolean():
                return dice.choice(("ON", "OFF", "1", "0"))
            case Choice():
                return dice.choice(kind.of).upper()
            case Text():
                return dice.choice(('"a;b"', "'it''s'", '""'))
            case ChannelList():
                channels = dice.choices(sorted(kind.of), k=2)
                return dice.choice((f"(@{channels[0]})", f"(@{channels[0]}:{channels[1]})"))
            case _:
                return dice.choice(("1", "CH1", "(@1)", "MAX", '"A"', "VOLT", "ON", "0"))

    def _broken(self, text: bytes) -> bytes:
        dice = self._dice
        at = dice.randrange(len(text) + 1)
        match dice.randrange(6):
            case 0:
                return text[:at] + dice.randbytes(1) + text[at:]
            case 1:
                return text[:at] + text[at + 1 :]
            case 2:
                return text[:at] + dice.choice(JUNK).encode("latin-1") + text[at:]
            case 3:
                return text[:at] + text[at:].swapcase()
            case 4:
                return text[:at] + dice.choice((b";", b":", b" ", b"\n", b"?", b",")) + text[at:]
            case _:
                return text[:at] * 2 + text[at:]


@contextmanager
def _hanging_named(fuzzer: Fuzzer) -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise FuzzFailed(fuzzer.say(f"kept the processor for {PATIENCE_S:g} s"))

    if not hasattr(signal, "setitimer"):
        yield
        return
    before: Callable[..., Any] | int | None = signal.signal(signal.SIGVTALRM, give_up)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


def _watch() -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S)
