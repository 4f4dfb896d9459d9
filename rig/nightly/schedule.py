"""What one session of a night runs: which tests, at which attempt, in which order, until when.

The night writes it for the session of pytest, which asks it before each attempt. Without one,
every test is run once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rig.errors import NotOnThisBench
from rig.recording import Quarantine, RecordError, as_json, canonical_json
from rig.recording.fields import Fields, read_json
from rig.recording.reading import quarantine_of

OUTSIDE = "outside the time window"
Numbers = Mapping[str, Mapping[str, int]]  # row -> test -> number of its attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One session of a night.

    `numbers` is None where everything that can be collected runs for the first time, and is
    planned; else only these tests run, by a plan that is frozen. `until_ms` is in Unix time.
    """

    order: tuple[str, ...] = ()
    quarantine: Mapping[str, Quarantine] = field(default_factory=dict)
    numbers: Numbers | None = None
    expected_s: Mapping[str, float] = field(default_factory=dict)
    until_ms: int | None = None
    closed: str = ""

    @property
    def plan_is_frozen(self) -> bool:
        """Whether the run had a plan before this session."""
        return self.numbers is not None

    def number(self, item: str, test: str) -> int | None:
        """The number of a test's next attempt; None if it is not to run."""
        return 1 if self.numbers is None else self.numbers.get(item, {}).get(test)

    def rank(self, item: str) -> int:
        """A row's place in the order; those that it does not name come last."""
        return self.order.index(item) if item in self.order else len(self.order)

    def check(self, item: str, now_ms: int) -> None:
        """Raises NotOnThisBench, with the reason, if a row may not begin now."""
        if self.closed:
            raise NotOnThisBench(self.closed)
        if self.until_ms is None:
            return
        left_s = (self.until_ms - now_ms) / 1000
        expected_s = self.expected_s.get(item, 0.0)
        if left_s <= 0.0:
            raise NotOnThisBench(OUTSIDE)
        if expected_s > left_s:
            raise NotOnThisBench(
                f"{OUTSIDE}: it takes {expected_s:.0f} s, {left_s:.0f} s were left"
            )


def write_schedule(path: Path, schedule: Schedule) -> None:
    """Write it for a session of pytest."""
    path.write_text(canonical_json(as_json(schedule)) + "\n", encoding="utf-8")


def read_schedule(path: Path | None) -> Schedule | None:
    """What `write_schedule` wrote; None for a run that is no night's. Raises RecordError."""
    if path is None:
        return None
    fields = Fields(read_json(path), str(path))
    numbers = None
    if fields.holds("numbers"):
        rows = fields.child("numbers")
        numbers = {item: _integers(rows.child(item)) for item in rows.names()}
    quarantine, expected = fields.child("quarantine"), fields.child("expected_s")
    return Schedule(
        order=fields.texts("order"),
        quarantine={item: quarantine_of(quarantine.child(item)) for item in quarantine.names()},
        numbers=numbers,
        expected_s={item: expected.number(item) for item in expected.names()},
        until_ms=fields.integer("until_ms") if fields.holds("until_ms") else None,
        closed=fields.text("closed"),
    )


def _integers(fields: Fields) -> dict[str, int]:
    found = {test: fields.integer(test) for test in fields.names()}
    for test, number in found.items():
        if number < 1:
            raise RecordError(f"schedule: {test} is {number}; allowed: a number from 1")
    return found
