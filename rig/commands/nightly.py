"""`hil nightly`: a night on a bench, unattended, that survives a kill at any moment."""

import json
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from bms.catalogue import catalogue, item_of
from bms.releases import NEWEST
from rig.benches.file import load_bench
from rig.benches.lab.asking import expect_release
from rig.benches.lab.held import held
from rig.clock import unix_ms, utc_now
from rig.commands.asking import plan_first
from rig.commands.night import SHORT, SUMMARY, Place, code_of, tell_end, work
from rig.commands.running import SAFE_WITHIN_S
from rig.errors import BenchFileError
from rig.nightly.earlier import lessons_of
from rig.nightly.lock import NightIsTaken, alone_with
from rig.nightly.quarantine import read_quarantine
from rig.nightly.settings import (
    NIGHT,
    Settings,
    read_settings,
    refuse_changes,
    sources,
    write_settings,
)
from rig.nightly.summary import check_ways
from rig.nightly.window import OutsideTheWindow, end_of
from rig.planning import ROOT, Scenario, scenarios, under_test
from rig.recording import MANIFEST, Quarantine, RecordError, RunRecord
from rig.recording.record import PLAN
from rig.scheduling.planner import PlanAsked
from rig.short import selection, write_short

RETRIES_A_NIGHT = 20  # chosen: a bench that spoils more needs a person, not another try
MS_AN_HOUR = 3_600_000
FRESH_MS = 86_400_000  # chosen: a night without an end that was cut off is given up after a day

BenchName = Annotated[str, typer.Argument(help="Name of a bench, or its .toml file.")]
Firmware = Annotated[str, typer.Option(help="Release under test: 1.38, v1.38 or v01.38.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the record; RUNS/<time>.")]
Runs = Annotated[
    Path, typer.Option(help="Folder of all runs: for order, durations, history, --resume last.")
]
Window = Annotated[
    str | None, typer.Option(help="Local times, as 22:00-06:00: outside, nothing begins.")
]
Hours = Annotated[
    float | None, typer.Option(min=0.001, max=168.0, help="After so many, nothing begins.")
]
Only = Annotated[list[str] | None, typer.Option("--only", help="These ids only; repeatable.")]
QuarantineFile = Annotated[
    Path | None, typer.Option("--quarantine", help="TOML: rows that run, but do not count.")
]
Retries = Annotated[int, typer.Option(min=0, help="Of a test that the bench spoilt.")]
RetriesANight = Annotated[int, typer.Option(min=0, help="Of all tests together.")]
RepeatFailures = Annotated[
    bool, typer.Option(help="Repeat failures, too: FLAKY or FAIL, never PASS.")
]
Resume = Annotated[
    str | None,
    typer.Option(
        help="Folder of a night that was cut off: it goes on as it was begun, or, with --window or "
        "--hours, until then. last: the newest on this bench, if any. auto: the same, or a new one."
    ),
]
NotifyCommand = Annotated[
    str | None, typer.Option(help="Gets the summary (JSON) on its standard input.")
]
Webhook = Annotated[str | None, typer.Option(help="http(s) address: gets the summary by POST.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all chance.")]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes; all cores.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary for a machine.")]


