"""A DC bus: link capacitance, fixed resistances, and the laws of all sources and loads.

The laws are piecewise in the bus voltage: a source gives its current up to its set voltage and, if
it has a sink quadrant, takes current in above it; a load in CV takes whatever holds its level.
Between two break points the bus is a current, a power and a conductance (`Segment`); on a break
point a source or load may hold the bus by taking part of its current. One table of segments,
rebuilt when a demand changes, serves the closed circuit (`solve`, algebra) and the open one
(`drift`, exact exponentials).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from instruments.twins.electrical import LoadDemand, LoadMode, SourceDemand
from instruments.twins.laws import (
    LOAD_FLOOR_V,
    LOAD_OHM_MIN,
    ceiling_a,
    load_current_a,
    load_edges,
    sink_limit_a,
    source_edges,
    source_limit_a,
)

SUBSTEP_S_MAX = 0.020  # chosen: below 0.2 mV of error on the reference NTC, at 4 us a step
SUBSTEP_S_MIN = 0.001  # chosen: below this a step costs more than it shows
SUBSTEP_TAUS_MAX = 0.1  # chosen: the current is then straight enough to be squared
POWER_CHANGE_MAX = 0.05  # chosen: a constant power's current changes by 5 % a substep at most
VOLTAGE_SMALL = 0.1  # chosen: below it no law asks for constant power
NEVER_S = math.inf


class WarmingResistance(Protocol):
    """A resistance that its own heat changes, as a pre-charge element's."""

    def resistance_ohm(self) -> float:
        """The resistance now."""

    def resistance_ohm_after(self, dt_s: float, power_w: float) -> float:
        """The resistance to expect after `dt_s` at this power, without going there."""

    def heat(self, dt_s: float, power_w: float) -> None:
        """Move the temperature on by `dt_s` at this power."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Between `low_v` and `high_v`: current into the bus = ampere + watt/V - siemens*V."""

    low_v: float
    high_v: float
    ampere: float
    watt: float
    siemens: float


@dataclass(frozen=True, slots=True)
class BreakPoint:
    """Who can hold the voltage of a break point, and what is missing there for balance."""

    missing_a: float  # negative: to be taken out
    shared_a: float  # what the sources among the holders can give
    sinkable_a: float  # what they can take in
    holders: int  # loads in CV


