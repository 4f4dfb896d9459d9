"""What no bus carries and could be behind what a log shows; tried where the log alone does not do.

Rules of this file: every number is chosen, as what a system in the field can well be; none is
fitted to a log but the instant of an event.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bms.data import battery_types
from bms.releases import firmware
from bms.rooms.registration import Registration
from rig.replay.stimulus import Argument, Kind, Step, Stimulus

HOT_C = 75.0  # chosen: above every level of an alarm
LEAK_KOHM, HUMID_PCT = 40.0, 85.0  # chosen: clearly not sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """Something that no recorded bus carries."""

    text: str
    needs: Mapping[str, Any] = field(default_factory=dict)
    begins: tuple[Step, ...] = ()
    """From before the start on."""
    happens: tuple[Step, ...] = ()
    """All at once, while it runs; when that was has to be found out."""

    @property
    def is_event(self) -> bool:
        """Whether it has an instant."""
        return bool(self.happens)

    def put_into(self, stimulus: Stimulus, at_us: int = 0) -> Stimulus:
        """The stimulus as it is with this; an event at `at_us`."""
        events = [Step(at_us, each.kind, each.arguments) for each in self.happens]
        steps = sorted((*stimulus.steps, *events), key=lambda each: each.at_us)
        return replace(
            stimulus,
            needs={**stimulus.needs, **self.needs},
            begins=(*self.begins, *stimulus.begins),
            steps=tuple(steps),
        )


AS_IT_IS = Hypothesis(text="")


def _system(text: str, **needs: float) -> Hypothesis:
    return Hypothesis(text=text, needs=needs)


def _broken(name: str) -> Hypothesis:
    return Hypothesis(text=name, begins=(Step(0, Kind.FAULT, (("name", name),)),))


def _fault(name: str, **extra: Argument) -> Hypothesis:
    """A fault of the first battery that comes while it runs."""
    where: tuple[tuple[str, Argument], ...] = (("name", name), ("battery", 0))
    return Hypothesis(text=name, happens=(Step(0, Kind.FAULT, (*where, *extra.items())),))


def _reads(text: str, kind: Kind, **arguments: Argument) -> Hypothesis:
    return Hypothesis(text=text, happens=(Step(0, kind, (("battery", 0), *arguments.items())),))


HYPOTHESES = (
    _system("the system bus decays within a minute", link_capacitance_f=0.03, link_bleed_ohm=2e3),
    _system("the system bus hardly decays", link_capacitance_f=0.1, link_bleed_ohm=2e3),
    _broken("pre-charge fuse blown"),
    _broken("contactor stuck open"),
    _broken("contactor welded"),
    _broken("main fuse blown"),
    _system("a load on the system bus during pre-charge", link_load_ohm=2.0),
    _system("a slow pre-charge", precharge_ohm=400.0, link_capacitance_f=0.025, link_bleed_ohm=3e4),
    _system("batteries that hold more than they are rated", capacity_pct=150.0),
    _system("batteries that have aged", capacity_pct=70.0),
)
# By register: what the setting does, and the code that is not the default.
SETTINGS: Mapping[int, tuple[str, int]] = {
    0x0375: ("a setting: it is not started by a charger", 0),
    0x0376: ("a setting: the strategy is performance", 1),
    0x0377: ("a setting: it is part of a combined system", 1),
}
# What only the private bus tells, where that was not recorded.
EVENTS = (
    _reads("a terminal that is hot", Kind.TERMINAL, terminal="positive", temperature_c=HOT_C),
    _reads("a cell whose reading is invalid", Kind.CELL, cell=0, voltage_v=None),
    _reads("a sensor whose reading is invalid", Kind.TEMPERATURE, sensor=0, temperature_c=None),
    _fault("battery self-test failed"),
    _fault("balancer failed"),
    _fault("leakage to chassis", leakage_kohm=LEAK_KOHM),
    _fault("humid battery", humidity_pct=HUMID_PCT),
)


def of_batteries(stimulus: Stimulus, release: str, *, type_is_open: bool) -> Iterator[Hypothesis]:
    """What can be with batteries of which no bus tells; `type_is_open`: not even what they are."""
    count = int(stimulus.needs.get("parallel", 1)) * int(stimulus.needs.get("series", 1))
    yield _silent("the batteries fall silent", range(count))
    if count > 1:
        yield _silent("a battery falls silent", range(1))
    yield from EVENTS
    if type_is_open:
        yield from unknown_to(release)


def of_settings(known: Collection[int]) -> Iterator[Hypothesis]:
    """Settings that no frame tells, each as it is not when the device is new."""
    for register, (text, code) in SETTINGS.items():
        if register not in known:
            arguments = ("register", register), ("code", code)
            yield Hypothesis(text=text, begins=(Step(0, Kind.SETTING, arguments),))


def _silent(text: str, which: range) -> Hypothesis:
    steps = [Step(0, Kind.SILENT, (("battery", index), ("silent", True))) for index in which]
    return Hypothesis(text=text, happens=tuple(steps))


def unknown_to(release: str) -> Iterator[Hypothesis]:
    """Batteries of a type that a release does not know yet, the one that is known next first.

    That one claims least: it is refused by the fewest releases.
    """
    known = Registration(firmware(release)).types
    for code, kind in battery_types().items():
        if code not in known:
            yield Hypothesis(
                text=f"batteries that it does not know: {kind.name}", needs={"battery": kind.name}
            )
