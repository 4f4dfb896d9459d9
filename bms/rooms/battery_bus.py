"""The private bus: what the batteries tell, and what the master tells them."""

from dataclasses import replace
from typing import Protocol

from bms.data import battery_types
from bms.firmware import Firmware, Room, Slot, milliseconds
from bms.io import Frame, Port, Reception
from bms.reception import EveryFrame, ReceptionPolicy
from bms.status import NAN, Battery, BatteryBusStatus, State, View
from bms.wire import private

BEACON_PERIOD_US = milliseconds(500)
SILENCE_US = milliseconds(250)  # chosen: two reports and a half that did not come


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


class _Heard:
    """A battery while its frames come in: the latest of each message."""

    __slots__ = (
        "cells",
        "changed",
        "flags",
        "heard_us",
        "humidity_pct",
        "release",
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
        self.heard_us = now_us
        self.changed = True


class BatteryBus(Room):
    """Keeps the latest of every battery; sends beacons, node numbers, commands and pongs."""

    reception = Slot[type[ReceptionPolicy]](EveryFrame)
    announcements = Slot[type[Announcements]](ToldApartBySerial)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._reception = self.reception()
        self._announcements = self.announcements()
        self._conflict = False
        self._announced: dict[int, tuple[int, int, int]] = {}
        self._heard: dict[int, _Heard] = {}
        self._serials: dict[int, int] = {}
        self._batteries: dict[int, Battery] = {}
        self.due_us = 0  # when the next beacon goes out
        self._counter = 0
        self._fans_on: bool | None = None
        self._balanced: dict[int, int] = {}
        self._last: dict[int, tuple[_Heard, bytes]] = {}
        self._news = True
        self._status = BatteryBusStatus()

    def step(self, now_us: int, view: View) -> BatteryBusStatus:
        """Take in what arrived on the port, and say what the batteries have to hear."""
        sent = self._receive(view.inputs.received)
        standby = view.start_stop.state is State.STANDBY
        if view.looks:
            if not standby:
                self._assign(now_us, view, sent)
            self._beacon(now_us, view, sent)
            self._command(view, sent)
        if view.looks or view.inputs.tool:
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
                )
        if standby and (self._announced or self._heard):
            self._forget()
        return replace(self._status, sent=tuple(sent)) if sent else self._status

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
                told = (positive, negative), flags, humidity_pct
                if told == (heard.terminals, heard.flags, heard.humidity_pct):
                    return  # only its counter, which each report raises
                heard.terminals, heard.flags, heard.humidity_pct = told
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
        elif kind == private.PING:
            sent.append(private.pong(node, private.read_token(data)))

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
        if view.start_stop.state is State.STANDBY or now_us < self.due_us:
            return
        self.due_us = now_us + BEACON_PERIOD_US
        self._counter = (self._counter + 1) & 0xFF
        performance = view.settings.values.get("battery_strategy", 0)
        flags = private.FLAG_WAKE | (private.FLAG_PERFORMANCE if performance else 0)
        sent.append(private.beacon(view.start_stop.state, len(self._heard), flags, self._counter))

    def _command(self, view: View, sent: list[Frame]) -> None:
        self._command_balancing(dict(view.balancing.masks), sent)
        wanted = view.fans.batteries_on
        if wanted is self._fans_on or not self._heard:
            return
        self._fans_on = wanted
        code = private.COMMAND_FAN_ON if wanted else private.COMMAND_FAN_OFF
        for node, heard in self._heard.items():
            if heard.type.fan:
                sent.append(private.command(node, code, 0, self._counter))

    def _command_balancing(self, wanted: dict[int, int], sent: list[Frame]) -> None:
        if wanted == self._balanced:
            return
        for node in self._heard:
            mask = wanted.get(node, 0)
            if mask != self._balanced.get(node, 0):
                sent.append(private.command(node, private.COMMAND_BALANCE, mask, self._counter))
        self._balanced = wanted

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
        self._last.clear()
        self._conflict = False
        self._news = True
        self._fans_on = None
        self._balanced = {}
