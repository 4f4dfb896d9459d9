"""The guardian's hands on the bench: its own drivers, an output each, and the interlock.

A supply or load is held by two connections: one to measure by, and one that is idle until something
has to be switched, so that no reading that takes its time, or hangs, stands before an "off".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from instruments.models import open_driver
from instruments.protocols import DigitalIO, Load, NotOnThisModel, Supply
from rig.benches.models import wired_model
from rig.safety.envelope import Envelope
from rig.safety.permits import set_trips
from rig.safety.spec import GuardianSpec, Place

OUTPUT_CHANNELS = (102,)  # the byte of the DAQ's module that the bench drives


class Output(Protocol):
    """Something that can be on."""

    role: str

    async def guard(self, envelope: Envelope) -> None:
        """Set its own trips and read them back."""
        ...

    async def off(self) -> None:
        """Switch it off and see that it is."""
        ...

    async def nothing(self) -> None:
        """Every set point to nothing, and off; every step is tried."""
        ...

    async def is_on(self) -> bool:
        """Whether it is on."""
        ...

    async def seems_on(self) -> bool:
        """The same, by the connection to measure by."""
        ...

    async def measure(self) -> tuple[float, float]:
        """Volts and amperes."""
        ...

    async def watch(self, seconds: float | None) -> bool:
        """Arm its own watchdog, None disarms; whether it has one."""
        ...


class SupplyOutput:
    """A supply's output."""

    def __init__(self, role: str, supply: Supply, eye: Supply | None = None) -> None:
        """``eye``: the same instrument by another connection; None: there is one only."""
        self.role, self.driver, self._eye = role, supply, eye or supply
        self.off, self.nothing = supply.output_off, supply.safe_state
        self.is_on, self.seems_on = supply.output_is_on, self._eye.output_is_on

    async def guard(self, envelope: Envelope) -> None:
        """Trips around the envelope."""
        await set_trips(self.driver, envelope)

    async def measure(self) -> tuple[float, float]:
        """Volts and amperes."""
        reading = await self._eye.measure()  # the other connection is free for "off"
        return reading.voltage_v, reading.current_a

    async def watch(self, seconds: float | None) -> bool:
        """Arm its watchdog where the model has one."""
        try:
            await self.driver.set_watchdog(seconds)
        except NotOnThisModel:
            return False
        return True


class LoadOutput:
    """A load's input."""

    def __init__(self, role: str, load: Load, eye: Load | None = None) -> None:
        """``eye``: the same instrument by another connection; None: there is one only."""
        self.role, self.driver, self._eye = role, load, eye or load
        self.off, self.nothing = load.input_off, load.safe_state
        self.is_on, self.seems_on = load.input_is_on, self._eye.input_is_on

    async def guard(self, envelope: Envelope) -> None:
        """See that it could not draw beyond its rating; a load's trips are its own."""
        await self.driver.tripped()

    async def measure(self) -> tuple[float, float]:
        """Volts and amperes."""
        reading = await self._eye.measure()  # the other connection is free for "off"
        return reading.voltage_v, reading.current_a

    async def watch(self, seconds: float | None) -> bool:
        """No load here has one."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """All instruments of a bench, as the guardian has them."""

    outputs: tuple[Output, ...]
    io: DigitalIO
    drivers: tuple[tuple[Any, str | None], ...]  # each with the serial number that it has to have

    async def open(self) -> None:
        """Connect, and make sure who answers."""
        for driver, serial in self.drivers:
            await driver.open(serial=serial)

    async def close(self) -> None:
        """Let go; the terminals stay as they are."""
        for driver, _ in self.drivers:
            await driver.close()


def take(spec: GuardianSpec, now_us: Callable[[], int]) -> Hands:
    """Connections of the guardian's own, with the same drivers as the test's.

    Raises InstrumentLost if somebody is not there.
    """
    outputs: list[Output] = []
    drivers: list[tuple[Any, str | None]] = []
    io: DigitalIO | None = None

    def driver(place: Place, **extra: Any) -> Any:
        made: Any = open_driver(
            wired_model(place.model),
            place.resource,
            now_us=now_us,
            timeout_s=spec.limits.answer_s,
            **extra,
        )
        drivers.append((made, place.serial))
        return made

    for role, place in spec.places.items():
        if role == "daq":
            io = driver(place, lines=spec.lines, outputs=OUTPUT_CHANNELS)
            continue
        hand = driver(place)
        if isinstance(hand, Supply):
            outputs.append(SupplyOutput(role, hand, driver(place)))
        elif isinstance(hand, Load):
            outputs.append(LoadOutput(role, hand, driver(place)))
    if io is None:
        raise ValueError("a guardian needs a DAQ: it opens the interlock by it")
    return Hands(outputs=tuple(outputs), io=io, drivers=tuple(drivers))
