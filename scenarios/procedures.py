"""What several scenarios do: procedures in the vocabulary of the bench."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from rig import (
    CLOSED,
    OPEN,
    Bench,
    DiagnosticTool,
    Sample,
    Signal,
    ToolRefused,
    UpdateOutcome,
    UpdatePath,
    above,
    between,
    chosen,
    expect,
    milliseconds,
    other_than,
    seconds,
    together,
)
from rig.can import Frame

FIRMWARE_VERSION, STATE_OF_CHARGE = 0x0102, 0x0FFF  # public: VE.Can registers
NOT_AVAILABLE = b"\xff\xff\xff\xff"

PRODUCT_ID = 0x0100  # public: VE.Can register
PRE_CHARGING, RUNNING, ERROR = 16, 9, 10  # public: register 0x0371
OVER_VOLTAGE = 13  # public: register 0x2101

T = TypeVar("T")


async def says_its_version(bench: Bench) -> None:
    """Claim: asked for its firmware version, which it never tells unasked, the device tells one."""
    answer = await bench.gx.request(FIRMWARE_VERSION)
    told = answer is not None and "firmware_version" in answer.texts
    expect.that("the device answers a request for its firmware version", holds=told)


def tells(bench: Bench, register: int) -> Callable[[Frame], bool]:
    """Whether a frame on VE.Can is the device's and carries a value of ``register``."""
    source = bench.gx.device_address
    identifier = 0x1CEFFF00 | source  # public: PGN 61184 to everybody, priority 7
    head = b"\x66\x99" + register.to_bytes(2, "little")

    def matches(frame: Frame) -> bool:
        data = frame.data
        return (
            frame.extended
            and frame.identifier == identifier
            and data[:4] == head
            and data[4:] != NOT_AVAILABLE
        )

    return matches


async def answer_or_none(question: Awaitable[T]) -> T | None:
    """What the tool is told; None where the device does not answer it, which a claim can say."""
    try:
        return await question
    except TimeoutError:
        return None


async def started_if_it_can(bench: Bench) -> None:
    """Press the button and give a start its time: an old release refuses batteries it knows not."""
    await bench.press_start_stop()
    await bench.wait(chosen(seconds(20), "registration, pre-charge, and twice as much again"))


async def press_three_times(bench: Bench) -> None:
    """Press the start/stop button three times within two seconds."""
    for _ in range(3):
        await bench.press_start_stop()
        await bench.wait(chosen(milliseconds(300), "about how fast a thumb is"))


async def new_events(bench: Bench, before: int) -> set[int]:
    """The numbers of what the log has beyond its first ``before`` entries; none without answer."""
    log = await answer_or_none(bench.tool.events()) or ()
    return {event.number for event in log[before:]}


async def shown_warnings(bench: Bench) -> frozenset[str]:
    """The warnings that the tool shows; none without answer."""
    return await answer_or_none(bench.tool.warnings()) or frozenset()


async def warns(
    bench: Bench,
    cause: Callable[[], Awaitable[object]],
    event: int,
    *,
    shown: str | None = None,
    after_s: float = 0.0,
    within_s: float,
) -> None:
    """Claim: so long after its cause there is an event, and what the tool shows; not before."""
    known = len(await answer_or_none(bench.tool.events()) or ())
    await cause()
    await bench.wait(seconds(after_s))
    early = await new_events(bench, known) if after_s else set()
    await bench.wait(seconds(within_s - after_s))
    logged = await new_events(bench, known)
    expect.that(f"within {within_s:g} s there is event {event}", holds=event in logged)
    expect.that(f"it is not there after {after_s:g} s", holds=event not in early)
    if shown is not None:
        expect.that(f"the tool shows {shown!r}", holds=shown in await shown_warnings(bench))


