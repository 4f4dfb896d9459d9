"""A battery module: it measures its cells, tells the master, and takes its commands."""

from collections.abc import Mapping
from typing import ClassVar

from bms.battery.measuring import (
    CELL_VOLTAGE,
    TEMPERATURE,
    InRangeAndAlive,
    OnlyWhatLasts,
    Smoothing,
    SteadyUntilAStep,
    Validation,
)
from bms.battery.programming import APPLICATION, Programming
from bms.data import BatteryType, limit
from bms.firmware import Component, Firmware, Room, Slot, milliseconds, seconds
from bms.io import BatteryInputs, BatteryOutputs, BitTiming, Frame, Reception
from bms.wire import battery_update, private

BIT_RATE = 250_000
REPORT_PERIOD_US = milliseconds(100)
# Chosen: a report is four frames of 0.54 ms; with more than 38 batteries they report less often,
# so that their reports take five sixths of the bus at most.
REPORT_SHARE_US = 2600
# Chosen: of what has not changed, while it is quiet; no multiple of the 250 ms of v1.36-K1, whose
# window would otherwise swallow the same battery every time.
REPEAT_PERIOD_US = milliseconds(900)
IDENTITY = "identity"  # the register of its memory
REPORTS_WITHOUT_IDENTITY = 7  # chosen: told so seldom it is no load, and is not lost for long
ANNOUNCE_PERIOD_US = seconds(1)
SLEEP_AFTER_US = seconds(5)  # without a beacon of the master


def to_the_nearest(value: float) -> int:
    """Above and below zero alike."""
    return round(value)


