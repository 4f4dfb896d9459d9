"""The reference kernel: scalar Python, every sum in a fixed order.

Rules of this file: `native/kernel.c` has the same statements in the same order; whoever changes one
changes both, and the test that compares their bits says so. Only + - * /, comparisons, `exp` and
`expm1`. Three functions are longer than elsewhere: calls would cost more than they compute.
"""

from __future__ import annotations

from math import exp, expm1
from typing import TYPE_CHECKING

from rig.plant.kernel import (
    AMBIENT_C,
    AMBIENT_W_PER_K,
    B_R1_SUM,
    B_R2_SUM,
    B_SLOPE_SUM,
    BALANCE_A,
    BURNT,
    CELL,
    CELL_C,
    CELL_EMF_V,
    CELL_J,
    CELL_J_PER_K,
    CELL_R0,
    CELLS,
    CURRENT_A,
    CURVES,
    EFFICIENCY,
    EMF_V,
    END_EMF_V,
    END_OHM,
    EXCHANGE_W_PER_K,
    FIRST,
    GRID,
    HEADER,
    HEAT_J,
    HYSTERESIS,
    HYSTERESIS_RATE,
    LAST,
    LEAK_PER_S,
    LINES,
    LUG_J_PER_K,
    LUG_W_PER_K,
    MEAN_C,
    MINUS_C,
    MINUS_J,
    MINUS_OHM,
    MODULE,
    OFFSET,
    OHM,
    PACK_EMF_V,
    PACK_OHM,
    PARALLEL,
    PER_COULOMB,
    PHASE_S,
    PLUS_C,
    PLUS_J,
    PLUS_OHM,
    POINTS,
    R1_CHARGE,
    R1_DISCHARGE,
    R1_SUM,
    R2_CHARGE,
    R2_DISCHARGE,
    R2_SUM,
    SCALE,
    SEGMENT,
    SERIES,
    SLOPE_SUM,
    SOC,
    SPLIT_END,
    SPLIT_INRUSH,
    T_MAX_C,
    T_MAX_CELL,
    T_MIN_C,
    T_MIN_CELL,
    TABLE_FIRST_C,
    TABLE_LAST,
    TABLE_PER_C,
    TAU_1_S,
    TAU_2_S,
    TICK_S,
    V1,
    V1_SUM,
    V2,
    V2_SUM,
    V_MAX,
    V_MAX_CELL,
    V_MIN,
    V_MIN_CELL,
    WIRE_J,
    WIRE_OHM,
    H,
)
from rig.plant.kernel import R0 as R0_CURVE

if TYPE_CHECKING:
    from array import array

SNAP_S = 1e-9  # a step that ends this near to a tick ends on it

L_HYSTERESIS = LINES + 2 * HYSTERESIS
L_R0 = LINES + 2 * R0_CURVE
L_R1_CHARGE = LINES + 2 * R1_CHARGE
L_R1_DISCHARGE = LINES + 2 * R1_DISCHARGE
L_R2_CHARGE = LINES + 2 * R2_CHARGE
L_R2_DISCHARGE = LINES + 2 * R2_DISCHARGE


