"""What is told of a night in the morning: as JSON, to a command or to a web address of the lab's.

To tell it is a courtesy: that it fails changes no verdict and no exit code, and is said.
"""

import http.client
import json
import shlex
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rig.errors import BenchFileError
from rig.recording import RunRecord, RunVerdicts, Verdict, attempts_by_item, attempts_by_test

TELL_WITHIN_S = 30.0  # chosen: a mail command on a slow line; a night waits no longer


def summary_of(folder: Path, verdicts: RunVerdicts, code: int, report: Path) -> str:
    """The night as one JSON object, pretty enough to be read as it is."""
    record, run = RunRecord(folder), verdicts.run
    plan = record.plan()
    attempts = attempts_by_item(plan, record.entries())
    counts = Counter(str(item.verdict) for item in verdicts.items)
    tests = {
        when: None if (found := record.self_test(when)) is None else found.passed
        for when in ("before", "after")
    }
    told = {
        "run": run.id,
        "bench": run.bench,
        "firmware": run.firmware,
        "started": run.started,
        "finished": run.finished,
        "exit_code": code,
        "counts": dict(sorted(counts.items())),
        "attention": [
            {"id": item.id, "verdict": item.verdict, "reason": item.reason}
            for item in verdicts.items
            if item.verdict not in {Verdict.PASS, Verdict.NOT_RUN}
        ],
        "repeated": [
            f"{item}/{test}: {', '.join(str(each.verdict) for each in tries)}"
            for item, of_row in attempts.items()
            for test, tries in attempts_by_test(of_row).items()
            if len(tries) > 1
        ],
        "sessions": len(record.sessions()),
        "self_test": tests,
        "record": str(folder),
        "report": str(report),
    }
    return json.dumps(told, indent=1, ensure_ascii=False)


def tell_command(command: str, summary: str) -> str:
    """Give it to a command's standard input; what went wrong, or nothing."""
    try:
        words = shlex.split(command)
        done = subprocess.run(
            words, input=summary.encode(), capture_output=True, timeout=TELL_WITHIN_S, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return f"--notify-command {command}: {error}"
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return f"--notify-command {command}: exit code {done.returncode} {' '.join(said[-1:])}"
    return ""


def tell_webhook(url: str, summary: str) -> str:
    """POST it to a web address; what went wrong, or nothing."""
    request = urllib.request.Request(
        url, data=summary.encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=TELL_WITHIN_S):
            return ""
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        return f"--webhook {url}: {error}"


def check_ways(command: str | None, url: str | None) -> None:
    """Raises BenchFileError, in the evening, for what could not work in the morning."""
    if url is not None and not _is_address(url):
        raise BenchFileError(f"--webhook {url}: allowed: http(s)://, a host, and no blanks")
    try:
        words = ["-"] if command is None else shlex.split(command)
    except ValueError as error:
        raise BenchFileError(f"--notify-command {command}: {error}; allowed: a command") from error
    if not words:
        raise BenchFileError("--notify-command: is empty; allowed: a command")


def _is_address(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port  # it is read, and refused, only when asked for
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"} and bool(parts.hostname) and not set(url) & set(" \t\n")
    )


def tell(command: str | None, url: str | None, summary: str) -> Sequence[str]:
    """Tell it in each way that is asked for; what went wrong."""
    problems = []
    if command is not None:
        problems.append(tell_command(command, summary))
    if url is not None:
        problems.append(tell_webhook(url, summary))
    return [problem for problem in problems if problem]
