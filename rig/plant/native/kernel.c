/* The native kernel: rig/plant/kernel_python.py, statement by statement, in C.

   Rules of this file: same statements, same order, same bits. Compile with -ffp-contract=off and
   without -ffast-math: a fused multiply-add gives other bits. The indices are those of
   rig/plant/kernel.py; a test compares them. No Python here: it is a plain shared library. */

#include <math.h>

#define TICK_S 10.0
#define SNAP_S 1e-9
#define GRID 200.0
#define OFFSET 20.0
#define LAST 239
#define POINTS (LAST + 2)

enum { OCV, HYSTERESIS, R0, R1_CHARGE, R1_DISCHARGE, R2_CHARGE, R2_DISCHARGE, CURVES };

enum {
    SERIES, PARALLEL, TAU_1_S, TAU_2_S, HYSTERESIS_RATE, EFFICIENCY, LEAK_PER_S, PHASE_S,
    TABLE_FIRST_C, TABLE_PER_C, TABLE_LAST, PACK_EMF_V, PACK_OHM, V_MIN, V_MIN_CELL, V_MAX,
    V_MAX_CELL, T_MIN_C, T_MIN_CELL, T_MAX_C, T_MAX_CELL
};
#define HEADER 24

enum {
    FIRST, CELLS, WIRE_OHM, CURRENT_A, EMF_V, OHM, END_EMF_V, END_OHM, V1_SUM, V2_SUM, R1_SUM,
    R2_SUM, SLOPE_SUM, B_R1_SUM, B_R2_SUM, B_SLOPE_SUM, CELL_J_PER_K, EXCHANGE_W_PER_K,
    AMBIENT_W_PER_K, AMBIENT_C, LUG_J_PER_K, LUG_W_PER_K, PLUS_C, MINUS_C, PLUS_OHM, MINUS_OHM,
    PLUS_J, MINUS_J, WIRE_J, HEAT_J, MEAN_C
};
#define MODULE 32

enum {
    SOC, V1, V2, H, CELL_C, BALANCE_A, BURNT, PER_COULOMB, SCALE, CELL_EMF_V, CELL_R0, CELL_J,
    SEGMENT, LINES
};
#define CELL (LINES + 2 * CURVES + 1)

enum { SPLIT_NOW, SPLIT_END, SPLIT_INRUSH };

#define L_HYSTERESIS (LINES + 2 * HYSTERESIS)
#define L_R0 (LINES + 2 * R0)
#define L_R1_CHARGE (LINES + 2 * R1_CHARGE)
#define L_R1_DISCHARGE (LINES + 2 * R1_DISCHARGE)
#define L_R2_CHARGE (LINES + 2 * R2_CHARGE)
#define L_R2_DISCHARGE (LINES + 2 * R2_DISCHARGE)

static int segment(double soc)
{
    double x = soc * GRID + OFFSET;
    /* Python's int has no limits: clamp before the conversion instead of after it. */
    if (!(x >= 1.0)) return 0;
    if (x >= LAST) return LAST;
    return (int)x;
}

static void draw(double *buf, const double *tab, double *c, int j)
{
    double x = (c[CELL_C] - buf[TABLE_FIRST_C]) * buf[TABLE_PER_C];
    int last = (int)buf[TABLE_LAST];
    int k = (int)x;
    if (x < 0.0) {
        x = 0.0;
        k = 0;
    } else if (k > last) {
        x = last + 1.0;
        k = last;
    }
    double w = x - k;
    const double *low = tab + (k * POINTS + j) * CURVES;
    const double *high = low + POINTS * CURVES;
    double soc = (j - OFFSET) / GRID;
    double scale = 1.0;
    double *line = c + LINES;
    for (int curve = 0; curve < CURVES; curve++) {
        if (curve == R0) scale = c[SCALE];
        double a = low[0] + w * (high[0] - low[0]);
        double b = low[CURVES] + w * (high[CURVES] - low[CURVES]);
        double slope = (b - a) * GRID * scale;
        line[0] = a * scale - slope * soc;
        line[1] = slope;
        low++;
        high++;
        line += 2;
    }
    c[SEGMENT] = j;
}

