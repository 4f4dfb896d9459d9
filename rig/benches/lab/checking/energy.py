"""The second walk, by measurement: whether the wires are where the file says.

First with everything off: what stands at battery+ and at system+, seen by everybody who sees it.
If that is as it should be, the charger is set to a few volts on the empty system bus, behind the
open contactor, and the load takes a little of it. The limits are this file's own, and the supply's
protections are set and read back before it is switched on. Everything is off at the end, and seen
to be so.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from instruments.protocols import InstrumentError, Load, LoadMode, NotOnThisModel, Supply
from rig.benches.file import BenchFile
from rig.benches.lab.facts import LabBatteries
from rig.benches.lab.finding import Finding, good, unknown, wrong

AT_REST, LOW_ENERGY = "voltages at rest", "low energy"
# Chosen: 1.5 W at the most, which neither heats a wire nor closes a contactor.
TEST_V, TEST_A, OVP_V, OCP_A, OPP_W = 3.0, 0.5, 6.0, 1.0, 10.0
DRAWN_A = 0.3  # chosen: below what the charger gives, so that the voltage holds
NOTHING_V = 1.0  # chosen: what a lead shows that nothing is connected to, and a margin
OVER_CHARGED = 1.02  # chosen: a battery just taken off a charger stands above its charged voltage
AGREE_V = 0.3  # chosen: a tenth of the test voltage; every meter here is better
SAME = 0.05  # chosen: the share by which device and DAQ may differ at battery+
STOP_V = 12.0  # chosen: half of what stands behind a stop that nobody has pressed
SETTLES_S = 1.5  # chosen: 0.25 F of link at the test's current


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One look at the circuit by everybody, V; currents in the instruments' own sign, A."""

    battery_v: float
    system_v: float
    charger_v: float
    charger_a: float
    load_v: float
    load_a: float
    contactor_closed: bool


class EnergyCheck:
    """Charger, load and DAQ of one lab, which are who they should be and off."""

    def __init__(self, file: BenchFile, drivers: dict[str, Any], told_v: float | None) -> None:
        assert file.lab is not None
        self._file, self._batteries = file, file.lab.batteries
        self._supply: Supply = drivers["charger"]
        self._load: Load = drivers["load"]
        self._daq = drivers["daq"]
        self._interlock = file.lab.interlock
        self._told_v = told_v  # what the device reads of its batteries, None if it does not tell

    async def look(self) -> Seen:
        """Measure everything once."""
        given, taken = await self._supply.measure(), await self._load.measure()
        return Seen(
            battery_v=await self._daq.read_voltage(self._file.voltages["battery"]),
            system_v=await self._daq.read_voltage(self._file.voltages["system"]),
            charger_v=given.voltage_v,
            charger_a=given.current_a,
            load_v=taken.voltage_v,
            load_a=taken.current_a,
            contactor_closed=await self._daq.get("contactor_aux"),
        )

    async def at_rest(self) -> list[Finding]:
        """What stands where with everything off, and whether the emergency stop is out."""
        seen = await self.look()
        faults = list(rest_faults(seen, self._batteries, self._told_v))
        if self._interlock is not None:
            chain_v = await self._daq.read_voltage(self._interlock.stop_channel)
            if chain_v < STOP_V:
                text = f"{chain_v:.1f} V behind the emergency stop: it is pressed, or a wire is off"
                faults.append(_rest("interlock.stop_channel", text, "pull it out; check 24 V"))
        if faults:
            return faults
        told = "" if self._told_v is None else f", {self._told_v:.2f} V by the device"
        return [
            good(AT_REST, "battery+", f"{seen.battery_v:.2f} V{told}"),
            good(AT_REST, "system+", f"{abs(seen.system_v):.2f} V: the contactor is open"),
        ]

    async def low_energy(self) -> list[Finding]:
        """Energise the system bus a little. Whatever happens, it is off at the end."""
        found: list[Finding] = []
        try:
            await self._hold(closed=True)
            found += await self._energised()
        except InstrumentError as error:
            todo = "see its front panel"
            found.append(wrong(LOW_ENERGY, "instruments", str(error), todo))
        finally:
            found += await self._off()
        return found

    async def _energised(self) -> list[Finding]:
        supply, load = self._supply, self._load
        await supply.set_voltage(0.0)  # some keep the protection above the voltage that is set
        await supply.set_ovp(OVP_V)
        for protect, level in ((supply.set_ocp, OCP_A), (supply.set_opp, OPP_W)):
            with suppress(NotOnThisModel):  # such a model has its limit of current instead
                await protect(level)
        await supply.set_voltage(TEST_V)
        await supply.set_current_limit(TEST_A)
        await supply.output_on()
        await asyncio.sleep(SETTLES_S)
        seen = await self.look()
        faults = list(charger_faults(seen))
        if faults:
            return faults
        found = [
            good(
                LOW_ENERGY,
                "system+",
                f"{TEST_V:g} V from the charger: {seen.system_v:.2f} V by the DAQ, "
                f"{seen.load_v:.2f} V by the load",
            )
        ]
        await load.set_mode(LoadMode.CC)
        await load.set_level(DRAWN_A)
        await load.input_on()
        await asyncio.sleep(SETTLES_S)
        drawn = await self.look()
        doubt_a = supply.current_uncertainty_a(DRAWN_A) + load.current_uncertainty_a(DRAWN_A)
        return found + list(load_faults(drawn, doubt_a))

    async def _hold(self, *, closed: bool) -> None:
        """The interlock's relay, without which no output goes on."""
        if self._interlock is not None:
            switch = self._daq.close_relay if closed else self._daq.open_relay
            await switch(self._interlock.relay)

    async def _off(self) -> list[Finding]:
        """Load and supply off, each tried, each seen."""
        found = []
        for name, switch in (("charger", self._supply.output_off), ("load", self._load.input_off)):
            try:
                await switch()
            except InstrumentError as error:
                todo = "press the emergency stop of the bench, and switch it off by hand"
                text = f"may still be on: {error}"
                found.append(wrong(LOW_ENERGY, f"roles.{name}", text, todo))
        try:
            await self._hold(closed=False)
        except InstrumentError as error:
            todo = "press the emergency stop of the bench"
            found.append(
                wrong(LOW_ENERGY, "interlock.relay", f"may still be closed: {error}", todo)
            )
        return found or [good(LOW_ENERGY, "roles", "charger and load are off again")]


