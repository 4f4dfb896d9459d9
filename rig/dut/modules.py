"""Battery modules in this process: their firmware between the plant's cells and the private bus.

A sensor can be made to read something else than the plant has; that is a fault at the module's
terminals, as a resistor decade or a cell emulator makes it on a real bench.
"""

import math
from dataclasses import dataclass, field

from bms.battery.module import Module as ModuleFirmware
from bms.data import BatteryType, battery_types
from bms.firmware import Component
from bms.io import BatteryInputs, Port, Reception
from bms.releases import firmware
from rig.can.bus import Bus
from rig.can.frame import Frame
from rig.kernel import DUT, Kernel, Scheduled
from rig.plant.module import Module as PlantModule
from rig.plant.plant import Plant

FOR_MODULES = frozenset({0x18F000, 0x18F010, 0x18F050})  # beacon, assign, command


@dataclass(slots=True)
class Sensors:
    """What stands in place of a true reading, by index; NaN is an open sensor."""

    cell_voltages_v: dict[int, float] = field(default_factory=dict)
    cell_temperatures_c: dict[int, float] = field(default_factory=dict)
    positive_terminal_c: float | None = None
    negative_terminal_c: float | None = None


def battery_type(name: str) -> BatteryType:
    """The type of that name. Raises ValueError, with the known names, for an unknown one."""
    for kind in battery_types().values():
        if kind.name == name:
            return kind
    known = ", ".join(kind.name for kind in battery_types().values())
    raise ValueError(f"battery type {name!r} is unknown: {known} are known")


class ModelModule:
    """One battery module on the private bus."""

    def __init__(
        self,
        kernel: Kernel,
        bus: Bus,
        plant: Plant,
        cells: PlantModule,
        identity: tuple[BatteryType, int, str],
    ) -> None:
        self._kernel, self._plant, self._cells = kernel, plant, cells
        self.type, self.serial, release = identity
        self.sensors = Sensors()
        self._firmware = ModuleFirmware(
            firmware(release, Component.BATTERY), self.type, self.serial
        )
        self._received: list[Reception] = []
        self._wake: Scheduled | None = None
        self._silent = False
        self._node = bus.attach(f"battery {self.serial}", self._receive)
        self._node.accept = lambda identifier: identifier >> 8 in FOR_MODULES

    def _receive(self, time_us: int, frame: Frame) -> None:
        self._received.append(Reception(time_us, Port.PRIVATE, frame))
        self._wake_at(time_us)

    def _wake_at(self, time_us: int) -> None:
        if self._wake is not None:
            self._wake.cancel()
        self._wake = self._kernel.at(max(time_us, self._kernel.now_us), self._step, DUT)

    def _step(self) -> None:
        self._wake = None
        now_us = self._kernel.now_us
        received, self._received = tuple(self._received), []
        outputs = self._firmware.step(now_us, self._measure(now_us, received))
        if not self._silent:
            for frame in outputs.sent:
                self._node.send(Frame(frame.identifier, frame.data, frame.extended))
        self._cells.fan_on = outputs.fan
        if outputs.next_step_us is not None:
            self._wake_at(outputs.next_step_us)

    def _measure(self, now_us: int, received: tuple[Reception, ...]) -> BatteryInputs:
        self._plant.sample(now_us)
        cells, sensors = self._cells, self.sensors
        voltages, temperatures = cells.cell_voltages(), cells.cell_temperatures()
        for index, value in sensors.cell_voltages_v.items():
            voltages[index] = value
        for index, value in sensors.cell_temperatures_c.items():
            temperatures[index] = value
        positive_c, negative_c = sensors.positive_terminal_c, sensors.negative_terminal_c
        terminals_c = cells.terminal_temperatures() if self.type.terminal_sensors else None
        if terminals_c is not None:
            plant_positive_c, plant_negative_c = terminals_c
            positive_c = plant_positive_c if positive_c is None else positive_c
            negative_c = plant_negative_c if negative_c is None else negative_c
        return BatteryInputs(
            cell_voltages_v=tuple(voltages),
            cell_temperatures_c=tuple(temperatures),
            positive_terminal_c=_none_if_nan(positive_c),
            negative_terminal_c=_none_if_nan(negative_c),
            received=received,
        )

    def fall_silent(self) -> None:
        """Its frames reach the bus no more: a broken wire at its CAN connector."""
        self._silent = True

    def speak_again(self) -> None:
        """The wire is mended."""
        self._silent = False


def _none_if_nan(value_c: float | None) -> float | None:
    return None if value_c is None or math.isnan(value_c) else value_c


__all__ = ["BatteryType", "ModelModule", "Sensors", "battery_type"]
