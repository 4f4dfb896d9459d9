"""Plays a stimulus to one firmware on the simulated bench, in virtual time, and hears what it says.

Open loop in what the firmware measures: cells, sensors and current are what the log shows. Closed
in what answers the firmware itself: contactor, pre-charge, and the batteries' own protocol, so that
a release that acts otherwise is answered otherwise. ADR 0029.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rig.attempt import Attempt
from rig.bench import Bench
from rig.benches.file import load_bench
from rig.benches.simulated import SimulatedBench
from rig.can.encode import vreg_write
from rig.can.frame import Frame, parse_frame
from rig.collector import seldom_collecting
from rig.dut.model import DutSpec
from rig.errors import BenchError, BenchFileError, FaultRefused
from rig.faults import Fault
from rig.gx_device import FIRST_ADDRESS, GX_ADDRESS
from rig.kernel import Kernel, VirtualLoop, milliseconds, seconds
from rig.needs import Needs
from rig.replay.condition import SETTLES_US, Condition, Watch
from rig.replay.stimulus import Kind, Step, Stimulus

BUSES = ("private", "ve_can", "external")  # by channel of the bench
STATE_RUNNING = 9  # public: register 0x0371
START_S = 20.0  # chosen: registration, pre-charge, and twice as much again
BOOT_S, SETTLE_S = (
    1.0,
    3.0,
)  # chosen: an address is claimed; what a start has begun has come to rest
SLICE_US = seconds(5)  # chosen: how often the condition is looked at; a run ends with it
CHARGER_OVER = 1.04  # chosen: a charger's voltage above the batteries', so that it leads
Heard = tuple[int, str, Frame]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """What is played to: a release, perhaps less some of its changes, with a seed of chance."""

    release: str
    without: tuple[str, ...] = ()
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one run."""

    firmware: Firmware
    started: bool
    """Whether the start state was reached; without it the condition says nothing."""
    first_us: int | None = None
    """When the condition was first true, from time 0 of the stimulus."""
    signature: tuple[object, ...] = ()
    error: int = 0
    """The last error that it told."""
    heard: tuple[Heard, ...] = field(default=(), repr=False)
    """All frames, if they were asked for; time 0 is the stimulus's."""

    @property
    def holds(self) -> bool:
        """Whether the condition was true."""
        return self.first_us is not None


