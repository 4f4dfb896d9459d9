"""Permit, lease and interlock as tables: what the guardian may do next, and nothing else.

Rules of this file: no input, no output, no clock. A pair that no table names changes nothing. A
permit exists only while the bench is armed; whoever leaves that state leaves without permits.
`rig.safety.search` tries every event in every state; the guardian acts on these tables alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Bench(StrEnum):
    """How far one may trust the bench."""

    UNARMED = "unarmed"
    ARMED = "armed"
    TRIPPING = "tripping"
    SAFE = "safe"
    UNKNOWN = "unknown"


class Permit(StrEnum):
    """What an output may do."""

    NONE = "none"
    GRANTING = "granting"
    LIVE = "live"
    RENEWING = "renewing"


class Event(StrEnum):
    """What happens to a bench, or to one of its outputs."""

    ARM = "every instrument answers, every output is off"
    PART = "the test has ended, every output was seen off"
    FAIL = "something failed, or somebody pressed the stop"
    VERIFIED = "every step to the safe state was seen to be done"
    UNVERIFIED = "a step to the safe state could not be seen to be done"
    RESET = "a person has been there"
    ASK = "a permit is asked for"
    READ_BACK = "the output's own trips are set and were read back"
    REFUSED = "outside the envelope, or a trip did not hold"
    RETURNED = "the output was seen off, and its permit is given back"


BENCH: Mapping[tuple[Bench, Event], Bench] = {
    (Bench.UNARMED, Event.ARM): Bench.ARMED,
    (Bench.UNARMED, Event.FAIL): Bench.TRIPPING,
    (Bench.ARMED, Event.PART): Bench.UNARMED,
    (Bench.ARMED, Event.FAIL): Bench.TRIPPING,
    (Bench.TRIPPING, Event.VERIFIED): Bench.SAFE,
    (Bench.TRIPPING, Event.UNVERIFIED): Bench.UNKNOWN,
    (Bench.SAFE, Event.RESET): Bench.UNARMED,
    (Bench.UNKNOWN, Event.RESET): Bench.UNARMED,
}
PERMIT: Mapping[tuple[Permit, Event], Permit] = {
    (Permit.NONE, Event.ASK): Permit.GRANTING,
    (Permit.GRANTING, Event.READ_BACK): Permit.LIVE,
    (Permit.GRANTING, Event.REFUSED): Permit.NONE,
    (Permit.LIVE, Event.ASK): Permit.RENEWING,
    (Permit.LIVE, Event.RETURNED): Permit.NONE,
    # While a change is looked at, and when it is refused, the permit that there was still stands.
    (Permit.RENEWING, Event.READ_BACK): Permit.LIVE,
    (Permit.RENEWING, Event.REFUSED): Permit.LIVE,
}
ALLOW_ON = frozenset({Permit.LIVE, Permit.RENEWING})
TRIPPED = frozenset({Bench.TRIPPING, Bench.SAFE, Bench.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The tables; a proof spoils them on purpose."""

    bench: Mapping[tuple[Bench, Event], Bench]
    permit: Mapping[tuple[Permit, Event], Permit]
    grants_in: frozenset[Bench] = frozenset({Bench.ARMED})


RULES = Rules(bench=BENCH, permit=PERMIT)


@dataclass(frozen=True, slots=True)
class Held:
    """The bench's state, and the permit of each of its outputs by number."""

    bench: Bench
    permits: tuple[Permit, ...]

    @classmethod
    def begin(cls, outputs: int) -> "Held":
        """Nothing is permitted yet."""
        return cls(Bench.UNARMED, (Permit.NONE,) * outputs)

    def may_be_on(self, output: int) -> bool:
        """Whether this output is permitted to be on."""
        return self.permits[output] in ALLOW_ON


def step(held: Held, event: Event, output: int | None = None, rules: Rules = RULES) -> Held:
    """What holds after an event; ``output`` is given for what happens to one."""
    bench = rules.bench.get((held.bench, event), held.bench)
    permits = held.permits
    if bench not in rules.grants_in:
        permits = (Permit.NONE,) * len(permits)
    elif output is not None:
        permit = rules.permit.get((permits[output], event), permits[output])
        permits = (*permits[:output], permit, *permits[output + 1 :])
    return Held(bench, permits)
