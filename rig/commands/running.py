"""Runs scenarios in a session of pytest, with progress, and gives back its exit code."""

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rig.operator.terminal import TerminalPrompt
from rig.planning import ROOT

POLL_S = 0.2
SAFE_WITHIN_S = 30.0  # chosen: long enough for every instrument of a bench to answer
END_WITHIN_S = 3.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def workers(jobs: int | None, tests: int) -> list[str]:
    """The options that spread a session over processors; one process for little work."""
    count = jobs if jobs is not None else (os.cpu_count() or 1)
    count = min(count, tests)
    return [] if count <= 1 else ["-n", str(count), "--dist", "worksteal"]


def run_session(
    options: Sequence[str],
    paths: Sequence[Path],
    log: Path,
    journal: Path,
    total: int,
    on_interrupt: Callable[[], None] | None = None,
    prompt: TerminalPrompt | None = None,
) -> int:
    """Run pytest quietly, and show how far it is. Ctrl-C is passed on: the bench ends safe.

    What pytest says goes to ``log``; ``journal`` grows by one line a test. ``on_interrupt`` hears
    of a Ctrl-C; ``prompt`` asks here what the tests ask. Returns the exit code.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    command += ["--continue-on-collection-errors", *(str(path) for path in paths)]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509 - no thread of ours runs yet
        )
    usual = signal.signal(signal.SIGTERM, _as_ctrl_c)
    with shown(journal, total, prompt) as (look, tell):
        try:
            while not _ended(child):
                look()
        except KeyboardInterrupt:
            if on_interrupt is not None:
                on_interrupt()
            tell("interrupted: bringing the bench to its safe state; again: ends at once")
            _signal(child, signal.SIGINT)
            _see_it_end(child)
        finally:
            signal.signal(signal.SIGTERM, usual)
        return child.returncode


@contextmanager
def shown(
    journal: Path, total: int, prompt: TerminalPrompt | None = None
) -> Iterator[tuple[Callable[[], None], Callable[[str], None]]]:
    """Show how far it is, by the lines of a journal, one a test.

    Gives what looks at the journal again, and what says something beside it.
    """
    console = Console(stderr=True)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    # Where nothing can be drawn, it would leave an empty line.
    is_drawn = console.is_interactive
    with Progress(*columns, console=console, transient=True, disable=not is_drawn) as progress:
        task, seen = progress.add_task("starting", total=total), _Progress(journal)

        def hold(held: bool) -> None:  # what is typed would be drawn over
            (progress.stop if held else progress.start)()

        def look() -> None:
            seen.look()
            progress.update(task, completed=seen.done, description=seen.last)
            if prompt is not None:
                prompt.look(hold)

        def tell(text: str) -> None:
            console.print(text, markup=False, highlight=False, soft_wrap=True)

        yield look, tell


def run_in_view(command: Sequence[str], prompt: TerminalPrompt | None = None) -> int:
    """Run pytest on this terminal, and give its exit code; ``prompt`` asks what the tests ask.

    Ctrl-C reaches it from the terminal: it is waited for until its bench is in its safe state.
    """
    child = subprocess.Popen(command, cwd=ROOT)
    try:
        while prompt is not None and not _ended(child):
            prompt.look()
        return child.wait()
    except KeyboardInterrupt:
        return _see_it_end(child)


def _see_it_end(child: "subprocess.Popen[bytes]") -> int:
    """Wait until it has left its bench safe; impatience, or too long a wait, ends it for good."""
    try:
        return child.wait(SAFE_WITHIN_S)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        _signal(child, signal.SIGTERM)
    try:
        return child.wait(END_WITHIN_S)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        _signal(child, signal.SIGKILL)
        return child.wait()


def _signal(child: "subprocess.Popen[bytes]", number: int) -> None:
    """To it and its workers, if it has a session of its own."""
    with suppress(ProcessLookupError):
        if os.getpgid(child.pid) == child.pid:
            os.killpg(child.pid, number)
        else:
            child.send_signal(number)


def _as_ctrl_c(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def end_with_parent() -> None:
    """Have the kernel interrupt this process when its parent dies, however it dies (Linux).

    A shell that starts `hil` in the background has it ignore Ctrl-C, and this would inherit that.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _ended(child: "subprocess.Popen[bytes]") -> bool:
    """Whether it has; after a moment's wait."""
    try:
        child.wait(POLL_S)
    except subprocess.TimeoutExpired:
        return False
    return True


class _Progress:
    """How many tests have ended, and the last of them in words; reads what has come since."""

    def __init__(self, journal: Path) -> None:
        self._journal, self._read_bytes = journal, 0
        self.done, self.last = 0, "starting"

    def look(self) -> None:
        """Read on to the last whole line."""
        if not self._journal.is_file():
            return
        with self._journal.open("rb") as file:
            file.seek(self._read_bytes)
            whole, _, _ = file.read().rpartition(b"\n")
        self._read_bytes += len(whole) + 1 if whole else 0
        for line in whole.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("what", "END") == "END":
                self.done += 1
                what = entry.get("verdict") or ("ok" if _as_claimed(entry) else "DISAGREES")
                self.last = f"{entry['item']} on {entry.get('firmware')}: {what}"


def _as_claimed(entry: dict[str, object]) -> bool:
    """Whether one test went as it may; a text says that it neither passed nor failed."""
    measured = entry.get("measured")
    return measured is True if entry.get("claimed") else isinstance(measured, bool)
