"""Every driver on its twin, or with ``--bench lab`` on a real instrument; the tests cannot tell.

    pytest instruments/tests/conformance/test_supply.py --bench lab \
        --resource dp832=TCPIP::192.0.2.10::5555::SOCKET --resistor 10

Each model of a ``--resource`` is tested. What its terminals are wired to is
said by ``--resistor`` (OHM), ``--battery`` (VOLT,OHM) and ``--voltage`` (at a meter or at channel
301 of a DAQ); tests that need more are skipped. A supply is brought to 30 % of its rated voltage
and current, whichever comes first on the resistor, which must bear that. One instrument is tested
at a time: never with ``-n``.
"""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from instruments.models import Kind, Model, UnknownModel, model_named
from instruments.protocols import InstrumentError
from instruments.tests.conformance.envelope import LACKS, Point, has, point_of
from instruments.tests.conformance.subject import (
    Subject,
    Wired,
    Wiring,
    lab_subject,
    twin_subject,
)
from instruments.twins.metering import Quantity


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "instruments' conformance; --bench lab for real ones")
    group.addoption("--resource", action="append", default=[], metavar="MODEL=VISA")
    group.addoption("--resistor", type=float, metavar="OHM", help="wired to a supply")
    group.addoption("--battery", metavar="VOLT,OHM", help="wired to a load or two-quadrant supply")
    group.addoption("--voltage", type=float, metavar="VOLT", help="wired to a meter")


def in_lab(config: pytest.Config) -> bool:
    return config.getoption("--bench", default="sim") == "lab"


def resources(config: pytest.Config) -> Mapping[str, str]:
    """Name of each model -> where it is; a bad option ends the session with one line."""
    found: dict[str, str] = {}
    for text in config.getoption("--resource", default=[]):
        name, _, resource = text.partition("=")
        try:
            found[model_named(name).name] = resource
        except UnknownModel as error:
            raise pytest.UsageError(f"--resource {text}: {error}") from None
        if not resource:
            raise pytest.UsageError(f"--resource {text}: allowed: MODEL=VISA")
    return found


def wired_in_lab(config: pytest.Config, wiring: Wiring) -> Wired:
    volt = config.getoption("--voltage", default=None)
    inputs = {} if volt is None else {Quantity.DC_VOLTAGE: volt}
    if wiring is Wiring.RESISTOR:
        return Wired(resistor_ohm=config.getoption("--resistor", default=None), inputs=inputs)
    battery = config.getoption("--battery", default=None)
    if battery is None:
        return Wired(inputs=inputs)
    try:
        volt, ohm = map(float, battery.split(","))
    except ValueError:
        raise pytest.UsageError(f"--battery {battery}: allowed: VOLT,OHM") from None
    return Wired(battery_v=volt, battery_ohm=ohm, inputs=inputs)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the lab only the models that are there: what is not is no test that was skipped."""
    if not in_lab(config):
        return
    places = resources(config)
    here = Path(__file__).parent
    absent = [item for item in items if here in item.path.parents and _model(item) not in places]
    items[:] = [item for item in items if item not in set(absent)]
    config.hook.pytest_deselected(items=absent)


def _model(item: pytest.Item) -> str | None:
    callspec = getattr(item, "callspec", None)
    return callspec.params["model"].name if callspec is not None else None


@pytest.fixture
def wiring() -> Wiring:
    """A module that needs a battery says so with a fixture of this name."""
    return Wiring.RESISTOR


@pytest.fixture
async def closed(
    request: pytest.FixtureRequest, model: Model, wiring: Wiring
) -> AsyncIterator[Subject]:
    """An instrument whose driver was not opened yet; left in its safe state."""
    if in_lab(request.config):
        resource = resources(request.config)[model.name]
        made = lab_subject(model, resource, wired_in_lab(request.config, wiring))
    else:
        made = twin_subject(model, wiring)
    yield made
    if made.twin is None:
        try:
            await made.driver.open()
            await made.driver.safe_state()
        except InstrumentError as error:
            pytest.fail(f"{model.name} could not be left safe: {error}")
    await made.session.close()
    made.finish()


@pytest.fixture
async def subject(closed: Subject) -> Subject:
    """An opened instrument as after a reset, nothing sent since."""
    await closed.driver.open()
    kind, driver = closed.model.kind, closed.driver
    if kind is not Kind.CHAMBER:
        await driver.reset()
    # What a reset may leave of an earlier test.
    if closed.model.name in LACKS and has(closed.model, "set_watchdog"):
        await driver.set_watchdog(None)
    if kind in {Kind.SUPPLY, Kind.BIDIRECTIONAL_SUPPLY, Kind.LOAD}:
        await driver.clear_trip()
    closed.sent.clear()
    return closed


@pytest.fixture
def point(subject: Subject) -> Point:
    """What a supply is brought to on the resistor that it is wired to."""
    return point_of(subject.driver.limits, subject.wired)
