"""What a bench file of kind `lab` states besides: CAN adapters, device, batteries, wires.

Types only: whether it makes sense together is what `rig.benches.lab.wiring_check` says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from rig.benches.reading import Reader

SECTIONS = ("can", "dut", "batteries", "wires", "interlock", "place")
BUSES = ("ve_can", "private", "external")
REST_BUS, REAL = "rest-bus", "real"
# The nodes of the circuit: before the contactor, behind it, and what both have in common.
BATTERY, SYSTEM, MINUS = "battery+", "system+", "minus"
NODES = (BATTERY, SYSTEM, MINUS)
# What a certificate can say of each role: by what it measures, or by the channel's name.
UNCERTAIN: Mapping[str, tuple[str, ...]] = {
    "charger": ("voltage_v", "current_a"),
    "load": ("voltage_v", "current_a"),
    "daq": ("battery_voltage_v", "system_voltage_v", "supply_shunt_v"),
    "chamber": ("temperature_k",),
}
SENSED = ("charger", "load")  # have sense leads of their own
MEASURED = ("battery_voltage", "system_voltage")  # have a pair of leads to the DAQ
RELAYS, INPUTS = range(201, 221), range(301, 321)
CanOption = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CanPort:
    """A CAN adapter as python-can opens it."""

    interface: str
    channel: str
    bitrate: int
    options: Mapping[str, CanOption]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabDevice:
    """The device under test, as far as it cannot be asked."""

    label: str  # what is written on it; "": whoever checks the bench is asked once
    hardware: str
    supply_relay: int | None  # a relay of the DAQ that cuts its supply while it is closed


@dataclass(frozen=True, slots=True, kw_only=True)
class LabBatteries:
    """The batteries: real ones, or our modules' firmware on the real private bus (rest bus)."""

    kind: str
    type: str
    series: int
    parallel: int
    soc_pct: float  # at which this lab keeps them
    voltage_v_min: float  # of the whole string, as it may be found
    voltage_v_charged: float
    temperature_c: float = 25.0  # chosen: of the room, where nobody has said another since


@dataclass(frozen=True, slots=True, kw_only=True)
class Leads:
    """On which node each lead of one instrument is; None: there is no such lead."""

    plus: str
    minus: str
    sense_plus: str | None = None
    sense_minus: str | None = None
    beside_another_source: str = ""  # why that is right, where it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Interlock:
    """The bench's own interlock, which the guardian opens: wires that hold every output off."""

    relay: int  # of the DAQ; while it is open no output can be on
    stop_channel: int  # of the multiplexer: the chain's voltage behind the emergency stop
    current_channel: int  # and a transducer in the batteries' lead
    current_v_per_a: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LabPlace:
    """The bench as a place of a labgrid coordinator, `host:port`, which a fleet takes turns at."""

    coordinator: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabFacts:
    """What a lab's file has besides."""

    can: Mapping[str, CanPort]
    device: LabDevice
    batteries: LabBatteries
    wires: Mapping[str, Leads]
    interlock: Interlock | None
    place: LabPlace | None = None


def read_lab(reader: Reader, content: dict[str, Any]) -> LabFacts:
    """The lab's sections. Raises BenchFileError."""
    return LabFacts(
        can=_ports(reader, reader.table(content, "can")),
        device=_device(reader, reader.table(content, "dut")),
        batteries=_batteries(reader, reader.table(content, "batteries")),
        wires=_wires(reader, reader.table(content, "wires")),
        interlock=_interlock(reader, content),
        place=_place(reader, content),
    )


def _ports(reader: Reader, table: dict[str, Any]) -> dict[str, CanPort]:
    reader.allowed_only("can.", table, BUSES)
    ports: dict[str, CanPort] = {}
    for name in table:
        where = f"can.{name}"
        given = reader.table(table, name, where)
        options = {k: v for k, v in given.items() if k not in {"interface", "channel", "bitrate"}}
        for key, value in options.items():
            if not isinstance(value, str | int | float | bool):
                reader.complain(f"{where}.{key}", repr(value), "a text, a number, true or false")
        ports[name] = CanPort(
            interface=reader.text(given, f"{where}.interface"),
            channel=reader.text(given, f"{where}.channel"),
            bitrate=reader.count(given, f"{where}.bitrate", 10_000, 1_000_000),
            options=MappingProxyType(options),
        )
    return ports


