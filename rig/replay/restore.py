"""From an excerpt of a log to a stimulus: what the system is, where it starts, what happens to it.

Rules of this file: what the log shows is taken as it is; what it does not show is chosen, and said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bms.data import battery_types, hardware
from rig.can.frame import BROADCAST, header_of
from rig.replay.batteries import Batteries
from rig.replay.excerpt import Entry, Excerpt
from rig.replay.observe import EXTERNAL, PRIVATE, VE_CAN
from rig.replay.operation import Operation
from rig.replay.stimulus import Kind, Step, Stimulus

# Chosen: of the bench's own house; a log without its batteries says only how many cells they have.
TYPE_OF_CELLS = {
    7: "HE100",
    8: "LFP 24 V 230 Ah",
    12: "RS230",
    14: "RS132 14S",
    16: "LFP 48 V 100 Ah",
}
VREG, LONG_VREG, ISO_REQUEST, GROUP_FUNCTION = 61184, 126720, 59904, 126208
BROADCAST_CONTROL, BROADCAST_DATA = 60416, 60160
STIMULATING = frozenset(
    {VREG, LONG_VREG, ISO_REQUEST, GROUP_FUNCTION, BROADCAST_CONTROL, BROADCAST_DATA}
)
ISO_TP = 0x18DA
LEVEL = 1.05  # chosen: cells that are further apart say nothing of the others
PRODUCT, CONFIGURATION, CAPACITY, SOC = 0x0100, 0x0380, 0x1000, 0x0FFF
VOLTAGE, CELL_RANGE = 0xED8D, 0x0385  # in 0.01 V
SETTINGS = (0x0374, 0x0375, 0x0376, 0x0377, 0x0387, 0x0388)
EXTERNAL_DUT = range(0x350, 0x382)  # public: what a BMS says there
OTHERS = frozenset({0x18F0A0})  # of the private bus: pings


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A stimulus, and what in it is not from the log."""

    stimulus: Stimulus
    begin_us: int
    """The log's time at time 0 of the stimulus."""
    chosen: tuple[str, ...] = ()
    """What the log does not show, and what stands in its place."""
    open: Mapping[str, str] = field(default_factory=dict)
    """The same of needs, by their name."""
    settings: frozenset[int] = frozenset()
    """Registers of settings that were told, or written."""

    @property
    def assumed(self) -> tuple[str, ...]:
        """All that is not from the log."""
        return (*self.open.values(), *self.chosen)


@dataclass(slots=True)
class _Told:
    """The registers of the device, as they were last told before the start, or first after."""

    data: dict[int, bytes] = field(default_factory=dict)

    def take(self, entry: Entry, address: int, *, first: bool = False) -> None:
        """A frame; `first`: what is known and available already stays."""
        if entry.bus != VE_CAN or not entry.extended or entry.can_id & 0xFF != address:
            return
        if header_of(entry.can_id).pgn == VREG and entry.data[:2] == b"\x66\x99":
            register = entry.data[2] | entry.data[3] << 8
            # What the system is shows once it has started, how it stands shows at once.
            grows = register in {CONFIGURATION, CAPACITY}
            if not first or grows or not self.data.get(register, b"").strip(b"\xff"):
                self.data[register] = entry.data[4:]

    def number(self, register: int, size: int, start: int = 0) -> int | None:
        """A number in a register; None if it was never told, or is not available."""
        piece = self.data.get(register, b"")[start : start + size]
        value = int.from_bytes(piece, "little")
        return None if len(piece) < size or value == (1 << 8 * size) - 1 else value

    def cells_by_voltage(self) -> int:
        """How many cells make the voltage that is told of all of them; 0 if nobody can tell."""
        total, low, high = (
            self.number(VOLTAGE, 2),
            self.number(CELL_RANGE, 2),
            self.number(CELL_RANGE, 2, 2),
        )
        if not total or total >= 0x7FFF or not low or not high or high > low * LEVEL:
            return 0
        return round(total / ((low + high) / 2))


def restore(excerpt: Excerpt, begin_us: int, end_us: int) -> Restored:
    """The stimulus of a part of the excerpt, from `begin_us` to `end_us` of the log's time."""
    known, assumed = _Told(), list[str]()
    later = _Told()
    for entry in (*excerpt.earlier, *excerpt.entries):
        if entry.t_us <= begin_us:
            known.take(entry, excerpt.address)
        else:
            later.take(entry, excerpt.address, first=True)
    for register, data in later.data.items():
        known.data.setdefault(register, data)
    operation = Operation.of(excerpt, begin_us, end_us)
    batteries = Batteries.of(excerpt, begin_us, end_us)
    unknown: dict[str, str] = {}
    needs = _needs(excerpt, known, batteries, unknown)
    if PRIVATE not in excerpt.buses:
        assumed.append("the private bus was not recorded: one cell each reads the extremes told")
    first, steps = batteries.steps(begin_us)
    steps += operation.steps(begin_us)
    steps += _frames(excerpt, begin_us, end_us, batteries)
    begins = [] if operation.runs else first
    steps = (first if operation.runs else []) + sorted(steps, key=lambda each: each.at_us)
    begins += [
        Step(0, Kind.SETTING, (("register", register), ("code", code)))
        for register in SETTINGS
        if (code := known.number(register, 1)) is not None and code != DEFAULTS.get(register)
    ]
    written = _written(excerpt, begin_us, known)
    begins += written
    assumed += operation.assumed
    stimulus = Stimulus(
        needs=needs,
        begins=tuple(begins),
        runs=operation.runs,
        steps=tuple(steps),
        length_us=end_us - begin_us,
    )
    return Restored(
        stimulus=stimulus,
        begin_us=begin_us,
        chosen=tuple(assumed),
        open=unknown,
        settings=frozenset({*known.data, *(int(each["register"]) for each in written)}),
    )


