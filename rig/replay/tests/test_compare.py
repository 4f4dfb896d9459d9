"""Comparing what a device said with what the model says."""

import pytest

from rig.errors import BenchFileError
from rig.replay.compare import compare, rule_for, series_of, tolerances


def at(*told):
    return [(round(t_s * 1e6), value) for t_s, value in told]


def test_the_first_difference_is_on_top():
    then = {"vreg.state": at((0, 9), (20, 12)), "vreg.error": at((0, 0), (5, 13))}
    now = {"vreg.state": at((0, 9), (20, 12)), "vreg.error": at((0, 0))}

    found = compare(then, now)

    assert str(found.first) == "5.000 s: vreg.error was 13 then, the model says 0"
    assert found.alike_pct == pytest.approx(100 * 6 / 7)


def test_what_the_model_alone_says_is_a_difference_too():
    found = compare({"vreg.error": at((0, 0))}, {"vreg.error": at((0, 0), (3, 26))})

    assert str(found.first) == "3.000 s: vreg.error was 0 then, the model says 26"


def test_within_its_tolerances_of_value_and_time_nothing_differs():
    then = {"127508.current_a": at((0, 0.0), (10, 20.0))}
    now = {"127508.current_a": at((0, 0.1), (12.5, 22.5))}

    assert compare(then, now).first is None


def test_later_than_its_tolerance_it_differs():
    then, now = {"vreg.state": at((0, 9), (10, 12))}, {"vreg.state": at((0, 9), (11, 12))}

    assert compare(then, now).first is not None


def test_what_is_ignored_is_named_and_never_differs():
    found = compare({"vreg.firmware_index": at((0, 1))}, {"vreg.firmware_index": at((0, 2))})

    assert found.first is None
    assert found.signals[0].ignored


def test_every_signal_has_a_rule():
    assert rule_for("vreg.never_heard_of", tolerances()).time_us == 800_000


def test_a_word_that_is_no_rule_is_refused_with_the_file(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('[[signal]]\nname = "x"\nwhithin = 3\n')

    with pytest.raises(BenchFileError, match=r"own\.toml: whithin: allowed: ignored"):
        tolerances(path)


def test_only_the_device_is_decoded_and_its_state_before_is_kept():
    told = [
        (0, "ve_can", 0x1CEFFF50, True, bytes.fromhex("6699710309FFFFFF")),
        (1_000_000, "ve_can", 0x1CEFFF51, True, bytes.fromhex("669971030AFFFFFF")),
        (2_000_000, "ve_can", 0x19F21450, True, bytes.fromhex("00280A9CFFFFFF00")),
        (9_000_000, "ve_can", 0x1CEFFF50, True, bytes.fromhex("669971030CFFFFFF")),
    ]

    found = series_of(told, 0x50, 1_500_000, 5_000_000)

    assert found == {
        "vreg.state": [(0, 9)],
        "127508.voltage_v": [(2_000_000, 26.0)],
        "127508.current_a": [(2_000_000, -10.0)],
    }
