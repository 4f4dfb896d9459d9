"""`hil qualify --since RUN`: only what a change can have touched since an earlier run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rig.benches.file import BenchFile
from rig.errors import BenchFileError
from rig.planning import Scenario
from rig.unchanged import Carried, carried_from, write_carried

Since = Annotated[
    Path | None,
    typer.Option(help="Folder of an earlier run: what nothing has touched since is not run again."),
]
out = Console()


def not_again(
    since: Path | None,
    selected: Mapping[str, Scenario],
    bench: BenchFile,
    firmware: str,
    seed: int,
) -> tuple[Carried | None, Mapping[str, Scenario]]:
    """What is carried over from an earlier run, and the scenarios that are left to run.

    Ends the command with exit code 0 where nothing is left. Raises BenchFileError for a run that
    cannot stand for anything today.
    """
    if since is None:
        return None, selected
    if bench.kind != "simulated":
        raise BenchFileError(
            f"--since on bench {bench.name}: it is {bench.kind}, and what changed about it since "
            "is not known; allowed: a simulated bench"
        )
    found = carried_from(
        since, bench=bench.name, firmware=firmware, bench_sha256=bench.sha256, seed=seed
    )
    kept = Carried(earlier=found.earlier, rows=found.rows & set(selected))
    left = {id_: scenario for id_, scenario in selected.items() if id_ not in kept.rows}
    if not kept.rows:
        _say(f"All that passed in {kept.earlier.run} may have been touched: nothing is left out.")
        return None, selected
    said = f"{len(kept.rows)} rows passed in {kept.earlier.run}, and nothing has touched them since"
    if not left:
        _say(f"{said}: there is nothing to run, and no record was made.")
        raise typer.Exit(0)
    _say(f"PARTIAL: {said}; {len(left)} are left to run. This is no full qualification.")
    return kept, left


def _say(text: str) -> None:
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def since_options(carried: Carried | None, folder: Path) -> list[str]:
    """The options for the session of pytest; what is carried is kept in the run's folder."""
    if carried is None:
        return []
    write_carried(folder / "since.json", carried)
    return ["--since", str(folder / "since.json")]
