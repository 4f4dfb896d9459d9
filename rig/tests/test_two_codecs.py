"""Two codecs: what the firmware writes, the rig reads by its own tables, and a swap shows.

Each message of `bms.wire` is made once as it is, and read as what went in; and once with two of its
fields exchanged in the firmware's codec, which the rig's decoder has to see.
"""

from collections.abc import Callable
from typing import Any

import pytest

from bms.io import Frame as Sent
from bms.wire import group_function, inverter, nmea2000, private, visedo, vreg
from rig.can.by_dbc import general_decoder, mgreg_decoder, private_decoder, visedo_decoder
from rig.can.frame import Frame
from rig.tests.swaps import (
    InAStruct,
    InBytes,
    InNames,
    InTwoFrames,
    Read,
    Values,
    at,
    by_dbc,
    by_n2k,
    by_vreg,
    packet,
)

EXTERNAL, PRIVATE, VISEDO, MG = (
    by_dbc(decoder) for decoder in (general_decoder, private_decoder, visedo_decoder, mgreg_decoder)
)
LIMITS = inverter.Limits(
    charge_voltage_v=56.8,
    charge_current_a=150.0,
    discharge_current_a=300.0,
    discharge_voltage_v=44.8,
)
NAME = nmea2000.Name(unique=0x1000AE, manufacturer=1160, device_instance=0x2B, system_instance=5)
RANGE = vreg.u16(3.25, 0.01) + vreg.u16(3.31, 0.01)

