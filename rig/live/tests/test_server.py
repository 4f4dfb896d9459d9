"""The live page's server, by a stranger's plain HTTP client."""

import http.client
import json
import os
import re
import signal
import socket  # noqa: TID251 - a client that reads nothing
import subprocess
import sys
import time

import pytest

from rig.live.server import is_loopback
from rig.recording import Verdict


def connected(server):
    host, port = server.server_address[:2]
    return http.client.HTTPConnection(host, port, timeout=20)


def asked(server, path, method="GET", **headers):
    connection = connected(server)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class Listener:
    """A client of the events."""

    def __init__(self, server):
        self.connection = connected(server)
        self.connection.request("GET", "/events")
        self.answer = self.connection.getresponse()

    def until(self, fits):
        """The first state that fits, of those that come."""
        while True:
            line = self.answer.readline().decode()
            assert line, "the stream ended"
            if line.startswith("data: {") and fits(seen := json.loads(line[6:])):
                return seen

    def close(self):
        self.answer.close()
        self.connection.close()


@pytest.fixture
def listen():
    made = []

    def listening(server):
        made.append(Listener(server))
        return made[-1]

    yield listening
    for each in made:
        each.close()


def test_the_page_is_one_file_that_asks_nobody_else(growing, serve):
    with serve(growing().folder) as server:
        status, page = asked(server, "/")

    assert status == 200
    assert not re.search(r"""(src|href)=["']?(https?:|//)""", page)
    assert "default-src 'none'" in page


def test_the_page_comes_with_what_is_known_and_no_text_of_a_record_ends_its_script(growing, serve):
    run = growing()
    run.start("v1.08-04", 0)
    run.end("v1.08-04", 10, Verdict.FAIL, reason="</script><b>early</b>")
    with serve(run.folder) as server:
        page = asked(server, "/")[1]

    first = re.search(r'<script type="application/json" id="first">(.*?)</script>', page)
    assert json.loads(first[1])["failure"]["sentence"] == "</script><b>early</b>"


def test_a_client_hears_of_what_is_written_while_it_listens(growing, serve, listen):
    run = growing()
    with serve(run.folder) as server:
        client = listen(server)
        client.until(lambda seen: seen["tests_ended"] == 0)
        run.start("v1.08-04", 0)
        client.until(lambda seen: [each["item"] for each in seen["now"]] == ["v1.08-04"])
        run.end("v1.08-04", 10, Verdict.FAIL, reason="it opened early")

        seen = client.until(lambda seen: seen["tests_ended"] == 1)

    assert seen["failure"]["sentence"] == "it opened early"
    assert seen["counts"] == {"FAIL": 1, "NOT RUN": 1}


def test_a_run_that_begins_after_the_page_is_found(tmp_path, growing, serve, listen):
    folder = tmp_path / "runs" / "run"
    folder.mkdir(parents=True)
    with serve(folder) as server:
        client = listen(server)
        client.until(lambda seen: seen["phase"] == "waiting")

        growing()

        assert client.until(lambda seen: seen["phase"] != "waiting")["firmware"] == "1.38"


def test_who_comes_back_after_a_drop_is_told_the_whole_state_at_once(growing, serve, listen):
    run = growing()
    with serve(run.folder) as server:
        first = listen(server)
        first.until(lambda seen: True)
        first.close()
        run.whole()
        listen(server).until(lambda seen: seen["phase"] == "finished")

        again = listen(server)

        assert again.until(lambda seen: True)["phase"] == "finished"


def test_twenty_clients_hear_the_same_and_one_that_reads_nothing_holds_up_none(
    growing, serve, listen
):
    run = growing()
    with serve(run.folder) as server:
        idle = socket.create_connection(server.server_address[:2])
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        idle.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        clients = [listen(server) for _ in range(20)]
        run.whole()

        seen = [each.until(lambda seen: seen["phase"] == "finished") for each in clients]

        idle.close()
    assert [each["counts"] for each in seen] == [{"PASS": 3, "NOT RUN": 1}] * 20


def test_more_clients_than_seats_are_refused_and_the_page_still_answers(
    growing, serve, listen, monkeypatch
):
    monkeypatch.setattr("rig.live.server.CLIENTS_MAX", 2)
    with serve(growing().folder) as server:
        for _ in range(2):
            listen(server).until(lambda seen: True)

        assert asked(server, "/events")[0] == 503
        assert asked(server, "/")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(growing, serve, method):
    with serve(growing().folder) as server:
        assert asked(server, "/", method)[0] == 501


@pytest.mark.parametrize("path", ["/plan.json", "/../run/plan.json", "/attempts"])
def test_no_file_of_the_record_is_given_out(growing, serve, path):
    with serve(growing().folder) as server:
        assert asked(server, path)[0] == 404


def test_a_name_that_was_made_to_point_here_is_refused(growing, serve):
    with serve(growing().folder) as server:
        assert asked(server, "/state.json", Host="evil.example:80")[0] == 403
        assert asked(server, "/state.json", Host="localhost:80")[0] == 200
        assert asked(server, "/state.json", Host="[::1]:80")[0] == 200


def test_the_record_is_the_same_before_and_after(growing, serve, listen):
    run = growing().whole()
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}

    with serve(run.folder) as server:
        listen(server).until(lambda seen: seen["phase"] == "finished")

    assert {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")} == before


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("192.168.1.7", False),
        ("bench.example", False),
    ],
    ids=str,
)
def test_only_loopback_is_called_loopback(host, here):
    assert is_loopback(host) is here


def test_the_command_says_where_and_ends_by_a_signal(growing):
    folder = growing().folder
    command = [sys.executable, "-m", "rig.cli", "live", str(folder), "--host", "0.0.0.0", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            told = json.loads(child.stdout.readline())
            assert re.fullmatch(r"http://0\.0\.0\.0:\d+/", told["url"])
            time.sleep(0.3)  # noqa: TID251 - another process, on the wall clock
        finally:
            os.kill(child.pid, signal.SIGTERM)
        _, said = child.communicate(timeout=60)
    assert "--host 0.0.0.0: everybody who reaches this machine can read the run" in said
    assert child.returncode == 0
