"""How late a task comes that is due every 10 ms, in a process like a bench's on the wall clock.

Rules of this file: the process is a `WallLoop` with real-time priority where the system allows it,
and serves a twin over TCP to somebody who never stops asking, as the stand does. Late is when the
task began, against when it was due. `python -m rig.benchmarks_jitter SECONDS` measures for so long.
"""

import asyncio
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence

from instruments.doors.socket_door import SocketDoor
from instruments.models import MODELS, open_session
from rig.clock import monotonic_us, wall_s
from rig.kernel import milliseconds
from rig.realtime import come_first
from rig.wall import WallLoop

# Name, value, unit, goal: the benchmarks' own type is of the file that imports this one.
Measured = tuple[str, float, str, float | None]

PERIOD_US = milliseconds(10)
WINDOW_S = 20.0
GOAL_MS = 1.0
INSTRUMENT = "DAQ970A"


def io_jitter(window_s: float = WINDOW_S) -> list[Measured]:
    """The 99th percentile of how late the task begins, and the worst, in ms."""
    late_us = measure(window_s)
    p99_us = statistics.quantiles(late_us, n=100)[98]
    return [
        ("io_jitter_p99_ms", p99_us / 1000, "ms", GOAL_MS),
        ("io_jitter_max_ms", max(late_us) / 1000, "ms", None),
    ]


def measure(window_s: float) -> list[int]:
    """How late each period's task began, in microseconds, while the twin was asked all the time."""
    command = [sys.executable, "-m", "rig.benchmarks_jitter", str(window_s), "task"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        door = json.loads(process.stdout.readline())
        asyncio.run(_ask_until_the_end(door["resource"], window_s))
        told = json.loads(process.stdout.readline())
    late_us: list[int] = told["late_us"]
    return late_us


async def _ask_until_the_end(resource: str, window_s: float) -> None:
    model = next(each for each in MODELS if each.title == INSTRUMENT)
    session = open_session(model, resource, now_us=monotonic_us)
    try:
        until_s = wall_s() + window_s - 0.5  # the door is still open then
        while wall_s() < until_s:
            await session.query("*IDN?")
    finally:
        await session.close()


async def _task(window_s: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, WallLoop)
    kernel, late_us = loop.kernel, []

    def due() -> None:
        late_us.append(loop.elapsed_us() - kernel.now_us)
        kernel.at(kernel.now_us + PERIOD_US, due)

    model = next(each for each in MODELS if each.title == INSTRUMENT)
    twin = model.make_twin(serial="1", dice=kernel.stream("jitter"), now_us=lambda: kernel.now_us)
    async with SocketDoor(twin, now_us=lambda: kernel.now_us) as door:
        print(json.dumps({"resource": door.resource_name}), flush=True)  # noqa: T201 - its line
        kernel.at(kernel.now_us + PERIOD_US, due)
        await asyncio.sleep(window_s)
    print(json.dumps({"late_us": late_us}), flush=True)  # noqa: T201 - and what it found


def main(arguments: Sequence[str]) -> int:
    """Measure, or be the process that is measured."""
    window_s = float(arguments[0]) if arguments else WINDOW_S
    if "task" in arguments:
        come_first()
        with asyncio.Runner(loop_factory=WallLoop) as runner:
            runner.run(_task(window_s))
        return 0
    for name, value, unit, _ in io_jitter(window_s):
        print(f"{name}: {value:.3f} {unit}")  # noqa: T201 - a program's result
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