class Ear(Attempt):
    """Hears the frames of all buses and keeps nothing else."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel, "", "replay", None)
        self.heard: list[tuple[int, int, Frame]] = []
        self.errors: list[tuple[int, str]] = []
        self.deaf = False

    def frame(self, time_us: int, channel: int, frame: Frame) -> None:
        """A frame was on a bus."""
        if not self.deaf:
            self.heard.append((time_us, channel, frame))

    def event(self, time_us: int, lane: str, text: str) -> None:
        """Of all events only what went wrong on a bus."""
        if lane == "CAN" and not self.deaf:
            self.errors.append((time_us, text))

    def since(self) -> list[tuple[int, int, Frame]]:
        """What was heard since the last call, in the order of time."""
        heard, self.heard = self.heard, []
        heard.sort(key=lambda each: each[0])
        return heard


def play(
    stimulus: Stimulus,
    firmware: Firmware,
    condition: Condition | None = None,
    *,
    keep: bool = False,
    to_the_end: bool = False,
) -> Outcome:
    """Play it, until the condition is true or the stimulus is over.

    ``keep``: the frames are in the outcome. Raises BenchFileError for a stimulus that no bench has.
    """
    with asyncio.Runner(loop_factory=VirtualLoop) as runner, seldom_collecting():
        return runner.run(_play(stimulus, firmware, condition, keep, to_the_end))


async def _play(
    stimulus: Stimulus, firmware: Firmware, condition: Condition | None, keep: bool, whole: bool
) -> Outcome:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    kernel = loop.kernel
    kernel.seed = f"replay/{firmware.seed}"
    ear = Ear(kernel)
    spec = DutSpec(firmware=firmware.release, without=firmware.without)
    needs = Needs.parse(dict(stimulus.needs))
    parts = SimulatedBench(kernel, load_bench("sim"), needs, spec, ear)
    await parts.open()
    try:
        player = _Player(Bench(parts), kernel)
        run = _Run(player, parts.settle_record, ear, condition, keep)
        return await run.through(stimulus, firmware, whole=whole)
    finally:
        player.end()
        await parts.close()


class _Run:
    """One run from power-on to its end, with who listens."""

    def __init__(
        self,
        player: "_Player",
        settle: Callable[[], None],
        ear: Ear,
        condition: Condition | None,
        keep: bool,
    ) -> None:
        self._player, self._settle, self._ear = player, settle, ear
        self._watch = None if condition is None else Watch(condition, FIRST_ADDRESS)
        self._kept: list[Heard] | None = [] if keep else None
        self._origin_us = 0

    async def through(self, stimulus: Stimulus, firmware: Firmware, *, whole: bool) -> Outcome:
        """All of it."""
        player, kernel = self._player, self._player.kernel
        await asyncio.sleep(BOOT_S)
        for each in stimulus.begins:
            await player.do(each)
        started = not stimulus.runs or await player.started()
        if started:
            await asyncio.sleep(SETTLE_S if stimulus.runs else BOOT_S)
            self._origin_us = kernel.now_us
            if self._watch is not None:
                self._watch.from_us = self._origin_us
            end_us = self._origin_us + stimulus.length_us
            playing = asyncio.ensure_future(player.play(stimulus.steps, self._origin_us))
            try:
                while kernel.now_us < end_us:
                    await asyncio.sleep(min(SLICE_US, end_us - kernel.now_us) / 1e6)
                    if self._listen() and not whole:
                        await asyncio.sleep(SETTLES_US / 1e6)
                        break
                    if playing.done():
                        playing.result()
            finally:
                playing.cancel()
        self._listen()
        return self._outcome(firmware, started)

    def _listen(self) -> bool:
        """Hear what was said until now; whether the condition is true, or has been."""
        self._settle()
        watch = self._watch
        for time_us, channel, frame in self._ear.since():
            bus = BUSES[channel]
            if self._kept is not None:
                self._kept.append((time_us, bus, frame))
            if watch is not None:
                watch.take(time_us, bus, frame.identifier, frame.extended, frame.data)
        if watch is None:
            return False
        watch.until(self._player.kernel.now_us)
        return watch.first_us is not None

    def _outcome(self, firmware: Firmware, started: bool) -> Outcome:
        watch, origin_us = self._watch, self._origin_us
        first_us = None if watch is None or watch.first_us is None else watch.first_us - origin_us
        error = 0 if watch is None else watch.observer.values.get("error") or 0
        return Outcome(
            firmware=firmware,
            started=started,
            first_us=first_us if started else None,
            signature=() if watch is None else watch.signature,
            error=int(error),
            heard=tuple((t_us - origin_us, bus, frame) for t_us, bus, frame in self._kept or ()),
        )


class _Player:
    """Does to a bench what steps say."""

    def __init__(self, bench: Bench, kernel: Kernel) -> None:
        self.kernel = kernel
        self._bench = bench
        self._faults: dict[tuple[object, ...], Fault] = {}
        self._under_way: set[asyncio.Future[Any]] = set()

    async def started(self) -> bool:
        """Press the button; whether it then runs."""
        state = self._bench.gx.register("state")
        self._begin(self._bench.press_start_stop())
        for _ in range(round(START_S / 0.1)):
            await asyncio.sleep(0.1)
            now = None if state.latest is None else state.latest.value
            if now == STATE_RUNNING:
                return True
        return False

    async def play(self, steps: Sequence[Step], origin_us: int) -> None:
        """Each in its time."""
        for each in steps:
            wait_us = origin_us + each.at_us - self.kernel.now_us
            if wait_us > 0:
                await asyncio.sleep(wait_us / 1e6)
            await self.do(each)

    def _begin(self, work: Any) -> None:
        """Have something go on that takes its time."""
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def end(self) -> None:
        """Nothing goes on any more."""
        for task in tuple(self._under_way):
            task.cancel()

    async def do(self, step: Step) -> None:
        """One step. Raises BenchFileError for one that this system does not have."""
        try:
            await self._do(step)
        except (BenchError, FaultRefused, KeyError, ValueError) as error:
            raise BenchFileError(f"step {step}: {error}") from error

    async def _do(self, step: Step) -> None:
        bench = self._bench
        match step.kind:
            case Kind.CELL | Kind.TEMPERATURE | Kind.TERMINAL | Kind.SILENT:
                self._battery(step)
            case Kind.FLOW:
                await self._flow(float(step["current_a"]), float(step["voltage_v"]))
            case Kind.PRESS:
                self._begin(bench.press_start_stop())
            case Kind.INTERLOCK:
                await (bench.close_interlock() if step["closed"] else bench.open_interlock())
            case Kind.EMERGENCY:
                pressed = step["pressed"]
                await (bench.press_emergency_stop() if pressed else bench.release_emergency_stop())
            case Kind.FAULT | Kind.CLEAR:
                await self._fault(step)
            case Kind.SETTING:
                register, code = int(step["register"]), int(step["code"])
                await self._set(register, code)
            case Kind.FRAME:
                self._send(str(step["bus"]), parse_frame(str(step["text"])))
            case Kind.GX_REBOOTS:
                self._begin(bench.gx.reboot())
            case Kind.POWER_CYCLE:
                self._begin(bench.power_cycle())

    def _battery(self, step: Step) -> None:
        battery = self._bench.battery(int(step["battery"]))
        match step.kind:
            case Kind.CELL:
                battery.cell(int(step["cell"])).reads(_number(step["voltage_v"]))
            case Kind.TEMPERATURE:
                sensor = battery.temperature_sensor(int(step["sensor"]))
                sensor.reads(_number(step["temperature_c"]))
            case Kind.TERMINAL:
                temperature_c = _number(step["temperature_c"])
                if step["terminal"] == "positive":
                    battery.positive_terminal_reads(temperature_c)
                else:
                    battery.negative_terminal_reads(temperature_c)
            case _:
                if step["silent"]:
                    battery.fall_silent()
                else:
                    battery.speak_again()

    async def _flow(self, current_a: float, voltage_v: float) -> None:
        """Charging is positive; what is not needed is off."""
        bench = self._bench
        if current_a > 0:
            await bench.load.off()
            await bench.charger.charge(current_a, CHARGER_OVER * voltage_v)
        elif current_a < 0:
            await bench.charger.off()
            await bench.load.draw(-current_a)
        else:
            await bench.charger.off()
            await bench.load.off()

    async def _fault(self, step: Step) -> None:
        given = dict(step.arguments)
        name = str(given.pop("name"))
        key = name, given.get("battery")
        if step.kind is Kind.CLEAR:
            if key in self._faults:
                await self._faults.pop(key).clear()
        elif key not in self._faults:
            where_and_how: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
            self._faults[key] = await self._bench.inject(name, **where_and_how)

    async def _set(self, register: int, code: int) -> None:
        """A setting by its register, where the device has it."""
        self._send("ve_can", vreg_write(GX_ADDRESS, FIRST_ADDRESS, register, bytes((code,))))
        await asyncio.sleep(milliseconds(200) / 1e6)

    def _send(self, bus: str, frame: Frame) -> None:
        """A frame of another device; what is meant for the device goes to where it is."""
        bench = self._bench
        address = bench.gx.device_address
        if bus == "ve_can" and frame.extended and address != FIRST_ADDRESS:
            addressed = frame.identifier >> 16 & 0xFF < 0xF0
            if addressed and frame.identifier >> 8 & 0xFF == FIRST_ADDRESS:
                identifier = frame.identifier & ~0xFF00 | address << 8
                frame = Frame(identifier, frame.data, frame.extended)
        view = {
            "ve_can": bench.ve_can,
            "private": bench.private_can,
            "external": bench.external_can,
        }[bus]
        view.send(frame)


def _number(value: float | str | None) -> float:
    """A reading; None is an invalid one, which JSON cannot say otherwise."""
    return math.nan if value is None else float(value)
