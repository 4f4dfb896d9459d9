"""What 1.30 changed."""

from bms.firmware import Release, Version

RELEASE = Release(
    version=Version(1, 30),
    date="2022-04-28",
)
