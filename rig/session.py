"""What all tests of a session share: bench, release, seed, and the record."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from bms.catalogue import catalogue
from bms.firmware import Version
from rig.benches.file import BenchFile, Role, load_bench
from rig.benches.lab.asked import described
from rig.cells import Cell, read_cells
from rig.clock import unix_ms, utc_now
from rig.nightly.schedule import read_schedule
from rig.operator.asking import Nobody, Note, Operator, Stated, Technician
from rig.planning import ROOT, judged, make_plan, software, under_test
from rig.recording import BenchFacts, InstrumentFacts, RunFacts, RunRecord, attempt_id
from rig.scheduling.handing import read_order
from rig.short import read_short
from rig.squares import read_done
from rig.unchanged import inputs_of, read_carried


class Run:
    """What all tests of a session share: bench, seed, record."""

    def __init__(self, config: pytest.Config) -> None:
        option = config.getoption
        self.bench: BenchFile = load_bench(option("--bench"))
        on_lab = self.bench.kind == "lab"
        self.device = under_test(option("--firmware"), is_read=on_lab)
        self.seed = int(option("--seed"))
        self.without: str | None = option("--without")
        self.exact: bool = option("--exact")
        self.recording = not option("--no-record")
        cells = option("--cells")
        self.cells: list[Cell] | None = read_cells(Path(cells)) if cells else None
        self.cells_out = Path(option("--cells-out")) if option("--cells-out") else None
        self.cells_done = read_done(Path(done) if (done := option("--cells-done")) else None)
        since = option("--since")
        self.carried = read_carried(Path(since)) if since else None
        short = option("--short")
        self.short = read_short(Path(short) if short else None)
        asking = option("--questions")
        self.questions = Path(asking) if asking else None
        self._order = read_order(Path(order) if (order := option("--order")) else None)
        schedule = option("--schedule")
        self.schedule = read_schedule(Path(schedule) if schedule else None)
        if self.cells is not None and self.bench.kind != "simulated":
            raise ValueError(f"--cells on bench {self.bench.name}: allowed: a simulated bench")
        worker = getattr(config, "workerinput", None)
        self.is_worker = worker is not None
        if worker is not None:
            self.folder = Path(worker["run_folder"])
        else:
            self.folder = (
                Path(option("--out")) if option("--out") else ROOT / "runs" / _run_id(self)
            )
        self.record = RunRecord(self.folder)
        # A try at one scenario is not what a later run begins from, and should begin at once.
        self._is_kept = bool(option("--out")) and self.bench.kind == "simulated"

    def is_done(self, cell: Cell, test: str) -> bool:
        """Whether an earlier session has kept what this test of a matrix found."""
        return (astuple(cell), test) in self.cells_done

    def attempt_number(self, item: str, test: str) -> int | None:
        """The number of a test's next attempt; None if it is not to run in this session."""
        return 1 if self.schedule is None else self.schedule.number(item, test)

    @property
    def has_order(self) -> bool:
        """Whether somebody has said in which order the tests are to run."""
        return self.schedule is not None or bool(self._order)

    def rank(self, item: str, test: str) -> int:
        """A test's place in that order; what it does not name comes last."""
        if self.schedule is not None:
            return self.schedule.rank(item)
        return self._order.get((item, test), len(self._order))

    def operator(self, item: str, test: str, note: Note) -> Operator:
        """Who answers what a test asks."""
        if self.bench.kind != "lab":
            return Stated(note)
        if self.questions is None or self.schedule is not None:
            return Nobody("a night asks nobody" if self.schedule else "nobody is asked here")
        number = self.attempt_number(item, test) or 1
        return Technician(self.questions, attempt_id(item, test, number), note)

    def check_time(self, item: str) -> None:
        """Raises NotOnThisBench if a night may not begin this row now."""
        if self.schedule is not None:
            self.schedule.check(item, unix_ms())

    @property
    def firmware(self) -> Version:
        """The release that the device has."""
        return self.device.firmware

    def _inputs(self, rows: Iterable[str]) -> Mapping[str, str]:
        """What their verdicts depend on, for a later run that asks what has changed since."""
        cells = {row: self.verdict_cell(row) for row in rows}
        judged_on = {row: None if cell is None else cell.firmware for row, cell in cells.items()}
        return inputs_of(judged_on, self.bench.sha256, self.seed)

    @property
    def plan_is_frozen(self) -> bool:
        """Whether this session goes on with a plan that another one made."""
        return self.schedule is not None and self.schedule.plan_is_frozen

    @property
    def keeps_record(self) -> bool:
        """Whether attempts are recorded; a matrix keeps its squares only."""
        return self.recording and self.cells is None

    def verdict_cell(self, item: str) -> Cell | None:
        """The device that a row is judged on; None if it is not judged on this release."""
        release = judged(catalogue()[item], self.device, exact=self.exact).firmware
        if release is None or (self.carried is not None and item in self.carried.rows):
            return None
        return Cell(item=item, firmware=str(release), without=self.without)

    def begin(self, tests: Mapping[str, tuple[str, ...]]) -> None:
        """Freeze the plan: these tests of these rows, before any of them runs."""
        facts = RunFacts(
            id=self.folder.name,
            bench=self.bench.name,
            firmware=str(self.firmware),
            started=utc_now(),
            seed=self.seed,
            software=software(),
            bench_facts=_bench_facts(self.bench),
            judged_as=self.device.judged_as,
            unchanged_since=None if self.carried is None else self.carried.earlier,
        )
        carried = {} if self.carried is None else self.carried.by_row
        inputs = self._inputs(tests) if self._is_kept else {}
        plan = make_plan(
            facts, self.firmware, tests, exact=self.exact, inputs=inputs, carried=carried
        )
        if self.schedule is not None:
            held = self.schedule.quarantine
            rows = tuple(replace(row, quarantine=held.get(row.id)) for row in plan.rows)
            plan = replace(plan, rows=rows)
        self.record.write_plan(plan)


def _bench_facts(bench: BenchFile) -> BenchFacts:
    return BenchFacts(
        kind=bench.kind,
        description=described(bench),
        sha256=bench.sha256,
        instruments=tuple(_instrument(name, role) for name, role in bench.roles.items()),
    )


def _instrument(name: str, role: Role) -> InstrumentFacts:
    calibration = role.calibration
    return InstrumentFacts(
        role=name,
        model=role.model,
        serial=role.serial,
        resource=role.resource,
        certificate=None if calibration is None else calibration.certificate,
        calibrated=None if calibration is None else calibration.calibrated.isoformat(),
        due=None if calibration is None else calibration.due.isoformat(),
    )


def _run_id(run: Run) -> str:
    stamp = utc_now().replace(":", "").replace("-", "")
    return f"{stamp}-{run.bench.name}-{run.firmware}-{os.getpid()}"
