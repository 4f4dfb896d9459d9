"""Renders a run by Allure 3, as one file to open: a view for those who know Allure.

Allure is a program of Node; its version and that of all it needs are pinned beside this file, and
fetched into a cache once. The page is then made without any network, and what it would tell to
Google Analytics is taken out of it: a run belongs to the lab.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from reports.allure import write_allure
from rig.recording import RecordError, RunRecord

PAGE = "allure.html"
PINNED = Path(__file__).parent / "allure3"
NODE_AT_LEAST = 20
FETCH_WITHIN_S, RENDER_WITHIN_S = 600, 600  # chosen: ten times what they took here
RUNS_REMEMBERED = 60  # chosen: two months of nights, some 12 MB of a run of all rows
# Frames and signals stay in the record: in one file they would be hundreds of megabytes.
ATTACHED = frozenset({".json"})
ANALYTICS = re.compile(
    r"<script[^>]*googletagmanager\.com[^>]*>\s*</script>"
    r"|<script[^>]*>(?:(?!</script>).)*?\bgtag\((?:(?!</script>).)*</script>",
    re.DOTALL,
)
SPEAKS_TO_GOOGLE = ("googletagmanager", "google-analytics", "gtag(")


def write_allure_page(
    folder: Path,
    headline: str,
    history: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write allure.html into a run's folder; its path.

    `headline` is the dossier's: the ring of Allure leaves out what was not run, and would show
    100 % of a few rows. `history` is a file that Allure adds a line to for each run, and draws
    trends from; a run that is rendered again replaces its line. Raises RecordError where Node or
    the network is missing, or Allure fails.
    """
    run = RunRecord(folder).plan().run.id
    program = allure_program(say)
    with tempfile.TemporaryDirectory(prefix="hil-allure-") as scratch:
        results, work = Path(scratch) / "results", Path(scratch)
        write_allure(folder, results, attached=ATTACHED)
        remembered = work / "history.jsonl"
        remembered.write_text(_others(history, run), encoding="utf-8")
        title = f"{run}: {headline}"
        options = {"singleFile": True, "reportLanguage": "en"}
        told = {
            "name": title,
            "output": str(work / "page"),
            "historyPath": str(remembered),
            "plugins": {"awesome": {"options": options}},
        }
        (work / "allurerc.json").write_text(json.dumps(told), encoding="utf-8")
        arguments = ["generate", str(results), "--config", str(work / "allurerc.json")]
        _call([str(program), *arguments], work, RENDER_WITHIN_S)
        made = work / "page" / "index.html"
        if not made.is_file():
            raise RecordError(f"{PAGE}: Allure made no page; allowed: a run with rows")
        text = without_analytics(made.read_text(encoding="utf-8"))
        (folder / PAGE).write_text(text, encoding="utf-8")
        if history is not None:
            _replace(history, remembered.read_text(encoding="utf-8"))
    return folder / PAGE


def without_analytics(page: str) -> str:
    """The page less the scripts that report its opening. Raises RecordError if one is left."""
    page = ANALYTICS.sub("", page)
    left = [name for name in SPEAKS_TO_GOOGLE if name in page]
    if left:
        raise RecordError(f"{PAGE}: still holds {', '.join(left)}; allowed: the pinned Allure")
    return page


def allure_program(say: Callable[[str], None] = lambda _: None) -> Path:
    """The pinned Allure in the cache; fetched where it is not there yet.

    Raises RecordError where Node is missing or too old, or npm cannot fetch it.
    """
    _check_node()
    lock = PINNED / "package-lock.json"
    pinned = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    cached = _cache() / f"allure-{pinned}"
    program = cached / "node_modules" / ".bin" / ("allure.cmd" if os.name == "nt" else "allure")
    if program.exists():
        return program
    npm = shutil.which("npm")
    if npm is None:
        raise RecordError(f"{PAGE}: npm is missing; allowed: Node {NODE_AT_LEAST} with npm")
    say(f"fetching Allure into {cached}, once: about 50 MB")
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=cached.parent) as draft:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(PINNED / name, Path(draft) / name)
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        _call([npm, "ci", *quiet], Path(draft), FETCH_WITHIN_S)
        whole = Path(draft) / "whole"
        whole.mkdir()
        for name in ("package.json", "package-lock.json", "node_modules"):
            (Path(draft) / name).rename(whole / name)
        try:
            whole.rename(cached)
        except OSError:
            if not program.exists():  # else another process was faster
                raise
    return program


def _cache() -> Path:
    """Where programs are kept that can be fetched again."""
    told = os.environ.get("XDG_CACHE_HOME")
    return (Path(told) if told else Path.home() / ".cache") / "lynx-rig"


def _check_node() -> None:
    node = shutil.which("node")
    if node is None:
        raise RecordError(f"{PAGE}: Node is missing; allowed: Node {NODE_AT_LEAST} or newer")
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    number = re.match(r"v(\d+)\.", done.stdout)
    if number is None or int(number[1]) < NODE_AT_LEAST:
        said = done.stdout.strip() or "does not start"
        raise RecordError(f"{PAGE}: node is {said}; allowed: Node {NODE_AT_LEAST} or newer")


def _call(command: list[str], folder: Path, within_s: float) -> None:
    """Run a program of Node. Raises RecordError with its last words."""
    environment = {**os.environ, "ALLURE_NO_ANALYTICS": "true", "NO_COLOR": "1"}
    what = Path(command[0]).stem
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=within_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RecordError(f"{PAGE}: {what} took over {within_s:g} s; allowed: less") from None
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()
        said = words[-1] if words else f"exit code {done.returncode}"
        raise RecordError(f"{PAGE}: {what} {' '.join(command[1:2])} failed: {said}")


def _others(history: Path | None, run: str) -> str:
    """What Allure remembers of other runs: a line each, the newest at the end."""
    if history is None or not history.is_file():
        return ""
    kept = []
    for number, line in enumerate(history.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            name = json.loads(line)["name"]
        except (ValueError, KeyError, TypeError):
            raise RecordError(f"{history}: line {number}: allowed: a history of Allure 3") from None
        if name != run and not str(name).startswith(f"{run}: "):
            kept.append(line)
    return "".join(f"{line}\n" for line in kept[-RUNS_REMEMBERED:])


def _replace(path: Path, text: str) -> None:
    """All of it or nothing."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
