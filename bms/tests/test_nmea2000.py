"""The device on NMEA 2000: its address, what it answers, what others may set."""

import pytest

from bms.address import LAST, NONE, Address
from bms.io import Frame, Port
from bms.reassembly import SLOTS_MAX, Broadcasts, FastPackets
from bms.tests.bench import Bench
from bms.wire import group_function, nmea2000

DISPLAY = 0x21
CLAIM, REFUSAL, GROUP = 0x18EEFF, 0x18E821, 0x0DED21


def ve_can(bench: Bench, *frames: Frame) -> list[Frame]:
    """A step; what it sends on NMEA 2000 but for registers."""
    out = bench.step(*((Port.VE_CAN, frame) for frame in frames))
    sent = [frame for port, frame in out.sent if port is Port.VE_CAN]
    return [frame for frame in sent if frame.identifier >> 16 & 0x3FF != 0xEF]


def told(sent: list[Frame], prefix: int) -> list[Frame]:
    """Frames whose identifier begins so, whatever their source."""
    return [frame for frame in sent if frame.identifier >> 8 == prefix]


def packet_to(pgn: int, data: bytes, destination: int = 0x50) -> tuple[Frame, ...]:
    return nmea2000.fast_packet(nmea2000.identifier(pgn, DISPLAY, destination, 3), data, 1)


def command(
    pgn: int, *fields: tuple[int, bytes], count: int | None = None, destination: int = 0x50
) -> tuple[Frame, ...]:
    data = b"\x01" + pgn.to_bytes(3, "little") + b"\xf8"
    data += bytes((len(fields) if count is None else count,))
    data += b"".join(bytes((number,)) + raw for number, raw in fields)
    return packet_to(126208, data, destination)


def request(pgn: int, interval_ms: int = 0xFFFFFFFF) -> tuple[Frame, ...]:
    data = b"\x00" + pgn.to_bytes(3, "little") + interval_ms.to_bytes(4, "little")
    return packet_to(126208, data + b"\xff\xff\x00")


def codes(sent: list[Frame]) -> tuple[int, int, bytes]:
    """PGN's code, the interval's, and the bytes of the fields' of the acknowledge."""
    first, *rest = told(sent, GROUP)
    data = first.data[2:] + b"".join(frame.data[1:] for frame in rest)
    assert data[0] == 2
    return data[4] & 0xF, data[4] >> 4, data[6 : first.data[1]]


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.run(1)
    return bench


@pytest.fixture
def running() -> Bench:
    bench = Bench()
    bench.start()
    return bench


def test_who_loses_an_address_takes_the_next_that_nobody_has_claimed() -> None:
    address = Address(b"\xff" * 8)
    for taken in (0x51, 0x52):
        address.hear(taken, bytes(8))

    address.hear(0x50, bytes(8))

    assert address.value == 0x53


def test_after_the_last_address_comes_the_first() -> None:
    address = Address(b"\xff" * 8)
    for taken in range(0x51, LAST + 1):
        address.hear(taken, bytes(8))

    address.hear(0x50, bytes(8))

    assert address.value == 0


def test_who_finds_no_address_says_so_and_is_silent(bench) -> None:
    claims = [Frame(0x18EEFF00 | taken, bytes(8)) for taken in range(LAST + 1) if taken != 0x50]
    ve_can(bench, *claims, Frame(0x18EEFF50, bytes(8)))
    bench.run(1)

    sent = ve_can(bench, Frame(0x18EAFF20, b"\x00\xee\x00"), Frame(0x18EAFF20, b"\x14\xf0\x01"))

    assert [frame.identifier for frame in sent] == [0x18EEFF00 | NONE]


def test_two_of_the_same_name_do_not_answer_each_other(bench) -> None:
    (own,) = told(ve_can(bench, Frame(0x18EAFF20, b"\x00\xee\x00")), CLAIM)

    assert not told(ve_can(bench, Frame(0x18EEFF50, own.data)), CLAIM)


def commanded_address(name: bytes, address: int) -> tuple[Frame, ...]:
    payload = name + bytes((address,))
    return (
        Frame(0x1CECFF21, b"\x20\x09\x00\x02\xff\xd8\xfe\x00"),
        Frame(0x1CEBFF21, b"\x01" + payload[:7]),
        Frame(0x1CEBFF21, b"\x02" + payload[7:] + b"\xff" * 5),
    )


