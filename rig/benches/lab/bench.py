"""The lab bench: a real device, real CAN adapters, real instruments, the wall clock.

The same scenarios as on the other benches. Nothing in here knows whether there are twins behind the
addresses of its file. What a lab has not raises NotOnThisBench by name: a release that can be set,
faults inside the device, a start state that nobody has brought it to, branches, a second master.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import cast

from instruments.models import open_session
from instruments.session import Session
from rig.attempt import Attempt
from rig.bench import SecondMaster
from rig.benches.file import BenchFile
from rig.benches.guarding import REPORT, Guarding, guardian_spec
from rig.benches.instrumented import Instruments
from rig.benches.lab.facts import BUSES, REST_BUS, LabFacts
from rig.benches.lab.real_battery import RealBattery
from rig.benches.lab.rest_bus import RestBus
from rig.benches.lab.wiring_check import require_sound
from rig.benches.models import wired_model
from rig.benches.on_wall import NoApp, gx_with_own_supply, plot_in_background
from rig.benches.parts import BenchParts, Compared
from rig.can.adapter import AbsentBus, AdapterBus, open_adapter
from rig.can.face import CanBus
from rig.dut.device import DutIdentity, RealDevice, heard, missing, read_identity
from rig.dut.model import DutSpec
from rig.dut.modules import battery_type
from rig.dut.settings_kept import KeepsSettings
from rig.dut.terminals import Input
from rig.dut.tool_link import ToolLink
from rig.dut.updater import Updater
from rig.errors import BenchError, NoSupplyRelay, NotOnThisBench
from rig.faults import Asked, BatterySize
from rig.gx_update import GxUpdate
from rig.kernel import Kernel
from rig.needs import Needs
from rig.realtime import favoured
from rig.safety.spec import Limits, Sense
from rig.views import BatteryFaults, BatteryView
from rig.wall import WallLoop

ANSWER_S = 5.0  # chosen: an instrument on a LAN answers in a tenth of a second
OPENS_WITHIN_S = 15.0  # chosen: the longest shutdown time of a release, and a margin
ROW_S_MAX = 86_400.0  # chosen: the longest row that a lab gives a day
BUTTON_S = 0.2  # chosen: what a finger does
# What rest-bus batteries can be told to be; a real one is what it is.
TOLD = frozenset({"serials", "battery_releases", "soc_spread_pct", "soc_spread_exact"})
TOLD |= {"temperature_c", "settable_release", "starts_on"}


def installed(lab: LabFacts) -> Needs:
    """The system that stands in the lab."""
    return Needs(
        battery=lab.batteries.type,
        series=lab.batteries.series,
        parallel=lab.batteries.parallel,
        soc_pct=lab.batteries.soc_pct,
        temperature_c=lab.batteries.temperature_c,
        hardware=lab.device.hardware,
    )


def check_needs(needs: Needs, lab: LabFacts) -> None:
    """Raises NotOnThisBench, by name, for what a scenario needs and this lab is not."""
    if needs.settable_release or needs.starts_on is not None:
        missing(f"a settable release: the device runs what is installed ({needs.starts_on})")
    here, free = asdict(installed(lab)), TOLD if lab.batteries.kind == REST_BUS else frozenset()
    for name, wanted in asdict(needs).items():
        if wanted != here[name] and name not in free:
            missing(f"a start state or system that nobody has set: {name} {wanted}, "
                    f"here {here[name]}")  # fmt: skip


def open_buses(kernel: Kernel, lab: LabFacts, stack: AsyncExitStack) -> dict[str, CanBus]:
    """Every bus of the lab, closed by the stack. Raises BenchError."""
    buses: dict[str, AdapterBus | AbsentBus] = {}
    for name in BUSES:
        port = lab.can.get(name)
        if port is None:
            buses[name] = AbsentBus(kernel, name)
            continue
        where = f"can.{name}"
        adapter = open_adapter(port.interface, port.channel, port.bitrate, port.options, where)
        opened = AdapterBus(kernel, name, adapter, port.bitrate)
        stack.callback(opened.close)
        buses[name] = opened
    return cast(dict[str, CanBus], buses)  # they have that face


def sense_of(lab: LabFacts) -> Sense:
    """How the guardian sees and opens the lab's interlock."""
    wired = lab.interlock
    if wired is None:
        return Sense()
    return Sense(
        interlock_relay=wired.relay,
        stop_channel=wired.stop_channel,
        current_channel=wired.current_channel,
        current_v_per_a=wired.current_v_per_a,
    )


