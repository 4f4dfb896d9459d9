"""What a condition is made of. A node remembers what it saw: `holds` is called for every look.

What waits for something to be missing waits only while the device is on: from when it leaves
standby.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rig.replay.observe import RUNNING, SHUTTING_DOWN, STANDBY, Message, Observer, Value

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


class Node:
    """A part of a condition."""

    held = False

    def holds(self, seen: Observer) -> bool:
        """Whether it is true now; called for every look, in the order of time."""
        raise NotImplementedError


@dataclass
class Compare(Node):
    """A signal against a value; a signal that was never told, or is not available, is neither."""

    signal: str
    op: str
    value: float | str

    def holds(self, seen: Observer) -> bool:
        """Whether it is true now."""
        now = seen.values.get(self.signal)
        if now is None or isinstance(now, str) is not isinstance(self.value, str):
            return False
        return OPERATORS[self.op](now, self.value)

    def __str__(self) -> str:
        return f"{self.signal} {self.op} {self.value}"


@dataclass
class Bit(Node):
    """A bit of a word, counted from 0."""

    signal: str
    bit: int

    def holds(self, seen: Observer) -> bool:
        """Whether it is true now."""
        now = seen.values.get(self.signal)
        return isinstance(now, int | float) and bool(int(now) >> self.bit & 1)

    def __str__(self) -> str:
        return f"{self.signal} bit {self.bit}"


@dataclass
class Becomes(Node):
    """The instant at which a signal takes a value that it had not before."""

    signal: str
    value: float | str
    before: Value = None

    def holds(self, seen: Observer) -> bool:
        """Whether it is true now."""
        before, self.before = self.before, seen.values.get(self.signal)
        return before is not None and before != self.value and self.before == self.value

    def __str__(self) -> str:
        return f"{self.signal} becomes {self.value}"


@dataclass
class Starts(Node):
    """The instant at which it leaves standby."""

    before: Value = None

    def holds(self, seen: Observer) -> bool:
        """Whether it is true now."""
        before, self.before = self.before, seen.values.get("state")
        return before == STANDBY and self.before != STANDBY

    def __str__(self) -> str:
        return "start"


@dataclass
class Stops(Node):
    """The instant at which a stop is taken: it shuts down, or is off at once."""

    before: Value = None

    def holds(self, seen: Observer) -> bool:
        """Whether it is true now."""
        before, self.before = self.before, seen.values.get("state")
        if before is None or before == self.before:
            return False
        return self.before == SHUTTING_DOWN or (before == RUNNING and self.before == STANDBY)

    def __str__(self) -> str:
        return "stop"


@dataclass
class Told(Node):
    """The instant at which a message is told."""

    message: Message
    before_us: int | None = None

    def holds(self, seen: Observer) -> bool:
        """Whether it is true now."""
        before_us, self.before_us = self.before_us, seen.heard_us.get(self.message)
        return self.before_us is not None and self.before_us != before_us

    def __str__(self) -> str:
        return f"{self.message} is told"


@dataclass
class Missing(Node):
    """A message was not told for so long, since it was last or the device is on."""

    message: Message
    time_us: int

    def holds(self, seen: Observer) -> bool:
        """Whether it is true now."""
        if seen.on_since_us is None:
            return False
        last_us = max(seen.on_since_us, seen.heard_us.get(self.message, seen.on_since_us))
        return seen.now_us - last_us >= self.time_us

    def __str__(self) -> str:
        return f"no {self.message} for {self.time_us / 1e6:g} s"


@dataclass
class For(Node):
    """Something holds without a break for so long."""

    node: Node
    time_us: int
    since_us: int | None = None

    def holds(self, seen: Observer) -> bool:
        """Whether it is true now."""
        if not self.node.holds(seen):
            self.since_us = None
            return False
        if self.since_us is None:
            self.since_us = seen.now_us
        return seen.now_us - self.since_us >= self.time_us

    def __str__(self) -> str:
        return f"{self.node} for {self.time_us / 1e6:g} s"


@dataclass
class Within(Node):
    """Something holds, or happens, so soon after an event; ``missing``: it does not."""

    node: Node
    time_us: int
    event: Node
    missing: bool = False
    since_us: int | None = None
    met: bool = False

    def holds(self, seen: Observer) -> bool:
        """Whether it is true now."""
        holds, happens = self.node.holds(seen), self.event.holds(seen)
        if happens:
            self.since_us, self.met = seen.now_us, False
        if self.since_us is None:
            return False
        late = seen.now_us - self.since_us > self.time_us
        if holds and not late:
            self.met = True
            return not self.missing
        return self.missing and late and not self.met

    def __str__(self) -> str:
        no = "no " if self.missing else ""
        return f"{no}{self.node} within {self.time_us / 1e6:g} s of {self.event}"


@dataclass
class Not(Node):
    """It does not hold."""

    node: Node

    def holds(self, seen: Observer) -> bool:
        """Whether it is true now."""
        return not self.node.holds(seen)

    def __str__(self) -> str:
        return f"not {self.node}"


@dataclass
class And(Node):
    """All hold."""

    parts: Sequence[Node]

    def holds(self, seen: Observer) -> bool:
        """Whether it is true now; each part is looked at, as each remembers."""
        held = [part.holds(seen) for part in self.parts]
        return all(held)

    def __str__(self) -> str:
        inner = (f"({part})" if isinstance(part, Or) else str(part) for part in self.parts)
        return " and ".join(inner)


@dataclass
class Or(Node):
    """At least one holds."""

    parts: Sequence[Node]

    def holds(self, seen: Observer) -> bool:
        """Whether it is true now; each part is looked at, as each remembers."""
        for part in self.parts:
            part.held = part.holds(seen)
        return any(part.held for part in self.parts)

    def __str__(self) -> str:
        return " or ".join(str(part) for part in self.parts)
