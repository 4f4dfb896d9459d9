"""Goldens: what every release answers to the reference stimuli stays what it was.

To renew them, after a change of behaviour that is meant and in the commit that names its item:

    RENEW_GOLDENS=1 .venv/bin/python -m pytest -n 0 bms/tests/test_goldens.py

It writes `golden/outputs.json` and skips, by name, each stimulus that it has renewed.
"""

import json
import os
from itertools import pairwise
from pathlib import Path

import pytest

from bms.releases import RELEASES, firmware
from bms.tests.stimuli import STIMULI, digest

FILE = Path(__file__).parent / "golden" / "outputs.json"
VERSIONS = [str(release.version) for release in RELEASES]
RENEW = "RENEW_GOLDENS" in os.environ


def goldens() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return found


@pytest.mark.parametrize("stimulus", STIMULI)
def test_every_release_answers_as_it_did(stimulus: str) -> None:
    tell = STIMULI[stimulus]
    answers = {version: digest(tell(firmware(version)).trace) for version in VERSIONS}

    if RENEW:
        FILE.write_text(json.dumps(goldens() | {stimulus: answers}, indent=1) + "\n")
        pytest.skip(f"renewed: {stimulus}")
    kept = goldens().get(stimulus, {})
    changed = [version for version in VERSIONS if kept.get(version) != answers[version]]
    assert not changed, (
        f"{stimulus}: firmware {', '.join(changed)} no longer answers as it did. Where a Change "
        f"means it, renew: see {Path(__file__).name}."
    )


def test_the_goldens_are_of_these_stimuli_and_no_others() -> None:
    assert list(goldens()) == list(STIMULI)


def told_apart(before: str, after: str) -> bool:
    return any(kept[before] != kept[after] for kept in goldens().values())


def changes_something(version: str) -> bool:
    release = next(r for r in RELEASES if str(r.version) == version)
    return any(change.deltas for change in release.changes)


STEPS = list(pairwise(VERSIONS))
EQUAL = [step for step in STEPS if not changes_something(step[1])]


@pytest.mark.parametrize(("before", "after"), EQUAL, ids=[after for _, after in EQUAL])
def test_a_release_that_changes_nothing_answers_as_the_one_before(before: str, after: str) -> None:
    assert not told_apart(before, after)


def test_nine_of_ten_releases_that_change_something_are_told_from_the_one_before() -> None:
    different = [step for step in STEPS if step not in EQUAL]
    missed = [after for before, after in different if not told_apart(before, after)]

    assert len(missed) <= len(different) / 10, missed


@pytest.mark.nightly
def test_nine_of_ten_changes_are_missed_when_they_are_left_out() -> None:
    left_out = [(r, change) for r in RELEASES for change in r.changes if change.deltas]
    unseen = []
    for release, change in left_out:
        whole = firmware(str(release.version))
        less = whole.without(change.item)
        if all(digest(t(whole).trace) == digest(t(less).trace) for t in STIMULI.values()):
            unseen.append(change.item)

    assert len(unseen) <= len(left_out) / 10, unseen
