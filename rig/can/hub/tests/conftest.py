"""Hubs as programs of their own."""

import json
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rig.can.hub.client import HubClient
from rig.can.hub.requests import AskStatistics


class Served:
    """A hub in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rig.commands.hub", *arguments, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        line = self.process.stdout.readline() if ready else ""
        assert line, self.process.communicate(timeout=5)[1]
        self.told: dict[str, Any] = json.loads(line)
        self.socket = Path(self.told["socket"])

    @property
    def port(self) -> int:
        return int(self.told["port"])

    def join(self, name: str, *buses: str, **options: Any) -> HubClient:
        return HubClient(self.socket, name, buses, **options)

    def statistics(self) -> dict[str, Any]:
        with self.join("test") as client:
            return client.ask(AskStatistics())

    def client(self, name: str) -> dict[str, Any]:
        return next(one for one in self.statistics()["clients"] if one["name"] == name)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit code, and what it said on the way out."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Starts hubs, and ends them after the file's last test."""
    started: list[Served] = []

    def start(*arguments: str) -> Served:
        path = tmp_path_factory.mktemp("hub") / "s"
        started.append(Served(*arguments, "--socket", str(path), "--port", "0"))
        return started[-1]

    yield start
    for served in started:
        if served.process.returncode is None:
            served.end(signal.SIGKILL if served.process.poll() is None else signal.SIGTERM)


@pytest.fixture(scope="module")
def hub(serve: Callable[..., Served]) -> Served:
    """One hub for the tests of a file."""
    return serve("can0:500000", "can1:250000")
