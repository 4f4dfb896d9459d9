"""The pytest plugin: runs scenarios on a bench and writes the record. It renders nothing.

A scenario is a test with the marker `item`. It is run once on the release that its row is judged
on, or, for a matrix, once a cell. The verdict comes from what the call phase raised: `Unmet` is the
device's failure, anything else is ours.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bms.catalogue import SILENT, UnknownItemId, catalogue, item_of
from bms.firmware import UnknownRelease
from bms.releases import NEWEST
from rig.attempt import Attempt
from rig.bench import Bench
from rig.benches.lab.held import held
from rig.building import built
from rig.cells import Cell
from rig.clock import utc_now
from rig.errors import (
    BenchError,
    BenchFileError,
    NotOnThisBench,
    NotReady,
    NotWritten,
    Unmet,
)
from rig.expect import witness
from rig.kernel import VirtualLoop, kernel_of_the_run, seconds, show_time
from rig.needs import Needs
from rig.nightly.lock import hold_session
from rig.planning import ROOT, item_of_path
from rig.recording import RecordError, Started, exit_code
from rig.session import Run
from rig.story import Story, around, end, end_uncollected, key_of, test_name, unwrapped
from rig.wall import WallLoop

LONGEST_ATTEMPT_US = seconds(7 * 86_400)  # chosen: longer than any row asks for
COLLECTION = "(collection)"
# Laws, ways of updating, faults from the field: no rows, no record.
NO_ROWS = frozenset({"properties", "updates", "field"})
UNCOLLECTED: dict[str, str] = {}  # of this session: row -> why its file cannot be imported
STORY = pytest.StashKey["Story"]()
AT_WORK = pytest.StashKey[int]()
RUN = pytest.StashKey["Run"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of a run; `hil` gives the same."""
    group = parser.getgroup("rig", "hardware-in-the-loop rig")
    group.addoption("--bench", default="sim", help="name or file of the bench (default: sim)")
    group.addoption("--firmware", default=str(NEWEST), help="release under test, such as 1.38")
    group.addoption("--seed", default="1", help="seed of all chance (default: 1)")
    group.addoption("--out", default=None, help="folder of the run record")
    group.addoption("--without", default=None, help="leave one change out of the firmware, by id")
    group.addoption("--no-record", action="store_true", help="keep no record")
    group.addoption("--exact", action="store_true", help="run rows on --firmware, held or not")
    group.addoption("--frames", action="store_true", help="show the last frames of a failure")
    group.addoption("--cells", default=None, help=argparse_suppress())
    group.addoption("--short", default=None, help=argparse_suppress())
    group.addoption("--since", default=None, help=argparse_suppress())
    group.addoption("--questions", default=None, help=argparse_suppress())
    group.addoption("--order", default=None, help=argparse_suppress())
    group.addoption("--schedule", default=None, help=argparse_suppress())
    group.addoption("--cells-out", default=None, help=argparse_suppress())
    group.addoption("--cells-done", default=None, help=argparse_suppress())


def argparse_suppress() -> str:
    """How argparse is told to show no help for an option: `hil matrix` and `qualify` use these."""
    return "==SUPPRESS=="


def pytest_configure(config: pytest.Config) -> None:
    """Read bench, release and seed once; a bad one ends the session with one line."""
    if not _wants_scenarios(config):
        return
    try:
        run = config.stash[RUN] = Run(config)
        has_plan = (run.folder / "plan.json").exists()
        if run.keeps_record and not run.is_worker and has_plan is not run.plan_is_frozen:
            raise ValueError(f"--out {run.folder}: holds a run already; allowed: a new folder")
        if not run.is_worker and not config.option.collectonly:  # to look takes no bench
            mine = ExitStack()
            config.add_cleanup(mine.close)
            mine.enter_context(held(run.bench))
        if run.schedule is not None:  # until this process has ended, nobody else goes on
            config.stash[AT_WORK] = hold_session(run.folder, is_worker=run.is_worker)
    except (BenchFileError, UnknownRelease, RecordError, ValueError) as error:
        raise pytest.UsageError(str(error)) from error


def _wants_scenarios(config: pytest.Config) -> bool:
    """Whether any path of the command line lies in or above the scenarios of rows."""
    where = ROOT / "scenarios"
    paths = [(Path(config.invocation_params.dir) / a.split("::")[0]).resolve() for a in config.args]
    paths = [path for path in paths if path == where or where in path.parents]
    return any(not {path.name, *(p.name for p in path.parents)} & NO_ROWS for path in paths)


