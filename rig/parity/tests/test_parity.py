"""Parity on traces that were broken on purpose: it has to say what is wrong, and when."""

import pytest

from rig.errors import BenchFileError
from rig.parity import compare_runs, read_bands
from rig.parity.tests.recorded import Told, write_run
from rig.recording import RunRecord, Verdict

BANDS = """
goal_pct = 99.0
[claims]
time_s = 0.5
why = "a test's"
[[signals]]
match = ["lamp"]
kind = "ignored"
why = "a test's"
[[signals]]
match = ["state", "contact"]
kind = "state"
time_s = 0.5
why = "a test's"
[[signals]]
match = ["voltage"]
value = 0.05
time_s = 0.5
why = "a test's"
"""
STATE = [(0.0, 14.0), (4.9, 14.0), (5.0, 4.0), (9.9, 4.0), (10.0, 9.0), (20.0, 9.0)]
STEADY_OFFSET = [(0.0, 26.08), (20.0, 26.08)]
VOLTAGE = [(0.0, 26.0), (9.9, 26.0), (10.0, 26.5), (20.0, 26.5)]


@pytest.fixture
def bands(tmp_path):
    path = tmp_path / "bands.toml"
    path.write_text(BANDS)
    return read_bands(path)


@pytest.fixture
def parity(tmp_path, bands):
    """Of one attempt's signals on two benches; each by name."""

    def of(first: dict, second: dict, *claims):
        for name, signals, at in (("sim", first, 0), ("wire", second, 1)):
            told = {(each, "V"): samples for each, samples in signals.items()}
            settled = [(claim[at], "the claim") for claim in claims]
            write_run(tmp_path / name, {"v1.08-04": Told(signals=told, claims=settled)}, name)
        found = compare_runs(RunRecord(tmp_path / "sim"), RunRecord(tmp_path / "wire"), bands)
        assert not found.failures
        return found

    return of


def only(found, name):
    (attempt,) = found.attempts
    return next(each for each in attempt.signals if each.name == name)


def later(samples, by_s, from_s=0.0):
    return [(t + by_s if t >= from_s else t, v) for t, v in samples]


def test_the_same_signals_are_all_in_band(parity):
    found = parity({"state": STATE, "voltage": VOLTAGE}, {"state": STATE, "voltage": VOLTAGE})

    assert found.in_band_pct == 100.0
    assert found.compared_s == pytest.approx(40.0)
    assert not found.out_of_band


def test_an_offset_is_out_of_band_from_the_first_to_the_last_reading(parity):
    found = parity({"voltage": [(0.0, 26.0), (20.0, 26.0)]}, {"voltage": STEADY_OFFSET})

    (span,) = only(found, "voltage").spans
    assert (span.begin_s, span.end_s) == (0.0, 20.0)
    assert span.excess == pytest.approx(0.03)
    assert found.in_band_pct == pytest.approx(0.0)


def test_an_offset_within_the_band_is_in_band(parity):
    found = parity({"voltage": VOLTAGE}, {"voltage": [(t, v + 0.04) for t, v in VOLTAGE]})

    assert found.in_band_pct == 100.0


def test_a_late_edge_is_out_of_band_from_where_the_other_has_it(parity):
    state = only(parity({"state": STATE}, {"state": later(STATE, 1.2, from_s=9.9)}), "state")

    (span,) = state.spans
    assert (span.begin_s, span.end_s) == (pytest.approx(10.0), pytest.approx(11.1))
    assert (span.first, span.second) == (9.0, 4.0)


def test_an_edge_that_is_late_within_the_band_is_in_band(parity):
    found = parity({"state": STATE}, {"state": later(STATE, 0.4, from_s=9.9)})

    assert found.in_band_pct == 100.0


def test_a_missing_edge_is_named(parity):
    without = [(0.0, 14.0), (9.9, 14.0), (10.0, 9.0), (20.0, 9.0)]

    state = only(parity({"state": STATE}, {"state": without}), "state")

    assert state.missing == ("the second has no edge to 4 as at 5.00 s",)
    assert state.outside_s == pytest.approx(4.9, abs=0.3)


def test_an_edge_too_many_is_named(parity):
    more = [*STATE[:-1], (14.9, 9.0), (15.0, 10.0), (20.0, 10.0)]

    state = only(parity({"state": STATE}, {"state": more}), "state")

    assert state.missing == ("the first has no edge to 10 as at 15.00 s",)


def test_what_is_over_between_two_readings_need_not_be_seen(parity):
    short = [*STATE[:2], (4.95, 5.0), (4.99, 5.0), *STATE[2:]]

    assert only(parity({"state": short}, {"state": STATE}), "state").missing == ()


def test_a_pulse_that_the_other_has_not_is_out_of_band_however_short(parity):
    pulse = [(0.0, 0.0), (7.0, 0.0), (7.01, 1.0), (7.2, 1.0), (7.21, 0.0), (20.0, 0.0)]

    contact = only(parity({"contact": pulse}, {"contact": [(0.0, 0.0), (20.0, 0.0)]}), "contact")

    assert contact.outside_s == pytest.approx(0.2, abs=0.02)
    assert contact.spans[0].begin_s == pytest.approx(7.01, abs=0.02)


