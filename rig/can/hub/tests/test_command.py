"""`hil hub`: bad inputs, and what it says of a hub that runs."""

import signal
import subprocess
import sys

import pytest

from rig import cli
from rig.can.frame import Frame
from rig.can.hub.client import HubClient

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="local sockets need Linux")


def test_ctrl_c_ends_it_in_good_order_and_says_what_it_has_carried(tmp_path):
    command = [sys.executable, "-m", "rig.cli", "hub", "can0:500000", "--port", "0"]
    path = tmp_path / "s"
    with subprocess.Popen(
        [*command, "--socket", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as served:
        first = served.stdout.readline()
        with HubClient(path, "dut", ("can0",)) as client:
            client.send(Frame(0x100, b""))
            client.receive(0.1)
            served.send_signal(signal.SIGINT)
            out, err = served.communicate(timeout=20)

    assert first.startswith(f"can0 500000 bit/s: socket {path}, socketcand 127.0.0.1:")
    assert "can0: 1 frames, 0 error frames" in out
    assert (served.returncode, err) == (0, "")


@pytest.fixture
def hil(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["hil", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return call


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["can0:5"], "'can0:5'; allowed: NAME or NAME:BITRATE"),
        (["can 0"], "'can 0'; allowed: NAME or NAME:BITRATE"),
        (["can0:fast"], "'can0:fast'; allowed: NAME or NAME:BITRATE"),
        (["can0", "can0:10000"], "can0; allowed: up to 255 buses, each once"),
        (["--read-only", "some"], "--read-only"),
        (["--socket", "/nowhere/s"], "/nowhere/s: No such file or directory; allowed: a path"),
        (["--socket", "/tmp/" + "s" * 200], "too long; allowed: a path of up to 107 bytes"),
        (["--host", "192.0.2.1", "--port", "0"], "192.0.2.1:0: "),
        (["--status", "--socket", "/nowhere/s"], "no hub listens at /nowhere/s"),
    ],
    ids=lambda value: " ".join(value)[:20] if isinstance(value, list) else "",
)
def test_a_bad_input_is_one_line_and_exit_code_2(hil, tmp_path, arguments, said):
    if "--socket" not in arguments:
        arguments = [*arguments, "--socket", str(tmp_path / "s")]

    code, out, err = hil("hub", *arguments)

    assert code == 2
    assert said in err
    assert len(err.splitlines()) == 1
    assert out == ""


def test_what_is_no_socket_is_not_overwritten(hil, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("mine")

    code, _, err = hil("hub", "--socket", str(path))

    assert code == 2
    assert "is no socket, and is kept" in err
    assert path.read_text() == "mine"


def test_a_port_that_is_taken_is_a_bad_input(hil, hub, tmp_path):
    code, _, err = hil("hub", "--port", str(hub.port), "--socket", str(tmp_path / "s"))

    assert code == 2
    assert f"127.0.0.1:{hub.port}: Address already in use; allowed: " in err
    assert not (tmp_path / "s").exists()


def test_the_status_of_a_hub_names_buses_controllers_and_clients(hil, hub):
    with hub.join("dut", "can0"), hub.join("reader", "can1", read_only=True):
        code, out, _ = hil("hub", "--status", "--socket", str(hub.socket))

    assert code == 0
    assert "can1: 0 frames, 0 error frames, load 0.0 %" in out
    assert "  dut: error active, TEC 0, REC 0, 0 sent, 0 waiting" in out
    assert "client reader (own, read only): 0 delivered, 0 dropped, 0 waiting, 0 refused" in out
    assert "status" not in out
