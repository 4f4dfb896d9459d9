"""The wiring check of a lab's file: what cannot be right, before anything is energised.

Each finding is one sentence in a technician's words, with the field that it is about. Nothing here
touches an instrument: see `rig.benches.lab.checking` for what is measured.
"""

from collections.abc import Iterator
from datetime import date

from rig.benches.file import BenchFile, Role
from rig.benches.lab.facts import BATTERY, MEASURED, MINUS, SENSED, SYSTEM, LabFacts
from rig.benches.lab.finding import Finding, Grade, unknown, wrong
from rig.benches.models import wired_model
from rig.errors import BenchFileError

STEP = "wiring"
NEEDED = {
    "charger": "nothing can charge the batteries",
    "load": "nothing can discharge the batteries",
    "daq": "nothing senses the contactor and presses the buttons",
}
# Who measures what a verdict rests on needs a certificate; a chamber's air is no verdict.
CERTIFIED = ("charger", "load", "daq")
BIT_RATES = {"ve_can": 250_000, "private": 250_000, "external": 500_000}
MEANT = {"battery_voltage": BATTERY, "system_voltage": SYSTEM}


def check_wiring(file: BenchFile, today: date) -> list[Finding]:
    """All that is wrong with a lab's file. Nothing for a bench of another kind."""
    lab = file.lab
    if lab is None:
        return []
    checks = (
        _roles(file),
        _calibrations(file, today),
        _ratings(file),
        _batteries(file, lab),
        _leads(lab),
        _sources(lab),
        _relays(lab),
        _inputs(file, lab),
        _adapters(lab),
    )
    return [finding for check in checks for finding in check]


def require_sound(file: BenchFile, today: date) -> None:
    """Raises BenchFileError with the first thing that is wrong with a lab's file."""
    faults = [finding for finding in check_wiring(file, today) if finding.grade is Grade.WRONG]
    if faults:
        more = f" (and {len(faults) - 1} more: hil bench check)" if len(faults) > 1 else ""
        raise BenchFileError(f"{file.path}: {faults[0]}{more}")


def _wrong(where: str, text: str, todo: str) -> Finding:
    return wrong(STEP, where, text, todo)


def _roles(file: BenchFile) -> Iterator[Finding]:
    for name, without in NEEDED.items():
        if name not in file.roles:
            yield _wrong(
                f"roles.{name}",
                f"there is no instrument in this role: {without}",
                f"add [roles.{name}] with model, resource and serial",
            )


def _calibrations(file: BenchFile, today: date) -> Iterator[Finding]:
    for name, role in file.roles.items():
        if name in CERTIFIED and role.calibration is None:
            yield _wrong(
                f"roles.{name}.calibration",
                f"the {role.model} has no certificate: what it measures proves nothing",
                "enter certificate, date and due",
            )
        elif role.calibration is not None and role.calibration.due < today:
            yield _wrong(
                f"roles.{name}.calibration.due",
                f"the calibration of the {role.model} has been overdue since "
                f"{role.calibration.due}, today is {today}",
                "have it calibrated, or put a calibrated one in its place",
            )
        elif role.calibration is not None and role.calibration.calibrated > today:
            yield _wrong(
                f"roles.{name}.calibration.date",
                f"{role.calibration.calibrated} is in the future, today is {today}",
                "correct the day, or this machine's clock",
            )
        if name in CERTIFIED and role.serial is None:
            yield _wrong(
                f"roles.{name}.serial",
                f"the {role.model} has no serial number here: its certificate could be another's",
                "enter the serial number from its label",
            )


def _ratings(file: BenchFile) -> Iterator[Finding]:
    envelope = file.envelope
    asked = {
        "charger": ("charge_current_a_max", envelope.charge_current_a_max),
        "load": ("discharge_current_a_max", envelope.discharge_current_a_max),
    }
    for name, (field, current_a) in asked.items():
        role = file.roles.get(name)
        if role is None:
            continue
        limits = wired_model(role.model).driver.limits
        if current_a > limits.current_a_max:
            yield _above(f"envelope.{field}", current_a, role, limits.current_a_max, "A")
        if envelope.voltage_v_max > limits.voltage_v_max:
            where = "envelope.voltage_v_max"
            yield _above(where, envelope.voltage_v_max, role, limits.voltage_v_max, "V")


def _above(where: str, asked: float, role: Role, most: float, unit: str) -> Finding:
    return _wrong(
        where,
        f"{asked:g} {unit} is more than the {role.model} can: {most:g} {unit}",
        "lower the envelope, or take a bigger instrument",
    )


def _batteries(file: BenchFile, lab: LabFacts) -> Iterator[Finding]:
    batteries, most_v = lab.batteries, file.envelope.voltage_v_max
    if batteries.voltage_v_min >= batteries.voltage_v_charged:
        yield _wrong(
            "batteries.voltage_v_min",
            f"{batteries.voltage_v_min:g} V is not below the charged batteries' "
            f"{batteries.voltage_v_charged:g} V",
            "enter the lowest voltage at which the string may be found",
        )
    if most_v < batteries.voltage_v_charged:
        yield _wrong(
            "envelope.voltage_v_max",
            f"{most_v:g} V is below the charged batteries' {batteries.voltage_v_charged:g} V: "
            "they could never be charged",
            "raise it, or correct batteries.voltage_v_charged",
        )
    if not 0 < batteries.soc_pct <= 100:
        yield _wrong("batteries.soc_pct", f"{batteries.soc_pct:g} %", "enter 1 to 100")


