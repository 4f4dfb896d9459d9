"""The benchmark of lateness, for a moment: that it measures what it says."""

from rig import benchmarks_jitter


def test_a_task_of_10_ms_begins_a_hundred_times_a_second_and_never_early():
    late_us = benchmarks_jitter.measure(1.5)

    assert 100 <= len(late_us) <= 150
    assert min(late_us) >= 0


def test_the_99th_percentile_is_told_beside_the_worst(monkeypatch):
    monkeypatch.setattr(benchmarks_jitter, "measure", lambda _window_s: [100] * 197 + [3000] * 3)

    (_, p99_ms, unit, goal), (_, worst_ms, _, _) = benchmarks_jitter.io_jitter()

    assert (p99_ms, worst_ms, unit, goal) == (3.0, 3.0, "ms", 1.0)
