"""The external protocol Visedo: the battery's state every 500 ms, and a Powerfinn charger."""

from bms.codes import State
from bms.firmware import Firmware, Room, Slot, milliseconds
from bms.io import Frame, Port
from bms.port_status import VisedoStatus
from bms.reception import EveryFrame, ReceptionPolicy
from bms.status import View
from bms.wire import visedo as wire

PERIOD_US = milliseconds(500)
NEVER_US = 1 << 62
AWAY = {State.STANDBY, State.INITIALISING, State.MEASURING}


class Visedo(Room):
    """Tells the battery's state, and commands the charger: two limits and its switch."""

    reception = Slot[type[ReceptionPolicy]](EveryFrame)
    waits_for_answers = Slot(True)  # the charger takes one command at a time

    def __init__(self, firmware: Firmware) -> None:
        super().__init__(firmware)
        self._reception = self.reception()
        self.due_us = NEVER_US  # when it sends next of its own accord
        self._counter = 0
        self._commands: list[tuple[tuple[int, int], int]] = []  # the first is under way
        self._idle = VisedoStatus()

    def step(self, now_us: int, view: View) -> VisedoStatus:
        """The frames that are due, and the next command after an answer."""
        settings = view.settings
        protocol = settings.choices["external_protocol"].get(settings.values["external_protocol"])
        if protocol != "Visedo" or view.start_stop.state in AWAY:
            self.due_us = NEVER_US
            return self._idle
        if self.due_us == NEVER_US:
            self.due_us = now_us
        sent: list[Frame] = []
        for time_us, port, frame in view.inputs.received:
            if port is Port.EXTERNAL and self._reception.keeps(time_us):
                self._hear(wire.answered(frame), sent)
        if now_us >= self.due_us:
            self.due_us = now_us + PERIOD_US
            sent.append(self._battery(view))
            # What was not answered by now is lost: all is commanded anew.
            self._commands = self._wanted(view)
            begun = self._commands[:1] if self.waits_for_answers else self._commands
            sent += [wire.write(*command) for command in begun]
        return VisedoStatus(sent=tuple(sent)) if sent else self._idle

    def _hear(self, place: tuple[int, int] | None, sent: list[Frame]) -> None:
        """The charger has taken, or refused, the command that is under way: now the next."""
        if not self.waits_for_answers or not self._commands or place != self._commands[0][0]:
            return
        del self._commands[0]
        sent += [wire.write(*command) for command in self._commands[:1]]

    def _battery(self, view: View) -> Frame:
        self._counter = (self._counter + 1) & 0xFF
        inputs, permissions = view.inputs, view.permissions
        flags = wire.ALLOWED_TO_CHARGE if permissions.charge else 0
        flags |= wire.ALLOWED_TO_DISCHARGE if permissions.discharge else 0
        flags |= wire.FAIL_SAFE if view.fail_safe.active else 0
        measured = inputs.system_voltage_v, inputs.current_a
        state = view.start_stop.state
        return wire.battery(state, view.soc.soc_pct, measured, flags, self._counter)

    @staticmethod
    def _wanted(view: View) -> list[tuple[tuple[int, int], int]]:
        """Limits first, in 0.01 V and 0.1 A, and then whether to run."""
        dvcc = view.dvcc
        return [
            (wire.VOLTAGE, round(100 * dvcc.charge_voltage_v)),
            (wire.CURRENT, round(10 * dvcc.charge_current_a)),
            (wire.RUN, int(view.permissions.charge)),
        ]
