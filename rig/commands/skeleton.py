"""`hil scenario new ID`: a file to fill, at the place that its id names."""

import re
from pathlib import Path

from bms.catalogue import item_of
from rig.planning import SCENARIOS, scenarios

TEMPLATE = '''"""{id}: {statement}"""

import pytest

from rig import Bench

pytestmark = pytest.mark.item("{id}")


@pytest.mark.needs(soc_pct=60)
async def test_{words}(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    raise NotImplementedError("claim what the row says, with expect(...)")
'''


class AlreadyThere(ValueError):
    """The item has a scenario."""


def new_scenario(text: str, words: str) -> Path:
    """Write the skeleton; its path. Raises UnknownItemId, and AlreadyThere if there is one."""
    item = item_of(text)
    known = scenarios().get(item.id)
    if known is not None:
        raise AlreadyThere(f"{item.id} has a scenario: {known.relative}")
    slug = re.sub(r"\W+", "_", words.lower()).strip("_") or "to_be_named"
    release, number = item.id.rsplit("-", 1)
    path = SCENARIOS / release.replace(".", "_") / f"test_{number}_{slug}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    statement = " ".join(item.statement.split())
    path.write_text(
        TEMPLATE.format(id=item.id, statement=_wrapped(statement, item.id), words=slug),
        encoding="utf-8",
    )
    return path


def _wrapped(statement: str, id_: str) -> str:
    """The statement within the line length of a module's docstring."""
    if len(statement) + len(id_) < 90:
        return statement
    words, lines, line = statement.split(), [], f'"""{id_}:'
    for word in words:
        if len(line) + len(word) > 96:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}"
    lines.append(line)
    return "\n".join(lines).removeprefix(f'"""{id_}: ') + "\n"
