"""`hil scenario new ID`: a file to fill, at the place that its id names."""

import re
import textwrap
from pathlib import Path

from bms.catalogue import item_of
from rig.planning import SCENARIOS, scenarios

LINE = 100  # as ruff has it
# It says NOT RUN of itself, so that a row never passes by what nobody has written.
TEMPLATE = """{opening}

import pytest

from rig import Bench, NotWritten

pytestmark = pytest.mark.item("{id}")


@pytest.mark.needs(soc_pct=60)
async def test_{words}(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    raise NotWritten("claim what the row says, with expect(...)")
"""


class AlreadyThere(ValueError):
    """The item has a scenario."""


def new_scenario(text: str, words: str) -> Path:
    """Write the skeleton; its path. Raises UnknownItemId, and AlreadyThere if there is one."""
    item = item_of(text)
    known = scenarios().get(item.id)
    if known is not None:
        raise AlreadyThere(f"{item.id} has a scenario: {known.relative}")
    slug = slug_of(words) or "to_be_named"
    path = SCENARIOS.parent / scenario_path(item.id, slug)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(scenario_skeleton(item.id, item.statement, slug), encoding="utf-8")
    return path


def slug_of(words: str) -> str:
    """Words as a file's name has them: small letters, digits, underscores between."""
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def scenario_path(id_: str, slug: str) -> Path:
    """Where the scenario of a row stands, relative to the tree: v1.08-04 in scenarios/v1_08."""
    release, number = id_.rsplit("-", 1)
    return Path("scenarios") / release.replace(".", "_") / f"test_{number}_{slug}.py"


def scenario_skeleton(id_: str, statement: str, slug: str) -> str:
    """The text of a scenario that arranges, claims nothing yet, and is NOT RUN until it does."""
    told = " ".join(statement.split())
    opening = docstring(f"{id_}: {told}")
    if "\n" in opening:
        lines = textwrap.wrap(_harmless(told), LINE, break_on_hyphens=False)
        opening = "\n".join([f'"""{id_}: {slug.replace("_", " ")}.', "", *lines, '"""'])
    return TEMPLATE.format(id=id_, opening=opening, words=slug)


def docstring(text: str, indent: str = "") -> str:
    """A docstring; on one line where it fits, else its end on a line of its own."""
    whole = f'{indent}"""{_harmless(text)}"""'
    if len(whole) <= LINE:
        return whole
    opened = whole.strip()[:-3]
    for width in (LINE, LINE - 10):  # with a last line of three quotes alone it would fit on one
        lines = textwrap.wrap(opened, width - len(indent), break_on_hyphens=False)
        if len(lines) > 1:
            break
    return "\n".join(f"{indent}{line}" for line in [*lines, '"""'])


def _harmless(text: str) -> str:
    """The text as a docstring can hold it: it never ends one, nor escapes anything."""
    return text.replace("\\", "/").replace('"', "'")
