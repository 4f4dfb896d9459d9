"""The safety lock: what closes it, what does not open it, and what does."""

import struct

import pytest

from bms.codes import Error, State
from bms.tests.bench import Bench
from bms.wire import diagnostic

UNLOCK = b"\x2e\xf1\xb1"
REFUSED = b"\x7f\x2e\x35"
LOCKED = {"safety_lock": b"\x0d\x01\x00", "layout": b"\x01\x26"}  # for over-voltage, once


def maker(bench: Bench, count: int) -> bytes:
    """The maker's code, as the tool sends it."""
    return UNLOCK + struct.pack(">I", diagnostic.unlock_code(bench.master.view.serial, count))


def tripped(bench: Bench, *, cell_v: float | None = None, cell_c: float | None = None) -> Bench:
    """Run until a reading has ended in an error, and a second more."""
    bench.start()
    if cell_v is not None:
        bench.cell(cell_v)
    if cell_c is not None:
        bench.temperatures_c = {node: [cell_c] * 4 for node in (0, 1)}
    bench.run(60)
    return bench


FAR = {
    "LFP at 4.00 V": (2, 4.00, None, 40),
    "LFP at 3.99 V": (2, 3.99, None, 13),
    "LFP at 1.45 V": (2, 1.45, None, 40),
    "LFP at 1.46 V": (2, 1.46, None, 14),
    "NMC at 4.55 V": (4, 4.55, None, 40),
    "NMC at 4.54 V": (4, 4.54, None, 13),
    "80 degC": (2, None, 80.0, 40),
    "79.9 degC": (2, None, 79.9, 15),
}


@pytest.mark.parametrize(("type_code", "cell_v", "cell_c", "error"), FAR.values(), ids=FAR)
def test_a_reading_far_beyond_its_critical_level_locks(type_code, cell_v, cell_c, error) -> None:
    bench = tripped(Bench(type_code=type_code), cell_v=cell_v, cell_c=cell_c)

    assert bench.error == error
    assert ("safety_lock" in bench.registers) is (error == 40)


def test_before_1_32_the_lock_shows_as_what_closed_it() -> None:
    bench = tripped(Bench("1.31"), cell_v=4.1)
    bench.cell(3.3)
    bench.press()
    bench.run(10)

    assert (bench.error, bench.state) == (13, State.ERROR)


@pytest.mark.parametrize("raw", [b"\x0d\x01\x00", b"\xee\x01\x00", b"\x0d\xff\xff"], ids=bytes.hex)
def test_a_stored_lock_holds_a_master_that_is_switched_on(raw) -> None:
    bench = Bench(registers={**LOCKED, "safety_lock": raw})
    bench.run(2)
    bench.press()
    bench.run(2)

    assert (bench.error, bench.state) == (40, State.ERROR)
    assert not any(out.contactor_coil or out.precharge for out in bench.trace)


@pytest.mark.parametrize("raw", [b"", b"\x0d", b"\x0d\x01\x00\x00", b"\x00\x05\x00"], ids=bytes.hex)
def test_what_is_no_lock_holds_nobody(raw) -> None:
    bench = Bench(registers={**LOCKED, "safety_lock": raw})
    bench.start()

    assert bench.state is State.RUNNING


def test_the_makers_code_opens_it_once() -> None:
    bench = Bench(registers=LOCKED)
    bench.run(2)
    assert bench.ask(maker(bench, 1)) == b"\x6e\xf1\xb1"
    bench.run(2)

    assert (bench.error, bench.state) == (0, State.STANDBY)
    assert bench.registers["safety_lock"] == b"\x00\x01\x00"
    assert bench.ask(maker(bench, 1)) == REFUSED
    assert tripped(bench, cell_v=4.1).error == Error.SAFETY_LOCK
    assert bench.ask(maker(bench, 1)) == REFUSED
    assert bench.ask(maker(bench, 2)) == b"\x6e\xf1\xb1"


@pytest.mark.parametrize("code", [b"", b"\0", b"\0\0", b"\0\0\0\0", b"\xff\xff\xff\xff"])
def test_another_code_is_refused(code) -> None:
    bench = Bench(registers=LOCKED)
    bench.run(2)
    answer = bench.ask(UNLOCK + code)
    bench.run(2)

    assert answer[:2] == b"\x7f\x2e"
    assert bench.error == Error.SAFETY_LOCK


def test_a_lock_that_is_open_takes_no_code() -> None:
    bench = Bench()
    bench.run(2)

    assert bench.ask(maker(bench, 0)) == REFUSED


@pytest.mark.parametrize(("release", "error"), [("1.31", 26), ("1.32", 38), ("1.38", 38)])
def test_the_emergency_stop_opens_the_contactor_at_once(release, error) -> None:
    bench = Bench(release)
    bench.start()
    bench.emergency_stop = True
    bench.step()
    bench.step()

    assert (bench.out.contactor_coil, bench.error) == (False, error)


@pytest.mark.parametrize(("terminal_c", "error"), [(69.0, 0), (69.1, 41)])
def test_a_terminal_above_69_degrees_for_10_s_is_an_error(terminal_c, error) -> None:
    bench = Bench(type_code=4)
    bench.start()
    bench.terminal_c = terminal_c
    bench.run(9.8)
    before = bench.error
    bench.run(0.5)

    assert (before, bench.error) == (0, error)
