"""What a log says: signals with their courses, events, what nobody can read."""

import json
import math
from pathlib import Path

import pytest

from rig.can.by_dbc import DbcDecoder
from rig.replay.courses import BLOCKS_MAX, Course
from rig.replay.formats.raw import Batches, Notes, Source
from rig.replay.log import Log, LoggedFrame
from rig.replay.view import LogView, as_json, as_lines, view_log

CLAIM = "a 18EEFF50#1967d12c00aa46c0"


def view(*lines: str, dbc: str | None = None, folder: Path | None = None) -> LogView:
    """What a log of frames as `bus id#data`, a second apart, says; `!` is an error frame."""

    def read(notes: Notes) -> Batches:
        frames = []
        for number, line in enumerate(lines):
            bus, _, frame = line.partition(" ")
            on, t_us = notes.channel(bus), number * 1_000_000
            if frame == "!":
                frames.append(LoggedFrame(t_us, on, 0, True, b"", True))
                continue
            identifier, data = frame.split("#")
            wide = len(identifier) == 8
            frames.append(LoggedFrame(t_us, on, int(identifier, 16), wide, bytes.fromhex(data)))
        yield frames

    decoders = []
    if dbc is not None and folder is not None:
        path = folder / "own.dbc"
        path.write_text(dbc, encoding="ascii")
        decoders = [DbcDecoder(path, "own")]
    return view_log(Log([Source(path=Path("a.log"), open=read)], {}), decoders)


def texts(shown: LogView) -> list[tuple[float, str, str]]:
    return [(each.t_us / 1e6, each.lane, each.text) for each in shown.events]


def register(number: str, data: str, address: str = "50", to: str = "FF") -> str:
    low, high = number[2:], number[:2]
    return f"a 1CEF{to}{address}#6699{low}{high}{data.ljust(8, 'f')}"


def test_a_register_is_a_signal_with_its_course() -> None:
    shown = view(CLAIM, register("0FFF", "1027"), register("0FFF", "0f27"))

    (soc,) = [each for each in shown.signals if each.name == "vreg.soc_pct"]
    assert (list(soc.times_us), list(soc.values)) == ([1_000_000, 2_000_000], [100.0, 99.99])
    assert (soc.bus, soc.who, soc.unit, soc.low, soc.high) == ("a", "0x50", "%", 99.99, 100.0)


def test_a_change_of_state_and_an_alarm_are_events() -> None:
    shown = view(
        *(CLAIM, register("0371", "09"), register("2101", "00")),
        *(register("0371", "0a"), register("2101", "0d")),
    )

    assert texts(shown)[1:] == [
        (3.0, "state", "vreg.state: running -> error"),
        (4.0, "alarm", "vreg.error: none -> over-voltage"),
    ]


def test_flags_that_are_set_and_cleared_are_events() -> None:
    shown = view(CLAIM, register("2100", "00000000"), register("2100", "00040000"))

    assert texts(shown)[1:] == [(2.0, "alarm", "warning over-voltage: set")]


def test_what_a_gx_device_writes_is_a_command_and_no_signal() -> None:
    shown = view(CLAIM, register("0FFF", "1027", address="20", to="50"))

    assert texts(shown)[1:] == [(1.0, "command", "writes SOC (0x0FFF) = 100")]
    assert [each for each in shown.signals if each.name == "vreg.soc_pct"] == []


def test_error_frames_close_together_are_one_event() -> None:
    shown = view(CLAIM, "a !", "a !", "a 18EEFF50#1967d12c00aa46c0", "a 123#00", "a !")

    assert [text for _, lane, text in texts(shown)[1:]] == [
        "bus a: 2 error frames in 1 s",
        "bus a: 1 error frames in 0 s",
    ]


def test_cells_of_each_battery_module_are_signals_of_their_own() -> None:
    shown = view("p 18F02001#c67fc77fc87fc97f", "p 18F02002#c57fc77fc87fc97f")

    cells = {
        each.who: each.high for each in shown.signals if each.name.endswith("cell_1_voltage_v")
    }
    assert cells == {"node 1": 3.271, "node 2": 3.2709}


def test_the_general_protocol_is_read() -> None:
    shown = view("x 356#e2140a00fa000000")

    values = {each.name: each.last for each in shown.signals}
    assert values["general.voltage_v"] == 53.46
    assert values["general.current_a"] == 1.0


def test_nmea_2000_is_read() -> None:
    shown = view(CLAIM, "a 19F21450#00e2140a00277401")

    values = {each.name: each.last for each in shown.signals}
    assert values["n2k.batteryStatus.0.voltage"] == 53.46


def test_identifiers_that_nobody_can_read_are_listed_with_their_count() -> None:
    shown = view("a 123#00", "a 123#01", "a 08001234#00")

    assert [(each.can_id, each.extended, each.frames) for each in shown.unknown] == [
        (0x123, False, 2),
        (0x08001234, True, 1),
    ]


DBC = """VERSION ""
BU_: X
BO_ 291 M: 2 X
 SG_ speed : 0|16@1+ (0.5,0) [0|0] "rpm" X
"""


def test_a_dbc_file_that_is_given_reads_its_messages(tmp_path: Path) -> None:
    shown = view("a 123#0400", "a 123#0600", dbc=DBC, folder=tmp_path)

    (speed,) = shown.signals
    assert (speed.name, speed.unit, list(speed.values)) == ("own.speed", "rpm", [2.0, 3.0])
    assert shown.unknown == ()


def test_a_signal_is_drawn_until_it_was_last_told() -> None:
    shown = view("p 18F02001#c67fc77fc87fc97f", *["p 18F02001#c67fc77fc87fc97f"] * 9)

    (cell,) = [each for each in shown.signals if each.name.endswith("cell_1_voltage_v")]
    assert list(cell.times_us) == [0, 9_000_000]
    assert cell.samples == 1


def test_json_has_all_of_it_but_the_courses() -> None:
    content = json.loads(as_json(view(CLAIM, register("0FFF", "1027"), "x 123#00")))

    assert content["devices"][0]["is"] == "dut"
    assert content["signals"][0]["last"] == 100.0
    assert content["unknown"][0]["identifier"] == 0x123


def test_lines_say_that_no_release_was_told() -> None:
    assert "release: not told in this log" in as_lines(view(CLAIM))


@pytest.mark.parametrize("count", [10, 100_000])
def test_a_course_keeps_its_extremes_in_few_points(count: int) -> None:
    course = Course()
    for number in range(count):
        course.put(number, float(number % 97))
    course.put(count, 1000.0)
    course.put(count + 1, -1000.0)
    for number in range(count):
        course.put(count + 2 + number, float(number % 97))

    times, values = course.points()
    assert (min(values), max(values)) == (-1000.0, 1000.0)
    assert times[list(values).index(1000.0)] == count
    assert len(values) <= 4 * BLOCKS_MAX + 3
    assert list(times) == sorted(times)


def test_a_course_of_few_samples_is_not_decimated() -> None:
    course = Course()
    for number in range(1000):
        course.put(number, math.sin(number))

    assert list(course.points()[1]) == [math.sin(number) for number in range(1000)]
    assert not course.decimated


def test_what_is_not_available_breaks_a_course() -> None:
    course = Course()
    for number, value in enumerate((1.0, math.nan, math.nan, 2.0)):
        course.put(number, value)

    times, values = course.points()
    assert list(times) == [0, 1, 3]
    assert math.isnan(values[1])
