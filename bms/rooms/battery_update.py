"""Batteries get the firmware that came with the master's (state 13), asked for by the tool.

All that announce themselves are asked what processor they have, given the image for it, restarted,
and looked for again. What goes wrong ends in an error; a battery that has refused an image runs
what it ran.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from zlib import crc32

from bms.codes import Error
from bms.firmware import Firmware, Room, Slot, milliseconds, seconds
from bms.io import Frame, Port
from bms.port_status import BatteryUpdateStatus
from bms.status import View
from bms.wire import battery_update as wire
from bms.wire import private

COLLECT_US = seconds(3)  # chosen: three times as long as between two announcements
ANSWER_US = milliseconds(500)  # chosen
IMAGE_BYTES = 64

# The processor whose image a battery gets, of what all have answered by their serials.
ImageFor = Callable[[int, Mapping[int, int]], int]


def of_its_own(serial: int, processors: Mapping[int, int]) -> int:
    """Each battery gets the image for its processor (v1.38-02)."""
    return processors[serial]


class Phase(StrEnum):
    """What is being done."""

    IDLE = "idle"
    COLLECTING = "batteries announce themselves"
    ASKING = "each is asked for its processor"
    SENDING = "each is sent its image"
    RESTARTING = "they restart"


class BatteryUpdate(Room):
    """One update of all batteries at a time."""

    image_for = Slot[ImageFor](of_its_own)

    def __init__(self, firmware: Firmware, restart_wait_us: int) -> None:
        super().__init__(firmware)
        self._restart_wait_us = restart_wait_us
        self._phase, self._since_us = Phase.IDLE, 0
        self._heard: dict[int, None] = {}  # serials, in the order of their announcements
        self._processors: dict[int, int] = {}
        self._waiting: list[int] = []  # serials still to be served in this phase
        self._asked_us: int | None = None
        self._sent_all = False
        self._idle = BatteryUpdateStatus()
        self._running = BatteryUpdateStatus(active=True)

    def waits(self) -> bool:
        """While it goes on."""
        return self._phase is not Phase.IDLE

    def step(self, now_us: int, view: View) -> BatteryUpdateStatus:
        """Begin when asked in standby; one thing after the other then."""
        if self._phase is Phase.IDLE:
            if not view.diagnostics.updates_batteries:
                return self._idle
            self._enter(Phase.COLLECTING, now_us)
            self._heard, self._processors = {}, {}
            return self._running
        answers = self._hear(view)
        sent: list[Frame] = []
        error: Error | None = None
        elapsed_us = now_us - self._since_us
        match self._phase:
            case Phase.COLLECTING if elapsed_us >= COLLECT_US:
                if not self._heard:
                    return self._end(Error.UPDATE_UNAVAILABLE)
                self._serve(Phase.ASKING, now_us)
            case Phase.ASKING:
                error = self._ask(now_us, answers, sent)
            case Phase.SENDING:
                error = self._send(now_us, answers, sent)
            case Phase.RESTARTING:
                if all(serial in self._heard for serial in self._processors):
                    return self._end(Error.NONE)
                if elapsed_us >= self._restart_wait_us:
                    error = Error.UPDATE_FAILED
        if error is not None:
            return self._end(error)
        return BatteryUpdateStatus(active=True, sent=tuple(sent)) if sent else self._running

    def _enter(self, phase: Phase, now_us: int) -> None:
        self._phase, self._since_us, self._asked_us = phase, now_us, None

    def _serve(self, phase: Phase, now_us: int) -> None:
        self._enter(phase, now_us)
        self._waiting = list(self._processors or self._heard)

    def _end(self, error: Error) -> BatteryUpdateStatus:
        self._phase = Phase.IDLE
        self._idle = BatteryUpdateStatus(error=error)
        return self._idle

    def _hear(self, view: View) -> dict[int, tuple[int, int]]:
        """Code and processor by channel; who announces himself is kept."""
        answers = {}
        for _, port, frame in view.inputs.received:
            if port is not Port.PRIVATE or len(frame.data) != private.LENGTH:
                continue
            kind, channel = private.kind_and_node(frame.identifier)
            if kind == private.ANNOUNCE:
                self._heard.setdefault(private.read_announce(frame.data)[0])
            elif kind == wire.ANSWER:
                answers[channel] = wire.read_answer(frame.data)
        return answers

    def _ask(
        self, now_us: int, answers: Mapping[int, tuple[int, int]], sent: list[Frame]
    ) -> Error | None:
        """Ask the next one for its processor."""
        serial = self._waiting[0]
        channel = len(self._waiting)
        if self._asked_us is None:
            self._asked_us = now_us
            sent.append(wire.ask(channel, serial, wire.ASKS_ONLY, 0, 0))
        elif channel in answers:
            self._processors[serial] = answers[channel][1]
            self._waiting.pop(0)
            self._asked_us = None
            if not self._waiting:
                self._serve(Phase.SENDING, now_us)
        elif now_us - self._asked_us >= ANSWER_US:
            return Error.UPDATE_FAILED
        return None

    def _send(
        self, now_us: int, answers: Mapping[int, tuple[int, int]], sent: list[Frame]
    ) -> Error | None:
        """Send the next one its image: the head, and what follows once it takes that."""
        serial = self._waiting[0]
        channel = len(self._waiting)
        content = str(self.firmware.version).encode().ljust(IMAGE_BYTES, b"\0")
        if self._asked_us is None:
            self._asked_us, self._sent_all = now_us, False
            processor = self.image_for(serial, self._processors)
            release = self.firmware.version.minor
            sent.append(wire.ask(channel, serial, processor, release, len(content)))
        elif channel in answers:
            if answers[channel][0] != wire.OK:
                return Error.UPDATE_FAILED
            if not self._sent_all:
                self._asked_us, self._sent_all = now_us, True
                sent += [*wire.data(channel, content), wire.end(channel, crc32(content))]
                return None
            sent.append(wire.restart(channel))
            self._waiting.pop(0)
            self._asked_us = None
            if not self._waiting:
                self._heard = {}
                self._enter(Phase.RESTARTING, now_us)
        elif now_us - self._asked_us >= ANSWER_US:
            return Error.UPDATE_FAILED
        return None
