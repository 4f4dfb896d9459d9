"""The external port, and MG's registers: what is told when, and what an answer is good for."""

import pytest

from bms.io import Frame, Port
from bms.rooms.external_can import WITHOUT_A_PAIR, ExternalCan
from bms.status import View, WarningStatus
from bms.tests.bench import Bench

SMA, VISEDO, MG = b"\x02", b"\x03", b"\x04"


def running(protocol: bytes, release: str = "1.38") -> Bench:
    bench = Bench(release, registers={"setting.external_protocol": protocol})
    bench.start()
    return bench


def sent(
    bench: Bench, port: Port, *frames: tuple[Port, Frame], tick_us: int = 100_000
) -> list[Frame]:
    return [frame for to, frame in bench.step(*frames, tick_us=tick_us).sent if to is port]


def written(frames: list[Frame]) -> list[int]:
    """The subindices of the Powerfinn's objects that are written."""
    return [frame.data[3] for frame in frames if frame.identifier == 0x650]


def answer(subindex: int, command: int = 0x60) -> tuple[Port, Frame]:
    data = bytes((command, 0x01, 0x20, subindex, 0, 0, 0, 0))
    return Port.EXTERNAL, Frame(0x5D0, data, extended=False)


@pytest.fixture
def commanding() -> Bench:
    """A master that has just written the first object."""
    bench = running(VISEDO)
    for _ in range(20):
        if written(sent(bench, Port.EXTERNAL)) == [1]:
            return bench
    raise AssertionError("it commands nothing")


def test_the_next_object_is_written_after_the_answer(commanding) -> None:
    assert written(sent(commanding, Port.EXTERNAL, answer(1))) == [2]
    assert written(sent(commanding, Port.EXTERNAL, answer(2))) == [3]
    assert written(sent(commanding, Port.EXTERNAL, answer(3))) == []


def test_a_refusal_is_an_answer(commanding) -> None:
    assert written(sent(commanding, Port.EXTERNAL, answer(1, command=0x80))) == [2]


STRAYS = {
    "of another object": answer(3),
    "of another kind": answer(1, command=0x43),
    "cut short": (Port.EXTERNAL, Frame(0x5D0, b"\x60\x01\x20", extended=False)),
    "29 bit": (Port.EXTERNAL, Frame(0x5D0, bytes((0x60, 1, 0x20, 1, 0, 0, 0, 0)))),
    "on VE.Can": (Port.VE_CAN, answer(1)[1]),
}


@pytest.mark.parametrize("stray", STRAYS.values(), ids=STRAYS)
def test_what_is_no_answer_is_none(commanding, stray) -> None:
    assert written(sent(commanding, Port.EXTERNAL, stray)) == []


def test_without_an_answer_it_begins_anew_every_500_ms(commanding) -> None:
    begun = [written(sent(commanding, Port.EXTERNAL)) for _ in range(10)]

    assert [each for each in begun if each] == [[1], [1]]


def test_before_1_26_all_is_written_at_once() -> None:
    bench = running(VISEDO, "1.25")

    begun = [written(sent(bench, Port.EXTERNAL)) for _ in range(10)]

    assert [each for each in begun if each] == [[1, 2, 3], [1, 2, 3]]


def test_while_it_is_off_nothing_is_commanded() -> None:
    bench = Bench(registers={"setting.external_protocol": VISEDO})
    bench.run(5)

    assert not any(port is Port.EXTERNAL for out in bench.trace for port, _ in out.sent)


def registers(bench: Bench, seconds: float) -> dict[int, int]:
    """How often each of MG's registers was told in this time."""
    counts: dict[int, int] = {}
    for _ in range(round(seconds * 10)):
        for frame in sent(bench, Port.VE_CAN):
            if frame.data[:2] == b"\x88\x9c":
                register = int.from_bytes(frame.data[2:4], "little")
                counts[register] = counts.get(register, 0) + 1
    return counts