def _leads(lab: LabFacts) -> Iterator[Finding]:
    for name in (*SENSED, *MEASURED):
        leads = lab.wires.get(name)
        if leads is None:
            yield _wrong(
                f"wires.{name}",
                "nothing says where its leads are",
                f"add [wires.{name}] with the node of each lead",
            )
            continue
        if leads.minus != MINUS or leads.plus == MINUS:
            yield _wrong(
                f"wires.{name}",
                f"plus is on {leads.plus}, minus on {leads.minus}: the polarity is wrong",
                "put plus on a node with a voltage and minus on minus",
            )
            continue
        meant = MEANT.get(name)
        if meant is not None and leads.plus != meant:
            yield _wrong(
                f"wires.{name}.plus",
                f"is on {leads.plus}, so that voltages.{name.partition('_')[0]} would be that of "
                "another node",
                f"put it on {meant}",
            )
        if name in SENSED:
            yield from _sense(lab, name)


def _sense(lab: LabFacts, name: str) -> Iterator[Finding]:
    leads = lab.wires[name]
    for key, force in (("sense_plus", leads.plus), ("sense_minus", leads.minus)):
        sense = getattr(leads, key)
        if sense is None:
            yield _wrong(
                f"wires.{name}.{key}",
                f"the {name} has no such sense lead: it would regulate the voltage at its own "
                "terminals, above that of the circuit",
                f"connect it to {force}, and say so here",
            )
        elif sense != force:
            yield _wrong(
                f"wires.{name}.{key}",
                f"senses on {sense} what the {name} drives on {force}",
                f"put it on {force}",
            )


def _sources(lab: LabFacts) -> Iterator[Finding]:
    """The batteries are a source on battery+; the charger is one where it is."""
    charger, load = lab.wires.get("charger"), lab.wires.get("load")
    if charger is not None and charger.plus == BATTERY and not charger.beside_another_source:
        yield _wrong(
            "wires.charger.plus",
            "is on battery+, where the batteries are: two sources on one node, and no contactor "
            "between them",
            "put it on system+, or give the reason in wires.charger.beside_another_source",
        )
    if load is not None and load.plus == BATTERY:
        yield _wrong(
            "wires.load.plus",
            "is on battery+: the contactor could not stop the load",
            "put it on system+",
        )


def _relays(lab: LabFacts) -> Iterator[Finding]:
    supply, interlock = lab.device.supply_relay, lab.interlock
    if supply is None:
        yield unknown(
            STEP,
            "dut.supply_relay",
            "no relay cuts the device's supply: each attempt begins as the last one ended",
            "put a relay of the DAQ into its supply lead",
        )
    if interlock is None:
        yield unknown(
            STEP,
            "interlock",
            "no interlock is wired: what cannot be switched off by its own connection stays on",
            "wire the inhibit inputs through a relay and the emergency stop",
        )
    elif interlock.relay == supply:
        yield _wrong(
            "interlock.relay",
            f"{supply} is dut.supply_relay's already: the device would go off with the interlock",
            "take a relay of its own",
        )


def _inputs(file: BenchFile, lab: LabFacts) -> Iterator[Finding]:
    """Each input of the multiplexer has one use; among the others the parser has seen to it."""
    taken = {channel: f"voltages.{name}" for name, channel in file.voltages.items()}
    taken |= {channel: f"signals.{name}" for name, channel in file.signals.items()}
    if file.supply_shunt is not None:
        taken[file.supply_shunt.channel] = "supply_shunt.channel"
    if lab.interlock is None:
        return
    for name in ("stop_channel", "current_channel"):
        channel = getattr(lab.interlock, name)
        if channel in taken:
            yield _wrong(
                f"interlock.{name}",
                f"{channel} is {taken[channel]}'s already",
                "take an input of its own",
            )
        taken[channel] = f"interlock.{name}"


def _adapters(lab: LabFacts) -> Iterator[Finding]:
    seen: dict[tuple[str, str], str] = {}
    for name in ("ve_can", "private"):
        if name not in lab.can:
            yield _wrong(
                f"can.{name}",
                "there is no adapter on this bus: the device could not be heard",
                f"add [can.{name}] with interface, channel and bitrate",
            )
    for name, port in lab.can.items():
        if port.bitrate != BIT_RATES[name]:
            yield _wrong(
                f"can.{name}.bitrate",
                f"{port.bitrate} bit/s on a bus of {BIT_RATES[name]}: every frame would end in an "
                "error",
                f"set it to {BIT_RATES[name]}",
            )
        key = port.interface, port.channel
        if key in seen:
            yield _wrong(
                f"can.{name}.channel",
                f"{port.interface} {port.channel} is can.{seen[key]}'s already",
                "an adapter of its own for each bus",
            )
        seen[key] = name
