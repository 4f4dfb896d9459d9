"""Who is who is found from what is on the buses."""

from pathlib import Path

import pytest

from bms.firmware import Version
from rig.can.fast_packet import split
from rig.replay.formats.raw import Batches, Notes, Source
from rig.replay.log import Log, LoggedFrame, Role
from rig.replay.sides import Sender, Sides, release_in, sides_of

BATTERY_NAME, GX_NAME = "1967d12c00aa46c0", "0100c02c008232c0"
STATE, SOC = "6699710309ffffff", "6699ff0f5c17ffff"


def log(*lines: str, roles: dict[str, Role] | None = None) -> Log:
    """A log of frames as `bus id#data`, a second apart."""

    def read(notes: Notes) -> Batches:
        frames = []
        for number, line in enumerate(lines):
            bus, frame = line.split()
            identifier, data = frame.split("#")
            on = notes.channel(bus)
            wide = len(identifier) == 8
            frames.append(
                LoggedFrame(number * 1_000_000, on, int(identifier, 16), wide, bytes.fromhex(data))
            )
        yield frames

    return Log([Source(path=Path("a.log"), open=read)], roles or {})


def senders(given: Log) -> list[Sender]:
    sides = sides_of(given)
    return [sides.sender(frame) for frame in given.frames()]


def test_buses_are_told_apart_by_what_is_on_them() -> None:
    sides = sides_of(
        log(
            *("a 18F02001#0102030405060708", "b 1CEFFF50#" + STATE),
            *("c 351#0102030405060708", "d 123#00"),
        )
    )

    assert sides.roles == (Role.PRIVATE, Role.VE_CAN, Role.EXTERNAL, Role.UNKNOWN)


def test_a_role_that_was_given_wins() -> None:
    assert sides_of(log("a 351#00", roles={"a": Role.VE_CAN})).roles == (Role.VE_CAN,)


def test_the_dut_is_found_by_its_claim_as_a_battery() -> None:
    sides = sides_of(log("a 18EEFF52#" + BATTERY_NAME, "a 18EEFF20#" + GX_NAME))

    assert sides.dut_addresses == (0x52,)


def test_the_dut_is_found_by_the_registers_that_only_a_bms_tells() -> None:
    given = log("a 1CEFFF61#" + STATE, "a 1CEFFF61#66990121" + "00ffffff", "a 19F21430#" + "00" * 8)

    assert sides_of(given).dut_addresses == (0x61,)


def test_another_battery_monitor_is_not_the_dut_where_a_bms_is() -> None:
    given = log(
        *("a 18EEFF40#" + BATTERY_NAME, "a 18EEFF52#" + BATTERY_NAME),
        *("a 1CEFFF52#" + STATE, "a 1CEFFF52#66990121" + "00ffffff"),
    )

    assert sides_of(given).dut_addresses == (0x52,)


def test_an_address_belongs_to_who_claimed_it_last() -> None:
    given = log(
        *("a 18EEFF50#" + BATTERY_NAME, "a 19F21450#" + "00" * 8),
        *("a 18EEFF50#" + GX_NAME, "a 19F21450#" + "00" * 8),
    )

    assert senders(given) == [Sender.DUT, Sender.DUT, Sender.GX, Sender.GX]


def test_senders_of_the_private_bus_are_master_and_batteries() -> None:
    given = log(
        *("a 18F00000#0902030000000000", "a 18F02001#0102030405060708"),
        *("a 18F05001#0102030405060708", "a 18F0A001#0102030400000000"),
    )

    assert senders(given) == [Sender.DUT, Sender.BATTERY, Sender.DUT, Sender.BATTERY]


def test_senders_of_the_external_bus_are_dut_and_gx() -> None:
    assert senders(log("a 351#00", "a 305#00", "a 5D0#00")) == [
        Sender.DUT,
        Sender.GX,
        Sender.OTHER,
    ]


def test_who_asks_for_registers_is_a_gx_device() -> None:
    given = log("a 1CEFFF50#" + STATE, "a 1CEFFF50#66990121" + "00ffffff")
    asking = log("a 1CEF5033#6699010071030000", "a 1CEFFF50#" + STATE)

    assert senders(given) == [Sender.DUT, Sender.DUT]
    assert senders(asking)[0] is Sender.GX


def _told(sides: Sides) -> list[tuple[str, str]]:
    return [(str(each.version), each.by) for each in sides.releases]


def test_the_release_is_told_by_0x35f() -> None:
    given = log("a 351#00", "a 35F#9b3a0126d4030000")

    assert release_in(given) == Version(1, 38)


def test_the_release_is_told_by_a_register() -> None:
    given = log(
        *("a 18EEFF50#" + BATTERY_NAME, "a 1CEFFF50#6699020100002601"),
        *("a 1CEFFF20#6699020100000503",),
    )

    assert _told(sides_of(given)) == [("1.38", "VREG 0x0102")]


def test_the_release_is_told_by_product_information() -> None:
    texts = b"".join(
        text.ljust(32, b"\xff") for text in (b"Lynx Ion BMS", b"1.17", b"400 A", b"HQ1746")
    )
    payload = b"\x34\x08\x00\x00" + texts + b"\x00\x02"
    frames = [f"a 19F01450#{frame.data.hex()}" for frame in split(0x19F01450, payload)]

    sides = sides_of(log(*frames))

    assert _told(sides) == [("1.17", "product information")]
    assert sides.devices[0].model == "Lynx Ion BMS"
    assert sides.devices[0].sender is Sender.DUT


def test_an_update_shows_as_two_releases_in_the_order_of_time() -> None:
    given = log("a 35F#9b3a0126d4030000", "a 35F#9b3a0126d4030000", "a 35F#9b3a0124d4030000")

    assert _told(sides_of(given)) == [("1.38", "0x35F"), ("1.36", "0x35F")]
    assert release_in(given) == Version(1, 36)


def test_a_log_that_tells_no_release_has_none() -> None:
    assert release_in(log("a 123#00")) is None


@pytest.mark.parametrize("data", ["", "00", "669902"], ids=["none", "short", "cut"])
def test_frames_that_are_cut_short_tell_nothing(data: str) -> None:
    given = log(f"a 35F#{data}", f"a 1CEFFF50#{data}", f"a 18EEFF50#{data}")

    assert sides_of(given).releases == ()
