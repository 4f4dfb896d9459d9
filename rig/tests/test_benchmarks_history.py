"""The history's benchmarks: that the year they time is one, with the faults that were put in."""

from rig.history.alarms import Level
from rig.history.generate import Story, made_up_runs
from rig.history.index import write_runs
from rig.history.nights import Row, read_history
from rig.history.summary import summarise

ROWS = [Row(id=f"v1.08-{n:02}", area="contactor", statement="") for n in range(1, 7)]
STORY = Story(drifts=((1, 0, 90),), flaky=(2,), one_bench=((3, 1, 100),), regressed=((4, 115),))


def made(path, seed):
    write_runs(
        path, list(made_up_runs(ROWS, STORY, nights=120, benches=("lab-1", "lab-2"), seed=seed))
    )
    return summarise(read_history(path))


def test_what_was_put_into_the_nights_is_found_in_them(tmp_path):
    found = made(tmp_path / "base", seed=1)

    warned = [
        (found.history.series[each.series].row, found.history.series[each.series].bench)
        for each in found.alarms
        if each.level is Level.WARNING
    ]
    assert warned == [(1, 0)]
    assert [(each.row, each.bench) for each in found.one_bench] == [(3, 1)]
    assert {each.row for each in found.wavering} == {2, 3}
    regressed = [each for each in found.failing if each.row == 4]
    assert [(each.bench, each.since >= 115) for each in regressed] == [(0, True), (1, True)]


def test_the_same_seed_makes_the_same_nights(tmp_path):
    first, again, other = (
        made(tmp_path / name, seed).history.values for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )

    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
