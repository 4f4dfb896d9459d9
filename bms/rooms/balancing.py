"""Balancing: which cells of each battery shall give charge, and which take it.

HE batteries, and new ones of LFP, bleed what a cell has too much; the first LFP make moves it from
cell to cell. Each battery is balanced for itself, and only while the system runs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress

from bms.codes import State
from bms.data import limit, limit_us
from bms.firmware import Firmware, Room, Slot, seconds
from bms.status import BalancingStatus, Battery, View
from bms.wire import private

# Which cells bleed: of how far each is above the lowest, the target, and which bleed already.
Bleeds = Callable[[Sequence[float], float, int], int]
# Which cells give and which take: of all voltages, and whether charge is being moved already.
Moves = Callable[[Sequence[float], bool], tuple[int, int]]

BEGINS_ABOVE_V = limit("balancing.begins_above")
ACTIVE_TARGET_V = limit("balancing.active.target")
ACTIVE_BEGINS_V = limit("balancing.active.begins")
NEW_MAKE_FROM = 1701  # stated: week 1 of 2017 (v1.15-03)


def mask_of(chosen: Sequence[bool]) -> int:
    """One bit a cell, the first cell's lowest."""
    return sum(compress((1 << index for index in range(len(chosen))), chosen))


def each_that_is_too_high(over_v: Sequence[float], target_v: float, bleeding: int) -> int:
    """Every cell clearly above the target, until it is there."""
    clearly_v = target_v + BEGINS_ABOVE_V
    return mask_of(
        [v > (target_v if bleeding >> k & 1 else clearly_v) for k, v in enumerate(over_v)]
    )


def past_the_mean_until_the_target(cells_v: Sequence[float], moving: bool) -> tuple[int, int]:
    """Cells above the mean give to those below it, and all rest within the target (v1.14-03)."""
    spread_v = max(cells_v) - min(cells_v)
    if spread_v <= (ACTIVE_TARGET_V if moving else ACTIVE_BEGINS_V):
        return 0, 0
    mean_v = sum(cells_v) / len(cells_v)
    return mask_of([v > mean_v for v in cells_v]), mask_of([v < mean_v for v in cells_v])


@dataclass(frozen=True, slots=True)
class HeControl:
    """How HE batteries are balanced; voltages are above the lowest cell's."""

    bleeds: Bleeds
    target_v: float
    new_make_target_v: float  # of batteries made from 2017 on
    idle_us: int  # for so long no current flows before it begins
    always_above_v: float | None  # beyond this it does not wait, nor for a current to end

    def __str__(self) -> str:
        within = f"within {1000 * self.target_v:g} mV"
        if self.new_make_target_v != self.target_v:
            within += f" (made from 2017 on: {1000 * self.new_make_target_v:g} mV)"
        bleeds = self.bleeds.__name__.replace("_", " ")
        always = self.always_above_v
        at_once = "" if always is None else f", at once above {1000 * always:g} mV"
        return f"{bleeds}, {within}, after {self.idle_us // 60_000_000} min at rest{at_once}"


class Balancing(Room):
    """Decides for every battery by its cells, its family, and for how long it has been at rest."""

    he = Slot(HeControl(each_that_is_too_high, 0.014, 0.005, seconds(300), 0.025))
    lfp_bleeds = Slot[Bleeds](each_that_is_too_high)
    moves = Slot[Moves](past_the_mean_until_the_target)
    timer_starts_anew = Slot(True)
    failure_is_reset = Slot(True)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._period_us = limit_us("balancing.period")
        self._lfp_from_v = limit("balancing.lfp.from")
        self._lfp_target_v = limit("balancing.lfp.target")
        self._flow_a = limit("flow.current")
        self._rested_us = self._last_us = self._due_us = 0
        self._failed: frozenset[int] = frozenset()
        self._status = BalancingStatus()

    def step(self, now_us: int, view: View) -> BalancingStatus:
        """The masks of all batteries. The step once a second is often enough for its timers."""
        elapsed_us, self._last_us = now_us - self._last_us, now_us
        if view.start_stop.state is not State.RUNNING:
            if self.timer_starts_anew:
                self._rested_us = 0
            self._due_us = now_us
            self._status = BalancingStatus(failure=bool(self._failed))
            return self._status
        at_rest = abs(view.inputs.current_a) < self._flow_a
        self._rested_us = self._rested_us + elapsed_us if at_rest else 0
        told = self._told(view)
        if now_us >= self._due_us or told != self._failed:
            self._due_us = now_us + self._period_us
            self._failed = told
            before = dict(self._status.masks)
            masks = {b.node: self._mask(b, before) for b in view.battery_bus.batteries}
            found = tuple((node, mask) for node, mask in masks.items() if mask)
            self._status = BalancingStatus(masks=found, failure=bool(told))
        return self._status

    def _told(self, view: View) -> frozenset[int]:
        """The batteries whose balancer has failed."""
        failed = private.STATUS_BALANCER_FAILED
        now = frozenset(b.node for b in view.battery_bus.batteries if b.flags & failed)
        return now if self.failure_is_reset else now | self._failed

    def _mask(self, battery: Battery, before: dict[int, int]) -> int:
        cells_v, balanced = battery.cell_voltages_v, before.get(battery.node, 0)
        if any(v != v for v in cells_v):
            return 0  # who does not know a cell does not know the lowest
        match battery.type.balancing:
            case "active":
                return self._moved(battery, moving=balanced != 0)
            case "passive" if battery.type.family == "HE":
                return self._bled_he(battery, balanced)
            case "passive":
                return self._bled_lfp(cells_v, balanced)
            case _:
                return 0

    def _bled_he(self, battery: Battery, bleeding: int) -> int:
        he, cells_v = self.he, battery.cell_voltages_v
        lowest_v = min(cells_v)
        always_v = he.always_above_v
        always = always_v is not None and max(cells_v) - lowest_v > always_v
        if self._rested_us < he.idle_us and not always:
            return 0
        new_make = private.week_of(battery.serial) >= NEW_MAKE_FROM
        target_v = he.new_make_target_v if new_make else he.target_v
        return he.bleeds([v - lowest_v for v in cells_v], target_v, bleeding)

    def _bled_lfp(self, cells_v: Sequence[float], bleeding: int) -> int:
        """Near full only: before, the voltage of a cell says little of its charge."""
        if max(cells_v) < self._lfp_from_v and not bleeding:
            return 0
        lowest_v = min(cells_v)
        return self.lfp_bleeds([v - lowest_v for v in cells_v], self._lfp_target_v, bleeding)

    def _moved(self, battery: Battery, *, moving: bool) -> int:
        """Near full only, as well."""
        cells_v = battery.cell_voltages_v
        if battery.node in self._failed or max(cells_v) < self._lfp_from_v:
            return 0
        give, take = self.moves(cells_v, moving)
        return give | take << private.TAKES_FROM_BIT if give and take else 0
