"""What only a person knows is asked once, kept, and told in the record; certificates count."""

import shutil
from dataclasses import replace

import pytest

from rig.benches.file import FOLDER, load_bench
from rig.benches.instrumented import power_driver
from rig.benches.lab.asked import Answers, described, keep_answers, read_answers


class Unasked:
    """A session that nobody uses."""

    def read_status_before_errors(self, *_: object) -> None:
        pass


@pytest.fixture
def lab(tmp_path):
    shutil.copy(FOLDER / "lab_example.toml", tmp_path / "lab.toml")
    return load_bench(str(tmp_path / "lab.toml"))


def test_nobody_has_been_asked_at_first(lab):
    assert read_answers(lab) == Answers(dut_label="", operator="")


def test_what_was_answered_is_kept_and_told_in_the_record(lab):
    keep_answers(lab, Answers(dut_label="LV-7", operator="A. Jansen"))

    assert read_answers(lab) == Answers(dut_label="LV-7", operator="A. Jansen")
    assert described(lab).endswith("; device under test: LV-7; operator: A. Jansen")


def test_the_label_of_the_bench_file_counts_more(lab):
    keep_answers(lab, Answers(dut_label="LV-7", operator="A. Jansen"))
    device = replace(lab.lab.device, label="LV-8")

    assert read_answers(replace(lab, lab=replace(lab.lab, device=device))).dut_label == "LV-8"


def test_answers_that_cannot_be_read_are_asked_for_again(lab):
    lab.path.with_suffix(".asked.json").write_text("{")

    assert read_answers(lab) == Answers()


def test_a_bench_that_is_no_lab_is_described_as_its_file_says():
    bench = load_bench("sim")

    assert described(bench) == bench.description


def test_the_certificates_uncertainty_counts_more_than_the_drivers(lab):
    role = lab.roles["charger"]  # its certificate: 0.04 V and 0.8 A

    certified = power_driver(role, Unasked())
    by_driver = power_driver(replace(role, uncertainty={}), Unasked())

    assert certified.current_uncertainty_a(10.0) == 0.8
    assert by_driver.current_uncertainty_a(10.0) == 1.0
