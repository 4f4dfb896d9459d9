"""A stranger's decoder reads what our device said: n2k, a port of Lappalainen's NMEA2000 library.

It has its own field layouts and its own fast packet: the rig's decoder knows CANboat's database, so
that the two, and ours in the firmware, were written by three.
"""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import can
import pytest

pytestmark = pytest.mark.independent
ROOT = Path(__file__).parents[2]
VE_CAN = 1  # the channel of the record
DEVICE = 0x50
ROW = "v1.35-02"  # a battery under load, asked who it is, under both identities


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[can.Message]:
    """The frames of the device on VE.Can in the record of a scenario."""
    out = tmp_path_factory.mktemp("record")
    (scenario,) = (ROOT / "scenarios" / "v1_35").glob("test_02_*.py")
    command = [sys.executable, "-m", "pytest", "-q", str(scenario), "--out", str(out / "run")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    (frames,) = (out / "run").rglob("frames.blf")
    with can.BLFReader(frames) as reader:
        return [
            frame
            for frame in reader
            if frame.channel == VE_CAN
            and frame.is_extended_id
            and frame.arbitration_id & 0xFF == DEVICE
        ]


@pytest.fixture(scope="module")
def read(recorded: list[can.Message]) -> dict[int, list[Any]]:
    """What n2k makes of them, by PGN: its messages, of all their frames."""
    n2k = pytest.importorskip("n2k", reason="n2k is not installed: make independent")
    from n2k.device_information import DeviceInformation
    from n2k.message import Message

    messages: dict[int, list[Any]] = defaultdict(list)

    class Keeps(n2k.MessageHandler):
        def handle_msg(self, msg: Message) -> None:
            kept = Message(msg.source, msg.priority, msg.pgn, bytearray(msg.data[: msg.data_len]))
            messages[msg.pgn].append(kept)

    with can.Bus(interface="virtual", channel="n2k reads") as bus:
        information = DeviceInformation.from_name(0xC0788200_10E00001)
        node = n2k.Node(bus, information)
        node.message_handlers = {Keeps(0, node)}
        for frame in recorded:
            node.on_message_received(frame)
    return messages


def test_the_battery_is_read(read) -> None:
    from n2k.messages import parse_n2k_battery_status

    told = [parse_n2k_battery_status(message) for message in read[127508]]

    packs = [each for each in told if each.battery_instance == 0]
    assert {each.battery_instance for each in told} == {0, 1, 2}
    assert all(20 < each.battery_voltage < 29 for each in packs[5:])
    assert any(each.battery_current == pytest.approx(-50, abs=1) for each in packs)
    temperatures_k = {each.battery_temperature for each in packs} - {None}
    assert temperatures_k
    assert all(each == pytest.approx(298.15, abs=2) for each in temperatures_k)
    cells = [each for each in told if each.battery_instance != 0]
    assert all(each.battery_current is None for each in cells)
    assert all(3.0 < each.battery_voltage < 3.6 for each in cells)


def test_the_state_of_charge_is_read_from_fast_packets(read) -> None:
    from n2k.messages import parse_n2k_dc_detailed_status

    told = [parse_n2k_dc_detailed_status(message) for message in read[127506]]

    assert len(told) == len({(each.sid, index) for index, each in enumerate(told)}) > 3
    assert {each.state_of_charge for each in told} <= {59, 60}
    assert {each.state_of_health for each in told} == {None}
    assert any(each.capacity == pytest.approx(0.6 * 230 * 3600, rel=0.01) for each in told)


def test_both_identities_are_read(read) -> None:
    from n2k.messages import (
        parse_n2k_pgn_configuration_information,
        parse_n2k_pgn_product_information,
    )

    products = [parse_n2k_pgn_product_information(message) for message in read[126996]]
    assert [each.n2k_model_id for each in products][:2] == ["Lynx Ion BMS", "Master LV"]
    assert {each.n2k_sw_code for each in products} == {"1.38"}
    assert {each.n2k_version for each in products} == {2100}
    makers = [parse_n2k_pgn_configuration_information(each) for each in read[126998]]
    assert [each.manufacturer_information for each in makers][:2] == [
        "Victron Energy",
        "MG Energy Systems",
    ]


def test_both_names_are_read(read) -> None:
    from n2k.device_information import DeviceInformation

    names = [
        DeviceInformation.from_name(int.from_bytes(message.data, "little"))
        for message in read[60928]
    ]

    assert {each.device_function for each in names} == {170}
    # Its class is the whole byte, the reserved bit below included.
    assert {each.device_class >> 1 for each in names} == {35}
    assert {each.industry_group for each in names} == {4}
    assert {each.manufacturer_code for each in names} == {358, 1160}


def test_no_frame_of_the_record_is_lost_on_the_way(recorded, read) -> None:
    begun = sum(
        frame.arbitration_id >> 8 & 0x3FFFF == 127506 and not frame.data[0] & 0x1F
        for frame in recorded
    )

    assert len(read[127506]) == begun > 0
