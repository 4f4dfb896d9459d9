"""The private bus: what the batteries tell, and what the master tells them."""

from dataclasses import replace

from bms.data import battery_types
from bms.firmware import Firmware, Room, Slot, milliseconds
from bms.io import Frame, Port, Reception
from bms.reception import EveryFrame, ReceptionPolicy
from bms.status import NAN, Battery, BatteryBusStatus, State, View
from bms.wire import private

BEACON_PERIOD_US = milliseconds(500)


class _Heard:
    """A battery while its frames come in: the latest of each message."""

    __slots__ = ("cells", "changed", "flags", "heard_us", "release", "temps", "terminals", "type")

    def __init__(self, type_code: int, release: int, now_us: int) -> None:
        self.type = battery_types()[type_code]
        self.release = release
        self.cells = [NAN] * 16
        self.temps = [NAN] * 8
        self.terminals: tuple[float | None, float | None] = (None, None)
        self.flags = 0
        self.heard_us = now_us
        self.changed = True


class BatteryBus(Room):
    """Keeps the latest of every battery; sends beacons, node numbers, commands and pongs."""

    reception = Slot[type[ReceptionPolicy]](EveryFrame)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._reception = self.reception()
        self._announced: dict[int, tuple[int, int, int]] = {}
        self._heard: dict[int, _Heard] = {}
        self._serials: dict[int, int] = {}
        self._batteries: dict[int, Battery] = {}
        self._beacon_due_us = 0
        self._counter = 0
        self._fans_on: bool | None = None
        self._status = BatteryBusStatus()

    def step(self, now_us: int, view: View) -> BatteryBusStatus:
        """Take in what arrived on the port, and say what the batteries have to hear."""
        sent = self._receive(view.inputs.received)
        if view.control:
            if view.start_stop.state is not State.STANDBY:
                self._assign(now_us, view, sent)
            self._beacon(now_us, view, sent)
            self._command(view, sent)
        if view.control or view.inputs.tool:
            # Nobody else looks at the batteries, and a VE.Can frame wakes the master often.
            self._status = BatteryBusStatus(
                announced=tuple((serial, *rest) for serial, rest in self._announced.items()),
                batteries=self._snapshot(),
                silent_us=self._silence(now_us),
            )
        if view.start_stop.state is State.STANDBY and (self._announced or self._heard):
            self._forget()
        return replace(self._status, sent=tuple(sent)) if sent else self._status

    def _receive(self, received: tuple[Reception, ...]) -> list[Frame]:
        sent: list[Frame] = []
        keeps = self._reception.keeps
        for time_us, port, frame in received:
            if port is not Port.PRIVATE or not keeps(time_us) or len(frame.data) != private.LENGTH:
                continue
            kind, node = private.kind_and_node(frame.identifier)
            heard = self._heard.get(node)
            if heard is not None and kind in private.REPORTS:
                heard.heard_us = time_us
                heard.changed = True
                if kind <= private.CELLS[3]:
                    first = 4 * (kind - private.CELLS[0])
                    heard.cells[first : first + 4] = private.read_cells(frame.data)
                elif kind <= private.TEMPERATURES[1]:
                    first = 4 * (kind - private.TEMPERATURES[0])
                    heard.temps[first : first + 4] = private.read_temperatures(frame.data)
                else:
                    positive, negative, heard.flags = private.read_status(frame.data)
                    heard.terminals = (positive, negative)
            elif kind == private.ANNOUNCE:
                serial, type_code, cells, release = private.read_announce(frame.data)
                self._announced[serial] = (type_code, cells, release)
            elif kind == private.PING:
                sent.append(private.pong(node, private.read_token(frame.data)))
        return sent

    def _assign(self, now_us: int, view: View, sent: list[Frame]) -> None:
        for serial, node in view.registration.assigned.items():
            if self._serials.get(node) != serial:
                type_code, _, release = self._announced[serial]
                self._serials[node] = serial
                self._heard[node] = _Heard(type_code, release, now_us)
                sent.append(private.assign(serial, node))

    def _beacon(self, now_us: int, view: View, sent: list[Frame]) -> None:
        if view.start_stop.state is State.STANDBY or now_us < self._beacon_due_us:
            return
        self._beacon_due_us = now_us + BEACON_PERIOD_US
        self._counter = (self._counter + 1) & 0xFF
        performance = view.settings.values.get("battery_strategy", 0)
        flags = private.FLAG_WAKE | (private.FLAG_PERFORMANCE if performance else 0)
        sent.append(private.beacon(view.start_stop.state, len(self._heard), flags, self._counter))

    def _command(self, view: View, sent: list[Frame]) -> None:
        wanted = view.fans.batteries_on
        if wanted is self._fans_on or not self._heard:
            return
        self._fans_on = wanted
        code = private.COMMAND_FAN_ON if wanted else private.COMMAND_FAN_OFF
        for node, heard in self._heard.items():
            if heard.type.fan:
                sent.append(private.command(node, code, 0, self._counter))

    def _snapshot(self) -> tuple[Battery, ...]:
        for node, heard in self._heard.items():
            if heard.changed:
                heard.changed = False
                self._batteries[node] = Battery(
                    node=node,
                    serial=self._serials[node],
                    type=heard.type,
                    release=heard.release,
                    cell_voltages_v=tuple(heard.cells[: heard.type.cells]),
                    cell_temperatures_c=tuple(heard.temps[: heard.type.temperature_sensors]),
                    terminals_c=heard.terminals,
                    flags=heard.flags,
                    heard_us=heard.heard_us,
                )
        return tuple(self._batteries.values())

    def _silence(self, now_us: int) -> int:
        if not self._heard:
            return 0
        return max(now_us - heard.heard_us for heard in self._heard.values())

    def _forget(self) -> None:
        """The system is off: the batteries announce themselves again at the next start."""
        self._announced.clear()
        self._heard.clear()
        self._serials.clear()
        self._batteries.clear()
        self._fans_on = None
