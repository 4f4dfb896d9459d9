from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from reports import write_junit
from rig.recording import RunRecord


@pytest.fixture
def root(run: RunRecord, tmp_path: Path) -> ET.Element:
    return ET.parse(write_junit(run.folder, tmp_path / "out" / "junit.xml")).getroot()


@pytest.mark.parametrize(
    ("item", "element", "kind"),
    [
        ("v1.08-05", "failure", "FAIL"),
        ("v1.09-06", "failure", "FLAKY"),
        ("v1.14-02", "failure", "INCONCLUSIVE"),
        ("v1.15-01", "error", "ABORTED"),
        ("v1.20-03", "error", "BROKEN"),
        ("v1.38-02", "skipped", "NOT RUN"),
    ],
)
def test_every_verdict_but_a_pass_has_an_element(
    root: ET.Element, item: str, element: str, kind: str
) -> None:
    case = root.find(f".//testcase[@classname='{item}']")

    assert case is not None
    assert [each.get("type") for each in case.findall(element)] == [kind]


def test_a_pass_is_a_bare_case(root: ET.Element) -> None:
    case = root.find(".//testcase[@classname='v1.08-04']")

    assert case is not None
    assert {child.tag for child in case} == {"properties"}


def test_the_counts_are_those_of_the_cases(root: ET.Element) -> None:
    counts = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}

    assert counts == {"tests": "9", "failures": "3", "errors": "2", "skipped": "2"}


def test_a_reason_with_a_control_character_is_still_xml(run: RunRecord, tmp_path: Path) -> None:
    path = run.folder / "journal.jsonl"
    path.write_text(path.read_text().replace("the supply did", "the supply \\u0000 did"))

    root = ET.parse(write_junit(run.folder, tmp_path / "junit.xml")).getroot()

    error = root.find(".//testcase[@classname='v1.20-03']/error")
    assert error is not None
    assert "the supply � did not answer" in str(error.get("message"))
