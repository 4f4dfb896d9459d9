"""How the simulated bench inserts each kind of fault: at the plant, at terminals, at a test port.

One line of `HOW` a kind. Each gives back what undoes it. Of several faults that set the same thing
the youngest shows; when it is cleared the one before does.
"""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from rig.benches.disturbed import Disturbed
from rig.dut.bluetooth import HIGHEST_BAUD
from rig.dut.modules import ModelModule
from rig.errors import FaultRefused
from rig.faults.fault import Asked, BatterySize
from rig.faults.sensors import (
    OPEN,
    SHORT_TEMPERATURE_C,
    SHORT_VOLTAGE_V,
    Disturbance,
    Quantity,
    always,
    drift,
    noisy,
    offset,
)
from rig.kernel import Kernel, seconds
from rig.plant.contactor import ContactorFault
from rig.plant.module import Module

T = TypeVar("T")
Undo = Callable[[], None]
QUANTITIES = {str(quantity): quantity for quantity in Quantity}


class Pile(Generic[T]):
    """What faults have set one thing to, on top of what it was."""

    def __init__(self, apply: Callable[[T], None], base: T) -> None:
        self._apply = apply
        self._values: list[list[T]] = [[base]]  # each in a box of its own: equal ones stay apart

    def put(self, value: T) -> Undo:
        """Set it; what undoes it is returned, and may be called twice."""
        box = [value]
        self._values.append(box)
        self._apply(value)

        def undo() -> None:
            if any(other is box for other in self._values):
                self._values = [other for other in self._values if other is not box]
                self._apply(self._values[-1][0])

        return undo


class Insertion:
    """Inserts faults into one system on simulated terminals."""

    def __init__(self, kernel: Kernel, system: Disturbed) -> None:
        self.kernel, self.system = kernel, system
        self.plant, self.dut = system.plant, system.dut
        self._count = 0
        self._piles: dict[object, Pile[object]] = {}

    @property
    def sizes(self) -> list[BatterySize]:
        """What its batteries have."""
        return [
            BatterySize(
                cells=module.type.cells,
                sensors=module.type.temperature_sensors,
                terminals=module.type.terminal_sensors,
                fan=module.type.fan,
            )
            for module in self.system.modules
        ]

    def insert(self, asked: Asked) -> Undo:
        """Insert it now."""
        self.plant.settle()
        self._count += 1
        undo = HOW[asked.kind.name](self, asked)

        def settled() -> None:
            self.plant.settle()
            undo()

        return settled

    def battery(self, asked: Asked) -> ModelModule:
        """The electronics of the battery asked for."""
        return self.system.modules[asked.battery]

    def cells(self, asked: Asked) -> Module:
        """The battery asked for, in the plant."""
        return self.plant.modules[asked.battery]

    def put(self, key: object, apply: Callable[[T], None], base: T, value: T) -> Undo:
        """Set the thing of that key, besides what other faults have set it to."""
        pile = self._piles.setdefault(key, Pile(apply, base))  # type: ignore[arg-type]
        return pile.put(value)

    def dice(self) -> Callable[[float, float], float]:
        """Normally distributed chance of this fault's own."""
        return self.kernel.stream(f"fault/{self._count}").gauss


def _sensor(make: Callable[[Insertion, Asked], Disturbance], *, moves: bool = False) -> "How":
    """A fault on the sensor that the kind's name begins with."""

    def insert(bench: Insertion, asked: Asked) -> Undo:
        quantity = QUANTITIES[asked.kind.name.rsplit(" ", 1)[0]]
        sensors = bench.battery(asked).sensors
        return sensors.insert(quantity, asked.index, make(bench, asked), moves=moves)

    return insert


def _only_number(asked: Asked) -> float:
    (value,) = asked.values.values()
    assert isinstance(value, float)
    return value


def _stuck(bench: Insertion, asked: Asked) -> Disturbance:
    (value,) = asked.values.values()
    if not isinstance(value, float):
        quantity = QUANTITIES[asked.kind.name.rsplit(" ", 1)[0]]
        value = bench.battery(asked).readings(quantity, bench.kernel.now_us)[asked.index]
    return always(value)


def _shorted(_bench: Insertion, asked: Asked) -> Disturbance:
    is_voltage = asked.kind.name.startswith(Quantity.CELL_VOLTAGE)
    return always(SHORT_VOLTAGE_V if is_voltage else SHORT_TEMPERATURE_C)