# What is made, how it is read, what it has to say, and which two fields are exchanged.
MESSAGES: dict[str, tuple[Callable[[], Any], Read, Values, Any]] = {
    "0x351": (
        lambda: inverter.limits(LIMITS, 12_000),
        EXTERNAL,
        {"charge_current_limit_a": 150.0, "discharge_current_limit_a": 300.0},
        InAStruct(inverter, "_LIMITS", 1, 2),
    ),
    "0x351 voltages": (
        lambda: inverter.limits(LIMITS, 12_000),
        EXTERNAL,
        {"charge_voltage_limit_v": 56.8, "discharge_voltage_limit_v": 44.8},
        InAStruct(inverter, "_LIMITS", 0, 3),
    ),
    "0x355": (
        lambda: inverter.state_of_charge(60.25),
        EXTERNAL,
        {"soc_pct": 60, "soh_pct": None, "soc_fine_pct": 60.25},
        InAStruct(inverter, "_STATE", 0, 2),
    ),
    "0x356": (
        lambda: inverter.measurements(52.17, -30.1, 23.5),
        EXTERNAL,
        {"voltage_v": 52.17, "current_a": -30.1, "temperature_c": 23.5},
        InAStruct(inverter, "_VALUES", 1, 2),
    ),
    "0x35A": (
        lambda: inverter.alarms(frozenset({11}), frozenset({0})),
        EXTERNAL,
        {"alarm_bms_internal": 1, "alarm_general": 2, "warning_general": 1},
        InNames(inverter, "RAISED", "CLEARED"),
    ),
    "0x35A alarms and warnings": (
        lambda: inverter.alarms(frozenset({11}), frozenset({0})),
        EXTERNAL,
        {"alarm_bms_internal": 1, "alarm_general": 2, "warning_general": 1},
        InBytes(inverter, "alarms", at(0, 4), at(4, 4)),
    ),
    "0x35B": (
        lambda: inverter.events(preventive_shutdown=True),
        EXTERNAL,
        {"preventive_shutdown": 1},
        InBytes(inverter, "events", at(0), at(1)),
    ),
    "0x35E": (
        lambda: (inverter.maker(),),
        EXTERNAL,
        {"manufacturer": "MG-BMS"},
        InBytes(inverter, "maker", at(0), at(1)),
    ),
    "0x35F": (
        lambda: inverter.identity((1, 38), 460, 0xA392),
        EXTERNAL,
        {"type_id": 15003, "firmware_release": 0x0126, "capacity_ah": 460, "product_id": 0xA392},
        InAStruct(inverter, "_IDENTITY", 2, 3),
    ),
    "0x373": (
        lambda: inverter.extremes((3.259, 3.269), (20.85, 22.85)),
        EXTERNAL,
        {"cell_voltage_v_min": 3.259, "cell_voltage_v_max": 3.269, "cell_temperature_k_min": 294},
        InAStruct(inverter, "_EXTREMES", 0, 1),
    ),
    "0x378": (
        lambda: inverter.energy(12.34, 56.78),
        EXTERNAL,
        {"charged_energy_kwh": 12.34, "discharged_energy_kwh": 56.78},
        InAStruct(inverter, "_ENERGY", 0, 1),
    ),
    "0x380": (
        lambda: inverter.serial_number("HQ1845ABCDE")[0],
        EXTERNAL,
        {"serial_number_first": "HQ1845AB"},
        InTwoFrames(inverter, "serial_number"),
    ),
    "beacon": (
        lambda: private.beacon(9, 2, 3, 200),
        PRIVATE,
        {"state": 9, "batteries_registered": 2, "beacon_counter": 200},
        InBytes(private, "beacon", at(0), at(1)),
    ),
    "announce": (
        lambda: private.announce(17200047, 3, 8, 38),
        PRIVATE,
        {"announced_serial_hash": 17200047, "type_code": 3, "cells": 8},
        InAStruct(private, "_ANNOUNCE", 1, 2),
    ),
    "assign": (
        lambda: private.assign(97, 3),
        PRIVATE,
        {"assigned_serial_hash": 97, "assigned_node": 3},
        InAStruct(private, "_ASSIGN", 0, 1),
    ),
    "cells": (
        lambda: private.cells(3, 1, (3.25, 3.26, 3.27, 3.28)),
        PRIVATE,
        {"cell_5_voltage_v": 3.25, "cell_6_voltage_v": 3.26},
        InAStruct(private, "_FOUR_VOLTAGES", 0, 1),
    ),
    "temperatures": (
        lambda: private.temperatures(3, 0, (20.0, -21.5)),
        PRIVATE,
        {"sensor_1_temperature_c": 20.0, "sensor_2_temperature_c": -21.5},
        InAStruct(private, "_FOUR_TEMPERATURES", 0, 1),
    ),
    "status": (
        lambda: private.status(3, (25.0, 31.0), 1, 45, 17, soh_pct=91),
        PRIVATE,
        {"positive_terminal_temperature_c": 25.0, "negative_terminal_temperature_c": 31.0},
        InAStruct(private, "_STATUS", 0, 1),
    ),
    "status, last bytes": (
        lambda: private.status(3, (25.0, 31.0), 1, 45, 17, soh_pct=91),
        PRIVATE,
        {"fan_on": 1, "humidity_pct": 45, "soh_pct": 91, "status_counter": 17},
        InAStruct(private, "_STATUS", 3, 4),
    ),
    "command": (
        lambda: private.command(1, 3, 0x0F, 7),
        PRIVATE,
        {"command": 3, "mask": 15, "command_sequence": 7},
        InAStruct(private, "_COMMAND", 0, 2),
    ),
    "acknowledge": (
        lambda: private.acknowledge(1, 3, 7),
        PRIVATE,
        {"acknowledged_command": 3, "acknowledged_sequence": 7},
        InBytes(private, "acknowledge", at(0), at(1)),
    ),
    "pong": (
        lambda: private.pong(1, 0x01020304),
        PRIVATE,
        {"pong_token": 0x01020304},
        InBytes(private, "pong", at(0), at(3)),
    ),
    "127508": (
        lambda: nmea2000.battery_status(0x50, 1, (25.6, -2.4, 25.0), 7),
        by_n2k,
        {"instance": 1, "voltage": 25.6, "current": -2.4, "temperature": 298.15, "sid": 7},
        InAStruct(nmea2000, "_BATTERY", 1, 3),
    ),
    "127506": (
        lambda: nmea2000.detailed_status(0x50, 32, (95.0, 91.0, 120, 280.0), 4),
        by_n2k,
        {"instance": 32, "stateOfCharge": 95, "stateOfHealth": 91, "timeRemaining": 7200},
        InAStruct(nmea2000, "_DETAILED", 3, 4),
    ),
    "127506, last bytes": (
        lambda: nmea2000.detailed_status(0x50, 32, (95.0, 91.0, 120, 280.0), 4),
        by_n2k,
        {"timeRemaining": 7200, "remainingCapacity": 280},
        InAStruct(nmea2000, "_DETAILED", 5, 7),
    ),
    "127513": (
        lambda: packet(127513, nmea2000.battery_configuration(32, 51.2, 460)),
        by_n2k,
        {"instance": 32, "nominalVoltage": 6, "chemistry": 1, "capacity": 460},
        InAStruct(nmea2000, "_BATTERY_CONFIGURATION", 0, 2),
    ),
    "126993": (
        lambda: Sent(0x1DF01150, nmea2000.heartbeat(60_000_000, 3)),
        by_n2k,
        {"dataTransmitOffset": 60.0, "sequenceCounter": 3, "equipmentStatus": 0},
        InAStruct(nmea2000, "_HEARTBEAT", 1, 2),
    ),
    "126996": (
        lambda: packet(
            126996, nmea2000.product_information(0xA394, ("Lynx", "1.38", "1000 A", "HQ1"))
        ),
        by_n2k,
        {"productCode": 0xA394, "modelId": "Lynx", "softwareVersionCode": "1.38"},
        InAStruct(nmea2000, "_PRODUCT", 2, 3),
    ),
    "126998": (
        lambda: packet(126998, nmea2000.configuration_information(("Bow", "Aft", "Maker"))),
        by_n2k,
        {"installationDescription1": "Bow", "installationDescription2": "Aft"},
        InBytes(nmea2000, "configuration_information", at(0, 5), at(5, 5)),
    ),
    "126464": (
        lambda: packet(126464, nmea2000.pgn_list(1, (60928, 59904))),
        by_n2k,
        {"functionCode": 1, "sets": [{"pgn": 60928}, {"pgn": 59904}]},
        InBytes(nmea2000, "pgn_list", at(1, 3), at(4, 3)),
    ),
    "59392": (
        lambda: nmea2000.iso_refusal(0x50, 0x21, 127488),
        by_n2k,
        {"control": 1, "pgn": 127488},
        InBytes(nmea2000, "iso_refusal", at(0), at(5)),
    ),
    "60928": (
        lambda: nmea2000.address_claim(NAME.pack(), 0x50),
        by_n2k,
        {
            "uniqueNumber": 0x1000AE,
            "manufacturerCode": 1160,
            "deviceInstanceLower": 3,
            "deviceInstanceUpper": 5,
            "systemInstance": 5,
        },
        InBytes(nmea2000.Name, "pack", at(4), at(7)),
    ),
    "126208": (
        lambda: packet(126208, group_function.acknowledge(126998, 0, 1, (0, 3)), 0x21),
        by_n2k,
        {
            "pgn": 126998,
            "pgnErrorCode": 0,
            "transmissionIntervalPriorityErrorCode": 1,
            "sets": [{"parameter": 0}, {"parameter": 3}],
        },
        InBytes(group_function, "acknowledge", at(4), at(5)),
    ),
    "VREG": (
        lambda: vreg.broadcast(0x50, vreg.CELL_VOLTAGE_RANGE, RANGE),
        by_vreg,
        {"register": 0x0385, "cell_voltage_v_min": 3.25, "cell_voltage_v_max": 3.31},
        InBytes(vreg, "broadcast", at(4, 2), at(6, 2)),
    ),
    "VREG, its number": (
        lambda: vreg.broadcast(0x50, vreg.SOC, vreg.u16(60.0, 0.01)),
        by_vreg,
        {"register": 0x0FFF, "soc_pct": 60.0},
        InBytes(vreg, "broadcast", at(2), at(3)),
    ),
    "VREG acknowledge": (
        lambda: vreg.acknowledge(0x50, 0x20, 0x0102, vreg.ACK_INVALID),
        by_vreg,
        {"register": 0x0102, "code": 0x8300},
        InBytes(vreg, "acknowledge", at(4, 2), at(6, 2)),
    ),
    "VREG version": (
        lambda: vreg.broadcast(0x50, vreg.FIRMWARE, vreg.firmware_version(1, 38)),
        by_vreg,
        {"firmware_version": "1.38"},
        InBytes(vreg, "firmware_version", at(2), at(3)),
    ),
    "MGREG": (
        lambda: vreg.broadcast(0x50, vreg.CELL_VOLTAGE_RANGE, RANGE, vreg.MG),
        MG,
        {"cell_voltage_v_min": 3.25, "cell_voltage_v_max": 3.31},
        InBytes(vreg, "broadcast", at(4, 2), at(6, 2)),
    ),
    "MGREG, whose it is": (
        lambda: vreg.broadcast(0x50, vreg.SOC, vreg.u16(60.0, 0.01), vreg.MG),
        MG,
        {"soc_pct": 60.0},
        InNames(vreg, "MG", "HEADER"),
    ),
    "0x075": (
        lambda: visedo.battery(9, 60.5, (52.17, -30.1), visedo.FAIL_SAFE, 200),
        VISEDO,
        {"state": 9, "soc_pct": 60.5, "voltage_v": 52.17, "current_a": -30.1, "counter": 200},
        InAStruct(visedo, "_BATTERY", 0, 1),
    ),
    "0x650": (
        lambda: visedo.write(visedo.CURRENT, 1150),
        VISEDO,
        {"request": 0x2B, "request_index": 0x2001, "request_subindex": 2, "request_value": 1150},
        InAStruct(visedo, "_SDO", 1, 3),
    ),
}


