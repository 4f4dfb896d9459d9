"""The device as a process: its memory file, its harness, its test port, and what it refuses."""

import asyncio
import json
import os
import socket  # noqa: TID251 - the other end of a harness
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bms.host.command import main
from bms.host.harness import BadWire, changed_inputs
from bms.host.store import BadMemoryFile, Store
from bms.io import Inputs

AT_REST = {
    "battery_voltage_v": 26.4,
    "system_voltage_v": 0.0,
    "io_supply_v": 26.4,
    "start_stop_pressed": False,
    "interlock_closed": True,
    "emergency_stop": False,
    "aux_contact_closed": False,
    "self_test_passed": True,
}


def test_memory_comes_back_as_it_was_stored(tmp_path):
    Store(tmp_path / "memory.json").save({"soc": b"\x01\x02", "layout": b""})

    assert Store(tmp_path / "memory.json").load() == {"soc": b"\x01\x02", "layout": b""}
    assert [path.name for path in tmp_path.iterdir()] == ["memory.json"]


def test_a_device_without_a_memory_file_begins_blank(tmp_path):
    assert Store(tmp_path / "none.json").load() == {}
    Store(None).save({"soc": b"\x01"})


@pytest.mark.parametrize("text", ["{", "[1]", '{"soc": 5}', '{"soc": "no hex"}'])
def test_a_file_that_holds_no_memory_is_refused_by_its_name(tmp_path, text):
    path = tmp_path / "memory.json"
    path.write_text(text)

    with pytest.raises(BadMemoryFile, match=r"memory\.json: .*allowed: an object of register"):
        Store(path).load()


def test_only_what_was_told_over_the_harness_changes():
    inputs = changed_inputs(Inputs(), {"current_a": 5, "interlock_closed": False})

    assert inputs == Inputs(current_a=5.0, interlock_closed=False)


@pytest.mark.parametrize("told", [{"soc": 1.0}, {"current_a": "5"}, {"emergency_stop": 1}])
def test_what_no_wire_carries_is_refused(told):
    with pytest.raises(BadWire, match="allowed: numbers for battery_voltage_v"):
        changed_inputs(Inputs(), told)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--firmware", "9.99"], "firmware 9.99 is unknown: 1.07 to "),
        (["--hardware", "Lynx"], "--hardware Lynx: unknown; allowed: Lynx Ion BMS 150"),
        (["--can", "ve_can"], "--can ve_can: allowed: private, ve_can, external, then ="),
        (["--can", "usb=virtual:a"], "--can usb=virtual:a: allowed: private"),
        (["--can", "ve_can=virtual:a"], "cannot be wired: "),
    ],
)
def test_a_bad_option_ends_it_with_one_line_and_exit_code_2(options, said, capsys):
    assert main(["run", "--harness", "/nowhere/harness", *options]) == 2

    err = capsys.readouterr().err
    assert said in err
    assert len(err.strip().splitlines()) == 1


class Rig:
    """A harness and a test port around a device in a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        door.bind(str(folder / "harness"))
        door.listen(1)
        door.settimeout(30)
        command = [sys.executable, "-m", "bms", "run", "--harness", str(folder / "harness")]
        command += ["--firmware", "1.38"]
        command += ["--memory", str(folder / "memory.json"), "--test-port", str(folder / "port")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.wires, _ = door.accept()
        door.close()
        assert self.process.stdout is not None
        self.ready = json.loads(self.process.stdout.readline())
        self.levels: dict[str, object] = {}

    def tell(self, **inputs: object) -> None:
        self.wires.send(json.dumps({"inputs": inputs}).encode())

    def sees(self, name: str, level: object, within_s: float = 5.0) -> bool:
        """Whether an output takes a level in time."""
        self.wires.settimeout(within_s)
        while self.levels.get(name) != level:
            try:
                received = self.wires.recv(65_536)
            except TimeoutError:
                return False
            self.levels.update(json.loads(received).get("outputs", {}))
        return True

    def ask(self, **asked: object) -> dict[str, object]:
        async def exchange() -> dict[str, object]:
            reader, writer = await asyncio.open_unix_connection(str(self.folder / "port"))
            writer.write(json.dumps(asked).encode() + b"\n")
            answer: dict[str, object] = json.loads(await reader.readline())
            writer.close()
            return answer

        return asyncio.run(exchange())

    def end(self) -> int:
        self.wires.close()
        return self.process.wait(10)


@pytest.fixture
def rig():
    with tempfile.TemporaryDirectory(prefix="host") as folder:
        device = Rig(Path(folder))
        device.tell(**AT_REST)
        yield device
        if device.process.poll() is None:
            device.process.kill()
            device.process.wait()
        device.wires.close()
        assert device.process.stdout is not None
        device.process.stdout.close()


def test_it_looks_for_batteries_when_the_button_is_pressed_and_ends_with_its_harness(rig):
    rig.tell(start_stop_pressed=True)
    assert rig.sees("green_led", True)
    rig.tell(start_stop_pressed=False)
    assert json.loads((rig.folder / "memory.json").read_text())["layout"] == "0126"
    assert rig.end() == 0


def test_without_supply_all_its_outputs_fall(rig):
    rig.tell(start_stop_pressed=True)
    assert rig.sees("green_led", True)
    rig.wires.send(b'{"supply": false}')

    assert rig.sees("supply_current_a", 0.0)
    assert rig.levels["green_led"] is False


def test_the_test_port_stalls_it_until_its_watchdog_restarts_it(rig):
    assert rig.ask(do="stall") == {"ok": True}
    rig.tell(start_stop_pressed=True)

    assert not rig.sees("green_led", True, within_s=1.0)
    assert rig.sees("green_led", True)  # pressed all the while


def test_the_test_port_says_what_it_cannot_do(rig):
    refused = rig.ask(do="explode")
    assert refused["ok"] is False
    assert "allowed: stall, resume" in str(refused["why"])
    assert "unknown" in str(rig.ask(do="become", release="9.99")["why"])
    assert rig.ask(do="become", release="1.20", lacking=[]) == {"ok": True}


def test_a_terminated_device_ends_cleanly(rig):
    os.kill(rig.process.pid, 15)

    assert rig.process.wait(10) == 0
