"""Damaged logs: `python rig/replay/tests/fuzz_logs.py COUNT SEED [mf4]`; each is read, or one line.

What is watched: that each ends in time, that memory does not grow, that nothing is opened to be
written but the damaged file itself.
"""

import gzip
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from rig.replay.log import LogError, open_log
from rig.replay.sides import Who
from rig.replay.tests.samples import KINDS, messages, written

SECONDS_MAX = 100.0  # a file of some kilobytes on a busy machine; MF4 has patience of a minute
NUMBERS = (b"99999999999999999999", b"-1", b"1e308", b"0", b"nan", b"\xff\xff\xff\xff", b"")


class Intruder(Exception):
    """The importer opened something to write to it."""


def damaged(data: bytes, dice: Random) -> bytes:
    """A file with one to eight wounds."""
    raw = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 3, 8))):
        if not raw:
            break
        at = dice.randrange(len(raw))
        length = dice.choice((1, 1, 2, 4, 8, 64, 512))
        match dice.randrange(8):
            case 0:
                raw[at] ^= 1 << dice.randrange(8)
            case 1:
                raw[at : at + length] = dice.randbytes(length)
            case 2:
                del raw[at : at + length]
            case 3:
                raw[at:at] = raw[dice.randrange(len(raw)) :][:length] * dice.choice((1, 2, 50))
            case 4:
                del raw[at:]
            case 5:
                raw[at : at + length] = dice.choice(NUMBERS)
            case 6:
                raw[at : at + 4] = dice.choice(
                    (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f")
                )
            case _:
                raw[at : at + 1] = dice.choice((b"\n", b"\0", b" ", b"\r", b"#", b"\xfe", b","))
    return bytes(raw)


def read_whole(path: Path) -> str:
    """Import a file as far as it goes: `read` or `refused`; any other exception goes through."""
    try:
        who, reading = Who(), open_log(path).read()
        for frame in reading.frames():
            assert len(frame.data) <= 8
            who.push(frame)
        told = reading.told
        told.problems.lines()
        who.sides(told.meta.buses, {})
        return "read"
    except LogError as error:
        said = str(error)
    assert "\n" not in said
    assert "allowed" in said
    return "refused"


def fuzz(
    count: int,
    seed: int,
    folder: Path,
    kinds: tuple[str, ...],
    *,
    read: Callable[[Path], str] = read_whole,
    tell: bool = False,
) -> Counter[str]:
    """Read so many damaged files; what became of them. Raises for the first that is wrong."""
    dice, outcome = Random(seed), Counter[str]()
    whole = [written(folder, kind).read_bytes() for kind in kinds if kind != "mf4"]
    whole += [_mf4(folder)] if "mf4" in kinds else []
    _watch_for_writing(folder)
    try:
        for number in range(count):
            data = dice.choice(whole)
            if dice.random() < 0.05:
                other = dice.choice(whole)
                data = data[: dice.randrange(len(data))] + other[dice.randrange(len(other)) :]
            data = damaged(data, dice)
            if dice.random() < 0.05:
                data = gzip.compress(data, 1)
            path = folder / "damaged"
            path.write_bytes(data)
            began_s = time.monotonic()  # noqa: TID251 - how long it takes is what is tested
            try:
                outcome[read(path)] += 1
            except Exception as error:
                raise AssertionError(f"file {number} of seed {seed}: {error!r}") from error
            took_s = time.monotonic() - began_s  # noqa: TID251
            assert took_s < SECONDS_MAX, f"{took_s:.1f} s for file {number} of seed {seed}"
            if tell and (number + 1) % 5000 == 0:
                print(number + 1, dict(outcome), f"{_memory_mb():.0f} MB", flush=True)  # noqa: T201
    finally:
        _watched.append("")
    return outcome


def _mf4(folder: Path) -> bytes:
    import can

    path = folder / "sample.mf4"
    writer = can.MF4Writer(path)
    for each in messages():
        writer.on_message_received(each)
    writer.stop()
    return path.read_bytes()


_watched: list[str] = []


def _watch_for_writing(folder: Path) -> None:
    """From now on whatever is opened to be written outside this folder raises."""
    if not _watched:
        sys.addaudithook(_refuse_to_write)  # for as long as this process lives
    _watched.append(str(folder))


def _refuse_to_write(event: str, arguments: Any) -> None:
    if event != "open" or not _watched[-1]:
        return
    path, _, flags = arguments
    if not isinstance(path, str | bytes) or not flags & (os.O_WRONLY | os.O_RDWR):
        return
    if os.path.isdir(path):  # noqa: PTH112 - it may be bytes
        return  # a file without a name: nothing else can be written to a folder
    if not os.fsdecode(path).startswith((_watched[-1], os.devnull)):
        raise Intruder(path)


def _memory_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    given = ("mf4",) if sys.argv[3:] == ["mf4"] else KINDS
    with TemporaryDirectory() as scratch:
        total = fuzz(int(sys.argv[1]), int(sys.argv[2]), Path(scratch), given, tell=True)
    print("done", dict(total), f"{_memory_mb():.0f} MB")  # noqa: T201
