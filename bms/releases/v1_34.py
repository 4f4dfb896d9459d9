"""What 1.34 changed."""

from bms.firmware import Release, Version

RELEASE = Release(
    version=Version(1, 34),
    date="2023-04-25",
)
