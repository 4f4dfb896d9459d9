"""The DBC files: they load cleanly, and read what real devices sent."""

import warnings
from pathlib import Path

import cantools
import pytest

from rig.can.by_dbc import (
    GENERAL,
    MGREG,
    PRIVATE,
    SMA,
    VISEDO,
    general_decoder,
    mgreg_decoder,
    private_decoder,
    sma_decoder,
    visedo_decoder,
)
from rig.can.frame import parse_frame

CAPTURE = {
    "351#4302E8039E07D001": {
        "charge_voltage_limit_v": 57.9,
        "charge_current_limit_a": 100.0,
        "discharge_current_limit_a": 195.0,
        "discharge_voltage_limit_v": 46.4,
    },
    "355#3C00640084170000": {"soc_pct": 60, "soh_pct": 100, "soc_fine_pct": 60.2},
    "356#6114D3FEEB001A00": {"voltage_v": 52.17, "current_a": -30.1, "temperature_c": 23.5},
    "373#BB0CC50C26012801": {
        "cell_voltage_v_min": 3.259,
        "cell_voltage_v_max": 3.269,
        "cell_temperature_k_min": 294,
        "cell_temperature_k_max": 296,
    },
}
"""What a real 48 V battery sent, from a public issue."""


@pytest.mark.parametrize("path", [SMA, GENERAL, PRIVATE, VISEDO, MGREG], ids=lambda path: path.stem)
def test_a_file_loads_without_a_warning(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        database = cantools.database.load_file(path, strict=True)

    assert database.messages


@pytest.mark.parametrize(("text", "values"), CAPTURE.items(), ids=lambda what: str(what)[:3])
def test_a_real_capture_is_read(text: str, values: dict[str, float]) -> None:
    assert general_decoder().values(parse_frame(text)) == values


def test_sma_reads_the_frames_that_it_shares_as_general_does() -> None:
    sma, general = sma_decoder(), general_decoder()

    for text in list(CAPTURE)[:3]:
        assert sma.values(parse_frame(text)) == general.values(parse_frame(text)) != {}


def test_all_cleared_is_all_cleared() -> None:
    signals = sma_decoder().signals(0, parse_frame("35A#AAAAAA02AAAAAA02"))

    labels = {each.name: each.label for each in signals}
    reserved = {name for name in labels if "reserved" in name}
    assert len(labels) == 32
    assert {labels[name] for name in labels.keys() - reserved} == {"cleared"}
    assert {labels[name] for name in reserved} == {"not supported"}


@pytest.mark.parametrize(
    ("byte", "pair", "name"),
    [
        (0, 0, "alarm_general"),
        (0, 1, "alarm_high_voltage"),
        (1, 3, "alarm_high_current"),
        (2, 1, "alarm_contactor"),
        (3, 0, "alarm_cell_imbalance"),
        (4, 0, "warning_general"),
        (6, 3, "warning_bms_internal"),
    ],
    ids=str,
)
def test_a_raised_pair_is_that_alarm_alone(byte: int, pair: int, name: str) -> None:
    data = bytearray(8)
    data[byte] = 1 << 2 * pair

    values = sma_decoder().values(parse_frame(f"35A#{data.hex()}"))

    assert [each for each, value in values.items() if value == 1] == [name]


def test_invalid_is_none() -> None:
    values = sma_decoder().values(parse_frame("351#FFFF00800080FFFF"))

    assert set(values.values()) == {None}


def test_six_bytes_of_0x355_are_enough() -> None:
    assert sma_decoder().values(parse_frame("355#3C0064008417"))["soc_fine_pct"] == 60.2


def test_the_release_stands_high_byte_first() -> None:
    values = sma_decoder().values(parse_frame("35F#9B3A01186800A390"))

    assert (values["type_id"], values["firmware_release"]) == (15003, 0x0118)


def test_the_manufacturer_is_text() -> None:
    assert sma_decoder().values(parse_frame("35E#4D472D424D530000")) == {"manufacturer": "MG-BMS"}


def test_the_node_number_is_the_source() -> None:
    signals = private_decoder().signals(5, parse_frame("18F02105#E87DE97DEA7DFFFF"))

    assert [(each.name, each.value, each.source) for each in signals] == [
        ("private.cell_5_voltage_v", 3.2232, 5),
        ("private.cell_6_voltage_v", 3.2233, 5),
        ("private.cell_7_voltage_v", 3.2234, 5),
        ("private.cell_8_voltage_v", None, 5),
    ]


def test_a_battery_announces_its_type() -> None:
    signals = private_decoder().signals(0, parse_frame("18F0FE2A#2A0000010300081E"))

    found = {each.name: (each.value, each.label) for each in signals}
    assert found["private.type_code"] == (3, "LFP24-280")
    assert found["private.battery_firmware_release"] == (30, "")


def test_status_is_read() -> None:
    assert private_decoder().values(parse_frame("18F04003#FA00FF7F05FF0111")) == {
        "positive_terminal_temperature_c": 25.0,
        "negative_terminal_temperature_c": None,
        "fan_on": 1,
        "balancing": 0,
        "leakage": 1,
        "self_test_failed": 0,
        "balancer_failed": 0,
        "humidity_pct": None,
        "soh_pct": 1,
        "status_counter": 17,
    }


def test_a_command_and_its_acknowledge_are_read() -> None:
    decoder = private_decoder()

    assert decoder.values(parse_frame("18F05001#030F00000007FFFF")) == {
        "command": 3,
        "mask": 15,
        "command_sequence": 7,
    }
    assert decoder.values(parse_frame("18F05101#0307")) == {
        "acknowledged_command": 3,
        "acknowledged_sequence": 7,
    }


def test_a_standard_frame_is_nothing_to_the_private_bus() -> None:
    assert private_decoder().values(parse_frame("351#4302E8039E07D001")) == {}


def test_no_private_message_shares_a_signal_name_with_another() -> None:
    database = cantools.database.load_file(PRIVATE)

    names = [signal.name for message in database.messages for signal in message.signals]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", [PRIVATE, VISEDO, MGREG], ids=lambda path: path.stem)
def test_what_is_an_invention_says_so(path: Path) -> None:
    assert "Project-defined" in path.read_text(encoding="ascii")


def test_an_mg_register_is_read_by_its_number() -> None:
    decoder = mgreg_decoder()

    assert decoder.values(parse_frame("1CEFFF50#889CFF0F7217FFFF"))["soc_pct"] == 60.02
    assert decoder.values(parse_frame("1CEFFF50#889C710309FFFFFF"))["state"] == 9
    (_, soc) = decoder.signals(7, parse_frame("1CEFFF50#889CFF0FFFFFFFFF"))
    assert (soc.value, soc.source, soc.time_us) == (None, 0x50, 7)


@pytest.mark.parametrize(
    "text",
    ["1CEFFF50#6699FF0F1027FFFF", "1CEFFF50#889C42421027FFFF", "19F21450#889CFF0F1027FFFF"],
    ids=["another maker's", "unknown", "another PGN"],
)
def test_what_is_no_mg_register_gives_nothing(text: str) -> None:
    assert mgreg_decoder().signals(0, parse_frame(text)) == ()


def test_the_powerfinns_current_is_an_expedited_write_of_two_bytes() -> None:
    assert visedo_decoder().values(parse_frame("650#2B012002E8030000")) == {
        "request": 0x2B,
        "request_index": 0x2001,
        "request_subindex": 2,
        "request_value": 1000,
    }
