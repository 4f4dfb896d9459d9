"""The stand of a rehearsal: twins of a lab's instruments, its circuit, and what plays its device.

`python -m rig.benches.lab.rehearsal_stand [--miswired NAME] SPEC`. As `rig.benches.stand`, with the
lab's own models, the relay in the device's supply, and wires that can be wrong. Rest-bus batteries
are the lab's to play: those of the stand then have no CAN.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from instruments.twins.electrical import AnalogInputs, DigitalLines
from instruments.twins.twin import Twin
from rig.benches.file import BenchFile
from rig.benches.lab.facts import REST_BUS, Interlock
from rig.benches.lab.miswiring import Leads, Miswiring
from rig.benches.models import wired_model
from rig.benches.stand import POWER_ROLES, Stand, StandSpec, main
from rig.benches.supervision import Supervision
from rig.benches.wiring import Lines, SupplyRelay
from rig.safety.chain import CHAIN_V, INTERLOCK_RELAY, Chain


class RehearsalStand(Stand):
    """What a lab's file says, as twins."""

    def __init__(self, spec: StandSpec, miswired: Miswiring | None = None) -> None:
        self._miswired = miswired
        super().__init__(spec)
        lab = self._file.lab
        if lab is not None and lab.batteries.kind == REST_BUS:
            for module in self.system.modules:
                module.cut_can()

    def _twins(self, file: BenchFile) -> Mapping[str, Twin]:
        kernel, plant, lab = self.kernel, self.system.plant, file.lab
        twins: dict[str, Any] = {
            role: wired_model(wired.model).make_twin(
                serial=wired.serial or "",
                dice=kernel.stream(f"twin/{role}"),
                now_us=lambda: kernel.now_us,
            )
            for role, wired in file.roles.items()
        }
        leads = Leads(file, plant, self.dut, self._miswired)
        charger, load = twins["charger"], twins["load"]
        charger.connect(leads.charger(charger.stage.demand))
        load.connect(leads.load(load.stage.demand))
        relays: list[DigitalLines] = []
        analog = leads.daq()
        if lab is not None:
            relays.append(SupplyRelay(lab.device.supply_relay, self.dut))
            if lab.interlock is not None:
                chain = Chain([(role, twins[role].stage) for role in POWER_ROLES])
                relays.append(_At(lab.interlock.relay, chain))
                analog = _Sensed(analog, lab.interlock, chain, self._current_a)
        twins["daq"].connect(digital=Lines(file, self.dut), relays=_All(relays), analog=analog)
        Supervision(kernel, plant, [twins[role] for role in POWER_ROLES])
        return twins

    def _current_a(self) -> float:
        self.system.plant.settle()
        return self.system.plant.current_a


class _At:
    """The interlock's relay, at the place that the lab's file gives it."""

    def __init__(self, relay: int, chain: Chain) -> None:
        self._relay, self._chain = relay, chain

    def read(self, line: int) -> bool:
        """Whether it is closed."""
        return line == self._relay and self._chain.read(INTERLOCK_RELAY)

    def drive(self, line: int, level: bool) -> None:
        """Close or open it."""
        if line == self._relay:
            self._chain.drive(INTERLOCK_RELAY, level)


class _All:
    """Relays side by side on one card."""

    def __init__(self, relays: Sequence[DigitalLines]) -> None:
        self._relays = relays

    def read(self, line: int) -> bool:
        """Whether one is closed."""
        return any(relay.read(line) for relay in self._relays)

    def drive(self, line: int, level: bool) -> None:
        """Close or open one."""
        for relay in self._relays:
            relay.drive(line, level)


class _Sensed:
    """The multiplexer with the chain's voltage and the transducer where the file has them."""

    def __init__(
        self,
        others: AnalogInputs,
        places: Interlock,
        chain: Chain,
        current_a: Callable[[], float],
    ) -> None:
        self._others, self._places = others, places
        self._chain, self._current_a = chain, current_a

    def read_v(self, channel: int) -> float:
        """The voltage at a channel."""
        if channel == self._places.stop_channel:
            return 0.0 if self._chain.pressed else CHAIN_V
        if channel == self._places.current_channel:
            return self._places.current_v_per_a * self._current_a()
        return self._others.read_v(channel)


def run(arguments: Sequence[str]) -> int:
    """Build the stand of a spec, and serve it."""
    *options, spec = arguments
    miswired = Miswiring(options[1]) if options else None
    return main([spec], partial(RehearsalStand, miswired=miswired))


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
