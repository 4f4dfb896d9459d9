"""Reference stimuli: what is done to a device so that its whole behaviour shows in a trace.

A silent row says that nothing changed: its trace has to equal that of the release before. What the
stimuli can see is measured (`hil matrix --resolving`): each other change, left out, has to show.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rig import Bench, Frame, LoggedEvent, expect, parse_frame, seconds
from scenarios.procedures import answer_or_none

Trace = list[str]
MASKED_REGISTERS = (b"\x02\x01",)  # the release's own number, register 0x0102
MASKED_IDENTIFIERS = (0x35F,)  # and where SMA and General BMS carry it
TO_BATTERIES = (0x18F000, 0x18F010, 0x18F050, 0x18F0A1)  # what a master sends on the private bus
REQUESTED = (0x0100, 0x0371, 0x2101, 0x2100, 0x2110, 0x034E, 0x1000, 0x0380, 0x0FFE, 0x0FFF, 0x0373)


@dataclass(slots=True)
class Tracer:
    """Writes down what the device under test does, at its terminals and nowhere else."""

    bench: Bench
    lines: Trace = field(default_factory=list)

    def start(self) -> None:
        """From now on."""
        self.bench.ve_can.sniff(self._ve_can)
        self.bench.external_can.sniff(lambda time_us, frame: self._note(time_us, "external", frame))
        self.bench.private_can.sniff(self._private)
        for signal in (self.bench.contactor, self.bench.allow_charge, self.bench.allow_discharge):
            self._follow(signal)
        self._follow(self.bench.relay)

    def _follow(self, signal: Any) -> None:
        last: list[Any] = [None]

        def seen(sample: Any) -> None:
            if sample.value != last[0]:
                last[0] = sample.value
                self.lines.append(f"{sample.time_us} {signal.name} {sample.value!s}")

        signal.watch(seen, seconds(0.1))

    def _ve_can(self, time_us: int, frame: Frame) -> None:
        if frame.extended and frame.identifier & 0xFF == self.bench.gx.device_address:
            self._note(time_us, "ve_can", frame)

    def _private(self, time_us: int, frame: Frame) -> None:
        if frame.identifier >> 8 in TO_BATTERIES:
            self._note(time_us, "private", frame)

    def _note(self, time_us: int, bus: str, frame: Frame) -> None:
        masked = frame.identifier in MASKED_IDENTIFIERS or frame.data[2:4] in MASKED_REGISTERS
        shown = f"{frame.identifier:X}#masked" if masked else str(frame)
        self.lines.append(f"{time_us} {bus} {shown}")

    def told(self, what: str, value: object) -> None:
        """What the tool's session told."""
        self.lines.append(f"{self.bench.now_us} tool {what} {value!s}")

    def told_events(self, log: Sequence[LoggedEvent] | None) -> None:
        """The numbers of the event log; its times are the device's own."""
        self.told("events", None if log is None else [event.number for event in log])


Stimulus = Callable[[Bench, Tracer], Awaitable[None]]


async def _start(bench: Bench, wait_s: float = 8.0) -> None:
    """Press the button and let it start; a device that does not is as good a trace."""
    await bench.press_start_stop()
    await bench.wait(seconds(wait_s))


async def day_of_a_24_v_system(bench: Bench, tracer: Tracer) -> None:
    """Start, be asked, be written to, carry a load, stop; the link decays slowly."""
    for name in ("battery_strategy", "external_protocol", "relay_function"):
        tracer.told(name, await answer_or_none(bench.tool.setting(name)))
        tracer.told(name, await answer_or_none(bench.tool.choices(name)))
    await _start(bench)
    for _ in range(3):
        for register in REQUESTED:
            bench.gx.ask(register)
            await bench.wait(seconds(0.007))
    await bench.gx.write(0x0FFF, (5_000).to_bytes(2, "little"))
    bench.ve_can.send(parse_frame("020#66990100FF0FFFFF"))
    await bench.wait(seconds(2))
    await bench.load.draw(100.0)
    await bench.wait(seconds(20))
    bench.gx.ask(0x0FFE)
    await bench.wait(seconds(1))
    await bench.load.off()
    await bench.press_start_stop()
    await bench.wait(seconds(22))
    tracer.told_events(await answer_or_none(bench.tool.events()))


