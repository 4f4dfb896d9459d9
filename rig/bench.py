"""The bench as a scenario sees it: all that can be done, and all that can be seen, on any bench.

Nothing in here reaches into a model: what a scenario does goes through instruments, buses, lines
and the tool's session, and what it sees comes back the same way.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from instruments.protocols import DigitalIO
from rig.can.powerfinn import Powerfinn
from rig.display import Display
from rig.dut.bluetooth import App
from rig.dut.firmware_file import FirmwareFile
from rig.dut.terminals import DutTerminals, Input, UpdatePath
from rig.dut.tool import CanBeAsked, DiagnosticTool
from rig.dut.updater import UpdateOutcome, Updater
from rig.errors import BenchError, NotOnThisBench, NotReady, Unmet
from rig.expect import expect
from rig.faults import Asked, BatterySize, Fault, ask
from rig.forking import Trunk, run_in_child
from rig.gx_device import GxDevice
from rig.kernel import seconds
from rig.needs import Needs
from rig.operator.asking import Ask, Nobody, Operator
from rig.operator.unplugging import power_cycled
from rig.signal import Signal
from rig.views import CLOSED, BatteryView, BusView, Charger, Consumer, Contact

T = TypeVar("T")
PRESS_S = 0.2  # chosen: what a finger does
START_TIME = seconds(60)  # chosen: registration, the longest pre-charge and a margin
BOOT_TIME = seconds(1)  # chosen: the address on VE.Can takes a quarter of it
STATE_RUNNING, STATE_STANDBY = 9, 14  # public: register 0x0371


class SecondMaster(Protocol):
    """Another system of the same kind on the same VE.Can bus, and in parallel if asked for."""

    @property
    def contactor(self) -> Signal[Contact]:
        """Its main contactor, by its auxiliary contact."""
        ...

    @property
    def tool(self) -> DiagnosticTool:
        """A session of the diagnostic tool with it."""
        ...

    async def running(self) -> None:
        """Start it and wait until it runs."""
        ...


class Bench:
    """One bench with one system under test, ready to be arranged."""

    def __init__(self, parts: "Parts", operator: Operator | None = None) -> None:
        self._parts = parts
        self.ask = Ask(operator or Nobody("nobody is asked on this bench"))
        self.needs: Needs = parts.needs
        self.charger: Charger = parts.charger
        self.load: Consumer = parts.load
        self.gx: GxDevice = parts.gx
        self.ve_can: BusView = parts.buses["ve_can"]
        self.private_can: BusView = parts.buses["private"]
        self.external_can: BusView = parts.buses["external"]
        self.tool = DiagnosticTool(parts.tool_link)
        lines, voltages = parts.lines, parts.voltages
        self.contactor: Signal[Contact] = lines["contactor_aux"]
        self.allow_charge: Signal[bool] = lines["allow_charge"]
        self.allow_discharge: Signal[bool] = lines["allow_discharge"]
        self.allow_charge_signal: Signal[bool] = lines["allow_charge_signal"]
        self.allow_discharge_signal: Signal[bool] = lines["allow_discharge_signal"]
        self.fan: Signal[bool] = lines["fan"]
        self.relay: Signal[Contact] = lines["programmable_relay"]
        self.green_led: Signal[bool] = lines["green_led"]
        self.red_led: Signal[bool] = lines["red_led"]
        self.buzzer: Signal[bool] = lines["buzzer"]
        self.app: App = parts.app
        self.battery_voltage: Signal[float] = voltages["battery"]
        self.system_voltage: Signal[float] = voltages["system"]
        self.consumption: Signal[float] = parts.consumption

    @property
    def firmware(self) -> str:
        """The release under test, as it was asked for."""
        return self._parts.firmware

    @property
    def now_us(self) -> int:
        """Time on the bench since the attempt began."""
        return self._parts.kernel.now_us

    @asynccontextmanager
    async def arrange(self) -> AsyncIterator[None]:
        """Everything up to the claim: what goes wrong in here is NotReady, never a kill."""
        try:
            yield
        except (BenchError, NotReady):
            raise
        except (Unmet, TimeoutError, AssertionError, RuntimeError, KeyError) as error:
            raise NotReady(f"the arrangement did not come about: {error}") from error
        self._parts.arranged()

    async def wait(self, duration_us: int) -> None:
        """Let time pass."""
        await asyncio.sleep(duration_us / 1_000_000)

    async def press_start_stop(self) -> None:
        """Press the start/stop button once."""
        await self._parts.io.pulse(Input.START_STOP, PRESS_S)

    async def open_interlock(self) -> None:
        """Break the interlock loop, as an emergency switch in it does."""
        await self._parts.io.set(Input.INTERLOCK, False)

    async def close_interlock(self) -> None:
        """Close the interlock loop again."""
        await self._parts.io.set(Input.INTERLOCK, True)

    async def press_emergency_stop(self) -> None:
        """Press the emergency stop; it stays pressed."""
        await self._parts.io.set(Input.EMERGENCY_STOP, True)

    async def release_emergency_stop(self) -> None:
        """Pull the emergency stop out again."""
        await self._parts.io.set(Input.EMERGENCY_STOP, False)

    async def running(self) -> None:
        """Start the system and wait until it runs, with its contactor closed."""
        await self.press_start_stop()
        await expect(self.gx.register("state")).becomes(STATE_RUNNING, within=START_TIME)
        await expect(self.contactor).becomes(CLOSED, within=seconds(2))

    async def stopped(self) -> None:
        """Stop the running system and wait until it is off."""
        await self.press_start_stop()
        await expect(self.gx.register("state")).becomes(STATE_STANDBY, within=START_TIME)

    def battery(self, index: int) -> BatteryView:
        """A battery module, counted from 0. Raises NotOnThisBench for one that is not there."""
        batteries = self._parts.batteries
        if not 0 <= index < len(batteries):
            raise NotOnThisBench(
                f"there are {len(batteries)} batteries, counted from 0; asked for {index}"
            )
        return batteries[index]

    @property
    def batteries(self) -> Sequence[BatteryView]:
        """All battery modules."""
        return self._parts.batteries

    @property
    def display(self) -> Display:
        """A display on NMEA 2000 (VE.Can): it is on the bus from when it is first asked for."""
        return self._parts.display

    @property
    def powerfinn(self) -> Powerfinn:
        """A Powerfinn charger on the external CAN: there from when it is first asked for."""
        return self._parts.powerfinn

    def contactor_welds(self) -> None:
        """The main contacts stay closed from now on, whatever the coil says."""
        self._parts.weld_contactor()

    async def inject(self, name: str, **where_and_how: float | str) -> Fault:
        """Insert a fault of `rig.faults.FAULTS` (`hil bench faults`), until it is cleared.

        `await bench.inject("cell weak", battery=0, cell=3, capacity_pct=60)`. Raises FaultRefused
        for a name, place or parameter that is not allowed, NotOnThisBench for what a bench cannot.
        """
        asked = ask(name, where_and_how, self._parts.sizes)
        undo = self._parts.insert(asked)
        self.note(f"fault inserted: {asked}")
        return Fault(asked, undo, self.note)

    async def power_cycle(self) -> None:
        """Cut the device's own supply for a moment: what it has not stored by now is lost.

        In a lab without a relay there a technician is asked to. Raises NotOnThisBench where there
        is none ("no operator"), and if the device did not restart.
        """
        device, now = self._parts.device, self._parts.kernel
        await power_cycled(device, self.ask, self.gx, self.ve_can, lambda: now.now_us, self.note)

    async def update_to(self, release: str, path: UpdatePath = UpdatePath.TOOL) -> None:
        """Install a release, by the diagnostic tool unless another path is named; it succeeds."""
        outcome = await self.update(release, path)
        expect.that(
            f"the update to {release} by {path.value} is completed", holds=outcome.completed
        )

    async def update(
        self,
        what: str | Sequence[FirmwareFile],
        path: UpdatePath = UpdatePath.TOOL,
        blocks: int | None = None,
    ) -> UpdateOutcome:
        """Try to install a release, or these files; how it ended.

        ``blocks``: after so many of each file the updater goes away, and says nothing more.
        """
        if isinstance(what, str):
            outcome = await self._parts.updater.install(what, path)
        else:
            outcome = await self._parts.updater.send(what, path, blocks)
        self.note(f"update by {path.value}: {outcome}")
        return outcome

    async def begin_an_update(self) -> UpdateOutcome:
        """Have the device begin with an update by the tool, and then start as it was."""
        outcome = await self._parts.updater.begin_and_leave()
        self.note(f"update begun: {outcome}")
        return outcome

    async def install_release_under_test(self) -> None:
        """Update from the release of `needs(starts_on=...)` to the one under test."""
        await self.update_to(self.firmware)

    async def install_reference_release(self) -> None:
        """Be of the release whose traces a silent row is compared with: the one before it."""
        self._parts.device.become(self._parts.reference, ())
        await self.wait(BOOT_TIME)

    async def install_release_less_its_rows(self) -> None:
        """Be of the release under test, less the rows that its change log lists.

        What is left is what a silent row speaks of. On a real device nothing can be left out:
        there a lab keeps to the stimuli that those rows do not touch.
        """
        self._parts.device.become(self.firmware, self._parts.rows_left_out)
        await self.wait(BOOT_TIME)

    @property
    def rows_left_out(self) -> Sequence[str]:
        """The rows that `install_release_less_its_rows` leaves out."""
        return self._parts.rows_left_out

    async def second_master(
        self, firmware: str | None = None, *, in_parallel: bool = False
    ) -> SecondMaster:
        """Put another system on VE.Can, of the release under test unless another is named.

        ``in_parallel``: it has a battery like ours, and feeds the same loads and chargers.
        """
        return await self._parts.add_master(firmware or self.firmware, in_parallel=in_parallel)

    async def branch(self, branches: Mapping[str, Callable[[], Awaitable[T]]]) -> dict[str, T]:
        """Go on from here several times, and give what each branch returned, by its name.

        Each branch starts from this very state and does not see the others. What it returns is
        pickled. Raises NotOnThisBench where a bench cannot be forked, and again what a branch
        raised, named after it.
        """
        if not hasattr(os, "fork"):
            raise NotOnThisBench("branches need a simulated bench on a POSIX system")
        results: dict[str, T] = {}
        for name, begin in branches.items():
            results[name] = await run_in_child(self._parts, name, begin)
        return results

    def dice(self, name: str) -> random.Random:
        """What a scenario leaves to chance: drawn by the attempt's seed, the same for one name."""
        return self._parts.kernel.stream(f"scenario/{name}")

    def note(self, text: str) -> None:
        """Leave a remark in the record."""
        self._parts.note(text)


