"""What `hil export` makes of each attempt of a run: MF4, Parquet, ASC. Views; the record stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import can

from rig.errors import BenchFileError
from rig.planning import ROOT
from rig.recording import (
    Attempt,
    Plan,
    RunRecord,
    SignalFile,
    Trace,
    attempt_path,
    attempts_by_item,
    read_trace,
    sha256_of,
)
from rig.recording.mdf4 import Channel, Event, write_mdf4

DBC = ROOT / "rig" / "can" / "dbc"
PARQUET_NEEDS = "--parquet: pyarrow is missing; allowed: pip install 'lynx-rig[parquet]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An attempt with what it left; `files` is where its evidence is."""

    attempt: Attempt
    files: Path
    trace: Trace | None
    about: Mapping[str, str]

    @property
    def name(self) -> str:
        """As a file is called after it: the folder of its evidence."""
        return self.files.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How many files were written, and of which attempts only a part."""

    files: int
    remarks: tuple[str, ...]


def export_attempts(folder: Path, target: Path, option: str) -> Done:
    """Write a file an attempt below `target`, a folder a row.

    Raises BenchFileError where `target` cannot be written, RecordError for a broken record.
    """
    write, ending = WRITERS[option]
    files, remarks = 0, []
    for each in attempts_of(folder):
        path = target / each.attempt.start.item / f"{each.name}{ending}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            files += write(each, path)
        except OSError as error:
            raise BenchFileError(f"{option} {path}: {error.strerror}; allowed: a folder") from None
        if each.attempt.end is None:
            remarks.append(f"{each.attempt.start.attempt}: it was cut off; what there is of it")
    return Done(files=files, remarks=tuple(remarks))


def attempts_of(folder: Path) -> Iterator[Exported]:
    """Every attempt of a run that left anything, in the order of its rows."""
    record = RunRecord(folder)
    plan = record.plan()
    attempts = attempts_by_item(plan, record.entries())
    run = _about(plan)
    for row in plan.rows:
        for attempt in attempts[row.id]:
            start = attempt.start
            files = folder / attempt_path(row.id, start.test, start.number)
            if not files.is_dir():
                continue
            # A trace is written last: an attempt that was cut off has none.
            trace = read_trace(files / "trace.json") if (files / "trace.json").is_file() else None
            about = {
                "row": row.id,
                "test": start.test,
                "attempt": str(start.number),
                "verdict": str(attempt.verdict),
                "judged on": start.firmware or "none",
                **run,
            }
            yield Exported(attempt=attempt, files=files, trace=trace, about=about)


def _about(plan: Plan) -> dict[str, str]:
    """The run, and the databases by which this export would decode its frames."""
    run = plan.run
    revision = str(run.software.get("revision", "unknown"))
    told = {"run": run.id, "bench": run.bench, "firmware": run.firmware, "revision": revision}
    dbc = {f"SHA-256 of {path.name}": sha256_of(path) for path in sorted(DBC.glob("*.dbc"))}
    return {**told, **dbc}


def _events(trace: Trace | None) -> list[tuple[int, str, str]]:
    """Time in us, lane, text: what happened, and each claim with its outcome."""
    if trace is None:
        return []
    told = [(each.t_s, each.lane, each.text) for each in trace.events]
    told += [(e.t_s, f"expectation {e.outcome}", f"{e.what}: {e.text}") for e in trace.expectations]
    return [(round(t_s * 1e6), lane, text) for t_s, lane, text in sorted(told)]


def _to_mf4(each: Exported, path: Path) -> int:
    if not (each.files / "signals.bin").is_file():
        return 0
    signals = SignalFile.read(each.files / "signals.bin")
    channels = []
    for name in signals.names:
        signal, (times_us, values) = signals.signal(name), signals.samples(name)
        if times_us:
            channels.append(
                Channel(
                    name=name,
                    unit=signal.unit,
                    comment=signal.kind,
                    times_us=times_us,
                    values=values,
                )
            )
    events = [Event(time_us=t, name=lane, comment=text) for t, lane, text in _events(each.trace)]
    write_mdf4(path, datetime.fromisoformat(each.attempt.start.utc), each.about, channels, events)
    return 1


def _to_parquet(each: Exported, path: Path) -> int:
    """Two tables: `signals` and `events`, long, so that many attempts are one query."""
    if not (each.files / "signals.bin").is_file():
        return 0
    signals = SignalFile.read(each.files / "signals.bin")
    columns: dict[str, list[Any]] = {"signal": [], "unit": [], "time_us": [], "value": []}
    for name in signals.names:
        times_us, values = signals.samples(name)
        columns["signal"] += [name] * len(times_us)
        columns["unit"] += [signals.signal(name).unit] * len(times_us)
        columns["time_us"] += times_us
        columns["value"] += values
    _write_table(path.with_suffix(".signals.parquet"), columns, each.about)
    told = _events(each.trace)
    events = {name: [row[place] for row in told] for place, name in enumerate(EVENT_COLUMNS)}
    _write_table(path.with_suffix(".events.parquet"), events, each.about)
    return 2


EVENT_COLUMNS = ("time_us", "lane", "text")


def _write_table(path: Path, columns: Mapping[str, list[Any]], about: Mapping[str, str]) -> None:
    try:
        # By name: whoever checks types need not have it.
        pa: Any = import_module("pyarrow")
        pq: Any = import_module("pyarrow.parquet")
    except ImportError:
        raise BenchFileError(PARQUET_NEEDS) from None
    words, whole = pa.dictionary(pa.int32(), pa.string()), pa.int64()
    types = {"time_us": whole, "value": pa.float64()}
    fields = [pa.field(name, types.get(name, words)) for name in columns]
    schema = pa.schema(fields, metadata={"hil": json.dumps(dict(about))})
    pq.write_table(pa.table(dict(columns), schema=schema), path, compression="zstd")


def _to_asc(each: Exported, path: Path) -> int:
    blf = each.files / "frames.blf"
    if not blf.is_file():
        return 0
    with can.BLFReader(blf) as reader, can.ASCWriter(path) as writer:
        for frame in reader:
            writer.on_message_received(frame)
    return 1


# The option, what writes, and how its files end.
WRITERS: Mapping[str, tuple[Callable[[Exported, Path], int], str]] = {
    "--mf4": (_to_mf4, ".mf4"),
    "--parquet": (_to_parquet, ".parquet"),
    "--asc": (_to_asc, ".asc"),
}
