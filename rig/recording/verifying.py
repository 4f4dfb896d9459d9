"""Whether a record is what it claims to be: hashes, completeness, verdicts worked out again.

Nothing is believed that can be recomputed. A record that was forged whole, with all its hashes,
cannot be told from inside: for that `verify` takes the manifest's hash as it stands on paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rig.recording.fields import Fields, RecordError, as_json, read_json, sha256_of
from rig.recording.manifest import MANIFEST, file_facts, files_of_record, read_manifest
from rig.recording.model import Measurement, Plan, Verdict
from rig.recording.record import RunRecord, attempt_path, read_trace
from rig.recording.verdicts import Attempt, ItemVerdict, attempts_by_item

_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found; a record is sound where there is no problem. `remarks` accuse nobody."""

    run: str
    problems: tuple[str, ...]
    remarks: tuple[str, ...]
    manifest_sha256: str | None
    files: int
    rows: int
    rows_not_run: int
    tests_planned: int
    tests_run: int
    tests_not_started: int
    attempts: int

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.problems


def verify_record(folder: Path, expected_sha256: str | None = None) -> Verification:
    """Judge the record in `folder`; `expected_sha256` is the manifest's as a paper states it.

    Raises RecordError where there is no record at all: no folder, or no plan in it.
    """
    if not folder.is_dir():
        raise RecordError(f"{folder}: no such run; allowed: a run's folder, or a bundle")
    problems, remarks = _hashes(folder, expected_sha256)
    sealed = (folder / MANIFEST).is_file()
    manifest_sha256 = None
    if sealed and not any(each.startswith(MANIFEST) for each in problems):
        manifest_sha256 = read_manifest(folder / MANIFEST).sha256
    record = RunRecord(folder)
    try:
        plan, entries = record.plan(), record.entries()
        attempts = attempts_by_item(plan, entries)
        verdicts = record.verdicts()
    except (RecordError, RecursionError) as error:
        # Too damaged to be judged: the hashes have named what is left to name.
        said = str(error).replace(f"{folder}/", "")
        return Verification(
            run=folder.name,
            problems=(*problems, said),
            remarks=tuple(remarks),
            manifest_sha256=manifest_sha256,
            files=len(files_of_record(folder)),
            **dict.fromkeys(("rows", "rows_not_run", "tests_planned", "tests_run"), 0),
            **dict.fromkeys(("tests_not_started", "attempts"), 0),
        )
    problems += _identity(folder, plan, attempts)
    problems += _verdicts_as_stated(record)
    started = {row.id: {each.start.test for each in attempts[row.id]} for row in plan.rows}
    for row, item in zip(plan.rows, verdicts.items, strict=True):
        problems += _completeness(row.tests, started[row.id], item, planned=not row.reason)
        problems += _attempts(folder, item, attempts[row.id])
    problems += _strangers(folder, attempts)
    planned = sum(len(row.tests) for row in plan.rows)
    run = sum(len(started[row.id] & set(row.tests)) for row in plan.rows)
    return Verification(
        run=plan.run.id,
        problems=tuple(dict.fromkeys(problems)),
        remarks=tuple(remarks),
        manifest_sha256=manifest_sha256,
        files=len(files_of_record(folder)),
        rows=len(plan.rows),
        rows_not_run=sum(item.verdict is Verdict.NOT_RUN for item in verdicts.items),
        tests_planned=planned,
        tests_run=run,
        tests_not_started=planned - run,
        attempts=sum(len(each) for each in attempts.values()),
    )


def _hashes(folder: Path, expected: str | None) -> tuple[list[str], list[str]]:
    """The files against manifest.json, and that against the number on paper."""
    if not (folder / MANIFEST).is_file():
        said = f"{MANIFEST}: missing: only the hashes in the journal can be checked"
        return ([said], []) if expected is not None else ([], [said])
    try:
        manifest = read_manifest(folder / MANIFEST)
    except RecordError as error:
        return [str(error).replace(f"{folder}/", "")], []
    problems = []
    if expected is not None and manifest.sha256 != expected:
        problems.append(f"{MANIFEST}: SHA-256 is {manifest.sha256}, expected {expected}")
    stated = {each.path: each for each in manifest.files}
    found = set(files_of_record(folder))
    for path, each in stated.items():
        if path not in found:
            problems.append(f"{path}: missing, though {MANIFEST} lists it")
        elif file_facts(folder, path) != each:
            problems.append(f"{path}: differs from its SHA-256 in {MANIFEST}")
    problems += [f"{path}: added since the run was sealed" for path in sorted(found - set(stated))]
    return problems, []


