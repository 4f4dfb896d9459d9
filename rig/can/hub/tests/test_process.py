"""The hub as a program: clients that are slow, rude, gone; hubs that end or are killed."""

import os
import select
import signal
import socket  # noqa: TID251 - a stranger's plain client
import subprocess
import sys

import pytest

from rig.can.frame import Frame
from rig.can.hub.client import HubError, HubTimeout
from rig.can.hub.hub import Hub
from rig.can.hub.requests import AskStatistics, Disturb
from rig.can.hub.server import Breath, HubAddressError, HubServer, stopwatch
from rig.can.hub.tests.clients import (
    Plain,
    numbered,
    numbers,
    pause,
    received,
    until_idle,
    until_joined,
    until_refused,
)
from rig.can.node import ControllerState
from rig.clock import unix_ms

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="local sockets need Linux")


def test_frames_go_from_one_process_to_another(hub):
    with hub.join("one", "can0") as one, hub.join("other", "can0") as other:
        one.send(Frame(0x1CEFFF50, b"\x01\x02"))

        (seen,) = other.receive(10)

    assert seen.frame == Frame(0x1CEFFF50, b"\x01\x02")


def test_time_stamps_are_of_one_clock_that_everybody_can_read(hub):
    with hub.join("one", "can0") as one, hub.join("other", "can0") as other, Plain(hub.port) as raw:
        until_joined(hub, "socketcand")
        before_us = one.now_us()
        one.send(Frame(0x100, b""))
        (seen,) = other.receive(10)
        after_us = other.now_us()
        text = raw.saying()

    assert before_us < seen.time_us < after_us
    assert text.split()[3] == f"{seen.time_us // 1_000_000}.{seen.time_us % 1_000_000:06d}"
    assert abs(seen.time_us / 1000 - unix_ms()) < 60_000


def test_more_than_the_bus_carries_reaches_the_sender_as_a_full_bus(serve):
    hub = serve("can0:500000")
    with hub.join("sender", "can0") as sender:
        refused = 0
        for _ in range(20):
            try:
                # In all twenty times what a bus carries in a second.
                sender.send_all(numbered(4000), timeout_s=0.0)
            except HubTimeout as error:
                refused += str(error) == "the bus is full"
            pause(0.05)

        assert refused > 10
        # What the hub keeps of it is bounded; the rest is still in the sender's socket.
        (controller,) = hub.statistics()["buses"][0]["controllers"]
        assert 1000 < controller["waiting"] < 2000


def test_a_client_that_does_not_read_loses_its_own_frames_and_nobody_elses(serve):
    hub = serve("can0", "--no-pacing", "--queue", "1000")
    total = 40_000
    with (
        hub.join("sender", "can0") as sender,
        hub.join("quick", "can0", read_only=True) as quick,
        hub.join("asleep", "can0", read_only=True) as asleep,
        Plain(hub.port) as plain,
    ):
        until_joined(hub, "socketcand")
        had = []
        for first in range(0, total, 400):
            sender.send_all(numbered(first + 400, first))
            had += received(quick, 400)
        counted = {one["name"]: one for one in hub.statistics()["clients"]}
        slow = received(asleep, 10**9, timeout_s=0.5)
        sender.send(Frame(0x200, b""))
        (last,) = received(asleep, 1)
        plain.say("echo")

        assert numbers(had) == list(range(total))
        assert counted["quick"]["dropped"] == 0
        assert counted["asleep"]["dropped"] > 0
        assert counted["socketcand"]["dropped"] > 0
        # What it has got is in order, and it hears how many it has missed.
        assert numbers(slow) == sorted(set(numbers(slow)))
        assert asleep.dropped == total - len(slow) == counted["asleep"]["dropped"]
        assert last.identifier == 0x200


@pytest.mark.parametrize("kind", ["own", "socketcand"])
def test_who_begins_to_read_late_gets_what_has_waited_though_the_bus_is_quiet(serve, kind):
    hub = serve("can0", "--no-pacing")
    with (
        hub.join("late", "can0", read_only=True) as late,
        Plain(hub.port) as plain,
        hub.join("sender", "can0") as sender,
    ):
        until_joined(hub, "socketcand")
        sender.send_all(numbered(20_000))
        until_idle(hub, 20_000)

        if kind == "own":
            assert numbers(received(late, 20_000, timeout_s=2)) == list(range(20_000))
        else:
            last = (19_999).to_bytes(4, "little").hex()
            assert any(plain.saying().split()[4] == last for _ in range(20_000))


