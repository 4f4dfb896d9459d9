"""What 1.18 changed."""

from bms.firmware import Release, Version

RELEASE = Release(
    version=Version(1, 18),
    date="2019-06-12",
)
