"""What a system is, where the log does not tell it: by what fits the limits that the device tells.

One need after the other is tried, the house's own first; another is taken only where it makes the
model's limits and capacity more like those of the log.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bms.data import battery_types, hardware
from rig.replay.compare import Comparison
from rig.replay.condition import Condition
from rig.replay.likeness import Likeness
from rig.replay.play import Firmware
from rig.replay.pool import Pool
from rig.replay.restore import Restored

LOOK_US = 40_000_000  # chosen: a start, and the limits told several times
COUNTS = (2, 3, 4, 5, 6, 8)  # chosen: batteries side by side, beside the one that is taken first
BETTER_PCT = 2.0  # chosen: less is a limit that was told a moment later
ALIKE_PCT = 99.5
# Signals that follow from what the system is.
TELLING = frozenset(
    f"vreg.{name}"
    for name in (
        "charge_voltage_limit_v",
        "charge_current_limit_a",
        "discharge_voltage_limit_v",
        "discharge_current_limit_a",
        "link_charge_current_limit_a",
        "capacity_ah",
        "batteries",
        "cells_per_battery",
        "parallel",
        "series",
    )
)

LIMITS = tuple(sorted(name for name in TELLING if name.endswith("_limit_a")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """Needs that were found out, by name."""

    needs: Mapping[str, Any]
    as_well: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Others that fit no worse, by the need's name."""

    def put_into(self, restored: Restored) -> Restored:
        """The stimulus with them, and the assumptions said anew."""
        if not self.needs:
            return restored
        stimulus = restored.stimulus
        assumed = {**restored.open}
        for name, value in self.needs.items():
            others = ", ".join(str(other) for other in self.as_well.get(name, ()))
            assumed[name] = (
                f"{OPEN[name]} was not told: {value} fits the limits that it tells"
                f"{', and so would: ' + others if others else ''}"
            )
        return replace(
            restored,
            stimulus=replace(stimulus, needs={**stimulus.needs, **self.needs}),
            open=assumed,
        )


OPEN = {
    "parallel": "the number of batteries",
    "hardware": "the model",
    "battery": "the batteries' type",
}
NOTHING = Identified(needs={})


def identify(
    likeness: Likeness,
    restored: Restored,
    end_us: int,
    firmware: Firmware,
    condition: Condition,
    pool: Pool,
) -> Identified:
    """What fits, of the needs that are open in `restored`, up to a time of the log."""
    if not restored.open.keys() & OPEN.keys():
        return NOTHING
    end_us = min(end_us, restored.begin_us + LOOK_US)
    # While it starts, limits are 0, whatever it is.
    series = likeness.told(restored.begin_us, end_us)
    if not any(value > 0 for name in LIMITS for _, value in series.get(name, ())):
        return NOTHING
    length_us = end_us - restored.begin_us
    short = replace(
        restored.stimulus,
        steps=tuple(each for each in restored.stimulus.steps if each.at_us < length_us),
        length_us=length_us,
    )

    def alike_pct(candidates: list[dict[str, Any]]) -> list[float]:
        """Per cent of the telling values that both sides tell; 100 where there are none."""
        stimuli = [replace(short, needs={**short.needs, **needs}) for needs in candidates]
        outcomes = pool.play_all(
            [(each, firmware) for each in stimuli], condition, keep=True, lenient=True
        )
        begin_us = restored.begin_us
        return [_telling(likeness.compared(begin_us, each, end_us)) for each in outcomes]

    found: dict[str, Any] = {}
    as_well: dict[str, tuple[Any, ...]] = {}
    best = alike_pct([found])[0]
    for name in OPEN:
        if name not in restored.open or best >= ALIKE_PCT:
            continue
        values = list(_candidates(name, short.needs))
        alike = alike_pct([{**found, name: value} for value in values])
        most = max(alike, default=0.0)
        if most > best + BETTER_PCT:
            fit = [value for value, one in zip(values, alike, strict=True) if one >= most]
            found[name], as_well[name], best = fit[0], tuple(fit[1:]), most
    return Identified(needs=found, as_well=as_well)


def _candidates(name: str, needs: Mapping[str, Any]) -> Iterator[Any]:
    taken = str(needs.get(name))
    match name:
        case "parallel":
            yield from COUNTS
        case "hardware":
            seen = set[int]()
            for model, board in hardware().items():
                if model != taken and board.product_id not in seen:
                    yield model
                seen.add(board.product_id)
        case _:
            cells = {kind.name: kind.cells for kind in battery_types().values()}
            yield from (kind for kind in cells if kind != taken and cells[kind] == cells[taken])


def _telling(comparison: Comparison) -> float:
    signals = [each for each in comparison.signals if each.signal in TELLING]
    told = sum(each.told for each in signals)
    return 100.0 if not told else 100.0 * (1 - sum(each.missed for each in signals) / told)
