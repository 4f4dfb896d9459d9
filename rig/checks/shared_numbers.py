"""No number is shared: `python -m rig.checks.shared_numbers` (one line a finding, exit code 1).

A number that we chose for the firmware must not come back by copying as the expectation of a
scenario or as a property of the plant: then the two would agree for no reason. So numeric literals
of scenarios, of the plant and of bench files are met with the chosen numbers of bms/data.

What counts as a chosen number: a table of bms/data with basis "chosen", if it is distinctive, that
is, of two significant digits or more without its zeros at either end (25 and 0.55 are; 20, 0.5 and
0.006 are not: two people write those down without having heard of one another).
What counts as the same: equal, and not of another unit. A literal's unit is told by the name that
it is given to, or by `seconds` and `milliseconds`; one without a unit may be of any.
What may stand all the same:
- in a scenario, a literal inside `chosen(value, reason)`;
- in the plant or a bench file, a line with a comment that gives its own source (`# chosen: ...`,
  `# public: ...`, `# stated: ...`, `# derived: ...`), or, in the plant, a call with its `basis=`;
  in a bench file the comment may stand at the head of the table;
- in a scenario, a line with `# public: ...` or `# stated: ...`: then it is another number;
- a half as the first factor of a product, which is mathematics.
Slots are not met: their numbers stand in the release and in the scenario, twice on purpose. Tests
are not met either: a test that copies a number of the plant's shows its arithmetic, not the device.
"""

