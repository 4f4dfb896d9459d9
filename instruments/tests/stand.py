"""A tiny circuit, wires and a clock in steps: what tests put behind the twins."""

from dataclasses import dataclass, field

from instruments.session import Check, Session
from instruments.twins.chroma63206a import Chroma63206ATwin
from instruments.twins.daq970a import DAQ970ATwin
from instruments.twins.electrical import LoadDemand, LoadMode, SourceDemand
from instruments.twins.psb10000 import EaPsb10000Twin
from instruments.visa import TwinLibrary

PSU, LOAD, DAQ = (f"TCPIP::{name}.bench::5025::SOCKET" for name in ("psu", "load", "daq"))


@dataclass
class Clock:
    """Time that passes only when somebody lets it."""

    now: int = 0

    def now_us(self) -> int:
        return self.now

    async def settle(self, seconds: float) -> None:
        self.now += round(seconds * 1_000_000)


@dataclass
class Battery:
    """An electromotive force behind a resistance: solved at once, for one instrument."""

    demand: SourceDemand | LoadDemand
    emf_v: float = 50.0
    resistance_ohm: float = 0.1
    settled: list[tuple[bool, float]] = field(default_factory=list)

    def settle(self) -> None:
        demand = self.demand
        value = demand.voltage_v if isinstance(demand, SourceDemand) else demand.level
        self.settled.append((demand.enabled, value))

    def current_a(self) -> float:
        demand = self.demand
        if not demand.enabled:
            return 0.0
        if isinstance(demand, LoadDemand):
            return self._drawn(demand)
        current = (demand.voltage_v - self.emf_v) / self.resistance_ohm
        if current < 0.0:
            return -self._sunk(demand, -current)
        current = min(current, demand.current_limit_a)
        root = (self.emf_v**2 + 4 * self.resistance_ohm * demand.power_limit_w) ** 0.5
        return min(current, (root - self.emf_v) / (2 * self.resistance_ohm))

    def _sunk(self, demand: SourceDemand, current: float) -> float:
        # Near enough: the battery's voltage under that power is a little below its own.
        by_power = demand.sink_power_limit_w / self.emf_v
        return min(current, demand.sink_current_limit_a, by_power)

    def _drawn(self, demand: LoadDemand) -> float:
        match demand.mode:
            case LoadMode.CC:
                return demand.level
            case LoadMode.CV:
                return max(0.0, (self.emf_v - demand.level) / self.resistance_ohm)
            case LoadMode.CP:
                root = (self.emf_v**2 - 4 * self.resistance_ohm * demand.level) ** 0.5
                return (self.emf_v - root) / (2 * self.resistance_ohm)
            case LoadMode.CR:
                return self.emf_v / (self.resistance_ohm + demand.level)

    def voltage_v(self) -> float:
        sign = 1 if isinstance(self.demand, SourceDemand) else -1
        return self.emf_v + sign * self.current_a() * self.resistance_ohm


@dataclass
class Wires:
    """Digital lines, contacts and voltages that remember what was done to them."""

    levels: dict[int, bool] = field(default_factory=dict)
    volts: dict[int, float] = field(default_factory=dict)
    history: list[tuple[int, int, bool]] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def read(self, line: int) -> bool:
        return self.levels.get(line, True)

    def drive(self, line: int, level: bool) -> None:
        if self.levels.get(line, True) != level:
            self.history.append((self.clock.now, line, level))
        self.levels[line] = level

    def read_v(self, channel: int) -> float:
        return self.volts.get(channel, 0.0)


@dataclass
class Bench:
    clock: Clock
    library: TwinLibrary
    psu_twin: EaPsb10000Twin
    load_twin: Chroma63206ATwin
    daq_twin: DAQ970ATwin
    psu_circuit: Battery
    load_circuit: Battery
    wires: Wires
    contacts: Wires
    log: list[tuple[int, str, str]] = field(default_factory=list)

    def session(self, name: str = PSU, *, check: Check = "each") -> Session:
        return self.library.open_session(
            name,
            now_us=self.clock.now_us,
            settle=self.clock.settle,
            check=check,
            log=lambda *entry: self.log.append(entry),
        )