async def does_not_warn(
    bench: Bench,
    cause: Callable[[], Awaitable[object]],
    event: int,
    *,
    shown: str | None = None,
    for_s: float,
) -> None:
    """Claim: so long after the cause there is no such event, and the tool does not show it."""
    known = len(await answer_or_none(bench.tool.events()) or ())
    await cause()
    await bench.wait(seconds(for_s))
    logged = await new_events(bench, known)
    expect.that(f"in {for_s:g} s there is no event {event}", holds=event not in logged)
    if shown is not None:
        told = await shown_warnings(bench)
        expect.that(f"the tool does not show {shown!r}", holds=shown not in told)


async def sets(
    bench: Bench, name: str, choice: float | str, tool: DiagnosticTool | None = None
) -> bool:
    """Set a setting with the tool, or another; False where the device does not take it."""
    try:
        await (tool or bench.tool).set(name, choice)
    except (ToolRefused, KeyError, TimeoutError):
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """What a battery of one type is to its user, and the levels of its cells."""

    capacity_ah: float
    cells: int
    charged_v: float
    critical_v: float


def lfp(capacity_ah: float, cells: int = 8) -> Battery:
    """An LFP battery; 24 V unless it has more cells."""
    return Battery(
        capacity_ah=capacity_ah,
        cells=cells,
        charged_v=3.520,  # public: LFP series manual, boundary limits
        critical_v=3.650,  # public: LFP series manual, boundary limits
    )


def nmc(capacity_ah: float, cells: int) -> Battery:
    """An NMC battery, RS or HE, under the strategy Economic."""
    return Battery(
        capacity_ah=capacity_ah,
        cells=cells,
        charged_v=4.050,  # public: RS manual, boundary limits
        critical_v=4.200,  # public: RS manual, boundary limits
    )


async def starts(bench: Bench) -> None:
    """Claim: the button starts the system.

    It pre-charges: the bus comes near the batteries' voltage, and only then the contactor closes.
    """
    near_v = chosen(3.0, "more than the difference at which a contactor closes")
    await bench.press_start_stop()
    await expect(bench.gx.register("state")).becomes(PRE_CHARGING, within=seconds(15))
    battery_v = (await bench.battery_voltage.read()).value
    await expect(bench.system_voltage).becomes(above(battery_v - near_v), within=seconds(18))
    await expect(bench.contactor).is_(OPEN)
    await expect(bench.contactor).becomes(CLOSED, within=seconds(2))
    await expect(bench.gx.register("state")).becomes(RUNNING, within=seconds(2))


async def serves(bench: Bench, battery: Battery) -> None:
    """Claim: a system of one battery of this kind starts, and knows its capacity and its levels.

    It is charged to its charged level, and protected at its critical level.
    """
    gx = bench.gx
    await starts(bench)
    await expect(gx.register("capacity_ah")).becomes(battery.capacity_ah, within=seconds(2))
    await expect(gx.register("cells_per_battery")).becomes(battery.cells, within=seconds(2))

    voltage_v = chosen(0.05, "so far beyond the charged level") + battery.charged_v
    current_a = chosen(0.4, "of the capacity, an hourly rate that all types take")
    await bench.charger.charge(current_a * battery.capacity_ah, battery.cells * voltage_v)
    await expect(bench.allow_charge).becomes(True, within=seconds(2))
    await expect(bench.allow_charge).becomes(False, within=seconds(240))
    highest_v = gx.register("cell_voltage_v_max")
    await expect(highest_v).becomes(above(battery.charged_v - 0.03), within=seconds(6))
    await bench.charger.off()

    beside_v = chosen(0.010, "one hundredth, as the maker's tables have")
    bench.battery(0).cell(1).reads(battery.critical_v - beside_v)
    await expect(bench.contactor).stays(CLOSED, for_=seconds(60))
    bench.battery(0).cell(1).reads(battery.critical_v + beside_v)
    await expect(gx.register("error")).becomes(
        OVER_VOLTAGE, within=seconds(5.5), after=seconds(4.5)
    )
    await expect(bench.contactor).stays(CLOSED, for_=milliseconds(4_800))
    await expect(bench.contactor).becomes(OPEN, within=milliseconds(400))


