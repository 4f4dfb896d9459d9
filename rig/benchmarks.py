"""How fast the rig is: `python -m rig.benchmarks [ONLY]`, merged into benchmarks.json by name.

Rules of this file: time is the processor time of this process, so that a busy machine changes
little; building a bench and starting its system are not counted; a figure is the median of its
windows. A figure with a goal is met at or above it; where it is a cost (`COSTS`), at or below.
A whole qualification is the one thing that is timed by the clock on the wall.
"""

import asyncio
import json
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from instruments.twins.electrical import SourceDemand
from rig import (
    benchmarks_dossier,
    benchmarks_field,
    benchmarks_history,
    benchmarks_hub,
    benchmarks_import,
    benchmarks_instruments,
    benchmarks_jitter,
    benchmarks_safety,
)
from rig.attempt import Attempt
from rig.bench import Bench
from rig.benches.file import load_bench
from rig.benches.simulated import SimulatedBench
from rig.can.bus import Bus
from rig.can.frame import Frame
from rig.clock import cpu_s, wall_s
from rig.collector import seldom_collecting
from rig.dut.model import DutSpec
from rig.guard import guarded
from rig.kernel import Kernel, VirtualLoop, milliseconds, seconds
from rig.needs import Needs
from rig.plant.kernel import chosen_kernel
from rig.plant.kernel_python import PythonKernel
from rig.plant.plant import Plant
from rig.plant.spec import ModuleSpec, PlantSpec