class PythonKernel:
    """The kernel that works everywhere."""

    name = "python"

    def advance(self, buf: array[float], tab: array[float], dt_s: float) -> None:
        """Move all cells by `dt_s` at their modules' currents, then `look`."""
        left_s = dt_s
        while left_s > 0.0:
            left_s = _to_tick(buf, tab, left_s)
        self.look(buf, tab)

    def idle(self, buf: array[float], tab: array[float], dt_s: float) -> None:
        """Let `dt_s` pass without any current, in one step however long, then `look`."""
        left_s = dt_s
        if buf[PHASE_S] > 0.0 and left_s > 0.0:
            left_s = _to_tick(buf, tab, left_s)
        ticks = int(left_s / TICK_S)
        if ticks > 0:
            leap_s = ticks * TICK_S
            fall_1 = exp(-leap_s / buf[TAU_1_S])
            fall_2 = exp(-leap_s / buf[TAU_2_S])
            lost = leap_s * buf[LEAK_PER_S]
            at = HEADER
            for _ in range(int(buf[SERIES] * buf[PARALLEL])):
                c = int(buf[at + FIRST])
                for _ in range(int(buf[at + CELLS])):
                    soc = buf[c + SOC] - lost
                    buf[c + SOC] = soc
                    buf[c + V1] = buf[c + V1] * fall_1
                    buf[c + V2] = buf[c + V2] * fall_2
                    if _segment(soc) != int(buf[c + SEGMENT]):
                        buf[c + SEGMENT] = -1.0
                    c += CELL
                at += MODULE
            for _ in range(ticks):
                if not _warm(buf, TICK_S):
                    break  # as warm as the ambient, for good
            left_s = left_s - leap_s
        if left_s > SNAP_S:
            _to_tick(buf, tab, left_s)
        self.look(buf, tab)

    def look(self, buf: array[float], tab: array[float]) -> None:  # noqa: PLR0915 one pass
        """Bring all that follows from the cells' state up to date: voltages, sums, extremes."""
        v_min = t_min = 1e9
        v_max = t_max = -1e9
        v_min_cell = v_max_cell = t_min_cell = t_max_cell = count = 0
        at = HEADER
        for _ in range(int(buf[SERIES] * buf[PARALLEL])):
            current_a = buf[at + CURRENT_A]
            emf_sum = v1_sum = v2_sum = r1_sum = r2_sum = 0.0
            slope_sum = b_r1_sum = b_r2_sum = b_slope_sum = 0.0
            ohm_sum = buf[at + WIRE_OHM] + buf[at + PLUS_OHM] + buf[at + MINUS_OHM]
            c = int(buf[at + FIRST])
            for _ in range(int(buf[at + CELLS])):
                soc = buf[c + SOC]
                if buf[c + SEGMENT] < 0.0:
                    _draw(buf, tab, c, _segment(soc))
                balance_a = buf[c + BALANCE_A]
                v1 = buf[c + V1]
                v2 = buf[c + V2]
                r0 = buf[c + L_R0] + buf[c + L_R0 + 1] * soc
                if current_a + balance_a > 0.0:
                    r1 = buf[c + L_R1_CHARGE] + buf[c + L_R1_CHARGE + 1] * soc
                    r2 = buf[c + L_R2_CHARGE] + buf[c + L_R2_CHARGE + 1] * soc
                else:
                    r1 = buf[c + L_R1_DISCHARGE] + buf[c + L_R1_DISCHARGE + 1] * soc
                    r2 = buf[c + L_R2_DISCHARGE] + buf[c + L_R2_DISCHARGE + 1] * soc
                rest = buf[c + LINES] + buf[c + LINES + 1] * soc
                gap = buf[c + L_HYSTERESIS] + buf[c + L_HYSTERESIS + 1] * soc
                emf = rest + gap * buf[c + H] + v1 + v2 + balance_a * r0
                slope = buf[c + LINES + 1] * buf[c + PER_COULOMB]
                buf[c + CELL_EMF_V] = emf
                buf[c + CELL_R0] = r0
                emf_sum += emf
                ohm_sum += r0
                v1_sum += v1
                v2_sum += v2
                r1_sum += r1
                r2_sum += r2
                slope_sum += slope
                if balance_a != 0.0:
                    b_r1_sum += balance_a * r1
                    b_r2_sum += balance_a * r2
                    b_slope_sum += balance_a * slope
                voltage = emf + current_a * r0
                if voltage < v_min:
                    v_min = voltage
                    v_min_cell = count
                if voltage > v_max:
                    v_max = voltage
                    v_max_cell = count
                warmth = buf[c + CELL_C]
                if warmth < t_min:
                    t_min = warmth
                    t_min_cell = count
                if warmth > t_max:
                    t_max = warmth
                    t_max_cell = count
                count += 1
                c += CELL
            buf[at + EMF_V] = emf_sum
            buf[at + OHM] = ohm_sum
            buf[at + V1_SUM] = v1_sum
            buf[at + V2_SUM] = v2_sum
            buf[at + R1_SUM] = r1_sum
            buf[at + R2_SUM] = r2_sum
            buf[at + SLOPE_SUM] = slope_sum
            buf[at + B_R1_SUM] = b_r1_sum
            buf[at + B_R2_SUM] = b_r2_sum
            buf[at + B_SLOPE_SUM] = b_slope_sum
            at += MODULE
        buf[V_MIN] = v_min
        buf[V_MIN_CELL] = v_min_cell
        buf[V_MAX] = v_max
        buf[V_MAX_CELL] = v_max_cell
        buf[T_MIN_C] = t_min
        buf[T_MIN_CELL] = t_min_cell
        buf[T_MAX_C] = t_max
        buf[T_MAX_CELL] = t_max_cell

    def now(self, buf: array[float]) -> None:
        """The pack's voltage and resistance at this instant."""
        _parallel(buf, EMF_V, OHM)

    def end(self, buf: array[float], dt_s: float) -> None:
        """The pack's voltage and resistance at the end of a step of `dt_s` at constant current."""
        rise_1 = -expm1(-dt_s / buf[TAU_1_S])
        rise_2 = -expm1(-dt_s / buf[TAU_2_S])
        at = HEADER
        for _ in range(int(buf[SERIES] * buf[PARALLEL])):
            balanced = buf[at + B_R1_SUM] * rise_1 + buf[at + B_R2_SUM] * rise_2
            balanced = balanced + buf[at + B_SLOPE_SUM] * dt_s
            fallen = buf[at + V1_SUM] * rise_1 + buf[at + V2_SUM] * rise_2
            risen = buf[at + R1_SUM] * rise_1 + buf[at + R2_SUM] * rise_2
            buf[at + END_EMF_V] = buf[at + EMF_V] - fallen + balanced
            buf[at + END_OHM] = buf[at + OHM] + risen + buf[at + SLOPE_SUM] * dt_s
            at += MODULE
        _parallel(buf, END_EMF_V, END_OHM)

    def split(self, buf: array[float], current_a: float, how: int) -> None:
        """Give each string its share: by SPLIT_NOW, SPLIT_END or, as charge, SPLIT_INRUSH."""
        series, strings = int(buf[SERIES]), int(buf[PARALLEL])
        emf_at, ohm_at = (END_EMF_V, END_OHM) if how == SPLIT_END else (EMF_V, OHM)
        common = ohm_all = 0.0
        if strings > 1:
            _parallel(buf, emf_at, ohm_at)
            common = buf[PACK_EMF_V]
            ohm_all = buf[PACK_OHM]
        at = HEADER
        for _ in range(strings):
            share = current_a
            if strings > 1:
                emf = ohm = 0.0
                k = at
                for _ in range(series):
                    emf += buf[k + emf_at]
                    ohm += buf[k + ohm_at]
                    k += MODULE
                share = current_a * ohm_all / ohm
                if how != SPLIT_INRUSH:
                    share = share + (common - emf) / ohm
            for _ in range(series):
                buf[at + CURRENT_A] = share
                at += MODULE