def read(message: str) -> Values:
    make, reader, wanted, _ = MESSAGES[message]
    made = make()
    frames = made if isinstance(made, tuple) and not isinstance(made, Sent) else (made,)
    values = reader(tuple(Frame(each.identifier, each.data, each.extended) for each in frames))
    return {name: values.get(name) for name in wanted}


def in_floats(wanted: Values) -> Values:
    """The same, with numbers as near as a float is."""
    return {n: pytest.approx(v) if isinstance(v, float) else v for n, v in wanted.items()}


@pytest.mark.parametrize("message", MESSAGES)
def test_the_rig_reads_what_the_firmware_says(message: str) -> None:
    assert read(message) == in_floats(MESSAGES[message][2])


@pytest.mark.parametrize("message", MESSAGES)
def test_the_rig_sees_two_fields_exchanged(message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MESSAGES[message][3].apply(monkeypatch)

    assert read(message) != in_floats(MESSAGES[message][2])


def test_no_message_of_the_firmwares_codecs_is_left_out() -> None:
    makers = {
        name
        for module in (inverter, private, visedo, vreg, nmea2000)
        for name, what in vars(module).items()
        if getattr(what, "__annotations__", {}).get("return") in {Sent, tuple[Sent, Sent]}
    }
    named = {name for make, *_ in MESSAGES.values() for name in make.__code__.co_names}

    assert makers - {"_frame"} <= named
