"""The run record: a folder that is written as the run happens, and survives a kill.

    plan.json  journal.jsonl  verdicts.json  attempts/<item>/<test>-<number>/...

plan.json is written once, before anything runs, and carries its own hash. journal.jsonl grows by
whole lines; several processes may append to it at once. verdicts.json follows from the two.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from rig.recording.fields import (
    Fields,
    RecordError,
    as_json,
    canonical_json,
    parse_json,
    read_json,
    sha256_of,
)
from rig.recording.model import Entry, Evidence, Plan, SelfTest, Session, Started, Trace
from rig.recording.reading import entry_of, plan_of, self_test_of, session_of, trace_of
from rig.recording.verdicts import RunVerdicts, judge

PLAN = "plan.json"
JOURNAL = "journal.jsonl"
VERDICTS = "verdicts.json"
TRACE = "trace.json"
FRAMES = "frames.blf"

When = Literal["before", "after"]
SESSIONS = "sessions"

# Without O_BINARY Windows would write \r\n.
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class RunRecord:
    """The folder of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write_plan(self, plan: Plan) -> None:
        """Freeze the plan; a record has one, and it never changes."""
        path = self.folder / PLAN
        if path.exists():
            raise RecordError(f"{path}: the plan is frozen; allowed: a new run folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {"format": 1, **_object(plan)}
        write_whole(path, canonical_json({**content, "sha256": _hash(content)}) + "\n")

    def plan(self) -> Plan:
        """The frozen plan; RecordError where it is not as it was written."""
        return read_plan(self.folder / PLAN)

    def plan_sha256(self) -> str:
        """The hash that the plan carries."""
        path = self.folder / PLAN
        return Fields(read_json(path), str(path)).text("sha256")

    def journal(self, entry: Entry) -> None:
        """Append one line; it is on the disk when this returns."""
        what = "START" if isinstance(entry, Started) else "END"
        line = (canonical_json({"what": what, **_object(entry)}) + "\n").encode()
        is_new = not (self.folder / JOURNAL).exists()
        handle = os.open(self.folder / JOURNAL, _APPEND, 0o644)
        try:
            # One write call: lines of several processes never mix.
            if os.write(handle, line) != len(line):
                raise RecordError(f"{self.folder / JOURNAL}: a line was cut; is the disk full?")
            os.fsync(handle)
        finally:
            os.close(handle)
        if is_new:
            sync(self.folder)

    def entries(self) -> tuple[Entry, ...]:
        """The journal so far."""
        return read_journal(self.folder / JOURNAL)

    def mend(self) -> bool:
        """Before a resume: cut a last line that a power loss tore; whether there was one."""
        path = self.folder / JOURNAL
        content = path.read_bytes() if path.exists() else b""
        whole = content.rfind(b"\n") + 1
        if whole == len(content):
            return False
        os.truncate(path, whole)
        return True

    def attempt_folder(self, item: str, test: str, number: int) -> Path:
        """The folder of one attempt, made where it is not."""
        folder = self.folder / attempt_path(item, test, number)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def write_trace(self, folder: Path, trace: Trace) -> Path:
        """Write trace.json into the folder of an attempt."""
        path = folder / TRACE
        write_whole(path, canonical_json({"format": 1, **_object(trace)}) + "\n")
        return path

    def evidence(self, paths: Iterable[Path]) -> tuple[Evidence, ...]:
        """The named files with their hashes, in the order of their paths.

        They are on the disk when this returns: an END that survives a power loss finds them there.
        """
        paths = list(paths)
        for path in {*paths, *(path.parent for path in paths)}:
            sync(path)
        return tuple(
            Evidence(path=path.relative_to(self.folder).as_posix(), sha256=sha256_of(path))
            for path in sorted(paths)
        )

    def write_self_test(self, when: When, found: SelfTest) -> Path:
        """Keep what the bench found about itself, before the first attempt or after the last."""
        path = self.folder / f"selftest-{when}.json"
        if path.exists():
            raise RecordError(f"{path}: is there already; allowed: one self-test {when} a run")
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, canonical_json({"format": 1, **_object(found)}) + "\n")
        return path

    def self_test(self, when: When) -> SelfTest | None:
        """The self-test before or after; None where the record has none."""
        path = self.folder / f"selftest-{when}.json"
        return self_test_of(Fields(read_json(path), str(path))) if path.exists() else None

    def begin_session(self, session: Session) -> Path:
        """Note that the run goes on; the folder for what this session leaves besides attempts."""
        folder = self.folder / SESSIONS / f"{session.number:02}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "session.json"
        if path.exists():
            raise RecordError(f"{path}: is there already; allowed: a new number")
        write_whole(path, canonical_json({"format": 1, **_object(session)}) + "\n")
        return folder

    def sessions(self) -> tuple[Session, ...]:
        """The sessions of pytest that the run took, as far as it noted them, in their order."""
        paths = sorted((self.folder / SESSIONS).glob("*/session.json"))
        return tuple(session_of(Fields(read_json(path), str(path))) for path in paths)

    def finish(self, finished: str) -> RunVerdicts:
        """Write verdicts.json from plan and journal; `finished` is ISO 8601 in UTC."""
        verdicts = judge(self.plan(), self.entries(), finished)
        write_whole(self.folder / VERDICTS, canonical_json(as_json(verdicts)) + "\n")
        return verdicts

    def verdicts(self) -> RunVerdicts:
        """The verdicts as plan and journal give them, whatever verdicts.json says."""
        return judge(self.plan(), self.entries(), self.finished())

    def finished(self) -> str | None:
        """When the run ended, where it did."""
        path = self.folder / VERDICTS
        if not path.exists():
            return None
        fields = Fields(read_json(path), str(path)).child("run")
        return None if fields.optional_text("finished") is None else fields.utc("finished")

    def problems(self) -> tuple[str, ...]:
        """What does not fit together, one line each; an unreadable plan or journal raises."""
        found = self.verdict_problems()
        for item in self.verdicts().items:
            found += self.evidence_problems(item.evidence)
        return tuple(found)

    def verdict_problems(self) -> list[str]:
        """Whether verdicts.json is there and says what plan and journal give."""
        path = self.folder / VERDICTS
        if not path.exists():
            return [f"{VERDICTS}: missing: the run was cut off"]
        if read_json(path) != as_json(self.verdicts()):
            return [f"{VERDICTS}: differs from what {PLAN} and {JOURNAL} give"]
        return []

    def evidence_problems(self, evidence: Iterable[Evidence]) -> list[str]:
        """Which files are gone, or are no longer what they were."""
        found = []
        for each in evidence:
            path = self.folder / each.path
            if not path.is_file():
                found.append(f"{each.path}: evidence is missing")
            elif sha256_of(path) != each.sha256:
                found.append(f"{each.path}: evidence differs from its SHA-256")
        return found