static void move(double *buf, const double *tab, double h)
{
    double tau_1 = buf[TAU_1_S], tau_2 = buf[TAU_2_S], gamma = buf[HYSTERESIS_RATE];
    double efficiency = buf[EFFICIENCY], leak = buf[LEAK_PER_S];
    double whole_1 = -expm1(-h / tau_1);
    double whole_2 = -expm1(-h / tau_2);
    double whole_late_1 = 1.0 - whole_1 * tau_1 / h;
    double whole_late_2 = 1.0 - whole_2 * tau_2 / h;
    double seen_swing = 0.0, seen_fall = 0.0, seen_mean = 1.0, seen_late = 0.5;
    double *at = buf + HEADER;
    int modules = (int)(buf[SERIES] * buf[PARALLEL]);
    for (int m = 0; m < modules; m++) {
        double current_a = at[CURRENT_A];
        double square = current_a * current_a * h;
        at[WIRE_J] = at[WIRE_J] + square * at[WIRE_OHM];
        at[PLUS_J] = at[PLUS_J] + square * at[PLUS_OHM];
        at[MINUS_J] = at[MINUS_J] + square * at[MINUS_OHM];
        double *c = buf + (int)at[FIRST];
        int cells = (int)at[CELLS];
        for (int n = 0; n < cells; n++) {
            double balance_a = c[BALANCE_A];
            double x = current_a + balance_a;
            double soc = c[SOC], v1 = c[V1], v2 = c[V2], hys = c[H];
            double per_coulomb = c[PER_COULOMB];
            double rate, lost_a, toward;
            const double *r1_at, *r2_at;
            if (x > 0.0) {
                rate = x * efficiency * per_coulomb - leak;
                lost_a = x - x * efficiency;
                toward = 1.0;
                r1_at = c + L_R1_CHARGE;
                r2_at = c + L_R2_CHARGE;
            } else {
                rate = x * per_coulomb - leak;
                lost_a = 0.0;
                toward = -1.0;
                r1_at = c + L_R1_DISCHARGE;
                r2_at = c + L_R2_DISCHARGE;
            }
            int j = (int)c[SEGMENT];
            if (j < 0) {
                j = segment(soc);
                draw(buf, tab, c, j);
            }
            double heat = c[CELL_J];
            double left = h;
            for (;;) {
                double after = soc + rate * left;
                double part = left;
                int next_j = j;
                if (rate > 0.0) {
                    double edge = (j + 1 - OFFSET) / GRID;
                    if (after > edge && j < LAST) {
                        part = (edge - soc) / rate;
                        after = edge;
                        next_j = j + 1;
                    }
                } else {
                    double edge = (j - OFFSET) / GRID;
                    if (after < edge && j > 0) {
                        part = (edge - soc) / rate;
                        after = edge;
                        next_j = j - 1;
                    }
                }
                if (part > 0.0) {
                    double rise_1, rise_2, late_1, late_2;
                    if (part == h) {
                        rise_1 = whole_1;
                        rise_2 = whole_2;
                        late_1 = whole_late_1;
                        late_2 = whole_late_2;
                    } else {
                        rise_1 = -expm1(-part / tau_1);
                        rise_2 = -expm1(-part / tau_2);
                        late_1 = 1.0 - rise_1 * tau_1 / part;
                        late_2 = 1.0 - rise_2 * tau_2 / part;
                    }
                    double middle = 0.5 * (soc + after);
                    double rest = (c[LINES] + c[LINES + 1] * middle) * part;
                    if (x != 0.0) {
                        double r0 = c[L_R0] + c[L_R0 + 1] * middle;
                        double begun = r1_at[0] + r1_at[1] * soc;
                        double ended = r1_at[0] + r1_at[1] * after;
                        double new = v1 - v1 * rise_1;
                        new = new + x * (begun * rise_1 + (ended - begun) * late_1);
                        double over = x * part * (r0 + 0.5 * (begun + ended)) - tau_1 * (new - v1);
                        v1 = new;
                        begun = r2_at[0] + r2_at[1] * soc;
                        ended = r2_at[0] + r2_at[1] * after;
                        new = v2 - v2 * rise_2;
                        new = new + x * (begun * rise_2 + (ended - begun) * late_2);
                        over = over + x * part * 0.5 * (begun + ended) - tau_2 * (new - v2);
                        v2 = new;
                        if (gamma > 0.0 && after != soc) {
                            double gap = c[L_HYSTERESIS] + c[L_HYSTERESIS + 1] * soc;
                            double rise = c[L_HYSTERESIS + 1] * (after - soc);
                            double swing = after - soc;
                            if (swing < 0.0) swing = -swing;
                            if (swing != seen_swing) {
                                seen_swing = swing;
                                seen_fall = -expm1(-gamma * swing);
                                seen_mean = seen_fall / (gamma * swing);
                                seen_late = (seen_mean - 1.0 + seen_fall) / (gamma * swing);
                            }
                            double apart = hys - toward;
                            new = toward * (gap + 0.5 * rise);
                            new = new + apart * (gap * seen_mean + rise * seen_late);
                            over = over + part * new;
                            hys = hys + (toward - hys) * seen_fall;
                        }
                        heat = heat + x * over + lost_a * rest;
                        if (balance_a != 0.0) {
                            double burnt = balance_a * c[BURNT];
                            if (burnt < 0.0) burnt = -burnt;
                            heat = heat + burnt * (rest + over);
                        }
                    } else {
                        v1 = v1 - v1 * rise_1;
                        v2 = v2 - v2 * rise_2;
                    }
                }
                soc = after;
                if (next_j == j) break;
                left = left - part;
                j = next_j;
                draw(buf, tab, c, j);
            }
            c[SOC] = soc;
            c[V1] = v1;
            c[V2] = v2;
            c[H] = hys;
            c[CELL_J] = heat;
            c += CELL;
        }
        at += MODULE;
    }
}

