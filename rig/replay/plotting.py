"""A picture of a replay: what the device said and what the model says, one above the other."""

from pathlib import Path

from rig.replay.compare import Comparison, series_of
from rig.replay.excerpt import Excerpt
from rig.replay.likeness import told_in
from rig.replay.observe import FIRST_ADDRESS
from rig.replay.play import Outcome
from rig.replay.restore import Restored

PANELS = 6  # chosen: what a page shows; those that differ first
USUAL = ("vreg.state", "127508.current_a", "127508.voltage_v", "vreg.soc_pct", "vreg.flags")


def plot_comparison(
    path: Path,
    excerpt: Excerpt,
    restored: Restored,
    outcome: Outcome,
    comparison: Comparison,
) -> None:
    """Draw the signals that differ first, then the usual ones; the format is the suffix's."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    begin_us = restored.begin_us
    end_us = begin_us + restored.stimulus.length_us
    then = series_of(told_in(excerpt), excerpt.address, begin_us, end_us)
    heard = (
        (t_us + begin_us, bus, frame.identifier, frame.extended, frame.data)
        for t_us, bus, frame in outcome.heard
    )
    now = series_of(heard, FIRST_ADDRESS, begin_us, end_us)
    differ = [each.signal for each in comparison.signals if each.first is not None]
    names = [*dict.fromkeys([*differ, *USUAL])]
    names = [name for name in names if name in then or name in now][:PANELS] or ["nothing told"]
    figure = Figure(figsize=(10, 1.6 * len(names) + 0.8))
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for axis, name in zip(axes, names, strict=True):
        for label, series, style in (("device", then, "-"), ("model", now, "--")):
            told = series.get(name, [])
            times_s = [t_us / 1e6 for t_us, _ in told]
            axis.step(times_s, [value for _, value in told], style, where="post", label=label)
        axis.set_ylabel(name.replace(".", "\n", 1), fontsize=8)
        first = next((c.first for c in comparison.signals if c.signal == name), None)
        if first is not None:
            axis.axvline(first.t_us / 1e6, color="red", linewidth=0.8)
    axes[0].legend(loc="upper right", fontsize=8)
    axes[-1].set_xlabel("s of the log; red: first difference")
    figure.tight_layout()
    figure.savefig(path)
