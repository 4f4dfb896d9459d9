"""The hub as an interface of python-can, found as python-can finds any: by an entry point."""

import asyncio
import select
import sys

import can
import pytest

from rig.can.frame import Frame
from rig.can.hub.interface import HubBus
from rig.can.hub.requests import Disturb

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="local sockets need Linux")


@pytest.fixture
def bus(hub):
    with HubBus("can0", socket=str(hub.socket), name="bus") as opened:
        yield opened


@pytest.fixture
def peer(hub):
    with hub.join("peer", "can0") as client:
        yield client


def burst(peer, count):
    peer.send_all([(0, Frame(0x100 + number, bytes([number]))) for number in range(count)])


@pytest.mark.parametrize("extended", [True, False])
def test_a_message_goes_out_and_comes_in_as_it_is(hub, bus, extended):
    with HubBus("can0", socket=str(hub.socket)) as other:
        sent = can.Message(arbitration_id=0x123, data=b"\x01\x02", is_extended_id=extended)
        bus.send(sent)

        message = other.recv(10)

    assert message.equals(sent, timestamp_delta=None, check_channel=False, check_direction=False)
    assert message.is_rx
    assert message.channel == "can0"


def test_time_stamps_are_the_hubs(bus, peer):
    before_us = peer.now_us()
    peer.send(Frame(0x100, b""))
    message = bus.recv(10)

    assert before_us <= message.timestamp * 1e6 <= peer.now_us()


def test_own_messages_come_back_if_wanted_and_are_marked(hub):
    with HubBus("can0", socket=str(hub.socket), receive_own_messages=True) as bus:
        bus.send(can.Message(arbitration_id=0x123))

        assert bus.recv(10).is_rx is False


def test_without_a_message_recv_ends_after_its_time_out(bus):
    assert bus.recv(0.05) is None


def test_filters_work(bus, peer):
    bus.set_filters([{"can_id": 0x105, "can_mask": 0x1FFFFFFF, "extended": True}])

    burst(peer, 10)

    assert bus.recv(10).arbitration_id == 0x105
    assert bus.recv(0.1) is None


def test_fileno_is_readable_as_long_as_a_message_is_left(bus, peer):
    assert select.select([bus], [], [], 0)[0] == []
    burst(peer, 50)

    got = []
    while select.select([bus], [], [], 1.0)[0]:
        message = bus.recv(0)
        got += [] if message is None else [message.arbitration_id]

    assert got == list(range(0x100, 0x132))
    assert select.select([bus], [], [], 0)[0] == []


def test_a_notifier_of_an_asyncio_loop_gets_every_message_of_a_burst(bus, peer):
    async def listen():
        reader = can.AsyncBufferedReader()
        notifier = can.Notifier(bus, [reader], loop=asyncio.get_running_loop())
        try:
            burst(peer, 50)
            return [
                (await asyncio.wait_for(reader.get_message(), 10)).arbitration_id for _ in range(50)
            ]
        finally:
            notifier.stop()

    assert asyncio.run(listen()) == list(range(0x100, 0x132))


def test_a_notifier_of_a_thread_gets_every_message_of_a_burst(bus, peer):
    reader = can.BufferedReader()
    with can.Notifier(bus, [reader], timeout=0.1):
        burst(peer, 50)
        got = [reader.get_message(10).arbitration_id for _ in range(50)]

    assert got == list(range(0x100, 0x132))


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(can.Message(arbitration_id=1, is_remote_frame=True), id="remote"),
        pytest.param(can.Message(arbitration_id=1, is_error_frame=True), id="error"),
        pytest.param(can.Message(arbitration_id=1, is_fd=True, data=bytes(64)), id="FD"),
    ],
)
def test_what_the_hub_does_not_carry_is_refused_at_once(bus, message):
    with pytest.raises(can.CanOperationError, match="data frames of up to 8 bytes, no others"):
        bus.send(message)


def test_a_full_bus_is_a_time_out(bus):
    message = can.Message(arbitration_id=0x700, data=bytes(8))

    def send_too_many():
        for _ in range(100_000):
            bus.send(message, timeout=0)

    with pytest.raises(can.exceptions.CanTimeoutError, match="bus is full"):
        send_too_many()


def test_who_reads_only_cannot_send(hub):
    with (
        HubBus("can0", socket=str(hub.socket), read_only="true") as bus,
        pytest.raises(can.CanOperationError, match="lets this client read only"),
    ):
        bus.send(can.Message(arbitration_id=1))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"socket": "/nowhere/s"}, "no hub listens at /nowhere/s"),
        ({"channel": "can7"}, "buses: 'can7'; allowed: can0, can1"),
        ({"bitrate": 5}, "bitrate: 5; allowed: a whole number, 10000 to 1000000"),
    ],
)
def test_a_bus_that_cannot_be_opened_says_why(hub, options, said):
    wanted = {"channel": "can0", "socket": str(hub.socket), **options}

    with pytest.raises(can.CanInitializationError) as caught:
        HubBus(**wanted)

    assert said in str(caught.value)


def test_error_frames_and_the_state_of_the_controller_are_told(serve):
    hub = serve("can0:500000")
    with (
        hub.join("control", "can0") as control,
        HubBus("can0", socket=str(hub.socket), restart_ms=None) as bus,
    ):
        assert bus.state is can.BusState.ACTIVE
        control.ask(Disturb(bus="can0", duration_us=100_000))
        bus.send(can.Message(arbitration_id=0x100))
        errors = [bus.recv(10).is_error_frame for _ in range(32)]
        bus.recv(0.2)

        assert errors == [True] * 32
        assert bus.state is can.BusState.ERROR


def test_the_end_of_the_hub_is_an_error(serve):
    hub = serve("can0")
    with HubBus("can0", socket=str(hub.socket)) as bus:
        hub.end()

        with pytest.raises(can.CanOperationError, match="has ended"):
            bus.recv(10)
        with pytest.raises(can.CanOperationError, match="has ended"):
            bus.send(can.Message(arbitration_id=1))


def test_buses_are_found_where_this_user_has_a_hub(hub, monkeypatch):
    monkeypatch.setattr("rig.can.hub.interface.default_socket", lambda: hub.socket)

    found = HubBus._detect_available_configs()

    assert [config["channel"] for config in found] == ["can0", "can1"]
    with HubBus(found[1]["channel"], socket=found[1]["socket"]) as bus:
        assert bus.channel_info == f"can1 of the hub at {hub.socket}"


def test_where_there_is_no_hub_no_bus_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    assert HubBus._detect_available_configs() == []
