"""Conditions over what a device says: `event == 26`, `no 127508 for 10 s`, read and watched.

A condition is a line that a developer writes beside a log; `hil bisect --help` shows the grammar.
What it means does not depend on where the frames come from. Time passes with the frames of any bus.
"""

from dataclasses import dataclass

from rig.replay.language import parse
from rig.replay.nodes import And, Node, Or
from rig.replay.observe import FIRST_ADDRESS, Observer, Wanted

# Chosen: how late a condition that waits for something may be found true, as no frame tells it.
LOOK_US = 100_000
SETTLES_US = 1_000_000  # public: a change is told at most 1 s late


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition as it was written, and what has to be followed for it."""

    text: str
    wanted: Wanted

    def node(self) -> Node:
        """A fresh one to evaluate: nodes remember what they saw."""
        return parse(self.text)[0]


def read_condition(text: str) -> Condition:
    """Read one. Raises ConditionError, with the place in the line and what is allowed there."""
    _, wanted = parse(text)
    return Condition(text=text.strip(), wanted=wanted)


class Watch:
    """Follows frames until the condition is true for the first time, `first_us`."""

    def __init__(self, condition: Condition, address: int = FIRST_ADDRESS) -> None:
        self.condition = condition
        self.observer = Observer(condition.wanted, address)
        self.first_us: int | None = None
        self.from_us: int | None = None
        """Nothing counts before; None: everything does."""
        self.signature: tuple[object, ...] = ()
        """What kind of failure it is: the condition's branch that holds, and the error told."""
        self._node = condition.node()
        self._branches: tuple[str, ...] = ()
        self._looked_us = -LOOK_US

    def take(self, t_us: int, bus: str, can_id: int, extended: bool, data: bytes) -> bool:
        """One frame; whether the condition is true now and was not before."""
        told = self.observer.take(t_us, bus, can_id, extended, data)
        if self.first_us is not None:
            self._sign(t_us)
            return False
        if not told and t_us - self._looked_us < LOOK_US:
            return False
        return self._look(t_us)

    def until(self, t_us: int) -> bool:
        """Time has passed without another frame; as `take`."""
        self.observer.now_us = t_us
        return self._look(t_us)

    def _look(self, t_us: int) -> bool:
        self._looked_us = t_us
        holds = self._node.holds(self.observer)
        early = self.from_us is not None and t_us < self.from_us
        if not holds or early or self.first_us is not None:
            return False
        self.first_us = t_us
        self._branches = _branches(self._node)
        self._sign(t_us)
        return True

    def _sign(self, t_us: int) -> None:
        """The error may be told a moment after what it made the device do."""
        if self.first_us is not None and t_us - self.first_us <= SETTLES_US:
            self.signature = (*self._branches, self.observer.values.get("error") or 0)


def _branches(node: Node) -> tuple[str, ...]:
    """Which alternatives of a condition are true now; () where it has none."""
    if isinstance(node, Or):
        return tuple(str(part) for part in node.parts if part.held)
    if isinstance(node, And):
        return tuple(text for part in node.parts for text in _branches(part))
    return ()
