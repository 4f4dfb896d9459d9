"""What is written to the registers, and read of them; what is refused changes nothing."""

import pytest

from bms.codes import State
from bms.io import Frame, Port
from bms.releases import firmware
from bms.rooms.ve_can import VeCan
from bms.tests.bench import Bench
from rig.can import parse_frame
from rig.can.vreg import VregDecoder
from rig.can.vreg_table import TYPE_BYTES, load_vreg_table

WRITE, ACKNOWLEDGED = 0x1CEF5020, 0x1CEF2050
CUSTOM_NAME = 0x010C  # longer than a frame


def exchange(bench: Bench, register: int, data: bytes) -> list[bytes]:
    """What the device at 0x20 is answered to a write, from the register on."""
    frame = Frame(WRITE, b"\x66\x99" + register.to_bytes(2, "little") + data)
    out = bench.step((Port.VE_CAN, frame))
    sent = [frame for port, frame in out.sent if port is Port.VE_CAN]
    return [answer.data[4:] for answer in sent if answer.identifier == ACKNOWLEDGED]


def told(bench: Bench, register: int) -> bytes | None:
    """What a register carries when it is asked for; None: it is unknown."""
    asks = Frame(WRITE, b"\x66\x99\x01\x00" + register.to_bytes(2, "little") + b"\xff\xff")
    out = bench.step((Port.VE_CAN, asks))
    head = b"\x66\x99" + register.to_bytes(2, "little")
    answers = [frame.data[4:] for _, frame in out.sent if frame.data[:4] == head]
    return answers[0] if answers else None


def broadcasts(bench: Bench, register: int, seconds: float) -> list[bytes]:
    """What of a register is broadcast in a while."""
    head, begun = b"\x66\x99" + register.to_bytes(2, "little"), len(bench.trace)
    bench.run(seconds)
    sent = [frame for out in bench.trace[begun:] for _, frame in out.sent]
    return [frame.data[4:] for frame in sent if frame.data[:4] == head]


def code(register: int, acknowledge: int) -> list[bytes]:
    return [register.to_bytes(2, "little") + acknowledge.to_bytes(2, "little")]


# Public: communication guide, and the acknowledge codes of Victron's register header.
OK, UNKNOWN, INVALID = 0x0000, 0x8100, 0x8300
TOO_MUCH = {
    "sync group 4": (0x0374, b"\x04\xff\xff\xff"),
    "start on charger 2": (0x0375, b"\x02\xff\xff\xff"),
    "strategy 2": (0x0376, b"\x02\xff\xff\xff"),
    "combined 255": (0x0377, b"\xff\xff\xff\xff"),
    "97 in parallel": (0x0387, b"\x61\xff\xff\xff"),
    "97 in series": (0x0388, b"\x61\xff\xff\xff"),
    "a strategy of two bytes": (0x0376, b"\x01\x00\xff\xff"),
    "a strategy of four bytes": (0x0376, b"\x01\x00\x00\x00"),
    "a strategy of no byte": (0x0376, b""),
    "a frame of seven bytes": (0x0376, b"\x01\xff\xff"),
    "a state of charge of 100.01 %": (0x0FFF, b"\x11\x27\xff\xff"),
    "a state of charge of four bytes": (0x0FFF, b"\x10\x27\x00\x00"),
    "a device mode of a system alone": (0x0200, b"\x01\xff\xff\xff"),
    "a relay that is half closed": (0x034E, b"\x02\xff\xff\xff"),
    "a restart of 2": (0x0379, b"\x02\xff\xff\xff"),
}


