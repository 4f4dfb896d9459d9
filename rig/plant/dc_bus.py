"""The DC bus that systems and instruments share: its link, what hangs on it, and all their time.

Between two calls of `advance` every demand is constant; demands are looked at afresh in each call,
so an instrument settles its port BEFORE it changes one. With a contactor closed the link follows
the strings at once (its time constant is below 1 ms) and its own charge is neglected; closing onto
a difference is an instant event. Inductance is neglected: a real inrush peaks lower.
Several systems side by side are one voltage behind one resistance to the bus, of this instant or of
a step's end: the split between them is as stable as that between strings.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from instruments.twins.bus import Bus
from rig.plant.contactor import Contact
from rig.plant.ports import LoadPort, SourcePort

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.twins.electrical import LoadDemand, SourceDemand
    from rig.plant.branch import Branch

STEP_US_MAX = 10_000_000  # parallel strings and the curvature of the tables ask for it
HELD_STEP_US_MAX = 1_000_000  # current follows the battery while the voltage is held
PRECHARGE_STEP_US_MAX = 1_000_000  # the battery's voltage is taken as constant meanwhile
SHARED_PRECHARGE_STEP_US_MAX = 20_000  # as the bus's own substeps of a single one
IDLE_STEP_US_MAX = 3_600_000_000  # chosen: nothing flows, any step is exact
SAMPLE_US = 100_000  # chosen: the control grid; a cell at 1C moves by a tenth of a millivolt in it
HOLD_US_MAX = 1_000_000  # chosen: what is steady is sampled once a second
HOLD_V_MAX = 0.00005  # chosen: half of the last digit that a battery module tells


class DcBus:
    """One link with its branches, sources and loads. `Plant` is one branch's terminals."""

    __slots__ = (
        "_bus",
        "_capacitance_f",
        "_clock",
        "_hold_us",
        "_sampled_v",
        "_solved",
        "_stale",
        "branches",
        "now_us",
        "on_solution",
        "on_touch",
    )

    def __init__(
        self, capacitance_f: float, siemens: float, clock: Callable[[], int] | None = None
    ) -> None:
        """`clock` says the present instant to the instruments' ports; None: the bus's own."""
        self._clock = clock
        self.now_us = 0 if clock is None else clock()
        self._capacitance_f = capacitance_f
        self._bus = Bus(capacitance_f, siemens)
        self._stale = True
        self._hold_us = SAMPLE_US
        self._sampled_v: list[float] = []
        self._solved = 0
        self.branches: list[Branch] = []
        # Hears of every new solution; it may look at the circuit and change nothing.
        self.on_solution: Callable[[], None] | None = None
        # Called when something is, or may be, switched or moved: what was put off is due now.
        self.on_touch: list[Callable[[], None]] = []

    # Time

    def advance(self, now_us: int) -> None:
        """Bring the circuit to this instant. Raises ValueError if it lies in the past."""
        if now_us < self.now_us:
            raise ValueError(f"plant is at {self.now_us} us, asked to go back to {now_us} us")
        if self._bus.refresh():
            self._stale = True
        while (event_us := self.next_event_us) is not None and event_us <= now_us:
            self._run_to(event_us)
            for branch in self.branches:
                if branch.contactor.next_event_us == event_us:
                    self.change(branch, branch.contactor.switch)
        self._run_to(now_us)

    def sample(self, now_us: int) -> None:
        """Bring the circuit near enough to this instant for who measures and changes nothing.

        While a contactor conducts everything but a switched demand or contact is slow: then
        the cells are those of a moment ago, under the demands of now. The moment is the control
        grid's, or longer, as long as no cell moves by more than HOLD_V_MAX in it.
        """
        event_us = self.next_event_us
        moves = event_us is not None and event_us <= now_us
        if moves or not self._is_slow:
            self.advance(now_us)
        elif self._bus.refresh():
            self._stale = True
            self._hold_us = SAMPLE_US
        elif now_us - self.now_us >= self._hold_us:
            before_us = self.now_us
            self.advance(now_us)
            self._pace(now_us - before_us)

    @property
    def held_until_us(self) -> int:
        """Until when the cells are held as they are, if nobody touches anything."""
        if self.next_event_us is not None or not self._is_slow:
            return self.now_us
        return self.now_us + self._hold_us

    @property
    def next_event_us(self) -> int | None:
        """When contacts move next, None if all are at rest."""
        first_us = None
        for branch in self.branches:
            event_us = branch.contactor.next_event_us
            if event_us is not None and (first_us is None or event_us < first_us):
                first_us = event_us
        return first_us

    def touch(self) -> None:
        """Something is about to be switched or moved."""
        self._hold_us = SAMPLE_US
        for told in self.on_touch:
            told()

    def settle(self) -> None:
        """Bring the circuit to the clock's present, for who may change something in it next."""
        self.touch()
        self.advance(self.now_us if self._clock is None else self._clock())

    @property
    def _is_slow(self) -> bool:
        """Whether the link is held by strings, and nothing pre-charges or is about to melt."""
        held = False
        for branch in self.branches:
            if branch.conducts:
                if not branch.fuse.endures(branch.current_a):
                    return False
                held = True
            elif branch.precharges:
                return False
        return held

    def _pace(self, elapsed_us: int) -> None:
        """Find out for how long the cells may be held, by how they moved in the last time."""
        before = self._sampled_v
        modules = [module for branch in self.branches for module in branch.pack.modules]
        now = self._sampled_v = [v for module in modules for v in module.cell_voltages()]
        if len(before) != len(now):
            return
        moved_v = max(abs(a - b) for a, b in zip(before, now, strict=True))
        steps = int(HOLD_V_MAX / max(moved_v, 1e-9) * elapsed_us / SAMPLE_US)
        longest_us = min(2 * self._hold_us, HOLD_US_MAX)
        self._hold_us = min(max(steps * SAMPLE_US, SAMPLE_US), longest_us)

    # What is switched and what hangs on it

    def join(self, branch: Branch) -> None:
        """Hang another system onto the bus."""
        self.touch()
        self.branches.append(branch)
        self._stale = True

    def unsettle(self) -> None:
        """Something in a branch has changed that no step shows: solve anew."""
        self._stale = True

    def change(self, branch: Branch, change: Callable[[], None]) -> None:
        """Switch, break or mend something in a branch's path, now."""
        self.refresh()
        conducted = branch.conducts
        # The gap of a bounce leaves no record: the link has hardly moved in it.
        in_gap = branch.contactor.contact is Contact.BOUNCED
        inrush = branch.last_inrush
        change()
        if branch.conducts and not conducted:
            others = [other for other in self.branches if other is not branch and other.conducts]
            siemens = 0.0
            for other in others:
                siemens += 1.0 / (other.pack.now()[1] + other.loop_ohm)
            other_ohm = 1.0 / siemens if others else math.inf
            branch.touches(self.now_us, self._bus.voltage_v, self._capacitance_f, other_ohm)
            if in_gap:
                branch.last_inrush = inrush
        self._stale = True

    def attach_source(self, demand: SourceDemand) -> SourcePort:
        """Connect a source; its demand is read in every advance."""
        self._bus.sources.append(demand)
        return SourcePort(self, self._bus, len(self._bus.sources) - 1)

    def attach_load(self, demand: LoadDemand) -> LoadPort:
        """Connect a load; its demand is read in every advance."""
        self._bus.loads.append(demand)
        return LoadPort(self, self._bus, len(self._bus.loads) - 1)

    # What can be measured

    @property
    def solution(self) -> int:
        """A number that changes with every new solution: under the same one nothing has moved."""
        self.refresh()
        return self._solved

    @property
    def voltage_v(self) -> float:
        """At the bus."""
        self.refresh()
        return self._bus.voltage_v

    @property
    def path_a(self) -> float:
        """What the branches give into the bus."""
        self.refresh()
        total = -self.branches[0].current_a
        for branch in self.branches[1:]:
            total -= branch.current_a
        return total

    def refresh(self) -> None:
        """Solve the circuit for this instant if anything has changed since."""
        if not self._stale:
            for branch in self.branches:
                if branch.pack.changed:
                    break
            else:
                return
        if len(self.branches) == 1:
            self._solve_one(self.branches[0])
        else:
            self._solve_all()
        self._stale = False
        self._solved += 1
        if self.on_solution is not None:
            self.on_solution()

    def _solve_one(self, branch: Branch) -> None:
        """As `_solve_all`, without its lists."""
        emf_v, ohm = branch.pack.now()
        path_ohm, current_a = self._path_now(branch, ohm), 0.0
        if branch.conducts:
            self._bus.voltage_v = self._bus.solve(emf_v, path_ohm)
        if path_ohm != math.inf:
            current_a = (self._bus.voltage_v - emf_v) / path_ohm
        branch.settle(current_a, emf_v, ohm)

    def _solve_all(self) -> None:
        solved = [branch.pack.now() for branch in self.branches]
        paths = [
            self._path_now(branch, ohm)
            for branch, (_, ohm) in zip(self.branches, solved, strict=True)
        ]
        held = [
            (emf_v, path_ohm)
            for branch, (emf_v, _), path_ohm in zip(self.branches, solved, paths, strict=True)
            if branch.conducts
        ]
        if held:
            # A pre-charge path onto a held bus carries milliamperes: it does not move it.
            self._bus.voltage_v = self._bus.solve(*_side_by_side(held))
        for branch, (emf_v, ohm), path_ohm in zip(self.branches, solved, paths, strict=True):
            current_a = 0.0
            if path_ohm != math.inf:
                current_a = (self._bus.voltage_v - emf_v) / path_ohm
            branch.settle(current_a, emf_v, ohm)

    @staticmethod
    def _path_now(branch: Branch, ohm: float) -> float:
        if branch.conducts:
            return ohm + branch.loop_ohm
        if branch.precharges:
            return ohm + branch.loop_ohm + branch.precharge.resistance_ohm()
        return math.inf

    # Steps

    def _run_to(self, now_us: int) -> None:
        while self.now_us < now_us:
            left_us = now_us - self.now_us
            conducts = precharging = False
            for branch in self.branches:
                branch.begin()
                if branch.conducts:
                    conducts = True
                elif branch.precharges:
                    precharging = True
            if precharging and len(self.branches) > 1:
                step_us = self._step_shared_precharge(
                    min(left_us, SHARED_PRECHARGE_STEP_US_MAX), conducts=conducts
                )
            elif conducts:
                step_us = self._step_closed(left_us)
            elif precharging:
                step_us = self._step_precharge(min(left_us, PRECHARGE_STEP_US_MAX))
            else:
                alone = all(branch.pack.alone for branch in self.branches)
                limit_us = IDLE_STEP_US_MAX if alone else STEP_US_MAX
                step_us = self._step_open(min(left_us, limit_us))
            self.now_us += step_us
            self._stale = True

    def _step_closed(self, left_us: int) -> int:
        step_us = min(left_us, STEP_US_MAX)
        bus_v = self._solve_at_end(step_us * 1e-6)
        if step_us > HELD_STEP_US_MAX and self._bus.held(bus_v):
            step_us = HELD_STEP_US_MAX
            bus_v = self._solve_at_end(step_us * 1e-6)
        melts_us = self._melts_us(bus_v, step_us)
        if melts_us < step_us:
            step_us = melts_us
            bus_v = self._solve_at_end(step_us * 1e-6)
        dt_s = step_us * 1e-6
        for branch in self.branches:
            branch.precharge.rest(dt_s)
            conducts = branch.conducts
            branch.move(dt_s, (bus_v - branch.emf_v) / branch.ohm if conducts else 0.0)
        return step_us

    def _solve_at_end(self, dt_s: float) -> float:
        paths = [branch.at_end(dt_s) for branch in self.branches if branch.conducts]
        return self._bus.solve(*_side_by_side(paths))

    def _melts_us(self, bus_v: float, step_us: int) -> int:
        """The step, or less if a main fuse melts in it; at least a microsecond."""
        for branch in self.branches:
            if branch.conducts:
                current_a = (bus_v - branch.emf_v) / branch.ohm
                if branch.fuse.endures(current_a):
                    continue
                melts_s = branch.fuse.melts_in_s(current_a)
                if melts_s * 1e6 < step_us:
                    step_us = max(math.ceil(melts_s * 1e6), 1)
        return step_us

    def _step_precharge(self, step_us: int) -> int:
        dt_s = step_us * 1e-6
        (branch,) = self.branches
        emf_v, ohm = branch.pack.now()
        self._bus.path_charge_c = 0.0
        self._bus.precharge(dt_s, emf_v, ohm + branch.loop_ohm, branch.precharge)
        branch.move(dt_s, -self._bus.path_charge_c / dt_s)
        return step_us

    def _step_shared_precharge(self, step_us: int, *, conducts: bool) -> int:
        """A short step in which some pre-charge, onto a dead link or one that others hold."""
        dt_s = step_us * 1e-6
        bus = self._bus
        paths: list[tuple[Branch, float, float]] = []
        for branch in self.branches:
            if branch.conducts:
                emf_v, ohm = branch.at_end(dt_s)
                paths.append((branch, emf_v, ohm))
            elif branch.precharges:
                emf_v, ohm = branch.pack.now()
                ohm += branch.loop_ohm + branch.precharge.resistance_ohm()
                paths.append((branch, emf_v, ohm))
        emf_v, ohm = _side_by_side([(emf_v, ohm) for _, emf_v, ohm in paths])
        if conducts:
            mean_v = bus.solve(emf_v, ohm)
        else:
            bus.path_charge_c = 0.0
            bus.drift(dt_s, emf_v, 1.0 / ohm)
            mean_v = emf_v - bus.path_charge_c * ohm / dt_s
        currents = {id(branch): (mean_v - emf_v) / ohm for branch, emf_v, ohm in paths}
        for branch in self.branches:
            current_a = currents.get(id(branch), 0.0)
            if branch.precharges and not branch.conducts:
                branch.precharge.warm(dt_s, current_a)
            else:
                branch.precharge.rest(dt_s)
            branch.move(dt_s, current_a)
        return step_us

    def _step_open(self, step_us: int) -> int:
        dt_s = step_us * 1e-6
        self._bus.drift(dt_s, 0.0, 0.0)
        for branch in self.branches:
            branch.precharge.rest(dt_s)
            branch.move(dt_s, 0.0)
        return step_us


def _side_by_side(paths: list[tuple[float, float]]) -> tuple[float, float]:
    """One voltage and resistance for several; a single one is itself, bit by bit."""
    if len(paths) == 1:
        return paths[0]
    siemens = ampere = 0.0
    for emf_v, ohm in paths:
        siemens += 1.0 / ohm
        ampere += emf_v / ohm
    return ampere / siemens, 1.0 / siemens
