"""What 1.12 changed."""

from bms.firmware import Release, Version

RELEASE = Release(
    version=Version(1, 12),
    date="2018-08-28",
)
