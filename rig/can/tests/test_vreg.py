"""VREGs: the maker's own example frames, and the rig's table."""

import pytest

from rig.can.encode import vreg_request, vreg_write, vreg_write_long
from rig.can.frame import Frame, parse_frame
from rig.can.vreg import MG, VregDecoder, VregMessage
from rig.can.vreg_table import load_vreg_table


def decode(text: str) -> VregMessage:
    message = VregDecoder().decode(parse_frame(text))
    assert message is not None
    return message


def told(register: int, data: str) -> VregMessage:
    """A register as the BMS tells it to all."""
    message = VregDecoder().decode(vreg_write(0x50, 0xFF, register, bytes.fromhex(data)))
    assert message is not None
    return message


def test_the_makers_request_asks_0x50_for_the_firmware_version() -> None:
    message = decode("1CEF5020#669901000201FFFF")

    assert (message.kind, message.register, message.source, message.destination) == (
        "request",
        0x0102,
        0x20,
        0x50,
    )


def test_the_makers_reply_is_version_1_04() -> None:
    message = decode("1CEFFF50#6699020100000401")

    assert (message.kind, message.register, message.texts) == (
        "data",
        0x0102,
        {"firmware_version": "1.04"},
    )


def test_release_1_38_reads_as_1_38() -> None:
    assert told(0x0102, "00002601").texts["firmware_version"] == "1.38"


def test_the_makers_refusal_names_the_register_and_the_reason() -> None:
    message = decode("1CEF2050#6699020002010080")

    assert (message.kind, message.register, message.code, message.texts["code"]) == (
        "ack",
        0x0102,
        0x8000,
        "unknown register (request)",
    )


def test_our_request_is_the_makers() -> None:
    assert str(vreg_request(0x20, 0x50, 0x0102)) == "1CEF5020#669901000201FFFF"


@pytest.mark.parametrize(
    ("register", "data", "values"),
    [
        (0xED8D, "000A", {"voltage_v": 25.6}),
        (0xED8F, "D3FE", {"current_a": -30.1}),
        (0x0FFF, "1027", {"soc_pct": 100.0}),
        (0x0FFE, "3C00", {"time_to_go_min": 60}),
        (0x0390, "9E160000", {"charge_voltage_limit_v": 57.9}),
        (0x0391, "E8030000", {"charge_current_limit_a": 100.0}),
        (0x0385, "45014A01", {"cell_voltage_v_min": 3.25, "cell_voltage_v_max": 3.3}),
        (0x0386, "7774", {"cell_temperature_k_min": 298.15, "cell_temperature_k_max": None}),
        (
            0x0380,
            "02080201",
            {"batteries": 2, "cells_per_battery": 8, "parallel": 2, "series": 1},
        ),
        (0x2014, "64", {"link_charge_current_pct": 100}),
        (0xEEFF, "F6FFFFFF", {"consumed_ah": -1.0}),
    ],
    ids=lambda what: f"{what:04X}" if isinstance(what, int) else None,
)
def test_a_register_is_read_in_its_unit(
    register: int, data: str, values: dict[str, float | None]
) -> None:
    assert told(register, data).values == values


@pytest.mark.parametrize(
    ("register", "data"),
    [
        (0xED8D, "FF7F"),
        (0xED8F, "FF7F"),
        (0x0FFF, "FFFF"),
        (0x0FFE, "FFFF"),
        (0x0390, "FFFFFFFF"),
        (0x2014, "FF"),
        (0x2015, "FFFF"),
        (0x0090, "FF"),
        (0x037A, "FFFFFFFF"),
    ],
    ids=lambda what: f"{what:04X}" if isinstance(what, int) else None,
)
def test_not_available_is_none(register: int, data: str) -> None:
    assert set(told(register, data).values.values()) == {None}


def test_minus_one_hundredth_is_a_voltage() -> None:
    assert told(0xED8D, "FFFF").values == {"voltage_v": -0.01}


def test_state_9_is_running() -> None:
    assert told(0x0371, "09").texts == {"state": "running"}


def test_error_26_is_the_contactor() -> None:
    assert told(0x2101, "1A").texts == {"error": "contactor"}


def test_flags_are_named() -> None:
    message = told(0x2100, "00000060")

    assert message.set_bits == {"alarm high current", "warning cell imbalance"}


