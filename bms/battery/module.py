"""A battery module: it measures its cells, tells the master, and takes its commands."""

from typing import ClassVar

from bms.data import BatteryType
from bms.firmware import Component, Firmware, Room, milliseconds, seconds
from bms.io import BatteryInputs, BatteryOutputs, Frame, Reception
from bms.wire import private

REPORT_PERIOD_US = milliseconds(100)
ANNOUNCE_PERIOD_US = seconds(1)
SLEEP_AFTER_US = seconds(5)  # without a beacon of the master


class Module(Room):
    """Awake while the master sends beacons; registered once it was given a node number."""

    component: ClassVar[Component] = Component.BATTERY

    def __init__(self, firmware: Firmware, kind: BatteryType, serial: int) -> None:
        super().__init__(firmware)
        self.type, self.serial = kind, serial
        self._node: int | None = None
        self._awake_until_us = -1
        self._announce_due_us = self._report_due_us = 0
        self._counter = 0
        self._fan = False
        self._bleed_mask = 0

    def step(self, now_us: int, inputs: BatteryInputs) -> BatteryOutputs:
        """Take in frames; announce until registered, then report every 100 ms."""
        sent: list[Frame] = []
        for reception in inputs.received:
            self._hear(reception, sent)
        if now_us > self._awake_until_us:
            self._node, self._fan, self._bleed_mask = None, False, 0
            return BatteryOutputs()
        if self._node is None:
            due_us = self._announce(now_us, sent)
        else:
            due_us = self._report(now_us, inputs, self._node, sent)
        return BatteryOutputs(
            sent=tuple(sent), fan=self._fan, bleed_mask=self._bleed_mask, next_step_us=due_us
        )

    def _announce(self, now_us: int, sent: list[Frame]) -> int:
        if now_us >= self._announce_due_us:
            self._announce_due_us = now_us + ANNOUNCE_PERIOD_US
            release = self.firmware.version.minor
            sent.append(private.announce(self.serial, self.type.code, self.type.cells, release))
        return self._announce_due_us

    def _hear(self, reception: Reception, sent: list[Frame]) -> None:
        kind, node = private.kind_and_node(reception.frame.identifier)
        data = reception.frame.data
        if len(data) != private.LENGTH:
            return
        if kind == private.BEACON:
            if reception.time_us > self._awake_until_us:
                # Batteries that wake together would announce together: the serial spreads them.
                skew_us = milliseconds(self.serial % 97)
                self._announce_due_us = reception.time_us + skew_us
            elif self._node is not None and private.registered_in(data) == 0:
                # The master started anew before this battery fell asleep: it has to register again.
                self._node, self._announce_due_us = None, reception.time_us
            self._awake_until_us = reception.time_us + SLEEP_AFTER_US
        elif kind == private.ASSIGN:
            serial, given = private.read_assign(data)
            if serial == self.serial:
                self._node = given
                self._report_due_us = reception.time_us + milliseconds(1 + given)
        elif kind == private.COMMAND and node == self._node:
            code, mask, sequence = private.read_command(data)
            self._obey(code, mask)
            sent.append(private.acknowledge(node, code, sequence))

    def _obey(self, code: int, mask: int) -> None:
        if code == private.COMMAND_BALANCE:
            self._bleed_mask = mask
        else:
            self._fan = code == private.COMMAND_FAN_ON and self.type.fan

    def _report(self, now_us: int, inputs: BatteryInputs, node: int, sent: list[Frame]) -> int:
        if now_us < self._report_due_us:
            return self._report_due_us
        self._report_due_us += REPORT_PERIOD_US
        self._counter += 1
        cells = inputs.cell_voltages_v
        for group in range((len(cells) + 3) // 4):
            sent.append(private.cells(node, group, cells[4 * group : 4 * group + 4]))
        temperatures = inputs.cell_temperatures_c
        for group in range((len(temperatures) + 3) // 4):
            part = temperatures[4 * group : 4 * group + 4]
            sent.append(private.temperatures(node, group, part))
        terminals = inputs.positive_terminal_c, inputs.negative_terminal_c
        flags = private.STATUS_FAN if self._fan else 0
        flags |= private.STATUS_BALANCING if self._bleed_mask else 0
        sent.append(private.status(node, terminals, flags, inputs.humidity_pct, self._counter))
        return self._report_due_us
