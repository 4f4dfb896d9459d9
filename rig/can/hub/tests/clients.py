"""Clients of a hub for the tests: frames with numbers, a plain socketcand client, patience."""

import select
import socket  # noqa: TID251 - a stranger's plain client

import pytest

from rig.can.frame import Frame


def pause(duration_s):
    select.select([], [], [], duration_s)


def received(client, count, timeout_s=20.0):
    """At least ``count`` frames, unless there are none for a while."""
    found = []
    while len(found) < count:
        frames = client.receive(timeout_s)
        if not frames:
            break
        found += frames
    return found


def numbers(frames):
    return [int.from_bytes(seen.data, "little") for seen in frames]


def numbered(count, first=0):
    return [(0, Frame(0x100, number.to_bytes(4, "little"))) for number in range(first, count)]


class Plain:
    """A client of the socketcand protocol in a dozen lines."""

    def __init__(self, port, bus="can0"):
        self.socket = socket.socket()
        self.socket.settimeout(10)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.rest = ""
        assert self.saying() == "< hi >"
        for words in (f"open {bus}", "rawmode"):
            self.say(words)
            assert self.saying() == "< ok >"

    def say(self, words):
        self.socket.sendall(f"< {words} >".encode())

    def saying(self):
        while ">" not in self.rest:
            data = self.socket.recv(4096)
            assert data, "the hub has hung up"
            self.rest += data.decode()
        saying, _, self.rest = self.rest.partition(">")
        return saying + ">"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def until_joined(hub, name):
    for _ in range(200):
        if any(one["name"] == name for one in hub.statistics()["clients"]):
            return
        pause(0.01)
    pytest.fail(f"{name} has not joined")


def until_refused(hub, name):
    for _ in range(200):
        if hub.client(name)["refused"] == 1:
            return
        pause(0.01)
    pytest.fail("nothing was refused")


def until_idle(hub, frames):
    for _ in range(1000):
        if hub.statistics()["buses"][0]["frames"] == frames:
            return
        pause(0.01)
    pytest.fail("the bus has not carried all frames")