def nightly(
    ctx: typer.Context,
    bench: BenchName,
    firmware: Firmware = str(NEWEST),
    out_folder: Out = None,
    runs: Runs = ROOT / "runs",
    window: Window = None,
    hours: Hours = None,
    only: Only = None,
    quarantine: QuarantineFile = None,
    retries: Retries = 1,
    retries_a_night: RetriesANight = RETRIES_A_NIGHT,
    repeat_failures: RepeatFailures = False,
    resume: Resume = None,
    notify_command: NotifyCommand = None,
    webhook: Webhook = None,
    seed: Seed = 1,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Run a night: self-test, frozen plan, attempts, self-test, report, history, summary.

    Killed at any moment, it goes on with --resume. Exit code 0: nothing bad; 1: some row is; 2: a
    bad input; 3: the rig or its self-test failed; 130: interrupted, to be resumed.
    """
    check_ways(notify_command, webhook)
    loaded = load_bench(str(Path(bench).resolve()) if Path(bench).suffix == ".toml" else bench)
    place = Place(bench=loaded, runs=runs, command=notify_command, webhook=webhook, as_json=as_json)
    ctx.with_resource(held(loaded))
    until_ms = _until_ms(place, window, hours, resume)

    def begin() -> int:
        wanted = _wanted(only)
        lessons = lessons_of(runs, loaded.name, wanted)
        settings = Settings(
            bench=str(loaded.path),
            firmware=str(under_test(firmware, is_read=loaded.kind == "lab").firmware),
            seed=seed,
            only=tuple(wanted) if only else (),
            jobs=jobs,
            begun=utc_now(),
            window=window or ("" if hours is None else f"{hours:g} h"),
            until_ms=until_ms,
            retries=retries,
            retries_a_night=retries_a_night,
            repeat_failures=repeat_failures,
            order=lessons.order,
            expected_s=lessons.expected_s,
            quarantine=_held(place, quarantine),
            sources=sources(loaded.path),
        )
        stamp = settings.begun.replace(":", "").replace("-", "")
        folder = out_folder or runs / f"{stamp}-{loaded.name}-{settings.firmware}-night"
        return _begin(place, folder.resolve(), settings)

    with _sigterm_as_ctrl_c():
        code = _resume_or_begin(place, resume, until_ms, begin)
    raise typer.Exit(code)


def _resume_or_begin(
    place: Place, resume: str | None, until_ms: int | None, begin: Callable[[], int]
) -> int:
    """What --resume asks for; the exit code."""
    if resume is None:
        return begin()
    if resume not in {"last", "auto"}:
        return _go_on(place, Path(resume).resolve(), until_ms)
    cut_off = _cut_off(place)
    if cut_off is not None:
        try:
            return _go_on(place, cut_off, None)
        except NightIsTaken:
            raise  # a new night now would be a second one on this bench
        except (BenchFileError, RecordError) as error:
            if resume == "last":
                raise
            place.say(f"left as it is: {error}")  # it must not stand in the way of every night
    if resume == "auto":
        return begin()
    _nothing(place, f"no night on bench {place.bench.name} was cut off: nothing to resume")
    return 0


def _nothing(place: Place, why: str) -> None:
    """There is nothing to do; a machine that reads the answer gets one."""
    place.say(why)
    if place.as_json:
        print(json.dumps({"record": None, "why": why}))  # noqa: T201 - what --json is for


def _begin(place: Place, folder: Path, settings: Settings) -> int:
    """A new night in a folder that holds none; the exit code."""
    expect_release(place.bench, settings.firmware)
    wire = place.bench.kind == "wire"
    short = selection(place.bench, settings.firmware, None, place.runs) if wire else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strangers = [each.name for each in folder.iterdir() if each.suffix != ".lock"]
    except OSError as error:
        raise BenchFileError(f"--out {folder}: {error.strerror}; allowed: a new folder") from error
    if strangers:
        raise BenchFileError(f"--out {folder}: is not empty; allowed: a new folder, or --resume")
    with alone_with(folder, SAFE_WITHIN_S):
        if short is not None:
            write_short(folder / SHORT, *short)
        write_settings(folder, settings)
        _tell_plan(place, settings)
        return work(place, folder, settings)


def _tell_plan(place: Place, settings: Settings) -> None:
    """What a night in a lab can run, nobody being there, and how long it takes."""
    rows = _wanted(list(settings.only) or None)
    until_ms = settings.until_ms
    asked = PlanAsked(
        file=place.bench,
        firmware=settings.firmware,
        rows=rows,
        runs=place.runs,
        window_h=None if until_ms is None else max(0, until_ms - unix_ms()) / MS_AN_HOUR,
        attended=False,
    )
    plan_first(asked, place.say)


def _go_on(place: Place, folder: Path, until_ms: int | None) -> int:
    """Go on with a night that was cut off, or say that it is finished; the exit code."""
    if not folder.is_dir():
        raise BenchFileError(f"--resume {folder}: no such folder; allowed: the folder of a night")
    settings = read_settings(folder)
    if settings.bench != str(place.bench.path):
        raise BenchFileError(
            f"--resume {folder}: is of bench {settings.bench}; allowed: that bench"
        )
    settings = replace(settings, until_ms=until_ms or settings.until_ms)
    with alone_with(folder, SAFE_WITHIN_S) as left_by:
        if (folder / MANIFEST).is_file():
            verdicts = RunRecord(folder).verdicts()
            if (folder / SUMMARY).is_file():
                place.say(f"finished on {verdicts.run.finished}: nothing to resume in {folder}")
                return code_of(folder, verdicts)
            place.say("finished before it was cut off: its report and summary are made now")
            return tell_end(place, folder, verdicts)
        place.say(f"going on with {folder}" + (f", left by process {left_by}" if left_by else ""))
        if settings.until_ms is None or unix_ms() < settings.until_ms:
            refuse_changes(folder, settings.sources, sources(place.bench.path))
        expect_release(place.bench, settings.firmware)
        return work(place, folder, settings)


def _cut_off(place: Place) -> Path | None:
    """The newest night on this bench that did not come to its end; only the newest counts."""
    for path in sorted(place.runs.glob(f"*/{NIGHT}"), reverse=True):
        try:
            settings = read_settings(path.parent)
        except (BenchFileError, RecordError):
            continue
        if settings.bench == str(place.bench.path):
            if (path.parent / SUMMARY).is_file():
                return None
            # Once it has a plan somebody waits for its verdicts, whenever power comes back.
            waited_for = settings.until_ms is not None and (path.parent / PLAN).is_file()
            return path.parent if waited_for or not _is_over(settings) else None
    return None


def _is_over(settings: Settings) -> bool:
    """Whether its time has passed, or it is a day old and has no end of its own."""
    begun_ms = round(datetime.fromisoformat(settings.begun).timestamp() * 1000)
    return unix_ms() >= (settings.until_ms or begun_ms + FRESH_MS)


def _until_ms(
    place: Place, window: str | None, hours: float | None, resume: str | None
) -> int | None:
    """When nothing begins any more, in Unix time. Outside its window no night begins.

    One that was cut off, and whose time is over, is brought to its end all the same: judged as far
    as it came.
    """
    try:
        until = end_of(window, hours, datetime.now(UTC).astimezone())
    except OutsideTheWindow as nothing_to_do:
        cut_off = _cut_off(place) if resume in {"last", "auto"} else None
        if cut_off is not None and _is_over(read_settings(cut_off)):
            with _sigterm_as_ctrl_c():
                raise typer.Exit(_go_on(place, cut_off, None)) from nothing_to_do
        _nothing(place, str(nothing_to_do))
        raise typer.Exit from nothing_to_do
    return None if until is None else round(until.timestamp() * 1000)


def _wanted(only: list[str] | None) -> Mapping[str, Scenario]:
    """The scenarios of these ids, or all."""
    known = scenarios()
    ids = {item_of(text).id for text in only or known}
    for id_ in sorted(ids - known.keys()):
        raise BenchFileError(f"--only {id_}: no scenario yet; allowed: ids with one")
    return {id_: scenario for id_, scenario in known.items() if id_ in ids}


def _held(place: Place, path: Path | None) -> Mapping[str, Quarantine]:
    """What is in quarantine today; what has expired is said in the evening already."""
    if path is None:
        return {}
    today = date.fromisoformat(utc_now()[:10])
    found = read_quarantine(path, tuple(catalogue()), today)
    for id_ in found.expired(today):
        place.say(f"{id_}: its quarantine expired on {found.entries[id_].expires}: it will fail")
    for id_ in found.later:
        place.say(f"{id_}: its quarantine is not yet in force: it counts")
    return found.entries


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """A service that is stopped leaves its bench safe, as one that is interrupted."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    usual = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, usual)
