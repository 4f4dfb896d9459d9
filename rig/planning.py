"""The plan of a run: each row of the catalogue, its scenario, the release it is judged on."""

import ast
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bms.catalogue import SILENT, Item, Judgement, catalogue, judged_on
from bms.firmware import Delta, UnknownRelease, Version
from bms.releases import NEWEST, release_of
from rig.recording import Plan, PlanRow, RunFacts, Scalar, SlotDelta, sha256_of
from rig.slot_values import show_side

ROOT = Path(__file__).parent.parent
SCENARIOS = ROOT / "scenarios"
SOFTWARE = ("pytest", "pytest-asyncio", "python-can", "cantools", "pyvisa", "nmea2000")


@dataclass(frozen=True, slots=True)
class Scenario:
    """The file that proves one row, and the tests in it."""

    item: str
    path: Path
    tests: tuple[str, ...]

    @property
    def relative(self) -> str:
        """The path as records name it."""
        return self.path.relative_to(ROOT).as_posix()


def item_of_path(path: Path) -> str | None:
    """The id that a scenario's path names; None if it is no scenario of a row.

    scenarios/v1_08/test_04_words.py is v1.08-04, scenarios/general/test_01_words.py general-01.
    """
    match = re.fullmatch(r"test_(K?\d*[a-z]?)_\w+\.py", path.name)
    if match is None or path.parent.parent.name != "scenarios":
        return None
    return f"{path.parent.name.replace('_', '.')}-{match[1]}"


def scenarios() -> Mapping[str, Scenario]:
    """Every scenario of the tree by its item. Raises ValueError for two files of one item."""
    found: dict[str, Scenario] = {}
    for path in sorted(SCENARIOS.glob("*/test_*.py")):
        item = item_of_path(path)
        if item is None or item not in catalogue():
            continue
        if item in found:
            raise ValueError(f"{item} has two scenarios: {found[item].relative}, {path.name}")
        found[item] = Scenario(item, path, _tests_in(path))
    return found


def _tests_in(path: Path) -> tuple[str, ...]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError:
        return ()  # pytest says what is wrong with it, and the row is BROKEN
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return tuple(n.name for n in tree.body if isinstance(n, kinds) and n.name.startswith("test_"))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderTest:
    """The release that a device has, and the one by whose claims it is judged."""

    firmware: Version
    claims_of: Version

    @property
    def judged_as(self) -> str | None:
        """As the record keeps it: None where the release has claims of its own."""
        return None if self.firmware == self.claims_of else str(self.claims_of)


def under_test(text: str, *, is_read: bool) -> UnderTest:
    """The release that ``text`` names.

    ``is_read``: a real device has it, nobody chose it; if we do not know it, it is judged by the
    claims of the newest release, and all that is said of it is PROVISIONAL. Raises UnknownRelease
    for what is no release, and, where the bench sets the release, for one that we do not know.
    """
    try:
        known = release_of(text)
    except UnknownRelease:
        if not is_read:
            raise
        return UnderTest(firmware=Version.parse(text), claims_of=NEWEST)
    return UnderTest(firmware=known, claims_of=known)


def judged(item: Item, device: UnderTest, *, exact: bool = False) -> Judgement:
    """On which release a row is judged; by the newest claims, that is the device's own.

    ``exact``: every row on that very release, whether or not its claim holds there.
    """
    if exact:
        return Judgement(firmware=device.firmware)
    found = judged_on(item, device.claims_of)
    if found.firmware == device.claims_of and item.row_class != SILENT:
        return Judgement(firmware=device.firmware, reason=found.reason)
    return found


def make_plan(
    facts: RunFacts,
    qualified: Version,
    tests: Mapping[str, tuple[str, ...]],
    *,
    exact: bool = False,
    inputs: Mapping[str, str] | None = None,
    carried: Mapping[str, str] | None = None,
) -> Plan:
    """The plan for a release: the rows of ``tests``, each with its tests, parameters and all.

    ``exact``: every row on that very release, whether or not its claim holds there. ``inputs`` has
    the hash of what a row's verdict depends on, ``carried`` the run in which a row passed that is
    not run again.
    """
    known = scenarios()
    claims_of = qualified if facts.judged_as is None else Version.parse(facts.judged_as)
    device = UnderTest(firmware=qualified, claims_of=claims_of)
    rows = tuple(
        _row(
            item,
            known.get(item.id),
            judged(item, device, exact=exact),
            tests.get(item.id),
            holds=item.holds(claims_of),
            inputs_sha256=(inputs or {}).get(item.id),
            carried_from=(carried or {}).get(item.id),
        )
        for item in catalogue().values()
    )
    return Plan(run=facts, rows=rows)


def _row(
    item: Item,
    scenario: Scenario | None,
    judgement: Judgement,
    tests: tuple[str, ...] | None,
    *,
    holds: bool,
    inputs_sha256: str | None,
    carried_from: str | None,
) -> PlanRow:
    reason = judgement.reason if judgement.firmware is None else ""
    if carried_from is not None:
        reason = f"unchanged since {carried_from}: PASS there"
    elif scenario is None:
        reason = "no scenario yet"
    elif not reason and not tests:
        reason = "not selected"
    planned = not reason
    change = item.change
    deltas = () if change is None else change.deltas
    return PlanRow(
        id=item.id,
        kind=item.kind,
        area=item.area,
        item_class=item.row_class,
        basis=str(item.basis),
        statement=item.statement,
        since=str(item.since),
        until=None if item.until is None else str(item.until),
        revoked_by=item.superseded_by,
        holds=holds,
        deltas=tuple(
            SlotDelta(
                slot=d.place.name, was=show_side(d.was, d.place), now=show_side(d.now, d.place)
            )
            for d in deltas
        ),
        scenario=None if scenario is None else scenario.relative,
        scenario_sha256=None if scenario is None else sha256_of(scenario.path),
        firmware=str(judgement.firmware) if planned else None,
        tests=tests if planned and tests is not None else (),
        reason=reason,
        inputs_sha256=inputs_sha256,
        carried_from=carried_from,
    )


def _slot_delta(delta: Delta) -> SlotDelta:
    place = delta.place
    was, now = show_side(delta.was, place), show_side(delta.now, place)
    return SlotDelta(slot=place.name, was=was, now=now)


def software() -> dict[str, Scalar]:
    """What ran: versions of Python and of the packages that a result depends on, and our own.

    `revision` is the commit of this tree, `local_changes` whether the tree differs from it; both
    are "unknown" where it is no checkout.
    """
    lock = ROOT / "requirements.lock"
    return {
        "revision": _git("rev-parse", "HEAD") or "unknown",
        "local_changes": _local_changes(),
        "requirements.lock": sha256_of(lock) if lock.is_file() else "missing",
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{name: version(name) for name in SOFTWARE},
    }


def _local_changes() -> Scalar:
    status = _git("status", "--porcelain", "--untracked-files=normal")
    return "unknown" if status is None else bool(status)


def _git(*arguments: str) -> str | None:
    """What git says about this tree; None where there is no git, or no checkout."""
    try:
        # Without locks: nothing that somebody does in this tree is disturbed.
        command = ["git", "--no-optional-locks", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
