"""The list of mutants can be tried: each has its one place, a meaning, and its killers."""

import pytest

from rig.commands.mutants import BadMutant, Mutant, load_mutants, try_mutants
from rig.planning import ROOT

MUTANTS = load_mutants()


def mutant(**changed):
    fields = {
        "file": "bms/rooms/power.py",
        "old": "shutdown_a = Slot(0.0070)",
        "new": "shutdown_a = Slot(0.0090)",
        "killed_by": ("v1.25-08",),
    }
    return Mutant(**{**fields, **changed})


def test_there_are_sixty_at_least_over_twenty_rooms() -> None:
    assert len(MUTANTS) >= 60
    assert len({each.file for each in MUTANTS}) >= 20


@pytest.mark.parametrize("each", MUTANTS, ids=lambda each: each.name)
def test_a_mutant_has_its_one_place_and_means_something_else(each) -> None:
    each.applied((ROOT / each.file).read_text(encoding="utf-8"))


def test_no_mutant_is_there_twice() -> None:
    assert len({(each.file, each.old, each.new) for each in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        pytest.param({"old": "no such line"}, "is there 0 times", id="no place"),
        pytest.param({"new": "shutdown_a = Slot(0.007)"}, "no mistake", id="the same number"),
    ],
)
def test_an_entry_that_is_no_mutant_is_refused(changed, told) -> None:
    each = mutant(**changed)

    with pytest.raises(BadMutant, match=told):
        each.applied((ROOT / each.file).read_text(encoding="utf-8"))


def test_an_entry_without_a_scenario_is_refused(tmp_path) -> None:
    path = tmp_path / "mutants.toml"
    path.write_text('mutant = [{ file = "f", old = "o", new = "n", killed_by = ["v1.99-99"] }]')

    with pytest.raises(BadMutant, match=r"v1\.99-99.*allowed: rows with a scenario"):
        load_mutants(path)


@pytest.mark.nightly
def test_a_mutant_is_killed_by_its_scenario_and_survives_another() -> None:
    seen, unseen = mutant(), mutant(killed_by=("v1.08-04",))
    before = (ROOT / seen.file).read_bytes()

    outcomes = list(try_mutants([seen, unseen], jobs=1))

    assert [outcome.killed for outcome in outcomes] == [True, False]
    assert not any(outcome.strange for outcome in outcomes)
    assert (ROOT / seen.file).read_bytes() == before
