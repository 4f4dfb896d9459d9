import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.dossier import dossier_of
from reports.drawing import draw
from reports.pdf import content_of, write_pdf
from reports.plots import Plot
from rig.recording import RunRecord, Verdict

MAKE = "import sys, pathlib, reports.pdf as p, reports.dossier as d; " + (
    "p.write_pdf(d.dossier_of(pathlib.Path(sys.argv[1])))"
)


def test_the_pdf_is_one_with_its_own_fonts(run: RunRecord) -> None:
    pdf = write_pdf(dossier_of(run.folder)).read_bytes()

    assert pdf.startswith(b"%PDF-1.7")
    fonts = set(re.findall(rb"/BaseFont\s*/[A-Z]{6}\+([A-Za-z-]+)", pdf))
    assert {name.split(b"-")[0] for name in fonts} <= {b"SourceSansPro", b"SourceCodePro"}
    assert fonts


def test_the_same_run_gives_the_same_bytes_in_another_place_and_process(
    run: RunRecord, tmp_path: Path
) -> None:
    first = write_pdf(dossier_of(run.folder)).read_bytes()
    elsewhere = Path(shutil.copytree(run.folder, tmp_path / "elsewhere"))
    (elsewhere / "report.pdf").unlink()

    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", MAKE, str(elsewhere)], check=True, env=environment)

    assert (elsewhere / "report.pdf").read_bytes() == first


def test_text_of_the_record_cannot_become_markup(run_maker, tmp_path: Path) -> None:
    record = run_maker(tmp_path / "odd", {"v1.08-04": (Verdict.PASS,)})
    people = tmp_path / "odd" / "lab.toml"
    people.write_text('[lab]\nname = "#panic()[$ *x* @nobody <a> `"\n')

    assert write_pdf(dossier_of(record.folder)).stat().st_size > 10_000


def test_failures_stand_first_on_paper(run: RunRecord) -> None:
    content = content_of(dossier_of(run.folder))
    verdicts = {row["id"]: row["verdict"] for row in content["rows"]}

    assert [verdicts[item] for item in content["order"]][:3] == ["BROKEN", "ABORTED", "FAIL"]


def test_every_row_is_on_paper_with_its_verdict(run: RunRecord) -> None:
    content = content_of(dossier_of(run.folder))

    assert [(row["id"], row["verdict"]) for row in content["rows"]] == [
        (item.id, item.verdict) for item in run.verdicts().items
    ]


def test_a_measurement_has_limits_unit_uncertainty_and_rule(run: RunRecord) -> None:
    content = content_of(dossier_of(run.folder))
    row = next(row for row in content["rows"] if row["id"] == "v1.08-04")

    assert row["measurements"] == [
        ["opening delay", "5.003 ± 0.012", "s", "4.9 … 5.1", "12.310", "simple", "PASS"]
    ]


def test_every_file_of_the_record_is_in_the_manifest_on_paper(run: RunRecord) -> None:
    folders = content_of(dossier_of(run.folder))["manifest"]["folders"]
    listed = {f"{folder}/{name}".lstrip("/") for folder, files in folders for name, _, _ in files}

    attempts = {
        path.relative_to(run.folder).as_posix()
        for path in (run.folder / "attempts").rglob("*")
        if path.is_file()
    }
    assert listed == attempts | {"plan.json", "journal.jsonl", "verdicts.json"}


@pytest.fixture
def plot(run: RunRecord) -> Callable[[str], Plot]:
    rows = {row.id: row for row in dossier_of(run.folder).rows}

    def of(item: str) -> Plot:
        found = rows[item].plot
        assert found is not None
        return found

    return of


def test_a_plot_shows_signals_limits_events_and_claims(plot: Callable[[str], Plot]) -> None:
    svg = draw(plot("v1.08-04"))

    assert ">bus voltage</text>" in svg
    assert ">ATC</text>" in svg
    assert ">CAN</text>" in svg
    assert ">claims</text>" in svg


def test_a_claim_that_was_not_met_has_another_shape(plot: Callable[[str], Plot]) -> None:
    met, unmet = draw(plot("v1.08-04")), draw(plot("v1.08-05"))

    assert "<polygon" not in met
    assert "<polygon" in unmet


def test_two_signals_of_a_strip_differ_without_colour(run: RunRecord) -> None:
    rows = {row.id: row for row in dossier_of(run.folder).rows}
    signals = rows["v1.08-04"].plot
    assert signals is not None
    voltage = signals.signals[0]
    twice = Plot(signals=(voltage, voltage), marks=(), limits=(), note="")

    dashes = re.findall(r'<polyline [^>]*stroke-dasharray="([^"]+)"', draw(twice))

    assert len(dashes) == len(set(dashes)) == 2


def test_a_spike_of_one_sample_is_on_paper() -> None:
    from array import array
    from base64 import b64encode

    from reports.plots import PlottedSignal

    values = array("f", [1.0] * 50_000)
    values[31_234] = 9.0
    times = array("f", range(50_000))
    signal = PlottedSignal(
        name="spike",
        unit="V",
        kind="analog",
        held=False,
        t=b64encode(times.tobytes()).decode(),
        v=b64encode(values.tobytes()).decode(),
    )

    svg = draw(Plot(signals=(signal,), marks=(), limits=(), note=""))
    heights = [float(y) for y in re.findall(r"[\d.]+,([\d.]+)", svg)]

    assert max(heights) - min(heights) > 40
    assert len(heights) < 5_000


def test_nothing_to_draw_is_nothing() -> None:
    assert draw(Plot(signals=(), marks=(), limits=(), note="")) == ""
