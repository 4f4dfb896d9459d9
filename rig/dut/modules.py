"""Battery modules in this process: their firmware between the plant's cells and the private bus.

A sensor can be made to read something else than the plant has; that is a fault at the module's
terminals, as a resistor decade or a cell emulator makes it on a real bench.
"""

import math
from collections.abc import Callable
from typing import assert_never

from bms.battery.module import REPORT_PERIOD_US
from bms.battery.module import Module as ModuleFirmware
from bms.battery.programming import APPLICATION
from bms.data import BatteryType, battery_types
from bms.firmware import Component, Firmware
from bms.io import BatteryInputs, BatteryOutputs, Port, Reception
from bms.io import Frame as BatteryFrame
from bms.releases import firmware, less
from rig.can.face import CanBus
from rig.can.frame import Frame
from rig.can.node import ControllerState
from rig.dut.model import DutSpec
from rig.faults.sensors import Quantity, Sensors
from rig.kernel import DUT, Kernel, Scheduled
from rig.plant.balancer import Balancer
from rig.plant.module import Module as PlantModule
from rig.plant.plant import Plant

FRAMES_KEPT = 4096  # of those that a module has sent and may send again
# Beacon, assign, command, identify; ask, data, end and restart of an update.
FOR_MODULES = frozenset({0x18F000, 0x18F010, 0x18F050, 0x18F060, *range(0x18F070, 0x18F075)})
BatteryIdentity = tuple[BatteryType, int, Firmware]


def battery_type(name: str) -> BatteryType:
    """The type of that name. Raises ValueError, with the known names, for an unknown one."""
    for kind in battery_types().values():
        if kind.name == name:
            return kind
    known = ", ".join(kind.name for kind in battery_types().values())
    raise ValueError(f"battery type {name!r} is unknown: {known} are known")


def battery_firmware(spec: DutSpec, own: str = "") -> Firmware:
    """What a battery runs: what came with the master's release, less what is left out of it.

    ``own``: the release that this battery has kept instead.
    """
    if own:
        return firmware(own, Component.BATTERY)
    release = spec.starts_on or spec.firmware
    running = firmware(release, Component.BATTERY)
    return less(running, *spec.without) if release == spec.firmware else running


def installed_firmware(spec: DutSpec, release: str) -> Firmware:
    """What a battery runs that was given a release's firmware."""
    running = firmware(release, Component.BATTERY)
    return less(running, *spec.without) if release == spec.firmware else running


