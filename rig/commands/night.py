"""What a night does from its evening to its morning, on a terminal: sessions, report, summary."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from rig.benches.file import BenchFile
from rig.commands.evidence import render_views
from rig.commands.fitness import failed_self_tests, self_test
from rig.commands.running import run_session, workers
from rig.commands.telling import print_verdicts
from rig.errors import BenchFileError
from rig.history.index import update as update_history
from rig.nightly.night import Night, SessionAsked, Steps, due
from rig.nightly.settings import Settings
from rig.nightly.summary import summary_of, tell
from rig.planning import scenarios
from rig.recording import (
    RecordError,
    RunRecord,
    RunVerdicts,
    SelfTest,
    attempts_by_item,
    exit_code,
)
from rig.recording.record import write_whole

INTERRUPTED, BROKEN = 130, 3
SUMMARY = "summary.json"  # of a night that came to its end, and was told
SHORT = "short.json"
out = Console()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a night is: its bench, the folder of all runs, and who is told in the morning."""

    bench: BenchFile
    runs: Path
    command: str | None
    webhook: str | None
    as_json: bool

    def say(self, text: str) -> None:
        """A line for people."""
        if not self.as_json:
            out.print(text, markup=False, highlight=False, soft_wrap=True)


def work(place: Place, folder: Path, settings: Settings) -> int:
    """All that is left of a night; the exit code."""
    known = scenarios()
    rows = settings.only or tuple(known)
    interrupted: list[bool] = []

    def session(asked: SessionAsked) -> bool:
        options = ["--firmware", settings.firmware, "--bench", settings.bench]
        options += ["--seed", str(settings.seed), "--out", str(folder)]
        options += ["--schedule", str(asked.schedule)]
        if (folder / SHORT).is_file():
            options += ["--short", str(folder / SHORT)]
        paths = [known[row].path for row in asked.rows if row in known]
        journal, tests = folder / "journal.jsonl", asked.tests
        if tests is None:
            tests = sum(len(known[row].tests) for row in asked.rows if row in known)
        jobs = 1 if place.bench.kind == "lab" else settings.jobs
        options += workers(jobs, tests)
        total = tests + _ended(journal)
        run_session(options, paths, asked.log, journal, total, lambda: interrupted.append(True))
        return not interrupted

    def tested() -> SelfTest:
        return self_test(place.bench, settings.firmware, place.say)

    place.say(
        f"Night on bench {place.bench.name}: firmware {settings.firmware}, {len(rows)} rows"
        + (f", until {_local(settings.until_ms)}" if settings.until_ms else "")
    )
    try:
        night = Night(
            folder, settings, rows, Steps(self_test=tested, session=session, say=place.say)
        )
        verdicts = night.work()
    except KeyboardInterrupt:
        verdicts = None
    if verdicts is None:
        place.say(f"interrupted; to go on: hil nightly {place.bench.path} --resume {folder}")
        return INTERRUPTED
    return tell_end(place, folder, verdicts)


def tell_end(place: Place, folder: Path, verdicts: RunVerdicts) -> int:
    """Show a sealed night: terminal, report, history, and whoever is to hear of it; its code."""
    code = code_of(folder, verdicts)
    if not place.as_json:
        print_verdicts(verdicts, out)
    page = render_views(folder)
    try:
        if folder.parent == place.runs.resolve():  # history is of the folder of all runs
            update_history(place.runs)
    except (BenchFileError, RecordError, OSError) as error:
        place.say(f"history: {error}")
    summary = summary_of(folder, verdicts, code, page)
    for problem in tell(place.command, place.webhook, summary):
        place.say(f"not told: {problem}")
    write_whole(folder / SUMMARY, summary + "\n")
    place.say(f"Record: {folder}\nReport: {page}")
    if place.as_json:
        print(summary)  # noqa: T201
    return code


def code_of(folder: Path, verdicts: RunVerdicts) -> int:
    """The exit code: the verdicts', or 3 where the bench was unfit, or tests never began."""
    record = RunRecord(folder)
    plan = record.plan()
    left = due(plan, attempts_by_item(plan, record.entries()))
    never_began = any(number == 1 for tests in left.values() for number in tests.values())
    if never_began or any(failed_self_tests(record)):
        return BROKEN
    return exit_code([item.verdict for item in verdicts.items])


def _ended(journal: Path) -> int:
    """How many attempts are over."""
    if not journal.is_file():
        return 0
    lines = journal.read_text(encoding="utf-8").splitlines()
    return sum(json.loads(line)["what"] == "END" for line in lines)


def _local(unix_ms: int) -> str:
    return f"{datetime.fromtimestamp(unix_ms / 1000, UTC).astimezone():%Y-%m-%d %H:%M}"
