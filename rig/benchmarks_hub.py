"""How much the CAN hub carries: four full buses into a recorder, and a round trip.

Rules of this file: hub, sender and recorder are processes of their own, as on a bench. The sender
numbers its frames; a frame is lost if the recorder, which writes them all to a disk, has not had
its number. The hub's cost is its own processor time. Where the system allows it, the hub and the
two ends of a round trip have real-time priority, so that other programs change little.
`python -m rig.benchmarks_hub SECONDS` measures for so long, and says how busy the machine was.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rig.can.frame import Frame
from rig.can.hub.client import HubClient, HubTimeout
from rig.can.hub.requests import AskStatistics
from rig.clock import wall_s
from rig.realtime import come_first
from rig.recording.frames import FrameRecorder

# Name, value, unit, goal: the benchmarks' own type is of the file that imports this one.
Measured = tuple[str, float, str, float | None]

BUSES = ("bus0", "bus1", "bus2", "bus3")
BITRATE = 500_000
WINDOW_S = 60.0
BATCH = 64
PAUSE_MS = 20
TRIPS = 3000
SILENCE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What came of full buses: frames ``sent`` in all, and those that the recorder never had."""

    sent: int
    lost: int
    frames_per_s: float
    load_pct: float
    hub_cpu_pct: float


def full_buses(window_s: float = WINDOW_S) -> list[Measured]:
    """Four buses at 500 kbit/s without a pause, into a recorder."""
    carried = carry(window_s)
    return [
        ("hub_lost_frames", float(carried.lost), "frames", 0.0),
        ("hub_cpu_pct", carried.hub_cpu_pct, "%", 100.0),
        ("hub_frames_per_s", carried.frames_per_s, "1/s", None),
        ("hub_bus_load_pct", carried.load_pct, "% load", None),
    ]


def carry(window_s: float) -> Carried:
    """Fill all buses for ``window_s``, and count."""
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        path = stack.enter_context(_hub(folder))
        recorder = stack.enter_context(_part("record", str(path), str(folder / "frames.blf")))
        _line(recorder)
        control = stack.enter_context(HubClient(path, "benchmark", ()))
        sender = stack.enter_context(_part("send", str(path), str(window_s)))
        _line(sender)
        before = control.ask(AskStatistics())
        during = json.loads(_line(sender))
        after = control.ask(AskStatistics())
        sent = json.loads(_line(sender))["sent"]
        told = json.loads(_line(recorder))
    took_s = after["uptime_s"] - before["uptime_s"]
    frames = _frames(after) - _frames(before)
    return Carried(
        sent=sum(sent.values()),
        lost=sum(count - told[bus] for bus, count in sent.items()),
        frames_per_s=frames / took_s,
        load_pct=statistics.fmean(during["load_pct"]),
        hub_cpu_pct=100.0 * (after["cpu_s"] - before["cpu_s"]) / took_s,
    )


