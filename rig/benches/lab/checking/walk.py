"""The whole walk round a lab, in its order: file, instruments, CAN, device, voltages, night.

Before all of it: whether the bench is tripped. On one that is, nothing is energised.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from rig.benches.file import BenchFile
from rig.benches.guarding import latches_of
from rig.benches.lab.checking.energy import AT_REST, LOW_ENERGY, EnergyCheck
from rig.benches.lab.checking.night import NIGHT, check_night
from rig.benches.lab.checking.off import (
    BUSES,
    DEVICE,
    INSTRUMENTS,
    check_buses,
    check_device,
    check_instruments,
)
from rig.benches.lab.finding import Finding, Grade, any_wrong, good, wrong
from rig.benches.lab.wiring_check import NEEDED, STEP, check_wiring
from rig.can.adapter import AdapterBus
from rig.dut.device import DutIdentity
from rig.safety.latch import standing
from rig.wall import WallLoop

TRIPPED = "trip"
STEPS = (TRIPPED, STEP, INSTRUMENTS, BUSES, DEVICE, AT_REST, LOW_ENERGY, NIGHT)
FIRST_SOUND = (TRIPPED, STEP, INSTRUMENTS)  # before anything is measured or energised
Told = Callable[[str, Sequence[Finding]], None]


@dataclass(slots=True)
class Report:
    """What a check found, step by step, and who the device is."""

    findings: list[Finding] = field(default_factory=list)
    identity: DutIdentity | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not any_wrong(self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be checked."""

    today: date
    night_hours: float | None  # None: no night is planned
    energise: bool  # whether the low-energy step may be done
    runs: Path  # where a night's record would go


def check_bench(file: BenchFile, asked: Asked, told: Told) -> Report:
    """Walk round a lab; ``told`` hears of each step when it is done."""
    with asyncio.Runner(loop_factory=WallLoop) as runner:
        return runner.run(_walk(file, asked, told))


async def _walk(file: BenchFile, asked: Asked, told: Told) -> Report:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, WallLoop)
    assert file.lab is not None
    kernel, report = loop.kernel, Report()
    drivers: dict[str, Any] = {}
    buses: dict[str, AdapterBus] = {}

    def add(step: str, found: Sequence[Finding]) -> None:
        report.findings += found
        told(step, found)

    add(TRIPPED, [check_latch(file)])
    found = check_wiring(file, asked.today)
    if not any_wrong(found):
        found.append(good(STEP, file.path.name, "nothing in it contradicts itself"))
    add(STEP, found)
    async with AsyncExitStack() as stack:
        add(INSTRUMENTS, await check_instruments(file, lambda: kernel.now_us, drivers, stack))
        add(BUSES, await check_buses(file.lab, kernel, buses, stack))
        found, report.identity, told_v = await check_device(file.lab, kernel, buses)
        add(DEVICE, found)
        before = list(report.findings)
        if set(NEEDED) <= set(drivers) and not any_wrong(_of(before, *FIRST_SOUND)):
            check = EnergyCheck(file, drivers, told_v)
            found = await check.at_rest()
            add(AT_REST, found)
            if any_wrong(found) or not asked.energise:
                why = "it was left out" if not asked.energise else "first mend what is wrong above"
                add(LOW_ENERGY, [_skipped(LOW_ENERGY, why)])
            else:
                add(LOW_ENERGY, await check.low_energy())
        else:
            for step in (AT_REST, LOW_ENERGY):
                add(step, [_skipped(step, "first mend what is wrong above")])
    if asked.night_hours is not None:
        add(NIGHT, check_night(file, asked.night_hours, asked.today, asked.runs))
    return report


def check_latch(file: BenchFile) -> Finding:
    """Whether a trip stands; a person goes there first."""
    if why := standing(latches_of(file)):
        todo = f"go there and look, then: hil safety reset {file.path} --by NAME"
        return wrong(TRIPPED, "latch", f"tripped: {why}", todo)
    return good(TRIPPED, "latch", "no trip stands")


def _of(findings: Sequence[Finding], *steps: str) -> list[Finding]:
    return [finding for finding in findings if finding.step in steps]


def _skipped(step: str, why: str) -> Finding:
    return Finding(step=step, where="-", grade=Grade.SKIPPED, text=f"not done: {why}")
