"""Benchmarks: what they leave in benchmarks.json, and what they say."""

import json

import pytest

from rig import benchmarks
from rig.benchmarks import Figure, main, merge


def figure(name, value, unit="x real time", goal=60.0):
    return Figure(name=name, value=value, unit=unit, goal=goal)


@pytest.fixture
def record(tmp_path, monkeypatch):
    """Where the figures go; two quick benchmarks in place of the real ones."""
    path = tmp_path / "benchmarks.json"
    monkeypatch.setattr(benchmarks, "RECORD", path)
    quick = {"fast": lambda: [figure("fast", 80.0)], "slow": lambda: [figure("slow", 20.0)]}
    monkeypatch.setattr(benchmarks, "BENCHMARKS", quick)
    return path


def names_and_values(path):
    return [(entry["name"], entry["value"]) for entry in json.loads(path.read_text())]


def test_a_new_record_is_a_list_of_name_value_unit_and_goal(tmp_path):
    path = tmp_path / "benchmarks.json"

    merge(path, [figure("speed", 75.5), figure("cost_us", 3.5, "us", None)])

    assert json.loads(path.read_text()) == [
        {"name": "speed", "value": 75.5, "unit": "x real time", "goal": 60.0},
        {"name": "cost_us", "value": 3.5, "unit": "us", "goal": None},
    ]


def test_a_figure_takes_the_place_of_the_one_of_its_name(tmp_path):
    path = tmp_path / "benchmarks.json"
    merge(path, [figure("a", 1.0), figure("b", 2.0)])

    merge(path, [figure("a", 3.0)])

    assert names_and_values(path) == [("a", 3.0), ("b", 2.0)]


def test_a_part_leaves_the_others_figures_as_they_are(record):
    merge(record, [figure("hub_frames", 9.0), figure("slow", 1.0)])

    assert main(["fast"]) == 0

    assert names_and_values(record) == [("hub_frames", 9.0), ("slow", 1.0), ("fast", 80.0)]


def test_without_a_part_all_are_run(record):
    assert main([]) == 0

    assert names_and_values(record) == [("fast", 80.0), ("slow", 20.0)]


def test_an_unknown_part_is_a_bad_input_and_names_those_that_there_are(record, capsys):
    assert main(["rocket"]) == 2

    assert "ONLY=rocket: no such benchmark; allowed: fast, slow" in capsys.readouterr().out
    assert not record.exists()


def test_the_table_says_which_goal_is_missed(record, capsys):
    main([])

    rows = [line for line in capsys.readouterr().out.splitlines() if "x real time" in line]
    assert ["yes" in row and "NO" not in row for row in rows] == [True, False]


@pytest.mark.parametrize(
    ("unit", "value", "met"),
    [("us", 59.0, True), ("us", 61.0, False), ("1/s", 61.0, True), ("1/s", 59.0, False)],
)
def test_a_cost_has_to_stay_below_its_goal_and_a_rate_above(unit, value, met):
    assert figure("x", value, unit).met is met


def test_a_frame_costs_something(monkeypatch):
    monkeypatch.setattr(benchmarks, "FRAMES", 200)

    (cost,) = benchmarks.cost_per_frame()

    assert cost.name == "cost_per_frame_us"
    assert 0.0 < cost.value < 1000.0