def pytest_configure_node(node: Any) -> None:
    """A worker writes into the same run folder."""
    if RUN in node.config.stash:
        node.workerinput["run_folder"] = str(node.config.stash[RUN].folder)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Freeze the plan before anything runs; under xdist the controller does it, see below."""
    run = session.config.stash.get(RUN, None)
    some = bool(session.items or UNCOLLECTED)
    if run is None or run.is_worker or run.plan_is_frozen:
        return
    if run.keeps_record and some:
        _begin(run, [item.nodeid for item in session.items])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """The first worker that has collected tells the controller what there is to run."""
    run = node.config.stash.get(RUN, None)
    if run is not None and run.keeps_record and not (run.folder / "plan.json").is_file():
        _begin(run, ids)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A scenario that cannot be collected is a row that is BROKEN, not one that is missing."""
    id_ = item_of_path(ROOT / report.nodeid)
    if report.failed and id_ is not None:
        last = str(report.longrepr).strip().splitlines()[-1]
        UNCOLLECTED[id_] = last.removeprefix("E").strip()


def _begin(run: Run, ids: list[str]) -> None:
    tests: dict[str, list[str]] = {id_: [COLLECTION] for id_ in UNCOLLECTED}
    for node in ids:
        id_ = item_of_path(ROOT / node.split("::")[0])
        found = None if id_ is None else run.verdict_cell(id_)
        if id_ is not None and found is not None:
            tests.setdefault(id_, []).append(test_name(node, found))
    run.begin({id_: tuple(names) for id_, names in tests.items()})


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Judge the run; the exit code is the verdicts', not pytest's."""
    run = session.config.stash.get(RUN, None)
    if run is None or run.is_worker or not run.keeps_record:
        return
    if not (run.folder / "plan.json").is_file():
        return
    for id_, reason in UNCOLLECTED.items():
        number = run.attempt_number(id_, COLLECTION)
        if number is not None:
            end_uncollected(run, id_, COLLECTION, reason, number)
    # A night is finished by whoever began it: more attempts may follow this session.
    is_night = run.schedule is not None
    verdicts = run.record.verdicts() if is_night else run.record.finish(utc_now())
    if exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        session.exitstatus = exit_code([item.verdict for item in verdicts.items])
    elif exitstatus == pytest.ExitCode.INTERRUPTED:  # its 2 would say that an input was bad
        session.exitstatus = exit_code([item.verdict for item in verdicts.items]) or 1


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Where the record is."""
    run = config.stash.get(RUN, None)
    if run is not None and run.device.judged_as is not None:
        told = f"judged by the claims of {run.device.judged_as}"
        terminalreporter.write_line(f"PROVISIONAL: firmware {run.firmware} is unknown; {told}")
    if run is not None and run.keeps_record:
        terminalreporter.write_line(f"record: {run.folder}")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Scenarios on a simulated bench run in virtual time, everything else on the wall clock."""
    if item.get_closest_marker("item") is not None:
        if RUN in config.stash and config.stash[RUN].bench.kind != "simulated":
            return {"wall": WallLoop}
        return {"virtual": VirtualLoop}
    return {"wall": asyncio.new_event_loop}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a cell: the release that the row is judged on, or the squares of the matrix."""
    marker = metafunc.definition.get_closest_marker("item")
    if marker is None or "bench" not in metafunc.fixturenames:
        return
    run = metafunc.config.stash[RUN]
    id_ = _checked_id(metafunc.definition.path, marker)
    if run.cells is not None:
        cells = [cell for cell in run.cells if cell.item == id_]
    else:
        found = run.verdict_cell(id_)
        cells = [] if found is None else [found]
    metafunc.parametrize("cell", cells, ids=[cell.label for cell in cells])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A row that is judged on no release here is not run; the plan says why.

    A night runs what its schedule names, in its order; a lab in the order of its plan.
    """
    if RUN not in config.stash:
        return
    run = config.stash[RUN]
    idle = [item for item in items if item.get_closest_marker("item") and not _is_due(run, item)]
    if idle:
        config.hook.pytest_deselected(items=idle)
        items[:] = [item for item in items if item not in idle]
    if run.has_order:
        items.sort(key=partial(_rank, run))


def _rank(run: Run, item: pytest.Item) -> int:
    found = _cell_of(item)
    return (
        run.rank("", "") if found is None else run.rank(found.item, test_name(item.nodeid, found))
    )


def _is_due(run: Run, item: pytest.Item) -> bool:
    """Whether a test of a row is to run in this session."""
    found = _cell_of(item)
    if found is None:
        return False
    test = test_name(item.nodeid, found)
    return run.attempt_number(found.item, test) is not None and not run.is_done(found, test)


def _cell_of(item: pytest.Item) -> Cell | None:
    callspec = getattr(item, "callspec", None)
    found = None if callspec is None else callspec.params.get("cell")
    return found if isinstance(found, Cell) else None


def _checked_id(path: Path, marker: pytest.Mark) -> str:
    """The marker's id. Raises UsageError if the catalogue or the path says otherwise."""
    try:
        id_ = item_of(str(marker.args[0])).id
    except (UnknownItemId, IndexError) as error:
        raise pytest.UsageError(f"{path}: {error}") from error
    if item_of_path(path) != id_:
        raise pytest.UsageError(f"{path}: marked as {id_}, but its path says {item_of_path(path)}")
    return id_


