"""The stand of a wire bench with its interlock wired: `python -m rig.safety.guarded_stand SPEC`.

What it can do besides: tell when each output went on and off, by the clock that all processes
share; press the emergency stop; let the interlock feed the contactor, for proofs without a device.
"""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from instruments.twins.twin import Twin
from rig.benches.file import BenchFile
from rig.benches.stand import POWER_ROLES, Stand, main
from rig.benches.wiring import Voltages
from rig.kernel import milliseconds
from rig.realtime import come_first
from rig.safety.chain import Chain, Sensing

NEAR_V, LOOK_US = 1.0, milliseconds(10)  # chosen: nothing that contacts could feel


class GuardedStand(Stand):
    """A stand whose outputs are held off while the interlock is open."""

    def _twins(self, file: BenchFile) -> Mapping[str, Twin]:
        twins: Mapping[str, Any] = super()._twins(file)
        self._feeds_contactor = False
        self.chain = Chain([(role, twins[role].stage) for role in POWER_ROLES], self._feed)
        plant = self.system.plant

        def current_a() -> float:
            plant.settle()
            return plant.current_a

        sensing = Sensing(Voltages(file, plant, self.dut), self.chain, current_a)
        twins["daq"].connect(relays=self.chain, analog=sensing)
        return twins

    def _feed(self, on: bool) -> None:
        if not self._feeds_contactor:
            return
        plant, now_us = self.system.plant, self.kernel.now_us
        plant.settle()
        plant.set_precharge(now_us, on=on)
        if on:
            self._close_when_charged()
        else:
            plant.set_coil(now_us, on=False)

    def _close_when_charged(self) -> None:
        """As a device does: contacts that close onto an empty link may weld."""
        plant = self.system.plant
        if not self.chain.closed:
            return
        plant.settle()
        battery_v, system_v, _ = plant.measured
        if abs(battery_v - system_v) < NEAR_V:
            plant.set_coil(self.kernel.now_us, on=True)
            plant.set_precharge(self.kernel.now_us, on=False)
        else:
            self.kernel.after(LOOK_US, self._close_when_charged)

    def _do_feed_contactor(self) -> None:
        """There is no device: the interlock itself closes and opens the contactor."""
        self._feeds_contactor = True

    def _do_come_first(self) -> None:
        """Have real-time priority: instruments of a laboratory do not wait for our processor."""
        come_first()

    def _do_press(self, pressed: bool) -> None:
        self.chain.press(pressed)

    def _do_moments(self) -> dict[str, Any]:
        """What was switched since this was last asked, oldest first."""
        told, self.chain.moments[:] = [asdict(one) for one in self.chain.moments], []
        return {"moments": told, "interlock_closed": self.chain.closed}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], GuardedStand))