def test_a_stopped_process_does_not_hold_up_the_others(hub):
    command = "import sys; from rig.can.hub.client import HubClient; from pathlib import Path\n"
    command += (
        f"c = HubClient(Path({str(hub.socket)!r}), 'stopped', ('can0',)); print(1, flush=1)\n"
    )
    command += "while True: c.receive()"
    child = subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        os.kill(child.pid, signal.SIGSTOP)
        with hub.join("one", "can0") as one, hub.join("other", "can0") as other:
            one.send_all(numbered(2000))
            had = received(other, 2000)
    finally:
        child.kill()
        child.communicate()

    assert numbers(had) == list(range(2000))


def test_what_a_client_sent_before_it_left_still_goes_out(hub):
    with hub.join("recorder", "can0", read_only=True) as recorder:
        with hub.join("player", "can0") as player:
            player.send_all(numbered(3000))
        had = received(recorder, 3000)

    assert numbers(had) == list(range(3000))


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(b"\x00" * 100, id="no kind"),
        pytest.param(b"{}", id="no request"),
        pytest.param(b"\x01" + b"\xff" * 20_000, id="too long"),
    ],
)
def test_a_rude_process_is_told_off_and_the_others_notice_nothing(hub, noise):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as rude:
        rude.settimeout(10)
        rude.connect(str(hub.socket))
        rude.send(noise)
        assert b'"error"' in rude.recv(1000)
        assert rude.recv(1000) == b""

    test_frames_go_from_one_process_to_another(hub)


def test_a_frame_that_no_bus_can_carry_is_refused_with_what_is_allowed(hub):
    with hub.join("one", "can0") as one:
        one.send(Frame(0x100, b""), bus=3)

        with pytest.raises(HubError, match=r"the hub refuses: frame 0x100 .* bus below 1"):
            one.receive(10)


def test_a_bus_that_there_is_not_is_refused(hub):
    with pytest.raises(HubError, match=r"buses: 'can7'; allowed: can0, can1"):
        hub.join("one", "can7")


def test_the_state_of_the_own_controller_is_told(serve):
    hub = serve("can0:500000")
    with hub.join("dut", "can0") as dut, hub.join("control", "can0") as control:
        control.ask(Disturb(bus="can0", duration_us=100_000))
        dut.send(Frame(0x100, b""))
        had = []
        while dut.states.get(0) is not ControllerState.BUS_OFF:
            had += dut.receive(0.1)

    assert len(had) == 32
    assert all(seen.is_error for seen in had)


def test_a_stranger_sends_and_hears(hub):
    with Plain(hub.port) as plain, hub.join("own", "can0") as own:
        until_joined(hub, "socketcand")
        plain.say("send 123 2 1 ff")
        (seen,) = own.receive(10)
        own.send(Frame(0x1CEFFF50, b"\x0a"))
        heard = plain.saying()
        plain.say("send 123 4")
        until_refused(hub, "socketcand")

    assert seen.frame == Frame(0x123, b"\x01\xff", extended=False)
    assert heard.split()[:3] == ["<", "frame", "1CEFFF50"]
    assert heard.split()[4:] == ["0a", ">"]


def test_no_frame_comes_with_the_last_ok(hub):
    with hub.join("own", "can0") as own:
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", hub.port), timeout=10) as client:
                own.send_all(numbered(200))
                for said, words in ((b"< hi >", "open can0"), (b"< ok >", "rawmode")):
                    assert client.recv(4096) == said
                    client.sendall(f"< {words} >".encode())

                # python-can takes nothing else for the end of the handshake.
                assert client.recv(4096) == b"< ok >"


def test_a_request_of_a_browser_is_hung_up_on(hub):
    with socket.create_connection(("127.0.0.1", hub.port), timeout=10) as browser:
        browser.sendall(b"POST / HTTP/1.1\r\n\r\n< open can0 >< rawmode >< send 123 0 >")
        answer = b""
        while more := browser.recv(1000):
            answer += more

    assert answer.startswith(b"< hi >< error ")


