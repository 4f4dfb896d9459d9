"""What 1.22 changed."""

from bms.firmware import Release, Version

RELEASE = Release(
    version=Version(1, 22),
    date="2019-12-30",
)
