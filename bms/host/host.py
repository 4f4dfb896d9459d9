"""One device on the wall clock: it steps when it wants to, or when something reaches it.

A stalled main loop, damaged memory and a failed self-test come through the test port, which a
developer opens on purpose; everything else comes over its wires.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import can

from bms.data import Hardware
from bms.device import Device, shipped
from bms.firmware import Component, Firmware, seconds
from bms.host.harness import DIGITAL, Harness, changed_inputs
from bms.host.store import Store
from bms.io import ControllerState, Frame, Inputs, Outputs, Port, Reception
from bms.releases import firmware, less

WATCHDOG_US = seconds(2)  # chosen: a processor's own, set to some periods of its slowest loop
STATES = {
    can.BusState.ACTIVE: ControllerState.ERROR_ACTIVE,
    can.BusState.PASSIVE: ControllerState.ERROR_PASSIVE,
    can.BusState.ERROR: ControllerState.BUS_OFF,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which device: its model and serial number, and what is left out of which release."""

    lacking: Mapping[str, tuple[str, ...]]
    hardware: Hardware
    serial: str

    def binaries(self, name: str, component: Component) -> Firmware:
        """The firmware of a name, less what is left out of it."""
        return less(firmware(name, component), *self.lacking.get(name, ()))


class Host:
    """A device between its buses, its harness and its memory."""

    def __init__(
        self,
        identity: Identity,
        store: Store,
        buses: Mapping[Port, can.BusABC],
        harness: Harness,
        factory: Mapping[str, bytes],
    ) -> None:
        self._identity, self._store, self._harness = identity, store, harness
        self._buses = dict(buses)
        self._registers = {**factory, **store.load()}
        self._started_us = _monotonic_us() - random.SystemRandom().randrange(seconds(1))
        self._inputs = Inputs()
        self._received: list[Reception] = []
        self._uart = bytearray()
        self._stalled_until_us: int | None = None
        self._barked = False
        self._supplied = True
        self._wake: asyncio.TimerHandle | None = None
        self._wake_us = 0
        self._ended = asyncio.Event()
        self._device = self._new_device()

    def _new_device(self) -> Device:
        one = self._identity
        return Device(one.binaries, self._registers, one.hardware, one.serial)

    @property
    def _now_us(self) -> int:
        return _monotonic_us() - self._started_us

    async def run(self) -> None:
        """Run until the harness is gone, or `stop`."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._harness.fileno(), self._hear_harness)
        notifiers = [
            can.Notifier(bus, [self._listener(port)], loop=loop)
            for port, bus in self._buses.items()
        ]
        self._wake_at(self._now_us)
        try:
            await self._ended.wait()
        finally:
            loop.remove_reader(self._harness.fileno())
            for notifier in notifiers:
                notifier.stop(timeout=0.2)
            for bus in self._buses.values():
                bus.shutdown()
            with suppress(OSError):  # it may be gone already
                self._harness.tell(Outputs())
            self._harness.close()

    def stop(self) -> None:
        """End it; its outputs fall."""
        self._ended.set()

    def _listener(self, port: Port) -> Callable[[can.Message], None]:
        def hear(message: can.Message) -> None:
            if message.is_error_frame or message.is_remote_frame or not self._supplied:
                return
            frame = Frame(message.arbitration_id, bytes(message.data), message.is_extended_id)
            now_us = self._now_us
            self._received.append(Reception(now_us, port, frame))
            # The private bus is worked off when it looks: it carries measurements.
            self._wake_at(self._device.look_us if port is Port.PRIVATE else now_us)

        return hear

    def _hear_harness(self) -> None:
        while True:
            try:
                told = self._harness.receive()
            except BlockingIOError:
                return
            if told is None:
                self.stop()
                return
            self._take(told)

    def _take(self, told: dict[str, Any]) -> None:
        inputs = told.get("inputs", {})
        self._inputs = changed_inputs(self._inputs, inputs)
        self._uart += bytes.fromhex(told.get("uart", ""))
        if "supply" in told:
            self._supply(bool(told["supply"]))
        switched = any(name in DIGITAL for name in inputs) or "uart" in told
        self._wake_at(self._now_us if switched else self._device.look_us)

    def _supply(self, on: bool) -> None:
        if on and not self._supplied:
            self._device = self._new_device()
            self._harness.reset_module()
        self._supplied = on
        self._received.clear()
        self._uart.clear()
        if not on:
            self._harness.tell(Outputs())

    def _wake_at(self, due_us: int) -> None:
        if self._wake is not None:
            if self._wake_us <= due_us:
                return
            self._wake.cancel()
        self._wake_us = due_us
        delay_s = max(0, due_us - self._now_us) / 1e6
        self._wake = asyncio.get_running_loop().call_later(delay_s, self._step)

    def _step(self) -> None:
        self._wake = None
        now_us = self._now_us
        if not self._supplied:
            return
        if self._stalled_until_us is not None:
            if now_us < self._stalled_until_us:
                self._wake_at(self._stalled_until_us)
                return
            self.restart(by_watchdog=True)
        received, self._received = self._received, []
        inputs = self._inputs._replace(
            received=tuple(received),
            controllers={port: _state(bus) for port, bus in self._buses.items()},
            bluetooth_uart=bytes(self._uart),
            reset_by_watchdog=self._barked,
        )
        self._barked = False
        self._uart.clear()
        self._apply(self._device.step(now_us, inputs))
        self._wake_at(min(self._device.next_step_us, max(self._device.look_us, now_us + 1)))

    def _apply(self, outputs: Outputs) -> None:
        self._harness.tell(outputs)
        for port in outputs.recover:
            recover = getattr(self._buses.get(port), "recover", None)
            if recover is not None:
                recover()
        for port, frame in outputs.sent:
            if port in self._buses:
                _send(self._buses[port], frame)
        if outputs.writes:
            self._registers.update(outputs.writes)
            self._store.save(self._registers)

    # The test port

    def restart(self, *, by_watchdog: bool = False) -> None:
        """Restart its processor: memory stays, all outputs fall."""
        self._stalled_until_us, self._barked = None, by_watchdog
        self._received.clear()
        self._harness.tell(Outputs())
        self._harness.reset_module()
        self._device = self._new_device()
        self._wake_at(self._now_us)

    def stall(self) -> None:
        """Its main loop does not go on, until its watchdog or `resume` lets it."""
        if self._stalled_until_us is None:
            self._stalled_until_us = self._now_us + WATCHDOG_US

    def resume(self) -> None:
        """Its main loop goes on."""
        self._stalled_until_us = None
        self._wake_at(self._now_us)

    def become(self, release: str, lacking: Sequence[str]) -> None:
        """Be of a release less some changes from now on, with the memory as it is."""
        self._identity = replace(self._identity, lacking={release: tuple(lacking)})
        self._registers.update(shipped(release))
        self.restart()

    @property
    def registers(self) -> dict[str, bytes]:
        """Its memory, for who damages it; `restart` comes next."""
        return self._registers


def _monotonic_us() -> int:
    return time.monotonic_ns() // 1000


def _state(bus: can.BusABC) -> ControllerState:
    return STATES.get(bus.state, ControllerState.ERROR_ACTIVE)


def _send(bus: can.BusABC, frame: Frame) -> None:
    """Give it to the controller; what that refuses is lost, as on the real device."""
    message = can.Message(
        arbitration_id=frame.identifier,
        data=frame.data,
        is_extended_id=frame.extended,
        check=False,
    )
    try:
        bus.send(message, timeout=0)
    except can.CanOperationError:
        return
