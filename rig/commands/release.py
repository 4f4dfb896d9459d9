"""`hil release new`: a release that nobody has qualified yet, from a list of its statements."""

import re
from datetime import date as day
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rig.clock import utc_now
from rig.commands.release_files import new_release, read_statements
from rig.errors import BenchFileError
from rig.planning import ROOT

release_app = typer.Typer(no_args_is_help=True, help="The next release.")
out = Console()

EPILOG = """Example: hil release new 1.39 --from statements.txt

A list is a text file with kind | area | statement a line, and # before a remark:

updated | fans | The fans of the batteries run on for 30 s after the cells have cooled down.

Kinds: added, updated, fixed, introduced, known-issue, note. In a .toml file each statement is a
table with these fields; if need be with class (specified, interpreted, silent), basis (stated,
public, chosen) and name (what its scenario is called after).
"""


@release_app.command("new", epilog=re.sub(r"(?<!\n)\n(?!\n)", " ", EPILOG))
def release_new(
    version: Annotated[str, typer.Argument(help="The release, such as 1.39.")],
    statements: Annotated[Path, typer.Option("--from", help="List of its statements.")],
    date: Annotated[
        str | None, typer.Option(help="When it came out, such as 2026-11-30; default: today.")
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="Tree to work on; default: this one.", show_default=False)
    ] = ROOT,
) -> None:
    """Lay down catalogue rows, release file and scenario skeletons; nothing is overwritten.

    Until its scenario is written a row is NOT RUN, as a skeleton; docs/add-a-release.md goes on.
    """
    told = date or utc_now()[:10]
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", told):
            raise ValueError
        day.fromisoformat(told)
    except ValueError:
        raise BenchFileError(f"--date {told}: allowed: a day such as 2026-11-30") from None
    found = read_statements(statements)
    for path in new_release(folder, version, found, told):
        out.print(str(path), markup=False, highlight=False, soft_wrap=True)
    tests = "bms/tests/test_goldens.py"
    out.print(
        f"\nNext, for each of the {len(found)} statements: deltas in place of skeleton=True, and\n"
        "claims in place of NotWritten. Then:\n"
        "  hil matrix --edges --leave-one-out --null --only ID    each row proves itself\n"
        f"  RENEW_GOLDENS=1 .venv/bin/python -m pytest -n 0 {tests}\n"
        f"  hil qualify --firmware {version}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
