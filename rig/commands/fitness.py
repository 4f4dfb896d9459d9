"""A bench's test of itself, told on a terminal and kept in a record, before and after a run."""

from collections.abc import Callable, Iterator

from rich.console import Console

from rig.benches.file import BenchFile
from rig.clock import wall_s
from rig.nightly.fitness import examine
from rig.recording import RunRecord, SelfTest
from rig.recording.record import When

Say = Callable[[str], None]
out = Console()


def self_test(bench: BenchFile, firmware: str, say: Say) -> SelfTest:
    """Have the bench test itself, and say how it went."""
    began_s = wall_s()
    found = examine(bench, firmware)
    bad = [check for check in found.checks if not check.passed]
    took = f"{len(found.checks)} checks in {wall_s() - began_s:.1f} s"
    say(f"Bench self-test: {'passed' if found.passed else 'FAILED'}, {took}")
    for check in bad:
        say(f"  {check.name}: {check.said}")
    return found


def keep_self_test(record: RunRecord, when: When, bench: BenchFile, firmware: str) -> bool:
    """The same, into the record; whether the bench is fit to measure."""
    found = self_test(bench, firmware, _print)
    record.write_self_test(when, found)
    return found.passed


def _print(text: str) -> None:
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def failed_self_tests(record: RunRecord) -> Iterator[str]:
    """Which of a run's self-tests the bench failed."""
    for when in ("before", "after"):
        found = record.self_test(when)
        if found is not None and not found.passed:
            yield f"{when} the run"
    for session in record.sessions():
        if session.self_test is not None and not session.self_test.passed:
            yield f"before session {session.number}"
