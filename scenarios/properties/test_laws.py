"""Laws of every release: no sequence of buttons, commands, currents and faults breaks one.

A machine of Hypothesis plays with a device of each release. With the project's tests few plays are
tried, always the same; at night many.
"""

from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from scenarios.laws import HIGH_V, LOW_V, TOO_HIGH_V, WatchedDevice

RELEASES = [f"1.{minor:02}" for minor in range(7, 39)]
QUICK = settings(
    max_examples=3,
    stateful_step_count=9,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
THOROUGH = settings(
    QUICK,
    max_examples=40,
    stateful_step_count=24,
    phases=(Phase.generate, Phase.shrink),
)


class Somebody(RuleBasedStateMachine):
    """Who plays with a device; the laws are watched by the device's own watcher."""

    release: ClassVar[str] = RELEASES[-1]

    def __init__(self) -> None:
        super().__init__()
        self.device = WatchedDevice(self.release)

    @initialize(running=st.booleans())
    def begins(self, running: bool) -> None:
        if running:
            self.device.press()

    @rule()
    def presses(self) -> None:
        self.device.press()

    @rule(delay_s=st.integers(1, 60).map(lambda tenths: tenths / 10))
    def breaks_off_a_start(self, delay_s: float) -> None:
        self.device.press_again_after(delay_s)

    @rule()
    def rests(self) -> None:
        self.device.rest()

    @rule(current_a=st.sampled_from([0.0, 20.0, 100.0]))
    def charges(self, current_a: float) -> None:
        self.device.charge(current_a)

    @rule(current_a=st.sampled_from([0.0, 50.0, 150.0]))
    def draws(self, current_a: float) -> None:
        self.device.draw(current_a)

    @rule(voltage_v=st.sampled_from([HIGH_V, LOW_V, TOO_HIGH_V, None]))
    def bends_a_cell(self, voltage_v: float | None) -> None:
        self.device.cell_reads(voltage_v)

    @rule()
    def waits_for_levels(self) -> None:
        self.device.wait_for_levels()

    @rule(cut=st.booleans())
    def cuts_or_mends_the_battery_wire(self, cut: bool) -> None:
        self.device.battery_wire(cut=cut)

    @rule(closed=st.booleans())
    def opens_or_closes_the_interlock(self, closed: bool) -> None:
        self.device.interlock(closed=closed)

    @rule(soc_pct=st.sampled_from([5.0, 40.0, 95.0]))
    def tells_a_state_of_charge(self, soc_pct: float) -> None:
        self.device.tell_soc(soc_pct)

    @rule(runs=st.booleans())
    def commands(self, runs: bool) -> None:
        self.device.command(runs=runs)

    @rule(current_a=st.sampled_from([0.0, 30.0]))
    def limits_the_charge(self, current_a: float) -> None:
        self.device.set_limit(current_a)

    @rule()
    def cuts_its_power(self) -> None:
        self.device.lose_power()

    def teardown(self) -> None:
        try:
            self.device.put_right()
        finally:
            self.device.close()


def plays_with(release: str, how: settings) -> None:
    """Play with a device of this release; its name makes its plays others than its neighbours'."""
    name = f"SomebodyWith{release.replace('.', '_')}"
    run_state_machine_as_test(type(name, (Somebody,), {"release": release}), settings=how)


@pytest.mark.parametrize("release", RELEASES)
def test_no_play_breaks_a_law(release: str) -> None:
    plays_with(release, QUICK)


@pytest.mark.nightly
@pytest.mark.parametrize("release", RELEASES)
def test_no_play_of_many_breaks_a_law(release: str) -> None:
    plays_with(release, THOROUGH)