def test_read_only_strangers_hear_and_cannot_send(serve):
    hub = serve("can0:500000", "--read-only", "strangers")
    with Plain(hub.port) as plain, hub.join("own", "can0") as own:
        until_joined(hub, "socketcand")
        plain.say("send 123 0 ")
        until_refused(hub, "socketcand")
        own.send(Frame(0x100, b""))

        assert plain.saying().startswith("< frame 00000100 ")
        assert own.receive(0.2) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_statistics_and_its_socket_is_gone(serve, number):
    hub = serve("can0")
    with hub.join("own", "can0") as own:
        own.send(Frame(0x100, b""))
        pause(0.1)

        code, out, err = hub.end(number)

        assert code == 0, err
        assert '"frames": 1' in out
        assert err == ""
        assert not hub.socket.exists()
        with pytest.raises(HubError, match="has ended"):
            own.receive(10)


def test_a_killed_hub_leaves_a_socket_that_the_next_one_takes(serve):
    hub = serve("can0")
    hub.end(signal.SIGKILL)
    assert hub.socket.exists()

    with HubServer(Hub([]), hub.socket, now_us=stopwatch()[0]):
        assert hub.socket.is_socket()


def test_a_socket_at_which_somebody_listens_is_left_alone(hub):
    with pytest.raises(HubAddressError, match="somebody listens there already"):
        HubServer(Hub([]), hub.socket, now_us=stopwatch()[0]).__enter__()

    test_frames_go_from_one_process_to_another(hub)


def test_only_this_user_can_open_the_socket(hub):
    assert hub.socket.stat().st_mode & 0o077 == 0


def test_it_listens_on_loopback_only(hub):
    assert hub.told["host"] == "127.0.0.1"
    listening = subprocess.run(
        ["cat", f"/proc/{hub.process.pid}/net/tcp"], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listening.splitlines()[1:]]
    listen = "0A"
    own = [row[1] for row in rows if row[3] == listen and row[1].endswith(f":{hub.port:04X}")]
    assert own == [f"0100007F:{hub.port:04X}"]


@pytest.mark.parametrize(
    ("options", "said"),
    [((), "read every bus and send on it"), (("--read-only", "strangers"), "read every bus\n")],
)
def test_it_says_so_when_others_than_this_machine_can_come_in(serve, options, said):
    hub = serve("can0", "--host", "0.0.0.0", *options)

    _, _, err = hub.end()

    assert "0.0.0.0" in err
    assert "is not on loopback: whoever reaches this machine can " in err
    assert said in err


def test_a_quiet_hub_sleeps(serve):
    hub = serve("can0:500000")
    with hub.join("control") as control:
        before = control.ask(AskStatistics())
        pause(1.0)
        after = control.ask(AskStatistics())

    assert after["cpu_s"] - before["cpu_s"] < 0.05


def busy(share, turns=2000):
    """How long a hub pauses, turn by turn, that works 100 us in each."""
    breath, now_us, pauses = Breath(share), 1_000_000, []
    for _ in range(turns):
        now_us += breath.pause_us
        breath.worked(now_us, now_us + 100)
        now_us += 100
        pauses.append(breath.pause_us)
    return pauses


def test_a_hub_with_little_to_do_does_not_pause():
    breath = Breath(0.5)

    for began_us in range(1_000_000, 2_000_000, 250):
        breath.worked(began_us, began_us + 100)
        assert breath.pause_us == 0


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_a_hub_with_much_to_do_pauses_so_that_it_works_its_share(share):
    pauses = busy(share)

    assert pauses[:5] == [0] * 5
    assert 100 / (100 + pauses[-1]) == pytest.approx(share, rel=0.02)


def test_no_pause_is_longer_than_a_millisecond_however_much_there_is_to_do():
    assert max(busy(0.01)) == 1000


def test_a_client_can_be_waited_for_with_select(hub):
    with hub.join("one", "can0") as one, hub.join("other", "can0") as other:
        assert select.select([other], [], [], 0)[0] == []

        one.send(Frame(0x100, b""))

        assert select.select([other], [], [], 10)[0] == [other]
