"""v1.29-02: nothing else differs from 1.28: equal traces under the reference stimuli."""

import pytest

from rig import Bench
from scenarios import reference_stimuli as stimuli

pytestmark = pytest.mark.item("v1.29-02")


def applied(stimulus: stimuli.Stimulus, id_: str, **needs: object) -> object:
    """One stimulus with the system that it needs."""
    return pytest.param(stimulus, marks=pytest.mark.needs(**needs), id=id_)


@pytest.mark.parametrize(
    "stimulus",
    [
        applied(
            stimuli.day_of_a_24_v_system,
            "a day of a 24 V system",
            link_capacitance_f=0.100,
            link_bleed_ohm=2_000,
        ),
        applied(stimuli.trips, "a protective trip", link_capacitance_f=0.030, link_bleed_ohm=2_000),
        applied(stimuli.lost_battery_and_rebooting_gx, "a lost battery and a rebooting GX"),
        applied(stimuli.low_start, "a low start", soc_pct=10.5),
        applied(stimuli.slow_pre_charge, "a slow pre-charge", link_load_ohm=20),
        applied(stimuli.heat, "heat", battery="HE100"),
        applied(
            stimuli.inverter_system,
            "an inverter",
            battery="LFP 24 V 280 Ah",
            series=2,
            parallel=2,
            hardware="Lynx Ion BMS 600",
        ),
        applied(stimuli.full_battery, "a full battery", parallel=1, soc_pct=99.4, capacity_pct=150),
        applied(stimuli.broken_sensors, "broken sensors"),
        applied(stimuli.overload, "an overload", hardware="Lynx Ion BMS 150"),
        applied(stimuli.two_masters, "two masters"),
        applied(stimuli.strange_batteries(but=15), "strange batteries"),
        *(
            applied(stimuli.a_start, f"a start of {model}", hardware=f"Lynx Ion BMS {model}")
            for model in ("400, hardware 2", "600, hardware 2", "1000, hardware 2", "1000 PC+")
        ),
    ],
)
async def test_both_releases_do_the_same(bench: Bench, stimulus: stimuli.Stimulus) -> None:
    async with bench.arrange():
        pass

    await stimuli.same_traces(bench, stimulus)


@pytest.mark.needs(starts_on="1.13")
async def test_an_update_from_1_13_ends_the_same(bench: Bench) -> None:
    async with bench.arrange():
        await bench.tool.set("external_protocol", 1)

    await stimuli.same_traces(bench, stimuli.inverter_system)
