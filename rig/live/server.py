"""Serves a run's page and its events on this machine; read-only, to as many as look.

One thread watches the record and makes one text of what is new; a thread a client sends it. A
client that does not take its events is let go; nothing here can hold up the run, or the others.
"""

from __future__ import annotations

import json
import socket  # noqa: TID251 - a program of its own, with a wall clock
import threading  # noqa: TID251 - a program of its own, with a wall clock
from collections.abc import Callable
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from rig.clock import unix_ms, utc_now, wall_s
from rig.live.durations import Durations, durations_of
from rig.live.reader import RecordReader
from rig.live.state import Snapshot, snapshot
from rig.recording import RecordError

LOOK_S = 0.3  # chosen: how soon an end is seen; a look costs a few stat calls
REFRESH_S = 5.0  # chosen: how often times are told anew while nothing is written
BEAT_S = 5.0  # chosen: a page that hears nothing for thrice that says so
SEND_S = 10.0  # chosen: a client that takes nothing for so long is gone
CLIENTS_MAX = 64  # chosen: more than a lab has screens; each is a thread


class Watcher:
    """Looks at a record again and again, and hands out what it last saw."""

    def __init__(self, folder: Path, now_s: Callable[[], float] | None = None) -> None:
        self._folder = folder
        self._now_s = now_s or (lambda: unix_ms() / 1000)
        self._reader = RecordReader(folder)
        self._durations: Durations | None = None
        self._stamp: tuple[object, ...] = ()
        self._text = b"{}"
        self._number = 0
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="watcher")

    def start(self) -> None:
        """Look once, then begin to look by itself."""
        self._look()
        self._thread.start()

    def stop(self) -> None:
        """End the looking, and wake everybody who waits."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(SEND_S)

    @property
    def stopped(self) -> bool:
        """Whether it has been told to stop."""
        return self._stopped.is_set()

    def latest(self) -> tuple[int, bytes]:
        """The number of what it last saw, and that as JSON."""
        with self._changed:
            return self._number, self._text

    def wait(self, number: int, timeout_s: float) -> tuple[int, bytes] | None:
        """What is newer than `number`, as soon as there is any; None after `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._number != number or self.stopped, timeout_s)
            return None if self._number == number else (self._number, self._text)

    def _run(self) -> None:
        told_s = wall_s()
        while not self._stopped.wait(LOOK_S):
            stamp = self._now_stamp()
            if stamp != self._stamp or wall_s() - told_s >= REFRESH_S:
                self._look()
                told_s = wall_s()

    def _look(self) -> None:
        self._stamp = self._now_stamp()
        seen = self._seen()
        self._publish(seen)
        if self._durations is None and seen.phase not in {"waiting", "unreadable"}:
            # After the first look: reading other runs takes a while.
            self._durations = self._read_durations()
            self._publish(self._seen())

    def _seen(self) -> Snapshot:
        return snapshot(self._folder, self._durations or {}, self._now_s(), self._reader)

    def _read_durations(self) -> Durations:
        try:
            return durations_of(self._folder, self._reader.plan())
        except (RecordError, OSError):
            return {}

    def _publish(self, seen: Snapshot) -> None:
        told = json.dumps({"clock": utc_now(), **asdict(seen)}, separators=(",", ":"))
        with self._changed:
            self._text = told.encode()
            self._number += 1
            self._changed.notify_all()

    def _now_stamp(self) -> tuple[object, ...]:
        found: list[object] = []
        for name in (
            "plan.json",
            "journal.jsonl",
            "verdicts.json",
            "selftest-before.json",
            "selftest-after.json",
            "sessions",
            "questions",
        ):
            try:
                about = (self._folder / name).stat()
            except OSError:
                found.append(None)
            else:
                found.append((about.st_size, about.st_mtime_ns))
        return tuple(found)


class LiveServer(ThreadingHTTPServer):
    """The page at /, its events at /events, the newest state at /state.json."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, folder: Path, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), LivePage)
        self.watcher = Watcher(folder)
        self.loopback = is_loopback(host)
        self.seats = threading.BoundedSemaphore(CLIENTS_MAX)
        self._ended = threading.Event()

    @property
    def url(self) -> str:
        """Where the page is."""
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}/" if ":" in str(host) else f"http://{host!s}:{port}/"

    def run(self) -> None:
        """Serve until `stop`."""
        self.watcher.start()
        serving = threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True)
        serving.start()
        self._ended.wait()
        self.watcher.stop()
        self.shutdown()

    def stop(self) -> None:
        """End `run`; from a handler of a signal, too."""
        self._ended.set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours."""

    def server_bind(self) -> None:
        """Bind without asking a name server who we are, as the library does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


class LivePage(BaseHTTPRequestHandler):
    """One client."""

    server: LiveServer
    timeout = SEND_S
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a question; there is nothing else to be asked for."""
        if self.server.loopback and not _names_this_machine(self.headers.get("Host", "")):
            # A page of somebody else's, whose name was made to point here.
            self.send_error(403, "this page is for this machine")
        elif self.path == "/":
            first = self.server.watcher.latest()[1]
            self._send(page(first), "text/html; charset=utf-8")
        elif self.path == "/state.json":
            self._send(self.server.watcher.latest()[1], "application/json")
        elif self.path == "/events":
            self._events()
        else:
            self.send_error(404)

    def _send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self._no_store()
        self.wfile.write(content)

    def _no_store(self) -> None:
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()

    def _events(self) -> None:
        if not self.server.seats.acquire(blocking=False):
            self.send_error(503, f"{CLIENTS_MAX} look already")
            return
        try:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self._no_store()
            self._send_events()
        except OSError:
            return  # it went away
        finally:
            self.server.seats.release()

    def _send_events(self) -> None:
        watcher, number = self.server.watcher, -1
        self.wfile.write(b"retry: 1000\n\n")
        while not watcher.stopped:
            new = watcher.wait(number, BEAT_S)
            if new is None:
                self.wfile.write(b"event: beat\ndata:\n\n")
            else:
                number, text = new
                self.wfile.write(b"data: " + text + b"\n\n")
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing: the terminal is for what matters."""


def page(first: bytes) -> bytes:
    """The page, as it lies in this package, with the state to begin with, as JSON."""
    blank = (resources.files("rig.live") / "page.html").read_bytes()
    # Inside a script element only this could end it or open a comment.
    return blank.replace(b'id="first">null', b'id="first">' + first.replace(b"<", b"\\u003c"))


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _names_this_machine(host: str) -> bool:
    return is_loopback(host.rpartition(":")[0].strip("[]") or host)