def _weak(bench: Insertion, asked: Asked) -> Undo:
    cells, factor = bench.cells(asked), asked.number("capacity_pct") / 100.0
    cells.scale_cell(asked.index, capacity=factor)
    return lambda: cells.scale_cell(asked.index, capacity=1.0 / factor)


def _aged(bench: Insertion, asked: Asked) -> Undo:
    cells, factor = bench.cells(asked), asked.number("resistance_pct") / 100.0
    cells.scale_cell(asked.index, resistance=factor)
    return lambda: cells.scale_cell(asked.index, resistance=1.0 / factor)


def _cell_shorted(bench: Insertion, asked: Asked) -> Undo:
    siemens, plant = 1.0 / asked.number("short_ohm"), bench.plant
    plant.short_cell(asked.battery, asked.index, siemens)
    return lambda: plant.short_cell(asked.battery, asked.index, -siemens)


def _reversed(bench: Insertion, asked: Asked) -> Undo:
    cells = bench.cells(asked)
    before_pct = cells.cell_soc(asked.index)
    cells.reverse_cell(asked.index, asked.number("reverse_v"))
    return lambda: cells.set_cell_soc(asked.index, before_pct)


def _loose(bench: Insertion, asked: Asked) -> Undo:
    cells, ohm = bench.cells(asked), asked.number("contact_mohm") / 1000.0
    cells.add_contact_ohm(asked.index, ohm)
    return lambda: cells.add_contact_ohm(asked.index, -ohm)


def _contactor(fault: ContactorFault) -> "How":
    def insert(bench: Insertion, _asked: Asked) -> Undo:
        plant = bench.plant
        return bench.put("contactor", plant.break_contactor, plant.contactor_fault, fault)

    return insert


def _main_fuse(bench: Insertion, _asked: Asked) -> Undo:
    bench.plant.blow_main_fuse()
    return bench.plant.replace_main_fuse


def _precharge_fuse(bench: Insertion, _asked: Asked) -> Undo:
    bench.plant.blow_precharge_fuse()
    return bench.plant.replace_precharge_fuse


def _precharge_element(bench: Insertion, _asked: Asked) -> Undo:
    bench.plant.burn_precharge_element()
    return bench.plant.replace_precharge_element


def _leakage(bench: Insertion, asked: Asked) -> Undo:
    ohm, electronics = asked.number("leakage_kohm") * 1000.0, bench.battery(asked)
    tap = bench.plant.tap(asked.battery, positive=asked.word("pole") == "positive")
    undo = bench.plant.isolation.leak(tap, ohm)
    electronics.sensors.stir()

    def mend() -> None:
        undo()
        electronics.sensors.stir()

    return mend


def _fan(bench: Insertion, asked: Asked) -> Undo:
    cells = bench.cells(asked)

    def block(blocked: bool) -> None:
        cells.fan_blocked = blocked

    return bench.put(("fan", asked.battery), block, False, True)


def _soak(bench: Insertion, asked: Asked) -> Undo:
    plant, temperature_c = bench.plant, asked.number("temperature_c")

    def surround(ambient_c: float) -> None:
        plant.set_ambient(ambient_c)
        bench.dut.surround(ambient_c)

    undo = bench.put("ambient", surround, plant.ambient_c, temperature_c)
    if asked.word("reaching") == "cells":
        plant.soak(temperature_c)
    return undo


def _humid(bench: Insertion, asked: Asked) -> Undo:
    electronics, cells = bench.battery(asked), bench.cells(asked)

    def moisten(humidity_pct: float) -> None:
        cells.humidity_pct = humidity_pct
        electronics.sensors.stir()

    value_pct = asked.number("humidity_pct")
    return bench.put(("humidity", asked.battery), moisten, cells.humidity_pct, value_pct)


def _io_supply(bench: Insertion, asked: Asked) -> Undo:
    voltage_v: float | None = asked.number("voltage_v")
    undo = bench.put("io supply", bench.dut.supply_io_from, None, voltage_v)
    duration_s = asked.values["duration_s"]
    if isinstance(duration_s, float):
        bench.kernel.after(seconds(duration_s), undo)
    return undo


def _balancer(bench: Insertion, asked: Asked) -> Undo:
    electronics = bench.battery(asked)
    return bench.put(("balancer", asked.battery), electronics.fail_balancer, False, True)


