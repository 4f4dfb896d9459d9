import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from reports import render_page
from rig.recording import RecordError, RunRecord, SignalWriter, Verdict

Maker = Callable[..., RunRecord]


def page(record: RunRecord) -> str:
    return render_page(record.folder).read_text(encoding="utf-8")


def row(html: str, item: str) -> str:
    """The part of the page that shows one row that ran."""
    match = re.search(
        rf'<details class="row" id="{re.escape(item)}".*?</details>\s*(?=<|$)', html, re.S
    )
    assert match, f"{item} has no row"
    return match.group()


def plot(html: str, item: str) -> dict[str, list[dict[str, object]]]:
    match = re.search(
        r'<script type="application/json" class="data">(.*?)</script>', row(html, item), re.S
    )
    assert match
    content = json.loads(match.group(1))
    assert isinstance(content, dict)
    return content


def test_every_row_of_the_catalogue_is_on_the_page_once(run: RunRecord) -> None:
    html = page(run)

    ids = re.findall(r' id="(v[^"]+)"', html)

    assert sorted(ids) == sorted(each.id for each in run.plan().rows)


def test_the_counts_by_verdict_are_shown(run: RunRecord) -> None:
    shown = re.findall(r'data-show="([^"]+)".*?<b>(\d+)</b>', page(run))

    assert dict(shown) == {
        "BROKEN": "1",
        "ABORTED": "1",
        "FAIL": "1",
        "FLAKY": "1",
        "INCONCLUSIVE": "1",
        "PASS": "2",
        "NOT RUN": "2",
    }


def test_the_worst_come_first(run: RunRecord) -> None:
    verdicts = re.findall(r'<details class="row"[^>]*data-verdict="([^"]+)"', page(run))

    assert verdicts == ["BROKEN", "ABORTED", "FAIL", "FLAKY", "INCONCLUSIVE", "PASS", "PASS"]


def test_the_title_says_the_verdict_on_the_release(run: RunRecord) -> None:
    assert "<title>Lynx Ion BMS 1.38: NO RELEASE (2026-11-22-night)</title>" in page(run)


def test_a_row_shows_its_measurement_with_uncertainty_and_limits(run: RunRecord) -> None:
    shown = row(page(run), "v1.08-04")

    assert "5.003 ± 0.012" in shown
    assert "4.9 … 5.1" in shown


def test_a_row_shows_what_was_and_what_is_now(run: RunRecord) -> None:
    assert re.search(r"opening_delay_us.*2000000.*5000000", row(page(run), "v1.08-04"))


def test_a_row_shows_its_expectations_with_their_times(run: RunRecord) -> None:
    shown = row(page(run), "v1.08-05")

    assert re.search(r"12\.310 s.*unmet.*contactor opens 5.0 ± 0.1 s", shown)


def test_a_row_shows_its_scenario_and_the_firmware_it_was_judged_on(run: RunRecord) -> None:
    shown = row(page(run), "v1.08-04")

    assert "scenarios/v1_08/test_04_x.py" in shown
    assert "<span>Judged on</span>1.38" in shown


def test_every_attempt_of_a_flaky_row_is_listed(run: RunRecord) -> None:
    assert "attempt 1 FAIL, attempt 2 PASS" in row(page(run), "v1.09-06")


@pytest.mark.parametrize(
    ("item", "reason"), [("v1.32-05c", "not started"), ("v1.38-02", "no scenario yet")]
)
def test_a_row_that_did_not_run_gives_its_reason(run: RunRecord, item: str, reason: str) -> None:
    html = page(run)

    assert re.search(rf'<tr id="{item}".*{reason}</td></tr>', html)


def test_text_of_the_record_cannot_become_markup(run: RunRecord) -> None:
    html = page(run)

    assert "<b>opening delay</b>" not in html
    assert "&lt;b&gt;opening delay&lt;/b&gt; &amp; more" in html


def test_the_page_asks_the_network_for_nothing(run: RunRecord) -> None:
    html = page(run)

    assert "default-src 'none'" in html
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", html)
    assert "@import" not in html


def test_the_same_run_gives_the_same_bytes(run: RunRecord) -> None:
    first = render_page(run.folder).read_bytes()

    assert render_page(run.folder).read_bytes() == first


