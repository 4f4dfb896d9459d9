"""What a simulated bench states about its plant before it starts.

Defaults are chosen: a small bench with 230 Ah class batteries; each line says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rig.plant.cell import Chemistry, tables_of
from rig.plant.fuse import FuseSpec
from rig.plant.kernel import R0, R1_CHARGE

DEFAULT_CELLS: dict[Chemistry, str] = {"LFP": "lfp", "NMC": "nmc_he"}

# Chosen: the largest model's current, and a short of 10 kA for 10 ms.
MAIN_FUSE = FuseSpec(rated_a=1000.0, i2t_a2s=1_000_000.0)
# Chosen: three times the peak through 10 ohm at 26 V, and the I2t of a small slow fuse.
PRECHARGE_FUSE = FuseSpec(rated_a=10.0, i2t_a2s=200.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSpec:
    """One battery module: cells in series, their true capacity, sensors and fan."""

    chemistry: Chemistry
    cells: int
    capacity_ah: float
    temperature_sensors: int = 4
    has_terminal_sensors: bool = True
    fan: bool = False
    cell: str | None = None  # a cell's name or file; None: the chemistry's
    capacity_pct: float = 100.0  # of what a new cell has
    resistance_pct: float = 100.0
    coulombic_efficiency: float | None = None  # None: the cell's, as the next
    self_discharge_pct_per_month: float | None = None

    @property
    def cell_name(self) -> str:
        """The cell's name or file."""
        return DEFAULT_CELLS[self.chemistry] if self.cell is None else self.cell

    @property
    def r0_ohm(self) -> float:
        """Series resistance of one new cell at 25 C and mid-SOC."""
        return tables_of(self.cell_name).value(R0, 0.5) / self.capacity_ah

    @property
    def r1_ohm(self) -> float:
        """Resistance of one new cell's first RC pair at 25 C and mid-SOC, charging."""
        return tables_of(self.cell_name).value(R1_CHARGE, 0.5) / self.capacity_ah

    def __post_init__(self) -> None:
        if self.cells < 1 or self.capacity_ah <= 0 or self.temperature_sensors < 0:
            raise ValueError(f"module {self}: cells >= 1, capacity_ah > 0, sensors >= 0")
        if self.capacity_pct <= 0 or self.resistance_pct <= 0:
            raise ValueError(f"module {self}: capacity_pct and resistance_pct must be > 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrechargeSpec:
    """The pre-charge path: a resistor that keeps its value, or an NTC that heats itself.

    The default NTC is the illustrative part whose curves straddle the 30 s and 30 + 18 s limits.
    """

    kind: Literal["resistor", "ntc"] = "ntc"
    ohm: float = 47.0  # at 25 C
    beta_k: float = 3200.0  # ignored for a resistor
    heat_capacity_j_per_k: float = 1.5
    dissipation_w_per_k: float = 0.020
    burns_c: float = 250.0  # chosen: solder has run and lacquer is charred by then

    def __post_init__(self) -> None:
        if min(self.ohm, self.heat_capacity_j_per_k, self.dissipation_w_per_k) <= 0:
            raise ValueError(f"pre-charge {self}: ohm, heat capacity, dissipation must be > 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantSpec:
    """A bench's plant: modules in series and parallel, their start state, and the DC system."""

    module: ModuleSpec
    capacities_ah: tuple[float, ...] = ()  # of the modules one by one, where they differ
    series: int = 1
    parallel: int = 1
    soc_pct: float = 50.0
    soc_spread_pct: float = 0.0  # full width; each cell is drawn evenly inside it
    soc_spread_exact: bool = False  # then stretched: a module's extremes are that far apart
    temperature_c: float = 25.0
    link_capacitance_f: float = 0.020  # two 3 to 5 kVA inverters' inputs
    link_bleed_ohm: float = 5000.0  # their standby, as a resistance
    link_load_ohm: float | None = None  # a further fixed load, None for none
    precharge: PrechargeSpec = field(default_factory=PrechargeSpec)
    contactor_close_us: int = 25_000  # data sheets of 500 A DC contactors: 20 to 30 ms
    contactor_open_us: int = 10_000  # same: 8 to 12 ms without a coil diode
    contactor_bounce_us: int = 1_000  # same: a few ms at most; 0 for none
    # Chosen: contacts that touch onto 26 V and 50 mF through 5 mohm (3500 A2s) stay together.
    contactor_weld_i2t_a2s: float = 3000.0
    loop_ohm: float = 0.001  # shunt, contact, cables between strings and system bus
    main_fuse: FuseSpec = MAIN_FUSE
    precharge_fuse: FuseSpec = PRECHARGE_FUSE

    def __post_init__(self) -> None:
        if self.series < 1 or self.parallel < 1:
            raise ValueError(f"series {self.series}, parallel {self.parallel}: both must be >= 1")
        if len(self.capacities_ah) not in {0, self.series * self.parallel}:
            raise ValueError(f"capacities_ah {self.capacities_ah}: one for each module, or none")
        if self.link_capacitance_f <= 0 or self.link_bleed_ohm <= 0 or self.loop_ohm <= 0:
            raise ValueError("link_capacitance_f, link_bleed_ohm and loop_ohm must be > 0")
        if self.link_load_ohm is not None and self.link_load_ohm <= 0:
            raise ValueError(f"link_load_ohm {self.link_load_ohm}: must be > 0 or None")
        if min(self.contactor_close_us, self.contactor_open_us, self.contactor_bounce_us) < 0:
            raise ValueError("contactor delays must be >= 0")
