"""Every format says the same; what is special of each is read as its writers mean it."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from rig.replay.log import Log, LogError, LoggedFrame, Problem, open_log
from rig.replay.tests.samples import KINDS, blf_of, expected, messages, written

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str | bytes, name: str = "a.log") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode("latin-1"))
        return path

    return to_file


def contents(log: Log) -> list[tuple[int, int, bool, bytes]]:
    return [(f.t_us, f.can_id, f.extended, f.data) for f in log.frames()]


def frames(path: Path, mapping: Path | None = None) -> list[LoggedFrame]:
    return list(open_log(path, mapping=mapping).frames())


@pytest.mark.parametrize("kind", KINDS)
def test_each_format_gives_the_same_frames(kind: str, tmp_path: Path) -> None:
    found = contents(open_log(written(tmp_path, kind)))

    wanted = expected()
    assert [each[1:] for each in found] == [each[1:] for each in wanted]
    # ASC and TRC count in whole milliseconds from their start, PEAK's 1.1 in tenths.
    assert all(abs(a[0] - b[0]) <= 1000 for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("kind", ["log", "blf", "savvycan.csv"])
def test_times_are_kept_to_the_microsecond(kind: str, tmp_path: Path) -> None:
    found = [each[0] for each in contents(open_log(written(tmp_path, kind)))]

    assert found == [25_000 * number for number in range(40)]


@pytest.mark.parametrize("kind", ["log", "asc", "blf", "trc", "printed", "savvycan.csv"])
def test_two_buses_stay_apart(kind: str, tmp_path: Path) -> None:
    log = open_log(written(tmp_path, kind))

    assert [bus.frames for bus in log.summary.buses] == [23, 17]


def test_a_log_in_unix_time_tells_when_it_began(tmp_path: Path) -> None:
    assert open_log(written(tmp_path, "log")).meta.start_utc_us == 1_700_000_000_000_000


def test_a_log_that_counts_from_its_start_tells_no_date(write: Write) -> None:
    path = write("(000.100000) can0 123#00\n(000.200000) can0 123#00\n")

    assert open_log(path).meta.start_utc_us is None


def test_candump_prints_differences_that_add_up(write: Write) -> None:
    path = write(
        " (000.000000)  can0  123   [1]  01\n"
        " (000.500000)  can0  123   [1]  02\n"
        " (000.100000)  can0  123   [1]  03\n"
        " (000.500000)  can0  123   [1]  04\n"
    )

    assert [each.t_us for each in frames(path)] == [0, 500_000, 600_000, 1_100_000]


def test_candump_prints_dates(write: Write) -> None:
    path = write(
        " (2023-11-14 22:13:20.000100)  can0  18EEFF50   [2]  01 02   '..'\n"
        " (2023-11-14 22:13:21.000100)  can0  RX - -  123   [0] \n"
    )

    log = open_log(path)

    assert contents(log) == [
        (0, 0x18EEFF50, True, b"\x01\x02"),
        (1_000_000, 0x123, False, b""),
    ]
    assert log.meta.start_utc_us == 1_700_000_000_000_100


def test_candump_error_frames_are_errors_and_their_words_are_passed_over(write: Write) -> None:
    path = write(
        "(1.000000) can0 123#01\n(1.500000) can0 20000080#0000000000000000\n\t\tbus-error{}\n"
    )

    log = open_log(path)

    assert [each.error for each in log.frames()] == [False, True]
    assert log.problems.findings == {}


def test_can_fd_and_remote_frames_are_counted_and_left_out(write: Write) -> None:
    path = write("(1.0) can0 123#01\n(2.0) can0 123##1AABB\n(3.0) can0 123#R4\n")

    log = open_log(path)

    assert len(list(log.frames())) == 1
    assert log.problems.of(Problem.SKIPPED).count == 2


def test_lines_without_a_time_are_refused_in_one_line(write: Write) -> None:
    path = write("  can0  123   [1]  01\n")

    with pytest.raises(LogError, match=r"line 1 has no time; allowed: what `candump -L`"):
        frames(path)


def test_a_damaged_line_is_told_with_its_number(write: Write) -> None:
    path = write("(1.0) can0 123#01\n(1.1) can0 12#3\n(1.2) can0 123#0\n(1.3) can0 123#02\n")

    found = open_log(path).problems.of(Problem.UNREADABLE)

    assert [place.where for place in found.first] == ["line 2", "line 3"]


ASC = "date Tue Nov 14 22:13:20.000 2023\nbase {base}  timestamps {times}\n"


def test_asc_differences_add_up_events_included(write: Write) -> None:
    path = write(
        ASC.format(base="hex", times="relative")
        + "0.5 1 100 Rx d 1 01\n0.25 1 Statistic: D 1\n0.25 1 100 Rx d 1 02\n0.1 1 100 Rx d 1 03\n",
        "a.asc",
    )

    assert [each.t_us for each in frames(path)] == [0, 500_000, 600_000]


def test_asc_relative_times_that_only_rise_count_from_the_start(write: Write) -> None:
    path = write(
        ASC.format(base="hex", times="relative")
        + "".join(f"{0.1 * n:.6f} 1 100 Rx d 1 0{n}\n" for n in range(1, 6)),
        "a.asc",
    )

    assert [each.t_us for each in frames(path)] == [0, 100_000, 200_000, 300_000, 400_000]


def test_asc_in_decimal_is_read_in_decimal(write: Write) -> None:
    path = write(ASC.format(base="dec", times="absolute") + "1.0 1 256 Rx d 2 10 255\n", "a.asc")

    assert contents(open_log(path)) == [(0, 0x100, False, b"\x0a\xff")]


def test_asc_classical_frames_of_a_can_fd_channel_are_read(write: Write) -> None:
    line = "1.0 CANFD 1 Rx 18F02001x 0 0 8 8 01 02 03 04 05 06 07 08 0 0 {flags} 0 0 0 0 0\n"
    path = write(
        ASC.format(base="hex", times="absolute")
        + line.format(flags="0")
        + line.format(flags="1000"),
        "a.asc",
    )

    log = open_log(path)

    assert contents(log) == [(0, 0x18F02001, True, bytes.fromhex("0102030405060708"))]
    assert log.problems.of(Problem.SKIPPED).count == 1


def test_asc_error_frames_are_errors(write: Write) -> None:
    path = write(ASC.format(base="hex", times="absolute") + "1.0 2 ErrorFrame\n", "a.asc")

    assert [(each.error, each.data) for each in frames(path)] == [(True, b"")]


TRC = {
    "1.0": "     1)      1000    18F02001  2   AB CD\n",
    "1.1": ";$FILEVERSION=1.1\n     1)      1000.0  Rx     18F02001  2  AB CD\n",
    "1.2": ";$FILEVERSION=1.2\n     1)      1000.000 1  Rx     18F02001  2  AB CD\n",
    "1.3": ";$FILEVERSION=1.3\n     1)      1000.000 1  Rx     18F02001 -  2    AB CD\n",
    "2.0": ";$FILEVERSION=2.0\n;$COLUMNS=N,O,T,I,d,l,D\n  1  1000.000 DT 18F02001 Rx 2  AB CD\n",
    "2.1": ";$FILEVERSION=2.1\n;$COLUMNS=N,O,T,B,I,d,R,L,D\n"
    " 1 1000.000 DT 1 18F02001 Rx - 2 AB CD\n",
}


@pytest.mark.parametrize("version", TRC)
def test_every_version_of_trc_is_read(version: str, write: Write) -> None:
    log = open_log(write(TRC[version], "a.trc"))

    assert contents(log) == [(0, 0x18F02001, True, b"\xab\xcd")]
    assert log.meta.formats == (f"TRC {version}",)


def test_an_unknown_version_of_trc_is_refused_in_one_line(write: Write) -> None:
    with pytest.raises(LogError, match=r"TRC version '3.0' is not known; allowed: 1.0, 1.1"):
        frames(write(";$FILEVERSION=3.0\n 1 1.0 DT 1 123 Rx - 1 00\n", "a.trc"))


def blf_object(kind: int, body: bytes, *, time: int = 0, unit: int = 2) -> bytes:
    size = 32 + len(body)
    return struct.pack("<4sHHLLLHHQ", b"LOBJ", 32, 1, size, kind, unit, 0, 0, time) + body


def blf_frame(time: int, can_id: int = 0x98F02001, unit: int = 2) -> bytes:
    body = struct.pack("<HBBL8s", 1, 0, 8, can_id, bytes(range(8)))
    return blf_object(1, body, time=time, unit=unit)


def test_blf_times_in_ten_microseconds_are_read(write: Write) -> None:
    path = write(blf_of(blf_frame(0, unit=1) + blf_frame(70, unit=1)), "a.blf")

    assert [each.t_us for each in frames(path)] == [0, 700]


def test_a_blf_object_that_goes_on_in_the_next_container_is_one_frame(write: Write) -> None:
    objects = blf_frame(0) + blf_frame(1_000_000_000)
    whole, rest = blf_of(objects[:70]), blf_of(objects[70:])

    path = write(whole + rest[144:], "a.blf")

    assert [each.t_us for each in frames(path)] == [0, 1_000_000]


def test_a_blf_classical_frame_in_a_can_fd_object_is_read(write: Write) -> None:
    head = struct.pack("<BBBxL4xL", 1, 8, 8, 0x98F02001, 0).ljust(40, b"\0")
    path = write(blf_of(blf_object(101, head + bytes(range(8)))), "a.blf")

    assert contents(open_log(path)) == [(0, 0x18F02001, True, bytes(range(8)))]


def test_a_blf_file_that_ends_early_gives_what_it_has_and_says_so(tmp_path: Path) -> None:
    whole = written(tmp_path, "stored.blf").read_bytes()
    path = tmp_path / "cut.blf"
    path.write_bytes(whole[:1000])

    log = open_log(path)

    assert 10 < len(list(log.frames())) < 40
    assert log.problems.of(Problem.UNREADABLE).count >= 1


def test_damage_in_a_blf_file_costs_one_frame(write: Write) -> None:
    objects = [blf_frame(1_000_000_000 * number) for number in range(5)]
    objects[2] = b"XXXX" + objects[2][4:]

    log = open_log(write(blf_of(b"".join(objects)), "a.blf"))

    assert [each.t_us for each in log.frames()] == [0, 1_000_000, 3_000_000, 4_000_000]
    assert log.problems.of(Problem.UNREADABLE).count == 1


def test_a_packed_log_that_ends_early_gives_what_it_has_and_says_so(tmp_path: Path) -> None:
    lines = "".join(
        f"({n}.000000) can0 123#{n % 251:02X}{n * 7919 % 256:02X}\n" for n in range(5000)
    )
    path = tmp_path / "a.log.gz"
    path.write_bytes(gzip.compress(lines.encode())[:-2000])

    log = open_log(path)

    assert 1000 < len(list(log.frames())) < 5000
    assert "ends too early" in log.problems.of(Problem.UNREADABLE).first[0].note


MAPPING = """
delimiter = ";"
decimal = ","
time = { column = "Zeit", unit = "ms" }
identifier = { column = "Kennung", base = 10 }
data = { column = "Daten", as = "dec" }
bus = { column = "Kanal" }
extended = { column = "Art", values = ["x"] }
"""


def test_any_table_is_read_by_a_mapping(write: Write) -> None:
    table = "Zeit;Kanal;Kennung;Art;Daten\n1000,5;A;291;s;1 2 255\n2000,5;B;291;x;\n"

    log = open_log(write(table, "a.csv"), mapping=write(MAPPING, "m.toml"))

    assert contents(log) == [(0, 0x123, False, b"\x01\x02\xff"), (1_000_000, 0x123, True, b"")]
    assert log.meta.buses == ("A", "B")


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("time = { column = 'Zeit' }", "identifier is missing; allowed: identifier ="),
        (MAPPING.replace('"ms"', '"h"'), "time.unit: allowed: s, ms, us, ns, iso"),
        (MAPPING.replace("Kanal", "Bus"), "no column Bus; allowed: Zeit, Kanal"),
        (MAPPING + "colour = 1", "colour is not known; allowed: time"),
        ("time = ", "allowed: a TOML file"),
    ],
    ids=["missing", "unit", "column", "key", "toml"],
)
def test_a_wrong_mapping_is_refused_in_one_line(mapping: str, said: str, write: Write) -> None:
    table = "Zeit;Kanal;Kennung;Art;Daten\n1000,5;A;291;s;1 2 255\n"

    with pytest.raises(LogError, match=said):
        frames(write(table, "a.csv"), mapping=write(mapping, "m.toml"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty; allowed: candump, Vector ASC, BLF"),
        (b"Dear all,\nhere is the log.\n", "no log that is known; allowed: candump"),
        (b"LOGG", "its header ends after 4 bytes; allowed: a BLF file"),
        (b"\x1f\x8b\x08", "is empty; allowed"),
        (b"(1.0) can0 123##1AA\n", "not one frame in it, only 1 that this system cannot have"),
    ],
    ids=["empty", "letter", "blf", "gzip", "fd"],
)
def test_what_is_no_log_is_refused_in_one_line(content: bytes, said: str, write: Write) -> None:
    with pytest.raises(LogError, match=said):
        frames(write(content))


def test_a_file_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no such file; allowed: a log file"):
        frames(tmp_path / "none.log")


@pytest.mark.independent
@pytest.mark.parametrize("kind", ["log", "asc", "blf", "trc", "csv"])
def test_python_can_reads_the_same(kind: str, tmp_path: Path) -> None:
    import can

    path = written(tmp_path, kind)
    theirs = [(m.arbitration_id, m.is_extended_id, bytes(m.data)) for m in can.LogReader(path)]

    assert [(f.can_id, f.extended, f.data) for f in frames(path)] == theirs
    assert len(theirs) == len(messages())


@pytest.mark.independent
def test_mf4_is_read_by_asammdf(tmp_path: Path) -> None:
    pytest.importorskip("asammdf", reason="asammdf (extra mdf) is not installed")
    import can

    path = tmp_path / "a.mf4"
    with can.MF4Writer(path) as writer:
        for each in messages(8):
            writer.on_message_received(each)
    packed = tmp_path / "a.mf4.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))

    assert contents(open_log(path)) == expected()[:8]
    assert contents(open_log(packed)) == expected()[:8]


@pytest.mark.independent
def test_a_damaged_mf4_file_is_refused_in_one_line(write: Write) -> None:
    pytest.importorskip("asammdf", reason="asammdf (extra mdf) is not installed")

    with pytest.raises(LogError, match=r"asammdf cannot read it .*allowed: a whole MF4 file"):
        frames(write(b"MDF     4.10    " + bytes(200), "a.mf4"))
