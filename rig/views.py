"""What a scenario holds in its hands: charger, load, GX device, buses, tool, batteries.

Each is the same on every bench: instruments by their protocols, buses by their nodes, faults by
what the bench can insert. Currents: a charge is positive for the charger, a draw for the load; the
turn to "charging is positive" is made here, once.
"""

import asyncio
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, Protocol

from instruments.protocols import Load, LoadMode, Supply
from rig.can.decode import DecodedSignal, Decoder
from rig.can.face import CanBus
from rig.can.frame import Frame
from rig.errors import NotOnThisBench
from rig.faults.sensors import Quantity
from rig.kernel import seconds
from rig.safety.envelope import Envelope
from rig.safety.permits import NOBODY, Permits, Wish, set_trips
from rig.signal import Poller, Signal

Make = Callable[..., Signal[Any]]


class Contact(IntEnum):
    """A contact as a bench sees it."""

    OPEN = 0
    CLOSED = 1

    def __str__(self) -> str:
        return self.name.lower()


OPEN, CLOSED = Contact.OPEN, Contact.CLOSED


class Charger:
    """The supply on the system bus."""

    def __init__(
        self, supply: Supply, envelope: Envelope, make: Make, permits: Permits = NOBODY
    ) -> None:
        self._supply, self._envelope, self._permits = supply, envelope, permits
        self._guarded = self._permitted = False
        poller = Poller(self._measure)
        self.voltage: Signal[float] = make("charger voltage", "V", poll=poller)
        self.current: Signal[float] = make("charger current", "A", poll=poller)

    async def charge(self, current_a: float, voltage_v: float) -> None:
        """Charge with up to ``current_a`` at up to ``voltage_v``; on until `off`.

        Raises BenchError outside the bench's envelope, and without a permit.
        """
        self._envelope.permit_charge(voltage_v, current_a)
        if not self._guarded:
            await set_trips(self._supply, self._envelope)
            self._guarded = True
        wish = Wish(role="charger", voltage_v=voltage_v, current_a=current_a)
        await self._permits.ask(wish)
        self._permitted = True
        await self._supply.set_voltage(voltage_v)
        await self._supply.set_current_limit(current_a)
        if not await self._supply.output_is_on():
            await self._supply.output_on()

    async def off(self) -> None:
        """Stop charging."""
        await self._supply.output_off()
        if self._permitted:
            self._permitted = False
            await self._permits.give_back("charger")

    async def _measure(self) -> None:
        reading = await self._supply.measure()
        self.voltage.uncertainty = self._supply.voltage_uncertainty_v(reading.voltage_v)
        self.current.uncertainty = self._supply.current_uncertainty_a(reading.current_a)
        self.voltage.put(reading.voltage_v)
        self.current.put(reading.current_a)


class Consumer:
    """The electronic load on the system bus."""

    def __init__(
        self, load: Load, envelope: Envelope, make: Make, permits: Permits = NOBODY
    ) -> None:
        self._load, self._envelope, self._permits = load, envelope, permits
        self._permitted = False
        poller = Poller(self._measure)
        self.voltage: Signal[float] = make("load voltage", "V", poll=poller)
        self.current: Signal[float] = make("load current", "A", poll=poller)

    async def draw(self, current_a: float) -> None:
        """Draw a constant current until `off`.

        Raises BenchError outside the envelope, and without a permit.
        """
        self._envelope.permit_discharge(current_a)
        await self._permits.ask(Wish(role="load", voltage_v=None, current_a=current_a))
        self._permitted = True
        await self._load.set_mode(LoadMode.CC)
        await self._load.set_level(current_a)
        if not await self._load.input_is_on():
            await self._load.input_on()

    async def off(self) -> None:
        """Stop drawing."""
        await self._load.input_off()
        if self._permitted:
            self._permitted = False
            await self._permits.give_back("load")

    async def _measure(self) -> None:
        reading = await self._load.measure()
        self.voltage.uncertainty = self._load.voltage_uncertainty_v(reading.voltage_v)
        self.current.uncertainty = self._load.current_uncertainty_a(reading.current_a)
        self.voltage.put(reading.voltage_v)
        self.current.put(reading.current_a)


