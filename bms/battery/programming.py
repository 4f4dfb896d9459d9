"""The part of a battery's firmware that takes new firmware from the master.

Nothing is stored before the image is whole and made for this processor.
"""

from zlib import crc32

from bms.data import BatteryType
from bms.firmware import seconds
from bms.io import Frame
from bms.wire import battery_update as wire
from bms.wire import private

APPLICATION = "flash.application"
LONGEST = 4096  # chosen
SECOND_PROCESSOR_FROM_WEEK = 2301  # chosen: batteries made since then have another processor
FIRST, SECOND = 1, 2
# Chosen: from the restart until it is on the bus again; RS batteries have more to test.
RESTART_US, RESTART_OF_RS_US = seconds(3), seconds(8)


class Programming:
    """Takes one image, if it is for this battery."""

    def __init__(self, kind: BatteryType, serial: int) -> None:
        self.serial = serial
        newer = private.week_of(serial) >= SECOND_PROCESSOR_FROM_WEEK
        self.processor = SECOND if newer else FIRST
        self.restart_us = RESTART_OF_RS_US if kind.family == "RS" else RESTART_US
        self._channel: int | None = None
        self._length = 0
        self._content = b""
        self._parts = 0
        self._good: bytes | None = None

    def hear(self, kind: int, channel: int, data: bytes, sent: list[Frame]) -> bytes | None:
        """Take in a message; the name of what is to be started, when it restarts."""
        if kind == wire.ASK:
            self._begin(channel, data, sent)
        elif channel != self._channel:
            return None
        elif kind == wire.DATA:
            if data[0] == self._parts & 0xFF and len(self._content) < self._length:
                self._parts += 1
                self._content += data[1:]
        elif kind == wire.END:
            content = self._content[: self._length]
            whole = len(content) == self._length and crc32(content) == wire.read_end(data)
            self._good = content.rstrip(b"\0") if whole and content else None
            code = wire.OK if self._good else wire.WRONG_CONTENT
            sent.append(wire.answer(channel, code, self.processor))
        elif kind == wire.RESTART:
            self._channel, good, self._good = None, self._good, None
            return good
        return None

    def _begin(self, channel: int, data: bytes, sent: list[Frame]) -> None:
        serial, processor, length = wire.read_ask(data)
        if serial != self.serial:
            return
        fits = processor in {wire.ASKS_ONLY, self.processor} and length <= LONGEST
        takes = fits and processor != wire.ASKS_ONLY
        self._channel = channel if takes else None
        self._length, self._content, self._parts = length, b"", 0
        code = wire.OK if fits else wire.WRONG_PROCESSOR
        sent.append(wire.answer(channel, code, self.processor))
