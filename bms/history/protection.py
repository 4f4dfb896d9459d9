"""What once was critical for a cell."""

from bms.data import CellLevels


class OfTheStrategy:
    """Before 1.26: that of the strategy as it is, wherever the cells are when it changes."""

    def of(self, levels: CellLevels, highest_v: float) -> float:
        """The strategy's own."""
        return levels.over_voltage_critical_v