def lab_session(file: BenchFile, role: str, now_us: Callable[[], int]) -> Session:
    """A session with the real instrument in a role."""
    wired = file.roles[role]
    return open_session(wired_model(wired.model), wired.resource, now_us=now_us, timeout_s=ANSWER_S)


@asynccontextmanager
async def lab_bench(
    file: BenchFile,
    needs: Needs,
    spec: DutSpec,
    attempt: Attempt,
    compared: Compared,
    claims_of: str,
    today: date,
) -> AsyncIterator["LabBench"]:
    """The lab, with its device just switched on; everything is off and given back at the end.

    ``claims_of``: the release that it is judged by, and that rest-bus batteries run.
    Raises BenchFileError for a file that is not sound, NotOnThisBench for what is not here.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, WallLoop)
    require_sound(file, today)
    assert file.lab is not None
    check_needs(needs, file.lab)
    if spec.without or spec.starts_on:
        missing("a settable release: a change left out, or another release to start from")
    with favoured(), tempfile.TemporaryDirectory(prefix="hil") as folder:
        async with AsyncExitStack() as stack:
            bench = LabBench(
                loop.kernel, file, needs, spec, attempt, compared, claims_of, stack, Path(folder)
            )
            await bench.guarding.start(stack)
            await bench.open(stack)
            try:
                yield bench
            finally:
                bench.guarding.stop_the_test()


class LabBench(BenchParts):
    """Everything that one attempt needs, in a lab."""

    def __init__(
        self,
        kernel: Kernel,
        file: BenchFile,
        needs: Needs,
        spec: DutSpec,
        attempt: Attempt,
        compared: Compared,
        claims_of: str,
        stack: AsyncExitStack,
        folder: Path,
    ) -> None:
        assert file.lab is not None
        super().__init__(kernel, needs, spec.firmware, attempt, compared)
        self._file, self._lab = file, file.lab
        wires = open_buses(kernel, file.lab, stack)
        self._record(wires)
        self._rest_bus: RestBus | None = None
        if file.lab.batteries.kind == REST_BUS:
            private = cast(AdapterBus, wires["private"])
            self._rest_bus = RestBus(kernel, private, needs, DutSpec(firmware=claims_of))
        self.gx = gx_with_own_supply(kernel, wires["ve_can"], self._make)
        self.tool_link = KeepsSettings(ToolLink(wires["ve_can"], lambda: self.gx.address_of(0)))
        gx_update = GxUpdate(wires["ve_can"], self.gx, self.gx.supply)
        self.updater = Updater(self.tool_link, gx_update)
        self.app = NoApp()
        self.buses = self._views()
        self.batteries = self._battery_views()
        self.guarding = self._guardian(folder)
        sessions = self.guarding.watched(lambda role: lab_session(file, role, self._now_us))
        self._take(Instruments(file, sessions, self._make, self.guarding.link))
        self.device = RealDevice(self.io, file.lab.device.supply_relay)
        self.identity: DutIdentity | None = None

    def _now_us(self) -> int:
        return self.kernel.now_us

    def _guardian(self, folder: Path) -> Guarding:
        """Its own connections to the same instruments, and the interlock if one is wired."""
        doors = {role: wired.resource for role, wired in self._file.roles.items()}
        report = (self._attempt.folder or folder) / REPORT
        limits = Limits(time_s_max=ROW_S_MAX)
        spec = guardian_spec(self._file, doors, report, sense_of(self._lab), limits)
        return Guarding(spec, folder, self.kernel, lambda: self._instruments.hands)

    def _battery_views(self) -> list[BatteryView]:
        """Rest-bus batteries; of real ones no sensor can be told what to read."""
        kind, count = battery_type(self.needs.battery), self.needs.series * self.needs.parallel
        batteries: Sequence[BatteryFaults] = [RealBattery() for _ in range(count)]
        if self._rest_bus is not None:
            batteries = self._rest_bus.modules
        counts = kind.cells, kind.temperature_sensors
        return [
            BatteryView(battery, counts, self.buses["private"], index)
            for index, battery in enumerate(batteries)
        ]

    async def open(self, stack: AsyncExitStack) -> None:
        """Open the instruments, switch the device off and on, and meet it.

        Raises BenchError if it is not heard, NotOnThisBench if it is of another release.
        """
        stack.push_async_callback(self._instruments.close)
        await self._instruments.open()
        stack.push_async_callback(self._leave_stopped)
        stack.push_async_callback(self._instruments.safe_state)
        await self.charger.off()
        await self.load.off()
        if self._lab.device.supply_relay is not None:
            await self.device.power_cycle()
        self.gx.connect()  # it claims its own address, and asks nobody's
        if not await heard(self.gx, self._wires["ve_can"]):
            raise BenchError("the device is not heard on VE.Can: hil bench check says more")
        identity = self.identity = await read_identity(self.gx, self._wires["ve_can"])
        self.note(f"device under test: {identity}")
        if identity.release != self.firmware:
            missing(
                f"a settable release: judged on {self.firmware}, the device runs "
                f"{identity.release or 'an unknown release'}"
            )
        if self._rest_bus is not None:
            watched = self.lines, self.charger.current, self.load.current
            stack.callback(self._rest_bus.follow(*watched))
        plot_in_background(self._instruments, self._attempt, stack)

    async def _leave_stopped(self) -> None:
        """Settings as they were found; the contactor open, by the button or without supply.

        Raises BenchError, and the bench is tripped, if neither opens it.
        """
        for identifier in await self.tool_link.restore():
            self.note(f"setting 0x{identifier:04X} was not given back as it was")
        if not await self._is_closed():
            return
        await self.io.pulse(Input.START_STOP, BUTTON_S)
        for _ in range(round(OPENS_WITHIN_S / 0.5)):
            await asyncio.sleep(0.5)
            if not await self._is_closed():
                return
        with suppress(NoSupplyRelay):  # a lab need not have one
            await self.device.power_cycle()
        if await self._is_closed():
            why = "the contactor is still closed at the attempt's end: it is welded, or not obeyed"
            with suppress(BenchError):  # tripped already, or it did not end safe: latched anyway
                await self.guarding.link.make_safe(why)
            raise BenchError(why)

    async def _is_closed(self) -> bool:
        return await self.io.get("contactor_aux")

    @property
    def sizes(self) -> Sequence[BatterySize]:
        """What its batteries have; nothing is known of real ones."""
        return [] if self._rest_bus is None else self._rest_bus.sizes

    def insert(self, asked: Asked) -> Callable[[], None]:
        """Insert a fault into rest-bus batteries. Raises NotOnThisBench for any other."""
        if self._rest_bus is None or asked.kind.inside_dut:
            missing(f"fault {asked.kind.name!r}")
        return self._rest_bus.insert(asked)

    def weld_contactor(self) -> None:
        """Raises NotOnThisBench: nobody welds a real contactor."""
        missing("a welded contactor")

    async def add_master(self, firmware: str, *, in_parallel: bool) -> SecondMaster:
        """Raises NotOnThisBench: there is one device."""
        raise NotOnThisBench("a second master: there is one device")
