"""`hil twin`: twins served as programs of their own, as anybody starts them."""

import json
import random
import select
import signal
import socket  # noqa: TID251 - the plain client of this test, and a port that is taken
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyvisa import ResourceManager

from instruments.models import model_named
from rig import cli
from rig.commands.instruments import wire

HIL = str(Path(sys.executable).with_name("hil"))
NAMES = [
    "psb10000",
    "rp7900",
    "it6000c",
    "genesys",
    "n5767a",
    "dp832",
    "chroma62012p",
    "chroma63206a",
    "dl3021",
    "daq970a",
    "truevolt34465a",
    "dmm6500",
    "simserv",
    "p300",
]
posix = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal needs POSIX")


class Served:
    """A twin in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [HIL, "twin", "serve", *arguments, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 30)
        line = self.process.stdout.readline() if ready else ""
        assert line, self.process.communicate(timeout=5)[1]
        self.told: dict[str, Any] = json.loads(line)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Exit code, and what it said on the way."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        said = "".join(self.process.communicate(timeout=10))
        return self.process.returncode, said


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(*arguments: str) -> Served:
        started.append(Served(*arguments))
        return started[-1]

    yield start
    for served in started:
        served.end(signal.SIGKILL if served.process.poll() is None else signal.SIGTERM)


@pytest.fixture
def hil(monkeypatch, capsys):
    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["hil", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return call


def ask(resource: str, *messages: str) -> list[str]:
    """The answers to the queries among the messages, through PyVISA-py."""
    opened: Any = ResourceManager("@py").open_resource(
        resource, read_termination="\n", write_termination="\n", timeout=3000
    )
    try:
        answers = []
        for message in messages:
            if "?" in message:
                answers.append(opened.query(message))
            else:
                opened.write(message)
        return answers
    finally:
        opened.close()


def test_every_instrument_is_listed_with_maker_model_kind_port_and_doors(hil):
    code, out, _ = hil("twin", "list")

    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines()[1:]}
    assert list(lines) == NAMES
    assert " ".join(lines["dp832"].split()[1:]) == "Rigol DP832 supply 5555 socket hislip pty"
    assert lines["simserv"].split()[-3:] == ["2049", "socket", "pty"]


def test_the_list_for_a_machine_says_where_driver_and_twin_are(hil):
    _, out, _ = hil("twin", "list", "--json")

    listed = {entry["name"]: entry for entry in json.loads(out)}
    assert list(listed) == NAMES
    assert "DP832" in listed["dp832"]["idn_models"]
    assert listed["dp832"]["driver"].startswith("instruments.drivers.dp832:")


def test_a_served_twin_drives_its_resistor(serve):
    served = serve("psb10000", "--port", "0", "--resistor", "4", "--latency", "0")

    ask(served.told["resource"], "SYST:LOCK ON", "VOLT 20", "CURR 100", "OUTP ON", "*OPC?")
    time.sleep(0.5)  # noqa: TID251 - until readings have settled, in wall time
    voltage, current = ask(served.told["resource"], "MEAS:VOLT?", "MEAS:CURR?")

    # What calibration leaves is below 0.5 A and 0.05 V.
    assert float(voltage.split()[0]) == pytest.approx(20.0, abs=0.1)
    assert float(current.split()[0]) == pytest.approx(5.0, abs=1.0)


class Wired:
    """A twin wired as ``serve`` does it, in a time of its own."""

    def __init__(self, name: str, **to: Any) -> None:
        self.now = 0
        model = model_named(name)
        twin = model.make_twin(serial="1", dice=random.Random(1), now_us=lambda: self.now)
        self.to = wire(twin, model, now_us=lambda: self.now, **to)
        self.twin = twin
        self.conversation = twin.conversation()

    def wait(self) -> None:
        """Let a second pass."""
        for _ in range(100):
            self.now += 10_000
            self.twin.supervise()

    def number(self, query: str) -> float:
        self.wait()
        answer = self.conversation.receive(query.encode() + b"\n").decode()
        return float(answer.strip().removesuffix("V"))


@pytest.mark.parametrize(
    "name", ["psb10000", "rp7900", "it6000c", "genesys", "n5767a", "dp832", "chroma62012p"]
)
def test_a_supply_sees_its_battery_before_it_is_switched_on(name):
    wired = Wired(name, battery="12,0.05")

    assert wired.to == "on 12 V behind 0.05 ohm"
    assert wired.number("MEAS:VOLT?") == pytest.approx(12.0, abs=0.1)


@pytest.mark.parametrize("name", ["chroma63206a", "dl3021"])
def test_a_load_finds_a_battery_of_24_v_unless_told_otherwise(name):
    wired = Wired(name)

    assert wired.to == "on 24 V behind 0.01 ohm"
    assert wired.number("MEAS:VOLT?") == pytest.approx(24.0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        pytest.param("truevolt34465a", "MEAS:VOLT:DC?", id="truevolt34465a"),
        pytest.param("dmm6500", "MEAS:VOLT:DC?", id="dmm6500"),
        pytest.param("daq970a", "MEAS:VOLT:DC? (@301)", id="daq970a"),
    ],
)
def test_a_meter_measures_the_voltage_that_was_given(name, query):
    wired = Wired(name, voltage_v=3.3)

    assert wired.to == "at 3.3 V"
    assert wired.number(query) == pytest.approx(3.3, abs=0.005)


def test_each_output_of_a_supply_hangs_on_a_circuit_of_its_own():
    wired = Wired("dp832", resistor_ohm=10.0)

    wired.conversation.receive(b"APPL CH1,5,1;:APPL CH3,2,1;:OUTP CH1,ON;:OUTP CH3,ON\n")

    voltages = [wired.number(f"MEAS:VOLT? CH{channel}") for channel in (1, 2, 3)]
    assert voltages == pytest.approx([5.0, 0.0, 2.0], abs=0.05)


def test_a_supply_is_served_in_the_language_that_was_asked_for(serve):
    served = serve("genesys", "--port", "0", "--language", "gen")

    with socket.create_connection(("127.0.0.1", served.told["port"]), timeout=3) as client:
        client.sendall(b"ADR 6\r")

        assert client.recv(100) == b"OK\r"


def test_a_twin_is_served_by_hislip(serve):
    served = serve("dp832", "--port", "0", "--door", "hislip")

    (identity,) = ask(served.told["resource"], "*IDN?")

    assert ",DP832," in identity
    assert served.told["resource"] == f"TCPIP::127.0.0.1::hislip0,{served.told['port']}::INSTR"


@posix
def test_a_twin_is_served_on_a_pseudo_terminal(serve):
    served = serve("dp832", "--door", "pty")

    (identity,) = ask(served.told["resource"], "*IDN?")

    assert ",DP832," in identity
    assert served.told["resource"] == f"ASRL{served.told['path']}::INSTR"


def test_without_json_the_first_line_says_what_hangs_where():
    process = subprocess.Popen(
        [HIL, "twin", "serve", "dp832", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None

    line = process.stdout.readline()

    assert line.startswith("dp832 SIM0001, on 10 ohm: TCPIP::127.0.0.1::")
    process.terminate()
    assert process.communicate(timeout=10) == ("", None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_quietly_with_exit_code_0_even_with_a_client(serve, number):
    served = serve("dp832", "--port", "0")

    with socket.create_connection(("127.0.0.1", served.told["port"])) as client:
        client.sendall(b"*IDN?\n")
        client.recv(100)

        assert served.end(number) == (0, "")


def test_a_port_that_is_taken_is_one_line_with_exit_code_2(hil):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        code, out, err = hil("twin", "serve", "dp832", "--port", port)

    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "--port" in err
    assert port in err


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        pytest.param(("dp833",), ("'dp833'", "dp832", "p300"), id="model"),
        pytest.param(("dp832", "--serial", "a,b"), ("--serial", "without a comma"), id="serial"),
        pytest.param(("dp832", "--host", ""), ("--host", "an address"), id="host"),
        pytest.param(("dp832", "--latency", "inf"), ("--latency", "0 to 60"), id="latency"),
        pytest.param(("dp832", "--battery", "1e300"), ("--battery", "2000 V"), id="too much"),
        pytest.param(
            ("dp832", "--resistor", "0"),
            ("--resistor", "0; allowed: 1e-06 to 1e+09"),
            id="resistor",
        ),
        pytest.param(("dp832", "--resistor", "inf"), ("--resistor", "inf"), id="no resistor"),
        pytest.param(("dp832", "--battery", "much"), ("--battery", "'much'"), id="battery"),
        pytest.param(("dp832", "--battery", "12,-1"), ("--battery", "12,-1"), id="negative"),
        pytest.param(("dp832", "--fault", "tired"), ("--fault", "silent"), id="fault"),
        pytest.param(("dp832", "--fault", "lock_lost"), ("--fault", "lock"), id="no lock"),
        pytest.param(("dp832", "--door", "window"), ("--door", "hislip"), id="door"),
        pytest.param(("p300", "--door", "hislip"), ("--door", "socket, pty"), id="no hislip"),
        pytest.param(("dp832", "--port", "70000"), ("--port", "65535"), id="port"),
        pytest.param(("dp832", "--language", "gen"), ("--language", "dp832"), id="language"),
    ],
)
def test_a_bad_option_of_serve_is_one_line_with_exit_code_2(hil, arguments, names):
    code, out, err = hil("twin", "serve", *arguments)

    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert all(name in err for name in names)


@pytest.mark.parametrize("command", ["twin list", "twin serve", "instrument identify"])
def test_every_command_helps_with_an_example(hil, command):
    code, out, _ = hil(*command.split(), "--help")

    assert code == 0
    assert f"Example: hil {command}" in out