@pytest.mark.parametrize(("register", "data"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_a_register_cannot_be_is_refused_and_changes_nothing(register, data) -> None:
    bench = Bench(registers={"setting.relay_function": b"\x00", "layout": b"\x01\x26"})
    bench.start()
    bench.run(1)
    before, state, memory = told(bench, register), bench.state, dict(bench.registers)

    assert exchange(bench, register, data) == code(register, INVALID)
    bench.run(0.5)
    assert (told(bench, register), bench.state) == (before, state)
    assert {name: raw for name, raw in bench.registers.items() if name != "soc"} == {
        name: raw for name, raw in memory.items() if name != "soc"
    }


@pytest.mark.parametrize("register", [0x0000, 0x0371, 0x0391, 0x2101, 0xED8D, 0xFFFF])
def test_a_register_that_nobody_can_write_is_an_unknown_command(register) -> None:
    bench = Bench()
    bench.start()

    assert exchange(bench, register, b"\x01\xff\xff\xff") == code(register, UNKNOWN)


def test_a_stump_to_everybody_is_not_answered() -> None:
    bench = Bench()
    bench.start()
    out = bench.step((Port.VE_CAN, Frame(0x1CEFFF20, b"\x66\x99\x73\x03\x01")))

    assert not [frame for _, frame in out.sent if frame.identifier == ACKNOWLEDGED]


@pytest.mark.parametrize(("release", "count"), [("1.22", 0), ("1.23", 1), ("1.38", 1)])
@pytest.mark.parametrize("starts", [True, False], ids=["running", "standby"])
def test_a_written_setting_is_broadcast_from_1_23_on(release, count, starts) -> None:
    bench = Bench(release)
    if starts:
        bench.start()
    bench.run(2)

    assert exchange(bench, 0x0376, b"\x01\xff\xff\xff") == code(0x0376, OK)
    assert broadcasts(bench, 0x0376, 1) == [b"\x01\xff\xff\xff"] * count
    assert bench.registers["setting.battery_strategy"] == b"\x01"
    assert told(bench, 0x0376) == b"\x01\xff\xff\xff"


def test_a_setting_that_is_written_again_as_it_is_is_broadcast_again() -> None:
    bench = Bench()
    bench.start()
    bench.run(2)
    exchange(bench, 0x0376, b"\x00\xff\xff\xff")
    sent = [frame.data for _, frame in bench.out.sent]

    assert b"\x66\x99\x76\x03\x00\xff\xff\xff" in sent


@pytest.mark.parametrize(("release", "performance"), [("1.22", False), ("1.23", True)])
def test_a_strategy_is_in_force_at_once_from_1_23_on(release, performance) -> None:
    bench = Bench(release, type_code=4)
    bench.start()
    before = bench.master.view.registration.levels
    exchange(bench, 0x0376, b"\x01\xff\xff\xff")
    bench.run(0.5)

    assert (bench.master.view.registration.levels != before) is performance


def test_before_1_23_a_strategy_is_in_force_after_the_next_start_of_the_master() -> None:
    bench = Bench("1.22")
    bench.run(1)
    exchange(bench, 0x0376, b"\x01\xff\xff\xff")
    bench.step()
    again = Bench("1.22", registers=bench.registers)

    again.step()
    assert again.master.view.settings.values["battery_strategy"] == 1


def test_a_restart_request_stops_the_system_and_starts_it_again() -> None:
    bench = Bench()
    bench.start()
    bench.run(1)

    assert exchange(bench, 0x0379, b"\x01\xff\xff\xff") == code(0x0379, OK)
    bench.run(0.5)
    assert bench.state is State.SHUTTING_DOWN
    while bench.state is State.SHUTTING_DOWN:
        bench.step()
    for _ in range(200):
        bench.step(*((Port.PRIVATE, frame) for frame in bench.announcements()))
        if bench.state is State.RUNNING:
            break
    assert bench.state is State.RUNNING
    bench.run(20)
    assert bench.state is State.RUNNING


def test_every_register_is_told_before_the_start_while_it_runs_and_in_an_error() -> None:
    bench, untold = Bench(), []
    for change in (lambda: bench.run(1), bench.start, lambda: bench.cell(4.2)):
        change()
        bench.run(60, 1_000_000)
        registers = set(VeCan.registers.today) - {CUSTOM_NAME}
        untold += [register for register in registers if told(bench, register) is None]

    assert bench.state is State.ERROR
    assert not untold


NOT_IN_USE = {0x0105, 0x010A, 0x010B}  # public: "not implemented yet"
OF_BEFORE = {0x0370, 0x0372}  # public: flags and error as they were before 0x2100 and 0x2101
OF_UPDATES = {0x0010, 0x0011, 0x0012, 0x0013}


def test_the_registers_are_those_of_the_public_list() -> None:
    public = set(load_vreg_table().registers) - NOT_IN_USE - OF_BEFORE - OF_UPDATES

    assert set(VeCan.registers.today) - OF_UPDATES == public


@pytest.mark.parametrize("starts", [False, True], ids=["standby", "running"])
def test_each_register_is_as_long_as_the_public_list_says(starts) -> None:
    bench, table = Bench(), load_vreg_table().registers
    bench.run(1)
    if starts:
        bench.start()
        bench.run(1)
    lengths = {
        number: len(register.data(bench.master.view))
        for number, register in VeCan.registers.today.items()
        if number not in OF_UPDATES | {CUSTOM_NAME}
    }

    assert lengths == {
        number: sum(TYPE_BYTES[field.type] for field in table[number].fields) for number in lengths
    }


# Before the first start nothing is known of batteries, and nothing is limited or told.
UNKNOWN_IN_STANDBY = {0x1000, 0x0380, 0x0385, 0x0386, 0x0FFE, 0xEEFF, 0x2111, 0x2114, 0x037A}


@pytest.mark.parametrize("register", sorted(UNKNOWN_IN_STANDBY), ids=hex)
def test_what_is_not_known_is_not_available(register) -> None:
    bench = Bench()
    bench.run(1)
    data = (told(bench, register) or b"").hex()
    frame = parse_frame(f"1CEFFF50#6699{register & 0xFF:02X}{register >> 8:02X}{data}")
    message = VregDecoder().decode(frame)

    assert message is not None
    assert set(message.values.values()) == {None}


def test_consumed_charge_is_what_is_missing_to_full() -> None:
    bench = Bench()
    bench.start()
    bench.step()
    view = bench.master.view
    missing_ah = (view.registration.capacity_ah or 0) - view.soc.remaining_ah
    data = told(bench, 0xEEFF) or b""

    assert int.from_bytes(data, "little", signed=True) == pytest.approx(-10 * missing_ah, abs=1)


def test_the_name_is_told_as_a_fast_packet() -> None:
    bench = Bench(registers={"device_name": b"House battery"})
    bench.run(1)
    asks = Frame(WRITE, b"\x66\x99\x01\x00\x0c\x01\xff\xff")
    sent = [frame for _, frame in bench.step((Port.VE_CAN, asks)).sent]
    frames = [frame.data for frame in sent if frame.identifier == 0x1DEFFF50]
    told_name = frames[0][2:] + b"".join(data[1:] for data in frames[1:])

    assert frames[0][1] == len(told_name.rstrip(b"\xff"))
    assert told_name.rstrip(b"\xff") == b"\x66\x99\x0c\x01House battery\0"


def test_1_08_has_no_command_for_the_relay() -> None:
    assert 0x034E not in VeCan.commands.resolve(firmware("1.08"))
