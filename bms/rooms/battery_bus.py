"""The private bus: what the batteries tell, and what the master tells them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from bms.codes import State
from bms.data import battery_types
from bms.firmware import Firmware, Room, Slot, milliseconds, seconds
from bms.io import BitTiming, ControllerState, Frame, Port, Reception
from bms.reception import EveryFrame, ReceptionPolicy
from bms.status import NAN, Battery, BatteryBusStatus, View
from bms.wire import isotp, private

BIT_RATE = 250_000
BEACON_PERIOD_US = milliseconds(500)
SILENCE_US = milliseconds(1_500)  # chosen: in quiet a battery repeats itself every 0.9 s
RETURN_US = milliseconds(500)  # chosen: half of the time between two announcements

Silence = Callable[[Iterable[int]], int]


def of_the_quietest(silences_us: Iterable[int]) -> int:
    """Each battery has a timer of its own: whoever is lost is missed (v1.12-01)."""
    return max(silences_us)


def _tool_may_ask(view: View) -> bool:
    """Whether a frame of the diagnostic tool's kind came: what it asks for shall be fresh."""
    return any(one.frame.identifier >> 16 == isotp.PHYSICAL for one in view.on_ve_can)


class Announcements(Protocol):
    """Tells announcing batteries apart."""

    def conflicts(self, time_us: int, serial: int, type_code: int) -> bool:
        """Whether this battery is taken for another one."""
        ...


class ToldApartBySerial:
    """Whenever they announce themselves, batteries are told apart (v1.38-05)."""

    def conflicts(self, time_us: int, serial: int, type_code: int) -> bool:
        """Never: no two have one serial number."""
        return False


@dataclass(frozen=True, slots=True)
class BackOff:
    """How long a controller stays in bus-off: each time twice as long as the time before."""

    first_us: int
    most_us: int
    healthy_us: int  # after so long on the bus it begins anew

    def after(self, tries: int) -> int:
        """The wait after so many times."""
        return min(self.most_us, self.first_us << min(tries, 16))


@dataclass(slots=True)
class _Told:
    """A command as it was last given to a battery, until the battery has acknowledged it."""

    code: int
    mask: int
    sequence: int
    due_us: int  # when it is given again


class _Heard:
    """A battery while its frames come in: the latest of each message."""

    __slots__ = (
        "cells",
        "changed",
        "flags",
        "heard_us",
        "humidity_pct",
        "identity",
        "release",
        "soh_pct",
        "temps",
        "terminals",
        "type",
    )

    def __init__(self, type_code: int, release: int, now_us: int) -> None:
        self.type = battery_types()[type_code]
        self.release = release
        self.cells = [NAN] * 16
        self.temps = [NAN] * 8
        self.terminals: tuple[float | None, float | None] = (None, None)
        self.flags = 0
        self.humidity_pct: float | None = None
        self.identity = b""
        self.soh_pct: float | None = None
        self.heard_us = now_us
        self.changed = True