class Bus:
    """Sources, loads, capacitance. Currents INTO the bus are positive here."""

    __slots__ = (
        "_base_siemens",
        "_capacitance_f",
        "_hint",
        "_seen_loads",
        "_seen_sources",
        "_segments",
        "loads",
        "path_charge_c",
        "sources",
        "voltage_v",
    )

    def __init__(self, capacitance_f: float, siemens: float) -> None:
        self._capacitance_f = capacitance_f
        self._base_siemens = siemens
        self.sources: list[SourceDemand] = []
        self.loads: list[LoadDemand] = []
        self._seen_sources: list[tuple[bool, float, float, float, float, float]] = []
        self._seen_loads: list[tuple[bool, LoadMode, float, float]] = []
        self._segments = [Segment(0.0, math.inf, 0.0, 0.0, siemens)]
        self._hint = 0
        self.voltage_v = 0.0
        self.path_charge_c = 0.0

    def refresh(self) -> bool:
        """Take over what the instruments demand now; whether anything is new."""
        sources = [
            (
                d.enabled,
                d.voltage_v,
                d.current_limit_a,
                d.power_limit_w,
                d.sink_current_limit_a,
                d.sink_power_limit_w,
            )
            for d in self.sources
        ]
        loads = [(d.enabled, d.mode, d.level, d.current_limit_a) for d in self.loads]
        if sources == self._seen_sources and loads == self._seen_loads:
            return False
        self._seen_sources = sources
        self._seen_loads = loads
        self._rebuild()
        return True

    def solve(self, emf_v: float, ohm: float) -> float:
        """The bus voltage when a stiff voltage feeds it through this resistance.

        Walks from the last segment towards the solution; turning back means that it lies on the
        break point between. A constant power that the battery cannot give ends further down.
        """
        segments = self._segments
        k = self._hint
        came = 0
        while True:
            s = segments[k]
            a = s.siemens + 1.0 / ohm
            b = s.ampere + emf_v / ohm
            if s.watt == 0.0:
                v = b / a
            else:
                d = b * b + 4.0 * a * s.watt
                v = (b + math.sqrt(d)) / (2.0 * a) if d >= 0.0 else -1.0
            if v > s.high_v:
                if came < 0:
                    v = s.high_v
                    break
                came = 1
                k += 1
            elif v < s.low_v:
                if came > 0 or k == 0:
                    v = s.low_v
                    break
                came = -1
                k -= 1
            else:
                break
        self._hint = k
        return v

    def held(self, voltage_v: float) -> bool:
        """Whether this voltage is, or is about to be, held by a source or load."""
        return any(abs(voltage_v - s.low_v) < 0.01 * voltage_v for s in self._segments)

    def drift(self, dt_s: float, emf_v: float, siemens: float) -> None:
        """Let the link move by `dt_s`, fed from a stiff voltage through this conductance (or 0).

        Adds what came through that path to `path_charge_c`.
        """
        left_s = dt_s
        while left_s > 0.0:
            k = self._hint = self._locate(self.voltage_v, self._hint)
            s = self._segments[k]
            moves = True
            if self.voltage_v in (s.high_v, s.low_v):
                moves = self._leaves(k, emf_v, siemens)
                s = self._segments[self._hint]
            took_s = self._run(s, left_s, emf_v, siemens) if moves else 0.0
            if took_s <= 0.0:
                took_s = left_s if s.watt == 0.0 else min(left_s, SUBSTEP_S_MAX)
                self.path_charge_c += (emf_v - self.voltage_v) * siemens * took_s
            left_s -= took_s

    def precharge(self, dt_s: float, emf_v: float, ohm: float, element: WarmingResistance) -> None:
        """Let the link move by `dt_s`, fed through the pre-charge element behind `ohm`.

        Substeps of at most 20 ms with the element's resistance taken at the middle of each.
        """
        tau_s = (element.resistance_ohm() + ohm) * self._capacitance_f
        substep_s = min(SUBSTEP_S_MAX, max(SUBSTEP_TAUS_MAX * tau_s, SUBSTEP_S_MIN))
        count = max(1, math.ceil(dt_s / substep_s - 1e-9))
        h = dt_s / count
        for _ in range(count):
            r = element.resistance_ohm()
            i0 = (emf_v - self.voltage_v) / (r + ohm)
            r = element.resistance_ohm_after(0.5 * h, i0 * i0 * r)
            i0 = (emf_v - self.voltage_v) / (r + ohm)
            self.drift(h, emf_v, 1.0 / (r + ohm))
            i1 = (emf_v - self.voltage_v) / (r + ohm)
            # Mean of the square of a current that runs from i0 to i1 nearly straight.
            element.heat(h, r * (i0 * i0 + i0 * i1 + i1 * i1) / 3.0)

    def source_current_a(self, index: int, path_a: float) -> float:
        """What this source gives, `path_a` being what the battery gives into the bus.

        Negative: what it takes in.
        """
        v = self.voltage_v
        demand = self.sources[index]
        if not demand.enabled:
            return 0.0
        if v > demand.voltage_v:
            return 0.0 - sink_limit_a(demand, v)
        limit = source_limit_a(demand, v)
        if v < demand.voltage_v:
            return limit
        at = self._at_break_point(path_a)
        if at.missing_a < 0.0 < at.sinkable_a:
            return -sink_limit_a(demand, v) * min(-at.missing_a / at.sinkable_a, 1.0)
        if at.shared_a <= 0.0:
            return 0.0
        return limit * min(max(at.missing_a / at.shared_a, 0.0), 1.0)

    def load_current_a(self, index: int, path_a: float) -> float:
        """What this load takes, `path_a` being what the battery gives into the bus."""
        v = self.voltage_v
        demand = self.loads[index]
        if demand.enabled and demand.mode is LoadMode.CV and v == demand.level:
            at = self._at_break_point(path_a)
            # Sources that can take in come first: they regulate harder than a load does.
            surplus_a = max(-at.missing_a - at.sinkable_a, 0.0)
            return min(surplus_a / at.holders, ceiling_a(demand))
        return load_current_a(demand, v)

    def _at_break_point(self, path_a: float) -> BreakPoint:
        v = self.voltage_v
        missing = self._base_siemens * v - path_a
        shared = sinkable = 0.0
        holders = 0
        for source in self.sources:
            if not source.enabled:
                continue
            if v < source.voltage_v:
                missing -= source_limit_a(source, v)
            elif v == source.voltage_v:
                shared += source_limit_a(source, v)
                sinkable += sink_limit_a(source, v)
            else:
                missing += sink_limit_a(source, v)
        for load in self.loads:
            if load.enabled and load.mode is LoadMode.CV and v == load.level:
                holders += 1
            else:
                missing += load_current_a(load, v)
        return BreakPoint(missing, shared, sinkable, holders)

    def _run(self, s: Segment, step_s: float, emf_v: float, siemens: float) -> float:
        """Move inside one segment, at most to its edge; the time that took."""
        v0 = self.voltage_v
        c = self._capacitance_f
        a = s.siemens + siemens
        b = s.ampere + emf_v * siemens
        if s.watt != 0.0:
            # Constant power as its tangent in the voltage, true for a small change of it.
            v = max(v0, VOLTAGE_SMALL)
            a += s.watt / (v * v)
            b += 2.0 * s.watt / v
        slope = (b - a * v0) / c
        if s.watt != 0.0:
            change_v = POWER_CHANGE_MAX * max(v0, VOLTAGE_SMALL)
            step_s = min(step_s, SUBSTEP_S_MAX, change_v / (abs(slope) + 1e-12))
            if a < 0.0:  # A load at constant power runs away from its balance.
                step_s = min(step_s, -0.2 * c / a)
        edge = s.high_v if slope > 0.0 else s.low_v
        if a == 0.0:
            reach_s = (edge - v0) / slope if slope != 0.0 else NEVER_S
            v1 = v0 + slope * min(step_s, reach_s)
            if reach_s <= step_s:
                v1, step_s = edge, reach_s
            self.path_charge_c += (emf_v - 0.5 * (v0 + v1)) * siemens * step_s
        else:
            final, tau = b / a, c / a
            rest = (edge - final) / (v0 - final) if v0 != final and edge < NEVER_S else 0.0
            reach_s = -tau * math.log(rest) if rest > 0.0 else NEVER_S
            if 0.0 <= reach_s <= step_s:
                v1, step_s = edge, reach_s
            else:
                v1 = final + (v0 - final) * math.exp(-step_s / tau)
            area = final * step_s + (v0 - v1) * tau
            self.path_charge_c += (emf_v * step_s - area) * siemens
        self.voltage_v = v1
        return step_s

    def _leaves(self, k: int, emf_v: float, siemens: float) -> bool:
        """Whether the link leaves this break point; the hint is then the segment it enters."""
        segments = self._segments
        v = self.voltage_v
        lower = k if v == segments[k].high_v else k - 1
        upper = lower + 1
        if _into(segments[upper], v, emf_v, siemens) > 0.0:
            self._hint = upper
            return True
        if lower >= 0 and _into(segments[lower], v, emf_v, siemens) < 0.0:
            self._hint = lower
            return True
        return False

    def _locate(self, voltage_v: float, k: int) -> int:
        segments = self._segments
        while voltage_v > segments[k].high_v:
            k += 1
        while voltage_v < segments[k].low_v:
            k -= 1
        return k

    def _rebuild(self) -> None:
        edges = {0.0}
        for source in self.sources:
            if source.enabled:
                edges.update(source_edges(source))
        for load in self.loads:
            if load.enabled:
                edges.update(load_edges(load))
        lows = sorted(edges)
        highs = [*lows[1:], math.inf]
        self._segments = [self._segment(a, b) for a, b in zip(lows, highs, strict=True)]
        self._hint = self._locate(self.voltage_v, 0)

    def _segment(self, low_v: float, high_v: float) -> Segment:
        inside = 0.5 * (low_v + high_v) if high_v < math.inf else low_v + 1.0
        ampere = watt = 0.0
        siemens = self._base_siemens
        for source in self.sources:
            if not source.enabled:
                continue
            if inside > source.voltage_v:
                if source.sink_power_limit_w < source.sink_current_limit_a * inside:
                    watt -= max(source.sink_power_limit_w, 0.0)
                else:
                    ampere -= max(source.sink_current_limit_a, 0.0)
            elif source.power_limit_w < source.current_limit_a * inside:
                watt += max(source.power_limit_w, 0.0)
            else:
                ampere += max(source.current_limit_a, 0.0)
        for load in self.loads:
            ohm = max(load.level, LOAD_OHM_MIN)
            if load.enabled and load.mode is LoadMode.CR and inside <= load.current_limit_a * ohm:
                siemens += 1.0 / ohm
            elif (
                load.enabled and load.mode is LoadMode.CP and inside * ceiling_a(load) > load.level
            ):
                watt -= max(load.level, 0.0) if inside > LOAD_FLOOR_V else 0.0
            else:
                ampere -= load_current_a(load, inside)
        return Segment(low_v, high_v, ampere, watt, siemens)


def _into(s: Segment, voltage_v: float, emf_v: float, siemens: float) -> float:
    ampere = s.ampere - s.siemens * voltage_v + (emf_v - voltage_v) * siemens
    return ampere + s.watt / max(voltage_v, LOAD_FLOOR_V) if s.watt != 0.0 else ampere
