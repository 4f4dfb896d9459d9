"""MF4 as a stranger's reader sees it, and the same bytes for the same content."""

from array import array
from datetime import UTC, datetime

import pytest

from rig.recording.mdf4 import Channel, Event, write_mdf4

STARTED = datetime(2026, 11, 22, 17, 0, 1, 500_000, tzinfo=UTC)
ABOUT = {"row": "v1.08-04", "SHA-256 of private.dbc": "ab" * 32, "odd": '<&"'}
CHANNELS = (
    Channel(
        name="bus voltage",
        unit="V",
        comment="analog",
        times_us=array("q", [0, 100_000, 12_345_678]),
        values=array("d", [51.5, 52.25, float("nan")]),
    ),
    Channel(
        name="contactor",
        unit="",
        comment="digital",
        times_us=array("q", [7]),
        values=array("d", [1.0]),
    ),
)
EVENTS = (
    Event(time_us=0, name="digital", comment="start pressed"),
    Event(time_us=5_000_123, name="expectation met", comment="contactor opens 5.0 \u00b1 0.1 s"),
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "attempt.mf4"
    write_mdf4(path, STARTED, ABOUT, CHANNELS, EVENTS)
    return path


def test_the_same_content_gives_the_same_bytes(file, tmp_path):
    write_mdf4(tmp_path / "again.mf4", STARTED, ABOUT, CHANNELS, EVENTS)

    assert (tmp_path / "again.mf4").read_bytes() == file.read_bytes()


def test_every_block_begins_at_a_multiple_of_8_bytes(file):
    content = file.read_bytes()
    at, kinds = 64, []
    while at < len(content):
        assert content[at : at + 2] == b"##"
        kinds.append(content[at + 2 : at + 4].decode())
        length = int.from_bytes(content[at + 8 : at + 16], "little")
        at += length + -length % 8

    assert at == len(content)
    assert (kinds[0], kinds.count("DG"), kinds.count("EV")) == ("HD", 2, 2)


@pytest.fixture
def opened(file):
    asammdf = pytest.importorskip("asammdf", reason="asammdf is missing: make independent")
    with asammdf.MDF(file) as mdf:
        yield mdf


# Its own dependencies warn; that is theirs.
foreign = [pytest.mark.independent, pytest.mark.filterwarnings("ignore")]


class TestAsammdf:
    """What asammdf reads."""

    pytestmark = foreign

    def test_a_signal_has_its_unit_times_and_values(self, opened):
        signal = opened.get("bus voltage")

        assert (signal.unit, signal.comment) == ("V", "analog")
        assert list(signal.timestamps) == [0.0, 0.1, 12.345678]
        assert list(signal.samples[:2]) == [51.5, 52.25]

    def test_a_signal_of_one_sample_is_there(self, opened):
        assert list(opened.get("contactor").samples) == [1.0]

    def test_events_have_their_instants_and_texts(self, opened):
        told = [(event.value, event.name, event.comment) for event in opened.events]

        assert told == [
            (0.0, "digital", "start pressed"),
            (pytest.approx(5.000123), "expectation met", "contactor opens 5.0 \u00b1 0.1 s"),
        ]

    def test_the_header_says_when_it_began_and_by_which_databases(self, opened):
        assert opened.header.start_time == STARTED
        assert opened.header._common_properties["SHA-256 of private.dbc"] == "ab" * 32

    def test_a_file_without_signals_opens(self, tmp_path):
        asammdf = pytest.importorskip("asammdf", reason="asammdf is missing: make independent")
        write_mdf4(tmp_path / "none.mf4", STARTED, {}, (), ())

        with asammdf.MDF(tmp_path / "none.mf4") as mdf:
            assert len(mdf.groups) == 0
