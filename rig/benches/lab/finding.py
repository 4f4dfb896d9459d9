"""What a check of a bench found: one sentence on what is so, one on what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How a finding stands; what is unknown is never good."""

    GOOD = "good"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    SKIPPED = "not done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    ``where``: a field of the bench file, or the thing's name. ``todo``: what a technician does
    about it, empty if nothing.
    """

    step: str
    where: str
    grade: Grade
    text: str
    todo: str = ""

    def __str__(self) -> str:
        said = f"{self.where}: {self.text}"
        return f"{said}; {self.todo}" if self.todo else said


def good(step: str, where: str, text: str) -> Finding:
    """What is as it should be."""
    return Finding(step=step, where=where, grade=Grade.GOOD, text=text)


def wrong(step: str, where: str, text: str, todo: str) -> Finding:
    """What is not, and what to do about it."""
    return Finding(step=step, where=where, grade=Grade.WRONG, text=text, todo=todo)


def unknown(step: str, where: str, text: str, todo: str = "") -> Finding:
    """What cannot be told; it is never good."""
    return Finding(step=step, where=where, grade=Grade.UNKNOWN, text=text, todo=todo)


def any_wrong(findings: Sequence[Finding]) -> bool:
    """Whether anything is wrong."""
    return any(finding.grade is Grade.WRONG for finding in findings)
