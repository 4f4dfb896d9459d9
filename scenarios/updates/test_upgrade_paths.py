"""Devices along real upgrade paths: what an update changes for its user, and what it must not.

No rows of the catalogue: these have no verdict, and run with the project's own tests. What a single
release brought is its rows'; here is what a device keeps on its way through several.
"""

import pytest

from rig import CLOSED, OPEN, Bench, UpdatePath, chosen, expect, seconds
from rig.alone import bench_alone, in_virtual_time

NEAR_PCT = chosen(0.1, "what the master takes for itself meanwhile")
FLOW_A, LASTING = chosen((115.0, seconds(60)), "half of the capacity in an hour, for 0.8 %")
STORED = chosen(seconds(62), "a device stores what it counts once a minute at least")
UP = chosen(seconds(2), "an update, a start of the processor, and an address on VE.Can")
DISCHARGED_KWH = 0x0310  # public: communication guide


async def updated(bench: Bench, *releases: str, path: UpdatePath = UpdatePath.TOOL) -> None:
    """Install one release after the other on a device that is off."""
    for release in releases:
        await bench.update_to(release, path)
        await bench.wait(UP)
        expect.that(f"it runs {release}", holds=await bench.tool.firmware() == release)


async def discharged_kwh(bench: Bench) -> float:
    """The energy that a device has ever seen drawn."""
    answer = await bench.gx.request(DISCHARGED_KWH)
    assert answer is not None
    value = answer.values["discharged_energy_kwh"]
    assert value is not None
    return float(value)


async def soc_told(bench: Bench) -> float:
    """The state of charge that a running device tells."""
    await bench.wait(seconds(6))  # public: the register is told every 5 s
    latest = bench.gx.register("soc_pct").latest
    assert latest is not None
    return float(latest.value)


PATHS = {
    "the newest at once": ("1.07", "1.38"),
    "by every release that was mandatory": ("1.07", "1.14", "1.24", "1.28", "1.38"),
    "one by one to 1.14": ("1.07", *(f"1.{minor:02}" for minor in range(8, 15))),
    "back for a while": ("1.36", "1.35", "1.37"),
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@in_virtual_time
async def test_state_of_charge_survives_its_updates(path: tuple[str, ...]) -> None:
    async with bench_alone(path[0], parallel=1, soc_pct=75.0) as bench:
        await bench.running()
        await bench.load.draw(FLOW_A)
        await bench.wait(LASTING)
        await bench.load.off()
        await bench.wait(STORED)
        before_pct = await soc_told(bench)
        await bench.stopped()

        await updated(bench, *path[1:])
        await bench.running()

        low_pct, high_pct = before_pct - NEAR_PCT, before_pct + NEAR_PCT
        told_pct = await soc_told(bench)
        expect.measure("state of charge", told_pct, "%", low=low_pct, high=high_pct)
        expect.that("it is what was drawn, not where it began", holds=told_pct < 74.6)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@in_virtual_time
async def test_settings_survive_their_updates(path: tuple[str, ...]) -> None:
    chosen_before = {"battery_strategy": 1, "batteries_parallel": 2}
    async with bench_alone(path[0]) as bench:
        for name, code in chosen_before.items():
            await bench.tool.set(name, code)

        await updated(bench, *path[1:])

        for name, code in chosen_before.items():
            expect.that(f"{name} is kept", holds=await bench.tool.setting(name) == code)
        await bench.running()


@in_virtual_time
async def test_1_14_puts_its_relay_function_over_a_stored_choice_once() -> None:
    warning = "discharge not allowed warning"
    async with bench_alone("1.13", parallel=1) as bench:
        await bench.tool.set("relay_function", "system activated")
        await bench.running()
        await expect(bench.relay).is_(CLOSED)
        await bench.stopped()

        await updated(bench, "1.14")
        labels = await bench.tool.choices("relay_function")
        now = labels[await bench.tool.setting("relay_function")]
        expect.that(f"the relay is now a {warning}", holds=now == warning)

        await bench.tool.set("relay_function", "system activated")
        await updated(bench, "1.15", "1.38")
        labels = await bench.tool.choices("relay_function")
        now = labels[await bench.tool.setting("relay_function")]
        expect.that("a choice of later is left alone", holds=now == "system activated")


@in_virtual_time
async def test_who_had_sma_on_1_23_has_general_bms_on_1_24_until_sma_is_chosen_again() -> None:
    async with bench_alone("1.23", parallel=1) as bench:
        await bench.tool.set("external_protocol", "SMA")
        await updated(bench, "1.24")

        labels = await bench.tool.choices("external_protocol")
        now = labels[await bench.tool.setting("external_protocol")]
        expect.that("what was SMA is General BMS", holds=now == "General BMS")
        await bench.tool.set("external_protocol", "SMA")
        await updated(bench, "1.25", "1.38")

        labels = await bench.tool.choices("external_protocol")
        now = labels[await bench.tool.setting("external_protocol")]
        expect.that("and SMA stays SMA from then on", holds=now == "SMA")


async def stops(bench: Bench, presses: int) -> int:
    """How many of these stop requests are taken; the moments are drawn by the seed."""
    taken, moments = 0, bench.dice("moments")
    state = bench.gx.register("state")
    for _ in range(presses):
        await bench.wait(moments.randrange(seconds(1)))
        await bench.press_start_stop()
        await bench.wait(seconds(12))  # stated: it shuts down within 8 s (change log, 1.09)
        if (await bench.contactor.read()).value is not OPEN:
            break
        taken += 1
        await bench.running()
    assert state.latest is not None
    return taken


@in_virtual_time
async def test_a_device_that_1_27_made_deaf_hears_again_on_1_28() -> None:
    presses = chosen(60, "1.27 misses one in ten: 0.9 ^ 60 is 0.2 %")
    async with bench_alone("1.27", parallel=1) as bench:
        await bench.running()
        taken = await stops(bench, presses)
        expect.measure("requests that 1.27 takes", taken, "", high=presses - 1)

        # Mandatory: the way out is the update, which a deaf device takes while it runs. Not at the
        # moment of the task that made it deaf: that would lock the update out, too (v1.27-K2).
        await bench.wait(chosen(seconds(0.1), "longer than the task, shorter than its period"))
        await bench.update_to("1.28")
        await bench.wait(UP)
        if (await bench.contactor.read()).value is OPEN:
            await bench.running()
        expect.measure("requests that 1.28 takes", await stops(bench, 20), "", low=20)


@in_virtual_time
async def test_what_is_tracked_survives_updates_of_the_releases_that_track_it() -> None:
    async with bench_alone("1.15", parallel=1, soc_pct=75.0) as bench:
        await bench.running()
        await bench.load.draw(230.0)
        await bench.wait(seconds(90))
        await bench.load.off()
        await bench.stopped()
        await bench.wait(seconds(2))
        before_kwh = await discharged_kwh(bench)

        await updated(bench, "1.25", "1.38")

        expect.measure("energy drawn before", before_kwh, "kWh", low=0.1, high=0.2)
        kept_kwh = await discharged_kwh(bench)
        expect.measure("energy kept", kept_kwh, "kWh", low=before_kwh, high=before_kwh + 0.01)
