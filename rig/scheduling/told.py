"""A plan in words, and for a machine."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rig.scheduling.lab_state import GRADIENT_K_PER_MIN, REST_H, in_words, way
from rig.scheduling.model import Basis, LeftOut, Risk, Stage, Work
from rig.scheduling.planner import Planned

RISKS = {
    Risk.FAILED: "did not pass last time",
    Risk.NEWS: "changed, or never run here",
    Risk.USUAL: "passed last time",
}
REASONS_SHOWN = 8
FIRST_SHOWN = 3


def expected(planned: Planned) -> Iterator[str]:
    """How many hours, of what, and what is not known: before anything runs."""
    plan = planned.plan
    parts = ", ".join(_parts(planned))
    yield f"Expected: {in_words(plan.hours)} ({parts}); {_tests(len(plan.work))}."
    bases = Counter(work.basis for work in plan.work)
    if bases[Basis.SIMULATED]:
        yield (
            f"Of {_tests(bases[Basis.SIMULATED])} only the simulated time is known: setting up a "
            "bench comes on top."
        )
    if bases[Basis.UNKNOWN]:
        yield (
            f"Of {_tests(bases[Basis.UNKNOWN])} no duration is known: counted as "
            f"{plan.usual_s:.0f} s each."
        )


def _parts(planned: Planned) -> Iterator[str]:
    plan = planned.plan
    if planned.here is not None:
        yield f"charging and discharging {in_words(plan.charging_h)}"
        yield f"soaking {in_words(plan.soaking_h)}"
    yield f"running {in_words(plan.running_h)}" + ("" if planned.here else ", one after another")


def whole(planned: Planned) -> Iterator[str]:
    """Everything: hours, the stages in their order, and what is left out."""
    plan = planned.plan
    yield from expected(planned)
    if planned.here is not None:
        yield from _assumed(planned)
    for number, stage in enumerate(plan.stages, start=1):
        yield from _stage(number, stage, planned)
    yield from _left_out(plan.left_out)


def _assumed(planned: Planned) -> Iterator[str]:
    here, costs, plan = planned.here, planned.costs, planned.plan
    assert here is not None
    said = f"said by {here.by} on {here.utc}" if here.by else "as the bench file states"
    if here.doubt:
        yield f"Where the batteries are is not known: {here.doubt}; last at {here.state}, {said}."
    else:
        yield f"Batteries are at {here.state}, {said}."
    yield (
        f"Counted with {costs.capacity_ah:g} Ah, charged by {costs.charge_a:g} A and discharged by "
        f"{costs.discharge_a:g} A; {GRADIENT_K_PER_MIN:g} K/min and {REST_H:g} h of rest (chosen); "
        "attempts leave the batteries as they found them."
    )
    if len(plan.stages) > 1:
        kind = "no order is shorter" if plan.is_shortest else "the shortest that was found"
        spared = plan.given_preparing_h - plan.charging_h - plan.soaking_h
        yield f"This order spares {in_words(spared)} beside the order of risk: {kind}."


def _stage(number: int, stage: Stage, planned: Planned) -> Iterator[str]:
    counts = Counter(work.risk for work in stage.work)
    risks = ", ".join(f"{counts[risk]} {RISKS[risk]}" for risk in Risk if counts[risk])
    tests = f"{_tests(len(stage.work))}: {risks}"
    if planned.here is None:
        yield f"In the order of risk: {tests}"
    elif stage.leg.hours > 0.0:
        yield f"{number}. By hand: {way(stage.leg)}; it is asked for."
        yield f"   then {tests}"
    elif planned.here.doubt and number == 1:
        yield f"{number}. By hand: bring the batteries to {stage.leg.end}; it is asked for."
        yield f"   then {tests}"
    else:
        yield f"{number}. At {stage.leg.end}: {tests}"
    yield f"   first {_first(stage.work)}"


def _first(work: Sequence[Work]) -> str:
    named = list(dict.fromkeys(each.item for each in work))
    more = len(named) - FIRST_SHOWN
    return ", ".join(named[:FIRST_SHOWN]) + (f" and {more} more rows" if more > 0 else "")


def _left_out(left_out: Sequence[LeftOut]) -> Iterator[str]:
    if not left_out:
        return
    yield f"Not run: {_tests(len(left_out))}."
    reasons = Counter(each.reason for each in left_out)
    for reason, count in reasons.most_common(REASONS_SHOWN):
        yield f"   {count:4} {reason}"
    if len(reasons) > REASONS_SHOWN:
        yield f"        and {len(reasons) - REASONS_SHOWN} other reasons; --json has all"


def for_a_machine(planned: Planned) -> dict[str, Any]:
    """All of it, in hours and seconds."""
    plan, here = planned.plan, planned.here
    return {
        "hours": plan.hours,
        "charging_h": plan.charging_h,
        "soaking_h": plan.soaking_h,
        "running_h": plan.running_h,
        "in_order_of_risk_preparing_h": plan.given_preparing_h,
        "is_shortest": plan.is_shortest,
        "unknown_counted_as_s": plan.usual_s,
        "batteries": None
        if here is None
        else _state(here.state) | {"by": here.by, "doubt": here.doubt},
        "stages": [
            {
                **({} if here is None else _state(stage.leg.end)),
                "charging_h": stage.leg.charging_h,
                "soaking_h": stage.leg.soaking_h,
                "by_hand": here is not None
                and (stage.leg.hours > 0.0 or (bool(here.doubt) and number == 0)),
                "tests": [
                    {
                        "id": work.item,
                        "test": work.test,
                        "expected_s": work.expected_s,
                        "basis": work.basis,
                        "risk": RISKS[work.risk],
                    }
                    for work in stage.work
                ],
            }
            for number, stage in enumerate(plan.stages)
        ],
        "left_out": [
            {"id": each.item, "test": each.test, "reason": each.reason} for each in plan.left_out
        ],
    }


def _state(state: Any) -> dict[str, Any]:
    return {"soc_pct": state.soc_pct, "temperature_c": state.temperature_c}


def _tests(count: int) -> str:
    return f"{count} test" if count == 1 else f"{count} tests"