@pytest.fixture
def cell(request: pytest.FixtureRequest) -> Cell:
    """The cell of a test; parametrised."""
    found: Cell = request.param
    return found


@pytest_asyncio.fixture
async def bench(cell: Cell, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """The bench of one attempt, built anew; brought to its safe state at the end."""
    run, story = request.config.stash[RUN], request.node.stash[STORY]
    run.check_time(cell.item)
    on_wall = run.bench.kind != "simulated"
    if on_wall:
        run.short.check(cell.item, silent=catalogue()[cell.item].row_class == SILENT)
    kernel = kernel_of_the_run()
    kernel.seed = f"{run.seed}/{cell.item}/{story.test}"
    marker = request.node.get_closest_marker("needs")
    needs = Needs.parse(dict(marker.kwargs) if marker is not None else {})
    folder = None
    if run.keeps_record:
        folder = run.record.attempt_folder(cell.item, story.test, story.number)
    story.start_state = asdict(needs)
    story.attempt = attempt = Attempt(kernel, cell.item, story.test, folder)
    story.operator = run.operator(
        cell.item, story.test, lambda text: attempt.event(kernel.now_us, "bench", text)
    )
    async with built(run, story, needs) as parts:
        is_wire = run.bench.kind == "wire"
        limit_us = run.short.limit_us(cell.item, story.test) if is_wire else LONGEST_ATTEMPT_US
        kernel.at(limit_us, partial(_give_up, story, limit_us))
        keeper = witness.set(story.attempt)
        try:
            yield Bench(parts, story.operator)
        finally:
            witness.reset(keeper)
            story.sim_s = kernel.now_us / 1e6
            parts.settle_record()
            if not on_wall:
                story.digest = kernel.digest.hexdigest()


def _give_up(story: Story, limit_us: int) -> None:
    story.overdue = True
    limit = "a week" if limit_us == LONGEST_ATTEMPT_US else show_time(limit_us)
    raise BenchError(f"the attempt has gone on for {limit} of bench time: it would never end")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep the journal: the start before anything else, the end when everything is over."""
    run = item.config.stash.get(RUN, None)
    found = _cell_of(item)
    if run is None or found is None:
        return (yield)
    test = test_name(item.nodeid, found)
    story = Story(found, test, run.attempt_number(found.item, test) or 1)
    item.stash[STORY] = story
    if run.keeps_record:
        run.record.journal(Started(**key_of(story), utc=utc_now()))
    try:
        return (yield)
    except BaseException as error:
        # Ctrl-C makes no report: without this an attempt that was cut off would look passed.
        story.error = story.error or error
        # Nor does it tear down: the bench goes to its safe state now, while it is whole.
        item.session._setupstate.teardown_exact(None)  # noqa: SLF001
        raise
    finally:
        end(run, story)
        # Its errors hold frames, and these the whole bench: a night of them would fill the memory.
        del item.stash[STORY]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember what went wrong; in a square that should fail, an Unmet is what was claimed."""
    report = yield
    story = item.stash.get(STORY, None)
    if story is None:
        return report
    if call.excinfo is not None and story.error is None:
        story.error = unwrapped(call.excinfo.value)
        if isinstance(story.error, NotOnThisBench):
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 0, f"not on this bench: {story.error}")
        if isinstance(story.error, NotWritten):
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 0, f"skeleton: {story.error}")
        if call.when != "call" and isinstance(story.error, Unmet):
            story.error = NotReady(f"a claim outside the call phase: {story.error}")
        if isinstance(story.error, Unmet) and not story.cell.claimed:
            report.outcome, report.longrepr = "passed", None
        elif isinstance(story.error, Unmet) and story.attempt is not None:
            text = around(story, frames=item.config.getoption("--frames"))
            report.sections.append(("around the unmet expectation", text))
    return report