def rest_faults(seen: Seen, batteries: LabBatteries, told_v: float | None) -> Iterator[Finding]:
    """What the voltages at rest say is wrong; the first that explains them, or nothing."""
    low_v, high_v = batteries.voltage_v_min, OVER_CHARGED * batteries.voltage_v_charged

    def battery_like(voltage_v: float) -> bool:
        return voltage_v > max(NOTHING_V, 0.5 * low_v)

    if seen.contactor_closed:
        yield _rest(
            "lines.contactor_aux", "the contactor is closed", "stop the system, check again"
        )
    elif -seen.battery_v > NOTHING_V or -seen.system_v > NOTHING_V:
        name = "battery" if seen.battery_v < seen.system_v else "system"
        voltage_v = min(seen.battery_v, seen.system_v)
        text = f"{voltage_v:.2f} V: the pair of the DAQ's leads has the wrong polarity"
        yield _rest(f"voltages.{name}", text, "swap plus and minus of the pair")
    elif battery_like(seen.system_v) and seen.battery_v < NOTHING_V:
        others_v = max(seen.charger_v, seen.load_v)
        if others_v < NOTHING_V:
            yield _rest(
                "voltages",
                f"{seen.battery_v:.2f} V at battery, {seen.system_v:.2f} V at system, where "
                f"charger and load see {others_v:.2f} V: the DAQ's sense leads are swapped",
                "exchange the two pairs at the multiplexer",
            )
        else:
            yield _rest("voltages.battery", "its sense lead is off", "connect it to battery+")
    elif battery_like(seen.load_v) and seen.system_v < NOTHING_V:
        yield _rest(
            "wires.load",
            f"the load sees {seen.load_v:.2f} V where system+ has {seen.system_v:.2f} V: it is on "
            "the wrong node, before the contactor",
            "move its plus lead from battery+ to system+",
        )
    elif battery_like(seen.charger_v) and seen.system_v < NOTHING_V:
        yield _rest(
            "wires.charger",
            f"the charger sees {seen.charger_v:.2f} V where system+ has {seen.system_v:.2f} V: it "
            "is on the wrong node, before the contactor",
            "move its plus lead from battery+ to system+",
        )
    elif seen.battery_v < NOTHING_V:
        known = told_v is not None and battery_like(told_v)
        text = f"{seen.battery_v:.2f} V where the device reads {told_v} V: its sense lead is off"
        if not known:
            text = f"{seen.battery_v:.2f} V: no battery is connected, or its sense lead is off"
        yield _rest("voltages.battery", text, "check the fuse of the batteries, and the lead")
    elif not low_v <= seen.battery_v <= high_v:
        yield _rest(
            "batteries",
            f"{seen.battery_v:.2f} V at battery+ is not of batteries that have {low_v:g} to "
            f"{batteries.voltage_v_charged:g} V: wrong rating, or wrongly in series",
            "connect the batteries that the file names, or correct [batteries]; charge empty ones",
        )
    elif told_v is not None and abs(told_v - seen.battery_v) > SAME * seen.battery_v:
        text = f"{seen.battery_v:.2f} V where the device reads {told_v:.2f} V"
        yield _rest("voltages.battery", text, "check the DAQ's pair and the device's sense wire")
    elif seen.system_v > NOTHING_V:
        yield _rest(
            "system+",
            f"{seen.system_v:.2f} V behind an open contactor",
            "let the link discharge; if it does not, something else feeds it, or it is welded",
        )


