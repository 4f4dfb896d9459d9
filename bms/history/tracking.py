"""What was once kept of the past, and how."""

from bms.rooms.tracking import Entry, Kept, Moment, added

NOMINAL_V = {"LFP": 3.2, "NMC": 3.6}  # of a cell


def middle_of_the_extremes(before: Kept | None, reading: float, elapsed_s: float) -> Kept:
    """Before 1.11: halfway between the lowest and the highest, however long either lasted.

    What a value weighs is here how far the two are apart.
    """
    middle, apart = before or (reading, 0.0)
    low, high = min(middle - apart / 2, reading), max(middle + apart / 2, reading)
    return (low + high) / 2, high - low


def _at_nominal_voltage(moment: Moment) -> float:
    system = moment.view.registration
    if system.type is None:
        return 0.0
    nominal_v = NOMINAL_V[system.type.chemistry] * system.type.cells * system.series
    return moment.discharged_ah * nominal_v / 1000


# Before 1.34: the charge that was drawn, as if the voltage were always the nominal one.
DISCHARGED_AT_NOMINAL_VOLTAGE = Entry(
    _at_nominal_voltage, added, "charge added up, at the nominal voltage"
)
