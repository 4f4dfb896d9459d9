"""The Powerfinn charger on the external bus: one command at a time, and a watchdog."""

from typing import Any

import pytest

from rig.can.bus import Bus
from rig.can.frame import Frame, parse_frame
from rig.can.powerfinn import Powerfinn
from rig.kernel import Kernel, milliseconds, seconds
from rig.signal import Signal

VOLTAGE, CURRENT, RUN, STOP = (
    parse_frame(f"650#{data}")
    for data in ("2B012001F70A0000", "2B012002E8030000", "2F01200301000000", "2F01200300000000")
)


class Stand:
    """A charger, somebody who commands it, and what it answers."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        bus = Bus(self.kernel, "external", 500_000)
        self.answers: list[Frame] = []
        self.master = bus.attach("master", lambda _time_us, frame: self.answers.append(frame))

        def make(name: str, unit: str) -> Signal[Any]:
            return Signal(name, unit, kernel=self.kernel)

        self.charger = Powerfinn(self.kernel, bus, make)

    def told(self, *frames: Frame, for_us: int = milliseconds(20)) -> None:
        for frame in frames:
            self.master.send(frame)
        self.kernel.run(self.kernel.now_us + for_us, lambda: False)

    @property
    def state(self) -> tuple[float, float, bool]:
        charger = self.charger
        signals = charger.voltage_limit, charger.current_limit, charger.runs
        return tuple(each.latest.value for each in signals if each.latest)  # type: ignore[return-value]


@pytest.fixture
def stand() -> Stand:
    return Stand()


def test_commands_one_after_the_other_are_taken(stand: Stand) -> None:
    for command in (VOLTAGE, CURRENT, RUN):
        stand.told(command)

    assert stand.state == (28.07, 100.0, True)
    assert [frame.data[0] for frame in stand.answers] == [0x60, 0x60, 0x60]


def test_of_commands_at_once_the_first_is_taken(stand: Stand) -> None:
    stand.told(VOLTAGE, CURRENT, RUN)

    assert stand.state == (28.07, 0.0, False)
    assert len(stand.answers) == 1


def test_an_unknown_object_is_refused(stand: Stand) -> None:
    stand.told(parse_frame("650#2B01200900000000"))

    assert [str(frame) for frame in stand.answers] == ["5D0#8001200900000206"]


def test_it_stops_when_it_is_told_to(stand: Stand) -> None:
    stand.told(RUN)
    stand.told(STOP)

    assert stand.state[2] is False


def test_commanded_by_nobody_it_stops_after_3_s(stand: Stand) -> None:
    stand.told(RUN, for_us=seconds(2.9))
    assert stand.state[2] is True

    stand.told(for_us=seconds(0.2))
    assert stand.state[2] is False


def test_any_command_keeps_it_running(stand: Stand) -> None:
    stand.told(RUN, for_us=seconds(2))
    stand.told(CURRENT, for_us=seconds(2))

    assert stand.state[2] is True


@pytest.mark.parametrize(
    "text", ["650#2B012001", "651#2B012001F70A0000", "00000650#2B012001F70A0000"]
)
def test_what_is_no_command_is_nothing(stand: Stand, text: str) -> None:
    stand.told(parse_frame(text))

    assert stand.answers == []
