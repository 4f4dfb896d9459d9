"""What a conformance test holds: a driver on an instrument, and what is wired to its terminals.

Whether a twin or a real one answers is known here and to nothing that claims something. What only
a twin can suffer, a broken line or a short, skips on a real one and says so.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest

from instruments.doors import wall_us
from instruments.exchange import Turns
from instruments.models import MODELS, Kind, Model, open_session
from instruments.protocols import Trip
from instruments.session import Session
from instruments.tests.stand import Clock, Wires
from instruments.twins.circuit import Circuit
from instruments.twins.metering import FixedInputs, Quantity
from instruments.twins.twin import Fault, Twin
from instruments.visa import TwinLibrary

LINES = {"lamp": (102, 0), "fan": (102, 1), "sense": (101, 0)}
OPTIONS: Mapping[str, dict[str, object]] = {"daq970a": {"lines": LINES}}
STEP_S = 0.02  # chosen: how often a twin is looked after while a test waits


class Wiring(StrEnum):
    """What a power instrument's terminals are wired to."""

    RESISTOR = "resistor"
    BATTERY = "battery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """What hangs on the terminals; None: nothing of that kind."""

    resistor_ohm: float | None = None
    battery_v: float | None = None
    battery_ohm: float | None = None
    inputs: Mapping[Quantity, float] = field(default_factory=dict)


@dataclass
class Subject:
    """One instrument under test, its driver not yet opened."""

    model: Model
    session: Session
    driver: Any
    wired: Wired
    sent: list[str]
    wait: Callable[[float], Awaitable[None]]
    another_session: Callable[[], Session]
    twin: Any = None
    finish: Callable[[], None] = lambda: None

    def commands(self) -> list[str]:
        """What was sent and is no query."""
        return [text for text in self.sent if "?" not in text]

    def suffer(self, fault: Fault | None) -> None:
        """Break it or the way to it, or mend it."""
        self._twin_only("no real instrument is broken on purpose").fault = fault

    def inject(self, trip: Trip) -> None:
        """Let a protection trip whose cause cannot be made here."""
        self._twin_only("its cause cannot be made at these terminals").inject_trip(trip)

    def is_twin_for(self, why: str) -> Any:
        """The twin, for what nobody does to a real instrument; skips there."""
        return self._twin_only(why)

    def reading(self, quantity: Quantity) -> float:
        """The value that the terminals show; skips where the lab has not said it."""
        if quantity not in self.wired.inputs:
            pytest.skip(f"nothing says what {quantity} is at the terminals")
        return self.wired.inputs[quantity]

    def _twin_only(self, why: str) -> Any:
        if self.twin is None:
            pytest.skip(f"{self.model.name}: {why}")
        return self.twin


def models_of(*kinds: Kind) -> list[Model]:
    """Every model of these kinds."""
    return [model for model in MODELS if model.kind in kinds]


def of(
    *kinds: Kind, only: Collection[str] | None = None, without: Collection[str] = ()
) -> pytest.MarkDecorator:
    """Every model of these kinds, one test each; ``only`` and ``without`` give their names."""
    models = [
        model
        for model in models_of(*kinds)
        if model.name not in without and (only is None or model.name in only)
    ]
    return pytest.mark.parametrize("model", models, ids=[model.name for model in models])


# A twin in virtual time.


def twin_subject(model: Model, wiring: Wiring) -> Subject:
    """A driver on its twin over the in-process VISA library."""
    clock, library = Clock(), TwinLibrary.create()
    twin = model.make_twin(serial="SN42", dice=random.Random(7), now_us=clock.now_us)
    wired = _wire(twin, model, wiring, clock)
    address = f"TCPIP::{model.name}.bench::{model.port}::SOCKET"
    library.register(address, twin)
    sent: list[str] = []

    async def settle(seconds: float) -> None:
        _pass(twin, clock, seconds)
        # Whoever else waits gets its turn, as it would while time passes.
        await asyncio.sleep(0)

    def session(log: Callable[[int, str, str], None] | None = None) -> Session:
        resource = library.resource(address)
        resource.read_termination = model.read_termination
        resource.write_termination = model.write_termination
        resource.encoding = model.encoding
        return Session(
            resource,
            name=address,
            runner=Turns(library.waiter(resource, settle)),
            now_us=clock.now_us,
            sleep=settle,
            check="each" if model.scpi else "off",
            log=log,
        )

    under_test = session(_logging(sent))
    driver = model.driver(under_test, **OPTIONS.get(model.name, {}))
    return Subject(model, under_test, driver, wired, sent, settle, session, twin, library.close_all)


def _pass(twin: Twin, clock: Clock, seconds: float) -> None:
    """Let time pass as a bench does: the twin is looked after when it wants to be, and between."""
    end_us = clock.now + round(seconds * 1_000_000)
    stride_us = max(round(STEP_S * 1_000_000), (end_us - clock.now) // 500)
    while clock.now < end_us:
        next_us = min(end_us, clock.now + stride_us)
        due_us = twin.due_us()
        if due_us is not None and clock.now < due_us < next_us:
            next_us = due_us
        clock.now = next_us
        twin.supervise()


def _wire(twin: Any, model: Model, wiring: Wiring, clock: Clock) -> Wired:
    match model.kind:
        case Kind.METER:
            return _wire_meter(twin)
        case Kind.DAQ:
            wires = Wires(volts={301: 5.0}, clock=clock)
            twin.connect(digital=wires, relays=Wires(clock=clock), analog=wires)
            return Wired(inputs={Quantity.DC_VOLTAGE: 5.0})
        case Kind.CHAMBER:
            return Wired()
        case Kind.LOAD:
            circuit = Circuit(now_us=clock.now_us, emf_v=24.0, emf_ohm=0.1)
            twin.connect(circuit.attach_load(twin.stage.demand))
            return Wired(battery_v=24.0, battery_ohm=0.1)
    stage = twin.stage() if callable(twin.stage) else twin.stage
    limits = model.driver.limits
    if wiring is Wiring.RESISTOR:
        ohm = limits.voltage_v_max / limits.current_a_max
        circuit, wired = Circuit(now_us=clock.now_us, resistor_ohm=ohm), Wired(resistor_ohm=ohm)
    else:
        circuit = Circuit(now_us=clock.now_us, emf_v=48.0, emf_ohm=0.05)
        wired = Wired(battery_v=48.0, battery_ohm=0.05)
    twin.connect(circuit.attach_source(stage.demand))
    return wired


def _wire_meter(twin: Any) -> Wired:
    values = {
        Quantity.DC_VOLTAGE: 5.0,
        Quantity.DC_CURRENT: 0.5,
        Quantity.RESISTANCE: 1000.0,
        Quantity.TEMPERATURE: 25.0,
    }
    twin.connect(inputs=FixedInputs(values))
    return Wired(inputs=values)


def _logging(sent: list[str]) -> Callable[[int, str, str], None]:
    def log(_now_us: int, way: str, text: str) -> None:
        if way == ">":
            sent.append(text)

    return log


# A real instrument in the time of the wall.


def lab_subject(model: Model, resource_name: str, wired: Wired) -> Subject:
    """A driver on a real instrument through PyVISA."""
    sent: list[str] = []

    def session(log: Callable[[int, str, str], None] | None = None) -> Session:
        return open_session(model, resource_name, now_us=wall_us, timeout_s=5.0, log=log)

    under_test = session(_logging(sent))
    driver = model.driver(under_test, **OPTIONS.get(model.name, {}))
    return Subject(model, under_test, driver, wired, sent, asyncio.sleep, session)
