"""What a scenario needs of a bench: the system, where it starts, and what must be there.

`@pytest.mark.needs(battery="LFP 24 V 230 Ah", parallel=2, soc_pct=60)`: a simulated bench starts
there, a lab goes there. A field that a scenario does not name has the default of this file.
"""

from dataclasses import dataclass, fields
from typing import Any, Self

from rig.errors import BenchFileError


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The system under test and its start state; the defaults are the house's 24 V system."""

    battery: str = "LFP 24 V 230 Ah"
    batteries: tuple[str, ...] = ()  # their types one by one, where not all are of the type above
    serials: tuple[str, ...] = ()  # their serial numbers one by one, HQ and eight digits
    battery_releases: tuple[str, ...] = ()  # what each battery runs; "": as the master ships it
    private_bus_m: float = 10.0  # length of the bus between master and batteries
    serial: str = ""  # of the master; "": the bench's own
    series: int = 1
    parallel: int = 2
    soc_pct: float = 60.0
    soc_spread_pct: float = 0.2  # how far the cells are apart, as in a balanced pack
    soc_spread_exact: bool = False  # each battery's lowest and highest cell are so far apart
    capacity_pct: float = 100.0  # of the rated one; new cells have more, old ones less
    temperature_c: float = 25.0
    hardware: str = "Lynx Ion BMS 1000"
    link_capacitance_f: float = 0.020
    link_bleed_ohm: float = 500.0
    link_load_ohm: float | None = None
    precharge_ohm: float = 10.0  # the NTC at 25 degC, or the resistor above 48 V
    starts_on: str | None = None  # the release before the one under test is installed
    settable_release: bool = False

    @classmethod
    def parse(cls, given: dict[str, Any]) -> Self:
        """Take a marker's keywords. Raises BenchFileError for one that is no field."""
        known = {field.name for field in fields(cls)}
        for name in given:
            if name not in known:
                raise BenchFileError(
                    f"needs({name}=...): no such need; allowed are {', '.join(sorted(known))}"
                )
        return cls(**given)