def attempt_id(item: str, test: str, number: int) -> str:
    """The name of an attempt in the journal."""
    return f"{item}/{test}/{number}"


def attempt_path(item: str, test: str, number: int) -> str:
    """Where an attempt's files are, relative to the run folder.

    A test's name may hold what a file system does not take (parameters); then a few digits of
    its hash keep two such names apart.
    """
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", test)[:120]
    if safe != test:
        safe += "-" + hashlib.sha256(test.encode()).hexdigest()[:8]
    return f"attempts/{item}/{safe}-{number}"


def read_plan(path: Path) -> Plan:
    """A plan.json whose hash is right."""
    fields = Fields(read_json(path), str(path))
    plan = plan_of(fields)
    stated = fields.text("sha256")
    content = {name: fields.value(name) for name in fields.names() if name != "sha256"}
    if _hash(content) != stated:
        raise RecordError(f"{path}: sha256 is not the hash of the plan; allowed: {_hash(content)}")
    return plan


def read_journal(path: Path) -> tuple[Entry, ...]:
    """Every whole line; an unfinished last line was never on the record."""
    if not path.exists():
        return ()
    lines = path.read_bytes().split(b"\n")[:-1]
    entries = []
    for number, line in enumerate(lines, start=1):
        where = f"{path}:{number}"
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise RecordError(f"{where}: not UTF-8: {error.reason}; allowed: JSON") from None
        entries.append(entry_of(Fields(parse_json(text, where), where)))
    return tuple(entries)


def read_trace(path: Path) -> Trace:
    """A trace.json."""
    return trace_of(Fields(read_json(path), str(path)))


def _object(value: object) -> dict[str, object]:
    content = as_json(value)
    assert isinstance(content, dict)
    return content


def _hash(content: object) -> str:
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def write_whole(path: Path, text: str) -> None:
    """All of it or nothing: a kill never leaves half a file under the name."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with draft.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on the disk."""
    try:
        handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    except PermissionError:
        return  # Windows opens no folder, and needs none of this for names
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
