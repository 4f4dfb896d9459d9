"""How fast logs from the field are read, and how much memory a long one takes.

Rules of this file: the logs are written by python-can, which is not what is measured; time is the
processor time of the reading process on a whole log, order, gaps and duplicates looked at. The long
log is read in a process of its own, because memory is counted by the process.
"""

import gzip
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import can

from rig.clock import cpu_s
from rig.replay.log import open_log

# Name, value, unit, goal: the benchmarks' own type is of the file that imports this one.
Measured = tuple[str, float, str, float | None]

FRAMES = 200_000
LONG_FRAMES = 3_000_000  # a day of two buses
GOAL_PER_S = 100_000.0
GOAL_MB = 500.0
UNIX_S = 1_700_000_000.0
PRIVATE_IDS = tuple(0x18F02000 + (group << 8) + node for group in range(4) for node in range(4))
VE_CAN_IDS = (0x1CEFFF50, 0x19F21450, 0x19F21250)
WRITERS: dict[str, Callable[[str], can.io.generic.MessageWriter]] = {
    "candump": can.CanutilsLogWriter,
    "blf": can.BLFWriter,
    "asc": can.ASCWriter,
    "trc": can.TRCWriter,
    "csv": can.CSVWriter,
}


def speed() -> Iterator[Measured]:
    """Frames a second of each format; the first is the slower one of candump and BLF."""
    with TemporaryDirectory() as scratch:
        rates = {name: _rate(_written(Path(scratch), name)) for name in WRITERS}
        packed = Path(scratch) / "packed.log.gz"
        packed.write_bytes(gzip.compress((Path(scratch) / "candump").read_bytes(), 6))
        rates["candump_gz"] = _rate(packed)
    yield "import_frames_per_s", min(rates["candump"], rates["blf"]), "1/s", GOAL_PER_S
    for name, rate in rates.items():
        goal = GOAL_PER_S if name in {"candump", "blf"} else None
        yield f"import_frames_per_s_{name}", rate, "1/s", goal


def memory() -> Measured:
    """The most memory that reading a day of two buses takes, interpreter and all."""
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "day.log"
        _write_long(path)
        command = [sys.executable, "-m", "rig.benchmarks_import", str(path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    frames, peak_mb = json.loads(done.stdout)
    if frames != LONG_FRAMES:
        raise RuntimeError(f"{frames} frames were read of {LONG_FRAMES}")
    return "import_memory_mb", peak_mb, "MB", GOAL_MB


def _rate(path: Path) -> float:
    began_s = cpu_s()
    frames = open_log(path).summary.frames
    return frames / (cpu_s() - began_s)


def _written(folder: Path, name: str) -> Path:
    dice, path = Random(1), folder / name
    writer = WRITERS[name](str(path))
    for number in range(FRAMES):
        bus = int(number % 5 == 0)
        ids = VE_CAN_IDS if bus else PRIVATE_IDS
        writer.on_message_received(
            can.Message(
                timestamp=UNIX_S + 0.0013 * number,
                channel=bus,
                arbitration_id=ids[number % len(ids)],
                data=dice.randbytes(8),
            )
        )
    writer.stop()
    return path


def _write_long(path: Path) -> None:
    with path.open("w", encoding="ascii") as file:
        for number in range(LONG_FRAMES):
            bus = int(number % 5 == 0)
            ids = VE_CAN_IDS if bus else PRIVATE_IDS
            seconds, rest = divmod(28_800 * number, 1_000_000)
            file.write(
                f"({1_700_000_000 + seconds}.{rest:06}) can{bus} {ids[number % len(ids)]:08X}"
                f"#{number * 2_654_435_761 % (1 << 64):016X}\n"
            )


def main(arguments: Sequence[str]) -> None:
    """Read a log, and say how many frames and megabytes it was."""
    (path,) = arguments
    frames = open_log(Path(path)).summary.frames
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps([frames, peak_mb]))


if __name__ == "__main__":
    main(sys.argv[1:])
