"""The page in a real browser. What it measured is read from the DOM that the browser dumps."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reports import render_page
from rig.recording import RunRecord

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--enable-logging=stderr", "--virtual-time-budget=5000", "--window-size=1280,1000"),
)

Browser = Callable[..., tuple[str, str]]


@pytest.fixture
def browse(run: RunRecord, tmp_path: Path) -> Browser:
    def opened(fragment: str = "", script: str = "") -> tuple[str, str]:
        """The DOM after loading (and running `script`), and what the console said."""
        path = render_page(run.folder)
        if script:
            path.write_text(
                path.read_text().replace("</body>", f"<script>{script}</script></body>")
            )
        done = subprocess.run(
            [
                str(CHROMIUM),
                *FLAGS,
                f"--user-data-dir={tmp_path / 'profile'}",
                "--dump-dom",
                path.as_uri() + fragment,
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout, "\n".join(re.findall(r".*CONSOLE.*", done.stderr))

    return opened


def test_the_page_loads_without_a_word_on_the_console(browse: Browser) -> None:
    _, console = browse("#v1.08-04")

    assert console == ""


def test_no_plot_is_drawn_before_a_row_is_opened(browse: Browser) -> None:
    dom, _ = browse()

    assert dom.count("<canvas") == 0


def test_the_address_opens_a_row_with_its_plot(browse: Browser) -> None:
    dom, _ = browse("#v1.08-04")

    opened = re.findall(r'<details class="row" id="([^"]+)"[^>]* open=""', dom)
    assert opened == ["v1.08-04"]
    # Voltage, the digital signal, the lanes of events.
    assert dom.count("<canvas") == 3


def test_something_is_painted_on_the_plot(browse: Browser) -> None:
    script = """
      addEventListener("load", () => setTimeout(() => {
        const colours = [...document.querySelectorAll("canvas")].map(c => {
          const all = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
          const seen = new Set();
          for (let n = 0; n < all.length; n += 4) if (all[n + 3] > 200)
            seen.add([all[n], all[n + 1], all[n + 2]].join());
          return [...seen];
        });
        document.body.dataset.colours = JSON.stringify(colours);
      }, 500));"""

    dom, _ = browse("#v1.08-05", script)

    match = re.search(r'data-colours="([^"]*)"', dom)
    assert match
    voltage, digital, lanes = json.loads(match.group(1).replace("&quot;", '"'))
    assert "31,95,139" in voltage
    assert "194,87,26" in digital
    assert "179,38,30" in lanes  # the unmet expectation


DRAG = """
  const mouse = (kind, on, x) => on.dispatchEvent(new MouseEvent(kind, {
    bubbles: true, cancelable: true, view: window, button: 0, buttons: 1,
    clientX: on.getBoundingClientRect().left + x, clientY: on.getBoundingClientRect().top + 20,
    movementX: 5, movementY: 0 }));
  const ranges = () => JSON.stringify(plots.map(({ u }) =>
    [u.scales.x.min, u.scales.x.max].map(v => Math.round(v * 10) / 10)));
  addEventListener("load", () => setTimeout(() => {
    const over = plots[0].u.over, keep = {};
    keep.whole = ranges();
    mouse("mouseenter", over, 100); mouse("mousemove", over, 100); mouse("mousedown", over, 100);
    mouse("mousemove", over, 300); mouse("mouseup", over, 300);
    setTimeout(() => {
      keep.zoomed = ranges();
      mouse("dblclick", over, 200);
      setTimeout(() => {
        keep.back = ranges();
        document.body.dataset.ranges = JSON.stringify(keep);
      }, 100);
    }, 100);
  }, 500));"""


def test_a_zoom_moves_every_strip_alike_and_a_double_click_brings_the_whole_back(
    browse: Browser,
) -> None:
    dom, _ = browse("#v1.08-04", DRAG)

    match = re.search(r'data-ranges="([^"]*)"', dom)
    assert match
    kept = json.loads(match.group(1).replace("&quot;", '"'))
    whole, zoomed = json.loads(kept["whole"]), json.loads(kept["zoomed"])
    assert whole == [[-0.2, 40.2]] * 3
    assert zoomed[0][1] - zoomed[0][0] < 15
    assert zoomed == [zoomed[0]] * 3
    assert json.loads(kept["back"]) == whole


def test_the_filter_by_text_leaves_what_fits(browse: Browser) -> None:
    script = """words.value = "V1.09 opened"; words.dispatchEvent(new Event("input"));"""

    dom, _ = browse("", script)

    shown = re.findall(r'<(?:details|tr)[^>]* id="(v[^"]+)"(?![^>]*hidden)[^>]*>', dom)
    assert shown == ["v1.09-06"]


def test_a_verdict_can_be_switched_off(browse: Browser) -> None:
    script = """document.querySelector('[data-show="PASS"]').click();"""

    dom, _ = browse("", script)

    assert re.search(r'<details class="row" id="v1.08-04"[^>]*hidden', dom)
    assert not re.search(r'<details class="row" id="v1.08-05"[^>]*hidden', dom)


def test_a_row_that_the_address_names_is_shown_even_if_filtered(browse: Browser) -> None:
    script = """words.value = "nothing"; words.dispatchEvent(new Event("input"));
                location.hash = "v1.08-04"; openFromAddress();"""

    dom, _ = browse("", script)

    assert not re.search(r'<details class="row" id="v1.08-04"[^>]*hidden', dom)


def test_local_times_carry_their_offset(browse: Browser) -> None:
    dom, _ = browse()

    assert re.search(r"17:00:00 UTC</time><span[^>]*> · \d\d:\d\d here \([+\u2212]\d\d:\d\d\)", dom)
