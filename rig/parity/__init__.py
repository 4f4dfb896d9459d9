"""Parity: whether two runs of the same scenarios saw the same, signal by signal, inside bands."""

from rig.parity.attempts import AttemptParity, LateClaim, SignalParity, compare_attempts
from rig.parity.bands import Band, Bands, Kind, read_bands
from rig.parity.runs import Parity, compare_runs
from rig.parity.steps import Span, Steps, outside

__all__ = [
    "AttemptParity",
    "Band",
    "Bands",
    "Kind",
    "LateClaim",
    "Parity",
    "SignalParity",
    "Span",
    "Steps",
    "compare_attempts",
    "compare_runs",
    "outside",
    "read_bands",
]
