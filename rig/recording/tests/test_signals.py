import math
import random
from pathlib import Path

import pytest

from rig.recording import RecordError, SignalFile, SignalWriter

PATTERN = [(step * 1000, math.sin(step / 50)) for step in range(20_000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "signals.bin"


def write(path: Path, *parts: list[tuple[int, float]], killed: bool = False) -> None:
    """Flushes after every part; a killed writer has one more sample in its memory."""
    writer = SignalWriter(path)
    writer.declare("voltage", "V")
    for part in parts:
        for time_us, value in part:
            writer.add("voltage", time_us, value)
        writer.flush()
    content = path.read_bytes()
    writer.add("voltage", 10**9, 1.0) if killed else None
    writer.close()
    if killed:
        path.write_bytes(content)


def read(path: Path) -> list[tuple[int, float]]:
    return list(zip(*SignalFile.read(path).samples("voltage"), strict=True))


def test_every_sample_comes_back_as_it_was_added(path: Path) -> None:
    write(path, PATTERN)

    assert read(path) == PATTERN


def test_a_column_is_in_seconds(path: Path) -> None:
    write(path, [(1_500_000, 3.0)])

    times_s, values = SignalFile.read(path).column("voltage")

    assert (list(times_s), list(values)) == ([1.5], [3.0])


def test_signals_keep_their_order_unit_and_kind(path: Path) -> None:
    writer = SignalWriter(path)
    writer.declare("b", "A")
    writer.declare("a", "", "digital")
    writer.close()

    file = SignalFile.read(path)

    assert file.names == ("b", "a")
    assert (file.signal("b").unit, file.signal("a").kind) == ("A", "digital")


def test_what_was_flushed_survives_a_kill(path: Path) -> None:
    write(path, PATTERN, killed=True)

    assert read(path) == PATTERN
    assert not SignalFile.read(path).complete


@pytest.mark.parametrize("lost", [1, 20, 300])
def test_a_torn_end_costs_the_last_segment_only(path: Path, lost: int) -> None:
    write(path, PATTERN[:5000], PATTERN[5000:6000], killed=True)

    path.write_bytes(path.read_bytes()[:-lost])

    assert read(path) == PATTERN[:5000]


def test_a_flipped_bit_is_found(path: Path) -> None:
    write(path, PATTERN)
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)

    with pytest.raises(RecordError, match="damaged at byte"):
        read(path)


@pytest.mark.parametrize("killed", [False, True], ids=["closed", "killed"])
@pytest.mark.parametrize("points", [8, 100, 1500])
def test_decimation_keeps_a_single_spike(path: Path, *, killed: bool, points: int) -> None:
    samples = [*PATTERN[:7777], (7_777_000, 99.0), *PATTERN[7778:]]
    write(path, samples, killed=killed)

    times_s, values = SignalFile.read(path).decimated("voltage", points)

    assert max(values) == 99.0
    assert times_s[list(values).index(99.0)] == 7.777


@pytest.mark.parametrize("points", [8, 9, 100, 1500, 19_999])
def test_decimation_gives_at_most_the_points_asked_for(path: Path, points: int) -> None:
    write(path, PATTERN)

    times_s, _ = SignalFile.read(path).decimated("voltage", points)

    assert points // 2 <= len(times_s) <= points


def test_decimation_gives_real_samples_in_the_order_of_time(path: Path) -> None:
    write(path, PATTERN)

    times_s, values = SignalFile.read(path).decimated("voltage", 500)

    pairs = [(round(time_s * 1e6), value) for time_s, value in zip(times_s, values, strict=True)]
    assert set(pairs) <= set(PATTERN)
    assert pairs == sorted(pairs)
    assert (pairs[0], pairs[-1]) == (PATTERN[0], PATTERN[-1])


def test_a_short_signal_is_not_decimated(path: Path) -> None:
    write(path, PATTERN[:100])

    assert len(SignalFile.read(path).decimated("voltage", 1500)[0]) == 100


def test_the_pyramid_agrees_with_the_samples(path: Path) -> None:
    chance = random.Random(5)
    samples = [(step * 777, chance.gauss(0, 1)) for step in range(30_000)]
    write(path, samples)
    closed = SignalFile.read(path)

    _, values = closed.decimated("voltage", 200)

    every = [value for _, value in samples]
    assert (min(values), max(values)) == (min(every), max(every))
    assert len(closed.signal("voltage").levels) > 1


def test_nan_hides_no_neighbour(path: Path) -> None:
    samples = [(n, math.nan if n % 2 else float(n)) for n in range(20_000)]
    write(path, samples)

    _, values = SignalFile.read(path).decimated("voltage", 100)

    known = [value for value in values if not math.isnan(value)]
    assert max(known) == 19_998.0


def test_a_signal_must_be_declared(path: Path) -> None:
    with SignalWriter(path) as writer, pytest.raises(RecordError, match="declare it before"):
        writer.add("voltage", 0, 1.0)


def test_a_signal_cannot_change_its_unit(path: Path) -> None:
    with SignalWriter(path) as writer:
        writer.declare("voltage", "V")

        with pytest.raises(RecordError, match="declared twice"):
            writer.declare("voltage", "mV")


def test_an_unknown_signal_is_answered_with_the_known_ones(path: Path) -> None:
    write(path, PATTERN[:10])

    with pytest.raises(RecordError, match="'current'; allowed: voltage"):
        SignalFile.read(path).column("current")


def test_another_file_is_refused(path: Path) -> None:
    path.write_bytes(b"not a signal file at all")

    with pytest.raises(RecordError, match="not a signal file"):
        SignalFile.read(path)


def test_a_declared_signal_without_samples_reads_as_empty(path: Path) -> None:
    write(path, [])

    assert read(path) == []


def test_the_same_samples_make_the_same_file(tmp_path: Path) -> None:
    write(tmp_path / "a", PATTERN)
    write(tmp_path / "b", PATTERN)

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
