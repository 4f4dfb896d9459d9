"""A run that grows at the pace of a test."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rig.recording import (
    BenchFacts,
    Ended,
    InstrumentFacts,
    Plan,
    PlanRow,
    RunFacts,
    RunRecord,
    Started,
    Verdict,
    attempt_id,
)

ROWS = ("v1.08-04", "v1.08-05", "v1.09-06")


def planned_row(item: str, tests: tuple[str, ...]) -> PlanRow:
    return PlanRow(
        id=item,
        kind="updated",
        area="contactor",
        item_class="specified",
        basis="stated",
        statement=f"what {item} says",
        since="1.08",
        until=None,
        revoked_by=None,
        holds=True,
        deltas=(),
        scenario=f"scenarios/{item}.py" if tests else None,
        scenario_sha256="ab" * 32,
        firmware="1.38" if tests else None,
        tests=tests,
        reason="" if tests else "not selected",
    )


class Growing:
    """A run of three planned rows and one that is not, whose clock is told to it."""

    def __init__(self, folder: Path, *, kind: str = "simulated", bench: str = "lab-1") -> None:
        self.record = RunRecord(folder)
        self.folder = folder
        charger = InstrumentFacts(
            role="charger", model="EA", serial="1", resource="x", due="2026-10-01"
        )
        facts = BenchFacts(kind=kind, description="twins", sha256="ef" * 32, instruments=(charger,))
        run = RunFacts(
            id=folder.name,
            bench=bench,
            firmware="1.38",
            started="2026-11-22T21:00:00Z",
            seed=7,
            software={},
            bench_facts=facts,
        )
        rows = [*(planned_row(item, ("test_it",)) for item in ROWS), planned_row("v1.38-01", ())]
        self.record.write_plan(Plan(run=run, rows=tuple(rows)))

    def start(self, item: str, at_s: int, number: int = 1) -> None:
        self.record.journal(Started(**self._same(item, at_s, number)))

    def end(
        self,
        item: str,
        at_s: int,
        verdict: Verdict,
        *,
        reason: str = "",
        wall_s: float = 10.0,
        sim_s: float = 40.0,
        number: int = 1,
    ) -> None:
        self.record.journal(
            Ended(
                **self._same(item, at_s, number),
                verdict=verdict,
                reason=reason,
                digest=None,
                sim_s=sim_s,
                wall_s=wall_s,
                measurements=(),
                unmet=None,
                evidence=(),
            )
        )

    def finish(self) -> None:
        self.record.finish("2026-11-22T21:30:00Z")

    def whole(self, **took: float) -> "Growing":
        for n, item in enumerate(ROWS):
            self.start(item, 20 * n)
            self.end(item, 20 * n + 10, Verdict.PASS, **took)
        self.finish()
        return self

    @staticmethod
    def _same(item: str, at_s: int, number: int) -> dict[str, object]:
        return {
            "attempt": attempt_id(item, "test_it", number),
            "item": item,
            "test": "test_it",
            "number": number,
            "firmware": "1.38",
            "utc": f"2026-11-22T21:{at_s // 60:02}:{at_s % 60:02}Z",
        }


@pytest.fixture
def growing(tmp_path: Path) -> Callable[..., Growing]:
    def made(name: str = "run", **more: str) -> Growing:
        return Growing(tmp_path / "runs" / name, **more)

    return made


@pytest.fixture
def serve() -> Callable[..., object]:
    """Serve a folder within the test, on a free port of this machine."""
    import threading  # noqa: TID251 - the server of these tests lives beside them

    from rig.live.server import LiveServer

    @contextmanager
    def served(folder: Path, kind: type = LiveServer) -> Iterator[LiveServer]:
        with kind(folder, "127.0.0.1", 0) as server:
            running = threading.Thread(target=server.run, daemon=True)
            running.start()
            try:
                yield server
            finally:
                server.stop()
                running.join(20)

    return served
