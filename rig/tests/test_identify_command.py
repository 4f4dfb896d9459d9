"""`hil instrument identify`: who answers at an address, and what it says when nobody does."""

import asyncio
import json
import random
import socket  # noqa: TID251 - a port that nobody serves
import threading  # noqa: TID251 - the door of these tests lives beside the command
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyvisa import ResourceManager

from instruments.doors import SocketDoor, wall_us
from instruments.models import MODELS, model_named
from instruments.twins.twin import Fault
from rig import cli
from rig.commands.instruments import deaf_to_idn


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


@pytest.fixture
def at_a_door() -> Iterator[Callable[..., str]]:
    """Puts a twin behind a socket in a thread of its own, and gives its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    doors: list[SocketDoor] = []

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(5)

    def start(name: str, fault: Fault | None = None) -> str:
        model = model_named(name)
        twin = model.make_twin(serial="4711", dice=random.Random(1), now_us=wall_us)
        twin.fault = fault
        doors.append(run(SocketDoor(twin).__aenter__()))
        return doors[-1].resource_name

    yield start
    for door in doors:
        run(door.__aexit__(None, None, None))
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize("name", [model.name for model in MODELS])
def test_every_driver_is_found_by_asking_its_instrument(at_a_door, hil, name):
    # The chambers know no *IDN?, and here they do not stand at their own port.
    chamber = ["--model", name] if name in {"simserv", "p300"} else []

    code, out, _ = hil("instrument", "identify", at_a_door(name), *chamber, "--json")

    assert code == 0
    assert json.loads(out)["model"] == name


@pytest.mark.parametrize(
    ("address", "name"),
    [
        pytest.param("TCPIP::192.0.2.1::2049::SOCKET", "simserv", id="simserv"),
        pytest.param("TCPIP::192.0.2.1::10001::SOCKET", "p300", id="p300"),
        pytest.param("TCPIP::192.0.2.1::5025::SOCKET", None, id="any"),
        pytest.param("TCPIP::192.0.2.1::INSTR", None, id="no socket"),
    ],
)
def test_a_chamber_at_its_own_port_is_asked_in_its_own_language(address, name):
    model = deaf_to_idn(address)

    assert (model.name if model else None) == name


def test_identifying_names_the_driver_in_words(at_a_door, hil):
    code, out, _ = hil("instrument", "identify", at_a_door("dp832"))

    assert code == 0
    assert "Rigol DP832, dp832" in out
    assert len(out.splitlines()) == 1


def test_identifying_changes_nothing(at_a_door, hil):
    address = at_a_door("dp832")
    settings = ("SOUR1:VOLT?", "OUTP? CH1", "*ESR?", "SYST:ERR?")
    before = ask(address, *settings)

    hil("instrument", "identify", address)

    assert ask(address, *settings[:2], settings[3]) == [*before[:2], before[3]]
    assert ask(address, "*ESR?") == ["0"]


def test_another_model_than_the_one_asked_for_is_exit_code_1(at_a_door, hil):
    code, out, _ = hil("instrument", "identify", at_a_door("dp832"), "--model", "n5767a")

    assert code == 1
    assert "Rigol DP832" in out


def test_an_unknown_instrument_is_told_with_the_drivers_that_there_are(at_a_door, hil):
    code, out, _ = hil("instrument", "identify", at_a_door("dp832", Fault.WRONG_IDENTITY))

    assert code == 1
    assert "OTHER MODEL" in out
    assert "Keysight DAQ970A" in out


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.LOST, Fault.MUTE, Fault.GARBAGE])
def test_an_instrument_without_a_usable_answer_is_exit_code_1(at_a_door, hil, fault):
    code, out, err = hil(
        "instrument", "identify", at_a_door("dp832", fault), "--timeout", "0.3", "--json"
    )

    assert (code, err) == (1, "")
    assert json.loads(out)["model"] is None


def test_a_refused_address_is_exit_code_1(hil):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    code, out, _ = hil("instrument", "identify", f"TCPIP::127.0.0.1::{port}::SOCKET")

    assert code == 1
    assert "refused" in out


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        pytest.param(("nonsense",), ("nonsense",), id="no name"),
        pytest.param(("TCPIP::h::x::SOCKET",), ("'x'", "65535"), id="port"),
        pytest.param(("TCPIP::h::70000::SOCKET",), ("'70000'",), id="high port"),
        pytest.param(("TCPIP::h::hislip0,x::INSTR",), ("'x'",), id="hislip port"),
        pytest.param(("GPIB0::INTFC",), ("::INSTR",), id="no messages"),
        pytest.param(("TCPIP::h::1::SOCKET", "--backend", "@no"), ("'@no'",), id="backend"),
        pytest.param(("TCPIP::h::1::SOCKET", "--model", "x"), ("'x'", "dp832"), id="model"),
    ],
)
def test_an_address_that_means_nothing_is_one_line_with_exit_code_2(hil, arguments, names):
    code, out, err = hil("instrument", "identify", *arguments)

    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert all(name in err for name in names)