class Module(Room):
    """Awake while the master sends beacons; registered once it was given a node number."""

    component: ClassVar[Component] = Component.BATTERY
    validation = Slot[type[Validation]](InRangeAndAlive)
    smoothing = Slot[type[Smoothing]](SteadyUntilAStep)
    without_jumps = Slot(
        frozenset({"LFP24"})
    )  # families whose temperatures are told when they last
    rounds = Slot[private.Rounding](to_the_nearest)
    sample_point_pct = Slot(87.5)
    bus_off_recovery_us = Slot[int | None](milliseconds(500))

    keeps_identity = Slot(True)  # what its user calls it

    def __init__(
        self,
        firmware: Firmware,
        kind: BatteryType,
        serial: int,
        registers: Mapping[str, bytes] | None = None,
    ) -> None:
        super().__init__(firmware)
        self.type, self.serial = kind, serial
        self.bit_timing = BitTiming(bit_rate=BIT_RATE, sample_point_pct=self.sample_point_pct)
        self._identity = (registers or {}).get(IDENTITY, b"")
        self._writes: Mapping[str, bytes] = {}
        self._programming = Programming(kind, serial)
        self._leak_below_ohm = 1_000 * limit("leakage.isolation")
        self._node: int | None = None
        self._awake_until_us = -1
        self._announce_due_us = self._report_due_us = 0
        self._report_period_us = REPORT_PERIOD_US
        self._quiet = False
        self._told: tuple[object, ...] = ()
        self._repeat_due_us = 0
        self._off_us: int | None = None  # since when its controller is in bus-off
        self._counter = 0
        self._fan = False
        self._balance_mask = 0
        self._encoded: tuple[object, object, object] = (None, None, None)
        self._measured: list[Frame] = []
        self._begin()

    def _begin(self) -> None:
        """Measure as if for the first time."""
        self._valid_voltages = self.validation(CELL_VOLTAGE)
        self._valid_temperatures = self.validation(TEMPERATURE)
        self._steady = self.smoothing()
        lasting = self.type.family in self.without_jumps
        self._lasting = OnlyWhatLasts() if lasting else None
        self._encoded = None, None, None

    def waits(self) -> bool:
        """While readings that stay the same would be told otherwise in the next report."""
        lasting = self._lasting
        return (
            self._steady.runs
            or self._valid_voltages.runs
            or self._valid_temperatures.runs
            or (lasting is not None and lasting.runs)
        )

    def step(self, now_us: int, inputs: BatteryInputs) -> BatteryOutputs:
        """Take in frames; announce until registered, then report every 100 ms or so.

        While the master says that it is quiet, what has not changed is repeated every 0.9 s.
        """
        if inputs.bus_off:
            return self._wait_for_the_bus(now_us)
        self._off_us = None
        sent: list[Frame] = []
        for reception in inputs.received:
            self._hear(reception, sent)
        if now_us > self._awake_until_us:
            if self._node is not None:
                self._begin()
            self._node, self._fan, self._balance_mask = None, False, 0
            return BatteryOutputs()
        if self._node is None:
            due_us = speaks_us = self._announce(now_us, sent)
        else:
            due_us = self._report(now_us, inputs, self._node, sent)
            speaks_us = max(due_us, self._repeat_due_us) if self._quiet else due_us
        if self._balancer_failed(inputs):
            self._balance_mask = 0  # it waits to be told anew
        low = self._balance_mask & (1 << private.TAKES_FROM_BIT) - 1
        active = self.type.balancing == "active"
        writes, self._writes = self._writes, {}
        return BatteryOutputs(
            writes=writes,
            sent=tuple(sent),
            fan=self._fan,
            bleed_mask=0 if active else low,
            next_step_us=due_us,
            give_mask=low if active else 0,
            take_mask=self._balance_mask >> private.TAKES_FROM_BIT if active else 0,
            speaks_us=speaks_us,
            restart_us=self._programming.restart_us if APPLICATION in writes else 0,
        )

    def _wait_for_the_bus(self, now_us: int) -> BatteryOutputs:
        """In bus-off it neither hears nor is heard, and comes back when it is time to."""
        if self._off_us is None:
            self._off_us = now_us
        wait_us = self.bus_off_recovery_us
        if wait_us is None:
            return BatteryOutputs()
        recover = now_us - self._off_us >= wait_us
        if recover:
            self._off_us = now_us
        due_us = self._off_us + wait_us
        return BatteryOutputs(fan=self._fan, next_step_us=due_us, recover=recover)

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
            crowded_us = REPORT_SHARE_US * private.registered_in(data)
            self._report_period_us = max(REPORT_PERIOD_US, crowded_us)
            self._quiet = private.is_quiet(data)
        elif kind == private.ASSIGN:
            serial, given = private.read_assign(data)
            if serial == self.serial:
                self._node = given
                # Each in its own turn: reports of different batteries do not meet on the bus.
                self._report_due_us = reception.time_us + REPORT_SHARE_US * (1 + given)
                if self.keeps_identity:
                    sent += private.identity(private.IDENTITY, given, self._identity)
        elif kind == private.IDENTIFY and node == self._node and self.keeps_identity:
            self._identity = private.put_together(self._identity, data)
            self._writes = {IDENTITY: self._identity}
            sent += private.identity(private.IDENTITY, node, self._identity)
        elif kind in battery_update.TO_BATTERIES:
            installed = self._programming.hear(kind, node, data, sent)
            if installed is not None:
                self._writes = {APPLICATION: installed}
        elif kind == private.COMMAND and node == self._node:
            code, mask, sequence = private.read_command(data)
            self._obey(code, mask)
            sent.append(private.acknowledge(node, code, sequence))

    def _obey(self, code: int, mask: int) -> None:
        if code == private.COMMAND_BALANCE:
            self._balance_mask = mask if self.type.balancing else 0
        else:
            self._fan = code == private.COMMAND_FAN_ON and self.type.fan

    def _report(self, now_us: int, inputs: BatteryInputs, node: int, sent: list[Frame]) -> int:
        behind_us = now_us - self._report_due_us
        if behind_us < 0:
            return self._report_due_us
        late_us = behind_us % self._report_period_us
        self._report_due_us = now_us - late_us + self._report_period_us
        if late_us and self._quiet:
            return self._report_due_us  # nothing had changed when it was due
        self._encode(now_us, node, inputs)
        terminals = inputs.positive_terminal_c, inputs.negative_terminal_c
        flags = private.STATUS_FAN if self._fan else 0
        flags |= private.STATUS_BALANCING if self._balance_mask else 0
        flags |= private.STATUS_LEAKAGE if self._leaks(inputs.isolation_ohm) else 0
        flags |= 0 if inputs.self_test_passed else private.STATUS_SELF_TEST_FAILED
        flags |= private.STATUS_BALANCER_FAILED if self._balancer_failed(inputs) else 0
        humidity_pct = inputs.humidity_pct
        soh_pct = inputs.soh_pct if self.type.gauge else None
        told = self._measured, terminals, flags, humidity_pct, soh_pct
        if self._quiet and now_us < self._repeat_due_us and told == self._told:
            return self._report_due_us
        self._told, self._repeat_due_us = told, now_us + REPEAT_PERIOD_US
        self._counter += 1
        if self._counter % REPORTS_WITHOUT_IDENTITY == 0 and self.keeps_identity and self._identity:
            sent += private.identity(private.IDENTITY, node, self._identity)
        sent += self._measured
        told_last = self._counter, self.rounds, soh_pct
        sent.append(private.status(node, terminals, flags, humidity_pct, *told_last))
        return self._report_due_us

    def _balancer_failed(self, inputs: BatteryInputs) -> bool:
        """Whether its converters between cells, where it has them, do not run."""
        return self.type.balancing == "active" and not inputs.balancer_works

    def _leaks(self, isolation_ohm: float | None) -> bool:
        """Whether its own detection, where it has one, finds a leak to the chassis."""
        if isolation_ohm is None or not self.type.leakage_detection:
            return False
        return isolation_ohm < self._leak_below_ohm

    def _encode(self, now_us: int, node: int, inputs: BatteryInputs) -> None:
        """Make the frames of what was measured; what is the same object needs no new ones."""
        cells, temperatures = inputs.cell_voltages_v, inputs.cell_temperatures_c
        source = node, cells, temperatures
        same = all(a is b for a, b in zip(source, self._encoded, strict=True))
        if same and not self.waits():
            return
        self._encoded = source
        cells = self._steady.smooth(self._valid_voltages.check(now_us, cells))
        if self._lasting is not None:
            temperatures = self._lasting.keep(now_us, temperatures)
        temperatures = self._valid_temperatures.check(now_us, temperatures)
        self._measured = [
            private.cells(node, group // 4, cells[group : group + 4])
            for group in range(0, len(cells), 4)
        ]
        self._measured += [
            private.temperatures(node, group // 4, temperatures[group : group + 4], self.rounds)
            for group in range(0, len(temperatures), 4)
        ]