def _parallel(buf: array[float], emf_at: int, ohm_at: int) -> None:
    """The strings side by side, each module having its voltage and resistance in these fields."""
    series, strings = int(buf[SERIES]), int(buf[PARALLEL])
    siemens = ampere = 0.0
    emf = ohm = 0.0
    at = HEADER
    for _ in range(strings):
        emf = ohm = 0.0
        for _ in range(series):
            emf += buf[at + emf_at]
            ohm += buf[at + ohm_at]
            at += MODULE
        siemens += 1.0 / ohm
        ampere += emf / ohm
    if strings == 1:
        buf[PACK_EMF_V] = emf
        buf[PACK_OHM] = ohm
    else:
        buf[PACK_EMF_V] = ampere / siemens
        buf[PACK_OHM] = 1.0 / siemens


def _segment(soc: float) -> int:
    """The grid segment of this SOC; the end segments extend beyond the table."""
    j = int(soc * GRID + OFFSET)
    if j < 0:
        j = 0
    elif j > LAST:
        j = LAST
    return j


def _draw(buf: array[float], tab: array[float], c: int, j: int) -> None:
    """Lay the lines of segment j at the cell's temperature into its record."""
    x = (buf[c + CELL_C] - buf[TABLE_FIRST_C]) * buf[TABLE_PER_C]
    k = int(x)
    last = int(buf[TABLE_LAST])
    if x < 0.0:
        x = 0.0
        k = 0
    elif k > last:
        x = last + 1.0
        k = last
    w = x - k
    low = (k * POINTS + j) * CURVES
    high = low + POINTS * CURVES
    soc = (j - OFFSET) / GRID
    scale = 1.0
    line = c + LINES
    for curve in range(CURVES):
        if curve == R0_CURVE:
            scale = buf[c + SCALE]
        a = tab[low] + w * (tab[high] - tab[low])
        b = tab[low + CURVES] + w * (tab[high + CURVES] - tab[low + CURVES])
        slope = (b - a) * GRID * scale
        buf[line] = a * scale - slope * soc
        buf[line + 1] = slope
        low += 1
        high += 1
        line += 2
    buf[c + SEGMENT] = j


def _to_tick(buf: array[float], tab: array[float], left_s: float) -> float:
    """Move all cells to the next tick, or by `left_s` if that comes first; what is left then."""
    room_s = TICK_S - buf[PHASE_S]
    h = left_s if left_s <= room_s + SNAP_S else room_s
    _move(buf, tab, h)
    if left_s >= room_s - SNAP_S:
        _warm(buf, TICK_S)
        buf[PHASE_S] = 0.0
    else:
        buf[PHASE_S] = buf[PHASE_S] + h
    return left_s - h