def _identity(folder: Path, plan: Plan, attempts: Mapping[str, Sequence[Attempt]]) -> Iterator[str]:
    """Whether plan, journal, verdicts and manifest are of one run."""
    for name, holder in (("verdicts.json", "run"), (MANIFEST, "")):
        try:
            fields = Fields(read_json(folder / name), name)
            stated = fields.child("run").text("id") if holder else fields.text("run")
        except RecordError:
            continue  # said already, by its hash
        if stated != plan.run.id:
            yield f"plan.json: of run {plan.run.id!r}, but {name} is of run {stated!r}"
    for row in plan.rows:
        for attempt in attempts[row.id]:
            if attempt.start.firmware != row.firmware:
                yield (
                    f"{row.id}: plan.json says firmware {row.firmware}, journal.jsonl ran "
                    f"{attempt.start.firmware}"
                )


def _verdicts_as_stated(record: RunRecord) -> Iterator[str]:
    """Where verdicts.json says something else than plan and journal give, row by row."""
    path = record.folder / "verdicts.json"
    if not path.is_file():
        yield "verdicts.json: missing: the run was cut off"
        return
    try:
        stated = read_json(path)
        fields = Fields(stated, "verdicts.json")
        says = {each.text("id"): each.text("verdict") for each in fields.children("items")}
    except RecordError as error:
        yield str(error).replace(f"{record.folder}/", "")
        return
    given = record.verdicts()
    if stated == as_json(given):
        return
    named = False
    for item in given.items:
        if says.get(item.id) != item.verdict:
            named = True
            yield (
                f"{item.id}: verdicts.json says {says.get(item.id, 'nothing')}, plan and journal "
                f"give {item.verdict}"
            )
    if not named:
        yield "verdicts.json: differs from what plan.json and journal.jsonl give"


def _completeness(
    tests: Sequence[str], started: set[str], item: ItemVerdict, *, planned: bool
) -> Iterator[str]:
    """Planned = run + not run, with a reason for each that was not."""
    for test in sorted(started.difference(tests)):
        yield f"{item.id}: {test} ran, but plan.json does not plan it"
    missing = [test for test in tests if test not in started]
    if missing and item.verdict is Verdict.PASS:
        yield f"{item.id}: PASS, though {', '.join(missing)} never started"
    if item.verdict is Verdict.NOT_RUN and not item.reason:
        yield f"{item.id}: NOT RUN without a reason"
    if not planned and started:
        yield f"{item.id}: ran, though plan.json gives a reason not to"


def _attempts(folder: Path, item: ItemVerdict, attempts: Sequence[Attempt]) -> Iterator[str]:
    """Each attempt's verdict against its own evidence."""
    for attempt in attempts:
        end = attempt.end
        if end is None:
            continue
        for evidence in end.evidence:
            path = folder / evidence.path
            if not path.is_file():
                yield f"{evidence.path}: missing, though journal.jsonl names it as evidence"
            elif sha256_of(path) != evidence.sha256:
                yield f"{evidence.path}: differs from its SHA-256 in journal.jsonl"
        for each in end.measurements:
            possible = possible_verdicts(each)
            if possible and each.verdict not in possible:
                yield (
                    f"{end.attempt}: {each.name} is stated as {each.verdict}, its value and limits "
                    f"give {' or '.join(sorted(possible))}"
                )
        if end.verdict is not Verdict.PASS:
            continue
        if not end.evidence:
            yield f"{end.attempt}: PASS without any evidence"
        if end.unmet is not None or any(m.verdict is not Verdict.PASS for m in end.measurements):
            yield f"{end.attempt}: PASS, though a claim of it was not met"
        where = folder / attempt_path(item.id, end.test, end.number) / "trace.json"
        try:
            unmet = [e for e in read_trace(where).expectations if e.outcome == "unmet"]
        except RecordError:
            continue  # its hash has been told
        if unmet:
            yield f"{end.attempt}: PASS, though its trace says unmet: {unmet[0].text[:_SHOWN]}"


def _strangers(folder: Path, attempts: Mapping[str, Sequence[Attempt]]) -> Iterator[str]:
    """Files of attempts that the journal knows nothing of."""
    known = {
        attempt_path(item, each.start.test, each.start.number)
        for item, tries in attempts.items()
        for each in tries
    }
    for path in files_of_record(folder):
        parts = path.split("/")
        if parts[0] == "attempts" and "/".join(parts[:3]) not in known:
            yield f"{path}: of no attempt that journal.jsonl knows"


def possible_verdicts(measurement: Measurement) -> frozenset[Verdict]:
    """What value, limits and uncertainty leave open by the simple rule; empty for any other rule.

    Nearer to a limit than the uncertainty it may be INCONCLUSIVE. It need not: how long something
    took is uncertain to one side only where its end is polled.
    """
    value, low, high = measurement.value, measurement.low, measurement.high
    if measurement.rule != "simple":
        return frozenset()
    if value is None:
        return frozenset({Verdict.FAIL})
    outside = (low is not None and value < low) or (high is not None and value > high)
    verdict = Verdict.FAIL if outside else Verdict.PASS
    reach = (measurement.uncertainty or 0.0) * (1 + 1e-9)
    near = any(abs(value - limit) < reach for limit in (low, high) if limit is not None)
    return frozenset({verdict, Verdict.INCONCLUSIVE} if near else {verdict})