def test_values_are_told_every_250_ms_and_statuses_every_second() -> None:
    bench = running(MG)
    bench.run(3)

    counts = registers(bench, 10)

    assert 39 <= counts[0xED8D] <= 41
    assert 9 <= counts[0x0371] <= 11


def test_before_1_36_statuses_are_told_every_250_ms() -> None:
    bench = running(MG, "1.35")
    bench.run(3)

    assert 39 <= registers(bench, 10)[0x0371] <= 41


def test_before_1_26_the_protocol_is_none() -> None:
    bench = running(MG, "1.25")

    assert registers(bench, 3) == {}


def test_without_an_address_no_register_is_told() -> None:
    bench = running(MG)
    bench.run(2)
    for taken in range(252):
        sent(bench, Port.VE_CAN, (Port.VE_CAN, Frame(0x18EEFF00 | taken, bytes(8))), tick_us=1_000)

    assert registers(bench, 2) == {}


def warned(view: View, warnings: WarningStatus, release: str = "1.38") -> bytes:
    view.warnings = warnings
    room = ExternalCan(Bench(release).firmware)
    (alarms,) = (f for f in room.step(0, view).sent if f.identifier == 0x35A)
    return alarms.data[4:]


@pytest.fixture
def view() -> View:
    bench = running(SMA)
    bench.run(1)
    return bench.master.view


@pytest.mark.parametrize("name", WITHOUT_A_PAIR)
def test_each_warning_without_a_pair_raises_the_general_one(view, name) -> None:
    assert warned(view, WarningStatus(**{name: True})) == bytes.fromhex("A9 AA AA AA")


@pytest.mark.parametrize("name", WITHOUT_A_PAIR)
def test_before_1_34_none_of_them_does(view, name) -> None:
    assert warned(view, WarningStatus(**{name: True}), "1.33") == bytes.fromhex("AA AA AA AA")


PAIRS = {
    "charge_current": "AA AA A9 AA",
    "discharge_current": "AA 6A AA AA",
    "cell_voltage_deviation": "AA AA AA A9",
}


@pytest.mark.parametrize(("name", "raw"), PAIRS.items(), ids=PAIRS)
def test_a_warning_with_a_pair_raises_that(view, name, raw) -> None:
    assert warned(view, WarningStatus(**{name: True})) == bytes.fromhex(raw)


@pytest.mark.parametrize(
    ("current_a", "raw"), [(500.0, "AA AA A9 AA"), (-500.0, "AA 6A AA AA")], ids=["in", "out"]
)
def test_too_much_current_of_the_batteries_raises_its_direction(view, current_a, raw) -> None:
    view.inputs = view.inputs._replace(current_a=current_a)

    assert warned(view, WarningStatus(battery_current=True)) == bytes.fromhex(raw)


def test_every_warning_is_told_by_some_pair(view) -> None:
    for name in WarningStatus.__dataclass_fields__:
        assert warned(view, WarningStatus(**{name: True})) != bytes.fromhex("AA AA AA AA")


def test_a_protective_opening_is_announced_while_the_contactor_is_closed() -> None:
    bench = running(SMA)
    bench.run(1)
    bench.cell(3.70)
    bits = set()
    for _ in range(650):
        closed = bench.out.contactor_coil
        for frame in sent(bench, Port.EXTERNAL):
            if frame.identifier == 0x35B:
                bits.add((bool(bench.error), closed and bench.out.contactor_coil, frame.data[0]))

    assert (False, True, 0x00) in bits
    assert (True, True, 0x10) in bits
    assert (True, True, 0x00) not in bits
    assert (True, False, 0x10) not in bits


def test_a_stop_by_the_button_is_no_preventive_shutdown() -> None:
    bench = running(SMA)
    bench.press()
    told = set()
    for _ in range(50):
        told |= {f.data[0] for f in sent(bench, Port.EXTERNAL) if f.identifier == 0x35B}

    assert told == {0}
