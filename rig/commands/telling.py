"""How a command tells verdicts on a terminal: what needs attention first, then how many of each."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rig.recording import ItemVerdict, RunVerdicts, Verdict

REPEATED = "PASS, but not at the first attempt"


def print_verdicts(verdicts: RunVerdicts, out: Console) -> None:
    """Failures first, then how many of each; a row that was repeated is never among the plain."""
    counts: dict[str, int] = {}
    table = Table(show_header=True, header_style="bold", box=None, pad_edge=False)
    for title in ("row", "verdict", "on", "reason"):
        table.add_column(title)
    for item in verdicts.items:
        name = _counted_as(item)
        counts[name] = counts.get(name, 0) + 1
        if item.verdict not in {Verdict.PASS, Verdict.NOT_RUN}:
            table.add_row(item.id, str(item.verdict), item.firmware or "", escape(item.reason))
    if table.row_count:
        out.print(table)
    for mark in verdicts.run.marks:
        out.print(mark, style="bold yellow", markup=False, highlight=False, soft_wrap=True)
    for name in sorted(counts, key=lambda n: (n != "PASS", n)):
        out.print(f"{counts[name]:4}  {name}", markup=False, highlight=False)


def _counted_as(item: ItemVerdict) -> str:
    if item.verdict is Verdict.NOT_RUN:
        # Which tests were not started stands on the page.
        return f"{item.verdict}: {item.reason.split(':')[0]}"
    return REPEATED if item.verdict is Verdict.PASS and item.reason else str(item.verdict)
