"""How long a bench takes to its safe state: kills on a wire stand, fewer than the proof has.

Rules of this file: times are of the wall clock, from the failure to the last output off, by what
the stand noted; a kill that did not end safe is an error, not a figure.
"""

from rig.proofs.kills import prove
from rig.proofs.kills_judged import spreads

# Name, value, unit, goal: the benchmarks' own type is of the file that imports this one.
Measured = tuple[str, float, str, float | None]

KILLS = 60  # chosen: every kind six times, in two to three minutes


def safe_state(kills: int = KILLS) -> list[Measured]:
    """From failure to the last output off: the share of 99 %, and the worst."""
    found = [killed for killed in prove(kills, seed=1) if killed.struck]
    unsafe = [f"{one.kind} at {one.point}" for one in found if not one.safe or one.contradicts]
    if unsafe or not found:
        raise RuntimeError(f"did not end safe: {', '.join(unsafe) or 'nobody was struck'}")
    (*_, all_) = spreads(found)
    if all_.p99_ms is None or all_.max_ms is None:
        raise RuntimeError("nothing was energised: there is no time to tell")
    return [
        ("safe_state_p99_ms", all_.p99_ms, "ms", 50.0),
        ("safe_state_max_ms", all_.max_ms, "ms", 250.0),
    ]
