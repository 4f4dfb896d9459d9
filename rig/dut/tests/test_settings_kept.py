"""The tool's way to a real device gives its settings back as they were found."""

import asyncio

from rig.dut.settings_kept import KeepsSettings

RELAY, STRATEGY = 0x0103, 0x0101
SERIAL = 0xF18C


class Device:
    """Answers reads and writes of codes, until it is gone."""

    def __init__(self) -> None:
        self.codes = {RELAY: b"\x01", STRATEGY: b"\x00"}
        self.asked: list[bytes] = []
        self.gone = False

    async def ask(self, request: bytes) -> bytes:
        if self.gone:
            raise TimeoutError
        self.asked.append(request)
        identifier = int.from_bytes(request[1:3], "big")
        if request[0] == 0x22:
            return b"\x62" + request[1:3] + self.codes[identifier]
        self.codes[identifier] = request[3:]
        return b"\x6e" + request[1:3]


def write(identifier: int, code: bytes) -> bytes:
    return b"\x2e" + identifier.to_bytes(2, "big") + code


def test_a_setting_is_given_back_as_it_was_before_the_first_write():
    device = Device()

    async def use():
        link = KeepsSettings(device)
        await link.ask(write(RELAY, b"\x02"))
        await link.ask(write(RELAY, b"\x03"))
        changed = dict(device.codes)
        return changed, await link.restore()

    changed, lost = asyncio.run(use())

    assert changed[RELAY] == b"\x03"
    assert device.codes == {RELAY: b"\x01", STRATEGY: b"\x00"}
    assert lost == []


def test_what_is_no_setting_is_neither_read_before_nor_written_back():
    device = Device()

    async def use():
        link = KeepsSettings(device)
        await link.ask(write(SERIAL, b"x"))
        await link.restore()

    asyncio.run(use())

    assert device.asked == [write(SERIAL, b"x")]


def test_a_setting_that_cannot_be_given_back_is_named():
    device = Device()

    async def use():
        link = KeepsSettings(device)
        await link.ask(write(STRATEGY, b"\x01"))
        device.gone = True
        return await link.restore()

    assert asyncio.run(use()) == [STRATEGY]
