"""Which tests there are, on which release each is judged, and what it needs of a bench.

Only pytest knows: parameters have needs of their own. A session of it collects and runs nothing;
in there this file is a plugin (`-p rig.scheduling.collecting`).
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from rig.cells import Cell
from rig.errors import BenchFileError
from rig.needs import Needs
from rig.planning import ROOT
from rig.story import test_name

COLLECTED_WITHIN_S = 300.0  # chosen: all rows take six seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """One test as it would run: its row, the release that it is judged on, what it needs."""

    item: str
    test: str
    firmware: str
    needs: Needs


def collect(bench: str, firmware: str, paths: Sequence[Path]) -> tuple[Collected, ...]:
    """What a session on this bench would run, in its order. Raises BenchFileError for nothing.

    ``bench``: a name or a path; its instruments are left alone.
    """
    with tempfile.TemporaryDirectory(prefix="hil") as folder:
        told = Path(folder) / "needs.json"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0"]
        command += ["-p", __name__, "--collect-only", "--no-record", "--needs-out", str(told)]
        command += ["--continue-on-collection-errors", "--bench", bench, "--firmware", firmware]
        done = subprocess.run(
            [*command, *map(str, paths)],
            cwd=ROOT,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=COLLECTED_WITHIN_S,
            check=False,
        )
        if not told.is_file():
            said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
            raise BenchFileError(f"nothing can be planned: {said[-1] if said else 'no scenario'}")
        return tuple(_parse(each) for each in json.loads(told.read_text(encoding="utf-8")))


def _parse(entry: dict[str, Any]) -> Collected:
    needs = {k: tuple(v) if isinstance(v, list) else v for k, v in entry["needs"].items()}
    return Collected(
        item=entry["item"],
        test=entry["test"],
        firmware=entry["firmware"],
        needs=Needs.parse(needs),
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where what was collected is told."""
    parser.addoption("--needs-out", help="file that gets the tests and their needs, as JSON")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell it."""
    told = []
    for item in session.items:
        callspec, marker = getattr(item, "callspec", None), item.get_closest_marker("needs")
        cell = None if callspec is None else callspec.params.get("cell")
        if isinstance(cell, Cell):
            needs = Needs.parse(dict(marker.kwargs) if marker is not None else {})
            told.append(
                {
                    "item": cell.item,
                    "test": test_name(item.nodeid, cell),
                    "firmware": cell.firmware,
                    "needs": asdict(needs),
                }
            )
    Path(session.config.getoption("--needs-out")).write_text(json.dumps(told), encoding="utf-8")