def _shunt(bench: Insertion, asked: Asked) -> Undo:
    dut = bench.dut
    error = 1.0 + asked.number("gain_pct") / 100.0, asked.number("offset_a")
    return bench.put("shunt", dut.misread_current, (1.0, 0.0), error)


def _voltage_misread(bench: Insertion, asked: Asked) -> Undo:
    gain = 1.0 + asked.number("gain_pct") / 100.0
    return bench.put("voltage sense", bench.dut.misread_voltage, 1.0, gain)


def _can_cut(bench: Insertion, asked: Asked) -> Undo:
    electronics = bench.battery(asked)

    def cut(is_cut: bool) -> None:
        (electronics.cut_can if is_cut else electronics.mend_can)()

    return bench.put(("can", asked.battery), cut, False, True)


def _supply_cut(bench: Insertion, asked: Asked) -> Undo:
    electronics = bench.battery(asked)
    return bench.put(("supply", asked.battery), electronics.cut_supply, False, True)


def _can_disturbed(bench: Insertion, asked: Asked) -> Undo:
    electronics = bench.battery(asked)
    return bench.put(("can noise", asked.battery), electronics.disturb_can, False, True)


def _master_can_disturbed(bench: Insertion, _asked: Asked) -> Undo:
    return bench.put("can noise", bench.dut.disturb_can, False, True)


def _stalled(bench: Insertion, _asked: Asked) -> Undo:
    bench.dut.stall()
    return bench.dut.resume


def _damaged(bench: Insertion, asked: Asked) -> Undo:
    dice = bench.kernel.stream(f"fault/{bench._count}")  # noqa: SLF001 - its own kind
    return bench.dut.damage(asked.word("register"), asked.word("how"), dice)


def _self_test(bench: Insertion, _asked: Asked) -> Undo:
    port = bench.dut
    return bench.put("self-test", port.fail_self_test, False, True)


def _poor_link(bench: Insertion, asked: Asked) -> Undo:
    module = bench.dut.bluetooth
    if module is None:
        raise FaultRefused("Bluetooth link poor: this device has no Bluetooth module")
    baud = asked.number("clean_up_to_baud")
    return bench.put("bluetooth", module.limit, float(HIGHEST_BAUD), baud)


def _battery_self_test(bench: Insertion, asked: Asked) -> Undo:
    electronics = bench.battery(asked)
    key = "self-test", asked.battery
    return bench.put(key, electronics.fail_self_test, False, True)


How = Callable[[Insertion, Asked], Undo]

_SENSOR_FAULTS: Mapping[str, How] = {
    "offset": _sensor(lambda _bench, asked: offset(_only_number(asked))),
    "drift": _sensor(
        lambda bench, asked: drift(_only_number(asked), bench.kernel.now_us), moves=True
    ),
    "stuck": _sensor(_stuck),
    "noisy": _sensor(lambda bench, asked: noisy(bench.dice(), _only_number(asked)), moves=True),
    "open": _sensor(lambda _bench, _asked: OPEN),
    "short": _sensor(_shorted),
}

HOW: Mapping[str, How] = {
    **{f"{q} {name}": how for q in QUANTITIES for name, how in _SENSOR_FAULTS.items()},
    "cell weak": _weak,
    "cell aged": _aged,
    "cell shorted": _cell_shorted,
    "cell reversed": _reversed,
    "busbar loose": _loose,
    "contactor welded": _contactor(ContactorFault.WELDED),
    "contactor stuck open": _contactor(ContactorFault.STUCK_OPEN),
    "main fuse blown": _main_fuse,
    "pre-charge fuse blown": _precharge_fuse,
    "pre-charge element burnt": _precharge_element,
    "shunt error": _shunt,
    "battery voltage misread": _voltage_misread,
    "leakage to chassis": _leakage,
    "fan blocked": _fan,
    "cold soak": _soak,
    "hot soak": _soak,
    "humid battery": _humid,
    "IO supply dip": _io_supply,
    "battery CAN cut": _can_cut,
    "battery CAN disturbed": _can_disturbed,
    "master CAN disturbed": _master_can_disturbed,
    "battery supply cut": _supply_cut,
    "balancer failed": _balancer,
    "stalled loop": _stalled,
    "damaged memory": _damaged,
    "failed self-test": _self_test,
    "Bluetooth link poor": _poor_link,
    "battery self-test failed": _battery_self_test,
}