async def trips(bench: Bench, tracer: Tracer) -> None:
    """A cell above its critical level."""
    await _start(bench)
    bench.battery(0).cell(1).reads(3.70)
    await bench.wait(seconds(60))
    tracer.told_events(await answer_or_none(bench.tool.events()))


async def lost_battery_and_rebooting_gx(bench: Bench, tracer: Tracer) -> None:
    """A GX device reboots; then a battery falls silent."""
    await _start(bench)
    await bench.gx.reboot()
    bench.gx.ask(0x0FFF)
    bench.battery(1).fall_silent()
    await bench.wait(seconds(45))


async def low_start(bench: Bench, tracer: Tracer) -> None:
    """A start with a critically low cell, without and then with a charger."""
    bench.battery(0).cell(3).reads(2.30)
    await _start(bench, 20.0)
    await bench.charger.charge(20.0, 28.0)
    await bench.wait(seconds(10))
    await bench.charger.off()


async def slow_pre_charge(bench: Bench, tracer: Tracer) -> None:
    """A pre-charge that stalls, is helped to rise, and is never done."""
    await bench.press_start_stop()
    await bench.wait(seconds(10))
    for step in range(140):
        await bench.charger.charge(5.0, 20.0 + 0.03 * step)
        await bench.wait(seconds(0.25))
    await bench.charger.off()
    await bench.wait(seconds(10))


async def heat(bench: Bench, tracer: Tracer) -> None:
    """HE batteries warm up and cool down, cells and terminals, under both strategies."""
    await _start(bench)
    for strategy in (0, 1):
        await answer_or_none(bench.tool.set("battery_strategy", strategy))
        for temperature_c in (28.5, 29.5, 30.5, 32.0, 34.5, 35.5, 33.5, 29.5, 28.5):
            for battery in bench.batteries:
                battery.temperature_reads(temperature_c)
            await bench.wait(seconds(1))
    for step in range(30):
        for battery in bench.batteries:
            battery.temperature_reads(44.6 - 0.25 * step)
        await bench.wait(seconds(0.6))
    for temperature_c in (63.0, 65.0, 67.0, 69.5):
        bench.battery(0).positive_terminal_reads(temperature_c)
        await bench.wait(seconds(1))


async def inverter_system(bench: Bench, tracer: Tracer) -> None:
    """A 48 V system whose limits are above 120 A, on both 11 bit protocols."""
    await _start(bench)
    for code in (1, 2):
        if code in (await answer_or_none(bench.tool.choices("external_protocol")) or {}):
            await answer_or_none(bench.tool.set("external_protocol", code))
        await bench.wait(seconds(3))


async def full_battery(bench: Bench, tracer: Tracer) -> None:
    """Charge to the charged level, then discharge until charging is allowed again."""
    await _start(bench)
    await bench.charger.charge(100.0, 28.4)
    await bench.wait(seconds(135))
    await bench.charger.off()
    await bench.load.draw(200.0)
    await bench.wait(seconds(65))
    await bench.load.off()


async def broken_sensors(bench: Bench, tracer: Tracer) -> None:
    """Two, then three temperature sensors of one battery tell nonsense."""
    await _start(bench)
    for sensor in (0, 1, 2):
        bench.battery(0).temperature_sensor(sensor).reads(75.0)
        await bench.wait(seconds(14))


async def overload(bench: Bench, tracer: Tracer) -> None:
    """More current than the master supports."""
    await _start(bench)
    await bench.load.draw(180.0)
    await bench.wait(seconds(14))
    await bench.load.off()
    await bench.wait(seconds(2))


async def two_masters(bench: Bench, tracer: Tracer) -> None:
    """Another system of the same kind on VE.Can."""
    await _start(bench)
    second = await bench.second_master()
    await second.running()
    await bench.wait(seconds(6))


