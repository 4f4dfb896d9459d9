"""The bench's test of itself, by measurement on its own terminals, before and after a run.

It is short and gentle: the contactor stays open, and a step of a few amperes goes from the supply
into the load over the system bus. It also shows that it can fail: the step is looked for once where
there is none, and the device once after it has been made silent. It judges the bench, not the
device: one that will not start is a failure of the run's rows. What it finds goes into the record.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from instruments.protocols import InstrumentError
from rig.bench import Parts
from rig.can.frame import Frame
from rig.clock import utc_now
from rig.dut.terminals import Input, NullMode
from rig.errors import BenchError, NotOnThisBench
from rig.recording import BenchCheck, SelfTest
from rig.safety.envelope import Envelope
from rig.signal import Signal

STEP_V, STEP_A = 12.0, 10.0  # chosen: 120 W, far below any envelope, far above every zero error
LOAD_LEAVES_A = 0.6  # chosen: of the step; the supply must be seen to follow the load, not a limit
SETTLE_S = 1.0  # chosen: supply and load have settled, and the bus is charged
LISTEN_S = 1.0  # chosen: the device speaks several times in it
SURE = 2.0  # chosen: twice the expanded uncertainty, so that noise fails no healthy bench
BATTERY_V_MIN = 8.0  # chosen: less than the emptiest of 12 V, more than any zero error
STATE_REGISTER = 0x0371  # public: the state of the device

Said = str


class Unfit(Exception):
    """A check of the bench failed; the message is what was measured."""


@dataclass
class Findings:
    """The checks so far, and the bench that they look at."""

    parts: Parts
    checks: list[BenchCheck] = field(default_factory=list)

    async def check(self, name: str, look: Callable[[Parts], Awaitable[Said]]) -> bool:
        """One check; whether it passed, or cannot be made here."""
        try:
            said, passed = await look(self.parts), True
        except NotOnThisBench:
            return True
        except (Unfit, BenchError, InstrumentError, TimeoutError) as error:
            said, passed = f"{error}" or type(error).__name__, False
        self.checks.append(BenchCheck(name=name, passed=passed, said=said))
        return passed


async def test_bench(parts: Parts, envelope: Envelope) -> tuple[BenchCheck, ...]:
    """All checks of an open bench, in order; it is left with its outputs off.

    What a bench has no means for is left out of what is returned.
    """
    found = Findings(parts)
    try:
        if not await found.check("outputs are off", outputs_are_off):
            return tuple(found.checks)  # nothing more is energised
        plausible = partial(voltages_are_plausible, envelope)
        await found.check("voltages are plausible", plausible)
        await found.check("a step is seen by supply, load and meter", step_is_seen)
        await found.check("a step that is not there is missed", missing_step_is_noticed)
        await found.check("CAN is heard both ways", buses_are_heard)
        await found.check("a silent device is missed", silence_is_noticed)
    finally:
        await _all_off(parts)
    return tuple(found.checks)


def opened(roles: str) -> BenchCheck:
    """The first check, which opening the bench has made."""
    return BenchCheck(name="instruments are those of the bench file", passed=True, said=roles)


def could_not_open(error: Exception) -> SelfTest:
    """What is left to say of a bench that did not open."""
    name, said = "instruments are those of the bench file", f"{type(error).__name__}: {error}"
    return SelfTest(utc=utc_now(), checks=(BenchCheck(name=name, passed=False, said=said),))


async def _all_off(parts: Parts) -> None:
    """Supply, load and inputs to their rest, each even if another fails."""
    steps = (
        parts.load.off,
        parts.charger.off,
        lambda: parts.io.set(Input.START_STOP, False),
    )
    for step in steps:
        try:
            await step()
        except (BenchError, InstrumentError):
            continue  # closing the bench tries again, and says what failed


async def outputs_are_off(parts: Parts) -> Said:
    """Bring supply and load to rest, and measure that nothing flows."""
    await parts.load.off()
    await parts.charger.off()
    await asyncio.sleep(SETTLE_S)
    said = []
    for name, signal in (("supply", parts.charger.current), ("load", parts.load.current)):
        value, reach = await _value(signal)
        _within(f"{name} current", value, 0.0, reach, "A")
        said.append(f"{name} {value:.2f} A (limit {reach:.2f} A)")
    return ", ".join(said)


async def voltages_are_plausible(envelope: Envelope, parts: Parts) -> Said:
    """The battery's voltage is one of a battery; supply, load and meter agree on the bus."""
    battery_v, _ = await _value(parts.voltages["battery"])
    limit_v = BATTERY_V_MIN, envelope.voltage_v_max
    if not limit_v[0] <= battery_v <= limit_v[1]:
        raise Unfit(f"battery {battery_v:.2f} V, limits {limit_v[0]:g} and {limit_v[1]:g} V")
    system_v = await _agree_on_the_bus(parts)
    return f"battery {battery_v:.2f} V, system bus {system_v:.2f} V by all that measure it"


