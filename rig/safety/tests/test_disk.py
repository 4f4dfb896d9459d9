"""The disk of the record: what is too little, and that a guardian acts before it is full."""

import asyncio
from pathlib import Path

import pytest

from rig.safety import disk


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What is free on every disk: the last of these."""
    told = [100_000_000]
    monkeypatch.setattr(disk, "bytes_free", lambda _path: told[-1])
    return told


@pytest.mark.parametrize(
    ("left", "holds"),
    [(31_999_999, False), (32_000_000, True)],
    ids=["one byte too few", "just enough"],
)
def test_a_disk_has_room_down_to_its_limit(free, left, holds):
    free.append(left)

    assert (disk.what_is_missing(Path("record/safety.jsonl"), 32_000_000) is None) is holds


def test_the_message_names_the_folder_what_is_left_and_what_is_allowed(free):
    free.append(1_500_000)

    why = disk.what_is_missing(Path("record/safety.jsonl"), 32_000_000)

    assert why == "record: 1.5 MB are left on the disk; allowed: 32 MB at least"


def test_a_folder_that_is_not_there_is_not_called_full(tmp_path):
    assert disk.what_is_missing(tmp_path / "gone" / "safety.jsonl", 32_000_000) is None


def test_a_real_disk_says_what_is_free(tmp_path):
    assert disk.bytes_free(tmp_path / "safety.jsonl") > 0


async def test_it_is_told_once_and_in_the_loop_of_who_asked(free):
    told: list[tuple[str, asyncio.AbstractEventLoop]] = []
    disk.watch(
        Path("record/safety.jsonl"),
        32_000_000,
        0.002,
        lambda why: told.append((why, asyncio.get_running_loop())),
    )
    await asyncio.sleep(0.05)
    assert told == []

    free.append(0)
    await asyncio.sleep(0.1)

    ((why, loop),) = told
    assert why.startswith("record: 0 MB are left")
    assert loop is asyncio.get_running_loop()
