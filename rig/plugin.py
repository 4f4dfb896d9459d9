"""The pytest plugin: runs scenarios on a bench and writes the record. It renders nothing.

A scenario is a test with the marker `item`. It is run once on the release that its row is judged
on, or, for a matrix, once a cell. The verdict comes from what the call phase raised: `Unmet` is the
device's failure, anything else is ours.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bms.catalogue import UnknownItemId, catalogue, item_of, judged_on, release_before
from bms.firmware import UnknownRelease, Version
from bms.releases import NEWEST, release_of
from rig.attempt import Attempt
from rig.bench import Bench
from rig.benches.file import BenchFile, load_bench
from rig.benches.simulated import SimulatedBench
from rig.cells import Cell, read_cells
from rig.clock import utc_now, wall_s
from rig.dut.model import DutSpec
from rig.dut.terminals import NullMode
from rig.errors import BenchFileError, NotOnThisBench, NotReady, Unmet
from rig.expect import witness
from rig.guard import guarded
from rig.kernel import VirtualLoop
from rig.needs import Needs
from rig.planning import ROOT, item_of_path, make_plan, scenarios, software
from rig.recording import Ended, RunFacts, RunRecord, Started, Verdict, attempt_id, exit_code

CELL = pytest.StashKey[Cell]()
STORY = pytest.StashKey["Story"]()
RUN = pytest.StashKey["Run"]()


class Story:
    """What became of one test until its report is made."""

    def __init__(self, cell: Cell, test: str) -> None:
        self.cell, self.test = cell, test
        self.attempt: Attempt | None = None
        self.error: BaseException | None = None
        self.digest = ""
        self.sim_s = 0.0
        self.started_s = wall_s()
        self.start_state: dict[str, Any] = {}


class Run:
    """What all tests of a session share: bench, seed, record."""

    def __init__(self, config: pytest.Config) -> None:
        option = config.getoption
        self.bench: BenchFile = load_bench(option("--bench"))
        self.firmware: Version = release_of(option("--firmware"))
        self.seed = int(option("--seed"))
        self.without: str | None = option("--without")
        self.exact: bool = option("--exact")
        self.recording = not option("--no-record")
        cells = option("--cells")
        self.cells: list[Cell] | None = read_cells(Path(cells)) if cells else None
        self.cells_out = Path(option("--cells-out")) if option("--cells-out") else None
        worker = getattr(config, "workerinput", None)
        self.is_worker = worker is not None
        if worker is not None:
            self.folder = Path(worker["run_folder"])
        else:
            self.folder = (
                Path(option("--out")) if option("--out") else ROOT / "runs" / _run_id(self)
            )
        self.record = RunRecord(self.folder)

    @property
    def keeps_record(self) -> bool:
        """Whether attempts are recorded; a matrix keeps its squares only."""
        return self.recording and self.cells is None

    def begin(self, selected: frozenset[str] | None) -> None:
        """Freeze the plan."""
        facts = RunFacts(
            id=self.folder.name,
            bench=self.bench.name,
            firmware=str(self.firmware),
            started=utc_now(),
            seed=self.seed,
            software=software(),
        )
        self.record.write_plan(make_plan(facts, self.firmware, selected, exact=self.exact))


def _run_id(run: Run) -> str:
    stamp = utc_now().replace(":", "").replace("-", "")
    return f"{stamp}-{run.bench.name}-{run.firmware}-{os.getpid()}"


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
    group.addoption("--cells-out", default=None, help=argparse_suppress())


def argparse_suppress() -> str:
    """How argparse is told to show no help for an option: `hil matrix` uses these two."""
    return "==SUPPRESS=="


def pytest_configure(config: pytest.Config) -> None:
    """Read bench, release and seed once; a bad one ends the session with one line."""
    if not _wants_scenarios(config):
        return
    try:
        config.stash[RUN] = Run(config)
    except (BenchFileError, UnknownRelease, ValueError) as error:
        raise pytest.UsageError(str(error)) from error


def _wants_scenarios(config: pytest.Config) -> bool:
    """Whether any path of the command line lies in or above the scenarios."""
    where = ROOT / "scenarios"
    paths = [(Path(config.invocation_params.dir) / a.split("::")[0]).resolve() for a in config.args]
    return any(path == where or where in path.parents for path in paths)


def pytest_configure_node(node: Any) -> None:
    """A worker writes into the same run folder."""
    if RUN in node.config.stash:
        node.workerinput["run_folder"] = str(node.config.stash[RUN].folder)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Freeze the plan before anything runs."""
    run = session.config.stash.get(RUN, None)
    if run is not None and run.keeps_record and not run.is_worker:
        run.begin(_selected(session.config))