def test_between_two_readings_that_differ_either_value_is_right(parity):
    seldom = [(0.0, 0.0), (4.0, 0.0), (12.0, 1.0), (20.0, 1.0)]
    often = [(0.0, 0.0), (10.9, 0.0), (11.0, 1.0), (20.0, 1.0)]

    assert parity({"contact": seldom}, {"contact": often}).in_band_pct == 100.0


def test_a_signal_of_one_run_only_is_out_of_band(parity):
    found = parity({"voltage": VOLTAGE}, {"voltage": VOLTAGE, "state": STATE})

    state = only(found, "state")
    assert (state.only, state.outside_s) == ("second", 20.0)
    assert found.in_band_pct == pytest.approx(50.0)


def test_what_is_told_later_is_out_of_band_until_then(parity):
    state = only(parity({"state": STATE}, {"state": [(3.0, 14.0), *STATE[1:]]}), "state")

    assert state.outside_s == pytest.approx(2.5)


def test_a_signal_without_a_band_may_not_differ_at_all(parity):
    found = parity({"new": [(0.0, 1.0), (20.0, 1.0)]}, {"new": [(0.0, 1.001), (20.0, 1.001)]})

    assert only(found, "new").band.why == "no band is declared for it"
    assert found.in_band_pct == pytest.approx(0.0)


def test_what_is_ignored_is_not_counted(parity):
    found = parity({"lamp": VOLTAGE, "state": STATE}, {"lamp": [(0.0, 0.0)], "state": STATE})

    assert [each.name for each in found.attempts[0].signals] == ["state"]


def test_a_bench_that_took_longer_to_a_claim_is_laid_over_the_other_at_it(parity):
    found = parity({"state": STATE}, {"state": later(STATE, 0.4, 4.9)}, (5.0, 5.4))

    assert found.in_band_pct == 100.0
    assert found.attempts[0].late == ()


def test_a_claim_that_came_too_late_is_named_though_the_signals_fit(parity):
    found = parity({"state": STATE}, {"state": later(STATE, 3.0, 9.9)}, (5.0, 5.0), (10.0, 13.0))

    late = found.attempts[0].late[0]
    assert (late.what, late.time_s, late.first_s, late.second_s) == (
        "claim 2, the claim",
        10.0,
        5.0,
        8.0,
    )
    assert late.excess_s == pytest.approx(2.5)


def test_claims_that_are_not_the_same_are_said_to_be_not(tmp_path, bands):
    runs = []
    for name, claims in (("sim", [(5.0, "a"), (6.0, "b")]), ("wire", [(5.0, "a"), (6.0, "c")])):
        told = Told(signals={("state", ""): STATE}, claims=claims)
        runs.append(write_run(tmp_path / name, {"v1.08-04": told}))

    (attempt,) = compare_runs(*runs, bands).attempts

    assert attempt.unaligned == "claim 2 is 'b' met, then 'c'"


def test_missing_evidence_is_a_failure_and_no_parity(tmp_path, bands):
    told = {"v1.08-04": Told(signals={("state", ""): STATE})}
    runs = [write_run(tmp_path / name, told) for name in ("sim", "wire")]
    (runs[1].folder / "attempts/v1.08-04/test_it-1/signals.bin").unlink()

    found = compare_runs(*runs, bands)

    assert found.in_band_pct is None
    assert "wire/attempts/v1.08-04/test_it-1/signals.bin: cannot be read" in found.failures[0]


def test_what_was_not_run_is_not_compared(tmp_path, bands):
    told = Told(signals={("state", ""): STATE})
    other = Told(signals={("state", ""): STATE}, verdict=Verdict.NOT_RUN)
    runs = [
        write_run(tmp_path / name, {"v1.08-04": one})
        for name, one in (("sim", told), ("wire", other))
    ]

    assert compare_runs(*runs, bands).attempts == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("goal_pct = 99.0", "claims is None; allowed: a table"),
        (BANDS.replace("goal_pct = 99.0", ""), "goal_pct is None; allowed: a number"),
        (BANDS.replace("value = 0.05", "value = -1"), r"signals\[2\].value is -1; allowed"),
        (BANDS.replace('kind = "state"', 'kind = "sate"'), r"signals\[1\].kind is 'sate'; allowed"),
        (BANDS.replace("value =", "valu ="), r"signals\[2\].valu is 0.05; allowed"),
        (BANDS.replace('["lamp"]', '"lamp"'), r"signals\[0\].match is 'lamp'; allowed: a list"),
        (BANDS.replace('"a test\'s"', '""', 1), "claims.why is ''; allowed: a sentence"),
        ("goal_pct = ", "no TOML"),
    ],
)
def test_a_file_of_bands_that_cannot_be_used_is_said_to_be_so(tmp_path, text, said):
    path = tmp_path / "bands.toml"
    path.write_text(text)

    with pytest.raises(BenchFileError, match=said):
        read_bands(path)


def test_every_band_of_the_project_says_why():
    bands = read_bands()

    assert all(band.why for _, band in bands.signals)
    assert bands.of("vreg.state").kind == "state"
    assert bands.of("something new").why == "no band is declared for it"
