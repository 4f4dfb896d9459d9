"""What a worker of a cluster does: says which code it has, and works at squares of a matrix.

Both in a Python of its own, as a local matrix has one: a worker that lives for weeks says nothing
of what it imported then, and a test has the process to itself. Whatever goes in and comes out is
JSON, so that a worker with other code is refused by what it says and not by how it fails.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rig.benches.file import BenchFile, load_bench
from rig.commands.running import end_with_parent
from rig.errors import BenchError, BenchFileError
from rig.planning import ROOT, scenarios, software
from rig.squares import BENCH, inputs_of_squares

SAID = 3000  # characters: the end of what pytest said
LIMIT_S = 3600.0  # chosen: sixty cells take some minutes, on a busy machine the half of it
FINE = {0, 1, 5}  # of pytest: passed, some failed, nothing left to run


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Which code somebody has; ``inputs``: of every row, what its squares can depend on."""

    revision: str
    local_changes: bool
    python: str
    inputs: Mapping[str, str]

    def __str__(self) -> str:
        changed = " with local changes" if self.local_changes else ""
        return f"commit {self.revision[:10]}{changed}, Python {self.python}"


def code_of(answer: Mapping[str, Any]) -> Code:
    """Which code a worker says that it has.

    Raises KeyError, TypeError or ValueError for what is said in another way, as other code may.
    """
    code = Code(**answer["code"])
    if not (isinstance(code.inputs, Mapping) and isinstance(code.revision, str)):
        raise TypeError("its code is told in another way")
    return code


def require_simulated(bench: BenchFile) -> None:
    """Raises BenchFileError for a bench with hardware, or one on the wall clock.

    A cluster executes again what a lost worker had begun: nothing real may be touched by it.
    """
    if bench.kind != "simulated":
        raise BenchFileError(
            f"--cluster on bench {bench.name}, of kind {bench.kind}: a cluster executes again what "
            "a lost worker had begun; allowed: a simulated bench"
        )


def own_code() -> Code:
    """Which code this process has."""
    known = software()
    return Code(
        revision=str(known["revision"]),
        local_changes=known["local_changes"] is True,
        python=str(known["python"]),
        inputs=inputs_of_squares(scenarios()),
    )


def who() -> str:
    """On a worker: which code it has now."""
    return _in_a_python_of_its_own({"do": "who"})


def work(asked: str) -> str:
    """On a worker: run cells; the lines of their squares, what pytest said, and the code then."""
    return _in_a_python_of_its_own({"do": "work", **json.loads(asked)})


def _in_a_python_of_its_own(asked: Mapping[str, Any]) -> str:
    """Raises RuntimeError with the end of what it said, if it gives no answer in time."""
    with tempfile.TemporaryDirectory(prefix="hil-cluster-") as name:
        folder = Path(name)
        (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
        try:
            done = subprocess.run(
                [sys.executable, "-m", "rig.cluster_worker", name],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"no answer within {LIMIT_S:g} s") from None
        said = done.stdout.decode("utf-8", "replace")[-SAID:]
        with suppress(OSError):
            return (folder / "answer.json").read_text(encoding="utf-8")
        raise RuntimeError(f"no answer, exit code {done.returncode}: {said}")


def main(folder: Path) -> None:
    """Do what the folder's `asked.json` says, and leave `answer.json`."""
    end_with_parent()
    asked = json.loads((folder / "asked.json").read_text(encoding="utf-8"))
    answer: dict[str, Any] = {} if asked["do"] == "who" else _run(folder, asked)
    # Last: what was edited meanwhile shows.
    answer["code"] = asdict(own_code())
    unfinished = folder / "answer.tmp"
    unfinished.write_text(json.dumps(answer), encoding="utf-8")
    unfinished.rename(folder / "answer.json")


def _run(folder: Path, asked: Mapping[str, Any]) -> dict[str, Any]:
    bench = asked.get("bench", BENCH)
    require_simulated(load_bench(bench))
    cells, done, found, log = (folder / n for n in ("cells.json", "done.jsonl", "out.jsonl", "log"))
    cells.write_text(json.dumps(asked["cells"]), encoding="utf-8")
    done.write_text("".join(f"{line}\n" for line in asked["done"]), encoding="utf-8")
    known = scenarios()
    paths = sorted({str(known[cell["item"]].path) for cell in asked["cells"]})
    options = ["-q", "-p", "no:cacheprovider", "--bench", bench, "--cells", str(cells)]
    options += ["--cells-out", str(found), "--cells-done", str(done)]
    command = [sys.executable, "-m", "pytest", *options, "--continue-on-collection-errors", *paths]
    with log.open("wb") as sink:
        ended = subprocess.run(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            check=False,
            preexec_fn=end_with_parent,
        )
    said = "" if ended.returncode in FINE else log.read_text("utf-8", "replace")[-SAID:]
    lines = found.read_text(encoding="utf-8").splitlines() if found.is_file() else []
    return {"lines": lines, "said": said}


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except BenchError as error:
        sys.exit(str(error))
