"""What a night without anybody needs of the machine and of the papers.

What cannot be read here is said to be unknown, and never to be good.
"""

import ctypes
import os
import shutil
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from rig.benches.file import BenchFile
from rig.benches.lab.finding import Finding, good, unknown, wrong
from rig.recording import Ended, RecordError, RunRecord

NIGHT = "night"
# Measured: 2.9 MB/h of an attempt on two rest-bus batteries (v1.08-04); chosen: three times that.
USUAL_MB_PER_H = 9.0
SPARE = 2.0  # chosen: a disk that is twice as empty as it has to be
RUNS_READ = 5
ENOUGH_S = 60.0  # chosen: below a minute of bench time a rate says nothing
MB = 1e6
TIME_ERROR, TIMEX_BYTES = 5, 512  # public: adjtimex(2); its structure is smaller
SLEEP_TARGETS = ("sleep.target", "suspend.target")
UNITS = (Path("/etc/systemd/system"), Path("/run/systemd/system"))
LOGIND = (Path("/etc/systemd/logind.conf"), Path("/etc/systemd/logind.conf.d"))
SYSTEMD = Path("/run/systemd/system")


def check_night(file: BenchFile, hours: float, today: date, runs: Path) -> list[Finding]:
    """All of it, for a night of so many hours whose record goes to ``runs``."""
    return [
        *_disk(hours, runs),
        *_calibrations(file, today, today + timedelta(days=1 + int(hours // 24))),
        *_suspend(UNITS, LOGIND, SYSTEMD),
        *_clock(clock_state()),
    ]


def _disk(hours: float, runs: Path) -> Iterator[Finding]:
    place = next(folder for folder in (runs, *runs.parents) if folder.is_dir())
    free_mb = shutil.disk_usage(place).free / MB
    measured = record_rate(runs)
    rate, whose = (
        (measured, "our newest records") if measured else (USUAL_MB_PER_H, "usual records")
    )
    needed_mb = rate * hours
    text = f"{free_mb:.0f} MB free, {needed_mb:.0f} MB for {hours:g} h at {rate:.0f} MB/h ({whose})"
    if free_mb < SPARE * needed_mb:
        yield wrong(NIGHT, "disk", text, f"make room: twice that has to be free in {place}")
    else:
        yield good(NIGHT, "disk", text)


def record_rate(runs: Path) -> float | None:
    """MB an hour of bench time, by the newest records on the wall clock; None without any."""
    size_b, took_s, read = 0, 0.0, 0
    for folder in sorted((path.parent for path in runs.glob("*/verdicts.json")), reverse=True):
        record = RunRecord(folder)
        try:
            facts = record.plan().run.bench_facts
            if facts is None or facts.kind == "simulated":
                continue
            ended = [entry for entry in record.entries() if isinstance(entry, Ended)]
        except (RecordError, OSError):
            continue
        took_s += sum(entry.sim_s for entry in ended)
        size_b += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        read += 1
        if read == RUNS_READ:
            break
    return size_b / MB / (took_s / 3600.0) if took_s > ENOUGH_S else None


def _calibrations(file: BenchFile, today: date, morning: date) -> Iterator[Finding]:
    """What is due while nobody is there; what is overdue is the wiring check's."""
    due = {
        name: role.calibration.due
        for name, role in file.roles.items()
        if role.calibration is not None and role.calibration.due < morning
    }
    for name, day in due.items():
        if day >= today:
            yield wrong(
                NIGHT,
                f"roles.{name}.calibration.due",
                f"it is due on {day}, before the night is over",
                "have it calibrated first, or run a shorter night",
            )
    if not due:
        yield good(NIGHT, "calibration", f"nothing is due before {morning}")


def _suspend(units: tuple[Path, ...], logind: tuple[Path, ...], systemd: Path) -> Iterator[Finding]:
    todo = "systemctl mask sleep.target suspend.target"
    if not systemd.is_dir():
        yield unknown(NIGHT, "suspend", "this machine has no systemd to ask", "see its settings")
        return
    if all(any(_masked(folder / name) for folder in units) for name in SLEEP_TARGETS):
        yield good(NIGHT, "suspend", "the machine cannot go to sleep: its targets are masked")
        return
    action = _idle_action(logind)
    if action not in {"", "ignore", "lock"}:
        yield wrong(NIGHT, "suspend", f"logind's IdleAction is {action}: it would sleep", todo)
    else:
        text = "logind does not send it to sleep; a desktop's own settings cannot be read"
        yield unknown(NIGHT, "suspend", text, todo)


def _masked(unit: Path) -> bool:
    return unit.is_symlink() and unit.resolve() == Path(os.devnull)


def _idle_action(places: tuple[Path, ...]) -> str:
    """What logind does with an idle machine; "": what it does by default, which is nothing."""
    found = ""
    for place in places:
        for path in sorted(place.glob("*.conf")) if place.is_dir() else [place]:
            try:
                lines = path.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError):
                continue
            for line in lines:
                key, _, value = line.partition("=")
                if key.strip() == "IdleAction":
                    found = value.strip()
    return found


def clock_state() -> bool | None:
    """Whether the kernel's clock is held by a time server; None where nobody can be asked."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        answer: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else answer != TIME_ERROR


def _clock(synchronised: bool | None) -> Iterator[Finding]:
    if synchronised is None:
        yield unknown(NIGHT, "clock", "whether a time server holds it cannot be read here")
    elif synchronised:
        yield good(NIGHT, "clock", "held by a time server")
    else:
        text = "no time server holds it: the record's times would drift"
        yield wrong(NIGHT, "clock", text, "start chrony or systemd-timesyncd")