async def is_refused(bench: Bench, error: int) -> None:
    """Claim: the start that the button asks for ends with this error, and nothing is closed."""
    await bench.press_start_stop()
    await expect(bench.gx.register("error")).becomes(error, within=seconds(15))
    await expect(bench.gx.register("state")).is_(ERROR)
    await expect(bench.contactor).stays(OPEN, for_=seconds(30))


async def is_known_hardware(bench: Bench, product_id: int) -> None:
    """Claim: the device names its product, and starts and carries a load on this hardware."""
    answer = await bench.gx.request(PRODUCT_ID)
    told = None if answer is None else answer.values.get("product_id")
    expect.that(f"the device says that it is product {product_id:#06x}", holds=told == product_id)
    await starts(bench)
    load_a = chosen(50.0, "well within the smallest model's 150 A")
    await bench.load.draw(load_a)
    current = bench.gx.register("current_a")
    await expect(current).becomes(between(-load_a - 1.0, -load_a + 1.0), within=seconds(7))


async def mean_spread_mv(bench: Bench) -> float:
    """How far a battery's cells are apart, the mean of all batteries, as they tell it themselves.

    NaN where a battery is silent.
    """
    cells = [
        [
            bench.private_can.signal(f"private.cell_{number}_voltage_v", node)
            for number in range(1, 9)
        ]
        for node in range(len(bench.batteries))
    ]
    await bench.wait(seconds(2))
    spreads_mv = [_spread_mv([cell.latest.value for cell in each if cell.latest]) for each in cells]
    return sum(spreads_mv) / len(spreads_mv)


def _spread_mv(voltages_v: Sequence[float | None]) -> float:
    told = [voltage_v for voltage_v in voltages_v if voltage_v is not None]
    return 1000.0 * (max(told) - min(told)) if told else math.nan


def cells_read(bench: Bench, voltage_v: float, deviation_mv: float) -> None:
    """All cells of the first battery read the same but the fourth, which is so much higher."""
    battery = bench.battery(0)
    for index in range(battery.cells):
        battery.cell(index).reads(voltage_v)
    battery.cell(3).reads(voltage_v + deviation_mv / 1000.0)


# The chain of HE balancing: five packs drawn by the seed, their cells 30 mV apart. Nearly empty,
# where a percent of charge is 68 mV: what takes hours elsewhere takes minutes here.
FIVE_HE_PACKS: Mapping[str, object] = {
    "battery": "HE100",
    "parallel": 5,
    "soc_pct": 4.5,
    "soc_spread_pct": 0.44,
    "soc_spread_exact": True,
}


async def he_spread_after_a_rest_mv(bench: Bench) -> float:
    """The measure of the chain of HE balancing: the mean spread of the packs after half an hour."""
    async with bench.arrange():
        await bench.running()

    rest_s = chosen(1770, "by 1.15 half bled, by 1.36, which begins sooner, wholly")
    await bench.wait(seconds(rest_s))
    return await mean_spread_mv(bench)


async def drives(
    bench: Bench, flow: Callable[[], Awaitable[None]], current: Signal[float]
) -> float:
    """Let a current flow for its time; the charge that its instrument has measured, in Ah."""
    moved = [0.0]
    last: list[Sample[float]] = []

    def seen(sample: Sample[float]) -> None:
        if last:
            before = last.pop()
            moved[0] += (before.value + sample.value) / 2 * (sample.time_us - before.time_us)
        last.append(sample)

    current.watch(seen, seconds(0.5))
    await flow()
    await bench.wait(seconds(5))
    current.unwatch(seen)
    return moved[0] / 3.6e9


