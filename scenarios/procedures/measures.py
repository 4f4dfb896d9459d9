"""The measures of the chains: spread of cells, error of SOC, movement of limits."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rig import (
    Bench,
    Sample,
    Signal,
    chosen,
    seconds,
)


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
