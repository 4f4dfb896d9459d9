"""What the master and a battery say and hear on their buses, and what they let pass."""

import pytest

from bms.battery.module import Module
from bms.data import battery_types
from bms.firmware import milliseconds, seconds
from bms.history.reception import HeldUpByATask
from bms.io import BatteryInputs, ControllerState, Frame, Port, Reception
from bms.releases import firmware
from bms.tests.bench import Bench
from bms.wire import private


def test_reception_held_up_keeps_one_frame_of_a_burst() -> None:
    reception = HeldUpByATask()
    in_the_task = milliseconds(255), milliseconds(256), milliseconds(269)

    assert [reception.keeps(time_us) for time_us in in_the_task] == [True, False, False]


def test_reception_held_up_keeps_all_frames_outside_the_task() -> None:
    reception = HeldUpByATask()

    assert all(reception.keeps(milliseconds(time_ms)) for time_ms in range(20, 250))


def ve_can(bench: Bench, *frames: Frame) -> list[Frame]:
    out = bench.step(*((Port.VE_CAN, frame) for frame in frames))
    return [frame for port, frame in out.sent if port is Port.VE_CAN]


def claims(sent: list[Frame]) -> list[Frame]:
    return [frame for frame in sent if frame.identifier >> 8 == 0x18EEFF]


def test_nothing_but_the_claim_is_sent_in_the_first_250_ms() -> None:
    bench = Bench()
    sent = [*ve_can(bench), *ve_can(bench), *ve_can(bench)]

    assert [frame.identifier for frame in sent] == [0x18EEFF50]


def test_a_request_for_the_address_of_another_device_is_not_answered() -> None:
    bench = Bench()
    bench.run(1)

    assert not claims(ve_can(bench, Frame(0x18EA3120, b"\x00\xee\x00")))


@pytest.mark.parametrize("destination", [0x50, 0xFF], ids=["to the master", "to everybody"])
def test_a_request_for_the_address_is_answered(destination) -> None:
    bench = Bench()
    bench.run(1)

    request = Frame(0x18EA0020 | destination << 8, b"\x00\xee\x00")
    assert len(claims(ve_can(bench, request))) == 1


def test_a_lower_name_takes_the_address() -> None:
    bench = Bench()
    bench.run(1)

    (claim,) = claims(ve_can(bench, Frame(0x18EEFF50, bytes(8))))
    assert claim.identifier & 0xFF != 0x50


@pytest.mark.parametrize("data", [b"\xff" * 8, b""], ids=["a higher NAME", "no NAME at all"])
def test_the_address_is_kept_against(data) -> None:
    bench = Bench()
    bench.run(1)
    ve_can(bench, Frame(0x18EEFF50, data))

    (claim,) = claims(ve_can(bench, Frame(0x18EAFF20, b"\x00\xee\x00")))
    assert claim.identifier & 0xFF == 0x50


def test_serial_numbers_with_the_same_digits_make_different_names() -> None:
    names = set()
    for serial in ("HQ1845ABC12", "HQ1845ABC21"):
        (claim,) = claims(ve_can(Bench(serial=serial)))
        names.add(claim.data)

    assert len(names) == 2


@pytest.mark.parametrize(("release", "recovers"), [("1.13", False), ("1.14", True)])
def test_bus_off_is_left_from_1_14_on(release, recovers) -> None:
    bench = Bench(release)
    bench.start()
    bench.controller = ControllerState.BUS_OFF
    bench.run(1)

    assert any(Port.VE_CAN in out.recover for out in bench.trace) is recovers


def test_a_setting_written_by_register_is_acknowledged_and_taken() -> None:
    bench = Bench()
    bench.start()
    written = ve_can(bench, Frame(0x1CEF5020, bytes.fromhex("66 99 76 03 01 FF FF FF")))
    bench.run(0.2)

    assert Frame(0x1CEF2050, bytes.fromhex("66 99 02 00 76 03 00 00")) in written
    assert bench.master.view.settings.values["battery_strategy"] == 1


def module(node_frames: tuple[Frame, ...], battery: Module, time_us: int) -> list[Frame]:
    received = tuple(Reception(time_us, Port.PRIVATE, frame) for frame in node_frames)
    inputs = BatteryInputs(
        cell_voltages_v=(3.3,) * 8, cell_temperatures_c=(25.0,) * 4, received=received
    )
    return list(battery.step(time_us, inputs).sent)


@pytest.fixture
def registered() -> Module:
    """A battery of serial 97 with node 3, at 2 s."""
    battery = Module(firmware("1.38"), battery_types()[2], 97)
    module((private.beacon(4, 0, 2, 1),), battery, seconds(1))
    module((private.assign(97, 3), private.beacon(5, 1, 2, 2)), battery, seconds(2))
    return battery


def kinds(sent: list[Frame]) -> set[int]:
    return {private.kind_and_node(frame.identifier)[0] for frame in sent}


def test_a_registered_battery_reports_its_cells_and_temperatures(registered) -> None:
    assert kinds(module((), registered, seconds(2.2))) == {0x18F020, 0x18F021, 0x18F030, 0x18F040}


def test_a_battery_announces_itself_anew_to_a_master_that_started_anew(registered) -> None:
    sent = module((private.beacon(4, 0, 2, 1),), registered, seconds(4))

    assert kinds(sent) == {0x18F0FE}


def test_a_battery_falls_silent_5_s_after_the_last_beacon(registered) -> None:
    assert not module((), registered, seconds(7.1))


def test_a_battery_ignores_a_frame_that_is_cut_short(registered) -> None:
    stump = replace_data(private.assign(97, 9), b"\x61\x00")

    assert 0x18F040 in kinds(module((stump,), registered, seconds(2.2)))


def replace_data(frame: Frame, data: bytes) -> Frame:
    return frame._replace(data=data)
