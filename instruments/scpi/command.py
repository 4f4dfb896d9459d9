"""Declared commands, and the table that finds one by the header a client sent.

A header is declared as manuals print it: ``[SOURce:]VOLTage[:LEVel]``, ``OUTPut<1-3>:STATe``.
Capitals are the short form, brackets an optional node, ``<1-3>`` the range of a numeric suffix.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product

from instruments.scpi.errors import ScpiError
from instruments.scpi.lexer import split, strip
from instruments.scpi.parameters import ChannelList, Extreme, Number, Parameter

Handler = Callable[..., str | None]

_NODE = re.compile(r"(\[)?:?(\*?[A-Za-z][A-Za-z0-9]*)(?:<(\d+)-(\d+)>)?:?(\])?")
_DIGITS = re.compile(r"(\D+)(\d{1,9})$")
_LONGEST_MNEMONIC = 12  # IEEE 488.2 section 7.6.1.4.1


@dataclass(frozen=True, slots=True)
class Command:
    """One header: what setting it does, what asking it answers.

    Handlers get the header's numeric suffixes first, then the parameters; an optional parameter
    left out arrives as None. They raise ScpiError to refuse.
    """

    header: str
    set: Callable[..., None] | None = None
    query: Callable[..., str] | None = None
    params: tuple[Parameter, ...] = ()
    query_params: tuple[Parameter, ...] = ()


def setting(
    header: str,
    number: Number,
    store: Callable[[float], None],
    load: Callable[[], float],
    show: Callable[[float], str],
) -> Command:
    """A number that is set and asked back, also for its MIN, MAX and DEF."""

    def query(bound: float | None) -> str:
        return show(load() if bound is None else bound)

    return Command(
        header, set=store, query=query, params=(number,), query_params=(Extreme(number),)
    )


@dataclass(frozen=True, slots=True)
class Suffix:
    """A declared numeric suffix: at which node of the sent header, and within what."""

    node: int | None
    allowed: range


@cache
def expand(header: str) -> tuple[tuple[str, tuple[Suffix, ...]], ...]:
    """Every spelling of a declared header, with where its suffixes stand in that spelling."""
    choices: list[list[tuple[str | None, range | None]]] = []
    for opens, mnemonic, low, high, _ in _NODE.findall(header):
        allowed = range(int(low), int(high) + 1) if low else None
        short = "".join(c for c in mnemonic if not c.islower())
        spellings = [(form, allowed) for form in dict.fromkeys((short, mnemonic.upper()))]
        choices.append([*spellings, (None, allowed)] if opens else [*spellings])
    forms: list[tuple[str, tuple[Suffix, ...]]] = []
    for nodes in product(*choices):
        sent = [name for name, _ in nodes if name is not None]
        suffixes: list[Suffix] = []
        position = 0
        for name, allowed in nodes:
            if allowed is not None:
                suffixes.append(Suffix(None if name is None else position, allowed))
            position += name is not None
        forms.append((":".join(sent), tuple(suffixes)))
    return tuple(forms)


class CommandTable:
    """Finds a handler and its arguments; a later declaration replaces an earlier one."""

    def __init__(self, commands: Iterable[Command]) -> None:
        self._sets: dict[str, tuple[Command, tuple[Suffix, ...]]] = {}
        self._queries: dict[str, tuple[Command, tuple[Suffix, ...]]] = {}
        for command in commands:
            for key, suffixes in expand(command.header):
                if command.set is not None:
                    self._sets[key] = (command, suffixes)
                if command.query is not None:
                    self._queries[key] = (command, suffixes)

    def resolve(self, header: str, *, query: bool, data: str) -> tuple[Handler, tuple[object, ...]]:
        """The handler for an upper-case header, and its arguments read from ``data``."""
        command, numbers = self._find(header, self._queries if query else self._sets)
        handler = command.query if query else command.set
        assert handler is not None  # The dictionaries were built so.
        kinds = command.query_params if query else command.params
        return handler, (*numbers, *bind(kinds, data))

    def knows(self, header: str, *, query: bool) -> bool:
        """Whether an upper-case header is declared."""
        try:
            self._find(header, self._queries if query else self._sets)
        except ScpiError as error:
            return error.code not in {-112, -113}
        return True

    def _find(
        self, header: str, table: dict[str, tuple[Command, tuple[Suffix, ...]]]
    ) -> tuple[Command, tuple[int, ...]]:
        given: dict[int, int] = {}
        found = table.get(header)
        if found is None:
            nodes = header.split(":")
            for position, node in enumerate(nodes):
                match = _DIGITS.match(node)
                if match is not None:
                    nodes[position] = match[1]
                    given[position] = int(match[2])
            found = table.get(":".join(nodes))
            if found is None:
                too_long = any(len(node) > _LONGEST_MNEMONIC for node in nodes)
                raise ScpiError(-112 if too_long else -113)
        command, suffixes = found
        numbers: list[int] = []
        for suffix in suffixes:
            number = 1 if suffix.node is None else given.pop(suffix.node, 1)
            if number not in suffix.allowed:
                raise ScpiError(-114)
            numbers.append(number)
        # A node without a declared suffix is the only one of its kind: number 1.
        if any(number != 1 for number in given.values()):
            raise ScpiError(-114)
        return command, tuple(numbers)


def bind(kinds: tuple[Parameter, ...], data: str) -> list[object]:
    """Give each kind its token; a channel list stands last even if others are left out."""
    tokens = [strip(token) for token in split(data, ",")] if strip(data) else []
    if any(not token for token in tokens):
        raise ScpiError(-103)
    tail: list[object] = []
    if kinds and isinstance(kinds[-1], ChannelList) and tokens and tokens[-1][:1] == "(":
        tail = [kinds[-1].parse(tokens.pop())]
        kinds = kinds[:-1]
    if len(tokens) > len(kinds):
        raise ScpiError(-108)
    if any(not kind.optional for kind in kinds[len(tokens) :]):
        raise ScpiError(-109)
    values = [kind.parse(token) for kind, token in zip(kinds, tokens, strict=False)]
    return [*values, *[None] * (len(kinds) - len(tokens)), *tail]
