"""A history that nobody recorded: a year of nights with known faults, for benchmarks and tests.

Everything follows from the seed. What is put in on purpose is told by `Story`, so that a reader of
the history can be held against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from rig.history.facts import AttemptFacts, RowFacts, RunFacts
from rig.history.nights import Row
from rig.recording import Measurement, Verdict

FIRST = datetime(2025, 11, 22, 21, 0, tzinfo=UTC)
TEST = "test_it"
FIRMWARE = "1.38"
# Chosen: a limit ten spreads from the middle, as a measurement of a good bench has it.
MIDDLE, SPREAD, HALF_BAND = 5.0, 0.01, 0.1
BENCH_LOST, RETRIED, NIGHT_LOST = 0.01, 0.02, 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is wrong in a made-up history: rows by their place, benches and nights from 0.

    `drifts`: row and bench whose measurement moves up by one spread from a night on; `flaky`: rows
    that fail one night in six, anywhere; `one_bench`: row and bench, failing every second night
    there from a night on; `regressed`: rows that fail everywhere from a night on.
    """

    drifts: tuple[tuple[int, int, int], ...] = ()
    flaky: tuple[int, ...] = ()
    one_bench: tuple[tuple[int, int, int], ...] = ()
    regressed: tuple[tuple[int, int], ...] = ()


def year_of(rows: int, benches: int, nights: int) -> Story:
    """A story for a benchmark: a few of each fault, spread over rows, benches and nights."""
    return Story(
        drifts=tuple((7 + 20 * n, n % benches, nights // 2 + 9 * n) for n in range(rows // 20)),
        flaky=tuple(range(3, rows, 40)),
        one_bench=((11, benches - 1, nights - 40), (12, benches - 1, nights - 40)),
        regressed=((17, nights - 5),),
    )


def made_up_runs(
    rows: Sequence[Row], story: Story, *, nights: int, benches: Sequence[str], seed: int
) -> Iterator[RunFacts]:
    """The runs of all benches, night by night."""
    random = Random(seed)
    for night in range(nights):
        for bench in range(len(benches)):
            if random.random() >= NIGHT_LOST:
                yield _run(rows, story, night, (bench, benches[bench]), random)


def _run(
    rows: Sequence[Row], story: Story, night: int, bench: tuple[int, str], random: Random
) -> RunFacts:
    started = FIRST + timedelta(days=night, minutes=7 * bench[0])
    name = f"{started:%Y%m%dT%H%M%SZ}-{bench[1]}-{FIRMWARE}"
    utc = f"{started:%Y-%m-%dT%H:%M:%S.%f}Z"
    return RunFacts(
        folder=name,
        stamp=name,
        id=name,
        bench=bench[1],
        bench_sha256="ef" * 32,
        firmware=FIRMWARE,
        started=utc,
        finished=f"{started + timedelta(minutes=50):%Y-%m-%dT%H:%M:%S.%f}Z",
        seed=1,
        marks="",
        rows=tuple(
            _row(row, place, story, (night, bench[0]), (utc, random))
            for place, row in enumerate(rows)
        ),
    )


def _row(
    row: Row, place: int, story: Story, at: tuple[int, int], given: tuple[str, Random]
) -> RowFacts:
    utc, random = given
    shift = sum((each[0], each[1]) == (place, at[1]) and at[0] >= each[2] for each in story.drifts)
    value = random.gauss(MIDDLE + SPREAD * shift, SPREAD)
    verdict = Verdict.PASS
    if (
        any(each[0] == place and at[0] >= each[1] for each in story.regressed)
        or (place in story.flaky and random.random() < 1 / 6)
        or any(
            (each[0], each[1]) == (place, at[1]) and at[0] >= each[2] and random.random() < 0.5
            for each in story.one_bench
        )
    ):
        verdict = Verdict.FAIL
    first = Verdict.BROKEN if random.random() < BENCH_LOST else verdict
    attempts = [_attempt(1, first, value, utc)]
    if first is Verdict.BROKEN:
        attempts.append(_attempt(2, verdict, value, utc))
    elif verdict is Verdict.FAIL and random.random() < RETRIED:
        attempts.append(_attempt(2, Verdict.PASS, value, utc))
        verdict = Verdict.FLAKY
    return RowFacts(
        id=row.id,
        area=row.area,
        statement=row.statement,
        firmware=FIRMWARE,
        scenario_sha256="ab" * 32,
        verdict=verdict,
        reason="" if verdict is Verdict.PASS else f"{row.id}: the device did something else",
        first_passed=first is Verdict.PASS,
        attempts=tuple(attempts),
    )


def _attempt(number: int, verdict: Verdict, value: float, utc: str) -> AttemptFacts:
    measurement = Measurement(
        name="opening delay",
        value=value,
        unit="s",
        low=MIDDLE - HALF_BAND,
        high=MIDDLE + HALF_BAND,
        uncertainty=SPREAD,
        rule="simple",
        verdict=Verdict.PASS,
        t_s=12.0,
    )
    return AttemptFacts(
        test=TEST,
        number=number,
        verdict=verdict,
        reason="" if verdict is Verdict.PASS else "the device did something else",
        started=utc,
        sim_s=40.0,
        wall_s=0.4,
        measurements=() if verdict is Verdict.BROKEN else (measurement,),
    )