async def soc_error_after_a_drive_cycle(bench: Bench, pack: str) -> float:
    """Go through the drive cycle of the SOC chain; how far the device is from the truth, in %.

    An HE battery of 100 Ah, charged for 5 minutes and discharged for 8 at 1 C. The device's shunt
    errs by an offset and a gain, drawn by the seed. What has really moved the instruments measure.
    NaN where the state of charge that is told has not followed at all.
    """
    dice = bench.dice(pack)
    offset_a = chosen(8.0, "0.8 % of the range of a 1000 A shunt") * dice.uniform(0.95, 1.05)
    gain_pct = chosen(0.3, "a shunt's tolerance") * dice.uniform(-1.0, 1.0)
    flow_a, capacity_ah = chosen(100.0, "1 C: the maximum of the HE data sheet"), 100.0
    charge, discharge = chosen((seconds(300), seconds(480)), "it ends below where it began")
    async with bench.arrange():
        await bench.inject("shunt error", offset_a=offset_a, gain_pct=gain_pct)
        await bench.wait(seconds(2))
        soc_pct = bench.gx.register("soc_pct")
        await bench.running()

    async def charged() -> None:
        await bench.charger.charge(flow_a, 29.4)  # public: HE data sheet
        await bench.wait(charge)
        await bench.charger.off()

    async def discharged() -> None:
        await bench.load.draw(flow_a)
        await bench.wait(discharge)
        await bench.load.off()

    moved_ah = await drives(bench, charged, bench.charger.current)
    moved_ah -= await drives(bench, discharged, bench.load.current)
    await bench.wait(seconds(6))  # public: the register is told every 5 s
    told = None if soc_pct.latest is None else soc_pct.latest.value
    told_pct = math.nan if told is None else float(told)
    followed = told_pct < bench.needs.soc_pct - chosen(2.0, "less than half of what was taken")
    return told_pct - bench.needs.soc_pct - 100 * moved_ah / capacity_ah if followed else math.nan


GX_LOOP = chosen(seconds(3), "the DVCC of a GX device runs about as often")
# What the charge limits move in: the current up to what two batteries of 230 Ah take, the voltage
# from almost charged to charged, 3440 to 3520 mV a cell (public: LFP series manual).
LIMIT_SPANS = {"charge_current_limit_a": 230.0, "charge_voltage_limit_v": 0.64}


@dataclass(slots=True)
class Movement:
    """How restless the charge limits are: the root of the sum of their squared changes, in %.

    Each in percent of its own span, so that one jump counts more than the same way in many steps;
    NaN where no limit is told.
    """

    spans: Mapping[str, float]
    squares: float = 0.0
    last: dict[str, float] = field(default_factory=dict)

    def follow(self, bench: Bench) -> None:
        """From now on."""
        for name, span in self.spans.items():
            bench.gx.register(name).watch(self._watcher(name, span))

    def _watcher(self, name: str, span: float) -> Callable[[Sample[float | None]], None]:
        def seen(sample: Sample[float | None]) -> None:
            if sample.value is None:
                return
            before = self.last.get(name, sample.value)
            self.squares += (100 * (sample.value - before) / span) ** 2
            self.last[name] = sample.value

        return seen

    @property
    def pct(self) -> float:
        """What there has been until now."""
        return math.sqrt(self.squares) if len(self.last) == len(self.spans) else math.nan


async def leads_the_charger(bench: Bench) -> None:
    """One pass of a GX device's loop: the charger is led by the limits (DVCC)."""
    most_a, most_v = chosen((230.0, 28.6), "what two batteries take, and a little above full")
    told = [bench.gx.register(name).latest for name in LIMIT_SPANS]
    current_a, voltage_v = (
        most if limit is None or limit.value is None else min(limit.value, most)
        for limit, most in zip(told, (most_a, most_v), strict=True)
    )
    if current_a > 0 and voltage_v > 0:
        await bench.charger.charge(current_a, voltage_v)
    else:
        await bench.charger.off()
    await bench.wait(GX_LOOP)


