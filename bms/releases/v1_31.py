"""What 1.31 changed."""

from bms.firmware import Release, Version

RELEASE = Release(
    version=Version(1, 31),
    date="2022-08-22",
)
