"""What `hil release new` lays down: rows of the catalogue, the release's file, its scenarios.

It works on the texts of a tree, not on what is imported, so that it can be tried on a copy. All is
worked out before anything is written, and files that are there already are never overwritten.
"""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bms.firmware import UnknownRelease, Version
from rig.commands.skeleton import docstring, scenario_path, scenario_skeleton, slug_of
from rig.errors import BenchFileError
from rig.recording.model import BASES, CLASSES, KINDS

CATALOGUE = Path("bms/data/catalogue.toml")
RELEASES = Path("bms/releases")
LIST = RELEASES / "__init__.py"
DEFECTS = ("introduced", "known-issue")
GENERAL = '[[item]]\nid = "general-'
FIELDS = ("kind", "area", "statement", "class", "basis", "name")
EMPTY_WORDS = frozenset(
    ("a", "an", "and", "are", "as", "at", "be", "by", "in", "is", "of", "on", "the")
)
WORDS_OF_A_NAME = 5  # chosen: as the names in the tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One line of a change log; `name` is what file and change are called after, as a_few_words."""

    kind: str
    area: str
    statement: str
    row_class: str = "interpreted"
    basis: str = "chosen"
    name: str = ""


def read_statements(path: Path) -> tuple[Statement, ...]:
    """The statements of a list, in its order: TOML, or text with kind | area | statement a line.

    Raises BenchFileError, naming file, place, field and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BenchFileError(f"{path}: {error}; allowed: a text or .toml file") from None
    found = _from_toml(path, text) if path.suffix == ".toml" else _from_lines(path, text)
    if not found:
        raise BenchFileError(f"{path}: holds no statement; allowed: kind | area | statement a line")
    told: dict[str, str] = {}
    for where, each in found.items():
        if each.statement in told:
            raise BenchFileError(
                f"{path}: {where}: the same statement as {told[each.statement]}; allowed: once"
            )
        told[each.statement] = where
    return tuple(found.values())


def _from_lines(path: Path, text: str) -> dict[str, Statement]:
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = [part.strip() for part in line.split("|", 2)]
        if len(parts) != 3:
            raise BenchFileError(
                f"{path}: line {number}: {line.strip()!r}; allowed: kind | area | statement"
            )
        values = dict(zip(FIELDS, parts, strict=False))
        found[f"line {number}"] = _checked(path, f"line {number}", values)
    return found


def _from_toml(path: Path, text: str) -> dict[str, Statement]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BenchFileError(f"{path}: {error}; allowed: TOML with [[statement]]") from None
    rows = content.get("statement", [])
    if set(content) - {"statement"} or not isinstance(rows, list):
        raise BenchFileError(f"{path}: {', '.join(content)}; allowed: [[statement]] only")
    found = {}
    for number, row in enumerate(rows, start=1):
        where = f"statement {number}"
        if not isinstance(row, dict) or set(row) - set(FIELDS):
            raise BenchFileError(f"{path}: {where}: allowed fields: {', '.join(FIELDS)}")
        found[where] = _checked(path, where, row)
    return found


def _checked(path: Path, where: str, row: Mapping[str, object]) -> Statement:
    """A statement of sound fields. Raises BenchFileError."""

    def refuse(field: str, allowed: str) -> BenchFileError:
        return BenchFileError(f"{path}: {where}: {field} is {row.get(field)!r}; allowed: {allowed}")

    texts = {}
    for field in FIELDS:
        value = row.get(field, {"class": "interpreted", "basis": "chosen", "name": ""}.get(field))
        if not isinstance(value, str) or (not value.isprintable() and field != "statement"):
            raise refuse(field, "a text")
        texts[field] = " ".join(value.split())
    for field, allowed in (("kind", KINDS), ("class", CLASSES), ("basis", BASES)):
        if texts[field] not in allowed:
            raise refuse(field, ", ".join(allowed))
    if not re.fullmatch(r"[a-z][a-z0-9-]*", texts["area"]):
        raise refuse("area", "small letters, digits and hyphens, such as allow-charge")
    if not texts["statement"].isprintable() or len(texts["statement"].split()) < 3:
        raise refuse("statement", "a sentence in printable letters")
    name = texts["name"] or _name_of(texts["statement"])
    if name != slug_of(name):
        raise refuse("name", "small letters, digits and underscores, such as opens_sooner")
    return Statement(
        kind=texts["kind"],
        area=texts["area"],
        statement=texts["statement"],
        row_class=texts["class"],
        basis=texts["basis"],
        name=name,
    )


def _name_of(statement: str) -> str:
    """The first words that say something."""
    words = slug_of(statement).split("_")
    telling = [word for word in words if word not in EMPTY_WORDS] or words
    return "_".join(telling[:WORDS_OF_A_NAME]) or "to_be_named"


def newest_of(tree: Path) -> Version:
    """The newest release of a tree. Raises BenchFileError where none stands in it."""
    try:
        names = re.findall(r"^    v(\d+_\d\d),$", (tree / LIST).read_text(encoding="utf-8"), re.M)
    except OSError:
        names = []
    if not names or not (tree / CATALOGUE).is_file() or not (tree / "scenarios").is_dir():
        raise BenchFileError(
            f"--folder {tree}: no tree of the project: {LIST} or {CATALOGUE} is missing"
        )
    return Version.parse(names[-1].replace("_", "."))


def new_release(
    tree: Path, text: str, statements: tuple[Statement, ...], date: str
) -> tuple[Path, ...]:
    """Lay a release down in a tree; the files made and changed, relative to it.

    `date` is ISO. Raises BenchFileError for a release that is there, or older than the newest.
    """
    newest = newest_of(tree)
    try:
        version = Version.parse(text)
    except UnknownRelease as error:
        raise BenchFileError(str(error)) from None
    if version <= newest:
        raise BenchFileError(
            f"release {version}: the tree has releases up to {newest}; allowed: a newer one"
        )
    rows = tuple(zip(_ids(version, statements), statements, strict=True))
    order = tuple(sorted(rows, key=lambda row: row[1].kind in DEFECTS))
    new = {_release_path(version): _release_text(version, date, order)}
    for id_, each in order:
        path = scenario_path(id_, each.name)
        new[path] = scenario_skeleton(id_, each.statement, each.name)
    folder = tree / "scenarios" / f"v{version}".replace(".", "_")
    there = [path for path in new if (tree / path).exists()]
    if there or (folder.is_dir() and any(folder.glob("*.py"))):
        raise BenchFileError(f"{there[0] if there else folder}: is there; nothing was overwritten")
    changed = {
        CATALOGUE: _with_rows((tree / CATALOGUE).read_text(encoding="utf-8"), order),
        LIST: _listed((tree / LIST).read_text(encoding="utf-8"), newest, version),
    }
    _write(tree, new, changed)
    return (*new, *changed)


def _ids(version: Version, statements: tuple[Statement, ...]) -> list[str]:
    """In the order of the list: 01, 02, ...; defects K1, K2, ..."""
    ids, count = [], {True: 0, False: 0}
    for each in statements:
        defect = each.kind in DEFECTS
        count[defect] += 1
        ids.append(f"v{version}-" + (f"K{count[True]}" if defect else f"{count[False]:02}"))
    return ids


def _release_path(version: Version) -> Path:
    return RELEASES / f"v{version.major}_{version.minor:02}.py"


def _release_text(version: Version, date: str, rows: tuple[tuple[str, Statement], ...]) -> str:
    taken = {"Basis", "Change", "Release", "Version"}
    classes = []
    for id_, each in rows:
        name = _class_name(each.name, taken)
        taken.add(name)
        inside = f'Change, item="{id_}", basis=Basis.{each.basis.upper()}, skeleton=True'
        head = f"class {name}({inside}):"
        if len(head) > 100:
            head = f"class {name}(\n    {inside}\n):"
        classes.append((name, f"{head}\n{docstring(each.statement, '    ')}\n"))
    listed = "".join(f"        {name},\n" for name, _ in classes)
    release = (
        f"RELEASE = Release(\n    version=Version({version.major}, {version.minor}),\n"
        f'    date="{date}",\n    changes=(\n{listed}    ),\n)\n'
    )
    imports = "from bms.firmware import Basis, Change, Release, Version\n"
    parts = [f'"""What {version} changed."""\n\n{imports}', *(text for _, text in classes), release]
    return "\n\n".join(parts)


def _class_name(name: str, taken: set[str]) -> str:
    """OpensSooner for opens_sooner; numbered where it is taken."""
    plain = "".join(word.capitalize() for word in name.split("_"))
    plain = plain if plain[0].isalpha() else f"Change{plain}"
    return next(n for n in (plain, *(f"{plain}{i}" for i in range(2, 999))) if n not in taken)


def _with_rows(text: str, rows: tuple[tuple[str, Statement], ...]) -> str:
    """The catalogue with its new rows, before the remarks that belong to no release."""
    before, general, after = text.partition(GENERAL)
    told = "".join(_row(id_, each) for id_, each in rows)
    return f"{before}{told}{general}{after}" if general else f"{text.rstrip()}\n\n{told}"


def _row(id_: str, each: Statement) -> str:
    lines = textwrap.wrap(each.statement, 97, break_on_hyphens=False)
    escaped = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    body = " \\\n".join(escaped)
    return (
        f'[[item]]\nid = "{id_}"\nkind = "{each.kind}"\narea = "{each.area}"\n'
        f'class = "{each.row_class}"\nbasis = "{each.basis}"\nstatement = """\n{body}"""\n\n'
    )


def _listed(text: str, newest: Version, version: Version) -> str:
    """The list of releases, by hand and in order, with one more at its end."""
    old, new = (f"v{each.major}_{each.minor:02}" for each in (newest, version))
    for line in (f"    {old},\n", f"    {old}.RELEASE,\n"):
        if text.count(line) != 1:
            raise BenchFileError(f"{LIST}: {line.strip()} stands there {text.count(line)} times")
        text = text.replace(line, line + line.replace(old, new))
    return text


def _write(tree: Path, new: Mapping[Path, str], changed: Mapping[Path, str]) -> None:
    """New files, then the two lists that name them; what fails takes the new ones away again."""
    drafts = {tree / path: (tree / path).with_suffix(".new") for path in changed}
    made: list[Path] = []
    try:
        for path, text in new.items():
            folder = (tree / path).parent
            if not folder.is_dir():
                folder.mkdir()
                made.append(folder)
            made.append(tree / path)
            (tree / path).write_text(text, encoding="utf-8")
        for path, text in changed.items():
            drafts[tree / path].write_text(text, encoding="utf-8")
    except BaseException as error:
        for path in [*drafts.values(), *reversed(made)]:
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise BenchFileError(f"{tree}: {error.strerror}; allowed: a tree to write to") from None
        raise
    for path, draft in drafts.items():
        draft.replace(path)
