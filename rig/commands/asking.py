"""What `hil qualify`, `run` and `nightly` do about a plan and its operator, on a lab's bench."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from rig.benches.file import BenchFile
from rig.benches.lab.asked import read_answers
from rig.clock import utc_now
from rig.commands.answer import how_to_answer, user
from rig.errors import BenchFileError
from rig.operator.questions import FOLDER, withdraw_all
from rig.operator.terminal import TerminalPrompt
from rig.scheduling.handing import write_order
from rig.scheduling.planner import PlanAsked, plan_for
from rig.scheduling.told import whole

ORDER = "order.json"  # of a run's tests, as they were planned


def plan_first(
    asked: PlanAsked, say: Callable[[str], None], order: Path | None = None
) -> list[str]:
    """Say the plan of a lab's run, with its hours, before anything is energised; no other bench's.

    Returns the options by which a session of pytest follows it, by the file ``order``.
    """
    if asked.file.kind != "lab":
        return []
    try:
        planned = plan_for(asked)
    except BenchFileError as error:
        say(f"without a plan: {error}")  # the run itself will say what is broken
        return []
    for line in whole(planned):
        say(line)
    if order is None:
        return []
    write_order(order, planned.plan)
    return ["--order", str(order)]


@contextmanager
def asking(
    bench: BenchFile, run: Path | None = None
) -> Iterator[tuple[list[str], TerminalPrompt | None]]:
    """Options for a session of pytest that may ask, and what asks on this terminal; on a lab only.

    ``run``: the folder of its record; without, the questions are kept until this ends.
    """
    if bench.kind != "lab":
        yield [], None
        return
    console = Console(stderr=True)

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    with tempfile.TemporaryDirectory(prefix="hil") as instead:
        run = run or Path(instead)
        folder = run / FOLDER
        by = read_answers(bench).operator or user()
        prompt = TerminalPrompt(folder, by, say, how_to_answer(run))
        try:
            yield ["--questions", str(folder)], prompt
        finally:  # who was killed cannot withdraw what it asked
            withdraw_all(folder, utc_now())