def _move(buf: array[float], tab: array[float], h: float) -> None:  # noqa: PLR0915 one pass
    """Move all cells by `h` seconds at constant temperature."""
    tau_1, tau_2, gamma = buf[TAU_1_S], buf[TAU_2_S], buf[HYSTERESIS_RATE]
    efficiency, leak = buf[EFFICIENCY], buf[LEAK_PER_S]
    whole_1 = -expm1(-h / tau_1)
    whole_2 = -expm1(-h / tau_2)
    whole_late_1 = 1.0 - whole_1 * tau_1 / h
    whole_late_2 = 1.0 - whole_2 * tau_2 / h
    seen_swing, seen_fall, seen_mean, seen_late = 0.0, 0.0, 1.0, 0.5
    at = HEADER
    for _ in range(int(buf[SERIES] * buf[PARALLEL])):
        current_a = buf[at + CURRENT_A]
        square = current_a * current_a * h
        buf[at + WIRE_J] = buf[at + WIRE_J] + square * buf[at + WIRE_OHM]
        buf[at + PLUS_J] = buf[at + PLUS_J] + square * buf[at + PLUS_OHM]
        buf[at + MINUS_J] = buf[at + MINUS_J] + square * buf[at + MINUS_OHM]
        c = int(buf[at + FIRST])
        for _ in range(int(buf[at + CELLS])):
            balance_a = buf[c + BALANCE_A]
            x = current_a + balance_a
            soc = buf[c + SOC]
            v1 = buf[c + V1]
            v2 = buf[c + V2]
            hys = buf[c + H]
            per_coulomb = buf[c + PER_COULOMB]
            if x > 0.0:
                rate = x * efficiency * per_coulomb - leak
                lost_a = x - x * efficiency
                toward = 1.0
                r1_at, r2_at = c + L_R1_CHARGE, c + L_R2_CHARGE
            else:
                rate = x * per_coulomb - leak
                lost_a = 0.0
                toward = -1.0
                r1_at, r2_at = c + L_R1_DISCHARGE, c + L_R2_DISCHARGE
            j = int(buf[c + SEGMENT])
            if j < 0:
                j = _segment(soc)
                _draw(buf, tab, c, j)
            heat = buf[c + CELL_J]
            left = h
            while True:
                # To the end of the step, or to the edge of the segment if that comes first.
                after = soc + rate * left
                part = left
                next_j = j
                if rate > 0.0:
                    edge = (j + 1 - OFFSET) / GRID
                    if after > edge and j < LAST:
                        part = (edge - soc) / rate
                        after = edge
                        next_j = j + 1
                else:
                    edge = (j - OFFSET) / GRID
                    if after < edge and j > 0:
                        part = (edge - soc) / rate
                        after = edge
                        next_j = j - 1
                if part > 0.0:
                    if part == h:
                        rise_1, rise_2, late_1, late_2 = (
                            whole_1,
                            whole_2,
                            whole_late_1,
                            whole_late_2,
                        )
                    else:
                        rise_1 = -expm1(-part / tau_1)
                        rise_2 = -expm1(-part / tau_2)
                        late_1 = 1.0 - rise_1 * tau_1 / part
                        late_2 = 1.0 - rise_2 * tau_2 / part
                    middle = 0.5 * (soc + after)
                    rest = (buf[c + LINES] + buf[c + LINES + 1] * middle) * part
                    if x != 0.0:
                        r0 = buf[c + L_R0] + buf[c + L_R0 + 1] * middle
                        begun = buf[r1_at] + buf[r1_at + 1] * soc
                        ended = buf[r1_at] + buf[r1_at + 1] * after
                        new = v1 - v1 * rise_1
                        new = new + x * (begun * rise_1 + (ended - begun) * late_1)
                        over = x * part * (r0 + 0.5 * (begun + ended)) - tau_1 * (new - v1)
                        v1 = new
                        begun = buf[r2_at] + buf[r2_at + 1] * soc
                        ended = buf[r2_at] + buf[r2_at + 1] * after
                        new = v2 - v2 * rise_2
                        new = new + x * (begun * rise_2 + (ended - begun) * late_2)
                        over = over + x * part * 0.5 * (begun + ended) - tau_2 * (new - v2)
                        v2 = new
                        if gamma > 0.0 and after != soc:
                            gap = buf[c + L_HYSTERESIS] + buf[c + L_HYSTERESIS + 1] * soc
                            rise = buf[c + L_HYSTERESIS + 1] * (after - soc)
                            swing = after - soc
                            if swing < 0.0:
                                swing = -swing
                            if swing != seen_swing:
                                seen_swing = swing
                                seen_fall = -expm1(-gamma * swing)
                                seen_mean = seen_fall / (gamma * swing)
                                seen_late = (seen_mean - 1.0 + seen_fall) / (gamma * swing)
                            # A line times an exponential, integrated.
                            apart = hys - toward
                            new = toward * (gap + 0.5 * rise)
                            new = new + apart * (gap * seen_mean + rise * seen_late)
                            over = over + part * new
                            hys = hys + (toward - hys) * seen_fall
                        heat = heat + x * over + lost_a * rest
                        if balance_a != 0.0:
                            burnt = balance_a * buf[c + BURNT]
                            if burnt < 0.0:
                                burnt = -burnt
                            heat = heat + burnt * (rest + over)
                    else:
                        v1 = v1 - v1 * rise_1
                        v2 = v2 - v2 * rise_2
                soc = after
                if next_j == j:
                    break
                left = left - part
                j = next_j
                _draw(buf, tab, c, j)
            buf[c + SOC] = soc
            buf[c + V1] = v1
            buf[c + V2] = v2
            buf[c + H] = hys
            buf[c + CELL_J] = heat
            c += CELL
        at += MODULE


