"""`hil verify --rerun`: what ran on a simulated bench runs again, and does the same, bit by bit.

Nothing is recorded of it: an attempt's digest is over every event of the bench, with or without
files. Each row runs on the release that the record names, whatever it was judged on.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rig.benches.file import load_bench
from rig.cells import Cell, write_cells
from rig.commands.running import run_session, workers
from rig.errors import BenchFileError
from rig.planning import scenarios, software
from rig.recording import (
    Attempt,
    Plan,
    PlanRow,
    RunRecord,
    Verdict,
    attempts_by_item,
    sha256_of,
)

NOT_AGAIN = "did not run again to its end"
# What the bench's death or the clock ended says nothing about the device.
NOT_COMPARED = frozenset({Verdict.ABORTED, Verdict.NOT_RUN})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAgain:
    """What came out otherwise, a sentence each; and how much was compared."""

    problems: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """How one test ended when it was run again."""

    verdict: str
    digest: str


def run_again(folder: Path, jobs: int | None) -> RunAgain:
    """Run every simulated attempt of a run once more, on all cores, and compare.

    Raises BenchFileError where nothing could be started.
    """
    record = RunRecord(folder)
    plan = record.plan()
    attempts = attempts_by_item(plan, record.entries())
    ran = [row for row in plan.rows if _compared(attempts[row.id])]
    problems = _no_bench(plan)
    if problems:
        return RunAgain(problems=problems, remarks=("not run again",))
    changed = {row.id: why for row in ran if (why := _changed(row))}
    wanted = [row for row in ran if row.id not in changed]
    found = _run(plan, {row.id: attempts[row.id] for row in wanted}, jobs) if wanted else {}
    different = [
        said
        for row in wanted
        for attempt in _compared(attempts[row.id])
        if (said := _difference(attempt, found.get((row.id, attempt.start.test))))
    ]
    missing = sum(said.endswith(NOT_AGAIN) for said in different)
    count = sum(len(_compared(attempts[row.id])) for row in wanted) - missing
    others = len(different) - missing
    remarks = [f"{count} attempts were run again, {others} with another outcome"]
    remarks += [f"{missing} attempts were not"] if missing else []
    if changed or different:
        remarks += _other_software(plan)
    return RunAgain(problems=(*changed.values(), *different), remarks=tuple(remarks))


def _compared(attempts: Sequence[Attempt]) -> list[Attempt]:
    return [each for each in attempts if each.verdict not in NOT_COMPARED]


def _no_bench(plan: Plan) -> tuple[str, ...]:
    """Why nothing can be run again on the bench of the run."""
    facts = plan.run.bench_facts
    if facts is None:
        return ("--rerun: the record does not say what stood on its bench",)
    if facts.kind != "simulated":
        return (f"--rerun: bench {plan.run.bench} is {facts.kind}; only sim runs again",)
    if load_bench(plan.run.bench).sha256 != facts.sha256:
        return (f"--rerun: the file of bench {plan.run.bench} is not the one that ran",)
    return ()


def _changed(row: PlanRow) -> str:
    scenario = scenarios().get(row.id)
    if scenario is None or sha256_of(scenario.path) != row.scenario_sha256:
        return f"{row.id}: its scenario is not the one that ran; it cannot run again"
    return ""


def _other_software(plan: Plan) -> list[str]:
    """What else is different today: most likely the reason."""
    now = software()
    names = [name for name in now if now[name] != plan.run.software.get(name)]
    if not names:
        return ["software: the same as in the record"]
    stated = (f"{n} {plan.run.software.get(n, 'not stated')} -> {now[n]}" for n in names)
    return [f"software that differs from the record: {', '.join(stated)}"]


def _run(
    plan: Plan, attempts: Mapping[str, Sequence[Attempt]], jobs: int | None
) -> Mapping[tuple[str, str], _Outcome]:
    """Run these rows on the releases that they ran on; how each test ended."""
    known = scenarios()
    cells = [
        Cell(item=id_, firmware=firmware)
        for id_, each in attempts.items()
        for firmware in dict.fromkeys(a.start.firmware for a in each)
        if firmware is not None
    ]
    total = sum(len({each.start.test for each in mine}) for mine in attempts.values())
    with tempfile.TemporaryDirectory(prefix="hil-rerun-") as scratch:
        wanted, found, log = (Path(scratch) / name for name in ("cells.json", "out.jsonl", "log"))
        write_cells(wanted, cells)
        options = ["--cells", str(wanted), "--cells-out", str(found), "--bench", plan.run.bench]
        options += ["--seed", str(plan.run.seed), *workers(jobs, total)]
        run_session(options, [known[id_].path for id_ in attempts], log, found, total)
        if not found.is_file():
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise BenchFileError(f"--rerun: nothing was started: {said[-1] if said else 'no word'}")
        entries = [json.loads(line) for line in found.read_text(encoding="utf-8").splitlines()]
    return {
        (each["item"], each["test"]): _Outcome(verdict=each["ended"], digest=each["digest"])
        for each in entries
    }


def _difference(attempt: Attempt, again: _Outcome | None) -> str:
    """What an attempt did otherwise when it ran again; empty if it did the same."""
    end = attempt.end
    if end is None:
        return ""
    if again is None or again.verdict == Verdict.ABORTED:
        return f"{end.attempt}: {NOT_AGAIN}"
    if again.verdict != end.verdict:
        return f"{end.attempt}: {end.verdict} in the record, {again.verdict} again"
    if again.digest != (end.digest or ""):
        digests = f"{_short(end.digest)} in the record, {_short(again.digest)} again"
        return f"{end.attempt}: another event record: {digests}"
    return ""


def _short(digest: str | None) -> str:
    return (digest or "none")[:12]
