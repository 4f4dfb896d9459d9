"""The native kernel: `native/kernel.c` as a shared library, called through ctypes.

`make setup` builds it where a C compiler is (`python -m rig.plant.kernel_native`); nothing needs
it. The library's name carries a hash of source and flags, so that an old one is never taken for
this one.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from array import array

FOLDER = Path(__file__).parent / "native"
SOURCE = FOLDER / "kernel.c"
# No fused multiply-add and nothing that reorders sums: they would give other bits than Python has.
COMPILE_S_MAX = 180
FLAGS = ("-std=c99", "-O2", "-ffp-contract=off", "-fPIC", "-shared")
POINTER = ctypes.c_void_p


def library_path() -> Path:
    """Where the library of this source lies, whether or not it has been built."""
    what = SOURCE.read_bytes() + " ".join((*FLAGS, platform.machine(), sys.platform)).encode()
    return FOLDER / f"kernel-{hashlib.blake2b(what, digest_size=6).hexdigest()}.so"


def build() -> str:
    """Build the library if a compiler is there; what has come of it, in one sentence."""
    target = library_path()
    if target.exists():
        return "The native kernel of the plant is there."
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        return "No C compiler: the plant uses its Python kernel, which is slower and as exact."
    new = target.with_suffix(f".{os.getpid()}")
    command = [compiler, *FLAGS, "-o", str(new), str(SOURCE), "-lm"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=COMPILE_S_MAX
        )
        if done.returncode != 0:
            new.unlink(missing_ok=True)
            why = (done.stderr.strip().splitlines() or ["no message"])[0]
            return (
                f"The native kernel could not be built ({why}): the plant uses its Python kernel."
            )
        new.replace(target)  # at once, for who may be loading it
        for old in FOLDER.glob("kernel-*.so"):
            if old != target:
                old.unlink()
    except (OSError, subprocess.SubprocessError) as error:
        return f"The native kernel could not be built ({error}): the plant uses its Python kernel."
    return "Built the native kernel of the plant."


def load() -> NativeKernel | None:
    """The native kernel, None where it has not been built or cannot be loaded."""
    path = library_path()
    if not path.exists():
        return None
    try:
        return NativeKernel(ctypes.CDLL(str(path)))
    except OSError:
        return None


class NativeKernel:
    """The same as PythonKernel, some hundred times faster."""

    name = "native"

    def __init__(self, library: ctypes.CDLL) -> None:
        self._advance, self._idle = library.cells_advance, library.cells_idle
        self._look, self._now = library.cells_look, library.cells_now
        self._end, self._split = library.cells_end, library.cells_split
        for function, arguments in (
            (self._advance, (POINTER, POINTER, ctypes.c_double)),
            (self._idle, (POINTER, POINTER, ctypes.c_double)),
            (self._look, (POINTER, POINTER)),
            (self._now, (POINTER,)),
            (self._end, (POINTER, ctypes.c_double)),
            (self._split, (POINTER, ctypes.c_double, ctypes.c_int)),
        ):
            function.argtypes = arguments
            function.restype = None

    def advance(self, buf: array[float], tab: array[float], dt_s: float) -> None:
        """Move all cells by `dt_s` at their modules' currents, then `look`."""
        self._advance(buf.buffer_info()[0], tab.buffer_info()[0], dt_s)

    def idle(self, buf: array[float], tab: array[float], dt_s: float) -> None:
        """Let `dt_s` pass without any current, in one step however long, then `look`."""
        self._idle(buf.buffer_info()[0], tab.buffer_info()[0], dt_s)

    def look(self, buf: array[float], tab: array[float]) -> None:
        """Bring all that follows from the cells' state up to date: voltages, sums, extremes."""
        self._look(buf.buffer_info()[0], tab.buffer_info()[0])

    def now(self, buf: array[float]) -> None:
        """The pack's voltage and resistance at this instant."""
        self._now(buf.buffer_info()[0])

    def end(self, buf: array[float], dt_s: float) -> None:
        """The pack's voltage and resistance at the end of a step of `dt_s` at constant current."""
        self._end(buf.buffer_info()[0], dt_s)

    def split(self, buf: array[float], current_a: float, how: int) -> None:
        """Give each string its share: by SPLIT_NOW, SPLIT_END or, as charge, SPLIT_INRUSH."""
        self._split(buf.buffer_info()[0], current_a, how)


if __name__ == "__main__":
    print(build())  # noqa: T201
