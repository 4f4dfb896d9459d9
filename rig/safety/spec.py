"""What a guardian is told about its bench: a JSON file, written by who starts it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from rig.errors import BenchError
from rig.safety.envelope import Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One instrument: its model as the bench file names it, its VISA name, its serial number."""

    model: str
    resource: str
    serial: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sense:
    """How the guardian itself sees and opens the bench's interlock; None: not wired."""

    interlock_relay: int | None = None
    stop_channel: int | None = None
    current_channel: int | None = None
    current_v_per_a: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long the guardian waits for what. All chosen, for a machine that many share."""

    heartbeat_s: float = 10.0  # a loop that decodes its first frame on a busy machine
    exchange_s: float = 8.0  # above a session's own time-out, which is the test's to see
    look_s: float = 0.01  # a stopped process is seen within it, and a full disk
    stall_s: float = 5.0  # between two looks; longer, and the clock or the guardian has jumped
    hung_s: float = 2.0  # a guardian that the system holds (state D) so long counts as gone
    measure_s: float = 0.1
    blind_s: float = 7.0  # how long an output may be on without a reading of it
    answer_s: float = 5.0  # a twin answers in milliseconds, on a busy machine in a second
    doubt_s: float = 0.1  # an output not seen off within it: the interlock opens at once
    step_s: float = 1.5  # of each step to the safe state
    rest_a: float = 1.0  # what counts as no current: the transducer's uncertainty, five times
    watchdog_s: float = 5.0
    disk_bytes_min: int = 32_000_000  # what an attempt and its run still write to end in order
    energy_wh_max: float = 50_000.0  # an hour at the corner of a 48 V bench's envelope
    time_s_max: float = 3600.0  # longer than any row on a bench that is not a laboratory's


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardianSpec:
    """A bench, as far as its guardian is concerned."""

    places: Mapping[str, Place]
    lines: Mapping[str, tuple[int, int]]
    envelope: Envelope
    client: int  # the process that is guarded
    report: str  # a JSON line for each thing that it did
    sense: Sense = Sense()
    limits: Limits = Limits()
    latches: tuple[str, ...] = ()  # files: while one of them exists, nothing is armed

    def write(self, path: Path) -> None:
        """Leave it for the guardian."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """As it was written. Raises BenchError for what is no spec."""
        try:
            told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                places={role: Place(**place) for role, place in told.pop("places").items()},
                lines={name: (place[0], place[1]) for name, place in told.pop("lines").items()},
                envelope=Envelope(**told.pop("envelope")),
                sense=Sense(**told.pop("sense")),
                limits=Limits(**told.pop("limits")),
                latches=tuple(told.pop("latches")),
                **told,
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BenchError(f"{path}: no spec of a guardian: {error}") from error