class Parts(Trunk, Protocol):
    """What a kind of bench builds; `Bench` shows it to scenarios."""

    @property
    def needs(self) -> Needs:
        """What was asked of the bench."""
        ...

    @property
    def firmware(self) -> str:
        """The release under test."""
        ...

    @property
    def reference(self) -> str:
        """The release before the row's, which a silent row is compared with."""
        ...

    @property
    def rows_left_out(self) -> Sequence[str]:
        """What the release under test lacks in that comparison."""
        ...

    @property
    def device(self) -> DutTerminals:
        """The device, besides its buses and lines."""
        ...

    @property
    def tool_link(self) -> CanBeAsked:
        """What carries the diagnostic tool's messages to it."""
        ...

    @property
    def updater(self) -> Updater:
        """What brings firmware into it."""
        ...

    @property
    def io(self) -> DigitalIO:
        """The lines that the bench drives."""
        ...

    @property
    def charger(self) -> Charger:
        """The supply."""
        ...

    @property
    def load(self) -> Consumer:
        """The load."""
        ...

    @property
    def gx(self) -> GxDevice:
        """The GX device."""
        ...

    @property
    def app(self) -> App:
        """An app near the device."""
        ...

    @property
    def buses(self) -> Mapping[str, BusView]:
        """The buses by name."""
        ...

    @property
    def lines(self) -> Mapping[str, Signal[Any]]:
        """The sensed lines by name."""
        ...

    @property
    def voltages(self) -> Mapping[str, Signal[Any]]:
        """The measured voltages by name."""
        ...

    @property
    def consumption(self) -> Signal[Any]:
        """What the device takes for itself."""
        ...

    @property
    def batteries(self) -> Sequence[BatteryView]:
        """The battery modules."""
        ...

    @property
    def display(self) -> Display:
        """A display on VE.Can."""
        ...

    @property
    def powerfinn(self) -> Powerfinn:
        """A Powerfinn charger on the external CAN."""
        ...

    @property
    def sizes(self) -> Sequence[BatterySize]:
        """How many of each the batteries have, for who places faults."""
        ...

    def insert(self, asked: Asked) -> Callable[[], None]:
        """Insert a fault now; what undoes it is returned."""
        ...

    def arranged(self) -> None:
        """The arrangement stands: what comes now is the claim."""
        ...

    def weld_contactor(self) -> None:
        """Close the main contacts for good."""
        ...

    async def add_master(self, firmware: str, *, in_parallel: bool) -> SecondMaster:
        """Put another system on VE.Can."""
        ...

    def note(self, text: str) -> None:
        """Leave a remark in the record."""
        ...
