"""allure.html: one file that opens without a network, and speaks to nobody."""

import json
import shutil
from pathlib import Path

import pytest

from reports import allure_page
from reports.allure_page import allure_program, without_analytics, write_allure_page
from rig.recording import RecordError, RunRecord

PAGE = """<script src="data:text/javascript;base64,AAAA"></script>
    <script async src="https://www.googletagmanager.com/gtag/js?id=G-LNDJ3J7WT0"></script>
    <script>
        window.dataLayer = window.dataLayer || [];
        function gtag(){dataLayer.push(arguments);}
        gtag('js', new Date());
    </script>
    <script async>
      window.allureReportDataReady = false;
    </script>"""


def test_the_scripts_of_google_are_taken_out_and_no_others():
    page = without_analytics(PAGE)

    assert "google" not in page
    assert "gtag" not in page
    assert page.count("<script") == page.count("</script>") == 2
    assert "allureReportDataReady" in page


def test_a_page_that_still_speaks_to_google_is_refused():
    with pytest.raises(RecordError, match="still holds google-analytics"):
        without_analytics('<img src="https://www.google-analytics.com/collect">')


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A machine with these programs alone."""

    def install(**texts):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    return install


MACHINES = {
    "no Node": ({}, "Node is missing; allowed: Node 20"),
    "an old Node": ({"node": "echo v16.20.0"}, "node is v16.20.0; allowed: Node 20 or newer"),
    "a broken Node": ({"node": "exit 1"}, "node is does not start"),
    "no npm": ({"node": "echo v22.1.0"}, "npm is missing"),
    "no network": (
        {"node": "echo v22.1.0", "npm": "echo npm ERR! ENOTFOUND >&2; exit 1"},
        "npm ci failed: npm ERR! ENOTFOUND",
    ),
}


@pytest.mark.parametrize(("texts", "said"), MACHINES.values(), ids=MACHINES)
def test_what_is_missing_is_one_line(programs, texts, said):
    programs(**texts)

    with pytest.raises(RecordError, match=said) as error:
        allure_program()

    assert "\n" not in str(error.value)


def test_a_failed_fetch_leaves_nothing_in_the_cache(programs, tmp_path):
    programs(node="echo v22.1.0", npm="exit 1")

    with pytest.raises(RecordError):
        allure_program()

    assert list((tmp_path / "cache" / "lynx-rig").iterdir()) == []


def test_the_versions_of_all_that_allure_needs_are_pinned_with_their_hashes():
    folder = Path(allure_page.__file__).parent / "allure3"
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    bare = [n for n, each in packages.items() if n and not ({"integrity", "link"} & set(each))]

    assert packages["node_modules/allure"]["version"] == "3.18.0"
    assert bare == []


# Stands in for Allure: a page, and a line of history as Allure adds it.
FAKE = r"""
config=$4
out=$(sed -n 's/.*"output": "\([^"]*\)".*/\1/p' $config)
name=$(sed -n 's/^{"name": "\([^"]*\)".*/\1/p' $config)
history=$(sed -n 's/.*"historyPath": "\([^"]*\)".*/\1/p' $config)
mkdir -p $out
echo "<title>$name</title>" > $out/index.html
echo "<script>gtag()</script>" >> $out/index.html
echo "{\"name\": \"$name\"}" >> $history
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    program = tmp_path / "allure"
    program.write_text(f"#!/bin/sh\n{FAKE}")
    program.chmod(0o755)
    monkeypatch.setattr(allure_page, "allure_program", lambda _say: program)


@pytest.mark.usefixtures("fake")
def test_a_run_that_is_rendered_again_replaces_its_line_of_the_history(run, tmp_path):
    history = tmp_path / "history.jsonl"
    history.write_text('{"name": "sunday"}\n')
    for _ in range(2):
        write_allure_page(run.folder, "NO RELEASE", history)

    assert [json.loads(line)["name"] for line in history.read_text().splitlines()] == [
        "sunday",
        "2026-11-22-night: NO RELEASE",
    ]


@pytest.mark.usefixtures("fake")
def test_the_page_has_the_headline_of_the_dossier_for_its_title(run):
    page = write_allure_page(run.folder, "PARTIAL, NO RELEASE").read_text()

    assert "<title>2026-11-22-night: PARTIAL, NO RELEASE</title>" in page


@pytest.mark.usefixtures("fake")
def test_a_history_of_something_else_is_refused(run, tmp_path):
    (tmp_path / "history.jsonl").write_text("nights\n")

    with pytest.raises(RecordError, match="line 1: allowed: a history of Allure 3"):
        write_allure_page(run.folder, "NO RELEASE", tmp_path / "history.jsonl")


@pytest.mark.nightly
@pytest.mark.independent
@pytest.mark.skipif(shutil.which("npm") is None, reason="Node is not installed")
def test_allure_itself_makes_a_page_that_speaks_to_nobody(run: RunRecord, tmp_path: Path):
    """Fetches Allure where the cache has none yet."""
    history = tmp_path / "history.jsonl"
    page = write_allure_page(run.folder, "NO RELEASE", history)

    text = page.read_text()
    assert "<title> 2026-11-22-night: NO RELEASE </title>" in text
    assert not [word for word in ("google", "gtag") if word in text]
    results = json.loads(history.read_text().splitlines()[0])["testResults"]
    broken = sorted(r["name"] for r in results.values() if r["status"] == "broken")
    assert broken == ["v1.15-01 test_it", "v1.20-03 test_it"]
    # One history a test, whatever firmware, bench and attempt were.
    assert all(name.endswith(".d41d8cd98f00b204e9800998ecf8427e") for name in results)
    assert page.stat().st_size < 10_000_000
