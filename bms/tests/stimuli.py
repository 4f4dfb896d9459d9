"""The reference stimuli: short stories that every release is told, to see what it answers.

Nothing here says what is right. A release that answers otherwise than it did yesterday has been
changed, and the goldens tell; two releases that answer alike cannot be told apart by these stories.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from itertools import product

from bms.data import battery_types, hardware
from bms.firmware import Firmware
from bms.io import ControllerState, Frame, Outputs, Port, Transmission
from bms.master import Master
from bms.tests.bench import Bench
from bms.wire import private

SECOND_US, HALF_US = 1_000_000, 500_000
GX, MASTER = 0x20, 0x50
SOFTWARE_VERSION = 0x35F


def _to_master(data: str) -> tuple[Port, Frame]:
    identifier = 0x1CEF0000 | MASTER << 8 | GX
    return Port.VE_CAN, Frame(identifier, bytes.fromhex(data))


def a_day(running: Firmware) -> Bench:
    """Charge to full, discharge, write the state of charge, stop."""
    bench = Bench(running, registers={"setting.external_protocol": b"\x01"})
    bench.start(tick_us=HALF_US)
    bench.current_a = 200.0
    bench.step(_to_master("66 99 FF 0F 06 27 FF FF"), tick_us=SECOND_US)  # write: SOC 99.9 %
    bench.run(30, SECOND_US)
    bench.cell(3.53)
    bench.run(24, 2 * SECOND_US)
    bench.cell(3.3)
    bench.current_a = -300.0
    bench.run(140, 4 * SECOND_US)
    bench.step(_to_master("66 99 01 00 FE 0F FF FF"))  # request: time to go
    bench.decay_v_per_s = 0.6
    bench.current_a = 0.0
    bench.press()
    bench.run(20, HALF_US)
    return bench


def a_cell_far_too_high(running: Firmware) -> Bench:
    """Over-voltage to its end, on a link that decays slowly; then the same on a slower one."""
    bench = Bench(running)
    for decay_v_per_s in (0.3, 0.1):
        bench.cell(3.3)
        bench.decay_v_per_s = decay_v_per_s
        bench.start(tick_us=HALF_US)
        bench.cell(3.66)
        bench.run(45, 5 * SECOND_US)
        bench.run(8, HALF_US)
        bench.press()
        bench.cell(3.3)
        bench.decay_v_per_s = 10.0
        bench.run(12, 4 * SECOND_US)
    bench.start(tick_us=HALF_US)
    bench.decay_v_per_s = 0.1
    bench.press()
    bench.run(24, SECOND_US)
    return bench


def slow_links(running: Firmware) -> Bench:
    """A pre-charge of 15 s, and one of 42 s that is still rising at 30 s."""
    bench = Bench(running)
    for volts_per_s in (26.4 / 15, 26.4 / 42):
        bench.precharge_v_per_s = volts_per_s
        bench.start(4, HALF_US)
        bench.run(46, 2 * SECOND_US)
        bench.decay_v_per_s = 10.0
        bench.press()
        bench.run(14, 2 * SECOND_US)
    return bench


def a_deep_discharge(running: Firmware) -> Bench:
    """A start with a critically low cell, answered by a charger; then the charger goes."""
    bench = Bench(running)
    bench.cell(2.35)
    bench.start(tick_us=HALF_US)
    bench.run(20, 5 * SECOND_US)
    bench.current_a = 5.0
    bench.run(120, 5 * SECOND_US)
    bench.cell(2.5)
    bench.current_a = 0.0
    bench.run(480, 20 * SECOND_US)
    bench.run(20, HALF_US)
    return bench


def a_hot_summer(running: Firmware) -> Bench:
    """HE batteries warm up and cool down, in both strategies; their terminals get hot."""
    bench = Bench(running, type_code=4)
    bench.start(tick_us=HALF_US)
    for strategy in range(2):
        bench.ask(bytes((0x2E, 0x01, 0x01, strategy)))
        bench.ask(b"\x22\x02\x01")
        bench.step(tick_us=SECOND_US)
        for temperature_c in (28, 30.5, 33, 35.5, 43.5, 42.2, 41.4, 34.5, 33, 29.5, 28):
            bench.temperatures_c[0][0] = temperature_c
            bench.run(2, SECOND_US)
    for terminal_c in (60, 65, 67, 70, 40):
        bench.terminal_c = terminal_c
        bench.run(2, SECOND_US)
    return bench


def a_busy_bus(running: Firmware) -> Bench:
    """Other masters, strange frames, bus-off, a torn cable, a sensor gone mad, an overload."""
    bench = Bench(running)
    bench.start(tick_us=HALF_US)
    bench.run(5, SECOND_US)
    foreign_soc = Frame(0x1CEFFF51, bytes.fromhex("66 99 FF 0F 40 1F FF FF"))
    standard = Frame(0x020, bytes.fromhex("66 99 01 00 8D ED FF FF"), extended=False)
    bench.step((Port.VE_CAN, foreign_soc), (Port.VE_CAN, standard))
    for round_ in range(8):  # pings in a burst, half of the bursts early in a period of 250 ms
        pings = [Frame(private.PING << 8 | 7, bytes((n, round_)) + bytes(6)) for n in range(3)]
        bench.step(
            *((Port.PRIVATE, ping) for ping in pings),
            _to_master("66 99 01 00 71 03 FF FF"),
            tick_us=125_000,
            earlier_us=bench.now_us % 250_000 + 125_000 - 250_000 * (round_ % 2),
        )
    bench.controller = ControllerState.BUS_OFF
    bench.run(1, SECOND_US // 4)
    bench.controller = ControllerState.ERROR_ACTIVE
    bench.run(2, HALF_US)
    bench.current_a = -450.0
    bench.run(15, SECOND_US)
    bench.current_a = 0.0
    bench.temperatures_c[0][2] = 48.0
    bench.run(5, SECOND_US)
    bench.temperatures_c[0][2] = 25.0
    bench.silent = True
    bench.run(40, 2 * SECOND_US)
    return bench


def an_old_memory(running: Firmware) -> Bench:
    """First boot with the memory of a 1.13 whose user had chosen SMA and no relay function."""
    registers = {
        "layout": b"\x01\x0d",
        "setting.relay_function": b"\x00",
        "setting.external_protocol": b"\x01",
    }
    bench = Bench(running, registers=registers)
    bench.run(1, HALF_US)
    for table, number in product((1, 2), (1, 2, 3)):
        bench.ask(bytes((0x22, table, number)))
    bench.start(tick_us=HALF_US)
    bench.run(6, HALF_US)
    return bench


# Who announces himself after a start: (serial, type code) each, 0.6 ms apart.
LFP, RS176, RS132, RS230 = 2, 13, 14, 18
ANNOUNCED: tuple[tuple[tuple[int, int], ...], ...] = (
    *(((1001, type_code),) for type_code in range(1, 20)),
    ((17_460_000, LFP),),
    ((1001, RS176), (1002, RS230)),
    ((1001, RS176), (1002, RS132)),
    ((1001, RS176), (1002, RS176)),
)


def batteries_of_every_kind(running: Firmware) -> Bench:
    """Each known type alone, RS batteries in company, and LFP in two shapes that are not theirs."""
    bench = Bench(running)
    bench.silent = True
    for announced in ANNOUNCED:
        _announce(bench, announced)
    for parallel, series in ((4, 1), (1, 2)):
        bench.ask(bytes((0x2E, 0x01, 4, parallel)))
        bench.ask(bytes((0x2E, 0x01, 5, series)))
        _announce(bench, ((1001, LFP), (1002, LFP)))
    return bench


def _announce(bench: Bench, announced: tuple[tuple[int, int], ...]) -> None:
    """Start, and stop again once the announced batteries are registered or refused."""
    bench.press()
    for serial, type_code in announced:
        frame = private.announce(serial, type_code, battery_types()[type_code].cells, 38)
        bench.step((Port.PRIVATE, frame), tick_us=600)
    bench.run(4, HALF_US)
    bench.press()
    bench.run(1, HALF_US)


def every_hardware(running: Firmware) -> Bench:
    """A start on each hardware, and the question what product it is."""
    bench = Bench(running)
    for model in hardware().values():
        bench.master = Master(running, {}, model, "HQ1845ABCDE")
        bench.out, bench.system_v = Outputs(), 0.0
        bench.start(tick_us=HALF_US)
        bench.step(_to_master("66 99 01 00 00 01 FF FF"))
        bench.run(1, HALF_US)
    return bench


STIMULI: Mapping[str, Callable[[Firmware], Bench]] = {
    stimulus.__name__: stimulus
    for stimulus in (
        a_day,
        a_cell_far_too_high,
        slow_links,
        a_deep_discharge,
        a_hot_summer,
        a_busy_bus,
        an_old_memory,
        batteries_of_every_kind,
        every_hardware,
    )
}


def digest(trace: list[Outputs]) -> str:
    """SHA-256 of all outputs, less the two places where a release merely says its own name."""
    total = hashlib.sha256()
    for outputs in trace:
        total.update(repr(outputs._replace(writes=_nameless(outputs.writes), sent=())).encode())
        for transmission in _anonymous(outputs.sent):
            total.update(repr(transmission).encode())
    return total.hexdigest()


def _nameless(writes: Mapping[str, bytes]) -> dict[str, bytes]:
    return {register: raw for register, raw in writes.items() if register != "layout"}


def _anonymous(sent: tuple[Transmission, ...]) -> Iterator[Transmission]:
    for port, frame in sent:
        if frame.identifier == SOFTWARE_VERSION:
            masked = frame.data[:2] + b"\0\0" + frame.data[4:]
            yield Transmission(port, frame._replace(data=masked))
        else:
            yield Transmission(port, frame)