async def step_is_seen(parts: Parts) -> Said:
    """Supply and load share the system bus: what one gives is what the other takes."""
    await _step(parts, with_load=True)
    try:
        return await _look_for_step(parts)
    finally:
        await parts.load.off()
        await parts.charger.off()


async def missing_step_is_noticed(parts: Parts) -> Said:
    """The same check with the load left off has to fail."""
    await _step(parts, with_load=False)
    try:
        said = await _look_for_step(parts)
    except Unfit as error:
        return f"with the load left off: {error}"
    finally:
        await parts.load.off()
        await parts.charger.off()
    raise Unfit(f"with the load left off it was seen all the same: {said}")


async def _step(parts: Parts, *, with_load: bool) -> None:
    await parts.charger.charge(current_a=STEP_A, voltage_v=STEP_V)
    await asyncio.sleep(SETTLE_S)
    if with_load:
        await parts.load.draw(LOAD_LEAVES_A * STEP_A)
    await asyncio.sleep(SETTLE_S)


async def _look_for_step(parts: Parts) -> Said:
    wanted_a = LOAD_LEAVES_A * STEP_A
    load_a, load_reach_a = await _value(parts.load.current)
    _within("load current", load_a, wanted_a, load_reach_a, "A")
    supply_a, supply_reach_a = await _value(parts.charger.current)
    # What bleeds the bus comes on top; it is no more than a tenth of the step.
    _within("supply current", supply_a, load_a, supply_reach_a + load_reach_a + wanted_a / 10, "A")
    system_v = await _agree_on_the_bus(parts)
    supply_v, reach_v = await _value(parts.charger.voltage)
    _within("supply voltage", supply_v, STEP_V, reach_v + STEP_V / 100, "V")
    return f"{wanted_a:g} A asked: supply {supply_a:.2f} A, load {load_a:.2f} A, {system_v:.2f} V"


async def _agree_on_the_bus(parts: Parts) -> float:
    """The meter's voltage of the system bus, which supply and load have to see as well."""
    system_v, reach_v = await _value(parts.voltages["system"])
    for name, signal in (("supply", parts.charger.voltage), ("load", parts.load.voltage)):
        value, own_v = await _value(signal)
        lead_v = max(system_v, STEP_V) / 100  # chosen: what leads and contacts may take
        _within(f"{name} voltage against the meter", value, system_v, own_v + reach_v + lead_v, "V")
    return system_v


async def buses_are_heard(parts: Parts) -> Said:
    """Out and back: the device answers a request on VE.Can, and no bus reports an error.

    On the other buses a device at rest says nothing, and they belong to others: they are listened
    to only.
    """
    errors = {name: bus.errors() for name, bus in parts.buses.items()}
    heard = {}
    for name, bus in parts.buses.items():
        with suppress(NotOnThisBench):  # a lab has no adapter there
            heard[name] = bus.count(_any)
    answer = await parts.gx.request(STATE_REGISTER)
    await asyncio.sleep(LISTEN_S)
    if answer is None:
        raise Unfit(f"ve_can: no answer to a request for register 0x{STATE_REGISTER:04X}")
    for name, count in errors.items():
        if _latest(count):
            raise Unfit(f"{name}: {_latest(count)} error frames in {LISTEN_S:g} s")
    told = ", ".join(f"{name} {_latest(count)}" for name, count in heard.items())
    return f"the device answers on ve_can; no error frame; frames in {LISTEN_S:g} s: {told}"


async def silence_is_noticed(parts: Parts) -> Said:
    """The same check has to fail with a device that says nothing, where one can be had.

    Raises NotOnThisBench elsewhere.
    """
    parts.device.turn_null(NullMode.SILENT)
    try:
        said = await buses_are_heard(parts)
    except Unfit as error:
        return f"with a silent device: {error}"
    raise Unfit(f"with a silent device it passed all the same: {said}")


async def _value(signal: Signal[float]) -> tuple[float, float]:
    """What an instrument reads, and how far it may be from the truth, k = 4."""
    sample = await signal.read()
    return sample.value, SURE * signal.uncertainty


def _within(what: str, value: float, wanted: float, reach: float, unit: str) -> None:
    if not abs(value - wanted) <= reach:  # this way round, no number at all is no match
        raise Unfit(f"{what} {value:.2f} {unit}, expected {wanted:.2f} +- {reach:.2f} {unit}")


def _any(_frame: Frame) -> bool:
    return True


def _latest(signal: Signal[int]) -> int:
    return 0 if signal.latest is None else signal.latest.value