def test_the_page_does_not_depend_on_where_the_record_lies(run: RunRecord, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(run.folder, elsewhere)

    assert render_page(elsewhere).read_bytes() == render_page(run.folder).read_bytes()


def test_the_plot_carries_the_signals_that_the_trace_names(run: RunRecord) -> None:
    signals = plot(page(run), "v1.08-04")["signals"]

    assert [each["name"] for each in signals] == ["bus voltage", "ATC"]


def test_the_plot_is_decimated(run: RunRecord) -> None:
    signals = plot(page(run), "v1.08-04")["signals"]

    # 4 bytes a value, 4 characters of base64 for 3 bytes.
    assert all(len(str(each["t"])) <= 1500 * 4 * 4 / 3 + 4 for each in signals)


def test_the_plot_carries_events_and_expectations(run: RunRecord) -> None:
    marks = plot(page(run), "v1.08-05")["marks"]

    assert [(each["lane"], each["outcome"]) for each in marks] == [
        ("CAN", ""),
        ("expectation", "unmet"),
    ]


def test_altered_evidence_never_shows_as_a_pass(run: RunRecord) -> None:
    (run.folder / "attempts/v1.08-04/test_it-1/frames.blf").write_bytes(b"forged")

    shown = row(page(run), "v1.08-04")

    assert 'data-verdict="BROKEN"' in shown
    assert "evidence differs from its SHA-256" in shown


def test_missing_evidence_never_shows_as_a_pass(run: RunRecord) -> None:
    (run.folder / "attempts/v1.08-04/test_it-1/frames.blf").unlink()

    assert 'data-verdict="BROKEN"' in row(page(run), "v1.08-04")


def test_a_forged_verdicts_file_is_named_and_not_believed(run: RunRecord) -> None:
    path = run.folder / "verdicts.json"
    path.write_text(path.read_text().replace('"FAIL"', '"PASS"'))

    html = page(run)

    assert 'data-verdict="FAIL"' in row(html, "v1.08-05")
    assert "verdicts.json: differs from what" in html


def test_a_run_that_was_killed_is_shown_as_cut_off(run: RunRecord) -> None:
    (run.folder / "verdicts.json").unlink()

    assert "verdicts.json: missing: the run was cut off" in page(run)


def test_signals_of_an_attempt_that_was_killed_are_shown(run_maker: Maker, tmp_path: Path) -> None:
    record = run_maker(tmp_path / "killed", {"v1.08-04": (None,)})
    path = record.attempt_folder("v1.08-04", "test_it", 1) / "signals.bin"
    with SignalWriter(path) as writer:
        writer.declare("bus voltage", "V")
        writer.add("bus voltage", 0, 52.0)
        writer.flush()
        content = path.read_bytes()
    path.write_bytes(content)

    shown = plot(page(record), "v1.08-04")

    assert [each["name"] for each in shown["signals"]] == ["bus voltage"]
    assert "cut off" in str(shown["note"])


def test_damaged_signals_are_explained_in_their_row(run: RunRecord) -> None:
    (run.folder / "attempts/v1.08-04/test_it-1/signals.bin").write_bytes(b"x" * 100)

    assert "signals.bin: not a signal file" in row(page(run), "v1.08-04")


def test_a_damaged_trace_is_named(run: RunRecord) -> None:
    (run.folder / "attempts/v1.08-04/test_it-1/trace.json").write_text("{")

    assert "attempts/v1.08-04/test_it-1/trace.json: line 1: not JSON" in page(run)


def test_a_corrupt_plan_is_refused(run: RunRecord) -> None:
    (run.folder / "plan.json").write_text("{}")

    with pytest.raises(RecordError, match="format is missing"):
        render_page(run.folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no such folder"):
        render_page(tmp_path / "nowhere")


def test_a_run_in_which_nothing_ran_still_renders(run_maker: Maker, tmp_path: Path) -> None:
    html = page(run_maker(tmp_path / "empty", {"v1.08-04": ()}))

    assert "0 of 1 rows passed" in html


def test_a_perfect_run_says_release(run_maker: Maker, tmp_path: Path) -> None:
    html = page(run_maker(tmp_path / "good", {"v1.08-04": (Verdict.PASS,)}))

    assert "<b>RELEASE</b><span>1 of 1 rows passed" in html
    assert "Needs attention" not in html


def test_the_plot_of_a_flaky_row_shows_the_attempt_that_failed(run: RunRecord) -> None:
    limits = plot(page(run), "v1.09-06")["limits"]

    assert [(each["value"], each["verdict"]) for each in limits] == [(2.0, "FAIL")]


def test_a_flaky_row_shows_what_was_measured_when_it_failed(run: RunRecord) -> None:
    shown = row(page(run), "v1.09-06")

    assert "2.000 ± 0.012" in shown
    assert "5.003 ± 0.012" not in shown


def test_the_page_says_why_the_release_has_its_verdict(run: RunRecord) -> None:
    html = page(run)

    assert "<li>1 row FLAKY, and no deviation accepts it</li>" in html
    assert "<li>The bench was simulated:" in html


def test_the_plot_shows_what_the_claims_were_about_before_the_usual(
    run_maker: Maker, tmp_path: Path
) -> None:
    record = run_maker(tmp_path / "claimed", {"v1.08-04": (Verdict.PASS,)})
    path = record.folder / "attempts/v1.08-04/test_it-1/trace.json"
    path.write_text(path.read_text().replace('"what":"becomes"', '"what":"pack current"'))

    names = [each["name"] for each in plot(page(record), "v1.08-04")["signals"]]

    assert names == ["pack current", "bus voltage", "ATC"]
