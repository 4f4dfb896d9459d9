"""The language of conditions: a small grammar, read by descent into nodes.

condition := all ("or" all)*            all := one ("and" one)*
one       := "not" one | "(" condition ")" | timed
timed     := "no" MESSAGE "for" TIME
           | "no" THING "within" TIME "of" EVENT
           | THING ["for" TIME | "within" TIME "of" EVENT]
THING     := SIGNAL ("==" | "!=" | "<" | "<=" | ">" | ">=") VALUE
           | SIGNAL "bit" NUMBER | SIGNAL "becomes" VALUE | EVENT
EVENT     := "contactor opens" | "contactor closes" | "start" | "stop" | MESSAGE "is told"
           | SIGNAL "becomes" VALUE
MESSAGE   := a PGN (127508), a register of four digits (0x0FFF), an identifier of three (0x351)
TIME      := NUMBER ("ms" | "s" | "min" | "h")
"""

import difflib
import re
from dataclasses import dataclass, field

from rig.errors import BenchFileError
from rig.replay.nodes import (
    And,
    Becomes,
    Bit,
    Compare,
    For,
    Missing,
    Node,
    Not,
    Or,
    Starts,
    Stops,
    Told,
    Within,
)
from rig.replay.observe import DECODERS, OWN, Message, MessageKind, Wanted, vreg_fields

