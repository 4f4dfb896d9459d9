"""A plan of real rows on the lab's example: what runs, in which order, what not, and why."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from rig.benches.file import load_bench
from rig.cells import Cell
from rig.commands.plan import plan as hil_plan
from rig.errors import BenchFileError, NotOnThisBench
from rig.needs import Needs
from rig.planning import ROOT, scenarios
from rig.recording import RecordError
from rig.scheduling.collecting import Collected, collect
from rig.scheduling.handing import read_order, write_order
from rig.scheduling.lab_state import keep_state, read_state
from rig.scheduling.model import Basis, Risk
from rig.scheduling.planner import PlanAsked, check_fixed_needs, plan_for
from rig.scheduling.told import expected, for_a_machine, whole
from rig.story import test_name as name_of

HERE, FULL, SILENT = "v1.17-01", "v1.13-04", "v1.08-08"  # 60 %, 99 %, a silent row
ROWS = (FULL, HERE, SILENT)


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    rows = {item: scenarios()[item] for item in ROWS}
    return PlanAsked(file=load_bench("lab_example"), firmware="1.38", rows=rows, runs=runs)


@pytest.fixture(scope="module")
def planned(asked):
    return plan_for(asked)


def test_rows_that_start_where_the_batteries_are_come_before_a_charge(planned):
    plan = planned.plan

    assert [stage.leg.end.soc_pct for stage in plan.stages] == [60.0, 99.0]
    assert [stage.work[0].item for stage in plan.stages] == [HERE, FULL]
    assert plan.charging_h == pytest.approx(0.39 * 460 / 200)


def test_rows_that_never_ran_are_news_of_unknown_duration(planned):
    assert {work.risk for work in planned.plan.work} == {Risk.NEWS}
    assert {work.basis for work in planned.plan.work} == {Basis.UNKNOWN}
    assert any("no duration is known: counted as 60 s each" in line for line in expected(planned))


def test_what_will_not_run_is_left_out_with_its_reason(planned):
    reasons = {each.item: each.reason for each in planned.plan.left_out}

    assert reasons[SILENT] == "a silent row: its traces are compared in virtual time"


def test_a_plan_in_words_says_what_is_to_be_done_by_hand(planned):
    told = list(whole(planned))

    assert told[0].startswith("Expected: ")
    assert "Batteries are at 60 % SOC, 25 degC, as the bench file states." in told
    by_hand = next(line for line in told if line.startswith("2. By hand: "))
    assert "from 60 % SOC, 25 degC to 99 % SOC, 25 degC, about 54 min; it is asked for." in by_hand


def test_a_machine_gets_every_test(planned):
    told = json.loads(json.dumps(for_a_machine(planned)))

    assert [stage["by_hand"] for stage in told["stages"]] == [False, True]
    count = sum(len(stage["tests"]) for stage in told["stages"])
    assert count == len(planned.plan.work) > 1
    assert told["hours"] == pytest.approx(told["charging_h"] + told["running_h"])


def test_in_a_night_nobody_moves_the_batteries(asked):
    plan = plan_for(replace(asked, attended=False)).plan

    assert {work.item for work in plan.work} == {HERE}
    reasons = {each.item: each.reason for each in plan.left_out}
    assert reasons[FULL] == (
        "no operator: it starts at 99 % SOC, 25 degC, the batteries are at 60 % SOC, 25 degC"
    )


def test_where_nobody_knows_where_the_batteries_are_a_plan_says_so_and_a_night_runs_nothing(
    asked, tmp_path
):
    path = tmp_path / "lab.toml"
    path.write_text(load_bench("lab_example").path.read_text())
    file = load_bench(str(path))
    keep_state(file, replace(read_state(file), doubt="asked for 99 % SOC, and nobody said done"))
    asked = replace(asked, file=file, rows={HERE: asked.rows[HERE]})

    by_day, at_night = plan_for(asked), plan_for(replace(asked, attended=False))

    words = "\n".join(whole(by_day))
    assert "Where the batteries are is not known: asked for 99 % SOC, and nobody said" in words
    assert "1. By hand: bring the batteries to 60 % SOC, 25 degC; it is asked for." in words
    assert for_a_machine(by_day)["stages"][0]["by_hand"] is True
    assert not at_night.plan.work
    assert {each.reason for each in at_night.plan.left_out} == {
        "no operator: it starts at 60 % SOC, 25 degC, and where the batteries are is not known"
    }


def test_a_row_of_another_release_is_not_for_this_device(asked):
    row = Collected(item=HERE, test="test_it", firmware="1.17", needs=Needs())

    with pytest.raises(NotOnThisBench, match=r"judged on 1\.17, the device runs 1\.16"):
        check_fixed_needs(asked.file, row, "1.16")


def test_the_order_of_a_plan_is_handed_on(planned, tmp_path):
    write_order(tmp_path / "order.json", planned.plan)

    order = read_order(tmp_path / "order.json")
    assert sorted(order, key=order.__getitem__) == [(w.item, w.test) for w in planned.plan.work]


def test_a_session_of_pytest_follows_the_order_it_is_given(tmp_path):
    path = scenarios()[FULL].path
    tests = [test.test for test in collect("sim", "1.38", [path])]
    (tmp_path / "order.json").write_text(json.dumps([[FULL, test] for test in tests[::-1]]))

    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--no-record", "-n", "0"]
    command += ["--order", str(tmp_path / "order.json"), str(path)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    collected = [line for line in said.splitlines() if "::" in line]
    cell = Cell(item=FULL, firmware="1.38")
    assert [name_of(line, cell) for line in collected] == tests[::-1]
    assert len(tests) > 1


def test_an_order_that_is_none_is_refused(tmp_path):
    (tmp_path / "order.json").write_text("[1, 2]")

    with pytest.raises(RecordError, match=r"order\.json: .*; allowed: an order"):
        read_order(tmp_path / "order.json")


def test_a_row_that_is_none_is_refused_in_one_line():
    with pytest.raises(BenchFileError, match="--window 9-5: allowed: two times of the day"):
        hil_plan("lab_example", only=[HERE], window="9-5", runs=ROOT / "runs")
