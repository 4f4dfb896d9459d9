"""v1.26-05: with VE-MG-NMEA2000 as external protocol, MG's registers are sent every 250 ms.

On VE.Can, PGN 61184 with MG's manufacturer code. The period is stated; which registers, and their
numbers, is chosen. Shown on values: when statuses are sent 1.36 changed. Before, the tool did not
offer the protocol.
"""

from collections.abc import Callable

import pytest

from rig import Bench, Frame, between, chosen, expect, milliseconds, seconds
from scenarios.procedures import sets

pytestmark = [pytest.mark.item("v1.26-05"), pytest.mark.needs(parallel=1)]

PROTOCOL = "VE-MG-NMEA2000"
PERIOD_MS = 250  # stated: change log, 1.26
SPAN_S = 5
VALUES = chosen((0xED8D, 0xED8F, 0x0FFF, 0x0385, 0x0390, 0x0391), "those of Victron's registers")


def of_register(register: int) -> Callable[[Frame], bool]:
    """Whether a frame carries one of MG's registers."""
    head = b"\x88\x9c" + register.to_bytes(2, "little")  # public: manufacturer 1160, marine
    return lambda frame: frame.extended and frame.data[:4] == head


async def test_mg_registers_are_sent_every_250_ms_with_what_is_measured(bench: Bench) -> None:
    signals = {
        name: bench.ve_can.signal(f"mgreg.{name}")
        for name in ("voltage_v", "current_a", "soc_pct", "cell_voltage_v_min")
    }
    async with bench.arrange():
        await bench.running()

    counts = {register: bench.ve_can.count(of_register(register)) for register in VALUES}
    await bench.wait(seconds(1))
    for count in counts.values():
        await expect(count).is_(0)
    selected = await sets(bench, "external_protocol", PROTOCOL)
    expect.that(f"the tool selects {PROTOCOL!r}", holds=selected)
    await bench.wait(seconds(1))
    before = {register: (await count.read()).value for register, count in counts.items()}
    await bench.wait(seconds(SPAN_S))
    wanted = 1000 * SPAN_S // PERIOD_MS
    for register, count in counts.items():
        sent = (await count.read()).value - before[register]
        expect.measure(f"0x{register:04X} in {SPAN_S} s", sent, "", low=wanted - 1, high=wanted + 1)

    one = counts[0xED8D]
    first = (await one.read()).value
    await expect(one).becomes(first + 1, within=milliseconds(PERIOD_MS + 10))
    # Control periods of the device are 100 ms: some come a little late.
    for number in range(2, 6):
        await expect(one).becomes(first + number, within=milliseconds(310), after=milliseconds(190))

    await bench.load.draw(80.0)
    await expect(signals["current_a"]).becomes(between(-81.0, -79.0), within=seconds(1))
    voltage_v = (await bench.battery_voltage.read()).value
    told = between(voltage_v - 0.1, voltage_v + 0.1)
    await expect(signals["voltage_v"]).becomes(told, within=seconds(1))
    await expect(signals["soc_pct"]).is_(between(59.0, 61.0))
    await expect(signals["cell_voltage_v_min"]).is_(between(3.0, 3.4))


async def test_without_the_protocol_there_is_no_mg_register(bench: Bench) -> None:
    async with bench.arrange():
        await bench.running()

    selected = await sets(bench, "external_protocol", PROTOCOL)
    expect.that(f"the tool selects {PROTOCOL!r}", holds=selected)
    await bench.wait(seconds(1))
    count = bench.ve_can.count(of_register(VALUES[0]))
    await expect(count).becomes(2, within=seconds(1))
    selected = await sets(bench, "external_protocol", "off")
    expect.that("the tool selects none", holds=selected)
    await bench.wait(seconds(1))
    last = (await count.read()).value
    await expect(count).stays(last, for_=seconds(3))
