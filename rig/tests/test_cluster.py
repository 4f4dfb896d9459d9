"""Squares on a cluster: who may work at them, what is done again, and what is never given away."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rig import cluster, cluster_worker
from rig.cells import Cell
from rig.cli import app
from rig.cluster import Crew, portions, run_on_cluster
from rig.cluster_worker import Code, who, work
from rig.errors import BenchFileError

ROW = "v1.17-01"
CELLS = [Cell(item=ROW, firmware=f"1.{minor}") for minor in range(10, 34)]
CODE = Code(revision="1b45cf2000", local_changes=False, python="3.11.7", inputs={ROW: "aa"})
OTHER = Code(revision="0badc0de00", local_changes=True, python="3.11.7", inputs={ROW: "bb"})


def line(cell: Cell, test: str = "test_it") -> str:
    return json.dumps({**asdict(cell), "test": test, "measured": True, "ended": "PASS"})


class Task:
    """What a fake scheduler was given for one worker."""

    def __init__(self, worker: str, task, asked: tuple[str, ...]) -> None:
        self.worker, self.task, self.asked = worker, task, asked
        self.status, self._outcome = "pending", None

    def done(self) -> bool:
        return self.status != "pending"

    def end(self, outcome) -> None:
        self.status = "error" if isinstance(outcome, Exception) else "finished"
        self._outcome = outcome

    def exception(self):
        return self._outcome

    def result(self):
        return self._outcome


class Scheduler:
    """A scheduler whose workers do all at once; ``answers``: what each of them does instead."""

    def __init__(self, threads: dict[str, int], answers=None) -> None:
        self.there, self._answers = dict(threads), answers or {}
        self.tasks: list[Task] = []

    def nthreads(self):
        return dict(self.there)

    def submit(self, task, *asked, workers, **_options):
        (worker,) = workers
        self.tasks.append(Task(worker, task, asked))
        return self.tasks[-1]

    def cancel(self, tasks) -> None:
        for task in tasks:
            task.status = "cancelled"

    def wait(self, tasks) -> None:
        for task in [task for task in tasks if not task.done()]:
            do = self._answers.get(task.worker, honest)
            outcome = do(self, task)
            if outcome is not None:
                task.end(outcome)

    @property
    def worked(self) -> list[str]:
        """Who was given squares."""
        return [task.worker for task in self.tasks if task.task is work]


def honest(_scheduler: Scheduler, task: Task, code: Code = CODE):
    if task.task is who:
        return json.dumps({"code": asdict(code)})
    cells = [Cell(**cell) for cell in json.loads(task.asked[0])["cells"]]
    lines = [line(cell) for cell in cells]
    return json.dumps({"code": asdict(code), "lines": lines, "said": ""})


def of_other_code(scheduler: Scheduler, task: Task):
    return honest(scheduler, task, OTHER)


def of_another_year(_scheduler: Scheduler, task: Task):
    code = {**asdict(CODE), "branch": "main"}
    return json.dumps({"code": code, "lines": [], "said": ""})


def answers_nothing_known(scheduler: Scheduler, task: Task):
    return honest(scheduler, task) if task.task is who else json.dumps(["lines"])


def edited_at_work(scheduler: Scheduler, task: Task):
    return honest(scheduler, task, CODE if task.task is who else OTHER)


def dies_at_work(scheduler: Scheduler, task: Task):
    if task.task is who:
        return honest(scheduler, task)
    scheduler.there.pop(task.worker, None)
    return None


def fails_at_work(scheduler: Scheduler, task: Task):
    return honest(scheduler, task) if task.task is who else RuntimeError("no answer")


def is_dropped_at_work(scheduler: Scheduler, task: Task):
    if task.task is who:
        return honest(scheduler, task)
    task.status = "cancelled"
    return None


@pytest.fixture
def found(tmp_path):
    return tmp_path / "kept.jsonl"


def run(scheduler: Scheduler, found: Path) -> list[str]:
    """Run CELLS; what was told."""
    told: list[str] = []
    crew = Crew(scheduler, scheduler.wait, "tcp://s", CODE, told.append)
    crew.run(CELLS, found, lambda: None)
    return told


def releases(found: Path) -> list[str]:
    return sorted(json.loads(text)["firmware"] for text in found.read_text().splitlines())


ALL = sorted(cell.firmware for cell in CELLS)


def test_every_square_is_run_once_and_by_all_workers(found):
    scheduler = Scheduler({"tcp://a": 1, "tcp://b": 1})

    run(scheduler, found)

    assert releases(found) == ALL
    assert set(scheduler.worked) == {"tcp://a", "tcp://b"}


def test_a_worker_with_other_code_is_refused_by_name_and_given_nothing(found):
    scheduler = Scheduler({"tcp://a": 1, "tcp://b": 1}, {"tcp://b": of_other_code})

    told = run(scheduler, found)

    assert (
        "worker tcp://b is refused: it has other code for 1 rows: commit 0badc0de00 with local "
        "changes, Python 3.11.7; here commit 1b45cf2000, Python 3.11.7"
    ) in told
    assert set(scheduler.worked) == {"tcp://a"}
    assert releases(found) == ALL


def test_a_worker_whose_code_changes_at_work_is_refused_and_its_squares_are_run_again(found):
    scheduler = Scheduler({"tcp://a": 1, "tcp://b": 1}, {"tcp://b": edited_at_work})

    told = run(scheduler, found)

    assert any("tcp://b is refused" in text for text in told)
    assert scheduler.worked.count("tcp://b") == 1
    assert releases(found) == ALL


@pytest.mark.parametrize("does", [of_another_year, answers_nothing_known])
def test_a_worker_that_answers_in_another_way_is_refused_and_the_others_work(found, does):
    scheduler = Scheduler({"tcp://a": 1, "tcp://b": 1}, {"tcp://b": does})

    told = run(scheduler, found)

    refused = "worker tcp://b is refused: it answers as other code does: TypeError: "
    assert any(text.startswith(refused) for text in told)
    assert releases(found) == ALL


def test_what_a_worker_does_has_an_end(monkeypatch):
    monkeypatch.setattr(cluster_worker, "LIMIT_S", 0.01)

    with pytest.raises(RuntimeError, match=r"^no answer within 0\.01 s$"):
        who()


IMPATIENT_HIL = """
from rig import cluster
from rig.cli import main
cluster.ANSWER_S = 1
main()
"""


def test_a_matrix_that_no_cluster_takes_leaves_no_files_and_says_one_line(tmp_path):
    kept = tmp_path / "k.jsonl"
    asked = ["matrix", "--only", ROW, "--cluster", "tcp://127.0.0.1:9", "--keep", str(kept)]

    done = subprocess.run(
        [sys.executable, "-c", IMPATIENT_HIL, *asked],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60.0,
        check=False,
    )

    assert done.returncode == 2
    (said,) = done.stdout.splitlines()
    assert "--cluster tcp://127.0.0.1:9" in said
    assert list(tmp_path.iterdir()) == []


def test_where_nobody_has_this_code_the_matrix_is_refused_at_once(found):
    scheduler = Scheduler({"tcp://b": 1}, {"tcp://b": of_other_code})

    with pytest.raises(
        BenchFileError, match=r"--cluster tcp://s: tcp://b has other code for 1 row"
    ):
        run(scheduler, found)

    assert not found.exists()


def test_a_worker_without_the_project_is_refused_by_name(found):
    lost = ModuleNotFoundError("No module named 'rig'")
    scheduler = Scheduler({"tcp://b": 1}, {"tcp://b": lambda _s, _t: lost})

    with pytest.raises(BenchFileError, match=r"tcp://b has not this project: ModuleNotFoundError"):
        run(scheduler, found)


def test_what_a_lost_worker_had_is_run_again_and_counts_once(found):
    scheduler = Scheduler({"tcp://a": 1, "tcp://b": 2}, {"tcp://b": dies_at_work})

    told = run(scheduler, found)

    assert any(text.startswith("worker tcp://b is lost; cells to be run again: ") for text in told)
    assert releases(found) == ALL


def test_a_worker_that_comes_later_is_asked_who_it_is_and_works(found):
    def calls_help(scheduler: Scheduler, task: Task):
        scheduler.there["tcp://c"] = 2
        return honest(scheduler, task)

    scheduler = Scheduler({"tcp://a": 1}, {"tcp://a": calls_help})

    run(scheduler, found)

    assert [task.worker for task in scheduler.tasks if task.task is who] == ["tcp://a", "tcp://c"]
    assert "tcp://c" in scheduler.worked
    assert releases(found) == ALL


@pytest.mark.parametrize(
    ("does", "why"),
    [(fails_at_work, "RuntimeError: no answer"), (is_dropped_at_work, "its scheduler has dropped")],
)
def test_squares_that_no_worker_brings_to_an_end_are_given_up_and_said(found, does, why):
    told = run(Scheduler({"tcp://a": 1}, {"tcp://a": does}), found)

    assert any(t.startswith(f"given up after 3 workers: {ROW}: tcp://a: {why}") for t in told)
    assert not found.exists()


def test_when_all_workers_are_lost_for_long_the_rest_is_left(found, monkeypatch):
    monkeypatch.setattr(cluster, "NOBODY_US", 0)
    scheduler = Scheduler({"tcp://a": 1}, {"tcp://a": dies_at_work})

    told = run(scheduler, found)

    assert "no worker is left: all were lost" in told


def test_ctrl_c_keeps_what_was_handed_in_and_cancels_the_rest(found):
    def interrupted(scheduler: Scheduler, task: Task):
        if scheduler.worked.count("tcp://a") == 2:
            raise KeyboardInterrupt
        return honest(scheduler, task)

    scheduler = Scheduler({"tcp://a": 1}, {"tcp://a": interrupted})

    told = run(scheduler, found)

    assert "interrupted: what was handed in is kept" in told
    assert len(releases(found)) == 8  # the first portion
    assert scheduler.tasks[-1].status == "cancelled"


def test_what_is_kept_already_is_not_handed_out(found):
    (name,) = cluster.scenarios()[ROW].tests
    found.write_text("".join(f"{line(cell, name)}\n" for cell in CELLS[:20]))

    (portion,) = portions(CELLS, found, threads=2)

    assert list(portion.cells) == CELLS[20:]


def test_where_everything_is_kept_nothing_is_waited_for(found):
    (name,) = cluster.scenarios()[ROW].tests
    found.write_text("".join(f"{line(cell, name)}\n" for cell in CELLS))
    scheduler = Scheduler({"tcp://a": 1}, {"tcp://a": lambda _scheduler, _task: None})

    assert run(scheduler, found) == []
    assert scheduler.worked == []


def test_of_a_cell_that_is_done_in_part_the_worker_is_told_which_part(found):
    found.write_text(f"{line(CELLS[3], 'test_of_several[at 1:59]')}\n")

    first, *_ = portions(CELLS, found, threads=1)

    assert CELLS[3] in first.cells
    assert [json.loads(text)["test"] for text in first.done] == ["test_of_several[at 1:59]"]


@pytest.mark.parametrize(
    ("bench", "words"),
    [
        ("lab_example", r"bench lab_example, of kind lab: .*; allowed: a simulated bench"),
        ("wire", r"bench wire, of kind wire: .*; allowed: a simulated bench"),
    ],
)
def test_a_run_on_hardware_is_never_given_to_a_cluster(found, bench, words):
    with pytest.raises(BenchFileError, match=words):
        run_on_cluster("tcp://127.0.0.1:9", CELLS, found, print, bench=bench)


def test_a_worker_itself_refuses_hardware():
    asked = {"cells": [asdict(CELLS[0])], "done": [], "bench": "lab_example"}

    with pytest.raises(RuntimeError, match=r"of kind lab: .* allowed: a simulated bench"):
        work(json.dumps(asked))


def test_jobs_and_a_cluster_exclude_each_other():
    asked = ["matrix", "--cluster", "tcp://h:1", "-j", "2"]

    with pytest.raises(BenchFileError, match="--jobs: not with --cluster; allowed: as many as its"):
        CliRunner().invoke(app, asked, catch_exceptions=False)
