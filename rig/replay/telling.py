"""What a reproduction came to: a story, a test for the tree, data for a machine."""

import hashlib
import pprint
import re
import runpy
import shutil
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import can

from bms.releases import VERSIONS
from rig.errors import BenchFileError
from rig.replay.bisect import Bisection
from rig.replay.condition import Condition
from rig.replay.field import spans_in
from rig.replay.play import BUSES, Firmware, play
from rig.replay.reproduce import Reproduction
from rig.replay.stimulus import Kind, Step, Stimulus

WORDS = 7  # chosen: of a folder's name
BLOCK = 1 << 20
WIDTH = 100  # of a line of the tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a field scenario comes from."""

    date: str
    files: tuple[tuple[str, str], ...]
    """Name and SHA-256 of each file of the log."""
    begins_utc: str


def provenance(paths: list[Path], date: str, start_utc_us: int | None) -> Provenance:
    """The log's files with their digests; `start_utc_us`: Unix time of the first frame."""
    files = []
    for path in paths:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
        files.append((path.name, digest.hexdigest()))
    begins_utc = ""
    if start_utc_us is not None:
        begins = datetime.fromtimestamp(start_utc_us // 1_000_000, UTC)
        begins_utc = begins.isoformat().replace("+00:00", "Z")
    return Provenance(date=date, files=tuple(files), begins_utc=begins_utc)


def name_of(condition: Condition) -> str:
    """A condition in words of a file's name."""
    words = re.findall(r"[a-z0-9]+", condition.text.lower().replace("==", " is "))
    return "_".join(words[:WORDS])


def write_scenario(
    folder: Path, made: Reproduction, condition: Condition, source: Provenance
) -> list[Path]:
    """Write story, test and reduced recording into a new folder; the files.

    Raises BenchFileError for a folder that is there, and for a test that does not do as it tells.
    """
    stimulus, found = _final(made)
    if folder.exists():
        raise BenchFileError(f"--out {folder}: is there already; allowed: a new folder")
    # Whole or not at all: it is there once it has its name.
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise BenchFileError(
            f"--out {folder}: {error.strerror}; allowed: a folder that can be made"
        ) from error
    test = part / f"test_{name_of(condition)}.py"
    test.write_text(test_text(made, condition, stimulus, found, source), encoding="utf-8")
    check(test, made.release)
    story = part / "story.md"
    story.write_text(story_text(made, condition, source), encoding="utf-8")
    recording = part / "recording.log"
    write_recording(recording, stimulus, made.release, condition)
    part.rename(folder)
    return [folder / each.name for each in (story, test, recording)]


def check(test: Path, release: str) -> None:
    """Play the test as it was written: to the log's release, and to one that does not show it.

    Raises BenchFileError where it does not do as it tells; the file is left for a look at it.
    """
    order = [str(version) for version in VERSIONS]
    try:
        case = runpy.run_path(str(test))["CASE"]
        if not case.is_faulty(release):
            raise AssertionError(f"{release} of the log is not among those that it tells")
        healthy = [each for each in case.borders if not case.is_faulty(each)]
        healthy.sort(key=lambda each: abs(order.index(each) - order.index(release)))
        for each in (release, *healthy[:1]):
            case.expect_as_found(each)
    except (AssertionError, BenchFileError, NameError, SyntaxError) as error:
        raise BenchFileError(
            f"{test}: as it was written it does not do what it tells: {error}; it is left there"
        ) from error


def _final(made: Reproduction) -> tuple[Stimulus, Bisection]:
    """The reduced stimulus if it tells the releases apart as the whole one does; else that."""
    assert made.bisection is not None
    after = made.after
    if made.reduced is not None and after is not None and after.faulty == made.bisection.faulty:
        return made.reduced.stimulus, after
    return made.trial.stimulus, made.bisection


def is_closed_loop(stimulus: Stimulus) -> bool:
    """Whether all of it is said in terms of a bench: no frame is sent as it was recorded."""
    return all(each.kind is not Kind.FRAME for each in (*stimulus.begins, *stimulus.steps))


def test_text(
    made: Reproduction,
    condition: Condition,
    stimulus: Stimulus,
    found: Bisection,
    source: Provenance,
) -> str:
    """The test, as it stands in the tree."""
    runs = max(each.runs for each in found.judged)
    needs = pprint.pformat(dict(stimulus.needs), width=90, sort_dicts=True)
    title = textwrap.shorten(
        harmless(f"Field, {source.date}: {condition.text}"), WIDTH - 4, placeholder=" ..."
    )
    told = f"On {found.span}. {_rows(found)}Told in story.md; made from"
    lines = [
        f'"""{title}.',
        "",
        *textwrap.wrap(told, WIDTH),
        # A customer's file may be called anything: in here it is text and nothing else.
        *(f"{shortened(name)} {digest[:16]}" for name, digest in source.files),
        '"""',
        "",
        "import pytest",
        "",
        "from rig.replay.field import FieldCase, step",
        "",
        "CASE = FieldCase(",
        f"    when={condition.text!r},",
        f"    faulty={spans_in(found.faulty)!r},",
        f"    needs={needs},",
        f"    runs={stimulus.runs},",
        f"    begins=({_steps(stimulus.begins)}),",
        f"    steps=({_steps(stimulus.steps)}),",
        f"    length_s={_seconds(stimulus.length_us)},",
        f"    seeds={runs},",
        ")",
        "",
        "",
        "def test_the_release_under_test_does_not_show_it(request: pytest.FixtureRequest) -> None:",
        '    CASE.expect_health(request.config.getoption("--firmware"))',
        "",
        "",
        '@pytest.mark.parametrize("release", CASE.borders)',
        "def test_it_begins_and_ends_where_it_was_found_to(release: str) -> None:",
        "    CASE.expect_as_found(release)",
        "",
        "",
        "@pytest.mark.nightly",
        '@pytest.mark.parametrize("release", CASE.releases)',
        "def test_only_these_releases_show_it(release: str) -> None:",
        "    CASE.expect_as_found(release)",
        "",
    ]
    return formatted("\n".join(lines))


def formatted(text: str) -> str:
    """As the project's formatter has it, where that is there."""
    import subprocess
    import sys

    command = [sys.executable, "-m", "ruff", "format", "--line-length", "100", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else text


def _steps(steps: tuple[Step, ...]) -> str:
    rows = []
    for each in steps:
        arguments = "".join(f", {name}={value!r}" for name, value in each.arguments)
        rows.append(f'step({_seconds(each.at_us)}, "{each.kind}"{arguments}),')
    return "\n".join(rows)


def _seconds(time_us: int) -> str:
    """To the microsecond: a time that is rounded is played at another instant."""
    return f"{time_us / 1e6:.6f}".rstrip("0").rstrip(".")


def harmless(text: str) -> str:
    """The text as a docstring can hold it: it never ends one, nor escapes anything."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return printable.replace("\\", "/").replace('"', "'")


def shortened(name: str) -> str:
    """A file's name on a line of a docstring."""
    return textwrap.shorten(harmless(name), WIDTH - 20)


def _rows(found: Bisection) -> str:
    told = [f"{'cured' if each.cures else 'brought'} by {each.item}" for each in found.named]
    if told and found.is_open:
        told = ["the row is open", *(f"perhaps {text}" for text in told)]
    return f"{', '.join(told).capitalize()}. " if told else ""


def story_text(made: Reproduction, condition: Condition, source: Provenance) -> str:
    """The story, for a reader."""
    excerpt, trial = made.excerpt, made.trial
    stimulus, found = _final(made)
    remarks = () if made.bisection is None else made.bisection.remarks
    first_s = (excerpt.first_us or 0) / 1e6
    lines = [f"# {condition.text}", "", f"Firmware {made.release}, found {source.date}.", ""]
    lines += ["## The log", ""]
    lines += [f"- `{name}`, SHA-256 `{digest}`" for name, digest in source.files]
    if source.begins_utc:
        lines.append(f"- begins {source.begins_utc}")
    lines.append(f"- the condition is first true {first_s:.3f} s after it begins")
    lines += ["", "## The model", ""]
    lines.append(
        f"It does the same {(trial.outcome.first_us or 0) / 1e6:.3f} s into the stimulus, and says "
        f"{trial.comparison.alike_pct:.1f} % of what the device said."
    )
    if trial.restored.assumed:
        lines += ["", "Not in the log, and taken:", ""]
        lines += [f"- {text}" for text in trial.restored.assumed]
    lines += ["", f"## The releases: {found.span}", "", "| release | |", "|---|---|"]
    for each in found.judged:
        often = f", {each.shown} of {each.runs} runs" if each.runs > 1 else ""
        lines.append(f"| {each.release} | {each.verdict}{often} |")
    lines += ["", *(f"- {remark}" for remark in remarks)]
    for row in found.named:
        lines.append(f"- {row.item} {found.does(row)} it: {row.statement}")
        lines += [f"  - `{delta}`" for delta in row.deltas]
    lines += [f"- {text}" for text in found.unnamed]
    lines += ["", "## What is left of it", ""]
    if made.reduced is not None:
        minimal = "no step can go" if made.reduced.minimal else "not shown to be the least"
        lines.append(
            f"{made.reduced.before} steps came down to {made.reduced.after} in "
            f"{made.reduced.tests} tries; {minimal}."
        )
        if stimulus is not made.reduced.stimulus:
            lines.append("Less of it tells the releases apart otherwise, so that all of it stands.")
    loop = "closed loop" if is_closed_loop(stimulus) else "open loop: frames as they were recorded"
    begin = "from a running system" if stimulus.runs else "from standby"
    lines += ["", f"{loop.capitalize()}, {begin}:", "", "```"]
    lines += [str(each).rstrip() for each in (*stimulus.begins, *stimulus.steps)]
    lines += ["```", ""]
    return "\n".join(lines)


def write_recording(path: Path, stimulus: Stimulus, release: str, condition: Condition) -> None:
    """What is on the buses while the reduced stimulus is played, as candump has it."""
    outcome = play(stimulus, Firmware(release=release), condition, keep=True)
    with can.Logger(path) as logger:
        for t_us, bus, frame in outcome.heard:
            logger.on_message_received(
                can.Message(
                    timestamp=max(0.0, 100.0 + t_us / 1e6),
                    arbitration_id=frame.identifier,
                    is_extended_id=frame.extended,
                    data=frame.data,
                    channel=BUSES.index(bus),
                )
            )


def as_mapping(made: Reproduction) -> Mapping[str, Any]:
    """For a machine."""
    trial, found = made.trial, made.bisection
    return {
        "release": made.release,
        "reproduced": made.reproduced,
        "first_s": None if made.excerpt.first_us is None else made.excerpt.first_us / 1e6,
        "model_first_s": None
        if trial.outcome.first_us is None
        else (trial.outcome.first_us + trial.restored.begin_us) / 1e6,
        "alike_pct": round(trial.comparison.alike_pct, 2),
        "first_difference": None if trial.comparison.first is None else str(trial.comparison.first),
        "assumed": list(trial.restored.assumed),
        "faulty": [] if found is None else sorted(found.faulty),
        "verdicts": {}
        if found is None
        else {each.release: str(each.verdict) for each in found.judged},
        "rows": []
        if found is None
        else [
            {"item": row.item, "cures": row.cures, "release": row.release, "deltas": row.deltas}
            for row in found.named
        ],
        "row_is_open": found is not None and found.is_open,
        "remarks": [] if found is None else [*found.remarks, *found.unnamed],
        "steps_before": None if made.reduced is None else made.reduced.before,
        "steps_after": None if made.reduced is None else made.reduced.after,
        "minimal": None if made.reduced is None else made.reduced.minimal,
        "plays": made.plays,
    }
