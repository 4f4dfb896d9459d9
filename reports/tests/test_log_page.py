"""The page of a field log."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reports.log_page import write_log_page
from rig.replay.formats.raw import Batches, Notes, Source
from rig.replay.log import Log, LoggedFrame
from rig.replay.view import view_log

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Of a log with a bus of an unkind name: SOC and state of a BMS, and what nobody knows."""

    def read(notes: Notes) -> Batches:
        bus, frames = notes.channel("</script><b>x"), []
        for number in range(100):
            soc = (10_000 - number).to_bytes(2, "little").hex()
            state = "09" if number < 50 else "0a"
            for data in (f"6699ff0f{soc}ffff", f"66997103{state}ffffff"):
                t_us = number * 1_000_000 + len(frames) % 2 * 1000
                frames.append(LoggedFrame(t_us, bus, 0x1CEFFF50, True, bytes.fromhex(data)))
            frames.append(LoggedFrame(number * 1_000_000 + 5000, bus, 0x123, False, b"\1"))
        yield frames

    path = tmp_path / "a.html"
    log = Log([Source(path=Path("field.log"), open=read)], {})
    write_log_page(view_log(log), path)
    return path


def test_the_page_needs_no_network(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", text)
    assert "default-src 'none'" in text


def test_the_page_tells_signals_events_and_what_is_not_known(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert "vreg.state: running -&gt; error" in text
    assert "0x123" in text
    assert '"name":"vreg.soc_pct","unit":"%"' in text


def test_a_name_from_the_log_cannot_end_the_script(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert "</script><b>" not in text
    assert "<b>x" not in text


def test_an_old_page_stays_whole_where_a_new_one_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "a.html"
    folder.mkdir()
    log = Log([Source(path=Path("a.log"), open=lambda n: iter([[_frame(n)]]))], {})

    with pytest.raises(OSError, match=r"a\.html"):
        write_log_page(view_log(log), folder)

    assert [each.name for each in tmp_path.iterdir()] == ["a.html"]


def _frame(notes: Notes) -> LoggedFrame:
    return LoggedFrame(0, notes.channel("a"), 1, False, b"")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_the_page_draws_a_panel_a_unit_without_a_word_on_the_console(
    page: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [
            *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu"),
            *("--enable-logging=stderr", "--virtual-time-budget=5000"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert 'data-panels="2"' in done.stdout
    assert re.findall(r".*CONSOLE.*", done.stderr) == []
    data = re.search(r'id="log-data">(.*?)</script>', done.stdout, re.S)
    assert data is not None
    assert len(json.loads(data[1])["signals"]) == 2
