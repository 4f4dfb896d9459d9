"""What a bench cannot do by itself, a technician is asked to do."""

from types import SimpleNamespace

import pytest

from rig.alone import bench_alone, in_virtual_time
from rig.can.encode import iso_request
from rig.can.frame import Frame
from rig.dut.device import RealDevice
from rig.errors import NotOnThisBench
from rig.kernel import seconds
from rig.operator.asking import Answer, Ask, Nobody, Stated, Technician
from rig.operator.unplugging import RestartWatch
from rig.session import Run


class Hand:
    """A technician who does this, says that all is done, and remembers what was asked."""

    def __init__(self, do=None) -> None:
        self.asked: list[str] = []
        self._do = do

    async def ask(self, asked):
        self.asked.append(asked.text)
        if self._do is not None:
            await self._do()
        return Answer(choice="done", by="Jan", utc="2026-11-23T06:00:00Z")


def take_relay_away(bench, monkeypatch):
    """Have its device's supply without a relay, as in a lab whose file names none."""
    monkeypatch.setattr(bench._parts.device, "power_cycle", RealDevice(None, None).power_cycle)


def unplugging(bench):
    """What cuts its device's supply, while that has one."""
    cut = bench._parts.device.power_cycle

    async def do() -> None:
        await bench.wait(seconds(3))  # it is some steps to the plug, and back to the keys
        await cut()
        await bench.wait(seconds(4))

    return do


@in_virtual_time
async def test_a_supply_without_a_relay_is_unplugged_by_hand(monkeypatch):
    async with bench_alone("1.38") as bench:
        hand = Hand(unplugging(bench))
        take_relay_away(bench, monkeypatch)
        bench.ask = Ask(hand)

        await bench.power_cycle()

    plea = "Please unplug the device's own supply for a second, and plug it again."
    assert hand.asked == [plea]


@in_virtual_time
async def test_done_by_somebody_who_did_not_unplug_the_supply_is_not_run(monkeypatch):
    async with bench_alone("1.38") as bench:
        take_relay_away(bench, monkeypatch)
        bench.ask = Ask(Hand())

        with pytest.raises(NotOnThisBench, match="the device did not restart"):
            await bench.power_cycle()


@in_virtual_time
async def test_a_claim_that_somebody_asked_for_is_no_restart(monkeypatch):
    async with bench_alone("1.38") as bench:
        take_relay_away(bench, monkeypatch)

        await bench.wait(seconds(1))
        source = bench.gx.device_address
        claims = bench.ve_can.count(lambda frame: frame.identifier == 0x18EEFF00 + source)

        async def ask_who_is_there() -> None:
            await bench.wait(seconds(10))
            bench.ve_can.send(iso_request(0x33, 255, 60928))
            await bench.wait(seconds(1))

        bench.ask = Ask(Hand(ask_who_is_there))

        with pytest.raises(NotOnThisBench, match="the device did not restart"):
            await bench.power_cycle()
        assert claims.latest.value == 1


CLAIM = Frame(0x18EEFF50, bytes.fromhex("0100C0B200AA4680"))  # number 1, function 170
OTHERS_CLAIM = Frame(0x18EEFF51, bytes.fromhex("0200C0B200AA4680"))
STATUS = Frame(0x19F21450, bytes(8))
REQUEST = iso_request(0x33, 255, 60928)


@pytest.mark.parametrize(
    ("heard", "restarted_us"),
    [
        pytest.param([(2_000_000, CLAIM)], 2_000_000, id="a claim after a silence"),
        pytest.param([(1_600_000, STATUS), (2_000_000, CLAIM)], None, id="no silence before it"),
        pytest.param([(1_900_000, REQUEST), (2_000_000, CLAIM)], None, id="it was asked for"),
        pytest.param([(2_000_000, OTHERS_CLAIM)], None, id="another battery's"),
        pytest.param([(2_000_000, Frame(0x18EEFF50, b"\x01"))], None, id="no whole NAME"),
        pytest.param([(9_000_000, STATUS)], None, id="a silence without a claim"),
    ],
)
def test_a_restart_is_an_unasked_claim_of_the_device_after_a_silence(heard, restarted_us):
    gx = SimpleNamespace(device_address=0x50, device_name=CLAIM.data)
    watch = RestartWatch(gx, now_us=1_000_000)

    for time_us, frame in heard:
        watch.hear(time_us, frame)

    assert watch.restarted_us == restarted_us


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
