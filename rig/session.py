"""What all tests of a session share: bench, release, seed, and the record."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from bms.catalogue import catalogue, judged_on
from bms.firmware import Version
from bms.releases import release_of
from rig.benches.file import BenchFile, Role, load_bench
from rig.cells import Cell, read_cells
from rig.clock import utc_now
from rig.planning import ROOT, make_plan, software
from rig.recording import BenchFacts, InstrumentFacts, RunFacts, RunRecord
from rig.short import read_short


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
        short = option("--short")
        self.short = read_short(Path(short) if short else None)
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

    @property
    def keeps_record(self) -> bool:
        """Whether attempts are recorded; a matrix keeps its squares only."""
        return self.recording and self.cells is None

    def verdict_cell(self, item: str) -> Cell | None:
        """The device that a row is judged on; None if it is not judged on this release."""
        judgement = judged_on(catalogue()[item], self.firmware)
        release = self.firmware if self.exact else judgement.firmware
        if release is None:
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
        )
        self.record.write_plan(make_plan(facts, self.firmware, tests, exact=self.exact))


def _bench_facts(bench: BenchFile) -> BenchFacts:
    return BenchFacts(
        kind=bench.kind,
        description=bench.description,
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
