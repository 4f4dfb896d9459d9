"""No frame on any bus makes a master fail, reach an unknown state or flood a bus."""

import pytest

from bms.codes import State
from bms.io import Frame, Port
from rig.tests.fuzzing import Broken, Fuzzed, recorded_traffic

RELEASES = ("1.07", "1.14", "1.23", "1.32", "1.38")
COMMIT, NIGHT = 20_000, 1_000_000  # frames, into each bus of each release
PIECE = 20_000  # of one seed: what a failure has to repeat


@pytest.fixture(scope="module")
def traffic() -> dict[Port, list[Frame]]:
    return recorded_traffic()


def test_recorded_traffic_is_of_every_bus(traffic) -> None:
    assert all(len({frame.identifier for frame in traffic[port]}) > 4 for port in Port)


@pytest.mark.parametrize("port", Port)
@pytest.mark.parametrize("release", RELEASES)
def test_frames_of_any_kind_do_no_harm(release, port, traffic) -> None:
    for seed in (0, 1):
        Fuzzed(release, port, seed, traffic[port]).run(COMMIT // 2)


@pytest.mark.nightly
@pytest.mark.parametrize("port", Port)
@pytest.mark.parametrize("release", RELEASES)
def test_a_million_frames_of_any_kind_do_no_harm(release, port, traffic) -> None:
    for seed in range(2, 2 + NIGHT // PIECE):
        Fuzzed(release, port, seed, traffic[port]).run(PIECE)


@pytest.mark.parametrize("port", Port)
def test_a_system_that_runs_is_met_as_well_as_one_that_starts(port, traffic) -> None:
    fuzzed = Fuzzed("1.38", port, 1, traffic[port])
    fuzzed.run(2_000)

    assert {State.STANDBY, State.INITIALISING, State.PRE_CHARGING, State.RUNNING} <= fuzzed.states


def test_a_seed_says_everything(traffic) -> None:
    digests = []
    for seed in (5, 5, 6):
        fuzzed = Fuzzed("1.38", Port.VE_CAN, seed, traffic[Port.VE_CAN])
        fuzzed.run(2_000)
        digests.append(fuzzed.digest.hexdigest())

    assert digests[0] == digests[1] != digests[2]


def test_a_failure_tells_how_to_see_it_again(traffic, monkeypatch) -> None:
    fuzzed = Fuzzed("1.38", Port.PRIVATE, 3, traffic[Port.PRIVATE])

    def fail(*_: object) -> None:
        raise KeyError("node")

    monkeypatch.setattr(fuzzed.master, "step", fail)
    with pytest.raises(Broken, match=r"Fuzzed\('1.38', Port.PRIVATE, 3, traffic\).*KeyError"):
        fuzzed.run(100)
