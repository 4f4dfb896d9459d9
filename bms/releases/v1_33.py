"""What 1.33 changed."""

from bms.firmware import Release, Version

RELEASE = Release(
    version=Version(1, 33),
    date="2023-02-28",
)
