"""From a bench and its rows to a plan: what is needed, what is known, what cannot be run here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bms.catalogue import SILENT, catalogue
from rig.benches.file import BenchFile
from rig.benches.lab.bench import check_needs
from rig.errors import BenchFileError, NotOnThisBench
from rig.live.durations import Known, known_durations
from rig.nightly.earlier import Lessons, lessons_of
from rig.planning import Scenario
from rig.scheduling.collecting import Collected, collect
from rig.scheduling.lab_state import LabState, costs_of, moved_to, read_state, state_needed
from rig.scheduling.model import Basis, Costs, LeftOut, Plan, StartState, Work
from rig.scheduling.order import ordered
from rig.short import Short, selection

NO_OPERATOR = "no operator"
ANYWHERE = StartState(soc_pct=0.0, temperature_c=0.0)  # of a bench that starts where it is told


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAsked:
    """What is to be planned. `window_h`: None for as long as it takes.

    `attended`: somebody can bring the batteries of a lab to another start state.
    """

    file: BenchFile
    firmware: str
    rows: Mapping[str, Scenario]
    runs: Path
    window_h: float | None = None
    attended: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and where a lab's batteries are now; None on a bench that starts where it is told."""

    plan: Plan
    here: LabState | None
    costs: Costs


def plan_for(asked: PlanAsked) -> Planned:
    """Collect, and plan. Raises BenchFileError where nothing can be planned.

    Nothing on the bench is asked or moved.
    """
    file = asked.file
    short = selection(file, asked.firmware, None, None)
    limits = Short() if short is None else Short(durations=short[0], limit_s=short[1])
    paths = [scenario.path for scenario in asked.rows.values()]
    tests = collect(str(file.path), asked.firmware, paths)
    here = None if file.lab is None else read_state(file)
    try:
        costs = costs_of(file)
    except ValueError as error:
        raise BenchFileError(f"{file.path}: batteries.type: {error}") from error
    possible, left_out = list[Collected](), list[LeftOut]()
    for test in tests:
        reason = _why_not(asked, limits, here, test)
        if reason:
            left_out.append(LeftOut(item=test.item, test=test.test, reason=reason))
        else:
            possible.append(test)
    work = tuple(_work(asked, possible))
    start = ANYWHERE if here is None else here.state
    plan = ordered(work, start, costs, asked.window_h, left_out)
    return Planned(plan=plan, here=here, costs=costs)


def _why_not(asked: PlanAsked, limits: Short, here: LabState | None, test: Collected) -> str:
    """Why this test will be NOT RUN; empty if it runs."""
    file = asked.file
    try:
        if file.kind != "simulated":
            limits.check(test.item, silent=catalogue()[test.item].row_class == SILENT)
        if file.lab is None or here is None:
            return ""
        needed = state_needed(file, test.needs)
        check_fixed_needs(file, test, asked.firmware)
    except NotOnThisBench as error:
        return str(error)
    if not asked.attended and needed != here.state:
        return f"{NO_OPERATOR}: it starts at {needed}, the batteries are at {here.state}"
    if not asked.attended and here.doubt:
        return f"{NO_OPERATOR}: it starts at {needed}, and where the batteries are is not known"
    return ""


def check_fixed_needs(file: BenchFile, test: Collected, firmware: str) -> None:
    """Raises NotOnThisBench for what no operator can bring about: another system, or release."""
    assert file.lab is not None
    if test.firmware != firmware:
        raise NotOnThisBench(
            f"a settable release: judged on {test.firmware}, the device runs {firmware}"
        )
    moved = moved_to(file, state_needed(file, test.needs))
    assert moved.lab is not None
    check_needs(test.needs, moved.lab)


def _work(asked: PlanAsked, tests: Sequence[Collected]) -> Iterator[Work]:
    lessons = lessons_of(asked.runs, asked.file.name, asked.rows)
    places = [(test.item, test.test) for test in tests]
    known = known_durations(asked.runs, asked.file.name, places, that_ran=True)
    if asked.file.kind == "simulated":
        known = replace(known, simulated={})  # it runs faster than the time that it simulates
    row_rank = {item: number for number, item in enumerate(lessons.order)}
    in_order = sorted(tests, key=lambda test: row_rank[test.item])
    for rank, test in enumerate(in_order):
        yield _one(asked.file, test, known, lessons, rank)


def _one(file: BenchFile, test: Collected, known: Known, lessons: Lessons, rank: int) -> Work:
    place = test.item, test.test
    basis, took_s = Basis.UNKNOWN, known.measured.get(place)
    if took_s is not None:
        basis = Basis.MEASURED
    elif place in known.simulated:
        basis, took_s = Basis.SIMULATED, known.simulated[place]
    return Work(
        item=test.item,
        test=test.test,
        state=ANYWHERE if file.lab is None else state_needed(file, test.needs),
        expected_s=took_s,
        basis=basis,
        risk=lessons.risk[test.item],
        rank=rank,
    )
