"""JUnit XML of a run, for machines that read nothing else: one case a test, one suite an area.

The format has no word for most verdicts: FAIL, FLAKY and INCONCLUSIVE are failures, ABORTED and
BROKEN errors, NOT RUN and NOT VERIFIED skipped, each with its own name as the type. A case that
needed more than one attempt tells them all, passed or not.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from reports.view import RowView, TestView, read_run
from rig.recording import Verdict

_ELEMENT = {
    Verdict.NOT_RUN: "skipped",
    Verdict.NOT_VERIFIED: "skipped",
    Verdict.INCONCLUSIVE: "failure",
    Verdict.FLAKY: "failure",
    Verdict.FAIL: "failure",
    Verdict.ABORTED: "error",
    Verdict.BROKEN: "error",
}

# What XML 1.0 cannot carry, escaped or not.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(run_dir: Path, path: Path) -> Path:
    """Write the run in `run_dir` as JUnit XML to `path`."""
    view = read_run(run_dir)
    run = view.verdicts.run
    marks = [mark.partition(":")[0] for mark in run.marks]
    name = ", ".join([f"Lynx Ion BMS {run.firmware} on {run.bench}", *marks])
    root = ET.Element("testsuites", name=_clean(name))
    areas = sorted({row.plan.area for row in view.rows})
    for area in areas:
        suite = ET.SubElement(root, "testsuite", name=_clean(area), timestamp=run.started)
        for row in view.rows:
            if row.plan.area == area:
                _add_row(suite, row)
        _count(suite, (suite,))
    _count(root, root.findall("testsuite"))
    ET.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path


def _add_row(suite: ET.Element, row: RowView) -> None:
    for test in row.tests:
        ended = [attempt.end for attempt in test.attempts if attempt.end is not None]
        case = _case(suite, row, test.name, sum(end.wall_s for end in ended))
        if row.overrules_its_tests:
            _say(case, row.verdict, row.item.reason)
        else:
            _say(case, test.verdict, _reason(test))
        if len(test.attempts) > 1:
            ET.SubElement(case, "system-out").text = _clean(_reason(test))
    # What only the row as a whole knows: nothing ran, a test is missing, evidence is altered.
    of_tests = {test.verdict for test in row.tests}
    if row.verdict not in of_tests and not (row.overrules_its_tests and row.tests):
        _say(_case(suite, row, "row", 0.0), row.verdict, row.item.reason)


def _case(suite: ET.Element, row: RowView, name: str, seconds: float) -> ET.Element:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_clean(row.plan.id),
        name=_clean(name),
        time=f"{seconds:.3f}",
    )
    properties = ET.SubElement(case, "properties")
    facts = {"firmware": row.item.firmware, "basis": row.plan.basis, "scenario": row.plan.scenario}
    for key, value in facts.items():
        if value is not None:
            ET.SubElement(properties, "property", name=key, value=_clean(value))
    return case


def _reason(test: TestView) -> str:
    told = [f"attempt {each.start.number} {each.verdict}: {each.reason}" for each in test.attempts]
    return test.attempts[0].reason if len(told) == 1 else "; ".join(told)


def _say(case: ET.Element, verdict: Verdict, reason: str) -> None:
    if verdict is Verdict.PASS:
        return
    ET.SubElement(case, _ELEMENT[verdict], type=verdict.value, message=_clean(reason))


def _count(element: ET.Element, suites: list[ET.Element] | tuple[ET.Element, ...]) -> None:
    cases = [case for suite in suites for case in suite.iter("testcase")]
    element.set("tests", str(len(cases)))
    for plural, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(plural, str(sum(case.find(tag) is not None for case in cases)))
    element.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
