"""The disks of the kill campaign: that they are as full as they are meant to be."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rig.proofs.kills_disk import Disk

# In a process of its own: what it mounts is for it alone, and ends with it.
FILL = """
import shutil, sys
from pathlib import Path
from rig.proofs.kills_disk import Disk, mount_small
folder = Path(sys.argv[1])
if not mount_small(folder):
    sys.exit(77)
disk = Disk(folder)
disk.keep(b"an exchange")
before = shutil.disk_usage(folder).free
disk.strike()
print(before > 200_000, shutil.disk_usage(folder).free)
again = Disk(folder)
print(shutil.disk_usage(folder).free > 200_000)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="/dev/full is POSIX")
def test_no_write_goes_through_on_a_disk_that_fails():
    disk = Disk(None)
    disk.keep(b"an exchange")

    disk.strike()

    with pytest.raises(OSError, match="No space left"):
        disk.keep(b"an exchange")


@pytest.mark.skipif(sys.platform == "win32", reason="mounts are POSIX")
def test_the_small_disk_is_full_at_a_stroke_and_empty_for_the_next_and_nobody_else_sees_it(
    tmp_path: Path,
):
    folder = tmp_path / "disk"

    done = subprocess.run(
        [sys.executable, "-c", FILL, str(folder)], capture_output=True, text=True, check=False
    )

    if done.returncode == 77:
        pytest.skip("the system allows no mount")
    assert done.stderr == ""
    assert done.stdout.split() == ["True", "0", "True"]
    assert list(folder.iterdir()) == []
    assert shutil.disk_usage(folder).total > 1_000_000
