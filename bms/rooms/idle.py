"""Idle: an almost discharged battery that nobody charges or uses is switched off to protect it."""

from bms.codes import State
from bms.data import limit, limit_us
from bms.firmware import Firmware, Room, Slot
from bms.status import IdleStatus, View


class Idle(Room):
    """Counts how long a running system has been almost discharged with no energy flowing."""

    charge_flow_from_a = Slot(1.0)

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._discharge_flow_from_a = limit("idle.discharge_flow")
        self._time_us = limit_us("idle.time")
        self._since_us: int | None = None

    def step(self, now_us: int, view: View) -> IdleStatus:
        """Whether the time is over. It is so long that the step once a second is often enough."""
        current_a = view.inputs.current_a
        flows = current_a >= self.charge_flow_from_a or current_a <= -self._discharge_flow_from_a
        running = view.start_stop.state is State.RUNNING
        if not running or flows or not view.protection.almost_discharged:
            self._since_us = None
        elif self._since_us is None:
            self._since_us = now_us
        over = self._since_us is not None and now_us - self._since_us >= self._time_us
        return IdleStatus(over=over)
