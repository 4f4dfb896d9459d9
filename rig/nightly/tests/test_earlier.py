from dataclasses import replace
from pathlib import Path

import pytest

from rig.nightly.earlier import lessons_of
from rig.nightly.tests.conftest import Stage
from rig.planning import Scenario
from rig.recording import Plan, RunRecord, sha256_of
from rig.scheduling.model import Risk

ROWS = ("v1.08-04", "v1.09-01", "v1.20-01", "v1.33-03")


@pytest.fixture
def runs(tmp_path):
    """Two nights: v1.20-01 failed in the older, and v1.33-03 never ran."""
    folder = tmp_path / "runs"
    folder.mkdir()
    script = {"v1.08-04/test_a": ["PASS"], "v1.20-01/test_c": ["FAIL"]}
    Stage(folder / "1", script).night().work()
    Stage(folder / "2", {"v1.09-01/test_b": ["PASS"]}).night().work()
    (folder / "3").mkdir()
    (folder / "3" / "plan.json").write_text("torn")
    return folder


@pytest.fixture
def scenarios(tmp_path):
    path = tmp_path / "test_04_x.py"
    path.write_text("claims")
    return {item: Scenario(item, path, ("test_a",)) for item in ROWS}


def made_from(run: Path, scenario: Path) -> None:
    """Write the plan again, as if it had been made from this very scenario."""
    record = RunRecord(run)
    plan = record.plan()
    (run / "plan.json").unlink()
    facts = replace(plan.run, started=f"2026-11-2{run.name}T22:00:00Z")
    rows = tuple(replace(row, scenario_sha256=sha256_of(scenario)) for row in plan.rows)
    record.write_plan(Plan(run=facts, rows=rows))


def test_failures_come_first_then_news_then_what_ran_longest_ago(runs, scenarios):
    for name in ("1", "2"):
        made_from(runs / name, scenarios["v1.08-04"].path)

    found = lessons_of(runs, "b", scenarios)

    assert found.order == ("v1.20-01", "v1.33-03", "v1.08-04", "v1.09-01")
    assert [found.risk[item] for item in found.order] == [
        Risk.FAILED,
        Risk.NEWS,
        Risk.USUAL,
        Risk.USUAL,
    ]


def test_a_changed_scenario_is_news(runs, scenarios):
    made_from(runs / "1", scenarios["v1.08-04"].path)

    found = lessons_of(runs, "b", scenarios)

    assert found.order.index("v1.09-01") < found.order.index("v1.08-04")


def test_durations_are_those_of_this_bench(runs, scenarios):
    assert lessons_of(runs, "b", scenarios).expected_s["v1.08-04"] == pytest.approx(0.1)
    assert lessons_of(runs, "another", scenarios).expected_s == {}


def test_without_earlier_runs_the_order_is_the_usual_one(tmp_path, scenarios):
    assert lessons_of(tmp_path / "none", "b", scenarios).order == ROWS
