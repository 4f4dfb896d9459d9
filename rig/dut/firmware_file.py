"""Firmware files as an updater has them; written apart from the device's own reading of them.

The format is the project's own: magic, product id, component, processor, version, length, CRC,
then the content. Where a real file holds a binary, ours holds the name of a release.
"""

import binascii
import struct
from dataclasses import dataclass, replace
from enum import IntEnum

LYNX_ION_BMS = 0xA390  # public: one binary for all models carries the generic product id
CONTENT_BYTES = 512  # chosen: small enough to be sent in a moment, and several blocks
_HEAD = "<4sHBBBBHI"


class Part(IntEnum):
    """What of the device a file is for."""

    MASTER = 0
    BOOT_LOADER = 1
    SECONDARY_BOOT_LOADER = 2
    BATTERY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareFile:
    """One file; `content` may be other than what its head says."""

    content: bytes
    version: tuple[int, int]
    part: Part = Part.MASTER
    product_id: int = LYNX_ION_BMS
    processor: int = 1
    length: int
    crc: int

    @property
    def head(self) -> bytes:
        """What an updater sends first."""
        return struct.pack(
            _HEAD,
            b"MGFI",
            self.product_id,
            self.part,
            self.processor,
            *self.version,
            self.length,
            self.crc,
        )

    def corrupted(self) -> "FirmwareFile":
        """One bit of the content is another."""
        middle = len(self.content) // 2
        flipped = self.content[middle] ^ 0x10
        content = self.content[:middle] + bytes([flipped]) + self.content[middle + 1 :]
        return replace(self, content=content)

    def truncated(self) -> "FirmwareFile":
        """The end is missing."""
        return replace(self, content=self.content[: len(self.content) * 3 // 4])

    def of_product(self, product_id: int) -> "FirmwareFile":
        """Made for another product."""
        return replace(self, product_id=product_id)


def firmware_file(release: str, part: Part = Part.MASTER) -> FirmwareFile:
    """The file of a release, for a part of the device."""
    size = CONTENT_BYTES if part is Part.MASTER else CONTENT_BYTES // 4
    content = release.encode("ascii").ljust(size, b"\0")
    major, minor = release.split(".")
    return FirmwareFile(
        content=content,
        version=(int(major), int(minor)),
        part=part,
        length=len(content),
        crc=binascii.crc32(content),
    )
