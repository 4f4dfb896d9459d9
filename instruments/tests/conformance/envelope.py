"""A point that every supply can hold on the resistor it is wired to, and the envelope around it."""

from dataclasses import dataclass
from math import inf

import pytest

from instruments.models import Kind, Model
from instruments.protocols import SupplyLimits
from instruments.tests.conformance.subject import Subject, Wired, of

# What a model cannot do, by name: everything else of its protocol it must.
LACKS: dict[str, frozenset[str]] = {
    "psb10000": frozenset({"set_slew"}),
    "rp7900": frozenset({"set_power_limit", "set_opp", "set_sink_power_limit"}),
    "it6000c": frozenset(),
    "genesys": frozenset({"set_ocp", "set_opp"}),
    "n5767a": frozenset(
        {"set_power_limit", "set_ocp", "set_opp", "set_slew", "set_watchdog", "feed_watchdog"}
    ),
    "dp832": frozenset({"set_power_limit", "set_opp", "set_slew", "set_watchdog", "feed_watchdog"}),
    "chroma62012p": frozenset({"set_power_limit", "set_watchdog", "feed_watchdog"}),
}


# These refuse a threshold below 105 % of the set voltage.
COUPLED_OVP = ("genesys", "n5767a")
# chosen: longer than any of them ramps to 30 % of its rating.
SETTLES_S = 3.0
every_supply = of(Kind.SUPPLY, Kind.BIDIRECTIONAL_SUPPLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What the output is brought to: constant voltage below the current limit."""

    voltage_v: float
    current_a: float

    @property
    def ovp_v(self) -> float:
        return round(1.5 * self.voltage_v, 1)

    @property
    def ocp_a(self) -> float:
        return round(1.6 * self.current_a, 1)

    @property
    def limit_a(self) -> float:
        return round(1.3 * self.current_a, 1)

    @property
    def half_a(self) -> float:
        return round(0.5 * self.current_a, 1)


def point_of(limits: SupplyLimits, wired: Wired) -> Point:
    """30 % of the rating, in voltage or in current; skips where no resistor is wired."""
    if wired.resistor_ohm is None:
        pytest.skip("needs --resistor")
    voltage_v = min(0.3 * limits.voltage_v_max, 0.3 * limits.current_a_max * wired.resistor_ohm)
    voltage_v = round(voltage_v, 1)
    return Point(voltage_v=voltage_v, current_a=voltage_v / wired.resistor_ohm)


def has(model: Model, method: str) -> bool:
    return method not in LACKS[model.name]


async def set_envelope(subject: Subject, *, ovp_v: float, ocp_a: float, limit_a: float) -> None:
    """All the protections that the model has, and the current limit."""
    driver, limits = subject.driver, subject.driver.limits
    await driver.set_ovp(ovp_v)
    if has(subject.model, "set_ocp"):
        await driver.set_ocp(ocp_a)
    if has(subject.model, "set_opp"):
        await driver.set_opp(limits.power_w_max)
    if limits.sink_current_a_max > 0.0:
        await driver.set_sink_ocp(ocp_a)
    await driver.set_current_limit(limit_a)


async def bring_to(subject: Subject, point: Point, *, limit_a: float = inf) -> None:
    """Switch on at the point, inside an envelope, and let it settle."""
    limit_a = min(limit_a, point.limit_a)
    await set_envelope(subject, ovp_v=point.ovp_v, ocp_a=point.ocp_a, limit_a=limit_a)
    await subject.driver.set_voltage(point.voltage_v)
    await subject.driver.output_on()
    await subject.wait(SETTLES_S)


def having(method: str) -> pytest.MarkDecorator:
    """The supplies that have a method which others lack."""
    lacking = [name for name, missing in LACKS.items() if method in missing]
    return of(Kind.SUPPLY, Kind.BIDIRECTIONAL_SUPPLY, without=lacking)