class BusView:
    """One CAN bus as a monitor with a transmitter sees it."""

    def __init__(
        self, bus: CanBus, make: Make, decoders: Mapping[str, Callable[[], Decoder]]
    ) -> None:
        self._bus, self._make = bus, make
        self._node = bus.attach("monitor", None)
        self._decoder_of = decoders  # by the first word of a signal's name
        self._decoders: dict[str, Decoder] = {}
        self._signals: dict[tuple[str, int | None], Signal[Any]] = {}
        self._wanted: set[str] = set()
        self._seen: list[Callable[[int, Frame], None]] = []

    def _tap(self, time_us: int, _sender: str, frame: Frame) -> None:
        for seen in tuple(self._seen):
            seen(time_us, frame)

    def _listen(self, seen: Callable[[int, Frame], None]) -> None:
        if not self._seen:
            self._bus.watch(self._tap)
        self._seen.append(seen)

    def signal(self, name: str, source: int | None = None) -> Signal[Any]:
        """A signal of one of the bus's DBCs, or of NMEA 2000, by its decoded name.

        ``source``: only as this node or address sends it; None: whoever does.
        """
        kind = name.partition(".")[0]
        if kind not in self._decoders:
            if not self._decoders:
                self._listen(self._decode)
            self._decoders[kind] = self._decoder_of[kind]()
        key = name, source
        self._wanted.add(name)
        if key not in self._signals:
            self._signals[key] = self._make(name if source is None else f"{name} of {source}", "")
        return self._signals[key]

    def _decode(self, time_us: int, frame: Frame) -> None:
        for decoder in self._decoders.values():
            names = decoder.names(frame)
            if names is None or not names.isdisjoint(self._wanted):
                self._put(time_us, decoder.signals(time_us, frame))

    def _put(self, time_us: int, signals: tuple[DecodedSignal, ...]) -> None:
        for decoded in signals:
            for source in (None, decoded.source):
                wanted = self._signals.get((decoded.name, source))
                if wanted is not None:
                    wanted.put(decoded.value, time_us)

    def count(self, matches: Callable[[Frame], bool]) -> Signal[int]:
        """How many frames that match have been on the bus since now."""
        signal: Signal[int] = self._make("frames counted", "")
        signal.put(0)

        def seen(time_us: int, frame: Frame) -> None:
            if matches(frame):
                assert signal.latest is not None
                signal.put(signal.latest.value + 1, time_us)

        self._listen(seen)
        return signal

    def errors(self) -> Signal[int]:
        """How many error frames have been on the bus since now."""
        signal: Signal[int] = self._make("error frames counted", "")
        before, bus = self._bus.errors_total, self._bus
        signal.put(0)
        bus.watch_errors(lambda time_us, _text: signal.put(bus.errors_total - before, time_us))
        return signal

    def send(self, frame: Frame) -> None:
        """Put a frame on the bus."""
        self._node.send(frame)

    async def load_pct(self, over_s: float) -> float:
        """The bus load over the coming seconds, in percent."""
        await asyncio.sleep(over_s)
        return self._bus.load_pct(seconds(over_s))

    def sniff(self, sniffer: Callable[[int, Frame], None], *, late: bool = False) -> None:
        """Call ``sniffer`` with every frame from now on.

        ``late``: it may hear of a frame later, which is cheap, and of all once `caught_up`.
        """
        if late:
            self._bus.watch(lambda time_us, _, frame: sniffer(time_us, frame), patient=True)
        else:
            self._listen(sniffer)

    def caught_up(self) -> None:
        """Have who may hear of frames later hear of all until now."""
        self._bus.catch_up()


class SetSensors(Protocol):
    """The sensors of a battery, as far as a scenario sets them."""

    def fix(self, quantity: Quantity, index: int, value: float | None) -> None:
        """One of them reads this from now on; None: the truth."""
        ...


class BatteryFaults(Protocol):
    """What a bench can do to a battery module."""

    @property
    def sensors(self) -> SetSensors:
        """Its sensors."""
        ...

    def fall_silent(self) -> None:
        """Its frames reach the bus no more."""
        ...

    def speak_again(self) -> None:
        """They do again."""
        ...


class CellView:
    """One cell; its voltage sensor can be made to read something else."""

    def __init__(self, sensors: SetSensors, index: int) -> None:
        self._sensors, self._index = sensors, index

    def reads(self, voltage_v: float) -> None:
        """The sensor reads this from now on."""
        self._sensors.fix(Quantity.CELL_VOLTAGE, self._index, voltage_v)

    def reads_true(self) -> None:
        """The sensor reads what the cell has."""
        self._sensors.fix(Quantity.CELL_VOLTAGE, self._index, None)


class SensorView:
    """One cell-temperature sensor, which can be made to read something else."""

    def __init__(self, sensors: SetSensors, index: int) -> None:
        self._sensors, self._index = sensors, index

    def reads(self, temperature_c: float) -> None:
        """It reads this from now on; NaN is an open sensor."""
        self._sensors.fix(Quantity.CELL_TEMPERATURE, self._index, temperature_c)

    def reads_true(self) -> None:
        """It reads what the cells have."""
        self._sensors.fix(Quantity.CELL_TEMPERATURE, self._index, None)


class BatteryView:
    """One battery module, counted from 0 like its cells and sensors."""

    def __init__(
        self, faults: BatteryFaults, counts: tuple[int, int], bus: BusView, node: int
    ) -> None:
        self._faults, self._counts = faults, counts
        self._bus, self._node = bus, node

    @property
    def fan(self) -> Signal[int]:
        """Whether its fan runs, as it says on the private bus: 1 or 0."""
        return self._bus.signal("private.fan_on", self._node)

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return self._counts[0]

    def cell(self, index: int) -> CellView:
        """A cell. Raises NotOnThisBench for one that is not there."""
        return CellView(self._faults.sensors, self._check(index, self._counts[0], "cells"))

    def temperature_sensor(self, index: int) -> SensorView:
        """A cell-temperature sensor. Raises NotOnThisBench for one that is not there."""
        return SensorView(self._faults.sensors, self._check(index, self._counts[1], "sensors"))

    def temperature_reads(self, temperature_c: float) -> None:
        """All its cell-temperature sensors read this."""
        for index in range(self._counts[1]):
            self._faults.sensors.fix(Quantity.CELL_TEMPERATURE, index, temperature_c)

    def positive_terminal_reads(self, temperature_c: float) -> None:
        """The sensor of its positive terminal reads this."""
        self._faults.sensors.fix(Quantity.TERMINAL_TEMPERATURE, 0, temperature_c)

    def negative_terminal_reads(self, temperature_c: float) -> None:
        """The sensor of its negative terminal reads this."""
        self._faults.sensors.fix(Quantity.TERMINAL_TEMPERATURE, 1, temperature_c)

    def fall_silent(self) -> None:
        """Its CAN wire is cut."""
        self._faults.fall_silent()

    def speak_again(self) -> None:
        """Its CAN wire is mended."""
        self._faults.speak_again()

    @staticmethod
    def _check(index: int, count: int, what: str) -> int:
        if not 0 <= index < count:
            raise NotOnThisBench(f"the battery has {count} {what}, counted from 0; asked: {index}")
        return index
