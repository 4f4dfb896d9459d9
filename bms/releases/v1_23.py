"""What 1.23 changed."""

from bms.firmware import Release, Version

RELEASE = Release(
    version=Version(1, 23),
    date="2020-06-23",
)
