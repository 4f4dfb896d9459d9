"""A rehearsal: a lab's very file, on twins and the hub, with nothing but its addresses changed.

The wire bench's processes stand where the lab's instruments, adapters and device would; the lab
bench does not know. It needs a POSIX system, as the wire bench does.
"""

import json
import shutil
import tempfile
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from rig.benches.file import BenchFile
from rig.benches.lab.bench import installed
from rig.benches.lab.miswiring import Miswiring
from rig.benches.processes import BUSES, Processes
from rig.benches.simulated import with_soc
from rig.benches.stand import StandSpec
from rig.benches.wire import device_options
from rig.dut.model import DutSpec
from rig.errors import BenchFileError
from rig.needs import Needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A lab of twins that is running: its file, and its processes."""

    file: Path
    processes: Processes


@asynccontextmanager
async def rehearsal(
    file: BenchFile, firmware: str, out: Path, miswired: Miswiring | None = None
) -> AsyncIterator[Rehearsal]:
    """Twins, hub and a device of that release, until the context ends; ``out``: the file for them.

    Raises BenchFileError for a bench that is no lab, BenchError if something does not start.
    """
    if file.lab is None:
        raise BenchFileError(f"{file.path}: bench.kind: is no lab; allowed: a bench of kind lab")
    folder = Path(tempfile.mkdtemp(prefix="hil"))  # a socket's name has to be short
    needs = installed(file.lab)
    spec = with_soc(DutSpec(firmware=firmware), needs)
    around = replace(needs, series=2 * needs.series) if miswired is Miswiring.RATING else needs
    processes = Processes(folder, _stand_spec(folder, file, around, firmware), device_options(spec))
    program = ["-m", "rig.benches.lab.rehearsal_stand"]
    processes.stand_program = [*program, "--miswired", miswired] if miswired else program
    kept = {name: raw.hex() for name, raw in spec.memory.items()}
    processes.memory.write_text(json.dumps(kept), encoding="utf-8")
    try:
        async with processes:
            _write(out, with_addresses(file, processes.doors, processes.hub_socket))
            yield Rehearsal(file=out, processes=processes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(out: Path, text: str) -> None:
    """Raises BenchFileError for a place that cannot be written."""
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BenchFileError(f"{out}: {error.strerror}; allowed: a file to write") from error


def _stand_spec(folder: Path, file: BenchFile, needs: Needs, firmware: str) -> StandSpec:
    return StandSpec(
        needs=asdict(needs),
        firmware=firmware,
        without=[],
        starts_on=None,
        seed="rehearsal",
        bench=str(file.path),
        hub=str(folder / "hub"),
        harness=str(folder / "harness"),
        control=str(folder / "control"),
    )


def with_addresses(file: BenchFile, doors: Mapping[str, str], hub: Path) -> str:
    """The file's text with the addresses of twins and hub, which it states; else as it was."""
    content = tomllib.loads(file.path.read_text(encoding="utf-8"))
    content["bench"]["twins"] = True
    content.pop("place", None)  # the lab itself is nobody's meanwhile
    for role, resource in doors.items():
        content["roles"][role]["resource"] = resource
    for name, port in content["can"].items():
        content["can"][name] = {
            "interface": "hil_hub",
            "channel": name,
            "bitrate": BUSES[name] if name in BUSES else port["bitrate"],
            "socket": str(hub),
            "name": f"lab {name}",
        }
    head = f"# A rehearsal of {file.path.name}: the same bench, with the addresses of its twins.\n"
    return head + as_toml(content)


def as_toml(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """A table of tables as TOML."""
    own = {key: value for key, value in table.items() if not isinstance(value, dict)}
    lines = [f"\n[{'.'.join(path)}]"] if path else []
    lines += [f"{key} = {_value(value)}" for key, value in own.items()]
    text = "\n".join(lines) + "\n"
    for key, value in table.items():
        if isinstance(value, dict):
            text += as_toml(value, (*path, key))
    return text


def _value(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else json.dumps(value)