UNITS = {"ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000}
TOKEN = re.compile(
    r"\s*(?:(?P<quoted>\"[^\"]*\")|(?P<hex>0x[0-9A-Fa-f]+)|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<op>==|!=|<=|>=|<|>)|(?P<word>[A-Za-z_][\w.]*)|(?P<paren>[()]))"
)
DEEPEST = 50  # chosen: brackets and nots inside one another; nobody reads more
LONGEST = 300  # chosen: of a condition that is shown whole
FIRST_PGN = 59392  # public: the lowest PGN of a 29 bit identifier's proprietary and standard range


class ConditionError(BenchFileError):
    """A condition that cannot be read; the message shows where, and what is allowed there."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


@dataclass
class _Parser:
    """Reads one condition, token by token."""

    text: str
    tokens: list[_Token] = field(default_factory=list)
    index: int = 0
    depth: int = 0
    signals: set[str] = field(default_factory=set)
    messages: set[Message] = field(default_factory=set)

    def fail(self, allowed: str) -> ConditionError:
        token = self.tokens[self.index]
        found = "the end" if token.kind == "end" else repr(token.text)
        return ConditionError(
            f"--when {_shown(self.text, token.at)}: at character {token.at + 1} stands {found}; "
            f"allowed: {allowed}"
        )

    @property
    def now(self) -> _Token:
        return self.tokens[self.index]

    def takes(self, *words: str) -> bool:
        """Go on if these words come next."""
        ahead = [token.text for token in self.tokens[self.index : self.index + len(words)]]
        if ahead != list(words):
            return False
        self.index += len(words)
        return True

    def any_of(self) -> Node:
        parts = [self.all_of()]
        while self.takes("or"):
            parts.append(self.all_of())
        return parts[0] if len(parts) == 1 else Or(parts)

    def all_of(self) -> Node:
        parts = [self.one()]
        while self.takes("and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else And(parts)

    def one(self) -> Node:
        if self.depth >= DEEPEST:
            raise self.fail(f"at most {DEEPEST} brackets and nots inside one another")
        self.depth += 1
        node = self.inside()
        self.depth -= 1
        return node

    def inside(self) -> Node:
        if self.takes("not"):
            return Not(self.one())
        if self.takes("no"):
            return self.missing()
        if self.takes("("):
            node = self.any_of()
            if not self.takes(")"):
                raise self.fail("')', 'and', 'or'")
        else:
            node = self.thing()
        if self.takes("for"):
            return For(node, self.time())
        if self.takes("within"):
            return self.within(node, missing=False)
        return node

    def missing(self) -> Node:
        if self.now.kind in {"number", "hex"}:
            message = self.message()
            if self.takes("is", "told"):
                self.expect("within")
                return self.within(Told(message), missing=True)
            self.expect("for")
            return Missing(message, self.time())
        node = self.thing()
        self.expect("within")
        return self.within(node, missing=True)

    def within(self, node: Node, *, missing: bool) -> Node:
        time_us = self.time()
        if not (self.takes("of") or self.takes("after")):
            raise self.fail("'of' and an event")
        return Within(node, time_us, self.event(), missing)

    def expect(self, word: str) -> None:
        if not self.takes(word):
            raise self.fail(f"'{word}'")

    def event(self) -> Node:
        node = self.thing()
        if isinstance(node, Compare | Bit):
            raise self.fail(
                "an event before it: contactor opens, start, stop, SIGNAL becomes VALUE"
            )
        return node

    def thing(self) -> Node:
        if self.takes("contactor", "opens"):
            return Becomes("contactor", 0)
        if self.takes("contactor", "closes"):
            return Becomes("contactor", 1)
        if self.takes("start"):
            return Starts()
        if self.takes("stop"):
            return Stops()
        if self.now.kind in {"number", "hex"}:
            message = self.message()
            if not self.takes("is", "told"):
                raise self.fail("'is told' after a message")
            return Told(message)
        signal = self.signal()
        if self.takes("bit"):
            return Bit(signal, int(self.number("a bit, 0 to 31")))
        if self.takes("becomes"):
            return Becomes(signal, self.value(signal))
        if self.now.kind != "op":
            raise self.fail("==, !=, <, <=, >, >=, bit, becomes")
        op = self.now.text
        self.index += 1
        return Compare(signal, op, self.value(signal))

    def signal(self) -> str:
        token = self.now
        allowed = "a signal, an event or a message: event, state, soc_pct, contactor opens, 127508"
        if token.kind != "word":
            raise self.fail(allowed)
        name = token.text.removeprefix("vreg.")
        known = {*vreg_fields(), *OWN}
        if name not in known and token.text.partition(".")[0] not in DECODERS:
            near = difflib.get_close_matches(name, known, n=4)
            raise self.fail(f"{allowed}{'; near it: ' + ', '.join(near) if near else ''}")
        self.index += 1
        self.signals.add(name)
        return name

    def value(self, signal: str) -> float | str:
        token = self.now
        if token.kind in {"number", "hex"}:
            self.index += 1
            if token.kind == "hex":
                return int(token.text, 16)
            return float(token.text) if "." in token.text else int(token.text)
        known = vreg_fields()
        place = "error" if signal == "event" else signal
        labels = known[place][1].labels if place in known else {}
        spoken = _spoken(token.text.strip('"'))
        for code, label in labels.items():
            if _spoken(label) == spoken:
                self.index += 1
                return code
        if token.kind == "quoted" and place not in known:
            self.index += 1
            return token.text.strip('"')
        names = ", ".join(_spoken(label) for label in list(labels.values())[:12])
        raise self.fail(f"a number{' or one of ' + names if names else ''}")

    def number(self, what: str) -> float:
        if self.now.kind != "number":
            raise self.fail(what)
        value = float(self.now.text)
        self.index += 1
        return value

    def time(self) -> int:
        at = self.index
        value = self.number("a time: 3 s, 200 ms, 2 min, 1 h")
        if value <= 0:
            self.index = at
            raise self.fail("a time above 0: 3 s, 200 ms, 2 min, 1 h")
        unit = UNITS.get(self.now.text)
        if unit is None:
            raise self.fail("ms, s, min, h")
        self.index += 1
        return round(value * unit)

    def message(self) -> Message:
        token = self.now
        allowed = "a PGN (127508), a register (0x0FFF) or an 11 bit identifier (0x351)"
        if token.kind == "hex" and len(token.text) == 6:
            message = Message(MessageKind.REGISTER, int(token.text, 16))
        elif token.kind == "hex" and len(token.text) == 5:
            message = Message(MessageKind.IDENTIFIER, int(token.text, 16))
        elif token.text.isdecimal() and FIRST_PGN <= int(token.text) < 1 << 18:
            message = Message(MessageKind.PGN, int(token.text))
        else:
            raise self.fail(allowed)
        self.index += 1
        self.messages.add(message)
        return message


def parse(text: str) -> tuple[Node, Wanted]:
    """The node of a condition, and what it looks at. Raises ConditionError."""
    parser = _Parser(text, _tokens(text))
    node = parser.any_of()
    if parser.now.kind != "end":
        raise parser.fail("the end, 'and', 'or'")
    return node, Wanted(signals=frozenset(parser.signals), messages=frozenset(parser.messages))


def _shown(text: str, at: int) -> str:
    """The line; of a very long one what stands about a place."""
    if len(text) <= LONGEST:
        return repr(text)
    begin = max(0, at - LONGEST // 2)
    return f"...{text[begin : begin + LONGEST]!r}..."


def _spoken(label: str) -> str:
    """A label as one word."""
    return label.replace(" ", "_").replace("-", "_")


def _tokens(text: str) -> list[_Token]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = TOKEN.match(text, at)
        if match is None:
            raise ConditionError(
                f"--when {_shown(text, at)}: at character {at + 1} stands "
                f"{text[at:].lstrip()[:1]!r}; "
                "allowed: names, numbers, quoted words, ( ) == != < <= > >="
            )
        kind = match.lastgroup or ""
        found.append(_Token(kind, match[kind], match.start(kind)))
        at = match.end()
    return [*found, _Token("end", "", end)]
