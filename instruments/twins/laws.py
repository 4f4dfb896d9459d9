"""What sources and loads give and take at a voltage, and where their laws change."""

import math

from instruments.twins.electrical import LoadDemand, LoadMode, SourceDemand

LOAD_FLOOR_V = 0.5  # chosen: electronic loads stop at a few hundred millivolts
LOAD_CEILING_A = 1000.0  # chosen: what a CV or CP demand can draw at most, above any load's rating
LOAD_OHM_MIN = 0.001  # chosen: a CR demand of 0 is a short of 1 mohm


def source_edges(source: SourceDemand) -> set[float]:
    """Voltages at which a source changes its law."""
    edges = {max(source.voltage_v, 0.0)}
    if 0.0 < source.power_limit_w < source.voltage_v * source.current_limit_a:
        edges.add(source.power_limit_w / source.current_limit_a)
    if source.sink_current_limit_a > 0.0 and source.sink_power_limit_w > 0.0:
        turn_v = source.sink_power_limit_w / source.sink_current_limit_a
        edges.update({turn_v} if turn_v > source.voltage_v else ())
    return edges


def load_edges(load: LoadDemand) -> set[float]:
    """Voltages at which a load changes its law."""
    if load.mode is LoadMode.CV:
        return {max(load.level, 0.0)}
    if load.mode is LoadMode.CR:
        turn_v = load.current_limit_a * max(load.level, LOAD_OHM_MIN)
        return {max(turn_v, 0.0)} if turn_v < math.inf else set()
    edges = {LOAD_FLOOR_V}
    most_a = ceiling_a(load)
    if load.mode is LoadMode.CP and most_a > 0.0:
        edges.add(max(load.level / most_a, LOAD_FLOOR_V))
    return edges


def source_limit_a(demand: SourceDemand, voltage_v: float) -> float:
    """What a source below its set voltage gives."""
    ampere = max(demand.current_limit_a, 0.0)
    watt = max(demand.power_limit_w, 0.0)
    return ampere if ampere * voltage_v <= watt else watt / voltage_v


def sink_limit_a(demand: SourceDemand, voltage_v: float) -> float:
    """What a source above its set voltage takes in."""
    ampere = max(demand.sink_current_limit_a, 0.0)
    watt = max(demand.sink_power_limit_w, 0.0)
    return ampere if ampere * voltage_v <= watt else watt / voltage_v


def ceiling_a(demand: LoadDemand) -> float:
    """What a load in CV or CP draws at most."""
    return min(LOAD_CEILING_A, max(demand.current_limit_a, 0.0))


def load_current_a(demand: LoadDemand, voltage_v: float) -> float:
    """What a load draws at this voltage; in CV, off its level."""
    if not demand.enabled:
        return 0.0
    level = max(demand.level, 0.0)
    mode = demand.mode
    if mode is LoadMode.CR:
        return min(voltage_v / max(level, LOAD_OHM_MIN), max(demand.current_limit_a, 0.0))
    most_a = ceiling_a(demand)
    if mode is LoadMode.CV:
        return most_a if voltage_v > level else 0.0
    if voltage_v <= LOAD_FLOOR_V:
        return 0.0
    if mode is LoadMode.CC:
        return min(level, max(demand.current_limit_a, 0.0))
    return min(level / voltage_v, most_a)