@pytest.mark.parametrize(("changed", "moves"), [(0, True), (1, False)], ids=["ours", "another's"])
def test_a_commanded_address_is_taken_by_the_name_that_it_is_for(bench, changed, moves) -> None:
    (own,) = told(ve_can(bench, Frame(0x18EAFF20, b"\x00\xee\x00")), CLAIM)
    name = bytes((own.data[0] ^ changed,)) + own.data[1:]

    sent = ve_can(bench, *commanded_address(name, 0x33))

    assert (0x18EEFF33 in [frame.identifier for frame in sent]) is moves


def test_from_a_new_address_nothing_is_sent_for_250_ms(running) -> None:
    (own,) = told(ve_can(running, Frame(0x18EAFF20, b"\x00\xee\x00")), CLAIM)
    ve_can(running, *commanded_address(own.data, 0x33))

    assert [*ve_can(running), *ve_can(running)] == []
    running.run(2)
    sources = {
        f.identifier & 0xFF for out in running.trace[-15:] for p, f in out.sent if p == "ve_can"
    }
    assert sources == {0x33}


def test_what_it_never_sends_is_refused_to_who_asks_it(bench) -> None:
    (refusal,) = ve_can(bench, Frame(0x18EA5021, b"\x01\xf2\x01"))

    assert refusal.identifier >> 8 == REFUSAL
    assert refusal.data == bytes.fromhex("01 FF FF FF FF 01 F2 01")


def test_what_it_never_sends_is_not_refused_to_everybody(bench) -> None:
    assert ve_can(bench, Frame(0x18EAFF21, b"\x01\xf2\x01")) == []


@pytest.mark.parametrize("pgn", [126464, 126993, 126996, 126998, 127506, 127508, 127513], ids=str)
def test_what_it_sends_is_sent_to_who_asks(running, pgn) -> None:
    sent = ve_can(running, Frame(0x18EA5021, pgn.to_bytes(3, "little")))

    assert pgn in {nmea2000.pgn_of(frame) for frame in sent}


def test_a_data_instance_moves_all_messages_of_the_battery(running) -> None:
    sent = ve_can(running, *command(127508, (1, b"\x20")))
    running.run(0.2)

    assert codes(sent)[:2] == (0, 0)
    status = ve_can(running, Frame(0x18EA5021, (127508).to_bytes(3, "little")))
    detailed = ve_can(running, Frame(0x18EA5021, (127506).to_bytes(3, "little")))
    assert [f.data[0] for f in told(status, 0x19F214)] == [32, 33, 34]
    assert told(detailed, 0x19F212)[0].data[3] == 32


@pytest.mark.parametrize("instance", [1, 31, 33, 255])
def test_a_data_instance_is_a_multiple_of_32(bench, instance) -> None:
    sent = ve_can(bench, *command(127508, (1, bytes((instance,)))))
    bench.run(0.2)

    assert codes(sent)[2][:1] == b"\xf3"  # out of range; the other half is filled up
    assert bench.master.view.settings.values["data_instance"] == 0


def test_a_stored_data_instance_that_is_none_reads_as_0() -> None:
    bench = Bench(registers={"setting.data_instance": b"\x21"})
    bench.run(1)

    assert bench.master.view.settings.values["data_instance"] == 0


def test_device_and_function_instance_are_set_together_and_claimed_with(bench) -> None:
    ve_can(bench, *command(60928, (3, b"\x05"), (4, b"\x11"), (8, b"\x0a")))
    bench.run(0.3)

    (claim,) = told(ve_can(bench, Frame(0x18EA5021, b"\x00\xee\x00")), CLAIM)
    assert claim.data[4] == 0x11 << 3 | 5
    assert claim.data[7] & 0x0F == 10
    assert bench.registers["setting.device_instance"] == (0x8D).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("field", "raw"),
    [(3, b"\x08"), (4, b"\x20"), (8, b"\x10")],
    ids=["device", "function", "class"],
)
def test_an_instance_beyond_its_bits_is_refused(bench, field, raw) -> None:
    before = bench.master.view.settings.values["device_instance"]

    sent = ve_can(bench, *command(60928, (field, raw)))
    bench.run(0.2)

    assert codes(sent)[2][:1] == b"\xf3"
    assert bench.master.view.settings.values["device_instance"] == before


def test_a_field_that_nobody_may_set_is_an_invalid_field(bench) -> None:
    sent = ve_can(bench, *command(60928, (1, b"\x08")))

    assert codes(sent)[2][:1] == b"\xf1"


