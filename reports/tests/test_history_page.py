"""The history's page: what stands in it, and that it does in a browser what it says."""

import json
import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from reports.history import write_history_page
from rig.history.generate import Story, made_up_runs
from rig.history.index import write_runs
from rig.history.nights import Row

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--enable-logging=stderr", "--virtual-time-budget=5000", "--window-size=1280,1000"),
)
ROWS = [
    Row(id="v1.08-01", area="contactor", statement="<b>one</b> & more"),
    Row(id="v1.08-02", area="contactor", statement="the delay"),
    Row(id="v1.09-01", area="relay", statement="the relay"),
]
STORY = Story(drifts=((1, 0, 60),), regressed=((2, 85),))

in_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("history") / "history.sqlite"
    runs = list(made_up_runs(ROWS, STORY, nights=90, benches=("lab-1", "lab-2"), seed=3))
    script = "</script><script>document.title = 'spoilt'</script>"
    broken = replace(runs[-1].rows[2], reason=f"it said {script}")
    runs[-1] = replace(runs[-1], rows=(*runs[-1].rows[:2], broken))
    write_runs(path, runs)
    return path


@pytest.fixture
def page(database, tmp_path):
    return write_history_page(database, tmp_path / "history.html")


def data_of(page):
    text = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.DOTALL
    )
    return json.loads(text[1])


def test_the_same_index_gives_the_same_page(database, tmp_path):
    one, two = (write_history_page(database, tmp_path / name) for name in ("a", "b"))

    assert one.read_bytes() == two.read_bytes()


def test_the_page_needs_no_network(page):
    assert not re.search(r"""(src|href)=["']?(https?:|//)""", page.read_text())


def test_what_needs_a_look_stands_at_the_top(page):
    head = page.read_text().split("</header>")[0]

    failing = re.findall(r'verdict fail">FAIL</span> <a href="#([^"]+)">', head)
    moving = re.findall(r'<li><a href="#([^"]+)">[^<]+</a> <span class="on">([^<]+)', head)
    assert failing == ["v1.09-01", "v1.09-01"]
    assert moving == [("v1.08-02", "lab-1")]


def test_a_night_of_the_grid_is_the_verdict_of_its_run(page):
    data = data_of(page)

    fail = str(data["verdicts"].index("FAIL"))
    for cells in data["rows"][2]["cells"]:
        assert len(cells) == 90
        assert fail not in cells[:85]
        assert set(cells[85:]) <= {fail, ".", str(data["verdicts"].index("FLAKY"))}


def test_texts_of_a_record_are_never_markup(page):
    text = page.read_text()

    assert "<b>one</b>" not in text
    assert "</script><script>document.title" not in text


@pytest.fixture
def browse(page, tmp_path):
    def opened(fragment="", script=""):
        if script:
            page.write_text(
                page.read_text().replace("</body>", f"<script>{script}</script></body>")
            )
        done = subprocess.run(
            [
                str(CHROMIUM),
                *FLAGS,
                f"--user-data-dir={tmp_path / 'profile'}",
                "--dump-dom",
                page.as_uri() + fragment,
            ],
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        )
        return done.stdout, "\n".join(re.findall(r".*CONSOLE.*", done.stderr))

    return opened


COLOURS = """
  addEventListener("load", () => setTimeout(() => {
    const all = [...document.querySelectorAll("details.row summary canvas")].map(c => {
      const at = c.getContext("2d").getImageData(0, 0, c.width, c.height).data, seen = new Set();
      for (let n = 0; n < at.length; n += 4) if (at[n + 3] > 200) seen.add([at[n], at[n + 1], at[n + 2]].join());
      return [...seen];
    });
    document.body.dataset.colours = JSON.stringify(all);
  }, 800));"""  # noqa: E501 - a script


class TestInBrowser:
    pytestmark = in_browser

    def test_the_page_loads_and_opens_a_row_without_a_word_on_the_console(self, browse):
        dom, console = browse("#v1.08-02")

        assert console == ""
        assert re.search(r'<details class="row" id="v1.08-02"[^>]* open=""', dom)
        # Its lanes, its values, its drift; beside the axis and the lanes of three rows.
        assert dom.count("<canvas") == 7
        assert 'class="moved warning"' in dom

    def test_a_failing_night_is_painted_red_and_only_where_it_failed(self, browse):
        dom, _ = browse("", COLOURS)

        match = re.search(r'data-colours="([^"]*)"', dom)
        quiet, _, failing = json.loads(match[1].replace("&quot;", '"'))
        assert "179,38,30" in failing
        assert "179,38,30" not in quiet
        assert "169,208,187" in quiet

    def test_the_filters_leave_what_fits(self, browse):
        script = """
          area.value = "contactor"; area.dispatchEvent(new Event("change"));
          words.value = "DELAY"; words.dispatchEvent(new Event("input"));"""

        dom, _ = browse("", script)

        shown = re.findall(r'<details class="row" id="([^"]+)"(?![^>]*hidden)[^>]*>', dom)
        assert shown == ["v1.08-02"]
        assert re.search(r'<output id="count">1 of 3</output>', dom)

    def test_a_verdict_can_be_switched_off(self, browse):
        dom, _ = browse("", """document.querySelector('[data-show="FAIL"]').click();""")

        shown = re.findall(r'<details class="row" id="([^"]+)"(?![^>]*hidden)[^>]*>', dom)
        assert shown == ["v1.08-01", "v1.08-02"]

    def test_the_order_by_drift_puts_what_moves_first(self, browse):
        script = """order.value = "alarm"; order.dispatchEvent(new Event("change"));"""

        dom, _ = browse("", script)

        assert re.findall(r'<details class="row" id="([^"]+)"', dom)[0] == "v1.08-02"
