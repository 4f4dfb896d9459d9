"""The private bus: registration, loss and return, commands, bus-off, what the user calls a battery.

The frames are made by hand or by battery modules; what a wire does to them is the rig's to test.
"""

import random
from itertools import pairwise

import pytest

from bms.battery.module import Module
from bms.codes import State
from bms.data import battery_types
from bms.firmware import Component, milliseconds, seconds
from bms.io import BatteryInputs, BatteryOutputs, ControllerState, Frame, Inputs, Port, Reception
from bms.releases import firmware
from bms.rooms.battery_bus import BackOff, BatteryBus
from bms.tests.bench import Bench
from bms.wire import private

RS176, HE100 = 13, 4
BUS_OFF_EVENT = 82


class Battery:
    """A battery module that hears beacons, and whatever else it is given."""

    def __init__(self, serial: int, type_code: int = RS176, release: str = "1.38") -> None:
        self.kind = battery_types()[type_code]
        running = firmware(release, Component.BATTERY)
        self.memory: dict[str, bytes] = {}
        self.module = Module(running, self.kind, serial, self.memory)

    def step(self, time_us: int, *frames: Frame, bus_off: bool = False) -> BatteryOutputs:
        received = tuple(Reception(time_us, Port.PRIVATE, frame) for frame in frames)
        inputs = BatteryInputs(
            cell_voltages_v=(3.7,) * self.kind.cells,
            cell_temperatures_c=(25.0,) * self.kind.temperature_sensors,
            received=received,
            bus_off=bus_off,
        )
        out = self.module.step(time_us, inputs)
        self.memory.update(out.writes)
        return out


def kinds(frames: tuple[Frame, ...]) -> list[int]:
    return [private.kind_and_node(frame.identifier)[0] for frame in frames]


def beacon(count: int = 0) -> Frame:
    return private.beacon(State.INITIALISING, count, private.FLAG_WAKE, 1)


# Registration


def announcements(serial: int, powered_ms: int) -> list[int]:
    """When a battery that is switched on then announces itself, in ms, of a start's 3 s."""
    battery, told = Battery(serial), []
    due_ms = 3_001
    for now_ms in range(3_000):
        calls = (beacon(),) if now_ms % 500 == 0 and now_ms >= powered_ms else ()
        if calls or now_ms >= due_ms:
            out = battery.step(milliseconds(now_ms), *calls)
            due_ms = 3_001 if out.next_step_us is None else out.next_step_us // 1_000
            told += [now_ms] * kinds(out.sent).count(private.ANNOUNCE)
    return told


