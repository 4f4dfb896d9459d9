"""How the firmware came about: one slot over the releases, and what lies between two of them."""

from bms.catalogue import Item, item_of
from bms.firmware import Delta
from bms.releases import RELEASES, release_of
from rig.planning import ROOT, scenarios
from rig.slot_values import show_side


class UnknownSlot(KeyError):
    """A slot that no change ever touched."""

    def __str__(self) -> str:
        return str(self.args[0])


def _deltas() -> list[tuple[str, str, Delta]]:
    """Release, item and delta of every change, oldest first."""
    return [
        (str(release.version), change.item, delta)
        for release in RELEASES
        for change in release.changes
        for delta in change.deltas
    ]


def slot_names() -> list[str]:
    """Every place that differs somewhere, as it is written."""
    return sorted({delta.place.name for _, _, delta in _deltas()})


def history(text: str) -> str:
    """One slot over the releases: "2 s until 1.07, 5 s since 1.08 (v1.08-04)".

    The unit at the end of a name may be left out. Raises UnknownSlot, with the known ones.
    """
    names = slot_names()
    matching = [n for n in names if n == text or n.split("[")[0].removesuffix("_us") == text]
    if not matching:
        raise UnknownSlot(f"slot {text!r} never changed; allowed: {', '.join(names)}")
    return "\n".join(_history_of(name) for name in matching)


def _history_of(name: str) -> str:
    steps = [(v, item, delta) for v, item, delta in _deltas() if delta.place.name == name]
    versions = [str(release.version) for release in RELEASES]
    first = steps[0]
    parts = [f"{show_side(first[2].was, first[2].place)} until {_before(first[0], versions)}"]
    for index, (version, item, delta) in enumerate(steps):
        until = steps[index + 1][0] if index + 1 < len(steps) else None
        span = f"since {version}" if until is None else f"{version} to {_before(until, versions)}"
        parts.append(f"{show_side(delta.now, delta.place)} {span} ({item})")
    return f"{name}: {', '.join(parts)}"


def _before(version: str, versions: list[str]) -> str:
    index = versions.index(version)
    return versions[index - 1] if index else f"before {version}"


def _told(delta: Delta) -> str:
    was, now = show_side(delta.was, delta.place), show_side(delta.now, delta.place)
    return f"    {delta.place.name}: {was} -> {now}"


def diff(old: str, new: str) -> list[str]:
    """Every change after ``old`` up to ``new``, a line a delta. Raises UnknownRelease."""
    first, last = sorted((release_of(old), release_of(new)))
    lines = []
    for release in RELEASES:
        if first < release.version <= last:
            for change in release.changes:
                told = " ".join((change.__doc__ or "").split())
                lines.append(f"{change.item}  {told}")
                lines += map(_told, change.deltas)
    return lines


def explain(text: str) -> list[str]:
    """A row in full: statement, basis, where it holds, slots, scenario. Raises UnknownItemId."""
    item = item_of(text)
    scenario = scenarios().get(item.id)
    lines = [
        f"{item.id}  {item.kind}, {item.area}, {item.row_class}; basis: {item.basis}",
        f"  {item.statement}",
        f"  holds on: {_span(item)}",
    ]
    change = item.change
    if change is None:
        lines.append("  firmware: not yet a behaviour of the model")
    else:
        lines.append(f"  firmware: {change.__name__} in {change.__module__}")
        lines += map(_told, change.deltas)
        if change.skeleton:
            lines.append("    a skeleton: its deltas are not written")
        if change.cured_by:
            lines.append(f"    a defect, cured by {change.cured_by}")
        if change.exempt:
            lines.append(f"    no delta: {change.exempt}")
    where = "none yet" if scenario is None else str(scenario.path.relative_to(ROOT))
    lines.append(f"  scenario: {where}")
    return lines


def _span(item: Item) -> str:
    """The releases on which a claim holds, as spans."""
    versions = [release.version for release in RELEASES]
    spans: list[list[str]] = []
    previous = False
    for version in versions:
        if item.holds(version):
            if not previous:
                spans.append([str(version), str(version)])
            spans[-1][1] = str(version)
        previous = item.holds(version)
    return ", ".join(a if a == b else f"{a} to {b}" for a, b in spans) or "no release"