def charger_faults(seen: Seen) -> Iterator[Finding]:
    """What is wrong when the charger gives its few volts to the empty system bus."""
    half_v = 0.5 * TEST_V
    if seen.charger_v < TEST_V - AGREE_V:
        yield _low(
            "wires.charger",
            f"the charger reaches {seen.charger_v:.2f} of {TEST_V:g} V at {TEST_A:g} A: a short, "
            "or something takes the current",
            "disconnect what hangs on system+, one thing after the other",
        )
    elif seen.system_v < -half_v and seen.load_v < half_v:
        yield _low(
            "wires.charger",
            f"{seen.system_v:.2f} V at system+ from {seen.charger_v:.2f} V of the charger: its "
            "leads have the wrong polarity",
            "swap plus and minus of the charger, and check its sense leads",
        )
    elif seen.system_v < -half_v:
        yield _low(
            "voltages.system",
            f"{seen.system_v:.2f} V where the load sees {seen.load_v:.2f} V: the pair of the DAQ's "
            "leads has the wrong polarity",
            "swap plus and minus of the pair",
        )
    elif seen.system_v < half_v <= seen.load_v:
        yield _low(
            "voltages.system",
            f"{seen.system_v:.2f} V where charger and load see {seen.load_v:.2f} V: its sense lead "
            "is off",
            "connect the DAQ's lead to system+",
        )
    elif seen.system_v < half_v:
        yield _low(
            "wires.charger",
            f"neither DAQ nor load sees the charger's {seen.charger_v:.2f} V: its leads are off, "
            "or on another node",
            "connect plus to system+ and minus to minus",
        )
    elif seen.load_v < half_v:
        yield _low(
            "wires.load",
            f"the load sees {seen.load_v:.2f} V where system+ has {seen.system_v:.2f} V: its leads "
            "are off",
            "connect plus to system+ and minus to minus",
        )
    elif abs(seen.system_v - seen.charger_v) > AGREE_V:
        yield _low(
            "wires.charger.sense_plus",
            f"the charger says {seen.charger_v:.2f} V, at system+ there are {seen.system_v:.2f} V",
            "check the charger's sense leads",
        )


def load_faults(seen: Seen, doubt_a: float) -> Iterator[Finding]:
    """What is wrong, or good, when the load takes a little; ``doubt_a``: both meters' together."""
    if seen.load_a < 0.5 * DRAWN_A:
        yield _low(
            "wires.load",
            f"the load takes {seen.load_a:.2f} of {DRAWN_A:g} A at {seen.load_v:.2f} V",
            "check its force leads, and the lowest voltage at which it draws",
        )
    elif abs(seen.charger_a - seen.load_a) > doubt_a + 0.5 * DRAWN_A:
        yield _low(
            "roles",
            f"the charger gives {seen.charger_a:.2f} A, the load takes {seen.load_a:.2f} A: a "
            "current path that the file does not have, or a range of the wrong rating",
            "look for what else hangs on system+; compare both instruments' ratings",
        )
    elif doubt_a > DRAWN_A:
        text = f"{DRAWN_A:g} A is less than the instruments can tell apart ({doubt_a:.2f} A)"
        yield unknown(LOW_ENERGY, "currents", text)
    else:
        text = f"{seen.charger_a:.2f} A from the charger, {seen.load_a:.2f} A into the load"
        yield good(LOW_ENERGY, "currents", text)


def _rest(where: str, text: str, todo: str) -> Finding:
    return wrong(AT_REST, where, text, todo)


def _low(where: str, text: str, todo: str) -> Finding:
    return wrong(LOW_ENERGY, where, text, todo)
