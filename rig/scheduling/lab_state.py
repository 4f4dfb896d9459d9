"""Where a lab's batteries are now: as its file states, or as somebody has said since.

It is kept beside the bench's file, as `<file>.state.json`, for the runs that follow. It counts for
the addresses and the batteries that the file had then: `batteries.soc_pct` edited, or the file of
state taken away, and the bench file counts again. What was asked for and not done is not known, and
a temperature that somebody brought about is not known for ever.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from rig.benches.file import BenchFile
from rig.benches.lab.facts import REAL
from rig.benches.lab.held import addresses
from rig.dut.modules import battery_type
from rig.needs import Needs
from rig.recording.record import write_whole
from rig.scheduling.model import Costs, Leg, StartState

# Chosen: what the air of a full chamber follows; then batteries of some 40 kg follow the air. No
# measurement of a lab's own is behind either: its first soak will tell better ones.
GRADIENT_K_PER_MIN, REST_H = 0.5, 2.0
LAPSES_H = 8.0  # chosen: a shift; whose the chamber is after it, nobody has said


@dataclass(frozen=True, slots=True, kw_only=True)
class LabState:
    """Where the batteries are. `by` and `utc` are empty where the bench file says it.

    `doubt`: why they may have left that state meanwhile; empty: they are there.
    """

    state: StartState
    by: str = ""
    utc: str = ""
    doubt: str = ""


def stated(file: BenchFile) -> StartState:
    """What the bench file says."""
    assert file.lab is not None
    batteries = file.lab.batteries
    return StartState(soc_pct=batteries.soc_pct, temperature_c=batteries.temperature_c)


def read_state(file: BenchFile) -> LabState:
    """Where they are now."""
    try:
        found = json.loads(file.path.with_suffix(".state.json").read_text(encoding="utf-8"))
        if found["of"] == _of(file):
            state = StartState(**{name: float(value) for name, value in found["state"].items()})
            doubt = str(found.get("doubt", "")) or _lapsed(file, state, str(found["utc"]))
            return LabState(state=state, by=str(found["by"]), utc=str(found["utc"]), doubt=doubt)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # nobody has said anything since
    return LabState(state=stated(file))


def keep_state(file: BenchFile, found: LabState) -> None:
    """Keep what somebody has said."""
    told = {"of": _of(file), **asdict(found)}
    write_whole(file.path.with_suffix(".state.json"), json.dumps(told) + "\n")


def _lapsed(file: BenchFile, state: StartState, utc: str) -> str:
    """Why a temperature that somebody brought about counts no more; empty: it does, or is usual."""
    if state.temperature_c == stated(file).temperature_c:
        return ""
    try:
        since_s = (datetime.now(UTC) - datetime.fromisoformat(utc)).total_seconds()
    except (ValueError, TypeError):
        since_s = -1.0
    if 0.0 <= since_s <= 3600.0 * LAPSES_H:
        return ""
    return f"nobody has said their temperature within {LAPSES_H:g} h"


def _of(file: BenchFile) -> str:
    assert file.lab is not None
    about = [sorted(addresses(file)), asdict(file.lab.batteries)]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()


def state_needed(file: BenchFile, needs: Needs) -> StartState:
    """Where a scenario starts. Rest-bus batteries are told their temperature: nothing soaks."""
    assert file.lab is not None
    batteries = file.lab.batteries
    soaked = batteries.kind == REAL
    temperature_c = needs.temperature_c if soaked else batteries.temperature_c
    return StartState(soc_pct=float(needs.soc_pct), temperature_c=float(temperature_c))


def moved_to(file: BenchFile, state: StartState) -> BenchFile:
    """The bench as its file would state it, were its batteries there."""
    assert file.lab is not None
    batteries = replace(
        file.lab.batteries, soc_pct=state.soc_pct, temperature_c=state.temperature_c
    )
    return replace(file, lab=replace(file.lab, batteries=batteries))


def costs_of(file: BenchFile) -> Costs:
    """What moving its batteries costs: by the envelope's currents; nothing where they are models.

    Raises ValueError for a battery type that nobody knows.
    """
    if file.lab is None:
        return Costs()
    batteries = file.lab.batteries
    return Costs(
        capacity_ah=battery_type(batteries.type).capacity_ah * batteries.parallel,
        charge_a=file.envelope.charge_current_a_max,
        discharge_a=file.envelope.discharge_current_a_max,
        gradient_k_per_min=GRADIENT_K_PER_MIN,
        rest_h=REST_H,
    )


def way(leg: Leg) -> str:
    """What a technician has to do, and about how long it takes."""
    return f"bring the batteries from {leg.begin} to {leg.end}, about {in_words(leg.hours)}"


def in_words(hours: float) -> str:
    """A time as people say it."""
    return f"{hours:.1f} h" if hours >= 1.0 else f"{60.0 * hours:.0f} min"