def test_a_pgn_of_which_nothing_can_be_set_is_refused(bench) -> None:
    assert codes(ve_can(bench, *command(126996, (1, b"\x08"))))[0] == 4


def test_a_pgn_that_it_does_not_have_cannot_be_requested(bench) -> None:
    assert codes(ve_can(bench, *request(127489)))[0] == 1


def test_an_interval_of_another_pgn_is_not_changed(bench) -> None:
    assert codes(ve_can(bench, *request(127508, 500)))[:2] == (0, 1)


def test_a_command_to_everybody_is_obeyed_and_not_answered(bench) -> None:
    sent = ve_can(bench, *command(127508, (1, b"\x40"), destination=0xFF))
    bench.run(0.2)

    assert not told(sent, GROUP)
    assert bench.master.view.settings.values["data_instance"] == 64


def test_the_name_of_before_1_32_cannot_be_set() -> None:
    bench = Bench("1.31")
    bench.run(1)

    sent = ve_can(bench, *command(126998, (1, group_function.text("Bow"))))

    assert codes(sent)[0] == 4


@pytest.mark.parametrize(
    "raw",
    [b"\x02\x07", b"\x05\x01A\x07B", b"\x04\x00\xe9\x00", b"\x05\x01A\xe9B"],
    ids=["no encoding", "a bell", "UTF-16 beyond ASCII", "no ASCII"],
)
def test_a_text_that_cannot_be_stored_is_out_of_range(bench, raw) -> None:
    sent = ve_can(bench, *command(126998, (1, raw)))

    assert codes(sent)[2][:1] == b"\xf3"
    assert bench.master.view.settings.texts["device_name"] == ""


def test_a_name_in_utf_16_is_taken(bench) -> None:
    ve_can(bench, *command(126998, (1, b"\x06\x00B\x00o\x00")))
    bench.run(0.2)

    assert bench.master.view.settings.texts["device_name"] == "Bo"


CUT_SHORT = {
    "empty": b"",
    "no PGN": b"\x01\x16",
    "a request without its interval": b"\x00\x11\xf0\x01\xff\xff",
    "an acknowledge": b"\x02\x16\xf0\x01\x00\x00",
    "of no kind": b"\x09\x16\xf0\x01\xf8\x01\x01",
}


@pytest.mark.parametrize("data", CUT_SHORT.values(), ids=CUT_SHORT)
def test_what_is_no_whole_group_function_is_not_answered(bench, data) -> None:
    assert ve_can(bench, *packet_to(126208, data)) == []


@pytest.mark.parametrize("raw", [b"", b"\x20\x01A"], ids=["none", "less than it says"])
def test_a_field_that_is_cut_short_is_an_invalid_field(bench, raw) -> None:
    sent = ve_can(bench, *command(126998, (1, raw), count=1))

    assert not told(sent, GROUP) or codes(sent)[2][:1] == b"\xf1"
    assert bench.master.view.settings.texts["device_name"] == ""


def test_a_lost_frame_loses_the_command(bench) -> None:
    first, *_, last = command(126998, (1, group_function.text("A name of three frames")))

    assert ve_can(bench, first, last) == []


def test_a_flood_of_beginnings_does_not_take_the_memory() -> None:
    packets, broadcasts = FastPackets(), Broadcasts()
    for source in range(252):
        packets.push(Frame(0x0DED5000 | source, b"\x00\xdf" + bytes(6)))
        broadcasts.push(Frame(0x1CECFF00 | source, b"\x20\x09\x00\x02\xff\xd8\xfe\x00"))

    assert len(packets._parts) <= SLOTS_MAX
    assert len(broadcasts._parts) <= SLOTS_MAX


def test_in_standby_no_heartbeat_is_sent(bench) -> None:
    bench.run(70, tick_us=1_000_000)

    pgns = {nmea2000.pgn_of(f) for out in bench.trace for p, f in out.sent if p is Port.VE_CAN}
    assert 126993 not in pgns


def test_another_identity_is_claimed_with() -> None:
    bench = Bench(registers={"setting.identity": b"\x01"})
    bench.run(1)

    (claim,) = told(ve_can(bench, Frame(0x18EA5021, b"\x00\xee\x00")), CLAIM)
    assert int.from_bytes(claim.data[:4], "little") >> 21 == 1160
