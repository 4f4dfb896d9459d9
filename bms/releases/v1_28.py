"""What 1.28 changed."""

from bms.firmware import Release, Version

RELEASE = Release(
    version=Version(1, 28),
    date="2021-12-20",
)
