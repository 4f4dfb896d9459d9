"""NMEA 2000: the library behind our types, and our encoders read by it."""

import pytest

from rig.can.encode import DeviceName, address_claim, iso_request, rename_command
from rig.can.frame import Frame, parse_frame
from rig.can.n2k import N2kDecoder


@pytest.fixture
def decoder() -> N2kDecoder:
    return N2kDecoder()


def test_battery_status_is_read_in_si(decoder: N2kDecoder) -> None:
    message = decoder.decode(parse_frame("19F21450#01000AE8FF777400"))

    assert message is not None
    assert (message.pgn, message.source) == (127508, 0x50)
    assert message.fields["instance"] == 1
    assert message.fields["voltage"] == pytest.approx(25.6)
    assert message.fields["current"] == pytest.approx(-2.4)
    assert message.fields["temperature"] == pytest.approx(298.15)


def test_what_is_not_available_is_none(decoder: N2kDecoder) -> None:
    message = decoder.decode(parse_frame("19F21450#00FF7FFF7FFFFFFF"))

    assert message is not None
    assert {message.fields[name] for name in ("voltage", "current", "temperature")} == {None}


def test_dc_detailed_status_comes_with_its_second_frame(decoder: N2kDecoder) -> None:
    first = decoder.decode(parse_frame("19F21250#000B0000005FFF78"))
    second = decoder.decode(parse_frame("19F21250#0100FFFF1801FFFF"))

    assert first is None
    assert second is not None
    assert second.fields["stateOfCharge"] == 95
    assert second.fields["timeRemaining"] == 7200
    assert second.fields["remainingCapacity"] == 280


def test_the_makers_address_claim_is_read(decoder: N2kDecoder) -> None:
    message = decoder.decode(parse_frame("18EEFF50#AE00109100AA46C0"))

    assert message is not None
    assert message.fields["uniqueNumber"] == 0x1000AE
    assert (message.codes["manufacturerCode"], message.codes["deviceFunction"]) == (1160, 170)


def test_our_address_claim_is_the_makers() -> None:
    name = DeviceName(unique=0x1000AE, manufacturer=1160, function=170, device_class=35)

    assert address_claim(0x50, name) == parse_frame("18EEFF50#AE00109100AA46C0")


def test_an_iso_request_names_the_pgn(decoder: N2kDecoder) -> None:
    message = decoder.decode(iso_request(0x20, 0x50, 60928))

    assert message is not None
    assert (message.pgn, message.destination, message.fields["pgn"]) == (59904, 0x50, 60928)


def test_a_rename_command_is_a_group_function_on_126998(decoder: N2kDecoder) -> None:
    messages = [decoder.decode(each) for each in rename_command(0x20, 0x50, "House")]

    assert messages[-1] is not None
    assert (messages[-1].pgn, messages[-1].fields["pgn"]) == (126208, 126998)
    assert messages[-1].sets == ({"parameter": 1, "value": "House"},)


def test_spare_bits_are_no_fields(decoder: N2kDecoder) -> None:
    message = decoder.decode(parse_frame("18EEFF50#AE00109100AA46C0"))

    assert message is not None
    assert "spare" not in message.fields


def test_signals_of_two_instances_have_two_names(decoder: N2kDecoder) -> None:
    names = {
        signal.name
        for instance in (0, 1)
        for signal in decoder.signals(0, Frame(0x19F21450, bytes([instance, *bytes(7)])))
    }

    assert {"n2k.batteryStatus.0.voltage", "n2k.batteryStatus.1.voltage"} <= names


def test_a_standard_frame_is_none(decoder: N2kDecoder) -> None:
    assert decoder.decode(Frame(0x351, bytes(8), extended=False)) is None
