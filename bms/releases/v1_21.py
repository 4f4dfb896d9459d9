"""What 1.21 changed."""

from bms.firmware import Release, Version

RELEASE = Release(
    version=Version(1, 21),
    date="2019-11-28",
)
