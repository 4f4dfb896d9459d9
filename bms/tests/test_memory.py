"""What survives a power cycle, and what an update does to it."""

import struct

import pytest

from bms.firmware import Version
from bms.memory import Memory, migrate
from bms.tests.bench import Bench

V13, V14, V15, V20 = (Version(1, minor) for minor in (13, 14, 15, 20))
LAYOUT_OF_1_13, LAYOUT_OF_1_14 = b"\x01\x0d", b"\x01\x0e"


def adds(letter: bytes):
    def migration(registers: dict[str, bytes]) -> None:
        registers["story"] = registers.get("story", b"") + letter

    return migration


MIGRATIONS = {V20: adds(b"c"), V14: adds(b"a"), V15: adds(b"b")}


def test_migrations_run_in_the_order_of_their_layouts() -> None:
    assert migrate({"layout": LAYOUT_OF_1_13}, V20, MIGRATIONS)["story"] == b"abc"


def test_migrations_run_only_up_to_the_running_release() -> None:
    assert migrate({"layout": LAYOUT_OF_1_13}, V15, MIGRATIONS)["story"] == b"ab"


def test_migrations_run_only_from_the_layout_that_is_there() -> None:
    assert migrate({"layout": LAYOUT_OF_1_14}, V15, MIGRATIONS)["story"] == b"b"


def test_migrations_run_once() -> None:
    memory = Memory({"layout": LAYOUT_OF_1_13})
    memory.write(migrate(memory.registers, V20, MIGRATIONS))

    assert migrate(memory.registers, V20, MIGRATIONS) == {}


def test_no_migration_runs_on_a_blank_device() -> None:
    assert migrate({}, V20, MIGRATIONS) == {"layout": b"\x01\x14"}


def test_no_migration_runs_on_the_way_back_to_an_older_release() -> None:
    after = migrate({"layout": b"\x01\x14"}, V13, MIGRATIONS)

    assert after == {"layout": LAYOUT_OF_1_13}


def test_a_blank_device_has_no_layout() -> None:
    assert Memory().layout is None


def relay_function(running: str, registers: dict[str, bytes]) -> int:
    """Its code, as the tool reads it after a first boot."""
    bench = Bench(running, registers=registers)
    return bench.ask(b"\x22\x01\x03")[-1]


def test_the_update_to_1_14_selects_the_warning_over_a_stored_choice() -> None:
    stored = {"layout": LAYOUT_OF_1_13, "setting.relay_function": b"\x00"}

    assert relay_function("1.14", stored) == 1


def test_a_choice_made_with_1_14_survives_the_update_to_1_38() -> None:
    stored = {"layout": LAYOUT_OF_1_14, "setting.relay_function": b"\x00"}

    assert relay_function("1.38", stored) == 0


@pytest.mark.parametrize(("running", "function"), [("1.13", 0), ("1.14", 1), ("1.38", 1)])
def test_a_blank_device_has_the_default_of_its_release(running, function) -> None:
    assert relay_function(running, {}) == function


def test_a_setting_survives_a_power_cycle() -> None:
    before = Bench()
    before.ask(b"\x2e\x01\x01\x01")
    before.run(0.2)

    after = Bench(registers=before.registers)

    assert after.ask(b"\x22\x01\x01") == b"\x62\x01\x01\x01"


def test_the_state_of_charge_survives_a_power_cycle() -> None:
    before = Bench(registers={"soc": struct.pack("<d", 80.0)})
    before.start()
    before.current_a = -360.0
    before.run(70, 1_000_000)
    stored_pct = before.master.view.soc.soc_pct

    after = Bench(registers=before.registers)
    after.run(0.2)

    # 360 A take 1.3 % of 460 Ah in a minute, and a minute of counting may be lost.
    assert stored_pct < 79.0
    assert abs(after.master.view.soc.soc_pct - stored_pct) < 1.4


def test_the_state_of_charge_is_stored_at_the_stop() -> None:
    before = Bench(registers={"soc": struct.pack("<d", 80.0)})
    before.start()
    before.current_a = -360.0
    before.run(10)
    before.current_a = 0.0
    before.press()
    before.run(12)

    after = Bench(registers=before.registers)
    after.run(0.2)

    assert after.master.view.soc.soc_pct == before.master.view.soc.soc_pct < 80


def test_events_survive_a_power_cycle() -> None:
    before = Bench()
    before.start()
    before.silent = True
    before.run(32, 1_000_000)

    after = Bench(registers=before.registers)

    assert after.ask(b"\x19")[:2] == b"\x59\x27"  # event 39


def test_a_code_stored_for_sma_by_1_23_means_general_bms_in_1_24() -> None:
    stored = {"layout": b"\x01\x17", "setting.external_protocol": b"\x01"}
    answers = [
        Bench(running, registers=stored).ask(b"\x22\x02\x02") for running in ("1.23", "1.24")
    ]

    assert [b"1=SMA" in answers[0], b"1=General BMS" in answers[1]] == [True, True]
