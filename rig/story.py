"""What became of one test: its verdict from what it raised, and its last entry in the record."""

import json
import os
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from instruments.protocols import InstrumentError, NotOnThisModel, OutsideRating
from rig.attempt import Attempt
from rig.can.by_dbc import general_decoder, private_decoder
from rig.can.decode import Decoder
from rig.can.frame import Frame
from rig.can.vreg import VregDecoder
from rig.cells import Cell
from rig.clock import utc_now, wall_s
from rig.errors import (
    BenchError,
    BenchFileError,
    FaultRefused,
    NotOnThisBench,
    NotWritten,
    Unmet,
)
from rig.operator.asking import Nobody, Operator
from rig.recording import Ended, Started, Verdict, attempt_id
from rig.session import Run


def test_name(node: str, cell: Cell) -> str:
    """A test's name with its own parameters, without the cell's: test_x[at 1:59]."""
    name, _, inner = node.rsplit("::", 1)[-1].partition("[")
    inner = inner.removesuffix("]")
    if inner == cell.label:
        return name
    return f"{name}[{inner.removesuffix('-' + cell.label).removeprefix(cell.label + '-')}]"


class Story:
    """What became of one test until its report is made."""

    def __init__(self, cell: Cell, test: str, number: int = 1) -> None:
        self.cell, self.test, self.number = cell, test, number
        self.attempt: Attempt | None = None
        self.operator: Operator = Nobody("there is no bench yet")
        self.error: BaseException | None = None
        self.digest = ""
        self.overdue = False  # it was given up, and its coroutine is still there
        self.sim_s = 0.0
        self.started_s = wall_s()
        self.start_state: dict[str, Any] = {}


def unwrapped(error: BaseException) -> BaseException:
    """A lone Unmet in an exception group is that Unmet."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def around(story: Story, *, frames: bool) -> str:
    """The last frames, terminals and expectations before a failure."""
    attempt = story.attempt
    assert attempt is not None
    lines = [f"{e.t_s:10.3f}  {e.outcome:6} {e.what} {e.text}" for e in attempt.expectations[-6:]]
    lines += [f"{e.t_s:10.3f}  {e.lane:8} {e.text}" for e in attempt.events[-12:]]
    if frames:
        lines += [_decoded(*entry) for entry in attempt.last_frames]
    return "\n".join(sorted(lines))


def _decoded(time_us: int, channel: int, frame: Frame) -> str:
    """A frame as an engineer reads it: bus, bytes, and the first of what they say."""
    bus, decoder = _buses()[channel]
    told = [f"{s.name.split('.', 1)[1]}={s.value}" for s in decoder.signals(time_us, frame)]
    return f"{time_us / 1e6:10.3f}  {bus:8} {frame!s:26} {', '.join(told[:4])}".rstrip()


@cache
def _buses() -> tuple[tuple[str, Decoder], ...]:
    """The buses by channel; their decoders load when a failure is first looked at."""
    return (
        ("private", private_decoder()),
        ("ve_can", VregDecoder()),
        ("external", general_decoder()),
    )


def key_of(story: Story) -> dict[str, Any]:
    """What START and END of an attempt share."""
    return {
        "attempt": attempt_id(story.cell.item, story.test, story.number),
        "item": story.cell.item,
        "test": story.test,
        "number": story.number,
        "firmware": story.cell.firmware,
    }


def judge(story: Story) -> tuple[Verdict, str]:
    """The verdict of one attempt, and why. Only an `Unmet` is the device's failure."""
    error, attempt = story.error, story.attempt
    if error is None:
        measured = [] if attempt is None else attempt.measurements
        doubtful = [one for one in measured if one.verdict is Verdict.INCONCLUSIVE]
        if doubtful:
            return Verdict.INCONCLUSIVE, f"{doubtful[0].name}: a limit is within the uncertainty"
        return Verdict.PASS, ""
    if isinstance(error, Unmet):
        return Verdict.FAIL, str(error)
    if isinstance(error, NotOnThisBench):
        return Verdict.NOT_RUN, str(error)
    if isinstance(error, NotWritten):
        return Verdict.NOT_RUN, f"skeleton: {error}"
    if isinstance(error, KeyboardInterrupt):
        return Verdict.ABORTED, "interrupted"
    return Verdict.BROKEN, f"{type(error).__name__}: {error}"


def end(run: Run, story: Story) -> None:
    """Close the attempt's files and write its END, or its line of the matrix."""
    verdict, reason = judge(story)
    attempt = story.attempt
    if run.cells_out is not None:
        _note_square(run.cells_out, story, verdict, reason)
    if not run.keeps_record:
        return
    evidence = []
    if attempt is not None and attempt.folder is not None:
        evidence = attempt.close()
        trace = attempt.trace(story.cell.firmware, run.seed, story.start_state)
        evidence.append(run.record.write_trace(attempt.folder, trace))
    run.record.journal(
        Ended(
            **key_of(story),
            utc=utc_now(),
            verdict=verdict,
            reason=reason,
            digest=story.digest or None,
            sim_s=story.sim_s,
            wall_s=wall_s() - story.started_s,
            measurements=() if attempt is None else tuple(attempt.measurements),
            unmet=story.error.key if isinstance(story.error, Unmet) else None,
            evidence=run.record.evidence(evidence),
            bench_fault=verdict is Verdict.BROKEN and is_bench_fault(story.error),
        )
    )


def is_bench_fault(error: BaseException | None) -> bool:
    """Whether bench or instruments are known to have failed: what may pass on another attempt.

    An arrangement that did not come about is not: the device may be why. Nor is what somebody
    wrote wrongly: a bench file, a fault that cannot be.
    """
    return isinstance(error, BenchError | InstrumentError) and not isinstance(
        error, BenchFileError | FaultRefused | NotOnThisModel | OutsideRating
    )


def end_uncollected(run: Run, item: str, test: str, reason: str, number: int = 1) -> None:
    """Write START and END of a row whose scenario could not even be imported."""
    shared: dict[str, Any] = {
        "attempt": attempt_id(item, test, number),
        "item": item,
        "test": test,
        "number": number,
    }
    run.record.journal(Started(**shared, firmware=None, utc=utc_now()))
    run.record.journal(
        Ended(
            **shared,
            firmware=None,
            utc=utc_now(),
            verdict=Verdict.BROKEN,
            reason=f"cannot be collected: {reason}",
            digest=None,
            sim_s=0.0,
            wall_s=0.0,
            measurements=(),
            unmet=None,
            evidence=(),
        )
    )


def _note_square(path: Path, story: Story, verdict: Verdict, reason: str) -> None:
    """One line a test; several workers append to one file."""
    measured: bool | str = reason
    if verdict in {Verdict.PASS, Verdict.FAIL}:
        measured = verdict is Verdict.PASS
    entry = {
        **asdict(story.cell),
        "test": story.test,
        "measured": measured,
        "ended": verdict,
        "reason": reason,
        "unmet": story.error.key if isinstance(story.error, Unmet) else None,
        "digest": story.digest,
        "sim_s": story.sim_s,
    }
    line = (json.dumps(entry) + "\n").encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)
