"""Which rows are short enough for the wall clock: known from runs of the simulated bench.

A row is run if its longest test stays under the limit. How long a test takes is what the newest
finished simulated run says that judged this very scenario file on this very release.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rig.benches.file import BenchFile
from rig.errors import BenchFileError, NotOnThisBench
from rig.kernel import seconds
from rig.planning import ROOT, scenarios
from rig.recording import Ended, RecordError, RunRecord, sha256_of

# Chosen: an attempt has three times its simulated time and a minute; if that is unknown, ten.
WALL_FACTOR, WALL_EXTRA_S, WALL_UNKNOWN_S = 3.0, 60.0, 600.0
LIMIT_S = 20.0  # chosen: a quarter of the rows, in ten minutes on two cores
RUNS_READ = 200  # chosen: of the newest; older ones are of other scenarios
# What they claim is a share of many tries, which virtual time gives in seconds.
STATISTICAL = frozenset({"v1.30-04"})
Durations = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """What a bench on the wall clock runs; without durations, whatever it is asked for."""

    durations: Durations | None = None
    limit_s: float | None = None

    def check(self, item: str, *, silent: bool) -> None:
        """Raises NotOnThisBench, with the reason, for a row that is not run here."""
        if silent:
            raise NotOnThisBench("a silent row: its traces are compared in virtual time")
        if item in STATISTICAL:
            raise NotOnThisBench("statistical")
        if self.durations is None or self.limit_s is None:
            return
        tests = self.durations.get(item)
        if not tests:
            raise NotOnThisBench("its simulated duration is not known: no finished run of it")
        longest_s = max(tests.values())
        if longest_s >= self.limit_s:
            raise NotOnThisBench(f"too long for this bench: {longest_s:.0f} s")

    def limit_us(self, item: str, test: str) -> int:
        """When an attempt is given up."""
        known_s = (self.durations or {}).get(item, {}).get(test)
        if known_s is None:
            return seconds(WALL_UNKNOWN_S)
        return seconds(WALL_FACTOR * known_s + WALL_EXTRA_S)


def read_short(path: Path | None) -> Short:
    """What `write_short` wrote; None: run whatever is asked for."""
    if path is None:
        return Short()
    told = json.loads(path.read_text(encoding="utf-8"))
    return Short(durations=told["durations"], limit_s=told["limit_s"])


def write_short(path: Path, durations: Durations, limit_s: float) -> None:
    """The selection, for the session of pytest."""
    path.write_text(json.dumps({"limit_s": limit_s, "durations": durations}), encoding="utf-8")


def selection(
    bench: BenchFile, firmware: str, limit_s: float | None, runs: Path | None
) -> tuple[Durations, float] | None:
    """Durations and limit for a wire bench; None for one that has time. Raises BenchFileError."""
    if bench.kind == "wire":
        return durations_of(runs or ROOT / "runs", firmware), limit_s or LIMIT_S
    if limit_s is not None or runs is not None:
        raise BenchFileError(
            f"--limit-s, --durations: bench {bench.name} is {bench.kind}; allowed: a wire bench"
        )
    return None


def durations_of(runs: Path, firmware: str) -> Durations:
    """How long each test of each row took in virtual time, in seconds.

    ``runs``: a run's folder, or a folder of runs. Raises BenchFileError if no finished run on the
    simulated bench is there that qualified ``firmware``.
    """
    folders = [runs]
    if not (runs / "plan.json").is_file():
        folders = sorted((path.parent for path in runs.glob("*/verdicts.json")), reverse=True)
    now = {item: sha256_of(scenario.path) for item, scenario in scenarios().items()}
    found: dict[str, dict[str, float]] = {}
    for folder in folders[:RUNS_READ]:
        wanted = {item: digest for item, digest in now.items() if item not in found}
        found.update(_durations_in(folder, firmware, wanted))
    if not found:
        raise BenchFileError(
            f"--durations {runs}: holds no finished run of {firmware} on a simulated bench; "
            f"allowed: the record of `hil qualify --bench sim --firmware {firmware}`"
        )
    return found


def _durations_in(
    folder: Path, firmware: str, wanted: Mapping[str, str]
) -> dict[str, dict[str, float]]:
    """Of one run, of the rows with a scenario of this SHA-256; nothing where it does not fit."""
    record = RunRecord(folder)
    try:
        plan = record.plan()
        facts = plan.run.bench_facts
        if facts is None or facts.kind != "simulated" or plan.run.firmware != firmware:
            return {}
        rows = [row for row in plan.rows if row.tests and row.id in wanted]
        fits = {row.id for row in rows if row.scenario_sha256 == wanted[row.id]}
        entries = record.entries() if fits else ()
    except (RecordError, OSError):
        return {}
    found: dict[str, dict[str, float]] = {}
    for entry in entries:
        if isinstance(entry, Ended) and entry.item in fits:
            found.setdefault(entry.item, {})[entry.test] = entry.sim_s
    return found
