"""A CAN adapter of python-can with the face of our bus, on python-can's own virtual wire."""

import asyncio

import can
import pytest

from rig.can.adapter import AbsentBus, AdapterBus, open_adapter
from rig.can.frame import Frame
from rig.can.node import ControllerState
from rig.errors import BenchError, NotOnThisBench
from rig.kernel import Kernel
from rig.wall import WallLoop

FRAME, ANSWER = Frame(0x18EEFF20, b"\x01\x02"), Frame(0x123, b"\x03", extended=False)


class Adapter(can.BusABC):
    """An adapter that says what it is told to, and keeps what it is given."""

    def __init__(self) -> None:
        super().__init__(channel="test")
        self.sent: list[can.Message] = []
        self.full = False
        self.inbox: list[can.Message] = []
        self.said = can.BusState.ACTIVE
        self.resets = 0

    def send(self, msg, timeout=None):
        if self.full:
            raise can.CanOperationError("transmit queue full")
        self.sent.append(msg)

    def _recv_internal(self, timeout):
        return (self.inbox.pop(0) if self.inbox else None), True

    @property
    def state(self):
        return self.said

    def reset(self):
        self.resets += 1


def on_wall(test):
    """Run a test with a bus on the wall clock."""
    with asyncio.Runner(loop_factory=WallLoop) as runner:
        return runner.run(test)


def opened(adapter=None):
    loop = asyncio.get_running_loop()
    assert isinstance(loop, WallLoop)
    return AdapterBus(loop.kernel, "ve_can", adapter or Adapter(), 250_000)


async def until(holds):
    for _ in range(200):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not in time")


def test_frames_go_both_ways_over_an_interface_of_python_can():
    async def test():
        loop = asyncio.get_running_loop()
        with can.Bus("adapter test", interface="virtual") as peer:
            ours = open_adapter("virtual", "adapter test", 250_000, {}, "can.ve_can")
            bus, heard = AdapterBus(loop.kernel, "ve_can", ours, 250_000), []
            node = bus.attach("GX", lambda _, frame: heard.append(frame))
            node.send(FRAME)
            message = await asyncio.to_thread(peer.recv, 1.0)
            peer.send(can.Message(arbitration_id=0x123, data=b"\x03", is_extended_id=False))
            await until(lambda: heard)
            bus.close()
            return message.arbitration_id, bytes(message.data), heard

    assert on_wall(test()) == (0x18EEFF20, b"\x01\x02", [ANSWER])


def test_what_one_node_sends_the_other_nodes_and_the_record_hear_and_itself_does_not():
    async def test():
        bus, heard = opened(), []
        one = bus.attach("one", lambda _, frame: heard.append(("one", frame)))
        bus.attach("two", lambda _, frame: heard.append(("two", frame)))
        bus.watch(lambda _, sender, frame: heard.append((f"record of {sender}", frame)))
        one.send(FRAME)
        await asyncio.sleep(0.01)
        bus.close()
        return heard

    assert on_wall(test()) == [("record of one", FRAME), ("two", FRAME)]


def test_a_node_that_is_detached_neither_speaks_nor_hears():
    async def test():
        adapter = Adapter()
        bus, heard = opened(adapter), []
        node = bus.attach("GX", lambda _, frame: heard.append(frame))
        node.detach()
        taken = node.send(FRAME)
        bus.attach("tool", None).send(ANSWER)
        await asyncio.sleep(0.01)
        bus.close()
        return taken, heard, len(adapter.sent)

    assert on_wall(test()) == (False, [], 1)


def test_a_frame_that_the_adapter_does_not_take_is_counted_and_told():
    async def test():
        adapter = Adapter()
        adapter.full = True
        bus, told = opened(adapter), []
        bus.watch_errors(lambda _, text: told.append(text))
        taken = bus.attach("GX", None).send(FRAME)
        bus.close()
        return taken, bus.refused_total, told

    assert on_wall(test()) == (False, 1, ["not sent: transmit queue full"])


def test_error_frames_are_counted_and_are_no_frames():
    async def test():
        adapter = Adapter()
        adapter.inbox.append(can.Message(is_error_frame=True))
        bus = opened(adapter)
        await until(lambda: bus.errors_total)
        bus.close()
        return bus.errors_total, bus.frames_total

    assert on_wall(test()) == (1, 0)


def test_bus_off_is_told_to_the_nodes_and_recovery_resets_the_adapter():
    async def test():
        adapter = Adapter()
        bus, states = opened(adapter), []
        node = bus.attach("GX", None)
        node.on_state = states.append
        adapter.said = can.BusState.ERROR
        adapter.inbox.append(can.Message(is_error_frame=True))
        await until(lambda: states)
        node.recover()
        bus.close()
        return states, adapter.resets

    assert on_wall(test()) == ([ControllerState.BUS_OFF], 1)


def test_an_adapter_that_does_not_tell_its_state_is_not_said_to_be_error_active():
    class Mute(Adapter):
        state = can.BusABC.state  # python-can's own, which says active

    class Refusing(Adapter):
        @property
        def state(self):
            raise NotImplementedError

    async def test():
        told = []
        for adapter in (Mute(), Refusing(), Adapter()):
            bus = opened(adapter)
            told.append((bus.state, bus.attach("GX", None).state))
            bus.close()
        return told

    active = ControllerState.ERROR_ACTIVE
    assert on_wall(test()) == [(None, None), (None, None), (active, active)]


def test_an_adapter_that_cannot_be_opened_is_named_with_its_field():
    with pytest.raises(BenchError, match=r"can\.private: nosuch usb0 cannot be opened: "):
        open_adapter("nosuch", "usb0", 250_000, {}, "can.private")


def test_error_frames_cannot_be_made_by_an_adapter():
    async def test():
        bus = opened()
        try:
            with pytest.raises(NotOnThisBench, match="not by a CAN adapter"):
                bus.disturb(3_000_000)
        finally:
            bus.close()

    on_wall(test())


def test_a_bus_without_an_adapter_is_named_by_whoever_uses_it():
    bus = AbsentBus(Kernel(), "external")

    bus.watch(lambda *_: None, patient=True)  # the record looks on, and sees nothing
    with pytest.raises(NotOnThisBench, match="the external bus: there is no adapter on it"):
        bus.attach("charger", None).send(FRAME)
