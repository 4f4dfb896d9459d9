"""The master's firmware in this process, on virtual time, as a device under test.

It is wired like the real one: the plant at its power terminals, buses at its CAN ports, lines at
its inputs and outputs. Memory outlives a power cycle, and an update is a power cycle with another
firmware.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bms.data import hardware
from bms.firmware import Component, Version
from bms.io import ControllerState, Inputs, Outputs, Port, Reception
from bms.master import Master
from bms.memory import Memory
from bms.releases import RELEASES, firmware, less, release_of
from rig.can.bus import Bus
from rig.can.frame import Frame
from rig.can.node import ControllerState as NodeState
from rig.can.node import Node
from rig.dut.null import NullDevice
from rig.dut.terminals import Input, NullMode, Output, UpdatePath
from rig.dut.test_port import damaged
from rig.kernel import DUT, Kernel, Scheduled, milliseconds, seconds
from rig.plant.plant import Plant

TOOL_LATENCY_US = milliseconds(20)  # chosen: a CAN adapter and the tool's own turn-around
TOOL_TIMEOUT_S = 1.0
WATCHDOG_US = seconds(2)  # chosen: a processor's own, set to some periods of its slowest loop
BOOT_LOADERS = (Component.BOOT_LOADER, Component.SECONDARY_BOOT_LOADER)
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
    without: str | None = None
    starts_on: str | None = None
    hardware: str = "Lynx Ion BMS 1000"
    serial: str = "HQ2024AB001"
    memory: Mapping[str, bytes] = field(default_factory=dict)


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
        self._requests: list[bytes] = []
        self._waiting: list[asyncio.Future[bytes]] = []
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
        self._boot_loaders = _boot_loaders_of(firmware(release).version)
        self._io_supply_v: float | None = None
        self._internal_c: float | None = None
        self._shunt = 1.0, 0.0  # gain and offset
        self._self_test_passed = True
        self._reset_by_watchdog = False
        self._stalled: Scheduled | None = None
        self._boot(release)
        plant.on_touch.append(self._look)

    def _boot(self, release: str, *, whole: bool = False) -> None:
        running = firmware(release)
        left_out = self._spec.without is not None and release == self._spec.firmware
        if left_out and self._spec.without is not None and not whole:
            running = less(running, self._spec.without)
        model = hardware()[self._spec.hardware]
        self._booted = release, whole
        self._master = Master(running, self._memory.registers, model, self._spec.serial)
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
        self._wake_at(max(self._kernel.now_us, self._master.look_us - self._age_us))

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
            battery_voltage_v=battery_v,
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
            tool=tuple(self._requests),
            self_test_passed=self._self_test_passed,
            reset_by_watchdog=self._reset_by_watchdog,
        )
        self._requests.clear()
        self._reset_by_watchdog = False
        outputs = self._master.step(now_us + age_us, inputs)
        self._apply(now_us, outputs)
        # At rest it would find nothing new before the cells are measured again.
        held_us = max(plant.held_until_us, self._master.look_us - age_us)
        self._wake_at(min(self._master.next_step_us - age_us, held_us))

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
        for port, frame in outputs.sent:
            if port in self._nodes:
                self._send(port, Frame(frame.identifier, frame.data, frame.extended))
        if outputs.writes:
            self._memory.write(outputs.writes)
        for answer in outputs.tool:
            self._answer(answer)

    def _send(self, port: Port, frame: Frame) -> None:
        # What a frame is about: its identifier, and its register where it carries one.
        self._last_sent[port][frame.identifier, frame.data[:4]] = frame
        self._nodes[port].send(frame)

    def _answer(self, answer: bytes) -> None:
        waiting = self._waiting.pop(0)

        def deliver() -> None:
            if not waiting.done():
                waiting.set_result(answer)

        self._kernel.after(TOOL_LATENCY_US, deliver)

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

    async def ask(self, request: bytes) -> bytes:
        """One exchange of the diagnostic tool. Raises TimeoutError if no answer comes."""
        if self._null is not None:
            answer = self._null.answer_tool(request)
            if answer is None:
                await asyncio.sleep(TOOL_TIMEOUT_S)
                raise TimeoutError("the device does not answer the diagnostic tool")
            return answer
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._requests.append(request)
        self._wake_at(self._kernel.now_us)
        async with asyncio.timeout(TOOL_TIMEOUT_S):
            return bytes(await future)

    async def update(self, release: str, path: UpdatePath, *, whole: bool = False) -> None:
        """Install ``release`` at once, and start it with the memory as it is.

        Only the tool brings boot loaders; any other path leaves them as they are. ``whole``: with
        nothing left out, even if it is the release under test.
        """
        if path is UpdatePath.TOOL:
            self._boot_loaders = _boot_loaders_of(release_of(release))
        self._boot(release, whole=whole)
        await asyncio.sleep(1.0)

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
        self._requests.clear()
        self._apply(self._kernel.now_us, Outputs())
        release, whole = self._booted
        self._boot(release, whole=whole)

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


def _boot_loaders_of(version: Version) -> Mapping[Component, Version]:
    """The boot loaders that the tool installs with a release: each as last changed by then."""
    return {
        component: max(
            (r.version for r in RELEASES if component in r.tool_installs and r.version <= version),
            default=RELEASES[0].version,
        )
        for component in BOOT_LOADERS
    }
