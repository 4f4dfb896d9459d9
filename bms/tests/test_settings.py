"""Settings: which go together, what is put right, and what is loaded of damaged memory."""

import pytest

from bms.tests.bench import Bench

LAYOUT = {"layout": b"\x01\x26"}
TOGETHER = {
    "combined and SMA": (
        {"combined": b"\x01", "external_protocol": b"\x01"},
        {"combined": 1, "external_protocol": 0},
    ),
    "combined and MG registers": (
        {"combined": b"\x01", "external_protocol": b"\x04"},
        {"combined": 1, "external_protocol": 4},
    ),
    "two set points in one": (
        {
            "relay_function": b"\x05",
            "relay_current_on_a": b"\x00\x00",
            "relay_current_off_a": b"\x00\x00",
        },
        {"relay_function": 5, "relay_current_on_a": 1000, "relay_current_off_a": 500},
    ),
    "two set points in one, of another function": (
        {"relay_current_on_a": b"\x00\x00", "relay_current_off_a": b"\x00\x00"},
        {"relay_current_on_a": 0, "relay_current_off_a": 0},
    ),
    "12 times 9 batteries": (
        {"batteries_parallel": b"\x0c", "batteries_series": b"\x09"},
        {"batteries_parallel": 0, "batteries_series": 0},
    ),
    "12 times 8 batteries": (
        {"batteries_parallel": b"\x0c", "batteries_series": b"\x08"},
        {"batteries_parallel": 12, "batteries_series": 8},
    ),
}


@pytest.mark.parametrize(("stored", "loaded"), TOGETHER.values(), ids=TOGETHER)
def test_a_stored_combination_is_put_right_at_the_start(stored, loaded) -> None:
    memory = {f"setting.{name}": raw for name, raw in stored.items()}
    bench = Bench(registers=LAYOUT | memory)
    bench.run(0.2)
    settings = bench.master.view.settings

    assert {name: settings.stored[name] for name in loaded} == loaded
    again = Bench(registers=bench.registers)
    again.run(0.2)
    assert not again.trace[0].writes


@pytest.mark.parametrize(("release", "corrected"), [("1.34", 1), ("1.35", 0)])
def test_combined_switches_a_protocol_of_11_bits_off_from_1_35_on(release, corrected) -> None:
    bench = Bench(release)
    bench.run(1)
    bench.ask(b"\x2e\x01\x02\x01")
    bench.run(0.5)
    bench.ask(b"\x2e\x01\x2b\x01")
    bench.run(0.5)

    assert bench.master.view.settings.values["external_protocol"] == corrected
    assert bench.registers["setting.external_protocol"] == bytes((corrected,))


NAMES = {
    "never written": (None, ""),
    "blank": (b"\xff" * 64, ""),
    "all zero": (bytes(64), ""),
    "full": (b"x" * 64, "x" * 64),
    "longer than there is room": (b"x" * 70, "x" * 64),
    "with what was behind it": (b"Bow\0rn", "Bow"),
    "cut short": (b"House ba", "House ba"),
    "damaged": (b"Hou\x93e", ""),
    "with a line feed": (b"Hou\nse", ""),
}


@pytest.mark.parametrize(("raw", "name"), NAMES.values(), ids=NAMES)
def test_a_name_in_memory_is_loaded_if_it_can_be_read(raw, name) -> None:
    bench = Bench(registers={} if raw is None else {"device_name": raw})
    bench.step()

    assert bench.master.view.settings.texts["device_name"] == name


def test_before_1_33_a_name_was_loaded_as_it_was() -> None:
    bench = Bench("1.32", registers={"device_name": b"Hou\x93e"})
    bench.step()

    assert bench.master.view.settings.texts["device_name"] == "Hou\x93e"
