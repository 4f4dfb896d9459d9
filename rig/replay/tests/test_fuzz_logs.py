"""Damaged logs are read as far as they go, or refused in one line."""

from pathlib import Path

import pytest

from rig.replay.tests.fuzz_logs import Intruder, fuzz
from rig.replay.tests.samples import KINDS


def test_500_damaged_logs_are_read_or_refused(tmp_path: Path) -> None:
    outcome = fuzz(500, 1, tmp_path, KINDS)

    assert outcome["read"] + outcome["refused"] == 500
    assert min(outcome["read"], outcome["refused"]) > 50


@pytest.mark.nightly
def test_100_000_damaged_logs_are_read_or_refused(tmp_path: Path) -> None:
    outcome = fuzz(100_000, 2, tmp_path, KINDS)

    assert outcome["read"] + outcome["refused"] == 100_000


@pytest.mark.independent
@pytest.mark.nightly
def test_200_damaged_mf4_logs_are_read_or_refused(tmp_path: Path) -> None:
    pytest.importorskip("asammdf", reason="asammdf (extra mdf) is not installed")

    assert sum(fuzz(200, 3, tmp_path, ("mf4",)).values()) == 200


def test_the_campaign_would_notice_a_file_that_is_written(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()

    def intrude(_: Path) -> str:
        outside.write_text("there", encoding="ascii")
        return "read"

    with pytest.raises(AssertionError, match="outside") as caught:
        fuzz(1, 1, inside, ("log",), read=intrude)

    assert isinstance(caught.value.__cause__, Intruder)
