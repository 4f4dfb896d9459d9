"""Traces: what a device does at its terminals under a stimulus, line by line.

A silent row says that nothing changed: its trace has to equal that of the release before.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from rig import Bench, Contact, Frame, ToolRefused, expect, seconds

Trace = list[str]
MASKED_REGISTERS = (b"\x02\x01",)  # the release's own number, register 0x0102
MASKED_IDENTIFIERS = (0x35F,)  # and where SMA and General BMS carry it
TO_BATTERIES = (0x18F000, 0x18F010, 0x18F050, 0x18F0A1)  # what a master sends on the private bus
LOOKS = seconds(1.5)  # how often the terminals are read
_time_and_bus = itemgetter(0, 1)
BUSES = ("ve_can", "private", "external", "terminals", "tool")


@dataclass(slots=True)
class Tracer:
    """Writes down what the device under test does, at its terminals and nowhere else."""

    bench: Bench
    lines: list[tuple[int, int, str]] = field(default_factory=list)

    def start(self) -> None:
        """From now on."""
        bench = self.bench
        bench.ve_can.sniff(self._ve_can)
        bench.external_can.sniff(self._external, late=True)
        bench.private_can.sniff(self._private, late=True)
        followed = (
            bench.contactor,
            bench.relay,
            bench.allow_charge,
            bench.allow_discharge,
            bench.fan,
            bench.green_led,
            bench.red_led,
        )
        for signal in followed:
            self._follow(signal)

    def _follow(self, signal: Any) -> None:
        last: list[Any] = [None]

        def seen(sample: Any) -> None:
            if sample.value != last[0]:
                last[0] = sample.value
                self._add(sample.time_us, "terminals", f"{signal.name} {sample.value!s}")

        signal.watch(seen, LOOKS)

    def _add(self, time_us: int, where: str, what: str) -> None:
        self.lines.append((time_us, BUSES.index(where), what))

    def _ve_can(self, time_us: int, frame: Frame) -> None:
        if frame.extended and frame.identifier & 0xFF == self.bench.gx.device_address:
            self._note(time_us, "ve_can", frame)

    def _external(self, time_us: int, frame: Frame) -> None:
        self._note(time_us, "external", frame)

    def _private(self, time_us: int, frame: Frame) -> None:
        if frame.identifier >> 8 in TO_BATTERIES:
            self._note(time_us, "private", frame)

    def _note(self, time_us: int, bus: str, frame: Frame) -> None:
        masked = frame.identifier in MASKED_IDENTIFIERS or frame.data[2:4] in MASKED_REGISTERS
        self._add(time_us, bus, f"{frame.identifier:X}#masked" if masked else str(frame))

    def told(self, what: str, value: object) -> None:
        """What an instrument or the tool's session told."""
        self._add(self.bench.now_us, "tool", f"{what} {value!s}")

    async def asked(self, what: str, question: Awaitable[object]) -> None:
        """What the tool's session tells if it is asked; that it does not is as good a trace."""
        try:
            answer = await question
            self.told(what, sorted(answer) if isinstance(answer, frozenset) else answer)
        except (ToolRefused, TimeoutError, KeyError) as error:
            self.told(what, type(error).__name__)

    async def _logged(self) -> Sequence[int]:
        """The numbers of the event log; its times are the device's own."""
        return [event.number for event in await self.bench.tool.events()]

    async def end(self) -> Trace:
        """The whole trace, in the order of time; last comes what the device remembers of it."""
        tool = self.bench.tool
        await self.asked("events", self._logged())
        for what, question in (
            ("warnings", tool.warnings()),
            ("history", tool.history()),
            ("today", tool.today()),
        ):
            await self.asked(what, question)
        self.bench.private_can.caught_up()
        self.bench.external_can.caught_up()
        return [
            f"{at} {BUSES[where]} {what}"
            for at, where, what in sorted(self.lines, key=_time_and_bus)
        ]


Stimulus = Callable[[Bench, Tracer], Awaitable[None]]


async def trace_of(
    bench: Bench, stimulus: Stimulus, become: Callable[[], Awaitable[None]]
) -> Trace:
    """Become a release, apply the stimulus, and give what the device did."""
    await become()
    tracer = Tracer(bench)
    tracer.start()
    await stimulus(bench, tracer)
    return await tracer.end()


async def same_traces(bench: Bench, stimulus: Stimulus) -> None:
    """The claim of a silent row: under this stimulus nothing but the rows listed differs.

    From one state the release before goes on, and the row's own less the rows that its log lists.
    The device has to do something at all: a trace of nothing proves nothing.
    """
    async with bench.arrange():
        pass

    traces = await bench.branch(
        {
            "before": lambda: trace_of(bench, stimulus, bench.install_reference_release),
            "after": lambda: trace_of(bench, stimulus, bench.install_release_less_its_rows),
        }
    )
    before, after = traces["before"], traces["after"]
    expect.that(
        f"the device does something: {len(after)} lines of trace",
        holds=len(after) > 20 and any(_tells_a_move(line) for line in after),
    )
    listed = ", ".join(bench.rows_left_out) or "none"
    expect.that(
        f"less the rows listed ({listed}) both releases leave the same {len(before)} lines"
        f"{_first_difference(before, after)}",
        holds=before == after,
    )


def _tells_a_move(line: str) -> bool:
    """Whether an output has switched on, or a frame gave a battery its node."""
    return line.endswith((f" {Contact.CLOSED}", " True")) or " private 18F010" in line


def _first_difference(before: Sequence[str], after: Sequence[str]) -> str:
    for old, new in zip(before, after, strict=False):
        if old != new:
            return f"; first difference: {old!r} before, {new!r} after"
    if len(before) != len(after):
        return f"; one is longer: {len(before)} and {len(after)} lines"
    return ""
