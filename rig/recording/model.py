"""What a run record says, as types; `as_json` writes them, `reading` reads them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from rig.recording.fields import Scalar

KINDS = ("added", "updated", "fixed", "introduced", "known-issue", "note")
CLASSES = ("specified", "interpreted", "silent")
BASES = ("stated", "public", "chosen")
LANES = ("CAN", "digital", "bench", "expectation")


class Verdict(StrEnum):
    """What a run says about a row, worst last."""

    NOT_RUN = "NOT RUN"
    PASS = "PASS"
    NOT_VERIFIED = "NOT VERIFIED"  # it ran, but quarantine or calibration take its worth
    INCONCLUSIVE = "INCONCLUSIVE"
    FLAKY = "FLAKY"
    FAIL = "FAIL"
    ABORTED = "ABORTED"
    BROKEN = "BROKEN"

    @property
    def severity(self) -> int:
        """Its place in the order, 0 (not run) to 7 (the rig failed)."""
        return _ORDER.index(self)


_ORDER = tuple(Verdict)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them; NOT RUN where there is none."""
    return max(verdicts, key=lambda verdict: verdict.severity, default=Verdict.NOT_RUN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A value that was held against limits.

    `uncertainty` is expanded (k=2), in `unit`. `signal` names the recorded signal on whose plot the
    limits belong, where there is one.
    """

    name: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    uncertainty: float | None
    rule: str
    verdict: Verdict
    t_s: float
    signal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A file of the record; `path` is relative to the run folder, with forward slashes."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentFacts:
    """An instrument of the bench; `calibrated` and `due` are ISO dates, `due` the last good day."""

    role: str
    model: str
    serial: str | None
    resource: str
    certificate: str | None = None
    calibrated: str | None = None
    due: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchFacts:
    """The bench as its file stated it when the run began; `sha256` is that of the file."""

    kind: str
    description: str
    sha256: str
    instruments: tuple[InstrumentFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """A run whose verdicts stand for what has not changed since; its manifest says which run."""

    run: str
    manifest_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What was run, on what; `started` is ISO 8601 in UTC.

    `bench_facts` is None in a record that was made before they were kept. `judged_as` is the
    release by whose claims a device of an unknown release is judged: then all is PROVISIONAL.
    With `unchanged_since` the run is PARTIAL: what an earlier one proved was not run again.
    """

    id: str
    bench: str
    firmware: str
    started: str
    seed: int
    software: Mapping[str, Scalar]
    bench_facts: BenchFacts | None = None
    judged_as: str | None = None
    unchanged_since: EarlierRun | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchCheck:
    """One check of a bench's self-test; `said` is what was measured, with limit and unit."""

    name: str
    passed: bool
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """What a bench found about itself; `utc` is ISO 8601 in UTC."""

    utc: str
    checks: tuple[BenchCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed, and there was one."""
        return bool(self.checks) and all(check.passed for check in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session of pytest within a run; `why` is "begun", "resumed" or "repeated".

    `tests` is how many it was to run; `mended`: a line of the journal that a power loss had torn
    was cut off before; `utc` is ISO 8601.
    """

    number: int
    utc: str
    why: str
    tests: int
    mended: bool
    self_test: SelfTest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotDelta:
    """One line of a release: what a slot was and what it is now."""

    slot: str
    was: Scalar
    now: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """Why a row's outcome does not count for a while; `since` and `expires` are ISO days.

    It is in force from `since` on; `expires` is its last day.
    """

    owner: str
    reason: str
    since: str
    expires: str
    ticket: str

    def lasts(self, day: str) -> bool:
        """Whether it has not expired on an ISO day."""
        return day <= self.expires


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """One row of the catalogue as the plan carries it; `reason` says why it is not planned.

    `inputs_sha256` is over all that its verdict can depend on; None where nobody worked it out.
    `carried_from` is the run in which it passed, where it is not run again for that.
    """

    id: str
    kind: str
    area: str
    item_class: str
    basis: str | None
    statement: str
    since: str | None
    until: str | None
    revoked_by: str | None
    holds: bool
    deltas: tuple[SlotDelta, ...]
    scenario: str | None
    scenario_sha256: str | None
    firmware: str | None
    tests: tuple[str, ...]
    reason: str
    quarantine: Quarantine | None = None
    inputs_sha256: str | None = None
    carried_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run set out to do, frozen before it began."""

    run: RunFacts
    rows: tuple[PlanRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An attempt began. `attempt` is item/test/number."""

    attempt: str
    item: str
    test: str
    number: int
    firmware: str | None
    utc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An attempt came to its end, with a verdict.

    `bench_fault`: it is BROKEN by what the rig knows as a fault of the bench or an instrument;
    such an attempt may be repeated.
    """

    attempt: str
    item: str
    test: str
    number: int
    firmware: str | None
    utc: str
    verdict: Verdict
    reason: str
    digest: str | None
    sim_s: float
    wall_s: float
    measurements: tuple[Measurement, ...]
    unmet: str | None
    evidence: tuple[Evidence, ...]
    bench_fault: bool = False


Entry = Started | Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceExpectation:
    """A claim about the device, when it was settled and how."""

    t_s: float
    what: str
    outcome: str
    text: str
    measurement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEvent:
    """Something that happened at an instant, in a lane of the plot."""

    t_s: float
    lane: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What an attempt did and saw, in words; `plot` names the signals worth drawing."""

    item: str
    test: str
    firmware: str | None
    seed: int
    start_state: Mapping[str, object]
    expectations: tuple[TraceExpectation, ...]
    events: tuple[TraceEvent, ...]
    plot: tuple[str, ...] = ()