def meet(batteries: list[tuple[int, int]]) -> bool:
    """Whether two of (serial, power-up in ms) are to announce themselves within one millisecond.

    Each waits for the master's call after its power-up, and then as its serial number says.
    """
    first_ms = [-(-powered // 500) * 500 + serial % 97 for serial, powered in batteries]
    times = sorted((t + 1_000 * n, i) for i, t in enumerate(first_ms) for n in range(4))
    times = [one for one in times if one[0] < 3_000]
    return any(a[1] != b[1] and b[0] - a[0] <= 1 for a, b in pairwise(times))


@pytest.mark.parametrize("block", range(4))
def test_conflicts_follow_from_serial_numbers_and_power_up(block) -> None:
    for seed in range(50 * block, 50 * block + 50):
        dice = random.Random(seed)
        batteries = [
            (dice.randrange(16_010_000, 24_529_999), dice.randrange(1_500)) for _ in range(4)
        ]
        told = sorted((t, serial) for serial, on in batteries for t in announcements(serial, on))
        found = {}
        for release in ("1.37", "1.38"):
            policy = BatteryBus(firmware(release)).announcements()
            found[release] = any(
                policy.conflicts(milliseconds(t), serial, RS176) for t, serial in told
            )

        assert found == {"1.37": meet(batteries), "1.38": False}, f"seed {seed}"


def test_seeds_have_both_conflicts_and_none() -> None:
    met = []
    for seed in range(200):
        dice = random.Random(seed)
        met.append(
            meet([(dice.randrange(16_010_000, 24_529_999), dice.randrange(1_500)) for _ in "1234"])
        )

    assert 10 < sum(met) < 190


# Loss and return


def sent_by(bench: Bench, *frames: Frame) -> list[Frame]:
    out = bench.step(*((Port.PRIVATE, frame) for frame in frames))
    return [frame for port, frame in out.sent if port is Port.PRIVATE]


def test_a_registered_battery_that_announces_itself_is_given_its_node_again() -> None:
    bench = Bench()
    bench.start()

    assert private.assign(1002, 1) in sent_by(bench, private.announce(1002, 2, 8, 38))


def test_a_stranger_is_given_none_while_the_system_runs() -> None:
    bench = Bench()
    bench.start()

    assert private.ASSIGN not in kinds(tuple(sent_by(bench, private.announce(1003, 2, 8, 38))))


def test_a_battery_that_lost_its_node_reports_again_when_it_is_given_back() -> None:
    battery = Battery(97)
    battery.step(seconds(1), beacon())
    battery.step(seconds(2), private.assign(97, 3), beacon(1))
    battery.step(seconds(9))  # no beacon for more than 5 s: it has slept, and forgotten
    (announced,) = battery.step(seconds(10), beacon(1)).sent
    battery.step(seconds(11), private.assign(97, 3), beacon(1))
    due_us = battery.step(seconds(11)).next_step_us

    assert private.kind_and_node(announced.identifier)[0] == private.ANNOUNCE
    assert due_us is not None
    assert private.STATUS in kinds(battery.step(due_us).sent)


# Commands


def test_a_command_is_repeated_until_it_is_acknowledged() -> None:
    bench = Bench(type_code=HE100)
    bench.start()
    told = [f for out in bench.trace for port, f in out.sent if port is Port.PRIVATE]
    commands = [f for f in told if private.kind_and_node(f.identifier) == (private.COMMAND, 0)]
    code, _, sequence = private.read_command(commands[-1].data)
    bench.run(1.2)
    again = [
        frame
        for out in bench.trace[-12:]
        for port, frame in out.sent
        if port is Port.PRIVATE and frame == commands[-1]
    ]
    bench.step((Port.PRIVATE, private.acknowledge(0, code, sequence)))
    bench.trace.clear()
    bench.run(2)

    assert len(again) == 2
    assert not any((Port.PRIVATE, commands[-1]) in out.sent for out in bench.trace)


def test_an_acknowledge_of_another_command_ends_nothing() -> None:
    bench = Bench(type_code=HE100)
    bench.start()
    bench.step((Port.PRIVATE, private.acknowledge(0, private.COMMAND_BALANCE, 0)))
    bench.trace.clear()
    bench.run(1)
    told = [f for out in bench.trace for port, f in out.sent if port is Port.PRIVATE]

    assert any(private.kind_and_node(f.identifier) == (private.COMMAND, 0) for f in told)


# Bus-off


def test_waits_in_bus_off_double_up_to_the_longest() -> None:
    waits = BackOff(milliseconds(200), seconds(5), seconds(10))

    assert [waits.after(tries) / 1e6 for tries in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5, 5]


def recoveries(release: str) -> list[float]:
    """When a master whose private port stays in bus-off tries to leave it, in s."""
    bench = Bench(release)
    bench.start()
    began_us = bench.now_us
    tried = []
    while bench.now_us - began_us < seconds(8):
        bench.now_us += 100_000
        inputs = Inputs(
            battery_voltage_v=bench.battery_v,
            system_voltage_v=bench.battery_v,
            aux_contact_closed=True,
            controllers={Port.PRIVATE: ControllerState.BUS_OFF},
        )
        if Port.PRIVATE in bench.master.step(bench.now_us, inputs).recover:
            tried.append((bench.now_us - began_us) / 1e6)
    logged = [number for number, _ in bench.master.view.events.log]
    assert (BUS_OFF_EVENT in logged) is bool(tried)
    return tried


def test_the_master_tries_again_and_again_and_more_rarely() -> None:
    assert recoveries("1.25") == pytest.approx([0.3, 0.7, 1.5, 3.1, 6.3], abs=0.11)


def test_before_1_25_the_master_stays_in_bus_off() -> None:
    assert recoveries("1.24") == []


@pytest.mark.parametrize(("release", "comes_back"), [("1.24", False), ("1.25", True)])
def test_a_battery_leaves_bus_off_from_1_25_on(release, comes_back) -> None:
    battery = Battery(97, release=release)
    battery.step(seconds(1), beacon())
    first = battery.step(seconds(1.1), bus_off=True)
    later = battery.step(seconds(1.6), bus_off=True)

    assert (first.recover, later.recover) == (False, comes_back)
    assert (first.next_step_us is not None) is comes_back


# What the user calls a battery


def test_a_battery_keeps_its_name_over_a_power_cycle() -> None:
    battery = Battery(97)
    battery.step(seconds(1), beacon())
    battery.step(seconds(2), private.assign(97, 3), beacon(1))
    told = battery.step(seconds(2.1), *private.identity(private.IDENTIFY, 3, b"starboard aft"))
    anew = Module(firmware("1.38", Component.BATTERY), battery.kind, 97, battery.memory)
    battery.module = anew
    battery.step(seconds(4), beacon())
    again = battery.step(seconds(5), private.assign(97, 3))
    wanted = private.identity(private.IDENTITY, 3, b"starboard aft")

    assert set(wanted) <= set(told.sent)
    assert set(wanted) <= set(again.sent)


def test_a_name_is_put_together_from_its_parts_in_any_order() -> None:
    first, second = private.identity(private.IDENTITY, 0, b"port, forward")
    backwards = private.put_together(private.put_together(b"", second.data), first.data)

    assert backwards == b"port, forward\0"
    assert private.put_together(backwards, b"\x02nothing") == backwards