def _selected(config: pytest.Config) -> frozenset[str]:
    """The items whose files the command line names."""
    base = Path(config.invocation_params.dir)
    paths = [(base / arg.split("::")[0]).resolve() for arg in config.args]
    return frozenset(
        scenario.item
        for scenario in scenarios().values()
        if any(path == scenario.path or path in scenario.path.parents for path in paths)
    )


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Judge the run; the exit code is the verdicts', not pytest's."""
    run = session.config.stash.get(RUN, None)
    if run is None or run.is_worker or not run.keeps_record:
        return
    if not (run.folder / "plan.json").is_file():
        return
    verdicts = run.record.finish(utc_now())
    if exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        session.exitstatus = exit_code([item.verdict for item in verdicts.items])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Where the record is."""
    run = config.stash.get(RUN, None)
    if run is not None and run.keeps_record:
        terminalreporter.write_line(f"record: {run.folder}")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Scenarios on a simulated bench run in virtual time, everything else on the wall clock."""
    if item.get_closest_marker("item") is not None:
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
    elif run.exact:
        cells = [Cell(item=id_, firmware=str(run.firmware), without=run.without)]
    else:
        judgement = judged_on(catalogue()[id_], run.firmware)
        release = str(judgement.firmware) if judgement.firmware is not None else None
        cells = [] if release is None else [Cell(item=id_, firmware=release, without=run.without)]
    metafunc.parametrize("cell", cells, ids=[cell.label for cell in cells])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A row that is judged on no release here is not run; the plan says why."""
    idle = [item for item in items if _cell_of(item) is None and item.get_closest_marker("item")]
    if idle and RUN in config.stash:
        config.hook.pytest_deselected(items=idle)
        items[:] = [item for item in items if item not in idle]


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
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    kernel = loop.kernel
    kernel.seed = f"{run.seed}/{cell.item}/{story.test}"
    marker = request.node.get_closest_marker("needs")
    needs = Needs.parse(dict(marker.kwargs) if marker is not None else {})
    folder = None
    if run.keeps_record:
        folder = run.record.attempt_folder(cell.item, story.test, 1)
    story.start_state = asdict(needs)
    story.attempt = Attempt(kernel, cell.item, story.test, folder)
    spec = DutSpec(
        firmware=cell.firmware, without=cell.without, starts_on=_start(needs, cell.firmware)
    )
    null = NullMode(cell.null) if cell.null else None
    with guarded():
        reference = cell.reference or str(release_before(catalogue()[cell.item]))
        parts = SimulatedBench(kernel, run.bench, needs, spec, story.attempt, null, reference)
        await parts.open()
        keeper = witness.set(story.attempt)
        try:
            yield Bench(parts)
        finally:
            witness.reset(keeper)
            story.sim_s = kernel.now_us / 1e6
            story.digest = kernel.digest.hexdigest()
            await parts.close()


def _start(needs: Needs, under_test: str) -> str | None:
    """The release before the update: the one that is needed, or the one under test if older."""
    if needs.starts_on is None:
        return None
    return str(min(release_of(needs.starts_on), release_of(under_test)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep the journal: the start before anything else, the end when everything is over."""
    run = item.config.stash.get(RUN, None)
    found = _cell_of(item)
    if run is None or found is None:
        return (yield)
    story = Story(found, item.name.split("[")[0])
    item.stash[STORY] = story
    if run.keeps_record:
        run.record.journal(Started(**_key(story), utc=utc_now()))
    try:
        return (yield)
    finally:
        _end(run, story)


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
        story.error = _unwrapped(call.excinfo.value)
        if call.when != "call" and isinstance(story.error, Unmet):
            story.error = NotReady(f"a claim outside the call phase: {story.error}")
        if isinstance(story.error, Unmet) and not story.cell.claimed:
            report.outcome, report.longrepr = "passed", None
        elif isinstance(story.error, Unmet) and story.attempt is not None:
            report.sections.append(("around the unmet expectation", _around(item.config, story)))
    return report


def _unwrapped(error: BaseException) -> BaseException:
    """A lone Unmet in an exception group is that Unmet."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _around(config: pytest.Config, story: Story) -> str:
    """The last frames, terminals and expectations before a failure."""
    attempt = story.attempt
    assert attempt is not None
    lines = [f"{e.t_s:10.3f}  {e.outcome:6} {e.text}" for e in attempt.expectations[-6:]]
    lines += [f"{e.t_s:10.3f}  {e.lane:8} {e.text}" for e in attempt.events[-12:]]
    if config.getoption("--frames"):
        names = {0: "private", 1: "ve_can", 2: "external"}
        lines += [f"{t / 1e6:10.3f}  {names[c]:8} {f}" for t, c, f in attempt.last_frames[-30:]]
    return "\n".join(sorted(lines))


def _key(story: Story) -> dict[str, Any]:
    return {
        "attempt": attempt_id(story.cell.item, story.test, 1),
        "item": story.cell.item,
        "test": story.test,
        "number": 1,
        "firmware": story.cell.firmware,
    }


def _judge(story: Story) -> tuple[Verdict, str]:
    error, attempt = story.error, story.attempt
    if error is None:
        doubtful = (
            []
            if attempt is None
            else [m for m in attempt.measurements if m.verdict is Verdict.INCONCLUSIVE]
        )
        if doubtful:
            return Verdict.INCONCLUSIVE, f"{doubtful[0].name}: a limit is within the uncertainty"
        return Verdict.PASS, ""
    if isinstance(error, Unmet):
        return Verdict.FAIL, str(error)
    if isinstance(error, NotOnThisBench):
        return Verdict.NOT_RUN, str(error)
    if isinstance(error, KeyboardInterrupt):
        return Verdict.ABORTED, "interrupted"
    return Verdict.BROKEN, f"{type(error).__name__}: {error}"


def _end(run: Run, story: Story) -> None:
    verdict, reason = _judge(story)
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
            **_key(story),
            utc=utc_now(),
            verdict=verdict,
            reason=reason,
            digest=story.digest or None,
            sim_s=story.sim_s,
            wall_s=wall_s() - story.started_s,
            measurements=() if attempt is None else tuple(attempt.measurements),
            unmet=story.error.key if isinstance(story.error, Unmet) else None,
            evidence=run.record.evidence(evidence),
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
