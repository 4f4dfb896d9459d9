"""Claims on a system of one kind of battery, or on a kind of hardware."""

from dataclasses import dataclass

from rig import (
    CLOSED,
    OPEN,
    Bench,
    above,
    between,
    chosen,
    expect,
    milliseconds,
    seconds,
)
from scenarios.procedures.common import ERROR, OVER_VOLTAGE, PRE_CHARGING, PRODUCT_ID, RUNNING


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
