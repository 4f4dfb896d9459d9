"""A master on a bench of four lines: terminals and battery frames by hand, no rig, no clock.

The batteries are frames of the private bus and nothing else; the link behind the contactor follows
the batteries while it is connected and decays while it is not.
"""

from bms.codes import State
from bms.data import hardware
from bms.firmware import Firmware
from bms.io import ControllerState, Frame, Inputs, Outputs, Port, Reception
from bms.master import Master
from bms.releases import firmware
from bms.wire import isotp, private
from bms.wire.diagnostic import TOOL_ADDRESS

TICK_US = 100_000
# Frames are complete well before the step that reads them, at no multiple of 250 ms.
EARLIER_US = 60_000


class Bench:
    """Two LFP batteries of 230 Ah, full of patience, on a master of 400 A."""

    def __init__(
        self,
        running: Firmware | str = "1.38",
        *,
        type_code: int = 2,
        registers: dict[str, bytes] | None = None,
        serial: str = "HQ1845ABCDE",
        model: str = "Lynx Ion BMS 400",
    ) -> None:
        self.firmware = firmware(running) if isinstance(running, str) else running
        self.registers = dict(registers or {})
        self.master = Master(self.firmware, self.registers, hardware()[model], serial)
        self.now_us = 0
        self.type_code = type_code
        self.cells = 8 if type_code <= 3 else 7
        cell_v = 3.3 if type_code <= 3 else 3.7
        self.cells_v = {node: [cell_v] * self.cells for node in (0, 1)}
        self.temperatures_c = {node: [25.0] * 4 for node in (0, 1)}
        self.terminal_c: float | None = None
        self.current_a = 0.0
        self.battery_v = 8 * 3.3 if type_code <= 3 else 7 * 3.7
        self.system_v = 0.0
        self.precharge_v_per_s = 100.0
        self.decay_v_per_s = 10.0
        self.controller = ControllerState.ERROR_ACTIVE
        self.interlock_closed = True
        self.emergency_stop = False
        self.inside_c = 25.0
        self.battery_flags = 0
        self.humidity_pct: float | None = None
        self.pressed = False
        self.silent = False
        self.out = Outputs()
        self.trace: list[Outputs] = []

    @property
    def state(self) -> State:
        """Register 0x0371, from inside."""
        return self.master.view.start_stop.state

    @property
    def error(self) -> int:
        """Register 0x2101, from inside."""
        return int(self.master.view.fail_safe.error)

    def step(
        self,
        *frames: tuple[Port, Frame],
        tick_us: int = TICK_US,
        earlier_us: int = EARLIER_US,
    ) -> Outputs:
        """One step of the master, ``tick_us`` later; what it writes is kept in memory."""
        self.now_us += tick_us
        self._link(tick_us)
        arriving = [(Port.PRIVATE, frame) for frame in self._battery_frames()] + list(frames)
        inputs = Inputs(
            battery_voltage_v=self.battery_v,
            system_voltage_v=self.system_v,
            current_a=self.current_a,
            internal_temperature_c=self.inside_c,
            start_stop_pressed=self.pressed,
            interlock_closed=self.interlock_closed,
            emergency_stop=self.emergency_stop,
            aux_contact_closed=self.out.contactor_coil,
            controllers={Port.VE_CAN: self.controller},
            received=tuple(
                Reception(self.now_us - earlier_us + 400 * index, port, frame)
                for index, (port, frame) in enumerate(arriving)
            ),
        )
        self.out = self.master.step(self.now_us, inputs)
        self.registers.update(self.out.writes)
        self.trace.append(self.out)
        return self.out

    def ask(self, request: bytes, tick_us: int = 1_000) -> bytes:
        """One exchange of the diagnostic tool, over its transport; b"" if no answer comes."""
        tool, answer = isotp.Endpoint(), None
        tool.send(self.now_us, request)
        for _ in range(500):
            address = self.master.view.nmea2000.address
            frames = isotp.frames_to(address, TOOL_ADDRESS, tool.frames(self.now_us))
            self.step(*((Port.VE_CAN, frame) for frame in frames), tick_us=tick_us, earlier_us=0)
            for port, frame in self.out.sent:
                if port is Port.VE_CAN and isotp.is_between(frame, TOOL_ADDRESS, address):
                    answer = tool.hear(self.now_us, frame.data)
            if answer is not None:
                return answer
        return b""

    def run(self, seconds: float, tick_us: int = TICK_US) -> None:
        """Let time go by."""
        for _ in range(round(seconds * 1_000_000 / tick_us)):
            self.step(tick_us=tick_us)

    def press(self) -> None:
        """The start/stop button, for 200 ms."""
        self.pressed = True
        self.run(0.2)
        self.pressed = False
        self.run(0.1)

    def start(self, limit_s: float = 10, tick_us: int = TICK_US) -> None:
        """From standby to running, if it gets there; the batteries announce themselves."""
        self.press()
        self.step(*((Port.PRIVATE, frame) for frame in self.announcements()))
        for _ in range(round(limit_s * 1_000_000 / tick_us)):
            if self.state in {State.RUNNING, State.ERROR}:
                break
            self.step(tick_us=tick_us)

    def announcements(self) -> tuple[Frame, ...]:
        """How both batteries ask to be registered."""
        return tuple(
            private.announce(serial, self.type_code, self.cells, 38) for serial in (1001, 1002)
        )

    def cell(self, voltage_v: float) -> None:
        """One cell of the first battery."""
        self.cells_v[0][0] = voltage_v

    def _link(self, tick_us: int) -> None:
        elapsed_s = tick_us / 1_000_000
        if self.out.contactor_coil:
            self.system_v = self.battery_v
        elif self.out.precharge:
            rise_v = self.precharge_v_per_s * elapsed_s
            self.system_v = min(self.battery_v, self.system_v + rise_v)
        else:
            self.system_v = max(0.0, self.system_v - self.decay_v_per_s * elapsed_s)

    def _battery_frames(self) -> list[Frame]:
        if self.silent or self.state is State.STANDBY:
            return []
        frames = []
        for node in (0, 1):
            cells, temperatures = tuple(self.cells_v[node]), tuple(self.temperatures_c[node])
            frames += [private.cells(node, 0, cells[:4]), private.cells(node, 1, cells[4:])]
            frames.append(private.temperatures(node, 0, temperatures))
            terminals = (self.terminal_c, self.terminal_c)
            told = self.battery_flags, self.humidity_pct
            frames.append(private.status(node, terminals, *told, len(self.trace)))
        return frames