async def stores_energy(bench: Bench, duration: int, pack: str) -> Movement:
    """Run an energy storage system on two nearly full LFP batteries; how its limits have moved.

    The GX device leads the charger by the limits; a load, drawn by the seed, comes and
    goes, and takes about what is charged. On seeds of no run the measure was, mean and standard
    deviation in %: 606 and 17 (1.12), 178 and 2 (1.13), 116 and 11 (1.15), 26.1 and 0.9 (1.30),
    20.6 and 0.7 (1.32).
    """
    dice, load_a = bench.dice(pack), chosen(200.0, "an inverter of 5 kVA at its rating")
    for _ in range(chosen(10, "until the limits have come down from full")):
        await leads_the_charger(bench)
    movement = Movement(LIMIT_SPANS)
    movement.follow(bench)
    begun_us, change_us, is_drawn = bench.now_us, bench.now_us, False
    while bench.now_us - begun_us < duration:
        if bench.now_us >= change_us:
            change_us = bench.now_us + seconds(12 * dice.uniform(0.9, 1.1))
            is_drawn = not is_drawn
            if is_drawn:
                await bench.load.draw(load_a * dice.uniform(0.95, 1.05))
            else:
                await bench.load.off()
        await leads_the_charger(bench)
    await bench.charger.off()
    await bench.load.off()
    return movement


# Another device floods VE.Can with frames of the highest priority: eight bytes and 29 bits are 0.54
# ms at 250 kbit/s, so that each burst keeps everybody else off the bus for more than 60 ms.
FLOOD = Frame(0x000FF021, bytes(8))
BURST_FRAMES = chosen(118, "a burst of 64 ms")
BURST_PERIOD = chosen(milliseconds(70), "so that more than 90 % of the bus is taken")


async def outcome_on_a_busy_bus(bench: Bench, path: UpdatePath) -> UpdateOutcome:
    """Update to the release under test while another device takes more than 90 % of the bus."""
    outcomes: list[UpdateOutcome] = []

    async def floods() -> None:
        while not outcomes:
            for _ in range(BURST_FRAMES):
                bench.ve_can.send(FLOOD)
            await bench.wait(BURST_PERIOD)

    async def updates() -> None:
        outcomes.append(await bench.update(bench.firmware, path))

    await together(updates(), floods())
    return outcomes[0]


async def updates_on_a_busy_bus(bench: Bench, path: UpdatePath) -> None:
    """Claim: an update is completed on a busy bus, and the device runs what was installed."""
    outcome = await outcome_on_a_busy_bus(bench, path)
    again = await bench.update(bench.firmware, path)
    expect.that("on a bus that is free an update is completed", holds=again.completed)
    expect.that("on a busy bus an update is completed", holds=outcome.completed)
    await runs_the_release_under_test(bench)


async def runs_the_release_under_test(bench: Bench) -> None:
    """Claim: the device says, on VE.Can and to the tool, that it runs the release under test."""
    answer = await bench.gx.request(FIRMWARE_VERSION)
    told = None if answer is None else answer.texts.get("firmware_version")
    expect.that(f"register 0x0102 says {bench.firmware}", holds=told == bench.firmware)
    told = await answer_or_none(bench.tool.firmware())
    expect.that(f"the tool reads {bench.firmware}", holds=told == bench.firmware)


async def boot_loader_version(bench: Bench) -> tuple[int, ...] | None:
    """What the tool reads as the boot loader's version; None where it is not told."""
    try:
        text = await bench.tool.boot_loader()
    except (ToolRefused, TimeoutError):
        return None
    parts = text.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else None


async def moments(bench: Bench, count: int) -> AsyncIterator[int]:
    """So many moments, one a pass, that are spread over a second as evenly as can be."""
    second = seconds(1)
    for number in range(count):
        phase = int(number * second * chosen(0.6180339887, "the golden ratio")) % second
        await bench.wait((phase - bench.now_us) % second)
        yield number


async def updates_its_batteries(bench: Bench) -> None:
    """Claim: the master updates its batteries, and all of them are there and serve afterwards."""
    updating, standby, state = 13, 14, bench.gx.register("state")  # public: register 0x0371
    enough = chosen(seconds(60), "to gather the batteries, send, restart them, and as much again")
    await answer_or_none(bench.tool.update_batteries())
    await expect(state).becomes(updating, within=seconds(2))
    await expect(state).becomes(other_than(updating), within=enough)
    await expect(state).is_(standby)
    await starts(bench)
    await expect(bench.gx.register("batteries")).becomes(len(bench.batteries), within=seconds(2))