class BatteryBus(Room):
    """Keeps the latest of every battery; sends beacons, node numbers, commands and pongs."""

    reception = Slot[type[ReceptionPolicy]](EveryFrame)
    announcements = Slot[type[Announcements]](ToldApartBySerial)
    silence = Slot[Silence](of_the_quietest)
    command_repeat_us = Slot[int | None](milliseconds(500))
    bus_off = Slot[BackOff | None](BackOff(milliseconds(200), seconds(5), seconds(10)))
    sample_point_pct = Slot(87.5)
    # chosen: what the system takes for itself is less, what charges or discharges it is more;
    # below it the batteries repeat seldom what has not changed.
    quiet_below_a = Slot(1.0)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self.bit_timing = BitTiming(bit_rate=BIT_RATE, sample_point_pct=self.sample_point_pct)
        self._reception = self.reception()
        self._announcements = self.announcements()
        self._conflict = False
        self._announced: dict[int, tuple[int, int, int]] = {}
        self._heard: dict[int, _Heard] = {}
        self._serials: dict[int, int] = {}
        self._batteries: dict[int, Battery] = {}
        self._beacon_due_us = 0
        self._off_us: int | None = None  # since when the controller is in bus-off
        self._tries = 0
        self._back_us = 0  # when it last was told to leave it
        self._counter = 0
        self._sequence = 0
        self._still = False
        self._fans: dict[int, bool] = {}  # by node, as commanded
        self._balanced: dict[int, int] = {}
        self._unanswered: dict[tuple[int, int], _Told] = {}  # by node and code's group
        self._returned: dict[int, int] = {}  # when a node was given again, by node
        self._last: dict[int, tuple[_Heard, bytes]] = {}
        self._news = True
        self._status = BatteryBusStatus()

    @property
    def due_us(self) -> int:
        """When it next acts of its own accord."""
        due_us = self._beacon_due_us
        if self._off_us is not None and self.bus_off is not None:
            due_us = min(due_us, self._off_us + self.bus_off.after(self._tries))
        for told in self._unanswered.values():
            due_us = min(due_us, told.due_us)
        return due_us

    def step(self, now_us: int, view: View) -> BatteryBusStatus:
        """Take in what arrived on the port, and say what the batteries have to hear."""
        sent = self._receive(view.inputs.received)
        standby = view.start_stop.state is State.STANDBY
        recover = False
        if view.diagnostics.identity is not None:
            sent += private.identity(private.IDENTIFY, *view.diagnostics.identity)
        if view.looks:
            recover = self._watch_controller(now_us, view)
            if not standby:
                self._assign(now_us, view, sent)
            self._beacon(now_us, view, sent)
            self._command(now_us, view, sent)
        if view.looks or _tool_may_ask(view):
            silent_us = self._silence(now_us)
            news = self._news or silent_us > SILENCE_US
            if news or self._status.news:
                self._news = False
                self._status = BatteryBusStatus(
                    announced=tuple((serial, *rest) for serial, rest in self._announced.items()),
                    batteries=self._snapshot(),
                    silent_us=silent_us,
                    news=news,
                    conflict=self._conflict,
                    bus_off=self._off_us is not None,
                )
        if standby and (self._announced or self._heard):
            self._forget()
        if sent or recover:
            return replace(self._status, sent=tuple(sent), recover=recover)
        return self._status

    def _watch_controller(self, now_us: int, view: View) -> bool:
        """Whether the controller shall leave bus-off now."""
        waits = self.bus_off
        if view.inputs.controllers.get(Port.PRIVATE) is not ControllerState.BUS_OFF:
            if self._off_us is not None:
                self._off_us, self._news = None, True
            if waits is not None and now_us - self._back_us >= waits.healthy_us:
                self._tries = 0
            return False
        if self._off_us is None:
            self._off_us, self._news = now_us, True
        if waits is None or now_us - self._off_us < waits.after(self._tries):
            return False
        self._tries += 1
        self._off_us = self._back_us = now_us
        return True

    def _receive(self, received: tuple[Reception, ...]) -> list[Frame]:
        sent: list[Frame] = []
        keeps, last = self._reception.keeps, self._last
        for time_us, port, frame in received:
            if port is not Port.PRIVATE or not keeps(time_us):
                continue
            identifier, data = frame.identifier, frame.data
            known = last.get(identifier)
            if known is not None and known[1] == data:
                known[0].heard_us = time_us
            elif len(data) == private.LENGTH:
                self._take(time_us, identifier, data, sent)
        return sent

    def _take(self, time_us: int, identifier: int, data: bytes, sent: list[Frame]) -> None:
        """A frame that says something else than the last of its identifier."""
        kind, node = private.kind_and_node(identifier)
        heard = self._heard.get(node)
        if heard is not None and kind in private.REPORTS:
            heard.heard_us = time_us
            if kind == private.STATUS:
                positive, negative, flags, humidity_pct = private.read_status(data)
                told = (positive, negative), flags, humidity_pct, private.read_soh(data)
                if told == (heard.terminals, heard.flags, heard.humidity_pct, heard.soh_pct):
                    return  # only its counter, which each report raises
                heard.terminals, heard.flags, heard.humidity_pct, heard.soh_pct = told
            else:
                self._last[identifier] = (heard, data)
                if kind <= private.CELLS[3]:
                    first = 4 * (kind - private.CELLS[0])
                    heard.cells[first : first + 4] = private.read_cells(data)
                else:
                    first = 4 * (kind - private.TEMPERATURES[0])
                    heard.temps[first : first + 4] = private.read_temperatures(data)
            heard.changed = self._news = True
        elif kind == private.ANNOUNCE:
            serial, type_code, cells, release = private.read_announce(data)
            self._announced[serial] = (type_code, cells, release)
            if self._announcements.conflicts(time_us, serial, type_code):
                self._conflict = True
            self._news = True
            self._welcome(time_us, serial, sent)
        elif kind == private.IDENTITY and heard is not None:
            heard.identity = private.put_together(heard.identity, data)
            heard.changed = self._news = True
        elif kind == private.ACKNOWLEDGE:
            self._tick_off(node, *private.read_acknowledge(data))
        elif kind == private.PING:
            sent.append(private.pong(node, private.read_token(data)))

    def _welcome(self, time_us: int, serial: int, sent: list[Frame]) -> None:
        """A registered battery that announces itself has been away: it is given its node again.

        It has forgotten what it was told, so that it is told again.
        """
        for node, registered in self._serials.items():
            if registered == serial and time_us - self._returned.get(node, 0) > RETURN_US:
                self._returned[node] = time_us
                self._fans.pop(node, None)
                self._balanced.pop(node, None)
                sent.append(private.assign(serial, node))

    def _tick_off(self, node: int, code: int, sequence: int) -> None:
        """A battery has acknowledged a command."""
        key = node, _group(code)
        told = self._unanswered.get(key)
        if told is not None and (told.code, told.sequence) == (code, sequence):
            del self._unanswered[key]

    def _assign(self, now_us: int, view: View, sent: list[Frame]) -> None:
        for serial, node in view.registration.assigned.items():
            if self._serials.get(node) != serial:
                type_code, _, release = self._announced[serial]
                self._serials[node] = serial
                self._heard[node] = _Heard(type_code, release, now_us)
                self._last.clear()
                self._news = True
                sent.append(private.assign(serial, node))

    def _beacon(self, now_us: int, view: View, sent: list[Frame]) -> None:
        if view.start_stop.state is State.STANDBY or now_us < self._beacon_due_us:
            return
        self._beacon_due_us = now_us + BEACON_PERIOD_US
        self._counter = (self._counter + 1) & 0xFF
        performance = view.settings.values.get("battery_strategy", 0)
        flags = private.FLAG_WAKE | (private.FLAG_PERFORMANCE if performance else 0)
        flags |= private.FLAG_QUIET if self._is_quiet(view) else 0
        sent.append(private.beacon(view.start_stop.state, len(self._heard), flags, self._counter))

    def _is_quiet(self, view: View) -> bool:
        """Whether nothing has flowed since the last beacon, and nothing is being switched."""
        still = view.start_stop.state is State.RUNNING and not self._moving(view)
        quiet, self._still = still and self._still, still
        return quiet

    def _moving(self, view: View) -> bool:
        return abs(view.inputs.current_a) >= self.quiet_below_a

    def _command(self, now_us: int, view: View, sent: list[Frame]) -> None:
        masks = dict(view.balancing.masks)
        for node in self._heard:
            mask = masks.get(node, 0)
            if mask != self._balanced.get(node, 0):
                self._balanced[node] = mask
                self._tell(now_us, node, private.COMMAND_BALANCE, mask, sent)
        wanted = view.fans.batteries_on
        code = private.COMMAND_FAN_ON if wanted else private.COMMAND_FAN_OFF
        for node, heard in self._heard.items():
            if heard.type.fan and self._fans.get(node) is not wanted:
                self._fans[node] = wanted
                self._tell(now_us, node, code, 0, sent)
        for (node, _), told in self._unanswered.items():
            if now_us >= told.due_us and self.command_repeat_us is not None:
                told.due_us = now_us + self.command_repeat_us
                sent.append(private.command(node, told.code, told.mask, told.sequence))

    def _tell(self, now_us: int, node: int, code: int, mask: int, sent: list[Frame]) -> None:
        self._sequence = (self._sequence + 1) & 0xFF
        if self.command_repeat_us is not None:
            due_us = now_us + self.command_repeat_us
            self._unanswered[node, _group(code)] = _Told(code, mask, self._sequence, due_us)
        sent.append(private.command(node, code, mask, self._sequence))

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
                    humidity_pct=heard.humidity_pct,
                    identity=heard.identity,
                    soh_pct=heard.soh_pct,
                )
        return tuple(self._batteries.values())

    def _silence(self, now_us: int) -> int:
        if not self._heard:
            return 0
        return self.silence(now_us - heard.heard_us for heard in self._heard.values())

    def _forget(self) -> None:
        """The system is off: the batteries announce themselves again at the next start."""
        self._announced.clear()
        self._heard.clear()
        self._serials.clear()
        self._batteries.clear()
        self._last.clear()
        self._conflict = False
        self._news = True
        self._fans = {}
        self._balanced = {}
        self._unanswered = {}
        self._returned = {}


def _group(code: int) -> int:
    """What a command is about: a later one of the same group takes an earlier one's place."""
    fan = {private.COMMAND_FAN_ON, private.COMMAND_FAN_OFF}
    return private.COMMAND_FAN_ON if code in fan else code
