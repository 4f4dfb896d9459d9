"""The master's firmware in this process, on virtual time, as a device under test.

It is wired like the real one: the plant at its power terminals, buses at its CAN ports, lines at
its inputs and outputs. Memory outlives a power cycle, and an update is a power cycle with another
firmware.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bms.data import hardware
from bms.device import Device, shipped
from bms.firmware import Component, Firmware
from bms.io import ControllerState, Inputs, Outputs, Port, Reception
from bms.memory import Memory
from bms.releases import firmware, less
from rig.can import isotp
from rig.can.bus import Bus
from rig.can.frame import Frame
from rig.can.node import ControllerState as NodeState
from rig.can.node import Node
from rig.dut.bluetooth import BluetoothModule
from rig.dut.null import NullDevice
from rig.dut.terminals import Input, NullMode, Output
from rig.dut.test_port import damaged
from rig.kernel import DUT, Kernel, Scheduled, seconds
from rig.plant.plant import Plant

BLUETOOTH_FROM_WEEK = 1738  # stated: older masters have no module (v1.23-09)
WATCHDOG_US = seconds(2)  # chosen: a processor's own, set to some periods of its slowest loop
POWER_CUT_S = 0.5  # chosen: what a relay in the supply lead is open for; it boots at once here
_STATES = {state: ControllerState(state.value) for state in NodeState}

_SENSED: Mapping[Output, Callable[[Outputs], bool]] = {
    Output.ALLOW_CHARGE: lambda out: out.allow_charge_relay,
    Output.ALLOW_DISCHARGE: lambda out: out.allow_discharge_relay,
    Output.ALLOW_CHARGE_SIGNAL: lambda out: out.allow_charge_signal,
    Output.ALLOW_DISCHARGE_SIGNAL: lambda out: out.allow_discharge_signal,
    Output.PROGRAMMABLE_RELAY: lambda out: out.programmable_relay,
    Output.GREEN_LED: lambda out: out.green_led,
    Output.RED_LED: lambda out: out.red_led,
    Output.BUZZER: lambda out: out.buzzer,
    Output.FAN: lambda out: out.fan,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DutSpec:
    """Which device: its release, what is left out of it, its model and its serial number.

    ``starts_on`` is the release that it has before an update to ``firmware``.
    """

    firmware: str
    without: tuple[str, ...] = ()
    starts_on: str | None = None
    hardware: str = "Lynx Ion BMS 1000"
    serial: str = "HQ2024AB001"
    memory: Mapping[str, bytes] = field(default_factory=dict)


def has_bluetooth(serial: str) -> bool:
    """Whether a master of this serial number has a module: the week in it says so."""
    week = serial[2:6]
    return week.isdecimal() and int(week) >= BLUETOOTH_FROM_WEEK


class ModelDut:
    """A master at its terminals. It steps when it wants to, or when something reaches it."""

    def __init__(
        self,
        kernel: Kernel,
        plant: Plant,
        buses: Mapping[str, Bus],
        spec: DutSpec,
    ) -> None:
        self._kernel, self._plant, self._spec = kernel, plant, spec
        self.switched: Callable[[], None] = lambda: None  # called after contactor or pre-charge
        self._memory = Memory(dict(spec.memory))
        self._levels = {Input.START_STOP: False, Input.INTERLOCK: True, Input.EMERGENCY_STOP: False}
        self._received: list[Reception] = []
        self._outputs = Outputs()
        self._wake: Scheduled | None = None
        self._wake_us = -1
        self._null: NullDevice | None = None
        self._nodes: dict[Port, Node] = {}
        self._last_sent: dict[Port, dict[tuple[int, bytes], Frame]] = {p: {} for p in Port}
        self._ports = {Port(name): bus for name, bus in buses.items()}
        for port, bus in self._ports.items():
            self._nodes[port] = bus.attach(spec.serial, self._receiver(port))
            self._nodes[port].patient = port is Port.PRIVATE
            self._nodes[port].on_state = self._notice_controllers
        self._controllers = self._controller_states()
        # When a device is switched on no one can say to the millisecond: the seed does.
        self._age_us = kernel.stream(f"{spec.serial}/power-on").randrange(1_000_000)
        release = spec.starts_on or spec.firmware
        for place, name in shipped(release).items():
            self._memory.registers.setdefault(place, name)
        self._io_supply_v: float | None = None
        self._internal_c: float | None = None
        self._shunt = 1.0, 0.0  # gain and offset
        self._voltage_sense = 1.0  # gain
        self._self_test_passed = True
        self._reset_by_watchdog = False
        self._stalled: Scheduled | None = None
        self._uart = bytearray()
        fitted = has_bluetooth(spec.serial)
        self.bluetooth = BluetoothModule(kernel, self._hear_bluetooth) if fitted else None
        self.io_supply: Callable[[bool], None] = lambda on: None  # it switches its IO supply
        self._boot()
        plant.on_touch.append(self._look)

    def _binary(self, name: str, component: Component) -> Firmware:
        """What a name in its memory stands for: a release, perhaps less some of its changes."""
        release, _, items = name.partition("/")
        running = firmware(release, component)
        if "/" in name:
            return less(running, *items.split(",")) if items else running
        return less(running, *self._spec.without) if release == self._spec.firmware else running

    def _boot(self) -> None:
        """Start with the memory as it is."""
        model = hardware()[self._spec.hardware]
        for node in self._nodes.values():
            node.recover()  # a controller starts on the bus, whatever it was before
        if self.bluetooth is not None:
            self.bluetooth.reset()
        self._device = Device(self._binary, self._memory.registers, model, self._spec.serial)
        self._wake_at(self._kernel.now_us)

    def _receiver(self, port: Port) -> Callable[[int, Frame], None]:
        if port is Port.PRIVATE:
            # The private bus is worked off at the next control step: it carries measurements.
            def keep(time_us: int, frame: Frame) -> None:
                self._received.append(Reception(time_us + self._age_us, port, frame))

            return keep

        def receive(time_us: int, frame: Frame) -> None:
            self._received.append(Reception(time_us + self._age_us, port, frame))
            self._wake_at(time_us)

        return receive

    def _look(self) -> None:
        """Something may have moved at its terminals: it looks as soon as it looks at all."""
        self._wake_at(max(self._kernel.now_us, self._device.look_us - self._age_us))

    def _controller_states(self) -> Mapping[Port, ControllerState]:
        return {port: _STATES[node.state] for port, node in self._nodes.items()}

    def _notice_controllers(self, _state: NodeState) -> None:
        self._controllers = self._controller_states()
        self._wake_at(self._kernel.now_us)

    def _wake_at(self, time_us: int) -> None:
        if self._wake is not None:
            if self._wake_us <= time_us:
                return
            self._wake.cancel()
        self._wake_us = max(time_us, self._kernel.now_us)
        self._wake = self._kernel.at(self._wake_us, self._step, DUT)

    def _step(self) -> None:
        self._wake = None
        self._ports[Port.PRIVATE].catch_up()
        if self._null is not None:
            self._received.clear()
            return
        if self._stalled is not None:
            return
        now_us = self._kernel.now_us
        plant = self._plant
        plant.sample(now_us)
        battery_v, system_v, current_a = plant.measured
        age_us = self._age_us
        received, self._received = self._received, []
        levels = self._levels
        inputs = Inputs(
            battery_voltage_v=self._voltage_sense * battery_v,
            system_voltage_v=system_v,
            current_a=self._shunt[0] * current_a + self._shunt[1],
            internal_temperature_c=25.0 if self._internal_c is None else self._internal_c,
            io_supply_v=battery_v if self._io_supply_v is None else self._io_supply_v,
            start_stop_pressed=levels[Input.START_STOP],
            interlock_closed=levels[Input.INTERLOCK],
            emergency_stop=levels[Input.EMERGENCY_STOP],
            aux_contact_closed=plant.aux_closed,
            controllers=self._controllers,
            received=tuple(received),
            bluetooth_uart=bytes(self._uart),
            self_test_passed=self._self_test_passed,
            reset_by_watchdog=self._reset_by_watchdog,
        )
        self._reset_by_watchdog = False
        self._uart.clear()
        outputs = self._device.step(now_us + age_us, inputs)
        self._apply(now_us, outputs)
        # At rest it would find nothing new before the cells are measured again.
        held_us = max(plant.held_until_us, self._device.look_us - age_us)
        self._wake_at(min(self._device.next_step_us - age_us, held_us))

    def _apply(self, now_us: int, outputs: Outputs) -> None:
        before, self._outputs = self._outputs, outputs
        if outputs is before:
            return
        if outputs.contactor_coil is not before.contactor_coil:
            self._plant.set_coil(now_us, outputs.contactor_coil)
            self.switched()
        if outputs.precharge is not before.precharge:
            self._plant.set_precharge(now_us, outputs.precharge)
            self.switched()
        for port in outputs.recover:
            self._nodes[port].recover()
        if self.bluetooth is not None:
            self.bluetooth.hear(outputs.bluetooth_uart, outputs.bluetooth_baud)
        if outputs.bit_timing is not before.bit_timing:
            for port, timing in outputs.bit_timing.items():
                if port in self._nodes:
                    self._nodes[port].sample_point_pct = timing.sample_point_pct
        for port, frame in outputs.sent:
            if port in self._nodes:
                self._send(port, Frame(frame.identifier, frame.data, frame.extended))
        if outputs.writes:
            self._memory.write(outputs.writes)
        if outputs.io_supply_on is not before.io_supply_on:
            self.io_supply(outputs.io_supply_on)

    def _hear_bluetooth(self, data: bytes) -> None:
        self._uart += data
        self._wake_at(self._kernel.now_us)

    def _send(self, port: Port, frame: Frame) -> None:
        if not isotp.is_for_the_tester(frame.identifier):  # an answer is to one question
            # What a frame is about: its identifier, and its register where it carries one.
            self._last_sent[port][frame.identifier, frame.data[:4]] = frame
        self._nodes[port].send(frame)

    def drive(self, line: Input, level: bool) -> None:
        """Drive one input; the device notices at once."""
        self._levels[line] = level
        self._wake_at(self._kernel.now_us)

    def sense(self, line: Output) -> bool:
        """Read one output as it is now."""
        if line is Output.CONTACTOR_AUX:
            self._plant.sample(self._kernel.now_us)
            return self._plant.aux_closed
        return _SENSED[line](self._outputs)

    @property
    def supply_current_a(self) -> float:
        """What it takes for itself through its supply lead."""
        return self._outputs.supply_current_a

    def become(self, release: str, lacking: Sequence[str]) -> None:
        """Be of a release less some of its changes from now on, with the memory as it is."""
        if self._null is None:
            self._memory.write(shipped(f"{release}/{','.join(lacking)}"))
            self._boot()

    def supply_io_from(self, voltage_v: float | None) -> None:
        """Supply its IO connector with this voltage; None: from the battery, as it is wired."""
        self._io_supply_v = voltage_v
        self._wake_at(self._kernel.now_us)

    def surround(self, temperature_c: float | None) -> None:
        """It has this temperature inside; None: that of a room."""
        self._internal_c = temperature_c
        self._wake_at(self._kernel.now_us)

    def misread_current(self, error: tuple[float, float]) -> None:
        """Its shunt has this gain, and this offset in amperes."""
        self._shunt = error
        self._wake_at(self._kernel.now_us)

    async def power_cycle(self) -> None:
        """Cut its own supply for a moment: only its memory is left."""
        if self._null is None:
            self.restart()
        await asyncio.sleep(POWER_CUT_S)

    def misread_voltage(self, gain: float) -> None:
        """Its sense wire for the batteries' voltage has this gain; 0: it is broken."""
        self._voltage_sense = gain
        self._wake_at(self._kernel.now_us)

    def disturb_can(self, disturbed: bool) -> None:
        """All that it sends on the private bus ends in error frames, or no longer does."""
        self._nodes[Port.PRIVATE].disturb(disturbed)

    # The test port (rig.dut.test_port)

    def stall(self) -> None:
        """Its main loop does not go on, until its watchdog or `resume` lets it."""
        if self._stalled is None:
            self._stalled = self._kernel.after(WATCHDOG_US, self._bark)

    def resume(self) -> None:
        """Its main loop goes on."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
            self._wake_at(self._kernel.now_us)

    def _bark(self) -> None:
        self._stalled = None
        self._reset_by_watchdog = True
        self.restart()

    def restart(self) -> None:
        """Cut its processor's supply for a moment: memory stays, all outputs fall."""
        self._received.clear()
        self._apply(self._kernel.now_us, Outputs())
        self._boot()

    def damage(self, register: str, how: str, dice: random.Random) -> Callable[[], None]:
        """Damage a register of its memory and restart it; what puts it right is returned."""
        registers = self._memory.registers
        before = registers.get(register)
        after = damaged(registers, register, how, dice)
        if after is None:
            del registers[register]
        else:
            registers[register] = after
        self.restart()

        def repair() -> None:
            if before is not None:
                registers[register] = before

        return repair

    def fail_self_test(self, failed: bool) -> None:
        """Its processor's self-test fails, or passes again."""
        self._self_test_passed = not failed
        self._wake_at(self._kernel.now_us)

    def turn_null(self, mode: NullMode) -> None:
        """From now on the device does nothing: the proof that a check can fail."""
        last = {port: tuple(frames.values()) for port, frames in self._last_sent.items()}
        nodes = {str(port): node for port, node in self._nodes.items()}
        self._null = NullDevice(mode, self._kernel, nodes, {str(p): f for p, f in last.items()})
        if mode is NullMode.SILENT:
            self._apply(self._kernel.now_us, Outputs())
