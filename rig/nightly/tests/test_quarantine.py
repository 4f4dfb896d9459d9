from datetime import date

import pytest

from rig.errors import BenchFileError
from rig.nightly.quarantine import read_quarantine

KNOWN = ("v1.08-04", "v1.30-04")
DAY = date(2026, 11, 22)
WHOLE = """
[[quarantine]]
id = "v1.30-04"
owner = "J. Doe"
reason = "the load trips"
since = 2026-11-20
expires = 2026-12-04
ticket = "LAB-311"
"""


def read(tmp_path, text):
    path = tmp_path / "quarantine.toml"
    path.write_text(text)
    return read_quarantine(path, KNOWN, DAY)


def test_an_entry_says_who_why_and_until_when(tmp_path):
    found = read(tmp_path, WHOLE)

    (entry,) = found.entries.values()
    assert list(found.entries) == ["v1.30-04"]
    assert (entry.owner, entry.ticket, entry.expires) == ("J. Doe", "LAB-311", "2026-12-04")
    assert found.expired(DAY) == ()


def test_its_last_day_counts_and_the_next_does_not(tmp_path):
    found = read(tmp_path, WHOLE)

    assert found.expired(date(2026, 12, 4)) == ()
    assert found.expired(date(2026, 12, 5)) == ("v1.30-04",)


def test_an_entry_that_begins_later_is_not_in_force(tmp_path):
    found = read(tmp_path, WHOLE.replace("since = 2026-11-20", "since = 2026-11-23"))

    assert found.entries == {}
    assert found.later == ("v1.30-04",)


@pytest.mark.parametrize(
    ("was", "becomes", "field"),
    [
        pytest.param('owner = "J. Doe"\n', "", "owner: is missing", id="no owner"),
        pytest.param('reason = "the load trips"', 'reason = " "', "reason: ' '", id="no reason"),
        pytest.param("expires = 2026-12-04\n", "", "expires: is missing", id="no expiry"),
        pytest.param("2026-12-04", '"2026-12-04"', "expires: '2026-12-04'", id="a day as text"),
        pytest.param("2026-12-04", "2026-11-19", "is before since", id="backwards"),
        pytest.param("v1.30-04", "v9.99-01", "id: 'v9.99-01'", id="an unknown row"),
        pytest.param("ticket", "tickets", "tickets: is unknown", id="an unknown field"),
        pytest.param("[[quarantine]]", "[quarantine]", "is no list of tables", id="no list"),
        pytest.param("[[quarantine]]", "[[quarantined]]", "quarantined: is unknown", id="a table"),
        pytest.param("[[quarantine]]", "[[quarantine", "is no TOML", id="no TOML"),
    ],
)
def test_a_broken_file_is_one_line_with_file_and_field(tmp_path, was, becomes, field):
    with pytest.raises(BenchFileError) as told:
        read(tmp_path, WHOLE.replace(was, becomes))

    assert "quarantine.toml: " in str(told.value)
    assert field in str(told.value)
    assert "\n" not in str(told.value)


def test_one_row_is_there_once(tmp_path):
    with pytest.raises(BenchFileError, match=r"quarantine\[1\]\.id: v1\.30-04 is there already"):
        read(tmp_path, WHOLE + WHOLE)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(BenchFileError, match="No such file"):
        read_quarantine(tmp_path / "none.toml", KNOWN, DAY)
