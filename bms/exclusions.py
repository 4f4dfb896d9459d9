"""Settings that exclude each other: which combinations, and what happens to who chooses one.

The rules are ours, the maker's are not public. A stored combination that breaks one, of a release
that knew no rules, is put right when the master starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from bms.data import settings

ELEVEN_BITS = frozenset({1, 2, 3})  # of the external protocols: SMA, General BMS, Visedo
MOST_BATTERIES = settings()["batteries_parallel"].maximum


class Rule(Protocol):
    """One rule."""

    def objects(self, values: Mapping[str, int], name: str, code: int) -> bool:
        """Whether this choice is refused, as the other settings are."""
        ...

    def corrections(self, values: Mapping[str, int], defaults: Mapping[str, int]) -> dict[str, int]:
        """What has to change for all of them to go together; nothing if they do."""
        ...


@dataclass(frozen=True, slots=True)
class CombinedSystemsShareNoInverter:
    """Combined systems have no protocol of 11 bits: its identifiers would be the same for all.

    The choice of combined switches such a protocol off; choosing one is refused meanwhile.
    """

    def objects(self, values: Mapping[str, int], name: str, code: int) -> bool:
        """A protocol of 11 bits, while combined is chosen."""
        return name == "external_protocol" and code in ELEVEN_BITS and values.get("combined") == 1

    def corrections(self, values: Mapping[str, int], defaults: Mapping[str, int]) -> dict[str, int]:
        """No such protocol."""
        both = values.get("combined") == 1 and values.get("external_protocol") in ELEVEN_BITS
        return {"external_protocol": 0} if both else {}


@dataclass(frozen=True, slots=True)
class SetPointsDiffer:
    """A relay that comes on where it goes off would chatter.

    Of the function and its two set points the one that would make it so is refused.
    """

    function: int
    on: str
    off: str

    def objects(self, values: Mapping[str, int], name: str, code: int) -> bool:
        """The function with equal set points, or one that equals the other while it is chosen."""
        return name in {"relay_function", self.on, self.off} and self._chatters(
            {**values, name: code}
        )

    def corrections(self, values: Mapping[str, int], defaults: Mapping[str, int]) -> dict[str, int]:
        """Both as they once were."""
        return {name: defaults[name] for name in (self.on, self.off) if self._chatters(values)}

    def _chatters(self, values: Mapping[str, int]) -> bool:
        if self.on not in values or values["relay_function"] != self.function:
            return False
        return values[self.on] == values[self.off]


@dataclass(frozen=True, slots=True)
class NoMoreThanThereCanBe:
    """Parallel times series is at most as many batteries as a system can have."""

    def objects(self, values: Mapping[str, int], name: str, code: int) -> bool:
        """What makes them too many."""
        if name not in {"batteries_parallel", "batteries_series"}:
            return False
        return _too_many({**values, name: code})

    def corrections(self, values: Mapping[str, int], defaults: Mapping[str, int]) -> dict[str, int]:
        """Both as found."""
        return {"batteries_parallel": 0, "batteries_series": 0} if _too_many(values) else {}


def _too_many(values: Mapping[str, int]) -> bool:
    parallel, series = values.get("batteries_parallel", 0), values.get("batteries_series", 0)
    return parallel * series > MOST_BATTERIES


EXCLUSIONS: Mapping[str, Rule] = MappingProxyType(
    {
        "combined and a protocol of 11 bits": CombinedSystemsShareNoInverter(),
        "relay by current": SetPointsDiffer(5, "relay_current_on_a", "relay_current_off_a"),
        "relay by temperature": SetPointsDiffer(
            6, "relay_temperature_on_c", "relay_temperature_off_c"
        ),
        "relay by cell voltage": SetPointsDiffer(
            7, "relay_cell_voltage_on_v", "relay_cell_voltage_off_v"
        ),
        "relay by state of charge": SetPointsDiffer(8, "relay_soc_on_pct", "relay_soc_off_pct"),
        "parallel and series": NoMoreThanThereCanBe(),
    }
)
