"""No number is shared: what the check catches, and what it lets pass."""

import pytest

from rig.checks.shared_numbers import ROOT, findings, is_distinctive

LIMITS = """
value = [
  { name = "silence.critical", value = 25, unit = "s", basis = "chosen", source = "ours" },
  { name = "window", value = 350, unit = "ms", basis = "chosen", source = "ours" },
  { name = "rising", value = 0.025, unit = "V/s", basis = "chosen", source = "ours" },
  { name = "round", value = 30, unit = "s", basis = "chosen", source = "ours" },
  { name = "level", value = 3.44, unit = "V", basis = "public", source = "a manual" },
]
[[type]]
name = "big"
rate = { economic = 0.55, basis = "chosen", source = "ours" }
"""
SCENARIO, PLANT, BENCH = "scenarios/v1_08/test_04_x.py", "rig/plant/cell.py", "rig/benches/sim.toml"


@pytest.fixture
def found(tmp_path):
    """A function: the findings of a tree that has one file with this text."""

    def check(path, text):
        for name, content in (("bms/data/limits.toml", LIMITS), (path, text)):
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return findings(tmp_path)

    return check


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (20, False),
        (600, False),
        (1.0, False),
        (25, True),
        (105, True),
        (0.5, False),
        (0.006, False),
        (0.55, True),
        (-11, True),
    ],
    ids=str,
)
def test_a_number_of_one_significant_digit_is_not_distinctive(value, expected):
    assert is_distinctive(value) is expected


def test_a_finding_names_file_and_line_and_whose_number_it_is(found):
    text = "import rig\n\nWITHIN = seconds(25)\n"

    assert found(SCENARIO, text) == [
        f"{SCENARIO}:3: 25 is also chosen in bms/data/limits.toml silence.critical"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "x = 25",
        "x = -5 + 25",
        "wait(milliseconds(25_000))",
        "wait(milliseconds(350))",
        "wait(350)",
        "wait_s = 0.35",
        "x = 0.55",
        "x = 25  # chosen: a comment is no reason here",
        "x = other(25, 'not the function')",
        "def f(delay_s=25): ...",
        "def f(*, delay_s: float = 25): ...",
        "x: float = 25",
        "x = [1, (2, 25)]",
    ],
)
def test_a_chosen_number_in_a_scenario_is_caught(found, text):
    assert len(found(SCENARIO, text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "x = chosen(25, 'ours, too')",
        "x = chosen(seconds(25), 'ours, too')",
        "x = 25  # public: the number of an event",
        "x = seconds(30)",
        "x = 3.44",
        "needs(temperature_c=25)",
        "x = milliseconds(25)",
        "x = '25'",
        "x = 250",
    ],
)
def test_a_reason_another_unit_or_a_public_number_passes_in_a_scenario(found, text):
    assert found(SCENARIO, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "SLOPE = 0.025",
        "SLOPE = 0.025  # V/s",
        "p = Parameter(value=0.55, unit='1')",
        "half = 0.55 * x",
    ],
)
def test_a_chosen_number_without_its_own_source_is_caught_in_the_plant(found, text):
    assert len(found(PLANT, text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "SLOPE = 0.025  # chosen: below what a meter shows",
        "SLOPE = 0.025  # public: a data sheet",
        "p = Parameter(value=0.55, unit='1', basis='public: a data sheet')",
        "capacitance_f = 0.025",
        "dissipation_w_per_k = 0.025",
        "mean = 0.5 * (a + b)",
    ],
)
def test_a_source_another_unit_or_a_half_passes_in_the_plant(found, text):
    assert found(PLANT, text) == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("[envelope]\ntime_s_max = 25\n", [2]),
        ("[envelope]\nratio = [1, 0.55]\n", [2]),
        ("[envelope]\ntime_s_max = 25 # public: a data sheet\n", []),
        ("[envelope] # chosen: ours, too\ntime_s_max = 25\n", []),
        ("[a] # chosen: ours, too\nx_s = 25\n[b]\ny_s = 25\n", [4]),
        ('[roles]\nserial = "25"\n', []),
        ("[envelope]\ncurrent_a_max = 25\n", []),
    ],
    ids=["bare", "in a list", "line", "table", "next table", "text", "unit"],
)
def test_a_bench_file_needs_a_source_on_the_line_or_at_the_table(found, text, lines):
    assert [int(finding.split(":")[1]) for finding in found(BENCH, text)] == lines


def test_the_plants_own_tests_are_not_met(found):
    assert found("rig/plant/tests/test_cell.py", "x = 25") == []


def test_this_project_shares_no_number():
    assert findings(ROOT) == []
