"""A night: self-test, plan, attempts, repetitions, self-test, verdicts - and all of it again later.

What is to be done next follows from the record alone (`due`), so a night that was killed goes on as
one that was not. What was cut off is ABORTED and stays on the record; its test gets another
attempt. Only what the bench is known to have spoilt is repeated, and a failure of the device only
for information: FAIL then PASS is FLAKY.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rig.clock import unix_ms, utc_now
from rig.errors import BenchFileError
from rig.nightly.schedule import Schedule, write_schedule
from rig.nightly.settings import Settings
from rig.recording import (
    MANIFEST,
    Attempt,
    Plan,
    RunRecord,
    RunVerdicts,
    SelfTest,
    Session,
    Verdict,
    attempts_by_item,
    attempts_by_test,
    write_manifest,
)
from rig.recording.record import When

ABORTED_MOST = 3  # chosen: a test that the bench never survives must not keep a night from its end
Numbers = dict[str, dict[str, int]]  # row -> test -> number of its next attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAsked:
    """What a session of pytest is to run: the rows by id, and how many tests they have."""

    schedule: Path
    log: Path
    rows: tuple[str, ...]
    tests: int | None  # None: as many as can be collected


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What a night has others do. `session` says whether it went on to its end."""

    self_test: Callable[[], SelfTest]
    session: Callable[[SessionAsked], bool]
    say: Callable[[str], None]


def due(plan: Plan, attempts: Mapping[str, Sequence[Attempt]]) -> Numbers:
    """What a plan still asks for: tests that never began, and those whose last try was cut off."""
    found: Numbers = {}
    for row in plan.rows:
        tried = attempts_by_test(attempts[row.id])
        for test in row.tests:
            tries = tried.get(test, ())
            aborted = sum(each.verdict is Verdict.ABORTED for each in tries)
            if not tries:
                found.setdefault(row.id, {})[test] = 1
            elif tries[-1].verdict is Verdict.ABORTED and aborted < ABORTED_MOST:
                found.setdefault(row.id, {})[test] = tries[-1].start.number + 1
    return found


def repetitions(
    plan: Plan, attempts: Mapping[str, Sequence[Attempt]], settings: Settings
) -> Numbers:
    """What may be repeated now: bench faults, and failures if asked for, as far as allowed."""
    found: Numbers = {}
    left = settings.retries_a_night
    wanted = []
    for row in plan.rows:
        for test, tries in attempts_by_test(attempts[row.id]).items():
            again = [each for each in tries if _asks_for_another(each, settings)]
            left -= sum(each is not tries[-1] for each in again)
            if again and again[-1] is tries[-1] and len(again) <= settings.retries:
                wanted.append((row.id, test, tries[-1].start.number + 1))
    for item, test, number in wanted[: max(0, left)]:
        found.setdefault(item, {})[test] = number
    return found


def _asks_for_another(attempt: Attempt, settings: Settings) -> bool:
    if attempt.end is None:
        return False  # cut off: that is `due`
    if attempt.verdict is Verdict.FAIL:
        return settings.repeat_failures
    return attempt.verdict is Verdict.BROKEN and attempt.end.bench_fault


class Night:
    """One night in its folder."""

    def __init__(self, folder: Path, settings: Settings, rows: Sequence[str], steps: Steps) -> None:
        self.record = RunRecord(folder)
        self._folder, self._settings, self._steps = folder, settings, steps
        self._rows = tuple(rows)
        self._log = folder / "pytest.log"

    @property
    def is_sealed(self) -> bool:
        """Whether it came to its end."""
        return (self._folder / MANIFEST).is_file()

    def work(self) -> RunVerdicts | None:
        """Do all that is left of it; its verdicts, or None if somebody interrupted it.

        Raises BenchFileError if nothing could be started.
        """
        mended = self.record.mend()
        if mended:
            self._steps.say("the journal's last line was torn: it was never on the record")
        if not (self._folder / "plan.json").is_file():
            going_on = self._begin()
        else:
            going_on = self._go_on(mended=mended)
        rounds = 0
        while going_on and rounds < self._settings.retries and not self._is_over():
            rounds += 1
            numbers = self._again()
            if not numbers:
                break
            self._steps.say(f"{_count(numbers)} tests once more")
            going_on = self._session("repeated", numbers, self._steps.self_test())
        return self._finish() if going_on else None

    def _begin(self) -> bool:
        known = self.record.self_test("before")  # of a night that was killed before its plan
        found = self._tested("before") if known is None else self._steps.self_test()
        began = self._session("begun", None, found)
        if began and not (self._folder / "plan.json").is_file():
            raise BenchFileError(f"no scenario was started; {self._log} says why")
        return began

    def _go_on(self, *, mended: bool) -> bool:
        numbers = self._due()
        if not numbers:
            return True
        self._steps.say(f"{_count(numbers)} tests are left of the plan")
        found = self._steps.self_test()
        return self._session("resumed", numbers, found, mended=mended)

    def _tested(self, when: When) -> SelfTest:
        found = self.record.self_test(when)
        if found is None:
            found = self._steps.self_test()
            self.record.write_self_test(when, found)
        return found

    def _due(self) -> Numbers:
        plan = self.record.plan()
        return due(plan, attempts_by_item(plan, self.record.entries()))

    def _again(self) -> Numbers:
        """What a round of repetition runs: also what a session left undone that ended early."""
        plan = self.record.plan()
        attempts = attempts_by_item(plan, self.record.entries())
        numbers = due(plan, attempts)
        for item, tests in repetitions(plan, attempts, self._settings).items():
            numbers.setdefault(item, {}).update(tests)
        return numbers

    def _is_over(self) -> bool:
        until_ms = self._settings.until_ms
        return until_ms is not None and unix_ms() >= until_ms

    def _session(
        self,
        why: str,
        numbers: Numbers | None,
        tested: SelfTest | None = None,
        *,
        mended: bool = False,
    ) -> bool:
        """One session of pytest; whether it went on to its end."""
        settings = self._settings
        number = len(self.record.sessions()) + 1
        session = Session(
            number=number,
            utc=utc_now(),
            why=why,
            tests=0 if numbers is None else _count(numbers),
            mended=mended,
            self_test=tested,
        )
        folder = self.record.begin_session(session)
        unfit = [] if tested is None else [each.name for each in tested.checks if not each.passed]
        schedule = Schedule(
            order=settings.order,
            quarantine=settings.quarantine,
            numbers=numbers,
            expected_s=settings.expected_s,
            until_ms=settings.until_ms,
            closed=f"the bench failed its self-test: {', '.join(unfit)}" if unfit else "",
        )
        write_schedule(folder / "schedule.json", schedule)
        self._log = (self._folder if number == 1 else folder) / "pytest.log"
        return self._steps.session(
            SessionAsked(
                schedule=folder / "schedule.json",
                log=self._log,
                rows=self._rows if numbers is None else tuple(numbers),
                tests=None if numbers is None else _count(numbers),
            )
        )

    def _finish(self) -> RunVerdicts:
        """Judge and seal it: from here on it has come to its end."""
        self._tested("after")
        verdicts = self.record.finish(utc_now())
        write_manifest(self._folder, verdicts.run.id)
        return verdicts


def _count(numbers: Numbers) -> int:
    return sum(len(tests) for tests in numbers.values())
