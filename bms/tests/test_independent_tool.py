"""Clients that nobody here wrote, unchanged, in a session with the master: can-isotp and udsoncan.

The master runs on the wall clock here, on python-can's virtual bus.
"""

import threading  # noqa: TID251 - a client that blocks needs its partner beside it
import time
from collections.abc import Iterator
from typing import Any

import can
import pytest

from bms.data import hardware
from bms.io import Frame, Inputs, Port, Reception
from bms.master import Master
from bms.releases import firmware

isotp = pytest.importorskip("isotp", reason="can-isotp is not installed")
udsoncan = pytest.importorskip("udsoncan", reason="udsoncan is not installed")
from udsoncan.client import Client  # noqa: E402
from udsoncan.connections import PythonIsoTpConnection  # noqa: E402

pytestmark = pytest.mark.independent
CHANNEL = "VE.Can of the master"
FIRMWARE, STRATEGY, STRATEGY_CHOICES = 0xF189, 0x0101, 0x0201
STEP_S = 0.005


class AsText(udsoncan.DidCodec):  # type: ignore[misc]
    """A whole answer, however long."""

    def encode(self, value: str) -> bytes:
        return value.encode()

    def decode(self, payload: bytes) -> str:
        return payload.decode()

    def __len__(self) -> int:
        raise self.ReadAllRemainingData


def run_master(ready: threading.Event, stop: threading.Event, release: str) -> None:
    """Step a master in standby as time goes by, with every frame of the bus."""
    master = Master(firmware(release), {}, hardware()["Lynx Ion BMS 400"], "HQ1845ABCDE")
    begun_s = time.monotonic()  # noqa: TID251 - this master lives on the wall clock
    with can.Bus(interface="virtual", channel=CHANNEL) as bus:
        ready.set()
        while not stop.is_set():
            message = bus.recv(timeout=STEP_S)
            now_us = int((time.monotonic() - begun_s) * 1e6)  # noqa: TID251
            received = ()
            if message is not None:
                frame = Frame(message.arbitration_id, bytes(message.data), message.is_extended_id)
                received = (Reception(now_us, Port.VE_CAN, frame),)
            outputs = master.step(now_us, Inputs(received=received))
            for port, frame in outputs.sent:
                if port is Port.VE_CAN:
                    bus.send(
                        can.Message(
                            arbitration_id=frame.identifier,
                            data=frame.data,
                            is_extended_id=frame.extended,
                        )
                    )


@pytest.fixture(params=["1.38", "1.07"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    ready, stop = threading.Event(), threading.Event()
    device = threading.Thread(target=run_master, args=(ready, stop, request.param))
    device.start()
    ready.wait(5.0)
    address = isotp.Address(
        isotp.AddressingMode.NormalFixed_29bits, target_address=0x50, source_address=0xF9
    )
    with can.Bus(interface="virtual", channel=CHANNEL) as bus:
        # Only the tool's own frames: an address claim is none of the transport's business.
        bus.set_filters([{"can_id": 0x18DAF950, "can_mask": 0x1FFFFFFF, "extended": True}])
        stack = isotp.CanStack(bus, address=address, params={"tx_padding": 0xCC})
        config = {"data_identifiers": {"default": AsText(), STRATEGY: "B"}, "request_timeout": 5}
        try:
            with Client(PythonIsoTpConnection(stack), config=config) as session:
                session.release = request.param
                yield session
        finally:
            stop.set()
            device.join()


def test_stranger_reads_the_firmware_version(client: Any) -> None:
    answer = client.read_data_by_identifier([FIRMWARE])

    assert answer.service_data.values[FIRMWARE] == client.release


def test_stranger_sets_a_setting_and_reads_it_back(client: Any) -> None:
    client.write_data_by_identifier(STRATEGY, 1)

    answer = client.read_data_by_identifier([STRATEGY])
    assert answer.service_data.values[STRATEGY] == (1,)


def test_stranger_reads_an_answer_of_several_frames(client: Any) -> None:
    answer = client.read_data_by_identifier([STRATEGY_CHOICES])

    assert answer.service_data.values[STRATEGY_CHOICES].endswith(";1=Performance")


def test_stranger_is_refused_what_there_is_not(client: Any) -> None:
    with pytest.raises(udsoncan.exceptions.NegativeResponseException) as refused:
        client.read_data_by_identifier([0x01FF])

    assert refused.value.response.code_name == "RequestOutOfRange"
