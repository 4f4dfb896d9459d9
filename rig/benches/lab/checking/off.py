"""The first walk round a lab, with everything off: who answers, and is it who the file says."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, cast

from instruments.protocols import Identity, InstrumentError, Load, Supply
from rig.benches.file import BenchFile
from rig.benches.instrumented import DRIVEN_CHANNEL
from rig.benches.lab.asking import quiet
from rig.benches.lab.bench import lab_session
from rig.benches.lab.facts import REST_BUS, LabFacts
from rig.benches.lab.finding import Finding, any_wrong, good, unknown, wrong
from rig.benches.models import wired_model
from rig.can.adapter import AdapterBus, open_adapter
from rig.can.node import ControllerState
from rig.dut.device import DutIdentity, heard, read_identity
from rig.errors import BenchError
from rig.gx_device import GxDevice
from rig.kernel import Kernel

INSTRUMENTS, BUSES, DEVICE = "instruments", "CAN", "device"
LISTEN_S = 3.0  # chosen: three periods of what a device in standby sends most seldom
VOLTAGE_REGISTER = 0xED8D  # public: VELIB, DC channel 1 voltage
Drivers = dict[str, Any]


async def check_instruments(
    file: BenchFile, now_us: Callable[[], int], drivers: Drivers, stack: AsyncExitStack
) -> list[Finding]:
    """Ask every instrument who it is; those that are who they should be come into ``drivers``."""
    found = []
    for role in file.roles:
        try:
            driver = _driver(file, role, lab_session(file, role, now_us))
            stack.push_async_callback(driver.close)
            identity = await driver.identify()
            compared = await _compared(file, role, driver, identity)
            if not any_wrong(compared):
                drivers[role] = driver
            found += compared
        except InstrumentError as error:
            found.append(_silent(file, role, error))
    return found


def _driver(file: BenchFile, role: str, session: Any) -> Any:
    model = wired_model(file.roles[role].model)
    if role == "daq":
        return model.driver(session, lines=file.lines, outputs=(DRIVEN_CHANNEL,))
    return model.driver(session)


def _silent(file: BenchFile, role: str, error: InstrumentError) -> Finding:
    where = file.roles[role].resource
    return wrong(
        INSTRUMENTS,
        f"roles.{role}.resource",
        f"the {file.roles[role].model} does not answer at {where} ({error})",
        "switch it on, and compare its address with the file",
    )


async def _compared(file: BenchFile, role: str, driver: Any, identity: Identity) -> list[Finding]:
    """Model and serial number against the file, and whether its terminals are off."""
    wired, models = file.roles[role], tuple(getattr(driver, "models", ()))
    if models and identity.model not in models:
        return [
            wrong(
                INSTRUMENTS,
                f"roles.{role}.model",
                f"a {identity.manufacturer} {identity.model} answers, the file says {wired.model}",
                "correct the file, or put the right instrument in its place",
            )
        ]
    if wired.serial is not None and identity.serial != wired.serial:
        return [
            wrong(
                INSTRUMENTS,
                f"roles.{role}.serial",
                f"the {wired.model} there has serial number {identity.serial}, the file says "
                f"{wired.serial}: its calibration is another's",
                "correct serial and calibration, or put the right instrument in its place",
            )
        ]
    await driver.open(serial=wired.serial)
    said = f"{wired.model}, serial {identity.serial or 'not told'}"
    firmware = f", firmware {identity.firmware}" if identity.firmware else ""
    found = [good(INSTRUMENTS, f"roles.{role}", said + firmware)]
    if await _is_on(role, driver):
        found.append(
            wrong(
                INSTRUMENTS,
                f"roles.{role}",
                f"the {wired.model} is switched on",
                "switch its terminals off at the front panel, and find out who left it so",
            )
        )
    return found


async def _is_on(role: str, driver: Any) -> bool:
    if role == "charger":
        return await cast(Supply, driver).output_is_on()
    return role == "load" and await cast(Load, driver).input_is_on()


async def check_buses(
    lab: LabFacts, kernel: Kernel, buses: dict[str, AdapterBus], stack: AsyncExitStack
) -> list[Finding]:
    """Open every adapter, and listen; those that open come into ``buses``."""
    found = []
    for name, port in lab.can.items():
        try:
            adapter = open_adapter(
                port.interface, port.channel, port.bitrate, port.options, f"can.{name}"
            )
        except BenchError as error:
            where, _, text = str(error).partition(": ")
            todo = "plug the adapter in, or correct interface and channel"
            found.append(wrong(BUSES, where, text, todo))
            continue
        buses[name] = AdapterBus(kernel, name, adapter, port.bitrate)
        stack.callback(buses[name].close)
    await asyncio.sleep(LISTEN_S)
    return found + [finding for name, bus in buses.items() for finding in _listened(name, bus)]


def _listened(name: str, bus: AdapterBus) -> Iterator[Finding]:
    where, state = f"can.{name}", bus.state
    if bus.failure:
        yield wrong(BUSES, where, f"the adapter failed: {bus.failure}", "plug it in again")
    elif state is ControllerState.BUS_OFF:
        yield wrong(
            BUSES,
            where,
            "the adapter is bus-off: what it sends ends in errors",
            "check bit rate, termination (60 ohm between the wires) and CAN high against low",
        )
    elif bus.errors_total and not bus.frames_total:
        yield wrong(
            BUSES,
            where,
            f"{bus.errors_total} error frames in {LISTEN_S:g} s and not one frame",
            f"check the bit rate, {bus.bitrate} here, and the termination",
        )
    elif not bus.frames_total:
        text = f"silent for {LISTEN_S:g} s: nothing can be said of its wires"
        yield unknown(BUSES, where, text)
    else:
        told = f", {state or 'fault confinement unknown: the adapter does not tell it'}"
        yield good(BUSES, where, f"{bus.frames_total} frames in {LISTEN_S:g} s{told}")


async def check_device(
    lab: LabFacts, kernel: Kernel, buses: Mapping[str, AdapterBus]
) -> tuple[list[Finding], DutIdentity | None, float | None]:
    """Whether the device is heard, who it is, and what it reads of its batteries' voltage, V."""
    if "ve_can" not in buses:
        return [], None, None
    ve_can = buses["ve_can"]
    gx = GxDevice(kernel, ve_can, quiet(kernel))
    if not await heard(gx, ve_can):
        lost = wrong(
            DEVICE,
            "dut",
            "the device is not heard on VE.Can",
            "switch it on; check its VE.Can connector, both terminators, and can.ve_can",
        )
        return [lost], None, None
    identity = await read_identity(gx, ve_can)
    found = [_told("release", identity.release), _told("serial number", identity.serial)]
    if identity.hardware is not None:
        found.insert(0, good(DEVICE, "dut", f"{identity.hardware} at 0x{identity.address:02X}"))
    if lab.batteries.kind == REST_BUS:
        text = "rest bus, the project's own protocol: its start shows if the device speaks it"
        found.append(unknown(DEVICE, "batteries.kind", text))
    answer = await gx.request(VOLTAGE_REGISTER)
    values = {} if answer is None or answer.kind != "data" else answer.values
    return found, identity, values.get("voltage_v")


def _told(what: str, said: str | None) -> Finding:
    if said is not None:
        return good(DEVICE, what, f"{said}, read from the device")
    todo = "nothing can be qualified on it: a verdict is about a release"
    return unknown(DEVICE, what, "the device does not tell it", todo * (what == "release"))
