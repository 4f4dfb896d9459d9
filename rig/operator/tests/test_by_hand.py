"""What a bench cannot do by itself, a technician is asked to do."""

from types import SimpleNamespace

import pytest

from rig.alone import bench_alone, in_virtual_time
from rig.dut.device import RealDevice
from rig.errors import NotOnThisBench
from rig.operator.asking import Answer, Ask, Nobody, Stated, Technician
from rig.session import Run


class Hand:
    """A technician who does everything, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def ask(self, asked):
        self.asked.append(asked.text)
        return Answer(choice="done", by="Jan", utc="2026-11-23T06:00:00Z")


def take_relay_away(bench, monkeypatch):
    """Have its device's supply without a relay, as in a lab whose file names none."""
    monkeypatch.setattr(bench._parts.device, "power_cycle", RealDevice(None, None).power_cycle)


@in_virtual_time
async def test_a_supply_without_a_relay_is_unplugged_by_hand(monkeypatch):
    async with bench_alone("1.38") as bench:
        take_relay_away(bench, monkeypatch)
        hand = Hand()
        bench.ask = Ask(hand)

        await bench.power_cycle()

    plea = "Please unplug the device's own supply for a second, and plug it again."
    assert hand.asked == [plea]


@in_virtual_time
async def test_without_a_relay_and_without_an_operator_a_power_cycle_is_not_run(monkeypatch):
    async with bench_alone("1.38") as bench:
        take_relay_away(bench, monkeypatch)
        bench.ask = Ask(Nobody("a night asks nobody"))

        with pytest.raises(NotOnThisBench, match="no operator: a night asks nobody: Please unplug"):
            await bench.power_cycle()


@in_virtual_time
async def test_a_bench_that_can_cut_the_supply_asks_nobody():
    async with bench_alone("1.38") as bench:
        await bench.power_cycle()


def operator_of(kind, *, questions=None, schedule=None):
    run = SimpleNamespace(
        bench=SimpleNamespace(kind=kind),
        questions=questions,
        schedule=schedule,
        attempt_number=lambda _item, _test: 2,
    )
    return Run.operator(run, "v1.08-04", "test_it", print)


def test_who_answers_is_a_technician_in_a_lab_by_day_only(tmp_path):
    assert isinstance(operator_of("lab", questions=tmp_path), Technician)
    assert isinstance(operator_of("lab", questions=tmp_path, schedule=object()), Nobody)
    assert isinstance(operator_of("lab"), Nobody)
    assert isinstance(operator_of("wire"), Stated)
    assert isinstance(operator_of("simulated", questions=tmp_path), Stated)