def _written(excerpt: Excerpt, begin_us: int, known: _Told) -> list[Step]:
    """Settings that others wrote before, and that the device does not tell: the last of each."""
    found: dict[int, Step] = {}
    for entry in (*excerpt.earlier, *excerpt.entries):
        if entry.t_us >= begin_us or entry.bus != VE_CAN or not entry.extended:
            continue
        header, data = header_of(entry.can_id), entry.data
        if header.pgn != VREG or header.destination != excerpt.address or len(data) < 5:
            continue
        register = data[2] | data[3] << 8
        if register in SETTINGS and register not in known.data:
            arguments = ("register", register), ("code", data[4])
            found[register] = Step(0, Kind.SETTING, arguments)
    return list(found.values())


DEFAULTS: Mapping[int, int] = {0x0374: 0, 0x0375: 1, 0x0376: 0, 0x0377: 0, 0x0387: 0, 0x0388: 0}


def _needs(
    excerpt: Excerpt, known: _Told, batteries: Batteries, unknown: dict[str, str]
) -> dict[str, Any]:
    """What the system is; `unknown`: what of it was not told, and what is taken."""
    needs: dict[str, Any] = {}
    count, cells = known.number(CONFIGURATION, 1), known.number(CONFIGURATION, 1, 1)
    parallel, series = known.number(CONFIGURATION, 1, 2), known.number(CONFIGURATION, 1, 3)
    seen = batteries.count
    if count and parallel and series and parallel * series == count:
        needs |= {"parallel": parallel, "series": series}
    elif seen:
        needs["parallel"] = seen
    else:
        needs["parallel"] = 1
        unknown["parallel"] = "the number of batteries was not told: one is taken"
    cells = cells or batteries.cells or known.cells_by_voltage()
    needs["battery"] = _battery(known, batteries, cells, count or seen, unknown)
    if batteries.serials and len(batteries.serials) == needs["parallel"] * needs.get("series", 1):
        needs["serials"] = tuple(batteries.serials)
    soc = known.number(SOC, 2)
    if soc is None:
        unknown["soc_pct"] = "the state of charge was not told: 60 % are taken"
    else:
        needs["soc_pct"] = min(max(soc / 100, 0.5), 99.5)
    if batteries.temperature_c is not None:
        needs["temperature_c"] = batteries.temperature_c
    product = known.number(PRODUCT, 2, 1)
    model = next((name for name, h in hardware().items() if h.product_id == product), None)
    if model is None:
        unknown["hardware"] = "the model was not told: a Lynx Ion BMS 1000 is taken"
    else:
        needs["hardware"] = model
    return needs


def _battery(
    known: _Told, batteries: Batteries, cells: int, count: int, unknown: dict[str, str]
) -> str:
    """The type of the batteries: as they announced themselves, or by cells and capacity."""
    kinds = {kind.code: kind for kind in battery_types().values()}
    if batteries.type_code in kinds:
        return kinds[batteries.type_code].name
    capacity_ah = known.number(CAPACITY, 2)
    for kind in kinds.values():
        if (
            capacity_ah
            and count
            and kind.cells == cells
            and kind.capacity_ah * count == capacity_ah
        ):
            return kind.name
    name = TYPE_OF_CELLS.get(cells, TYPE_OF_CELLS[8])
    unknown["battery"] = f"the batteries' type was not told: {name} is taken"
    return name


def _frames(excerpt: Excerpt, begin_us: int, end_us: int, batteries: Batteries) -> list[Step]:
    """What other devices say to the device, as it is."""
    found = []
    for entry in excerpt.entries:
        if not begin_us <= entry.t_us < end_us or entry.error:
            continue
        text = _stimulates(entry, excerpt.address, batteries)
        if text is not None:
            arguments = ("bus", entry.bus), ("text", text)
            found.append(Step(entry.t_us - begin_us, Kind.FRAME, arguments))
    return found


def _stimulates(entry: Entry, address: int, batteries: Batteries) -> str | None:
    """A frame that a device like ours may react to, as candump writes it; None for others."""
    can_id = entry.can_id
    if entry.bus == PRIVATE:
        strange = can_id >> 8 in OTHERS or not entry.extended or batteries.is_stranger(entry)
        if not strange:
            return None
    elif entry.bus == EXTERNAL:
        if not entry.extended and can_id in EXTERNAL_DUT:
            return None
    elif entry.bus == VE_CAN and entry.extended:
        header = header_of(can_id)
        if header.source == address:
            return None
        is_tool = can_id >> 16 == ISO_TP and can_id >> 8 & 0xFF == address
        if not is_tool and header.pgn not in STIMULATING:
            return None
        if not is_tool and header.destination not in {address, BROADCAST}:
            return None
        if is_tool or header.destination == address:
            can_id = can_id & ~0xFF00 | 0x50 << 8
    elif entry.bus != VE_CAN:
        return None
    digits = 8 if entry.extended else 3
    return f"{can_id:0{digits}X}#{entry.data.hex().upper()}"
