"""What 1.26 changed."""

from bms.firmware import Release, Version

RELEASE = Release(
    version=Version(1, 26),
    date="2021-08-16",
)