def test_a_long_value_comes_as_a_fast_packet() -> None:
    decoder = VregDecoder()

    messages = [
        decoder.decode(each) for each in vreg_write_long(0x50, 0xFF, 0x010C, b"House battery\0")
    ]

    assert messages[:-1] == [None] * (len(messages) - 1)
    assert messages[-1] is not None
    assert messages[-1].texts == {"custom_name": "House battery"}


def test_a_lost_frame_loses_the_fast_packet() -> None:
    decoder = VregDecoder()
    frames = vreg_write_long(0x50, 0xFF, 0x010C, b"A long name for a battery")

    assert [decoder.decode(each) for each in (*frames[:1], *frames[2:])] == [None] * 4


def test_a_frame_of_another_sequence_loses_the_fast_packet() -> None:
    decoder = VregDecoder()
    old, new = (vreg_write_long(0x50, 0xFF, 0x010C, b"A name", number) for number in (1, 2))

    assert [decoder.decode(each) for each in (old[0], new[1])] == [None, None]


def test_two_senders_may_interleave_their_fast_packets() -> None:
    decoder = VregDecoder()
    one, two = (vreg_write_long(source, 0xFF, 0x010C, b"A name") for source in (0x50, 0x51))

    messages = [decoder.decode(each) for pair in zip(one, two, strict=True) for each in pair]

    assert [each.source for each in messages if each is not None] == [0x50, 0x51]


def test_padding_is_no_part_of_a_string() -> None:
    message = VregDecoder().decode(vreg_write(0x50, 0xFF, 0x010C, b"AB"))

    assert message is not None
    assert message.texts == {"custom_name": "AB"}


def test_what_is_cut_off_is_none() -> None:
    message = VregDecoder().decode(Frame(0x1CEFFF50, bytes.fromhex("669985034501")))

    assert message is not None
    assert message.values == {"cell_voltage_v_min": 3.25, "cell_voltage_v_max": None}


def test_a_long_value_does_not_fit_a_single_frame() -> None:
    with pytest.raises(ValueError, match="vreg_write_long"):
        vreg_write(0x20, 0x50, 0x010C, b"House")


def test_mgs_own_code_is_told_apart() -> None:
    message = VregDecoder().decode(vreg_write(0x50, 0xFF, 0x0FFF, b"\x10\x27", MG))

    assert message is not None
    assert (message.manufacturer, message.raw[:2]) == (1160, b"\x10\x27")


@pytest.mark.parametrize(
    "frame",
    [
        parse_frame("1CEFFF50#6699"),
        parse_frame("1CEFFF50#1234020100000401"),
        parse_frame("19F21450#00000AE8FF5B7400"),
        Frame(0x351, bytes(8), extended=False),
    ],
    ids=["short", "another maker", "another pgn", "standard"],
)
def test_what_is_no_vreg_is_none(frame: Frame) -> None:
    assert VregDecoder().decode(frame) is None


def test_an_unknown_register_keeps_its_bytes() -> None:
    message = told(0x4242, "01020304")

    assert (message.values, message.raw) == ({}, b"\x01\x02\x03\x04")


def test_signals_carry_unit_source_and_time() -> None:
    (signal,) = VregDecoder().signals(7, vreg_write(0x50, 0xFF, 0xED8D, b"\x00\x0a"))

    assert (signal.name, signal.value, signal.unit, signal.source, signal.time_us) == (
        "vreg.voltage_v",
        25.6,
        "V",
        0x50,
        7,
    )


def test_a_request_gives_no_signal() -> None:
    assert VregDecoder().signals(0, vreg_request(0x20, 0x50, 0x0FFF)) == ()


def test_no_two_registers_share_a_field_name() -> None:
    names = [each.name for one in load_vreg_table().registers.values() for each in one.fields]

    assert len(names) == len(set(names))


def test_every_register_of_the_makers_guide_is_known() -> None:
    guide = """
        0100 0102 0105 010A 010B ED8D ED8F 0385 0386 0FFF 0FFE EEFF 2110 2111 2112 2113 2114 2100
        0371 2101 034E 1000 0380 0300 0305 0306 0307 0309 0310 0311 0312 0313 0384 0390 0391 0392
        0393 2014 2015 0373 0374 0375 0376 0377 0378 0379 037A 0387 0388 0090
    """

    assert {int(number, 16) for number in guide.split()} <= load_vreg_table().registers.keys()


def test_a_field_finds_its_register() -> None:
    assert load_vreg_table().named("soc_pct").number == 0x0FFF
