"""The rooms rest while nothing moves, and nothing is missed because of it."""

from collections.abc import Callable
from typing import Any

import pytest

from bms.codes import State
from bms.firmware import Room
from bms.tests.bench import Bench
from bms.timing import ChainedLevel, Held

LOOK_US = 100_000


class Counting:
    """A bench whose control steps are counted."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.bench.start()
        self.bench.current_a = 20.0
        self.bench.run(3.0, tick_us=LOOK_US)
        self.steps = 0
        room: Any = dict(self.bench.master._control_rooms)["protection"]
        step: Callable[..., Any] = room.step

        def counted(now_us: int, view: Any) -> Any:
            self.steps += 1
            return step(now_us, view)

        room.step = counted

    def steps_in(self, seconds: float) -> int:
        self.steps = 0
        self.bench.run(seconds, tick_us=LOOK_US)
        return self.steps


def test_rooms_step_once_a_second_while_nothing_moves():
    rig = Counting()

    assert 9 <= rig.steps_in(10.0) <= 11


def test_rooms_step_ten_times_a_second_while_the_current_moves():
    rig = Counting()

    for _ in range(10):
        rig.bench.current_a += 1.0
        assert rig.steps_in(0.1) == 1


@pytest.mark.parametrize(
    "disturb",
    [
        pytest.param(lambda b: setattr(b, "current_a", 21.0), id="current"),
        pytest.param(lambda b: setattr(b, "battery_v", b.battery_v + 0.1), id="voltage"),
        pytest.param(lambda b: b.cells_v[1].__setitem__(3, 3.4), id="one cell"),
        pytest.param(lambda b: b.temperatures_c[0].__setitem__(2, 27.0), id="one temperature"),
        pytest.param(lambda b: setattr(b, "pressed", True), id="button"),
    ],
)
def test_what_moves_ends_the_rest_at_the_next_look(disturb):
    rig = Counting()
    rig.steps_in(0.5)

    disturb(rig.bench)

    assert rig.steps_in(0.1) == 1


def test_silent_batteries_end_the_rest_before_they_are_missed():
    rig = Counting()
    rig.steps_in(1.0)

    rig.bench.silent = True
    rig.bench.run(1.5, tick_us=LOOK_US)  # in quiet a battery repeats itself every 0.9 s

    assert rig.steps_in(1.0) >= 9


def test_a_level_on_its_way_keeps_the_rooms_awake():
    rig = Counting()

    rig.bench.cells_v[0][0] = 3.70
    rig.bench.run(0.3, tick_us=LOOK_US)

    assert rig.steps_in(1.0) == 10


def test_charge_is_counted_to_the_same_amount_with_and_without_rest():
    resting, restless = Counting().bench, Counting().bench
    room: Any = dict(restless.master._control_rooms)["fans"]
    room.waits = lambda: True
    before = resting.master.view.soc.charged_ah, restless.master.view.soc.charged_ah

    resting.run(60.0, tick_us=LOOK_US)
    restless.run(60.0, tick_us=LOOK_US)

    moved = resting.master.view.soc.charged_ah - before[0]
    expected = restless.master.view.soc.charged_ah - before[1]
    assert moved == pytest.approx(expected, abs=20.0 / 3600)  # a second of 20 A
    assert moved == pytest.approx(20.0 * 60 / 3600, abs=20.0 / 3600)


def test_every_room_with_a_timer_says_when_it_waits():
    bench = Bench()
    bench.start()
    assert bench.state is State.RUNNING

    def timed(room: Any) -> bool:
        parts = list(vars(room).values())
        parts += [part for value in parts if isinstance(value, tuple | list) for part in value]
        return any(isinstance(part, Held | ChainedLevel) for part in parts)

    rooms = [room for _, room in bench.master._control_rooms if timed(room)]

    assert len(rooms) >= 2
    for room in rooms:
        assert type(room).waits is not Room.waits, f"{type(room).__name__} runs a timer"