# Who announces himself on the private bus (serial number, type code, cells) after a start: every
# type that joined with a release, RS batteries in company, and one of week 46 of 2017.
ANNOUNCED: Sequence[tuple[tuple[int, int, int], ...]] = (
    ((17_200_001, 5, 7),),
    ((17_200_001, 7, 7),),
    ((17_200_001, 8, 8),),
    ((17_200_001, 9, 8),),
    ((17_200_001, 10, 8),),
    ((17_200_001, 11, 8),),  # public: a type code, no per cent
    ((17_200_001, 12, 7),),
    ((17_200_001, 13, 12),),
    ((17_200_001, 14, 14),),
    ((17_200_001, 15, 16),),
    ((17_200_001, 16, 8),),
    ((17_200_001, 17, 16),),
    ((17_200_001, 18, 12),),
    ((17_200_001, 19, 8),),
    ((17_200_001, 13, 12), (17_200_002, 13, 12)),
    ((17_460_001, 2, 8),),
)


def _announcement(serial: int, type_code: int, cells: int) -> Frame:
    data = serial.to_bytes(4, "little") + type_code.to_bytes(2, "little") + bytes((cells, 38))
    return parse_frame(f"{0x18F0FE00 | serial & 0xFF:08X}#{data.hex()}")


async def _start_among(
    bench: Bench, announced: Sequence[tuple[int, int, int]], apart_s: float = 0.0
) -> None:
    """Start, let these announce themselves, and stop once they are taken or refused."""
    await bench.press_start_stop()
    await bench.wait(seconds(1))
    for battery in announced:
        bench.private_can.send(_announcement(*battery))
        await bench.wait(seconds(apart_s))
    await bench.wait(seconds(4))
    await bench.press_start_stop()
    await bench.wait(seconds(2))


def strange_batteries(*, but: int) -> Stimulus:
    """Batteries of every kind, but the type that came with the row's own release."""

    async def stimulus(bench: Bench, tracer: Tracer) -> None:
        await _strange_batteries(bench, but)

    return stimulus


async def _strange_batteries(bench: Bench, but: int) -> None:
    """They announce themselves one after another, while those of the bench are not heard."""
    for battery in bench.batteries:
        battery.fall_silent()
    for announced in ANNOUNCED:
        if all(type_code != but for _, type_code, _ in announced):
            await _start_among(bench, announced)
    await _start_among(bench, ((17_200_001, 13, 12), (17_200_002, 18, 12)), apart_s=0.3)
    await answer_or_none(bench.tool.set("batteries_parallel", 1))
    await answer_or_none(bench.tool.set("batteries_series", 2))
    await _start_among(bench, ((17_200_001, 2, 8), (17_200_002, 2, 8)))
    await answer_or_none(bench.tool.set("batteries_parallel", 0))
    await answer_or_none(bench.tool.set("batteries_series", 0))
    for battery in bench.batteries:
        battery.speak_again()
    await _start(bench)


async def a_start(bench: Bench, tracer: Tracer) -> None:
    """No more than that, and the question what product it is."""
    bench.gx.ask(0x0100)
    await _start(bench)


async def trace_of(
    bench: Bench, stimulus: Stimulus, install: Callable[[], Awaitable[None]]
) -> Trace:
    """Install a release, apply the stimulus, and give what the device did."""
    await install()
    tracer = Tracer(bench)
    tracer.start()
    await stimulus(bench, tracer)
    return tracer.lines


async def same_traces(bench: Bench, stimulus: Stimulus) -> None:
    """The claim of a silent row: under this stimulus the two releases do the same.

    The device has to do something at all: a trace of nothing proves nothing.
    """
    traces = await bench.branch(
        {
            "before": lambda: trace_of(bench, stimulus, bench.install_reference_release),
            "after": lambda: trace_of(bench, stimulus, bench.install_release_under_test),
        }
    )
    before, after = traces["before"], traces["after"]
    expect.that(
        f"the device does something: {len(after)} lines of trace",
        holds=len(after) > 20 and "contactor" in " ".join(after),
    )
    expect.that(
        f"both releases leave the same {len(before)} lines{_first_difference(before, after)}",
        holds=before == after,
    )


def _first_difference(before: Sequence[str], after: Sequence[str]) -> str:
    for old, new in zip(before, after, strict=False):
        if old != new:
            return f"; first difference: {old!r} before, {new!r} after"
    if len(before) != len(after):
        return f"; one is longer: {len(before)} and {len(after)} lines"
    return ""
