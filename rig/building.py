"""Builds the bench of one attempt by its kind: simulated, wire or lab."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date

from bms.firmware import Version
from bms.releases import release_of
from rig.bench import Parts
from rig.benches.lab.bench import lab_bench
from rig.benches.simulated import SimulatedBench
from rig.benches.wire import wire_bench
from rig.cells import compared_in
from rig.clock import utc_now, wall_s
from rig.collector import seldom_collecting
from rig.dut.device import missing
from rig.dut.model import DutSpec
from rig.dut.terminals import NullMode
from rig.guard import guarded
from rig.kernel import kernel_of_the_run
from rig.needs import Needs
from rig.safety.client import tasks_of_the_test
from rig.scheduling.bringing import brought
from rig.session import Run
from rig.story import Story


def built(run: Run, story: Story, needs: Needs) -> AbstractAsyncContextManager[Parts]:
    """The bench of an attempt, from when it stands until it is in its safe state again."""
    build = {"wire": _on_wires, "lab": _in_a_lab}.get(run.bench.kind, _simulated)
    return build(run, story, needs)


def _spec(story: Story, needs: Needs) -> DutSpec:
    cell = story.cell
    return DutSpec(
        firmware=cell.firmware,
        without=() if cell.without is None else (cell.without,),
        starts_on=_start(needs, cell.firmware),
    )


@asynccontextmanager
async def _simulated(run: Run, story: Story, needs: Needs) -> AsyncIterator[Parts]:
    """Model, plant and twins in this process, in virtual time."""
    cell, attempt, kernel = story.cell, story.attempt, kernel_of_the_run()
    assert attempt is not None
    null = NullMode(cell.null) if cell.null else None
    with guarded(), seldom_collecting():
        compared = compared_in(cell)
        spec = _spec(story, needs)
        parts = SimulatedBench(kernel, run.bench, needs, spec, attempt, null, compared)
        await parts.open()
        try:
            yield parts
        finally:
            await parts.close()


@asynccontextmanager
async def _on_wires(run: Run, story: Story, needs: Needs) -> AsyncIterator[Parts]:
    """Hub, stand and device in processes of their own, on the wall clock."""
    assert story.attempt is not None
    compared, spec = compared_in(story.cell), _spec(story, needs)
    async with wire_bench(run.bench, needs, spec, story.attempt, compared) as parts:
        try:
            yield parts
        finally:
            if story.overdue:  # what was given up would go on while the bench is taken down
                for task in tasks_of_the_test():
                    task.cancel()


@asynccontextmanager
async def _in_a_lab(run: Run, story: Story, needs: Needs) -> AsyncIterator[Parts]:
    """A real device behind CAN adapters and instruments, on the wall clock."""
    assert story.attempt is not None
    if story.cell.firmware != str(run.firmware):
        missing(
            f"a settable release: judged on {story.cell.firmware}, the device runs {run.firmware}"
        )
    bench = await brought(run.bench, needs, story.operator)
    story.started_s = wall_s()  # how long a technician takes is not the attempt's time
    compared, spec = compared_in(story.cell), _spec(story, needs)
    today = date.fromisoformat(utc_now()[:10])
    claims = str(run.device.claims_of)
    async with lab_bench(bench, needs, spec, story.attempt, compared, claims, today) as parts:
        yield parts


def _start(needs: Needs, under_test: str) -> str | None:
    """The release before the update: the one that is needed, or the one under test if older."""
    if needs.starts_on is None:
        return None
    return str(min(release_of(needs.starts_on), Version.parse(under_test)))