static int warm(double *buf, double dt_s)
{
    int any_moved = 0;
    double *at = buf + HEADER;
    int modules = (int)(buf[SERIES] * buf[PARALLEL]);
    for (int m = 0; m < modules; m++) {
        double *first = buf + (int)at[FIRST];
        int cells = (int)at[CELLS];
        double mean_c = at[MEAN_C];
        double lug_w = at[LUG_W_PER_K];
        double fall = exp(-dt_s * lug_w / at[LUG_J_PER_K]);
        double heat = at[WIRE_J];
        double final = mean_c + at[PLUS_J] / dt_s / lug_w;
        double new = final + (at[PLUS_C] - final) * fall;
        if (new != at[PLUS_C]) any_moved = 1;
        double inflow = at[PLUS_J] - (new - at[PLUS_C]) * at[LUG_J_PER_K];
        heat = heat + at[PLUS_J];
        at[PLUS_C] = new;
        final = mean_c + at[MINUS_J] / dt_s / lug_w;
        new = final + (at[MINUS_C] - final) * fall;
        if (new != at[MINUS_C]) any_moved = 1;
        inflow = inflow + at[MINUS_J] - (new - at[MINUS_C]) * at[LUG_J_PER_K];
        heat = heat + at[MINUS_J];
        at[MINUS_C] = new;
        inflow = inflow + at[WIRE_J];
        double cell_heat = 0.0;
        double *c = first;
        for (int n = 0; n < cells; n++) {
            cell_heat += c[CELL_J];
            c += CELL;
        }
        at[HEAT_J] = at[HEAT_J] + heat + cell_heat;
        double ambient_w = at[AMBIENT_W_PER_K];
        double capacity = at[CELL_J_PER_K];
        final = at[AMBIENT_C] + (cell_heat + inflow) / dt_s / ambient_w;
        double new_mean = final + (mean_c - final) * exp(-dt_s * ambient_w / (capacity * cells));
        double away_w = at[EXCHANGE_W_PER_K] + ambient_w / cells;
        fall = exp(-dt_s * away_w / capacity);
        double mean_heat = cell_heat / cells;
        c = first;
        for (int n = 0; n < cells; n++) {
            double apart = (c[CELL_J] - mean_heat) / dt_s / away_w;
            new = new_mean + apart + (c[CELL_C] - mean_c - apart) * fall;
            if (new != c[CELL_C]) {
                any_moved = 1;
                c[CELL_C] = new;
                c[SEGMENT] = -1.0;
            }
            c[CELL_J] = 0.0;
            c += CELL;
        }
        if (new_mean != mean_c) {
            any_moved = 1;
            at[MEAN_C] = new_mean;
        }
        at[WIRE_J] = 0.0;
        at[PLUS_J] = 0.0;
        at[MINUS_J] = 0.0;
        at += MODULE;
    }
    return any_moved;
}