def _warm(buf: array[float], dt_s: float) -> bool:  # noqa: PLR0915 one pass
    """Move all temperatures by `dt_s`, the heat since the last tick having come evenly.

    Returns whether any has moved.

    A cell exchanges heat with the mean of its module, the module with the ambient, a terminal with
    the mean: exact exponentials of the mean and of each cell's distance from it.
    """
    any_moved = False
    at = HEADER
    for _ in range(int(buf[SERIES] * buf[PARALLEL])):
        first, cells = int(buf[at + FIRST]), int(buf[at + CELLS])
        mean_c = buf[at + MEAN_C]
        lug_w = buf[at + LUG_W_PER_K]
        fall = exp(-dt_s * lug_w / buf[at + LUG_J_PER_K])
        heat = buf[at + WIRE_J]
        final = mean_c + buf[at + PLUS_J] / dt_s / lug_w
        new = final + (buf[at + PLUS_C] - final) * fall
        if new != buf[at + PLUS_C]:
            any_moved = True
        inflow = buf[at + PLUS_J] - (new - buf[at + PLUS_C]) * buf[at + LUG_J_PER_K]
        heat = heat + buf[at + PLUS_J]
        buf[at + PLUS_C] = new
        final = mean_c + buf[at + MINUS_J] / dt_s / lug_w
        new = final + (buf[at + MINUS_C] - final) * fall
        if new != buf[at + MINUS_C]:
            any_moved = True
        inflow = inflow + buf[at + MINUS_J] - (new - buf[at + MINUS_C]) * buf[at + LUG_J_PER_K]
        heat = heat + buf[at + MINUS_J]
        buf[at + MINUS_C] = new
        inflow = inflow + buf[at + WIRE_J]
        cell_heat = 0.0
        c = first
        for _ in range(cells):
            cell_heat += buf[c + CELL_J]
            c += CELL
        buf[at + HEAT_J] = buf[at + HEAT_J] + heat + cell_heat
        ambient_w = buf[at + AMBIENT_W_PER_K]
        capacity = buf[at + CELL_J_PER_K]
        final = buf[at + AMBIENT_C] + (cell_heat + inflow) / dt_s / ambient_w
        new_mean = final + (mean_c - final) * exp(-dt_s * ambient_w / (capacity * cells))
        away_w = buf[at + EXCHANGE_W_PER_K] + ambient_w / cells
        fall = exp(-dt_s * away_w / capacity)
        mean_heat = cell_heat / cells
        c = first
        for _ in range(cells):
            apart = (buf[c + CELL_J] - mean_heat) / dt_s / away_w
            new = new_mean + apart + (buf[c + CELL_C] - mean_c - apart) * fall
            if new != buf[c + CELL_C]:
                any_moved = True
                buf[c + CELL_C] = new
                buf[c + SEGMENT] = -1.0
            buf[c + CELL_J] = 0.0
            c += CELL
        if new_mean != mean_c:
            any_moved = True
            buf[at + MEAN_C] = new_mean
        buf[at + WIRE_J] = 0.0
        buf[at + PLUS_J] = 0.0
        buf[at + MINUS_J] = 0.0
        at += MODULE
    return any_moved
