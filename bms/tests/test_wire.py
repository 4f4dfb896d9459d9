"""Bytes on the buses, against the maker's examples and the public layouts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bms.io import Frame
from bms.wire import diagnostic, inverter, nmea2000, private, vreg

# Master LV communication guide, revision 8: the examples that it prints.
ASKS_FOR_FIRMWARE = Frame(0x1CEF5020, bytes.fromhex("66 99 01 00 02 01 FF FF"))
VERSION_1_04 = Frame(0x1CEFFF50, bytes.fromhex("66 99 02 01 00 00 04 01"))
NOT_SUPPORTED = Frame(0x1CEF2050, bytes.fromhex("66 99 02 00 02 01 00 80"))


def test_the_guides_request_asks_for_register_0102() -> None:
    message = vreg.read(ASKS_FOR_FIRMWARE)

    assert message is not None
    assert (message.register, message.destination, message.source) == (0x0001, 0x50, 0x20)
    assert vreg.requested_register(message) == 0x0102


def test_a_version_is_broadcast_as_the_guide_prints_it() -> None:
    assert vreg.broadcast(0x50, 0x0102, vreg.firmware_version(1, 4)) == VERSION_1_04


def test_a_refusal_goes_to_the_asker_as_the_guide_prints_it() -> None:
    assert vreg.acknowledge(0x50, 0x20, 0x0102, 0x8000) == NOT_SUPPORTED


@pytest.mark.parametrize(
    ("version", "raw"), [((1, 24), "00 00 18 01"), ((1, 38), "00 00 26 01")], ids=["1.24", "1.38"]
)
def test_register_0102_carries_the_version(version, raw) -> None:
    assert vreg.firmware_version(*version) == bytes.fromhex(raw)


NO_VREG = {
    "too short": Frame(0x1CEF5020, bytes.fromhex("66 99 01")),
    "empty": Frame(0x1CEF5020, b""),
    "of another maker": Frame(0x1CEF5020, bytes.fromhex("67 99 01 00 02 01 FF FF")),
    "of another PGN": Frame(0x19F21450, bytes.fromhex("66 99 01 00 02 01 FF FF")),
    "fast packet 126720": Frame(0x1DEF5020, bytes.fromhex("66 99 01 00 02 01 FF FF")),
}


@pytest.mark.parametrize("frame", NO_VREG.values(), ids=NO_VREG)
def test_another_frame_is_no_register_message(frame) -> None:
    assert vreg.read(frame) is None


NOT_AVAILABLE = {
    "u16": (vreg.u16(None), "FF FF"),
    "u16 of NaN": (vreg.u16(math.nan, 0.01), "FF FF"),
    "s16": (vreg.s16(None), "FF 7F"),
    "u32": (vreg.u32(math.nan), "FF FF FF FF"),
}


@pytest.mark.parametrize(("data", "raw"), NOT_AVAILABLE.values(), ids=NOT_AVAILABLE)
def test_no_value_is_not_available(data, raw) -> None:
    assert data == bytes.fromhex(raw)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_no_value_looks_like_not_available(value) -> None:
    taken = vreg.u16(value, 0.01), vreg.s16(value, 0.1), vreg.u32(value, 0.1)

    assert taken[0] != b"\xff\xff"
    assert taken[1] != b"\xff\x7f"
    assert taken[2] != b"\xff\xff\xff\xff"


# MG application note on tracking devices: a SmartLink MX claims address 0x50.
def test_the_name_of_a_smartlink_is_packed_as_its_maker_prints_it() -> None:
    name = nmea2000.Name(unique=0x1000AE, manufacturer=1160)

    assert nmea2000.address_claim(name.pack(), 0x50) == Frame(
        0x18EEFF50, bytes.fromhex("AE 00 10 91 00 AA 46 C0")
    )


DETAILED = nmea2000.detailed_status(0x50, 0, (87.6, None, 130, 201.4), sequence=2)


def test_dc_detailed_status_is_two_frames() -> None:
    assert [frame.identifier for frame in DETAILED] == [0x19F21250, 0x19F21250]


def test_dc_detailed_status_has_11_bytes_and_two_of_padding() -> None:
    first, second = (frame.data for frame in DETAILED)

    assert first == bytes.fromhex("40 0B 02 00 00 57 FF 82")
    assert second == bytes.fromhex("41 00 FF FF C9 00 FF FF")


def test_dc_detailed_status_without_values_is_not_available() -> None:
    first, second = nmea2000.detailed_status(0x50, 0, (None, None, None, None), sequence=0)

    assert first.data[5:] + second.data[1:6] == b"\xff" * 8


def test_battery_status_counts_in_10_mv_100_ma_and_10_mk() -> None:
    frame = nmea2000.battery_status(0x50, 0, (26.41, -12.3, 25.0), sequence=7)

    assert frame == Frame(0x19F21450, bytes.fromhex("00 51 0A 85 FF 77 74 07"))


def test_battery_status_of_a_cell_has_no_current() -> None:
    frame = nmea2000.battery_status(0x50, 1, (3.3, None, math.nan), sequence=0)

    assert frame.data[3:7] == bytes.fromhex("FF 7F FF FF")


@given(
    voltage_v=st.floats(-1e4, 1e4),
    current_a=st.floats(-1e6, 1e6),
    temperature_c=st.floats(-3300, 3300),
)
def test_a_battery_status_takes_what_a_shunt_can_measure(
    voltage_v, current_a, temperature_c
) -> None:
    readings = (voltage_v, current_a, temperature_c)

    assert len(nmea2000.battery_status(0x50, 0, readings, sequence=0).data) == 8


def test_an_identifier_is_read_as_pgn_source_and_destination() -> None:
    request = Frame(0x18EA5020, b"\x00\xee\x00")

    parts = (
        nmea2000.pgn_of(request),
        nmea2000.source_of(request),
        nmea2000.destination_of(request),
    )
    assert parts == (59904, 0x20, 0x50)


@given(st.binary(max_size=223), st.integers(0, 252))
def test_a_fast_packet_carries_its_message_whole(data, sequence) -> None:
    frames = nmea2000.fast_packet(0x19F21250, data, sequence)

    joined = frames[0].data[2:] + b"".join(frame.data[1:] for frame in frames[1:])
    assert joined[: frames[0].data[1]] == data
    assert [frame.data[0] & 0x1F for frame in frames] == list(range(len(frames)))
    assert all(len(frame.data) == 8 for frame in frames)


def test_0351_holds_volts_and_amperes_in_tenths() -> None:
    values = inverter.Limits(
        charge_voltage_v=56.8,
        charge_current_a=150.0,
        discharge_current_a=300.0,
        discharge_voltage_v=44.8,
    )

    assert inverter.limits(values, 12_000).data == bytes.fromhex("38 02 DC 05 B8 0B C0 01")


def test_0351_ends_at_the_most_that_the_release_sends() -> None:
    values = inverter.Limits(
        charge_voltage_v=0, charge_current_a=150, discharge_current_a=150, discharge_voltage_v=0
    )

    assert inverter.limits(values, 1_200).data[2:6] == bytes.fromhex("B0 04 B0 04")


def test_0355_holds_soc_twice_and_no_soh() -> None:
    assert inverter.state_of_charge(99.9).data == bytes.fromhex("63 00 FF FF 06 27 FF FF")


def test_0356_without_a_temperature_says_not_available() -> None:
    frame = inverter.measurements(52.34, -12.3, math.nan)

    assert frame.data[:6] == bytes.fromhex("72 14 85 FF 00 80")


@given(current_a=st.floats(-1e5, 1e5), voltage_v=st.floats(-1e3, 1e3))
def test_0356_survives_a_short_circuit(current_a, voltage_v) -> None:
    assert len(inverter.measurements(voltage_v, current_a, 25.0).data) == 8


def test_035a_without_an_alarm_is_all_cleared() -> None:
    assert inverter.alarms(frozenset(), frozenset()).data == b"\xaa" * 8


def test_035a_raises_a_pair_by_01() -> None:
    frame = inverter.alarms(raised=frozenset({11}), warned=frozenset({1}))

    assert frame.data == bytes.fromhex("AA AA 6A AA A6 AA AA AA")


def test_035e_is_the_makers_name() -> None:
    assert inverter.maker() == Frame(0x35E, b"MG-BMS\0\0", extended=False)


@pytest.mark.parametrize(
    ("version", "raw"), [((1, 24), "01 18"), ((1, 38), "01 26")], ids=["1.24", "1.38"]
)
def test_035f_carries_the_version_major_first(version, raw) -> None:
    frame = inverter.identity(version, 460, 0xA392)

    assert frame.data == bytes.fromhex("9B 3A" + raw + "CC 01 92 A3")


def test_0373_holds_millivolts_and_kelvin() -> None:
    frame = inverter.extremes((3.3, 3.345), (20.0, math.nan))

    assert frame.data == bytes.fromhex("E4 0C 11 0D 25 01 FF FF")


def test_0380_and_0381_split_the_serial_number() -> None:
    first, second = inverter.serial_number("HQ1845ABCDE")

    assert (first.data, second.data) == (b"HQ1845AB", b"CDE\0\0\0\0\0")


NODES = st.integers(0, 255)
CELL_V = st.one_of(st.just(math.nan), st.floats(0, 6.5))
SENSOR_C = st.one_of(st.just(math.nan), st.floats(-60, 150))


def same(read: float | None, written: float | None, within: float) -> bool:
    if written is None or written != written:
        return read is None or read != read
    return read is not None and abs(read - written) <= within


@given(NODES, st.integers(0, 3), st.lists(CELL_V, max_size=4))
def test_cell_voltages_come_back_to_a_tenth_of_a_millivolt(node, group, voltages_v) -> None:
    frame = private.cells(node, group, tuple(voltages_v))

    read = private.read_cells(frame.data)
    written = [*voltages_v, *[math.nan] * 4][:4]
    assert all(map(same, read, written, [0.000_051] * 4))
    assert private.kind_and_node(frame.identifier)[1] == node


@given(NODES, st.integers(0, 1), st.lists(SENSOR_C, max_size=4))
def test_temperatures_come_back_to_a_tenth_of_a_degree(node, group, values_c) -> None:
    frame = private.temperatures(node, group, tuple(values_c))

    written = [*values_c, *[math.nan] * 4][:4]
    assert all(map(same, private.read_temperatures(frame.data), written, [0.051] * 4))


TERMINAL_C = st.one_of(st.none(), st.floats(-60, 150))


@given(NODES, TERMINAL_C, TERMINAL_C, st.integers(0, 255), st.integers(0, 10_000))
def test_a_battery_status_comes_back(node, positive_c, negative_c, flags, counter) -> None:
    frame = private.status(node, (positive_c, negative_c), flags, None, counter)

    positive, negative, read_flags, _ = private.read_status(frame.data)
    assert same(positive, positive_c, 0.051)
    assert same(negative, negative_c, 0.051)
    assert read_flags == flags


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1), NODES, NODES)
def test_an_announcement_comes_back(serial, type_code, cells, release) -> None:
    frame = private.announce(serial, type_code, cells, release)

    assert private.read_announce(frame.data) == (serial, type_code, cells, release)


@given(st.integers(0, 2**32 - 1), NODES)
def test_a_node_number_comes_back(serial, node) -> None:
    assert private.read_assign(private.assign(serial, node).data) == (serial, node)


@given(NODES, NODES, st.integers(0, 2**32 - 1), NODES)
def test_a_command_comes_back(node, code, mask, sequence) -> None:
    frame = private.command(node, code, mask, sequence)

    assert private.read_command(frame.data) == (code, mask, sequence)


@given(NODES, st.integers(0, 2**32 - 1))
def test_a_pong_carries_the_token_of_its_ping(asker, token) -> None:
    assert private.read_token(private.pong(asker, token).data) == token


def test_a_beacon_says_how_many_are_registered() -> None:
    assert private.registered_in(private.beacon(9, 2, 0, 1).data) == 2


def test_the_tools_answer_is_the_service_and_0x40() -> None:
    assert diagnostic.answer(0x22, b"\x01") == b"\x62\x01"


def test_the_tools_refusal_is_7f_service_and_code() -> None:
    assert diagnostic.refusal(0x2E, 0x31) == b"\x7f\x2e\x31"
