"""How deviating temperature sensors were treated before 1.38."""

from bms.status import Battery


def every_sensor_counts(
    batteries: tuple[Battery, ...], span_k: float
) -> tuple[tuple[int, int], ...]:
    """None is left out: a broken sensor is a hot cell."""
    return ()