static void parallel(double *buf, int emf_at, int ohm_at)
{
    int series = (int)buf[SERIES], strings = (int)buf[PARALLEL];
    double siemens = 0.0, ampere = 0.0, emf = 0.0, ohm = 0.0;
    const double *at = buf + HEADER;
    for (int s = 0; s < strings; s++) {
        emf = 0.0;
        ohm = 0.0;
        for (int m = 0; m < series; m++) {
            emf += at[emf_at];
            ohm += at[ohm_at];
            at += MODULE;
        }
        siemens += 1.0 / ohm;
        ampere += emf / ohm;
    }
    if (strings == 1) {
        buf[PACK_EMF_V] = emf;
        buf[PACK_OHM] = ohm;
    } else {
        buf[PACK_EMF_V] = ampere / siemens;
        buf[PACK_OHM] = 1.0 / siemens;
    }
}

void cells_look(double *buf, const double *tab)
{
    double v_min = 1e9, t_min = 1e9, v_max = -1e9, t_max = -1e9;
    int v_min_cell = 0, v_max_cell = 0, t_min_cell = 0, t_max_cell = 0, count = 0;
    double *at = buf + HEADER;
    int modules = (int)(buf[SERIES] * buf[PARALLEL]);
    for (int m = 0; m < modules; m++) {
        double current_a = at[CURRENT_A];
        double emf_sum = 0.0, v1_sum = 0.0, v2_sum = 0.0, r1_sum = 0.0, r2_sum = 0.0;
        double slope_sum = 0.0, b_r1_sum = 0.0, b_r2_sum = 0.0, b_slope_sum = 0.0;
        double ohm_sum = at[WIRE_OHM] + at[PLUS_OHM] + at[MINUS_OHM];
        double *c = buf + (int)at[FIRST];
        int cells = (int)at[CELLS];
        for (int n = 0; n < cells; n++) {
            double soc = c[SOC];
            if (c[SEGMENT] < 0.0) draw(buf, tab, c, segment(soc));
            double balance_a = c[BALANCE_A];
            double v1 = c[V1], v2 = c[V2];
            double r0 = c[L_R0] + c[L_R0 + 1] * soc;
            double r1, r2;
            if (current_a + balance_a > 0.0) {
                r1 = c[L_R1_CHARGE] + c[L_R1_CHARGE + 1] * soc;
                r2 = c[L_R2_CHARGE] + c[L_R2_CHARGE + 1] * soc;
            } else {
                r1 = c[L_R1_DISCHARGE] + c[L_R1_DISCHARGE + 1] * soc;
                r2 = c[L_R2_DISCHARGE] + c[L_R2_DISCHARGE + 1] * soc;
            }
            double rest = c[LINES] + c[LINES + 1] * soc;
            double gap = c[L_HYSTERESIS] + c[L_HYSTERESIS + 1] * soc;
            double emf = rest + gap * c[H] + v1 + v2 + balance_a * r0;
            double slope = c[LINES + 1] * c[PER_COULOMB];
            c[CELL_EMF_V] = emf;
            c[CELL_R0] = r0;
            emf_sum += emf;
            ohm_sum += r0;
            v1_sum += v1;
            v2_sum += v2;
            r1_sum += r1;
            r2_sum += r2;
            slope_sum += slope;
            if (balance_a != 0.0) {
                b_r1_sum += balance_a * r1;
                b_r2_sum += balance_a * r2;
                b_slope_sum += balance_a * slope;
            }
            double voltage = emf + current_a * r0;
            if (voltage < v_min) {
                v_min = voltage;
                v_min_cell = count;
            }
            if (voltage > v_max) {
                v_max = voltage;
                v_max_cell = count;
            }
            double warmth = c[CELL_C];
            if (warmth < t_min) {
                t_min = warmth;
                t_min_cell = count;
            }
            if (warmth > t_max) {
                t_max = warmth;
                t_max_cell = count;
            }
            count += 1;
            c += CELL;
        }
        at[EMF_V] = emf_sum;
        at[OHM] = ohm_sum;
        at[V1_SUM] = v1_sum;
        at[V2_SUM] = v2_sum;
        at[R1_SUM] = r1_sum;
        at[R2_SUM] = r2_sum;
        at[SLOPE_SUM] = slope_sum;
        at[B_R1_SUM] = b_r1_sum;
        at[B_R2_SUM] = b_r2_sum;
        at[B_SLOPE_SUM] = b_slope_sum;
        at += MODULE;
    }
    buf[V_MIN] = v_min;
    buf[V_MIN_CELL] = v_min_cell;
    buf[V_MAX] = v_max;
    buf[V_MAX_CELL] = v_max_cell;
    buf[T_MIN_C] = t_min;
    buf[T_MIN_CELL] = t_min_cell;
    buf[T_MAX_C] = t_max;
    buf[T_MAX_CELL] = t_max_cell;
}

