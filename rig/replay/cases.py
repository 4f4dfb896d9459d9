"""Field cases, seeded: a situation on a release, as a recorder in the field would have caught it.

The truth comes with each: on which releases the same situation, not its log, shows the complaint.
"""

import asyncio
import gzip
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import can

from bms.catalogue import partners
from bms.releases import VERSIONS, release_of
from rig.bench import Bench
from rig.benches.file import load_bench
from rig.benches.simulated import SimulatedBench
from rig.collector import seldom_collecting
from rig.dut.model import DutSpec
from rig.kernel import Kernel, VirtualLoop, seconds
from rig.needs import Needs
from rig.replay.condition import Watch, read_condition
from rig.replay.play import BUSES, Ear
from rig.replay.situations import SITUATIONS, Situation, live

LATE_US, EARLY_US = 12_000_000, 30_000_000  # chosen: who is late; what he would miss
START_UTC_S = 1_700_000_000.0  # chosen: a recorder's clock, whatever it says
ALONE = frozenset({".csv", ".trc"})  # as python-can writes them, one bus a file
FORMATS = ("log", "asc", "blf", "trc", "csv", "log.gz")
Frames = list[tuple[int, str, can.Message]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """How well somebody recorded."""

    suffix: str = "log"
    jitter_us: int = 0
    lost: float = 0.0
    """The share of frames that it missed."""
    doubled: float = 0.0
    gap_s: float = 0.0
    """Once, somewhere in the first half, nothing is recorded for so long."""
    drift_ppm: float = 0.0
    buses: tuple[str, ...] = ("ve_can", "private")
    begins_late: bool = False
    """It is switched on while the system runs, where that is possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One field case with its truth."""

    name: str
    situation: Situation
    release: str
    seed: int
    recorder: Recorder = field(default_factory=Recorder)

    def truth(self) -> frozenset[str]:
        """The releases on which this situation shows the complaint, by trial with its seed."""
        return truth_by_trial(self.situation, self.seed)

    def is_of(self, item: str) -> bool:
        """Whether a row is the case's own, its cure, or of the same place."""
        return item == self.situation.item or item in partners(self.situation.item)


def truth_of(situation: Situation) -> frozenset[str]:
    """The releases on which a situation shows its complaint."""
    first, last = map(release_of, situation.faulty)
    return frozenset(str(version) for version in VERSIONS if first <= version <= last)


def truth_by_trial(situation: Situation, seed: int) -> frozenset[str]:
    """The releases on which a situation shows its complaint with this seed.

    What goes on around it may show the same complaint elsewhere. If the borders are as the
    situation has them, the releases between are taken to be so as well; else all are tried.
    """
    declared, order = truth_of(situation), [str(version) for version in VERSIONS]
    first, last = (order.index(end) for end in situation.faulty)
    beside = {0, first - 1, first, last, last + 1, len(order) - 1} & {*range(len(order))}
    shows = {order[i]: happens(situation, order[i], seed)[1] is not None for i in sorted(beside)}
    if all(found is (release in declared) for release, found in shows.items()):
        return declared
    for release in order:
        if release not in shows:
            shows[release] = happens(situation, release, seed)[1] is not None
    return frozenset(release for release, found in shows.items() if found)


def happens(situation: Situation, release: str, seed: int) -> tuple[Ear, int | None]:
    """Let it happen on a release: what was on the buses, and when the complaint first showed."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner, seldom_collecting():
        ear = runner.run(_happen(situation, release, seed))
    watch = Watch(read_condition(situation.when))
    ear.heard.sort(key=lambda each: each[0])
    for time_us, channel, frame in ear.heard:
        watch.take(time_us, BUSES[channel], frame.identifier, frame.extended, frame.data)
    return ear, watch.first_us


async def _happen(situation: Situation, release: str, seed: int) -> Ear:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    kernel: Kernel = loop.kernel
    kernel.seed = f"case/{seed}"
    ear = Ear(kernel)
    needs = Needs.parse(dict(situation.needs))
    parts = SimulatedBench(kernel, load_bench("sim"), needs, DutSpec(firmware=release), ear)
    await parts.open()
    bench, dice = Bench(parts), kernel.stream("situation")
    around = None
    if situation.life:
        around = asyncio.ensure_future(live(bench, kernel.stream("life")))
    await bench.wait(seconds(1))
    for register in (0x0102, 0x0100):  # as a GX device does when it finds a device
        bench.gx.ask(register)
    await situation.story(bench, dice)
    if around is not None:
        around.cancel()
        await asyncio.sleep(0.1)
    parts.settle_record()
    ear.deaf = True  # the way back to the safe state is the bench's, not the field's
    await parts.close()
    return ear


def corpus(seeds: Sequence[int] = (1, 2)) -> list[Case]:
    """Every situation on a release that shows its complaint, for each seed recorded otherwise."""
    cases = []
    for seed in seeds:
        for situation in SITUATIONS:
            dice = random.Random(f"{situation.name}/{seed}")
            faulty = sorted(truth_of(situation))
            recorder = _some_recorder(dice)
            cases.append(
                Case(
                    name=f"{situation.name} {seed}",
                    situation=situation,
                    release=dice.choice(faulty),
                    seed=seed,
                    recorder=recorder,
                )
            )
    return cases


def _some_recorder(dice: random.Random) -> Recorder:
    alone = dice.random() < 0.2
    return Recorder(
        suffix=dice.choice(FORMATS),
        jitter_us=dice.choice((0, 200, 1_000)),
        lost=dice.choice((0.0, 0.0, 0.001, 0.005)),
        doubled=dice.choice((0.0, 0.0, 0.001)),
        gap_s=dice.choice((0.0, 0.0, 0.3, 1.0)),
        drift_ppm=dice.uniform(-50, 50),
        buses=("ve_can",) if alone else ("ve_can", "private"),
        begins_late=dice.random() < 0.3,
    )


def record(case: Case, folder: Path) -> list[Path]:
    """Let the case happen, and write its log as its recorder has it; the files.

    Raises ValueError if its release does not show the complaint.
    """
    ear, first_us = happens(case.situation, case.release, case.seed)
    if first_us is None:
        raise ValueError(f"{case.name}: {case.release} does not show {case.situation.when!r}")
    recorder = case.recorder
    if first_us < EARLY_US:  # who complains of a start has recorded the start
        recorder = replace(recorder, begins_late=False)
    frames = caught(ear, recorder, random.Random(f"recorder/{case.name}"))
    return write_log(frames, folder / f"{case.name.replace(' ', '-')}.{case.recorder.suffix}")


def caught(ear: Ear, recorder: Recorder, dice: random.Random) -> Frames:
    """What the recorder has of what was on the buses."""
    end_us = max((t_us for t_us, _, _ in ear.heard), default=0)
    hole_us = dice.uniform(0.1, 0.5) * end_us
    hole = range(round(hole_us), round(hole_us + recorder.gap_s * 1e6))
    from_us = LATE_US if recorder.begins_late and end_us > 60_000_000 else 0
    found: list[tuple[int, str, can.Message]] = []
    for t_us, channel, frame in ear.heard:
        bus = BUSES[channel]
        if bus not in recorder.buses or t_us < from_us or t_us in hole:
            continue
        if dice.random() < recorder.lost:
            continue
        at_us = t_us + dice.randint(0, recorder.jitter_us)
        at_us = round(at_us * (1 + recorder.drift_ppm / 1e6))
        message = can.Message(
            timestamp=START_UTC_S + at_us / 1e6,
            arbitration_id=frame.identifier,
            is_extended_id=frame.extended,
            data=frame.data,
            channel=recorder.buses.index(bus),
        )
        found.append((at_us, bus, message))
        if dice.random() < recorder.doubled:
            found.append((at_us, bus, message))
    found += _error_frames(ear, recorder, from_us)
    found.sort(key=lambda each: each[0])
    return found


def _error_frames(ear: Ear, recorder: Recorder, from_us: int) -> Frames:
    """Errors on a bus as a recorder has them."""
    found: Frames = []
    for t_us, text in ear.errors:
        bus = text.split(":")[0]
        if bus in recorder.buses and t_us >= from_us:
            message = can.Message(
                timestamp=START_UTC_S + t_us / 1e6,
                is_error_frame=True,
                channel=recorder.buses.index(bus),
            )
            found.append((t_us, bus, message))
    return found


def write_log(frames: Frames, path: Path) -> list[Path]:
    """Write a log in the format of its suffix; a format without channels gets a file a bus."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix not in ALONE:
        return [_write(frames, path)]
    buses = sorted({bus for _, bus, _ in frames})
    return [
        _write([each for each in frames if each[1] == bus], path.with_stem(f"{path.stem}-{bus}"))
        for bus in buses
    ]


def _write(frames: Frames, path: Path) -> Path:
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    with can.Logger(plain) as logger:
        for _, _, message in frames:
            if message.is_error_frame and isinstance(logger, can.TRCWriter):
                _write_trc_error(logger, message)
            else:
                logger.on_message_received(message)
    if plain != path:
        path.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
        plain.unlink()
    return path


def _write_trc_error(logger: can.TRCWriter, message: can.Message) -> None:
    """An error frame as PEAK's tools trace it (TRC 2.1, type ER), which python-can's writer omits.

    One before the first frame is left out: the file's time begins with that.
    """
    if logger.first_timestamp is None:
        return
    logger.msgnr += 1
    at_ms = (message.timestamp - logger.first_timestamp) * 1000
    bus = int(str(message.channel)) + 1
    logger.log_event(
        f"{logger.msgnr:>7} {at_ms:13.3f} ER {bus:>2}        - Rx -  5    04 00 02 00 00",
        message.timestamp,
    )