def round_trip() -> list[Measured]:
    """A frame to another process and one back; twice 0.268 ms of it are the bus's own."""
    with TemporaryDirectory() as name, ExitStack() as stack:
        path = stack.enter_context(_hub(Path(name)))
        _line(stack.enter_context(_part("echo", str(path), BUSES[0])))
        asking = stack.enter_context(_part("ask", str(path), BUSES[0], str(TRIPS)))
        trips_ms = sorted(json.loads(_line(asking)))
    return [
        ("hub_round_trip_p50_ms", trips_ms[TRIPS // 2], "ms", None),
        ("hub_round_trip_p99_ms", trips_ms[TRIPS * 99 // 100], "ms", None),
    ]


def _frames(told: Mapping[str, Any]) -> int:
    return sum(int(bus["frames"]) for bus in told["buses"])


@contextmanager
def _hub(folder: Path) -> Iterator[Path]:
    path = folder / "hub.sock"
    buses = [f"{bus}:{BITRATE}" for bus in BUSES]
    command = ["-m", "rig.commands.hub", *buses, "--no-strangers", "--realtime", "--json"]
    command += ["--socket", str(path)]
    with _process(command) as process:
        _line(process)
        yield path
        process.terminate()


@contextmanager
def _part(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with _process(["-m", "rig.benchmarks_hub", *arguments]) as process:
        yield process


@contextmanager
def _process(arguments: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _line(process: subprocess.Popen[str]) -> str:
    """The next line that it says. Raises RuntimeError if it ends instead."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{' '.join(map(str, process.args))} has ended")  # type: ignore[arg-type]
    return line


# What the other processes do.


class Tally:
    """Counts numbers that come in their order; ``had`` has each of them once."""

    def __init__(self) -> None:
        self.had = 0
        self._last = -1

    def take(self, number: int) -> None:
        """One more; a number that comes late, or twice, does not count."""
        if number > self._last:
            self.had += 1
            self._last = number


def record(path: Path, file: Path) -> None:
    """Write all frames to a disk until there are none for a while after the first."""
    tallies = [Tally() for _ in BUSES]
    with HubClient(path, "recorder", BUSES, read_only=True) as client:
        epoch_us = client.welcome.epoch_us
        with FrameRecorder(file, epoch_s=epoch_us / 1e6) as recorder:
            _say("ready")
            frames = client.receive()
            while frames:
                for seen in frames:
                    tallies[seen.bus].take(int.from_bytes(seen.data, "little"))
                    recorder.record(
                        seen.time_us - epoch_us, seen.bus, seen.identifier, True, seen.data
                    )
                frames = client.receive(SILENCE_S)
    _say(json.dumps({bus: tally.had for bus, tally in zip(BUSES, tallies, strict=True)}))


def send(path: Path, window_s: float) -> None:
    """Keep all buses full for a while, from one process with a connection a bus."""
    with ExitStack() as stack:
        clients = {
            bus: stack.enter_context(HubClient(path, f"sender of {bus}", (bus,))) for bus in BUSES
        }
        sent = dict.fromkeys(BUSES, 0)
        _fill(clients, sent)
        _say("full")
        loads: list[float] = []
        with HubClient(path, "load", ()) as control:
            began_s = looked_s = wall_s()
            while wall_s() - began_s < window_s:
                _fill(clients, sent)
                next(iter(clients.values())).receive(PAUSE_MS / 1000)
                if wall_s() - looked_s > 1.0:
                    looked_s = wall_s()
                    loads += [bus["load_pct"] for bus in control.ask(AskStatistics())["buses"]]
        _say(json.dumps({"load_pct": loads or [0.0]}))
    _say(json.dumps({"sent": sent}))


def _fill(clients: Mapping[str, HubClient], sent: dict[str, int]) -> None:
    """Give every bus as much as it takes."""
    for number, (bus, client) in enumerate(clients.items()):
        while True:
            first = sent[bus]
            frames = [
                (0, Frame(0x18F00100 + number, count.to_bytes(8, "little")))
                for count in range(first, first + BATCH)
            ]
            try:
                client.send_all(frames, timeout_s=0.0)
            except HubTimeout:
                break
            sent[bus] += BATCH


def ask(path: Path, bus: str, trips: int) -> None:
    """Send a frame and wait for the answer, again and again; say how long each took, in ms."""
    come_first()
    trips_ms = []
    with HubClient(path, "asking", (bus,)) as client:
        for number in range(trips):
            asked_s = wall_s()
            client.send(Frame(0x18F00001, number.to_bytes(8, "little")))
            if not client.receive(timeout_s=5.0):
                raise RuntimeError(f"no answer to frame {number}")
            trips_ms.append(round((wall_s() - asked_s) * 1000, 4))
    _say(json.dumps(trips_ms))


def echo(path: Path, bus: str) -> None:
    """Send every frame back, with another identifier."""
    come_first()
    with HubClient(path, "echo", (bus,)) as client:
        _say("ready")
        while True:
            for seen in client.receive():
                client.send(Frame(seen.identifier + 1, seen.data))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> None:
    """A part of a measurement, or, with a number of seconds, all of it."""
    match arguments:
        case ["record", path, file]:
            record(Path(path), Path(file))
        case ["send", path, window_s]:
            send(Path(path), float(window_s))
        case ["ask", path, bus, trips]:
            ask(Path(path), bus, int(trips))
        case ["echo", path, bus]:
            echo(Path(path), bus)
        case [window_s]:
            for name, value, unit, _ in [*full_buses(float(window_s)), *round_trip()]:
                _say(f"{name}: {value:.2f} {unit}")
            _say(f"load average {' '.join(f'{load:.1f}' for load in os.getloadavg())}")
        case _:
            sys.exit("usage: python -m rig.benchmarks_hub SECONDS")


if __name__ == "__main__":
    main(sys.argv[1:])
