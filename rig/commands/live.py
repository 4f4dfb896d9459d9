"""`hil live`: a page that shows a run while it goes on."""

import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rig.errors import BenchFileError
from rig.live.server import LiveServer, is_loopback
from rig.planning import ROOT

out = Console()


def live(
    run: Annotated[
        Path | None, typer.Argument(help="Folder of a run record; default: the newest of runs.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """Show a run in the browser until Ctrl-C: what runs, how long yet, what failed.

    It reads the record and nothing else: the run does not notice, and nothing can be stopped or
    changed from the page. A run that has ended is shown as well.
    """
    folder = run if run is not None else _newest(ROOT / "runs")
    if not folder.is_dir():
        raise BenchFileError(f"{folder}: no such folder; allowed: the folder of a run")
    try:
        server = LiveServer(folder.resolve(), host, port)
    except (OSError, UnicodeError) as error:
        raise BenchFileError(
            f"--host {host} --port {port}: {error}; allowed: an address of this machine, "
            "and a port that is free"
        ) from None
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: server.stop())
    with server:
        _announce(server, folder, host, as_json=as_json)
        server.run()


def _newest(runs: Path) -> Path:
    plans = sorted(runs.glob("*/plan.json"), key=lambda path: path.stat().st_mtime_ns)
    if not plans:
        raise BenchFileError(f"{runs}: holds no run; allowed: the folder of a run as argument")
    return plans[-1].parent


def _announce(server: LiveServer, folder: Path, host: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"url": server.url, "run": str(folder)}), flush=True)  # noqa: T201
    else:
        print(f"{folder.name}: {server.url}", flush=True)  # noqa: T201
    if not is_loopback(host):
        said = f"hil: --host {host}: everybody who reaches this machine can read the run"
        print(said, file=sys.stderr, flush=True)  # noqa: T201