class ModelModule:
    """One battery module on the private bus."""

    def __init__(
        self,
        kernel: Kernel,
        bus: CanBus,
        plant: Plant,
        cells: PlantModule,
        identity: BatteryIdentity,
    ) -> None:
        self._kernel, self._plant, self._cells = kernel, plant, cells
        self.type, self.serial, running = identity
        self.sensors = Sensors(plant.touch)
        # The firmware that the name of a release in its memory stands for.
        self.binary: Callable[[str], Firmware] = lambda name: firmware(name, Component.BATTERY)
        self._running, self._memory = running, dict[str, bytes]()
        self._firmware = ModuleFirmware(running, self.type, self.serial, self._memory)
        self._received: list[Reception] = []
        self._frames: dict[BatteryFrame, Frame] = {}
        self._seen = -1  # the plant's solution that was measured last
        self._inputs: BatteryInputs | None = None
        self._wake: Scheduled | None = None
        self._silent = self._cut = self._bus_off = self._off = False
        self._self_test_passed = True
        self._balancer, self._balancer_works = Balancer(cells), True
        self._postponed_us: int | None = None  # when its next report is due, if nobody waits for it
        self._bus = bus
        plant.on_touch.append(self.hurry)
        self._node = bus.attach(f"battery {self.serial}", self._receive)
        self._node.sample_point_pct = self._firmware.bit_timing.sample_point_pct
        self._node.on_state = self._notice_controller
        self._node.accept = lambda identifier: identifier >> 8 in FOR_MODULES

    def _receive(self, time_us: int, frame: Frame) -> None:
        self._received.append(Reception(time_us, Port.PRIVATE, frame))
        if self._postponed_us is not None:
            self._bus.forget(self)
            self._postponed_us = None
        self._wake_at(time_us)

    def _wake_at(self, time_us: int) -> None:
        if self._wake is not None:
            self._wake.cancel()
        self._wake = self._kernel.at(max(time_us, self._kernel.now_us), self._step, DUT)

    def _notice_controller(self, state: ControllerState) -> None:
        """It is in bus-off, or no longer: it has something to do."""
        bus_off = state is ControllerState.BUS_OFF
        if bus_off is not self._bus_off:
            self._bus_off = bus_off
            self.sensors.stir()
            self._wake_at(self._kernel.now_us)

    def _step(self) -> None:
        self._wake = None
        if self._off:
            return
        now_us = self._kernel.now_us
        if self._postponed_us is not None:
            self._bus.catch_up()
            self._bus.forget(self)
            self._postponed_us = None
        outputs = self._firmware.step(now_us, self._measure(now_us))
        if outputs.recover:
            self._node.recover()
        self._memory.update(outputs.writes)
        if outputs.restart_us:
            self._restart(outputs.restart_us)
            return
        self._send(outputs, None)
        self._cells.fan_on = outputs.fan
        self._balancer.switch(outputs.bleed_mask, outputs.give_mask, outputs.take_mask)
        if outputs.next_step_us is not None:
            self._plan(outputs.next_step_us, outputs.speaks_us)

    def _plan(self, due_us: int, speaks_us: int | None) -> None:
        """Wake at the next report, or later if until then it has nothing new to say."""
        held_us = self._plant.held_until_us
        steady = self._inputs is not None and not self._inputs.received
        steady = steady and not self._firmware.waits()
        if due_us < held_us and steady and self._bus.is_patient and not self.sensors.disturbed:
            self._postponed_us = due_us if speaks_us is None else speaks_us
            self._bus.postpone(self, self._postponed_us)
            self._wake_at(held_us)
        else:
            self._wake_at(due_us)

    def speak(self, due_us: int) -> None:
        """Report what was due then; what it measured has been the same since."""
        postponed_us = self._postponed_us
        if postponed_us is None or self._inputs is None:
            return
        outputs = self._firmware.step(postponed_us, self._inputs)
        self._send(outputs, due_us)
        self._postponed_us = outputs.speaks_us
        if outputs.speaks_us is not None:
            self._bus.postpone(self, outputs.speaks_us)

    def hurry(self) -> None:
        """Something moves, or somebody looks closely: from now on every report in its time."""
        if self._postponed_us is None:
            return
        self._bus.catch_up()
        self._bus.forget(self)
        due_us, self._postponed_us = self._postponed_us, None
        if due_us is not None:
            # What repeats itself seldom may have something to say at its next turn already.
            now_us = self._kernel.now_us
            self._wake_at(due_us if due_us - now_us <= REPORT_PERIOD_US else now_us)

    def _send(self, outputs: BatteryOutputs, due_us: int | None) -> None:
        if outputs.sent and not self._silent and not self._cut:
            known = self._frames
            frames = [known.get(frame) or self._keep(frame) for frame in outputs.sent]
            self._node.send_all(frames, due_us)

    def _keep(self, frame: BatteryFrame) -> Frame:
        """The frame as the bus has it; modules say the same again and again."""
        if len(self._frames) >= FRAMES_KEPT:
            self._frames.clear()
        known = Frame(frame.identifier, frame.data, frame.extended)
        self._frames[frame] = known
        return known

    def _measure(self, now_us: int) -> BatteryInputs:
        plant, sensors = self._plant, self.sensors
        plant.sample(now_us)
        solved = plant.solution
        received, self._received = self._received, []
        inputs = self._inputs
        if inputs is None or solved != self._seen or sensors.disturbed:
            self._seen = solved
            inputs = self._read(now_us)
        if received or inputs.received:
            inputs = inputs._replace(received=tuple(received))
        self._inputs = inputs
        return inputs

    def _read(self, now_us: int) -> BatteryInputs:
        cells = self._cells
        positive_c, negative_c = self.readings(Quantity.TERMINAL_TEMPERATURE, now_us)
        return BatteryInputs(
            cell_voltages_v=tuple(self.readings(Quantity.CELL_VOLTAGE, now_us)),
            cell_temperatures_c=tuple(self.readings(Quantity.CELL_TEMPERATURE, now_us)),
            positive_terminal_c=_none_if_nan(positive_c),
            negative_terminal_c=_none_if_nan(negative_c),
            humidity_pct=cells.humidity_pct,
            soh_pct=self._soh_pct() if self.type.gauge else None,
            isolation_ohm=self._plant.isolation.measured_ohm,
            self_test_passed=self._self_test_passed,
            balancer_works=self._balancer_works,
            bus_off=self._bus_off,
        )

    def _soh_pct(self) -> float:
        """What its gauge, which is exact, finds left of its capacity: the weakest cell's."""
        return min(100.0, 100.0 * self._cells.weakest_ah / self.type.capacity_ah)

    def readings(self, quantity: Quantity, now_us: int) -> list[float]:
        """What its electronics read now, with all that stands between; NaN is no valid reading."""
        match quantity:
            case Quantity.CELL_VOLTAGE:
                true = self._cells.cell_voltages()
            case Quantity.CELL_TEMPERATURE:
                true = self._cells.cell_temperatures()
            case Quantity.TERMINAL_TEMPERATURE:
                terminals = self._cells.terminal_temperatures()
                has_sensors = self.type.terminal_sensors and terminals is not None
                true = list(terminals or ()) if has_sensors else [math.nan, math.nan]
            case _:
                assert_never(quantity)
        return self.sensors.read(quantity, true, now_us)

    def fall_silent(self) -> None:
        """Its frames reach the bus no more: a broken wire at its CAN connector."""
        self.hurry()
        self._silent = True

    def speak_again(self) -> None:
        """The wire is mended."""
        self._silent = False

    def cut_can(self) -> None:
        """It neither hears nor is heard; what it would have sent meanwhile is lost."""
        self.hurry()
        self._cut = True
        self._node.detach()

    def mend_can(self) -> None:
        """It is on the bus again."""
        self._cut = False
        self._node.reattach()

    def _restart(self, off_us: int) -> None:
        """It starts what was installed, and is off until then."""
        self._running = self.binary(self._memory[APPLICATION].decode())
        self.cut_supply(True)
        self._kernel.after(off_us, lambda: self.cut_supply(False))

    def cut_supply(self, cut: bool) -> None:
        """Its electronics are switched off, or on again, with the memory that they had."""
        self.hurry()
        if cut:
            self._node.sleep()
            self._cells.fan_on = False
            self._balancer.switch(0, 0, 0)
        else:
            self._firmware = ModuleFirmware(self._running, self.type, self.serial, self._memory)
            self._node.wake()
        self._off = cut

    def disturb_can(self, disturbed: bool) -> None:
        """All that it sends ends in error frames, or no longer does."""
        self.hurry()
        self._node.disturb(disturbed)

    def fail_self_test(self, failed: bool) -> None:
        """The self-test of its processor fails, or passes again."""
        self._self_test_passed = not failed
        self.sensors.stir()

    def fail_balancer(self, failed: bool) -> None:
        """The converters between its cells do not run, or run again."""
        self._balancer_works = not failed
        self.sensors.stir()


def _none_if_nan(value_c: float) -> float | None:
    return None if math.isnan(value_c) else value_c


__all__ = ["BatteryType", "ModelModule", "Sensors", "battery_firmware", "battery_type"]