static double to_tick(double *buf, const double *tab, double left_s)
{
    double room_s = TICK_S - buf[PHASE_S];
    double h = left_s <= room_s + SNAP_S ? left_s : room_s;
    move(buf, tab, h);
    if (left_s >= room_s - SNAP_S) {
        warm(buf, TICK_S);
        buf[PHASE_S] = 0.0;
    } else {
        buf[PHASE_S] = buf[PHASE_S] + h;
    }
    return left_s - h;
}

void cells_advance(double *buf, const double *tab, double dt_s)
{
    double left_s = dt_s;
    while (left_s > 0.0) left_s = to_tick(buf, tab, left_s);
    cells_look(buf, tab);
}

void cells_idle(double *buf, const double *tab, double dt_s)
{
    double left_s = dt_s;
    if (buf[PHASE_S] > 0.0 && left_s > 0.0) left_s = to_tick(buf, tab, left_s);
    int ticks = (int)(left_s / TICK_S);
    if (ticks > 0) {
        double leap_s = ticks * TICK_S;
        double fall_1 = exp(-leap_s / buf[TAU_1_S]);
        double fall_2 = exp(-leap_s / buf[TAU_2_S]);
        double lost = leap_s * buf[LEAK_PER_S];
        double *at = buf + HEADER;
        int modules = (int)(buf[SERIES] * buf[PARALLEL]);
        for (int m = 0; m < modules; m++) {
            double *c = buf + (int)at[FIRST];
            int cells = (int)at[CELLS];
            for (int n = 0; n < cells; n++) {
                double soc = c[SOC] - lost;
                c[SOC] = soc;
                c[V1] = c[V1] * fall_1;
                c[V2] = c[V2] * fall_2;
                if (segment(soc) != (int)c[SEGMENT]) c[SEGMENT] = -1.0;
                c += CELL;
            }
            at += MODULE;
        }
        for (int n = 0; n < ticks; n++) {
            if (!warm(buf, TICK_S)) break;
        }
        left_s = left_s - leap_s;
    }
    if (left_s > SNAP_S) to_tick(buf, tab, left_s);
    cells_look(buf, tab);
}

void cells_now(double *buf)
{
    parallel(buf, EMF_V, OHM);
}

void cells_end(double *buf, double dt_s)
{
    double rise_1 = -expm1(-dt_s / buf[TAU_1_S]);
    double rise_2 = -expm1(-dt_s / buf[TAU_2_S]);
    double *at = buf + HEADER;
    int modules = (int)(buf[SERIES] * buf[PARALLEL]);
    for (int m = 0; m < modules; m++) {
        double balanced = at[B_R1_SUM] * rise_1 + at[B_R2_SUM] * rise_2;
        balanced = balanced + at[B_SLOPE_SUM] * dt_s;
        double fallen = at[V1_SUM] * rise_1 + at[V2_SUM] * rise_2;
        double risen = at[R1_SUM] * rise_1 + at[R2_SUM] * rise_2;
        at[END_EMF_V] = at[EMF_V] - fallen + balanced;
        at[END_OHM] = at[OHM] + risen + at[SLOPE_SUM] * dt_s;
        at += MODULE;
    }
    parallel(buf, END_EMF_V, END_OHM);
}

void cells_split(double *buf, double current_a, int how)
{
    int series = (int)buf[SERIES], strings = (int)buf[PARALLEL];
    int emf_at = how == SPLIT_END ? END_EMF_V : EMF_V;
    int ohm_at = how == SPLIT_END ? END_OHM : OHM;
    double common = 0.0, ohm_all = 0.0;
    if (strings > 1) {
        parallel(buf, emf_at, ohm_at);
        common = buf[PACK_EMF_V];
        ohm_all = buf[PACK_OHM];
    }
    double *at = buf + HEADER;
    for (int s = 0; s < strings; s++) {
        double share = current_a;
        if (strings > 1) {
            double emf = 0.0, ohm = 0.0;
            const double *k = at;
            for (int m = 0; m < series; m++) {
                emf += k[emf_at];
                ohm += k[ohm_at];
                k += MODULE;
            }
            share = current_a * ohm_all / ohm;
            if (how != SPLIT_INRUSH) share = share + (common - emf) / ohm;
        }
        for (int m = 0; m < series; m++) {
            at[CURRENT_A] = share;
            at += MODULE;
        }
    }
}
