"""How fast a year of nights becomes a page, and how good the control charts are.

The year is made up: 365 nights, three benches, every row of the catalogue with a measurement. What
is timed is the processor time of a process that makes the page from the index, with all its
imports; and the page's own clock when it is drawn, where there is a Chromium.
"""

import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bms.catalogue import catalogue
from rig.history.drift import WARM_UP, WATCH, Numbers, charts
from rig.history.generate import made_up_runs, year_of
from rig.history.index import write_runs
from rig.history.nights import Row

# Name, value, unit, goal: the benchmarks' own type is of the file that imports this one.
Measured = tuple[str, float, str, float]

NIGHTS, BENCHES = 365, ("lab-1", "lab-2", "lab-3")
CHARTS, STEADY_NIGHTS, SHIFT_AT = 4000, 1500, 180
PAGE = (
    "import sys; from pathlib import Path; from reports.history import write_history_page; "
    "write_history_page(Path(sys.argv[1]), Path(sys.argv[2]))"
)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run")


def page() -> list[Measured]:
    """Seconds from the index to a page on the disk, and from there to a page that is drawn."""
    with TemporaryDirectory() as scratch:
        database, path = Path(scratch) / "history.sqlite", Path(scratch) / "history.html"
        made_up_year(database)
        before_s = _children_s()
        subprocess.run([sys.executable, "-c", PAGE, str(database), str(path)], check=True)
        found = [("history_page_s", _children_s() - before_s, "s", 3.0)]
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        if chromium is not None:
            found.append(("history_ready_s", _ready_s(chromium, path), "s", 3.0))
        return found


def made_up_year(database: Path) -> None:
    """Write the index of a year of nights that nobody had."""
    rows = [Row(id=i.id, area=i.area, statement=i.statement) for i in catalogue().values()]
    story = year_of(len(rows), len(BENCHES), NIGHTS)
    write_runs(database, list(made_up_runs(rows, story, nights=NIGHTS, benches=BENCHES, seed=1)))


def drift() -> list[Measured]:
    """Mean nights until a shift by one sigma is found; and until a steady chart is wrong."""
    random = np.random.default_rng(1)
    steady = random.normal(5.0, 0.01, (CHARTS, STEADY_NIGHTS))
    moved = random.normal(5.0, 0.01, (CHARTS, SHIFT_AT + 150))
    moved[:, SHIFT_AT:] += 0.01
    wrong, found = _first_alarm(steady), _first_alarm(moved)
    # A chart that was never wrong is counted with the nights that it was watched.
    watched = np.where(wrong < 0, STEADY_NIGHTS, wrong + 1) - WARM_UP
    delays = np.where(found < 0, moved.shape[1], found)[(found < 0) | (found >= SHIFT_AT)]
    return [
        ("drift_nights", float(np.mean(delays - SHIFT_AT + 1)), "nights", 15.0),
        (
            "drift_false_alarm_nights",
            float(watched.sum() / (wrong >= 0).sum()),
            "nights a false alarm",
            370.0,
        ),
    ]


def _first_alarm(values: Numbers) -> Numbers:
    phases = np.ones(values.shape, dtype=np.int64)
    low, high = np.full(values.shape, 4.0), np.full(values.shape, 6.0)
    made = charts(values, phases, low, high)
    over = np.nan_to_num(np.fmax(made.up, made.down)) > WATCH
    return np.where(over.any(axis=1), over.argmax(axis=1), -1).astype(np.float64)


def _ready_s(chromium: str, path: Path) -> float:
    command = [chromium, *FLAGS, f"--user-data-dir={path.parent / 'profile'}", "--dump-dom"]
    done = subprocess.run([*command, path.as_uri()], check=True, capture_output=True, text=True)
    ready = re.search(r'data-ready-ms="(\d+)"', done.stdout[:2000])
    if ready is None:
        raise RuntimeError("the page did not say when it was drawn")
    return int(ready[1]) / 1000


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