def _device(reader: Reader, table: dict[str, Any]) -> LabDevice:
    reader.allowed_only("dut.", table, ("label", "hardware", "supply_relay"))
    relay = None
    if "supply_relay" in table:
        relay = reader.count(table, "dut.supply_relay", RELAYS[0], RELAYS[-1])
    return LabDevice(
        label=reader.text(table, "dut.label", default=""),
        hardware=reader.text(table, "dut.hardware"),
        supply_relay=relay,
    )


def _interlock(reader: Reader, content: dict[str, Any]) -> Interlock | None:
    """A lab can do without; the wiring check says so."""
    if "interlock" not in content:
        return None
    table = reader.table(content, "interlock")
    names = ("relay", "stop_channel", "current_channel", "current_v_per_a")
    reader.allowed_only("interlock.", table, names)
    return Interlock(
        relay=reader.count(table, "interlock.relay", RELAYS[0], RELAYS[-1]),
        stop_channel=reader.count(table, "interlock.stop_channel", INPUTS[0], INPUTS[-1]),
        current_channel=reader.count(table, "interlock.current_channel", INPUTS[0], INPUTS[-1]),
        current_v_per_a=reader.positive(table, "interlock.current_v_per_a"),
    )


def _place(reader: Reader, content: dict[str, Any]) -> LabPlace | None:
    """A bench of one machine only can do without."""
    if "place" not in content:
        return None
    table = reader.table(content, "place")
    reader.allowed_only("place.", table, ("coordinator", "name"))
    coordinator = reader.text(table, "place.coordinator")
    if not re.fullmatch(r"[^\s:]+:\d{1,5}", coordinator):
        reader.complain("place.coordinator", repr(coordinator), "host:port, as lab-pc:20408")
    name = reader.text(table, "place.name")
    if not re.fullmatch(r"[\w.-]+", name):  # labgrid takes patterns, too
        reader.complain("place.name", repr(name), "the name of one place")
    return LabPlace(coordinator=coordinator, name=name)


def _batteries(reader: Reader, table: dict[str, Any]) -> LabBatteries:
    numbers = ("soc_pct", "voltage_v_min", "voltage_v_charged")
    reader.allowed_only("batteries.", table, ("kind", "type", "series", "parallel", *numbers))
    return LabBatteries(
        kind=reader.text(table, "batteries.kind", allowed=(REST_BUS, REAL)),
        type=reader.text(table, "batteries.type"),
        series=reader.count(table, "batteries.series", 1, 16),
        parallel=reader.count(table, "batteries.parallel", 1, 100),
        soc_pct=reader.positive(table, "batteries.soc_pct"),
        voltage_v_min=reader.positive(table, "batteries.voltage_v_min"),
        voltage_v_charged=reader.positive(table, "batteries.voltage_v_charged"),
    )


def _wires(reader: Reader, table: dict[str, Any]) -> dict[str, Leads]:
    reader.allowed_only("wires.", table, (*SENSED, *MEASURED))
    found: dict[str, Leads] = {}
    for name in table:
        where, sensed = f"wires.{name}", name in SENSED
        given = reader.table(table, name, where)
        allowed: tuple[str, ...] = ("plus", "minus")
        if sensed:
            allowed += ("sense_plus", "sense_minus")
        if name == "charger":
            allowed += ("beside_another_source",)
        reader.allowed_only(f"{where}.", given, allowed)
        sense = {
            key: reader.text(given, f"{where}.{key}", allowed=NODES)
            for key in ("sense_plus", "sense_minus")
            if key in given
        }
        found[name] = Leads(
            plus=reader.text(given, f"{where}.plus", allowed=NODES),
            minus=reader.text(given, f"{where}.minus", allowed=NODES),
            sense_plus=sense.get("sense_plus"),
            sense_minus=sense.get("sense_minus"),
            beside_another_source=reader.text(given, f"{where}.beside_another_source", default=""),
        )
    return found
