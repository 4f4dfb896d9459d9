"""Field cases: what a recorder has, and the truth that comes with them."""

import asyncio
import random
from pathlib import Path

import pytest

from rig.replay import cases
from rig.replay.cases import Recorder, caught, happens, truth_by_trial, write_log
from rig.replay.log import open_log
from rig.replay.situations import Situation

ASKED = 40


async def _reboots(bench, dice):
    """It wants to send while the noise goes on, until its controller is off the bus."""
    await bench.press_start_stop()
    await bench.wait(8_000_000)
    rebooting = asyncio.ensure_future(bench.gx.reboot())
    for _ in range(ASKED):
        bench.gx.ask(0x0102)
        await bench.wait(50_000)
    await rebooting
    await bench.wait(1_000_000)


REBOOTS = Situation(
    name="reboots",
    item="v1.07-K3",
    faulty=("1.07", "1.13"),
    when="no 127508 for 12 s",
    story=_reboots,
    life=False,
)


@pytest.fixture(scope="module")
def heard():
    return happens(REBOOTS, "1.11", 3)[0]


def test_a_gx_device_claims_its_address_after_a_reboot_out_of_bus_off(heard):
    claims = [t_us for t_us, _, frame in heard.heard if frame.identifier == 0x18EEFF20]

    assert len(claims) == 2
    assert claims[1] > 28_000_000


def test_error_frames_are_in_a_trc_file_as_in_the_others(heard, tmp_path: Path):
    frames = caught(heard, Recorder(buses=("ve_can",)), random.Random(5))
    errors = {}
    for suffix in ("trc", "asc"):
        paths = write_log(frames, tmp_path / f"x.{suffix}")
        errors[suffix] = [each for each in open_log(paths).frames() if each.error]

    assert len(errors["trc"]) > 20
    assert len(errors["trc"]) == len(errors["asc"])
    assert abs(errors["trc"][-1].t_us - errors["asc"][-1].t_us) <= 1_000


def test_truth_is_as_declared_where_its_borders_are(monkeypatch):
    tried = []

    def shows_up_to_1_13(_situation, release, _seed):
        tried.append(release)
        return None, 1 if release <= "1.13" else None

    monkeypatch.setattr(cases, "happens", shows_up_to_1_13)

    truth = truth_by_trial(REBOOTS, 1)

    assert min(truth) == "1.07"
    assert max(truth) == "1.13"
    assert tried == ["1.07", "1.13", "1.14", "1.38"]


def test_truth_is_by_trial_of_all_releases_where_a_border_is_elsewhere(monkeypatch):
    def shows_up_to_1_20(_situation, release, _seed):
        return None, 1 if release <= "1.20" else None

    monkeypatch.setattr(cases, "happens", shows_up_to_1_20)

    truth = truth_by_trial(REBOOTS, 1)

    assert max(truth) == "1.20"
    assert "1.14" in truth
