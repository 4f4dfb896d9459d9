"""Kills nights at random moments, and goes on with them, as often as is asked for."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rig.recording import RunRecord, attempts_by_item, attempts_by_test, verify_record

ROOT = Path(__file__).parents[3]
ROWS = ("v1.08-04", "v1.09-08", "v1.33-03")
NOT_BEGUN = "no night was begun here"
TORN = b'{"attempt":"v1.08-04/test_torn/1","fi'


def command(folder, *more):
    only = [word for row in ROWS for word in ("--only", row)]
    jobs = "2" if folder.name[-1] in "02468" else "1"  # every other night on two processes
    options = ["--runs", str(folder.parent), "--jobs", jobs, *more]
    return [sys.executable, "-m", "rig.cli", "nightly", "sim", *only, *options]


def begin_or_resume(folder):
    """A night goes on where there is one; a kill may have been before there was."""
    if (folder / "night.json").is_file():
        return command(folder, "--resume", str(folder))
    return command(folder, "--out", str(folder))


def start(words):
    return subprocess.Popen(
        words,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def run_out(folder):
    """Let it go on to its end: exit code and what it said.

    As a service does, it tries again while a session of a killed command has not ended.
    """
    while True:
        done = start(begin_or_resume(folder))
        said, _ = done.communicate(timeout=600)
        if done.returncode != 2 or b"a session of a killed command still runs" not in said:
            return done.returncode, said.decode()


def descendants(pid):
    """The processes below one, youngest first."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found, below = [], {pid}
    while below:
        below = {child for child, parent in parents.items() if parent in below}
        found.extend(below)
    return found[::-1]


@dataclass
class Tally:
    """What many kills came to."""

    kills: int = 0
    nights: int = 0
    power_losses: int = 0
    torn: int = 0
    before_plan: int = 0
    within_attempts: int = 0
    after_seal: int = 0
    attempts: int = 0
    aborted: int = 0
    problems: list[str] = field(default_factory=list)


def reference(folder):
    """A night that nobody killed: how long it took, and the digest of every row that ran."""
    began = time.monotonic()  # noqa: TID251 - another process, on the wall clock
    code, said = run_out(folder)
    assert code == 0, said
    took = time.monotonic() - began  # noqa: TID251 - as above
    return took, digests(folder)


def digests(folder):
    items = json.loads((folder / "verdicts.json").read_text())["items"]
    return {i["id"]: (i["verdict"], i["digest"]) for i in items if i["verdict"] != "NOT RUN"}


def journal_lines(folder):
    path = folder / "journal.jsonl"
    return path.read_bytes().split(b"\n")[:-1] if path.is_file() else []


def kill_once(folder, longest_s, dice, tally):
    """Begin or go on, and kill it after a random while; False if it had ended before."""
    child = start(begin_or_resume(folder))
    try:
        child.wait(dice.uniform(0.0, longest_s))
        child.stdout.close()
        return False
    except subprocess.TimeoutExpired:
        pass
    whole_machine = dice.random() < 0.5
    victims = [*descendants(child.pid), child.pid] if whole_machine else [child.pid]
    before = journal_lines(folder)
    for victim in victims[::-1]:
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    tally.kills += 1
    tally.power_losses += whole_machine
    tally.before_plan += not (folder / "plan.json").is_file()
    tally.after_seal += (folder / "manifest.json").is_file()
    tally.within_attempts += bool(before) and json.loads(before[-1])["what"] == "START"
    if whole_machine and before and not (folder / "manifest.json").is_file():
        for victim in victims:  # they are gone: nobody else writes
            while Path(f"/proc/{victim}").exists() and not is_zombie(victim):
                time.sleep(0.01)  # noqa: TID251 - another process
        if dice.random() < 0.5:
            tally.torn += 1
            with (folder / "journal.jsonl").open("ab") as journal:
                journal.write(TORN)
    return True


def is_zombie(pid):
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def kill_night(folder, kills, longest_s, expected, dice, tally):
    """Kill one night so often, let it end, and hold the record against one nobody killed."""
    tally.nights += 1
    before = []
    for _ in range(kills):
        if not kill_once(folder, longest_s, dice, tally):
            break
        now = journal_lines(folder)
        if now[: len(before)] != before:
            tally.problems.append(f"{folder}: a line of the journal is lost")
        before = now
    code, said = run_out(folder)
    if journal_lines(folder)[: len(before)] != before:
        tally.problems.append(f"{folder}: a line of the journal is lost")
    judge(folder, code, said, expected, tally)


def judge(folder, code, said, expected, tally):
    """Everything that must hold of a night that came to its end at last."""
    record = RunRecord(folder)
    found = verify_record(folder)
    tally.problems += [f"{folder}: {problem}" for problem in found.problems]
    if found.tests_planned != found.tests_run + found.tests_not_started or found.tests_not_started:
        tally.problems.append(f"{folder}: planned is not run: {found}")
    plan = record.plan()
    attempts = attempts_by_item(plan, record.entries())
    hopeless = set()
    for row in plan.rows:
        for test, tries in attempts_by_test(attempts[row.id]).items():
            verdicts = [str(each.verdict) for each in tries]
            tally.attempts += len(tries)
            tally.aborted += verdicts.count("ABORTED")
            if verdicts.count("ABORTED") == 3:
                hopeless.add(row.id)
            elif verdicts != ["ABORTED"] * (len(tries) - 1) + ["PASS"]:
                tally.problems.append(f"{folder}: {row.id}/{test}: {verdicts}")
    now = digests(folder)
    if {id_: now[id_] for id_ in now if id_ not in hopeless} != {
        id_: expected[id_] for id_ in expected if id_ not in hopeless
    }:
        tally.problems.append(f"{folder}: other verdicts or digests than undisturbed: {now}")
    if code != (1 if hopeless else 0):
        tally.problems.append(f"{folder}: exit code {code}: {said}")


def kill_many(folder, kills, seed, each=4):
    """So many kills, in nights of a few each."""
    dice, tally = random.Random(seed), Tally()
    longest_s, expected = reference(folder / "reference")
    number = 0
    while tally.kills < kills:
        number += 1
        left = min(each, kills - tally.kills)
        kill_night(folder / f"night-{number:03}", left, longest_s, expected, dice, tally)
    return tally
