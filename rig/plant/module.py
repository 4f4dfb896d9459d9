"""One battery module: a window onto its cells in the pack's buffer, with what hangs on them.

Bleeders and balancers, sensors, fan, terminals. The arithmetic is the kernel's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.plant.cell import SECONDS_AN_HOUR, SOC_MIN, Parameter, tables_of
from rig.plant.kernel import (
    AMBIENT_C,
    AMBIENT_W_PER_K,
    BALANCE_A,
    BURNT,
    CELL,
    CELL_C,
    CELL_EMF_V,
    CELL_J,
    CELL_J_PER_K,
    CELL_R0,
    CELLS,
    CURRENT_A,
    EMF_V,
    EXCHANGE_W_PER_K,
    FIRST,
    GRID,
    HEAT_J,
    LUG_J_PER_K,
    LUG_W_PER_K,
    MEAN_C,
    MINUS_C,
    MINUS_J,
    MINUS_OHM,
    OHM,
    PER_COULOMB,
    PLUS_C,
    PLUS_J,
    PLUS_OHM,
    SCALE,
    SEGMENT,
    SOC,
    V1,
    V2,
    WIRE_J,
    H,
)
from rig.plant.thermal import (
    AMBIENT_W_PER_K as AMBIENT,
)
from rig.plant.thermal import (
    CONTACT_OHM,
    FAN_FACTOR,
    HUMIDITY_PCT,
    TERMINAL_J_PER_K,
    TERMINAL_W_PER_K,
    Sensors,
)
from rig.plant.thermal import (
    EXCHANGE_W_PER_K as EXCHANGE,
)

if TYPE_CHECKING:
    import random
    from array import array
    from collections.abc import Callable

    from rig.plant.spec import ModuleSpec

BALANCER_EFFICIENCY = Parameter(
    value=0.85, unit="1", basis="chosen: small isolated DC/DC converters have 80 to 90 %"
)

HELD_J_PER_K = 1e18  # so much that no heat shows in a double


class Module:
    """A battery module as its own electronics see it. Charging is positive.

    Readings are of the plant's present instant: advance the plant first.
    """

    __slots__ = (
        "_at",
        "_buf",
        "_changed",
        "_fan_blocked",
        "_fan_on",
        "_first",
        "_refresh",
        "_sensors",
        "_shorts",
        "_stop",
        "bleeding",
        "humidity_pct",
        "spec",
    )

    def __init__(
        self,
        spec: ModuleSpec,
        place: tuple[array[float], int, int],
        start: tuple[list[float], float],
        rng: random.Random,
        refresh: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        """`place`: the pack's buffer, where in it this module's record and its first cell begin.

        `start`: each cell's SOC as a fraction, and the temperature. `refresh` brings the circuit to
        the present instant, `changed` hears that somebody has moved something.
        """
        self.spec = spec
        self._buf, self._at, self._first = place
        self._stop = self._first + spec.cells * CELL
        self._refresh, self._changed = refresh, changed
        self._fan_on = self._fan_blocked = False
        self._shorts: dict[int, tuple[float, float]] = {}
        self.bleeding = False
        self.humidity_pct = HUMIDITY_PCT.value
        socs, temperature_c = start
        buf, at = self._buf, self._at
        buf[at + FIRST], buf[at + CELLS] = self._first, spec.cells
        heat = tables_of(spec.cell_name).parameters.value("heat_capacity_j_per_k_ah")
        buf[at + CELL_J_PER_K] = heat * spec.capacity_ah
        buf[at + EXCHANGE_W_PER_K] = EXCHANGE.value
        buf[at + AMBIENT_W_PER_K] = AMBIENT.value
        buf[at + AMBIENT_C] = temperature_c
        buf[at + LUG_J_PER_K] = TERMINAL_J_PER_K.value
        buf[at + LUG_W_PER_K] = TERMINAL_W_PER_K.value
        buf[at + PLUS_OHM] = buf[at + MINUS_OHM] = CONTACT_OHM.value
        for index, soc in enumerate(socs):
            buf[self._cell(index) + SOC] = soc
            self.age_cell(index, spec.capacity_pct, spec.resistance_pct)
        self.temperature_c = temperature_c
        self._sensors = Sensors(spec.temperature_sensors, spec.cells, rng)

    # What the module's electronics measure

    @property
    def terminal_voltage_v(self) -> float:
        """Between the module's terminals."""
        self._refresh()
        return self.emf_v + self.current_now_a * self.ohm

    @property
    def current_a(self) -> float:
        """Through the module; charging positive."""
        self._refresh()
        return self.current_now_a

    def cell_voltage_v(self, index: int) -> float:
        """Of one cell."""
        self._refresh()
        c = self._cell(index)
        return self._buf[c + CELL_EMF_V] + self.current_now_a * self._buf[c + CELL_R0]

    def cell_voltages(self) -> list[float]:
        """Of all cells, the most negative in the string first."""
        self._refresh()
        buf, current_a = self._buf, self._buf[self._at + CURRENT_A]
        return [
            buf[c + CELL_EMF_V] + current_a * buf[c + CELL_R0]
            for c in range(self._first, self._stop, CELL)
        ]

    def cell_temperatures(self) -> list[float]:
        """One a sensor."""
        return self._sensors.read([self.cell_temperature_c(k) for k in self._sensors.places])

    def terminal_temperatures(self) -> tuple[float, float] | None:
        """At the positive and the negative terminal; None if the module has no such sensors."""
        if not self.spec.has_terminal_sensors:
            return None
        buf, at = self._buf, self._at
        return buf[at + PLUS_C], buf[at + MINUS_C]

    # What the module's electronics and a bench can do

    def bleed(self, index: int, ampere: float) -> None:
        """Discharge one cell by this current into a resistor (passive balancing); 0 stops it."""
        self.set_balancing(index, -ampere, burnt=1.0)

    def balance(self, index: int, ampere: float) -> None:
        """Charge one cell by this current, discharge it if negative (active balancing); 0 stops.

        The charge comes from, or goes to, somewhere else; the converter's loss warms the module.
        """
        self.set_balancing(index, ampere, burnt=1.0 - BALANCER_EFFICIENCY.value)

    def set_balancing(self, index: int, ampere: float, *, burnt: float) -> None:
        """Charge one cell by this current; of its power the part `burnt` warms the module."""
        self._changed()
        buf, c = self._buf, self._cell(index)
        buf[c + BALANCE_A], buf[c + BURNT] = ampere, burnt
        if index in self._shorts:
            self._shorts[index] = self._shorts[index][0], ampere
        self.bleeding = bool(self._shorts) or self._any_balanced()

    def _any_balanced(self) -> bool:
        return any(self._buf[c + BALANCE_A] for c in range(self._first, self._stop, CELL))

    @property
    def fan_on(self) -> bool:
        """Whether the module's fan runs; a module without one has nothing to switch."""
        return self._fan_on

    @fan_on.setter
    def fan_on(self, on: bool) -> None:
        if on and not self.spec.fan:
            raise ValueError("this module has no fan")
        if on != self._fan_on:
            self._changed()
            self._fan_on = on
            self._cool()

    @property
    def fan_blocked(self) -> bool:
        """Whether the fan moves no air, though it may be switched on."""
        return self._fan_blocked

    @fan_blocked.setter
    def fan_blocked(self, blocked: bool) -> None:
        self._changed()
        self._fan_blocked = blocked
        self._cool()

    def _cool(self) -> None:
        factor = FAN_FACTOR.value if self._fan_on and not self._fan_blocked else 1.0
        self._buf[self._at + AMBIENT_W_PER_K] = AMBIENT.value * factor

    # What can be wrong with it

    def scale_cell(self, index: int, capacity: float = 1.0, resistance: float = 1.0) -> None:
        """Multiply one cell's capacity and resistance; its state of charge stays."""
        self._changed()
        buf, c = self._buf, self._cell(index)
        buf[c + PER_COULOMB] /= capacity
        buf[c + SCALE] *= resistance
        buf[c + SEGMENT] = -1.0

    def short_cell(self, index: int, siemens: float) -> None:
        """Add this conductance to what shorts a cell inside; a negative one takes it away."""
        self._changed()
        buf, c = self._buf, self._cell(index)
        already, told_a = self._shorts.get(index, (0.0, buf[c + BALANCE_A]))
        if already + siemens > 1e-12:
            self._shorts[index] = already + siemens, told_a
        else:
            self._shorts.pop(index, None)
            buf[c + BALANCE_A] = told_a
        self.bleeding = bool(self._shorts) or self._any_balanced()

    @property
    def shorted(self) -> bool:
        """Whether any cell is shorted inside: `renew_shorts` is wanted before each step."""
        return bool(self._shorts)

    def renew_shorts(self) -> None:
        """Let the shorts draw what their cells' voltages drive, besides the balancing current.

        The voltages have to be up to date. All of it warms the module, a converter's part too.
        """
        buf, current_a = self._buf, self._buf[self._at + CURRENT_A]
        for index, (siemens, told_a) in self._shorts.items():
            c = self._cell(index)
            ohm = buf[c + CELL_R0]
            # The voltage without the present short, which drops in R0 as all current does.
            open_v = buf[c + CELL_EMF_V] + (current_a + told_a - buf[c + BALANCE_A]) * ohm
            short_a = siemens * open_v / (1.0 + siemens * ohm)
            buf[c + BALANCE_A], buf[c + BURNT] = told_a - short_a, 1.0

    def reverse_cell(self, index: int, voltage_v: float) -> None:
        """Put one cell so far below empty that it rests at this voltage below zero."""
        tables, cell_c = tables_of(self.spec.cell_name), self.cell_temperature_c(index)
        low_v, next_v = (tables.ocv_v(soc, cell_c) for soc in (SOC_MIN, SOC_MIN + 1.0 / GRID))
        soc = SOC_MIN - (low_v + voltage_v) / ((next_v - low_v) * GRID)
        self.set_cell_soc(index, 100.0 * soc)

    def add_contact_ohm(self, terminal: int, ohm: float) -> None:
        """Add to the resistance of a terminal's contact: 0 is the positive one, 1 the negative."""
        self._changed()
        self._buf[self._at + (PLUS_OHM, MINUS_OHM)[terminal]] += ohm

    def set_contact_ohm(self, positive: float | None = None, negative: float | None = None) -> None:
        """Give a terminal's contact this resistance, as a loose lug has; None leaves it."""
        self._changed()
        for at, ohm in ((PLUS_OHM, positive), (MINUS_OHM, negative)):
            if ohm is not None:
                self._buf[self._at + at] = ohm

    # The truth, for tests and for bringing about a start state

    def cell_soc(self, index: int) -> float:
        """True SOC of one cell in %."""
        return 100.0 * self._buf[self._cell(index) + SOC]

    def set_cell_soc(self, index: int, soc_pct: float, hysteresis: float = 0.0) -> None:
        """Put one cell at this SOC in %, at rest; -10 to 110 is meaningful.

        `hysteresis`: 1 as after a charge, -1 as after a discharge, 0 midway.
        """
        self._changed()
        buf, c = self._buf, self._cell(index)
        buf[c + SOC] = soc_pct / 100.0
        buf[c + V1] = buf[c + V2] = 0.0
        buf[c + H] = hysteresis
        buf[c + SEGMENT] = -1.0

    def set_cell_rest_voltage(self, index: int, voltage_v: float) -> None:
        """Put one cell at the SOC at which it rests at this voltage."""
        tables, cell_c = tables_of(self.spec.cell_name), self.cell_temperature_c(index)
        self.set_cell_soc(index, 100.0 * tables.soc_at_rest_voltage(voltage_v, cell_c))

    def age_cell(
        self, index: int, capacity_pct: float = 100.0, resistance_pct: float = 100.0
    ) -> None:
        """Give one cell this capacity and this resistance, in % of those of a new one."""
        self._changed()
        buf, c = self._buf, self._cell(index)
        capacity_ah = self.spec.capacity_ah * capacity_pct / 100.0
        buf[c + PER_COULOMB] = 1.0 / (SECONDS_AN_HOUR * capacity_ah)
        buf[c + SCALE] = resistance_pct / 100.0 / self.spec.capacity_ah
        buf[c + SEGMENT] = -1.0

    @property
    def weakest_ah(self) -> float:
        """True capacity of the cell that has the least."""
        cells = range(self._first, self._stop, CELL)
        return 1.0 / (SECONDS_AN_HOUR * max(self._buf[c + PER_COULOMB] for c in cells))

    @property
    def capacity_ah(self) -> float:
        """True capacity of the first cell; setting it gives all cells this one."""
        return 1.0 / (SECONDS_AN_HOUR * self._buf[self._first + PER_COULOMB])

    @capacity_ah.setter
    def capacity_ah(self, capacity_ah: float) -> None:
        self._changed()
        for c in range(self._first, self._stop, CELL):
            self._buf[c + PER_COULOMB] = 1.0 / (SECONDS_AN_HOUR * capacity_ah)

    @property
    def temperature_c(self) -> float:
        """Mean of the cells; setting it brings cells and terminals there at once."""
        return self._buf[self._at + MEAN_C]

    @temperature_c.setter
    def temperature_c(self, temperature_c: float) -> None:
        self._changed()
        buf, at = self._buf, self._at
        buf[at + MEAN_C] = buf[at + PLUS_C] = buf[at + MINUS_C] = temperature_c
        for c in range(self._first, self._stop, CELL):
            buf[c + CELL_C] = temperature_c
            buf[c + SEGMENT] = -1.0

    def hold_temperature(self) -> None:
        """Let no heat move the cells' temperature, as in a chamber that takes all of it."""
        self._changed()
        self._buf[self._at + CELL_J_PER_K] = HELD_J_PER_K

    def cell_temperature_c(self, index: int) -> float:
        """Of one cell."""
        return self._buf[self._cell(index) + CELL_C]

    @property
    def ambient_c(self) -> float:
        """The temperature around this module."""
        return self._buf[self._at + AMBIENT_C]

    @ambient_c.setter
    def ambient_c(self, temperature_c: float) -> None:
        self._changed()
        self._buf[self._at + AMBIENT_C] = temperature_c

    # What the kernel has found

    @property
    def current_now_a(self) -> float:
        """The current that the circuit was solved for last."""
        return self._buf[self._at + CURRENT_A]

    @property
    def emf_v(self) -> float:
        """The module without current, at this instant: V = emf_v + I*ohm."""
        return self._buf[self._at + EMF_V]

    @property
    def ohm(self) -> float:
        """Its resistance at this instant, terminals' contacts included."""
        return self._buf[self._at + OHM]

    @property
    def heat_j(self) -> float:
        """Heat set free so far."""
        buf, at = self._buf, self._at
        total = buf[at + HEAT_J] + buf[at + WIRE_J] + buf[at + PLUS_J] + buf[at + MINUS_J]
        for c in range(self._first, self._stop, CELL):
            total += buf[c + CELL_J]
        return total

    def _cell(self, index: int) -> int:
        if not -self.spec.cells <= index < self.spec.cells:
            raise IndexError(f"cell {index}: this module has {self.spec.cells}")
        return self._first + (index % self.spec.cells) * CELL
