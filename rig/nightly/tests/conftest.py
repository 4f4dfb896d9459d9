"""Nights without a bench: what pytest would do is played from a script."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rig.nightly.night import Night, SessionAsked, Steps
from rig.nightly.schedule import read_schedule
from rig.nightly.settings import Settings, write_settings
from rig.recording import (
    BenchCheck,
    Ended,
    Plan,
    PlanRow,
    Quarantine,
    RunFacts,
    RunRecord,
    SelfTest,
    Started,
    Verdict,
    attempt_id,
)

UTC = "2026-11-22T22:00:00Z"


class PowerLoss(BaseException):
    """The machine is gone in the middle of something."""


def settings(**changed):
    usual = Settings(
        bench="/bench.toml",
        firmware="1.38",
        seed=1,
        only=(),
        jobs=1,
        begun=UTC,
        window="",
        until_ms=None,
        retries=1,
        retries_a_night=20,
        repeat_failures=False,
        order=(),
        expected_s={},
        quarantine={},
        sources={},
    )
    return replace(usual, **changed)


def row(item: str, tests: tuple[str, ...], quarantine: Quarantine | None) -> PlanRow:
    return PlanRow(
        id=item,
        kind="updated",
        area="contactor",
        item_class="specified",
        basis="stated",
        statement="It opens later.",
        since="1.08",
        until=None,
        revoked_by=None,
        holds=True,
        deltas=(),
        scenario="scenarios/x.py",
        scenario_sha256=None,
        firmware="1.38",
        tests=tests,
        reason="",
        quarantine=quarantine,
    )


class Stage:
    """A folder, and a script: what each attempt at a test comes to, in the order of attempts.

    "cut" is a power loss within the attempt; a verdict with "bench" before it is a bench fault.
    """

    def __init__(self, folder: Path, script: dict[str, list[str]]) -> None:
        self.folder, self.script = folder, {name: list(each) for name, each in script.items()}
        self.record = RunRecord(folder)
        self.asked: list[SessionAsked] = []
        self.said: list[str] = []
        self.fit = True
        self.self_tests = 0

    def night(self, **changed) -> Night:
        found = settings(**changed)
        self.folder.mkdir(exist_ok=True)
        if not (self.folder / "night.json").exists():
            write_settings(self.folder, found)
        rows = sorted({name.partition("/")[0] for name in self.script})
        steps = Steps(self_test=self.self_test, session=self.session, say=self.said.append)
        return Night(self.folder, found, rows, steps)

    def self_test(self) -> SelfTest:
        self.self_tests += 1
        check = BenchCheck(name="a step is seen", passed=self.fit, said="6.0 A")
        return SelfTest(utc=UTC, checks=(check,))

    def session(self, asked: SessionAsked) -> bool:
        self.asked.append(asked)
        schedule = read_schedule(asked.schedule)
        assert schedule is not None
        if not schedule.plan_is_frozen:
            rows: dict[str, list[str]] = {}
            for name in self.script:
                rows.setdefault(name.partition("/")[0], []).append(name.partition("/")[2])
            facts = RunFacts(
                id="night", bench="b", firmware="1.38", started=UTC, seed=1, software={}
            )
            held = schedule.quarantine
            self.record.write_plan(
                Plan(
                    run=facts,
                    rows=tuple(row(id_, tuple(t), held.get(id_)) for id_, t in rows.items()),
                )
            )
        for name in self.script:
            item, _, test = name.partition("/")
            number = schedule.number(item, test)
            if number is not None:
                self._attempt(item, test, number, schedule.closed)
        return True

    def _attempt(self, item: str, test: str, number: int, closed: str) -> None:
        shared = {"item": item, "test": test, "number": number, "firmware": "1.38"}
        shared["attempt"] = attempt_id(item, test, number)
        self.record.journal(Started(**shared, utc=UTC))
        come_to = (closed and "NOT RUN") or self.script[f"{item}/{test}"].pop(0)
        if come_to == "cut":
            raise PowerLoss
        word, _, fault = come_to.rpartition("bench ")
        frames = self.record.attempt_folder(item, test, number) / "frames.blf"
        frames.write_text(come_to)
        self.record.journal(
            Ended(
                **shared,
                utc=UTC,
                verdict=Verdict(fault or word),
                reason=closed,
                digest="00",
                sim_s=1.0,
                wall_s=0.1,
                measurements=(),
                unmet=None,
                evidence=self.record.evidence([frames]),
                bench_fault=come_to.startswith("bench "),
            )
        )

    def verdicts(self) -> dict[str, tuple[str, str]]:
        items = json.loads((self.folder / "verdicts.json").read_text())["items"]
        return {each["id"]: (each["verdict"], each["reason"]) for each in items}

    def schedule(self, number: int):
        return read_schedule(self.asked[number].schedule)


@pytest.fixture
def stage(tmp_path) -> Callable[[dict[str, list[str]]], Stage]:
    return lambda script: Stage(tmp_path / "night", script)
