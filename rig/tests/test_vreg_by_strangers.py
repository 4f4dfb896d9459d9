"""CANboat's own list of Victron's registers names what our device tells, and finds its bytes.

A third table, besides the firmware's and the rig's: number, name, and how many bytes there are.
"""

from typing import Any

import pytest

from bms.registers import REGISTERS
from bms.tests.bench import Bench
from bms.wire import vreg
from rig.can.frame import Frame
from rig.can.n2k import N2kDecoder
from rig.can.vreg_table import TYPE_BYTES, load_vreg_table

NAMES = {
    0x0200: "Device Mode",
    0x0201: "Device State",
    0x0300: "Deepest Discharge",
    0x0305: "Cumulative Ah Drawn",
    0x0306: "Minimum Voltage",
    0x0307: "Maximum Voltage",
    0x0309: "Automatic Synchronizations",
    0x0310: "Discharged Energy",
    0x0311: "Charged Energy",
    0x034E: "Relay Control",
    0x0371: "BMS State",
    0x0FFF: "State of Charge",
    0x1000: "Battery Capacity",
    0xED8D: "Channel 1 Voltage",
    0xED8F: "Channel 1 Current",
}


@pytest.fixture(scope="module")
def view() -> Any:
    bench = Bench()
    bench.start()
    bench.run(1)
    return bench.master.view


@pytest.mark.parametrize(("register", "name"), NAMES.items(), ids=str)
def test_canboat_names_the_register_and_finds_its_bytes(view, register: int, name: str) -> None:
    data = REGISTERS[register].data(view)
    sent = vreg.broadcast(0x50, register, data)

    message = N2kDecoder().decode(Frame(sent.identifier, sent.data))

    assert message is not None
    assert message.fields["registerId"] == name
    assert message.fields["value"] == str(data)
    fields = load_vreg_table().registers[register].fields
    assert len(data) == sum(TYPE_BYTES[each.type] for each in fields)