T = TypeVar("T")
RECORD = Path(__file__).parent.parent / "benchmarks.json"
RELEASE = "1.38"
WINDOWS = 5
COSTS = ("us", "ms", "s", "%", "frames", "nights", "MB")
CHARGE_A, CHARGE_V = 50.0, 28.0  # chosen: what a charger of a small system does for hours
ASK_PERIOD_US = milliseconds(50)  # chosen: with it 16 batteries' buses carry 700 frames a second
BMS_STATE = 0x0371  # public: communication guide
FRAMES = 20_000
QUERIES = 300
CELL_STEPS = 5000
COMPILED = not isinstance(chosen_kernel(), PythonKernel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure; ``goal`` is None where nobody has set one."""

    name: str
    value: float
    unit: str
    goal: float | None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met, None where there is none."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.unit in COSTS else self.value >= self.goal


def sim_speed_2_batteries() -> list[Figure]:
    """The default system, running and charging, recorded."""
    goal = 2000.0 if COMPILED else 1000.0
    return _sim_speed(batteries=2, window_s=300.0, speed_goal=goal, frames_goal=40.0)


def sim_speed_16_batteries() -> list[Figure]:
    """Sixteen modules in parallel, running and charging, recorded; all three buses in use."""
    goal = 150.0 if COMPILED else 80.0
    return _sim_speed(batteries=16, window_s=30.0, speed_goal=goal, frames_goal=700.0, busy=True)


def sim_speed_50_batteries() -> list[Figure]:
    """Fifty modules in parallel: the private bus is nearly full."""
    return _sim_speed(batteries=50, window_s=10.0, speed_goal=50.0, frames_goal=1500.0)


def sim_speed_2_batteries_idle() -> list[Figure]:
    """The default system shut down: VE.Can is quiet, the batteries are asleep."""

    async def measure() -> float:
        async with _bench(Needs()) as (bench, _):
            await bench.wait(seconds(60))
            return 3600.0 / await _median_cost_s(lambda: bench.wait(seconds(3600)))

    speed = _run(measure())
    name = "sim_speed_2_batteries_idle"
    return [Figure(name=name, value=speed, unit="x real time", goal=10_000.0)]


def cost_by_size() -> list[Figure]:
    """What a simulated second costs with 1, 4 and 8 batteries, and a frame and a cell of it."""
    figures = []
    for batteries in (1, 4, 8):
        speed, frames = _sim_speed(batteries=batteries, window_s=60.0 / batteries)
        second_us = 1e6 / speed.value
        name = f"{batteries}_batteries"
        figures += [
            Figure(name=f"cost_per_sim_s_{name}_us", value=second_us, unit="us", goal=None),
            Figure(
                name=f"cost_per_frame_all_in_{name}_us",
                value=second_us / frames.value,
                unit="us",
                goal=None,
            ),
        ]
    return figures


def cell_step() -> list[Figure]:
    """One cell of a string moved by one step at constant current."""
    module = ModuleSpec(chemistry="LFP", cells=16, capacity_ah=100.0)
    plant = Plant(PlantSpec(module=module), Random(1))
    plant.attach_source(
        SourceDemand(enabled=True, voltage_v=60.0, current_limit_a=20.0, power_limit_w=1e6)
    )
    plant.set_coil(0, on=True)
    plant.advance(seconds(1))
    start_s = cpu_s()
    for step in range(CELL_STEPS):
        plant.advance(seconds(1) + (step + 1) * milliseconds(100))
    cost_us = (cpu_s() - start_s) / (CELL_STEPS * 16) * 1e6
    return [Figure(name="cost_per_cell_step_us", value=cost_us, unit="us", goal=None)]


def _sim_speed(
    *,
    batteries: int,
    window_s: float,
    speed_goal: float | None = None,
    frames_goal: float | None = None,
    busy: bool = False,
) -> list[Figure]:
    async def measure() -> tuple[float, float]:
        async with _bench(Needs(parallel=batteries)) as (bench, parts):
            await bench.running()
            await bench.charger.charge(CHARGE_A, CHARGE_V)
            if busy:
                await _use_all_buses(bench, parts)
            await bench.wait(seconds(60))
            frames_before = parts.frames_total
            cost_s = await _median_cost_s(lambda: bench.wait(seconds(window_s)))
            frames = parts.frames_total - frames_before
            return window_s / cost_s, frames / (WINDOWS * window_s)

    speed, frames = _run(measure())
    system = f"{batteries}_batteries"
    return [
        Figure(name=f"sim_speed_{system}", value=speed, unit="x real time", goal=speed_goal),
        Figure(name=f"frames_per_sim_s_{system}", value=frames, unit="1/s", goal=frames_goal),
    ]


async def _use_all_buses(bench: Bench, parts: SimulatedBench) -> None:
    """An inverter on the external port, and a GX device that keeps asking for a register."""
    await bench.tool.set("external_protocol", "General BMS")

    def ask() -> None:
        parts.gx.ask(BMS_STATE)
        parts.kernel.after(ASK_PERIOD_US, ask)

    ask()


def cost_per_frame() -> list[Figure]:
    """One frame's way over a bus: queue, arbitration, delivery, record and digest."""

    async def measure() -> float:
        kernel = _kernel()
        with TemporaryDirectory() as folder:
            attempt = Attempt(kernel, "benchmark", "frames", Path(folder))
            bus = Bus(kernel, "bus", 250_000)
            bus.watch(lambda time_us, _sender, frame: attempt.frame(time_us, 0, frame))
            sender = bus.attach("sender", None)
            bus.attach("receiver", lambda _time_us, _frame: None)

            def send() -> None:
                sender.send(Frame(0x18F02001, bytes(8)))
                kernel.after(milliseconds(1), send)

            kernel.after(0, send)
            cost_s = await _median_cost_s(lambda: asyncio.sleep(FRAMES / 1000))
            attempt.close()
        return cost_s / FRAMES * 1e6

    return [Figure(name="cost_per_frame_us", value=_run(measure()), unit="us", goal=None)]


def instrument_query() -> list[Figure]:
    """One measurement of the supply: driver, session, PyVISA, twin and circuit."""

    async def measure() -> float:
        async with _bench(Needs()) as (bench, _):

            async def ask() -> None:
                for _ in range(QUERIES):
                    await bench.charger.current.read()

            return await _median_cost_s(ask) / QUERIES * 1e6

    return [Figure(name="instrument_query_us", value=_run(measure()), unit="us", goal=None)]


def qualify_wall_s() -> list[Figure]:
    """Every scenario of the tree on the newest release, on all cores."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "rig.cli", "qualify", "--out", f"{folder}/run"]
        start_s = wall_s()
        ended = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        took_s = wall_s() - start_s
    if ended.returncode:
        raise RuntimeError(f"qualification ended with exit code {ended.returncode}, not with 0")
    return [Figure(name="qualify_wall_s", value=took_s, unit="s", goal=60.0)]


BENCHMARKS: Mapping[str, Callable[[], list[Figure]]] = {
    "sim_speed_2_batteries": sim_speed_2_batteries,
    "sim_speed_2_batteries_idle": sim_speed_2_batteries_idle,
    "sim_speed_16_batteries": sim_speed_16_batteries,
    "sim_speed_50_batteries": sim_speed_50_batteries,
    "cost_by_size": cost_by_size,
    "cost_per_cell_step_us": cell_step,
    "cost_per_frame_us": cost_per_frame,
    "instrument_query_us": instrument_query,
    "scpi_socket_queries_per_s": lambda: [_figure(*benchmarks_instruments.batched_over_tcp())],
    "scpi_socket_awaited_per_s": lambda: [_figure(*benchmarks_instruments.awaited_over_tcp())],
    "scpi_socket_p99_ms": lambda: [_figure(*benchmarks_instruments.latency_over_tcp())],
    "scpi_inprocess_queries_per_s": lambda: [_figure(*benchmarks_instruments.in_process())],
    "hub_lost_frames": lambda: [_figure(*one) for one in benchmarks_hub.full_buses()],
    "hub_round_trip_p99_ms": lambda: [_figure(*one) for one in benchmarks_hub.round_trip()],
    "io_jitter_p99_ms": lambda: [_figure(*one) for one in benchmarks_jitter.io_jitter()],
    "safe_state_ms": lambda: [_figure(*one) for one in benchmarks_safety.safe_state()],
    "import_frames_per_s": lambda: [_figure(*one) for one in benchmarks_import.speed()],
    "import_memory_mb": lambda: [_figure(*benchmarks_import.memory())],
    "dossier_s": lambda: [_figure(*benchmarks_dossier.dossier())],
    "history_page_s": lambda: [_figure(*one) for one in benchmarks_history.page()],
    "drift_nights": lambda: [_figure(*one) for one in benchmarks_history.drift()],
    "corpus_pct": lambda: [_figure(*one) for one in benchmarks_field.measured()],
    "reproduce_24h_s": lambda: [_figure(*one) for one in benchmarks_field.a_day()],
    "qualify_wall_s": qualify_wall_s,
}


def _figure(name: str, value: float, unit: str, goal: float | None) -> Figure:
    return Figure(name=name, value=value, unit=unit, goal=goal)


@asynccontextmanager
async def _bench(needs: Needs) -> AsyncIterator[tuple[Bench, SimulatedBench]]:
    """A simulated bench as an attempt has it: open, guarded, and recording to a disk."""
    kernel = _kernel()
    with TemporaryDirectory() as folder, guarded(), seldom_collecting():
        attempt = Attempt(kernel, "benchmark", "bench", Path(folder))
        parts = SimulatedBench(kernel, load_bench("sim"), needs, DutSpec(firmware=RELEASE), attempt)
        await parts.open()
        try:
            yield Bench(parts), parts
        finally:
            await parts.close()
            attempt.close()


async def _median_cost_s(work: Callable[[], Awaitable[None]]) -> float:
    """Processor seconds that ``work`` takes: the median of some windows."""
    costs = []
    for _ in range(WINDOWS):
        start_s = cpu_s()
        await work()
        costs.append(cpu_s() - start_s)
    return statistics.median(costs)


def _kernel() -> Kernel:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop.kernel


def _run(work: Coroutine[None, None, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def merge(path: Path, figures: Sequence[Figure]) -> None:
    """Put the figures into the list at ``path``; those of other names stay as they are."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    by_name = {entry["name"]: entry for entry in known}
    by_name.update({figure.name: asdict(figure) for figure in figures})
    path.write_text(json.dumps(list(by_name.values()), indent=2) + "\n", encoding="utf-8")


def table(figures: Sequence[Figure]) -> Table:
    """The figures for a reader at a terminal."""
    shown = Table("benchmark", "value", "unit", "goal", "met")
    for figure in figures:
        goal = "" if figure.goal is None else f"{figure.goal:g}"
        met = {None: "", True: "yes", False: "NO"}[figure.met]
        shown.add_row(figure.name, f"{figure.value:.1f}", figure.unit, goal, met)
    return shown


def main(arguments: Sequence[str]) -> int:
    """Run the benchmarks whose name holds the argument, all without one; the exit code."""
    only = arguments[0] if arguments else ""
    chosen = {name: run for name, run in BENCHMARKS.items() if only in name}
    console = Console()
    if not chosen:
        console.print(f"ONLY={only}: no such benchmark; allowed: {', '.join(BENCHMARKS)}")
        return 2
    figures: list[Figure] = []
    for name, run in chosen.items():
        console.print(f"{name} ...", style="dim")
        figures += run()
    merge(RECORD, figures)
    console.print(table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
