"""Values of slots: the same words in every process, and none that only Python knows."""

import subprocess
import sys

import pytest

from bms.rooms.start_stop import State
from rig.commands.history import diff
from rig.slot_values import show_value


def test_a_set_is_told_in_order() -> None:
    assert show_value(frozenset({"RS", "HE", "LFP24"})) == "{HE, LFP24, RS}"


def test_a_state_is_told_by_its_name_and_number() -> None:
    assert show_value(State.PRE_CHARGING) == "pre charging (16)"


def test_a_time_is_told_in_seconds_and_a_count_as_it_is() -> None:
    assert (show_value(4_800_000), show_value(18)) == ("4.8 s", "18")


def test_a_condition_is_told_by_what_it_looks_at() -> None:
    assert show_value(lambda view: view.warnings.service) == "warnings service"


def test_a_condition_from_a_factory_is_told_by_what_it_was_made_with() -> None:
    def made(name: str) -> object:
        return lambda view: view.settings[name]

    assert show_value(made("bluetooth")) == "settings bluetooth"


@pytest.mark.parametrize("word", ["<", " at 0x"])
def test_no_release_differs_by_a_word_that_only_python_knows(word: str) -> None:
    told = [line for line in diff("1.07", "1.38") if line.startswith("    ") and word in line]
    assert told == []


def test_what_two_processes_tell_is_the_same() -> None:
    program = "from rig.commands.history import diff; print(*diff('1.07', '1.38'), sep='\\n')"
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