import ast
import math
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
UNITS: Mapping[str, tuple[str, float]] = {
    "a": ("A", 1.0),
    "ah": ("Ah", 1.0),
    "c": ("degC", 1.0),
    "f": ("F", 1.0),
    "k": ("K", 1.0),
    "ms": ("s", 1e-3),
    "mv": ("V", 1e-3),
    "ohm": ("ohm", 1.0),
    "pct": ("%", 1.0),
    "s": ("s", 1.0),
    "us": ("s", 1e-6),
    "v": ("V", 1.0),
    "w": ("W", 1.0),
}
TIMES = {"seconds": "s", "milliseconds": "ms"}
OTHER_SOURCES = ("public:", "stated:")
SOURCES = (*OTHER_SOURCES, "chosen:", "derived:")
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d_]*(?:\.\d+)?(?:[eE]-?\d+)?(?![\w.])")
_TEXT = re.compile(r'"[^"]*"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A chosen number of bms/data, as written and in its base unit; "" for a ratio."""

    name: str
    written: float
    value: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A number as it stands in a file, in its base unit, or as written where nothing tells one."""

    line: int
    text: str
    value: float
    unit: str | None


def is_distinctive(value: float) -> bool:
    """Whether two equal ones are hardly a coincidence."""
    digits = f"{abs(value):.12f}".replace(".", "").strip("0")
    return len(digits) >= 2


def chosen_numbers(folder: Path) -> list[Chosen]:
    """Every distinctive chosen number of the TOML files in a folder."""
    return [
        number
        for path in sorted(folder.glob("*.toml"))
        for number in _chosen_in(tomllib.loads(path.read_text(encoding="utf-8")), path.name)
        if is_distinctive(number.written)
    ]


def _chosen_in(node: Any, where: str) -> Iterator[Chosen]:
    if isinstance(node, list):
        for entry in node:
            yield from _chosen_in(entry, where)
    if not isinstance(node, dict):
        return
    where = f"{where} {node['name']}" if "name" in node else where
    if node.get("basis") == "chosen":
        unit, scale = UNITS.get(str(node.get("unit", "")).lower(), (node.get("unit", ""), 1.0))
        for value in node.values():
            if _is_number(value):
                yield Chosen(name=where, written=value, value=value * scale, unit=unit)
    for key, value in node.items():
        yield from _chosen_in(value, where if isinstance(value, list) else f"{where} {key}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unit_of(name: str) -> tuple[str | None, float]:
    """The unit that stands last in a name, and its factor to the base unit."""
    plain = name.lower().removesuffix("_max").removesuffix("_min")
    if "_per_" in plain:
        above, _, below = plain.rpartition("_per_")
        return f"{above.rpartition('_')[2]}/{below}", 1.0
    return UNITS.get(plain.rpartition("_")[2], (None, 1.0)) if "_" in plain else (None, 1.0)


class _Literals(ast.NodeVisitor):
    """Collects the literals of a Python file that have no source of their own in the code."""

    def __init__(self, excuse: str) -> None:
        self.found: list[Literal] = []
        self._excuse = excuse  # "chosen": inside that call; "basis": in a call with that keyword
        self._names = [""]

    def _visit_named(self, name: str, node: ast.AST | None) -> None:
        if node is not None:
            self._names.append(name)
            self.visit(node)
            self._names.pop()

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        keywords = {keyword.arg for keyword in node.keywords}
        if name == self._excuse or self._excuse in keywords:
            return
        self.visit(node.func)
        for argument in node.args:
            self._visit_named(f"_{TIMES[name]}" if name in TIMES else "", argument)
        for keyword in node.keywords:
            self._visit_named(keyword.arg or "", keyword.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        target = node.targets[0]
        self._visit_named(target.id if isinstance(target, ast.Name) else "", node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._visit_named(node.target.id if isinstance(node.target, ast.Name) else "", node.value)

    def visit_arguments(self, node: ast.arguments) -> None:
        plain = [*node.posonlyargs, *node.args]
        defaults = plain[len(plain) - len(node.defaults) :]
        for argument, default in zip(defaults, node.defaults, strict=True):
            self._visit_named(argument.arg, default)
        for argument, optional in zip(node.kwonlyargs, node.kw_defaults, strict=True):
            self._visit_named(argument.arg, optional)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        left = node.left
        is_half = isinstance(left, ast.Constant) and left.value == 0.5
        if not (is_half and isinstance(node.op, ast.Mult)):
            self.visit(left)
        self.visit(node.right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        inner = node.operand
        if isinstance(node.op, ast.USub) and isinstance(inner, ast.Constant):
            self._note(inner, -1.0)
        else:
            self.visit(inner)

    def visit_Constant(self, node: ast.Constant) -> None:
        self._note(node, 1.0)

    def _note(self, node: ast.Constant, sign: float) -> None:
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            unit, scale = _unit_of(self._names[-1])
            value = sign * scale * node.value
            text = f"{sign * node.value:g}"
            self.found.append(Literal(line=node.lineno, text=text, value=value, unit=unit))


def literals_of_python(path: Path, *, scenario: bool) -> list[Literal]:
    """The literals of a scenario, or of a file of the plant, that say no source of their own."""
    visitor = _Literals("chosen" if scenario else "basis")
    visitor.visit(ast.parse(path.read_text(encoding="utf-8")))
    allowed = OTHER_SOURCES if scenario else SOURCES
    with tokenize.open(path) as file:
        sourced = {
            token.start[0]
            for token in tokenize.generate_tokens(file.readline)
            if token.type == tokenize.COMMENT and _gives_source(token.string, allowed)
        }
    return [literal for literal in visitor.found if literal.line not in sourced]


def literals_of_bench(path: Path) -> list[Literal]:
    """The numbers of a bench file that say no source of their own."""
    found: list[Literal] = []
    table_is_sourced = False
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        content, _, comment = _TEXT.sub('""', text).partition("#")
        is_sourced = _gives_source(comment, SOURCES)
        if content.startswith("["):
            table_is_sourced = is_sourced
        elif not is_sourced and not table_is_sourced:
            name, _, values = content.partition("=")
            unit, scale = _unit_of(name.strip())
            for number in _NUMBER.findall(values):
                value = float(number) * scale
                found.append(Literal(line=line, text=number, value=value, unit=unit))
    return found


def _gives_source(comment: str, allowed: Iterable[str]) -> bool:
    return comment.lstrip("# ").startswith(tuple(allowed))


def shared(literals: Iterable[Literal], numbers: Sequence[Chosen]) -> Iterator[tuple[int, str]]:
    """Line and complaint for each literal that is a chosen number."""
    for literal in literals:
        for number in numbers:
            value = number.written if literal.unit is None else number.value
            may_be = literal.unit in {None, number.unit}
            if may_be and math.isclose(literal.value, value, rel_tol=1e-9):
                yield literal.line, f"{literal.text} is also chosen in bms/data/{number.name}"
                break


def findings(root: Path) -> list[str]:
    """One line a finding: file, line, and what is shared."""
    numbers = chosen_numbers(root / "bms" / "data")
    files = {
        path: literals_of_python(path, scenario=folder == "scenarios")
        for folder in ("scenarios", "rig/plant")
        for path in sorted((root / folder).rglob("*.py"))
        if "tests" not in path.relative_to(root).parts
    }
    for path in sorted((root / "rig" / "benches").glob("*.toml")):
        files[path] = literals_of_bench(path)
    return [
        f"{path.relative_to(root).as_posix()}:{line}: {complaint}"
        for path, literals in files.items()
        for line, complaint in shared(literals, numbers)
    ]


def main() -> int:
    """Print what is shared; the exit code."""
    found = findings(ROOT)
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
