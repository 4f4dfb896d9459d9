"""Reads a record that grows: the plan once, of the journal only what has come since."""

from __future__ import annotations

from pathlib import Path

from rig.recording import Entry, Plan, RunRecord
from rig.recording.fields import Fields, parse_json
from rig.recording.reading import entry_of


class RecordReader:
    """Plan and journal of one record, kept between two looks.

    An unfinished last line was never on the record: it is left for the next look.
    """

    def __init__(self, folder: Path) -> None:
        self.record = RunRecord(folder)
        self._plan: Plan | None = None
        self._journal = folder / "journal.jsonl"
        self._entries: list[Entry] = []
        self._read_bytes = 0

    def plan(self) -> Plan:
        """The plan, which is frozen. Raises RecordError where it is not as it was written."""
        if self._plan is None:
            self._plan = self.record.plan()
        return self._plan

    def entries(self) -> tuple[Entry, ...]:
        """The journal so far. Raises RecordError for a line that is none."""
        if not self._journal.is_file():
            return ()
        if self._journal.stat().st_size < self._read_bytes:
            # Another journal has taken its place.
            self._entries, self._read_bytes = [], 0
        with self._journal.open("rb") as file:
            file.seek(self._read_bytes)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                where = f"{self._journal}:{len(self._entries) + 1}"
                text = line.decode(errors="replace")
                self._entries.append(entry_of(Fields(parse_json(text, where), where)))
                self._read_bytes += len(line)
        return tuple(self._entries)
