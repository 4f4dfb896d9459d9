"""`hil log show`: what a log from the field says, as lines, as JSON, or as a page."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from reports.log_page import write_log_page
from rig.can.by_dbc import DbcDecoder
from rig.replay.log import LogError, Role, open_log
from rig.replay.view import as_json, as_lines, view_log

log_app = typer.Typer(no_args_is_help=True, help="Logs from the field.")
out = Console()
ROLES = [role.value for role in Role if role is not Role.UNKNOWN]
Logs = Annotated[
    list[Path], typer.Argument(help="Files that were recorded side by side; packed or not.")
]
Buses = Annotated[
    list[str] | None,
    typer.Option("--bus", help="What a bus is, as can0=ve_can; repeatable. Found out else."),
]
Mapping = Annotated[
    Path | None, typer.Option("--mapping", help="TOML file: which column of a CSV file is what.")
]


def roles_of(buses: list[str] | None) -> dict[str, Role]:
    """Roles by the recorder's names of buses. Raises LogError for what is none."""
    roles = {}
    for each in buses or []:
        name, _, role = each.partition("=")
        if not name or role not in ROLES:
            raise LogError(f"--bus {each}: allowed: NAME=ROLE, ROLE one of {', '.join(ROLES)}")
        roles[name] = Role(role)
    return roles


@log_app.callback()
def _of_logs() -> None:
    """Logs from the field."""


@log_app.command(epilog="Example: hil log show monday.blf --html monday.html")
def show(
    logs: Logs,
    html: Annotated[Path | None, typer.Option(help="Write a page with all signals.")] = None,
    bus: Buses = None,
    mapping: Mapping = None,
    dbc: Annotated[
        list[Path] | None, typer.Option(help="Read these messages, too; a DBC file; repeatable.")
    ] = None,
    as_machine: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """Show any log: who is who, what is wrong with it, its signals and events.

    candump, ASC, BLF, TRC, MF4 (extra mdf) and CSV, each packed by gzip or not; one bus or more in
    a file, one file or more.
    """
    if html is not None and (html.suffix != ".html" or not html.parent.is_dir()):
        raise LogError(f"--html {html}: allowed: a name that ends in .html, in a folder that is")
    roles = roles_of(bus)
    log = open_log(logs, mapping=mapping, buses=roles)
    decoders = [_decoder(path) for path in dbc or []]
    with _progress() as progress:
        task = progress.add_task("reading", total=None)

        def tell(doing: str, done: int, of: int) -> None:
            words = f"{doing}: {done} frames"
            progress.update(task, description=words, completed=done, total=of or None)

        view = view_log(log, decoders, tell)
    unheard = set(roles) - set(view.summary.meta.buses)
    if unheard:
        known = ", ".join(view.summary.meta.buses)
        raise LogError(
            f"--bus {', '.join(sorted(unheard))}: no such bus in the log; allowed: {known}"
        )
    if html is not None:
        try:
            write_log_page(view, html)
        except OSError as error:
            raise LogError(f"--html {html}: {error.strerror}; allowed: a file") from error
    if as_machine:
        print(as_json(view))  # noqa: T201
        return
    for line in [*as_lines(view), *([f"page: {html}"] if html is not None else [])]:
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def _decoder(path: Path) -> DbcDecoder:
    from cantools.database.errors import Error

    try:
        return DbcDecoder(path, path.stem)
    except OSError as error:
        raise LogError(f"--dbc {path}: {error.strerror}; allowed: a DBC file") from error
    except (Error, ValueError) as error:
        raise LogError(f"--dbc {path}: {error}; allowed: a DBC file") from error


def _progress() -> Progress:
    """On the terminal of who waits; nothing where nobody looks."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
