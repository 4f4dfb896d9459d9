"""What a supply counts at its terminals: ampere-hours and watt-hours, signed as its current."""

US_PER_HOUR = 3_600_000_000


class Counters:
    """Charge and energy since they were last set to 0.

    What flows when it is noted is taken as having flowed since it was noted last: a change is noted
    before and after, and right after one the circuit has not settled yet.
    """

    __slots__ = ("_flow", "_since_us", "charge_ah", "energy_wh")

    def __init__(self, now_us: int) -> None:
        self._since_us = now_us
        self._flow = (0.0, 0.0)
        self.charge_ah = self.energy_wh = 0.0

    def note(self, now_us: int, voltage_v: float, current_a: float | None) -> None:
        """Count up to now; None: just switched off, and what flowed last flowed until then."""
        flow = self._flow if current_a is None else (current_a, voltage_v * current_a)
        hours = (now_us - self._since_us) / US_PER_HOUR
        self.charge_ah += flow[0] * hours
        self.energy_wh += flow[1] * hours
        self._flow = (0.0, 0.0) if current_a is None else flow
        self._since_us = now_us
