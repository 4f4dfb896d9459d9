"""A firmware image: a head that says what it is for, and its content. The format is ours.

Magic, product id, component, processor, version, length and CRC of the content, little endian. The
content names a release: in place of a binary stands our firmware of that release.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from zlib import crc32

from bms.firmware import Component

MAGIC: Final = b"MGFI"
_HEAD = struct.Struct("<4sHBBBBHI")
HEAD_LENGTH: Final = _HEAD.size
LONGEST: Final = 4096  # chosen: the staging area
FAMILY, FAMILY_MASK = 0xA390, 0xFFF0  # public: 0xA390 to 0xA39F are this family's
MASTER_PROCESSOR = 1  # chosen
FILLER = b"\0"


class Refusal(IntEnum):
    """Why an image is refused, as an acknowledge code of the updating registers."""

    ERASING = 0xC100  # public: no refusal, it takes a while
    SEQUENCE = 0xC300  # chosen: a block out of turn, or nothing was begun
    CONTENT = 0xC400  # chosen: CRC or form
    LENGTH = 0xC500  # chosen: too long, or shorter than its head says
    WRONG_PRODUCT = 0xC600  # public
    WRONG_PROCESSOR = 0xC700  # chosen
    CANNOT_UPDATE = 0xCC00  # public
    TIMEOUT = 0x8400  # public


class ImageRefused(Exception):
    """An image that is not taken."""

    def __init__(self, code: Refusal) -> None:
        super().__init__(f"image refused: {code.name} ({code:#06x})")
        self.code = code


COMPONENTS: Final = {
    0: Component.MASTER,
    1: Component.BOOT_LOADER,
    2: Component.SECONDARY_BOOT_LOADER,
    3: Component.BATTERY,
}
_NUMBERS = {component: number for number, component in COMPONENTS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What an image is for."""

    product_id: int
    component: Component
    processor: int
    version: tuple[int, int]
    length: int
    crc: int

    def pack(self) -> bytes:
        """As it is sent, ahead of the content."""
        number = _NUMBERS[self.component]
        return _HEAD.pack(
            MAGIC, self.product_id, number, self.processor, *self.version, self.length, self.crc
        )


def read_head(data: bytes) -> Head:
    """Raises ImageRefused for what is no head."""
    if len(data) != HEAD_LENGTH or data[:4] != MAGIC:
        raise ImageRefused(Refusal.CONTENT)
    _, product_id, number, processor, major, minor, length, crc = _HEAD.unpack(data)
    if number not in COMPONENTS:
        raise ImageRefused(Refusal.CONTENT)
    return Head(
        product_id=product_id,
        component=COMPONENTS[number],
        processor=processor,
        version=(major, minor),
        length=length,
        crc=crc,
    )


def make(
    release: str,
    version: tuple[int, int],
    component: Component,
    *,
    processor: int = MASTER_PROCESSOR,
    length: int = 64,
) -> tuple[Head, bytes]:
    """An image that stands for a component's firmware of a release."""
    content = release.encode().ljust(length, FILLER)
    head = Head(
        product_id=FAMILY,
        component=component,
        processor=processor,
        version=version,
        length=len(content),
        crc=crc32(content),
    )
    return head, content


def release_in(head: Head, content: bytes) -> str:
    """Which release's firmware a whole image stands for. Raises ImageRefused if it is not whole."""
    if len(content) != head.length:
        raise ImageRefused(Refusal.LENGTH)
    if crc32(content) != head.crc:
        raise ImageRefused(Refusal.CONTENT)
    try:
        return content.rstrip(FILLER).decode("ascii")
    except UnicodeDecodeError:
        raise ImageRefused(Refusal.CONTENT) from None
