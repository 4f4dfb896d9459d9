"""What only a person knows of a lab's run, asked once: who operates, and what the device is called.

It is kept beside the bench's file, as `<file>.asked.json`, until that is taken away.
"""

import json
from dataclasses import asdict, dataclass

from rig.benches.file import BenchFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Empty: nobody has been asked."""

    dut_label: str = ""
    operator: str = ""


def read_answers(file: BenchFile) -> Answers:
    """What was answered; the file's own label counts more."""
    path = file.path.with_suffix(".asked.json")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        kept = Answers(dut_label=str(found["dut_label"]), operator=str(found["operator"]))
    except (OSError, ValueError, KeyError, TypeError):
        kept = Answers()
    label = "" if file.lab is None else file.lab.device.label
    return Answers(dut_label=label or kept.dut_label, operator=kept.operator)


def keep_answers(file: BenchFile, answers: Answers) -> None:
    """Keep them for the runs that follow."""
    path = file.path.with_suffix(".asked.json")
    path.write_text(json.dumps(asdict(answers)), encoding="utf-8")


def described(file: BenchFile) -> str:
    """The bench's description for a record, with what was answered."""
    answers = read_answers(file)
    told = [file.description]
    if file.twins:
        told.append("a rehearsal: everything on it is a twin")
    if answers.dut_label:
        told.append(f"device under test: {answers.dut_label}")
    if answers.operator:
        told.append(f"operator: {answers.operator}")
    return "; ".join(each for each in told if each)
