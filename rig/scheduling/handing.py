"""A plan's order, handed to the session of pytest that follows it."""

import json
from collections.abc import Mapping
from pathlib import Path

from rig.recording import RecordError
from rig.scheduling.model import Plan

Order = Mapping[tuple[str, str], int]  # row and test -> place


def write_order(path: Path, plan: Plan) -> None:
    """Write it."""
    told = [[work.item, work.test] for work in plan.work]
    path.write_text(json.dumps(told) + "\n", encoding="utf-8")


def read_order(path: Path | None) -> Order:
    """What `write_order` wrote; empty for a run without. Raises RecordError."""
    if path is None:
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {(item, test): place for place, (item, test) in enumerate(told)}
    except (OSError, ValueError, TypeError) as error:
        raise RecordError(f"{path}: {error}; allowed: an order that was written for it") from error
