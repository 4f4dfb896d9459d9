"""Anyone's tools on the hub, all at once, each a program that nobody here wrote."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress

import can
import pytest

from rig.can.frame import Frame
from rig.can.hub.requests import AskStatistics

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="local sockets need Linux")

DBC = """VERSION ""
BU_: dut
BO_ 291 Battery: 8 dut
 SG_ Voltage : 0|16@1+ (0.01,0) [0|655] "V" dut
"""
ENTRY = "[can.interface]\nhil_hub = rig.can.hub.interface:HubBus\n"
FRAMES = 200


@pytest.fixture
def environment(tmp_path):
    """python-can finds interfaces by the metadata of what is installed: here is a piece of that."""
    metadata = tmp_path / "installed" / "hil_hub_entry-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: hil_hub_entry\nVersion: 0\n")
    (metadata / "entry_points.txt").write_text(ENTRY)
    return {**os.environ, "PYTHONPATH": str(metadata.parent), "TERM": "xterm", "COLUMNS": "120"}


def by_socketcand(hub):
    return ["-i", "socketcand", "-c", "can0", "--bus-kwargs", "host=127.0.0.1", f"port={hub.port}"]


def by_entry_point(hub, *options):
    return ["-i", "hil_hub", "-c", "can0", "--bus-kwargs", f"socket={hub.socket}", *options]


@contextmanager
def tool(environment, *command):
    child = subprocess.Popen(
        [sys.executable, "-m", *command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.communicate()


@contextmanager
def on_a_terminal(environment, *command):
    """A tool that draws: gives the terminal's end."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", *command],
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        yield ours
    finally:
        child.kill()
        child.wait()
        os.close(ours)


def end_by_ctrl_c(logger):
    """As at a terminal: a tool that is within its socket's clean-up may miss the first one."""
    for _ in range(5):
        logger.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            logger.wait(8)
            return
    pytest.fail("the logger does not end")


def shown_until(terminal, wanted, timeout_s=20.0):
    """What a terminal has shown, without its control sequences, once ``wanted`` is there."""
    shown = ""
    while select.select([terminal], [], [], timeout_s)[0]:
        shown += os.read(terminal, 65536).decode(errors="replace")
        plain = re.sub(r"\x1b[\[(][0-9;?]*[A-Za-z]", " ", shown)
        if wanted in plain:
            return plain
    pytest.fail(f"{wanted!r} was never shown: {shown[-2000:]}")
    return ""


def until_attached(hub, count):
    with hub.join("test") as client:
        for _ in range(600):
            clients = client.ask(AskStatistics())["clients"]
            if len(clients) == count + 1:
                return
            select.select([], [], [], 0.05)
    pytest.fail(f"{count} tools are to be attached, there are {json.dumps(clients)}")


def logged(path):
    with can.LogReader(str(path)) as log:
        return [(one.arbitration_id, bytes(one.data)) for one in log if not one.is_error_frame]


def write_log(path):
    with can.Logger(str(path)) as log:
        for number in range(FRAMES):
            data = number.to_bytes(2, "little") + bytes(6)
            log.on_message_received(
                can.Message(
                    timestamp=number / 1000, arbitration_id=291, data=data, is_extended_id=False
                )
            )


def test_logger_player_viewer_and_monitor_work_together(hub, environment, tmp_path):
    played, dbc = tmp_path / "played.log", tmp_path / "battery.dbc"
    write_log(played)
    dbc.write_text(DBC)
    logs = [tmp_path / "one.log", tmp_path / "two.blf", tmp_path / "three.asc"]
    with ExitStack() as stack:
        loggers = [
            stack.enter_context(tool(environment, "can.logger", "-f", str(log), *how))
            for log, how in zip(
                logs,
                [by_socketcand(hub), by_entry_point(hub), by_entry_point(hub, "read_only=true")],
                strict=True,
            )
        ]
        viewer = stack.enter_context(on_a_terminal(environment, "can.viewer", *by_socketcand(hub)))
        monitor = stack.enter_context(
            on_a_terminal(environment, "cantools", "monitor", str(dbc), *by_socketcand(hub))
        )
        until_attached(hub, 5)

        player = stack.enter_context(
            tool(environment, "can.player", *by_socketcand(hub), "--", str(played))
        )
        assert player.wait(60) == 0, player.stdout.read()

        expected = [(291, number.to_bytes(2, "little") + bytes(6)) for number in range(FRAMES)]
        shown_until(viewer, "123")
        # Afterwards it draws only the digits that have changed.
        shown_until(monitor, "Voltage:")
        for logger in loggers:
            end_by_ctrl_c(logger)

    assert [logged(log) for log in logs] == [expected] * 3


def test_the_player_plays_through_the_entry_point(hub, environment, tmp_path):
    played = tmp_path / "played.log"
    write_log(played)
    with (
        hub.join("recorder", "can0", read_only=True) as recorder,
        tool(environment, "can.player", *by_entry_point(hub), "--", str(played)) as player,
    ):
        assert player.wait(60) == 0, player.stdout.read()
        had = []
        while frames := recorder.receive(0.5):
            had += frames

    expected = [
        Frame(291, number.to_bytes(2, "little") + bytes(6), extended=False)
        for number in range(FRAMES)
    ]
    assert [seen.frame for seen in had] == expected
