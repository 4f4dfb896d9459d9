"""Warnings: each after its time, of the batteries that it is of, in the releases that have it."""

from collections.abc import Callable

import pytest

from bms.codes import Error, Notice
from bms.data import battery_types
from bms.rooms.warnings import where_there_are_sensors
from bms.status import Battery, WarningStatus
from bms.tests.bench import Bench
from bms.wire import private


def running(firmware: str = "1.38", **how: object) -> Bench:
    bench = Bench(firmware, **how)  # type: ignore[arg-type]
    bench.start()
    bench.run(3.0)
    return bench


def warnings(bench: Bench) -> WarningStatus:
    return bench.master.view.warnings


def logged(bench: Bench) -> list[int]:
    return [number for number, _ in bench.master.view.events.log]


def spread(bench: Bench, voltage_v: float) -> None:
    bench.cells_v[0] = [voltage_v] * bench.cells
    bench.cells_v[0][2] = voltage_v + 0.11


@pytest.mark.parametrize(
    ("voltage_v", "warned"), [(3.25, True), (3.40, False), (3.00, False)], ids=str
)
def test_cells_apart_are_warned_of_away_from_full_and_empty(voltage_v: float, warned: bool) -> None:
    bench = running()
    spread(bench, voltage_v)
    bench.run(29.0)
    early = warnings(bench).cell_voltage_deviation
    bench.run(36.0)

    assert not early
    assert warnings(bench).cell_voltage_deviation is warned


def test_a_cell_that_tells_nothing_is_no_deviation() -> None:
    bench = running()
    bench.cells_v[0][2] = float("nan")
    bench.run(60.0)

    assert not warnings(bench).cell_voltage_deviation
    assert not warnings(bench).measurements_invalid


@pytest.mark.parametrize(
    ("firmware", "type_code", "warned"),
    [
        ("1.38", 2, True),
        ("1.37", 2, False),
        ("1.37", 4, True),
        ("1.17", 4, True),
        ("1.16", 4, False),
    ],
)
def test_temperature_deviation_is_of_the_families_of_a_release(
    firmware: str, type_code: int, warned: bool
) -> None:
    bench = running(firmware, type_code=type_code)
    bench.temperatures_c[0][1] = 36.0
    bench.run(35.0)

    assert warnings(bench).cell_temperature_deviation is warned
    assert (Notice.CELL_TEMPERATURE_DEVIATION in logged(bench)) is warned


BREAKS: dict[Notice, tuple[str, Callable[[Bench], None]]] = {
    Notice.CELL_VOLTAGE_DEVIATION: ("1.17", lambda b: spread(b, 3.25)),
    Notice.SYSTEM_VOLTAGE: ("1.23", lambda b: setattr(b, "battery_v", 30.0)),
    Notice.MEASUREMENTS_INVALID: ("1.23", lambda b: setattr(b, "battery_v", 20.0)),
    Notice.HOT_INSIDE: ("1.23", lambda b: setattr(b, "inside_c", 75.0)),
    Notice.BATTERY_CURRENT: ("1.23", lambda b: setattr(b, "current_a", 260.0)),
}


@pytest.mark.parametrize("notice", BREAKS, ids=str)
def test_an_event_is_logged_once_from_its_release_on(notice: Notice) -> None:
    release, breaks = BREAKS[notice]
    before = f"1.{int(release[2:]) - 1:02}"
    counts = {}
    for firmware in (before, release, "1.38"):
        bench = running(firmware)
        breaks(bench)
        bench.run(40.0)
        counts[firmware] = logged(bench).count(notice)

    assert counts == {before: 0, release: 1, "1.38": 1}


def test_what_stands_does_not_keep_the_rooms_awake() -> None:
    bench = running()
    spread(bench, 3.25)
    bench.run(40.0)

    assert warnings(bench).cell_voltage_deviation
    assert not dict(bench.master._control_rooms)["warnings"].waits()


def test_turning_the_system_off_ends_all_warnings() -> None:
    bench = running()
    spread(bench, 3.25)
    bench.run(40.0)
    bench.press()
    bench.run(15.0)

    assert warnings(bench) == WarningStatus()


@pytest.mark.parametrize(
    ("current_a", "status", "flag"),
    [(420.0, "charge_current", 13), (-420.0, "discharge_current", 14), (380.0, "", 13)],
)
def test_over_current_is_of_the_model_and_of_its_direction(
    current_a: float, status: str, flag: int
) -> None:
    bench = running()
    bench.current_a = current_a
    bench.run(6.0)

    told = {s for s in ("charge_current", "discharge_current") if getattr(warnings(bench), s)}
    assert told == ({status} if status else set())
    assert bool(bench.master.view.status_word.flags >> flag & 1) is bool(status)


def test_a_watchdog_restart_is_no_fail_safe() -> None:
    bench = Bench()
    bench.step()
    bench.master.view.inputs = bench.master.view.inputs._replace(reset_by_watchdog=True)
    room = dict(bench.master._control_rooms)["events"]
    status = room.step(bench.now_us, bench.master.view)

    assert Error.WATCHDOG in [number for number, _ in status.log]
    assert status.last_errors[0] == Error.WATCHDOG
    assert not bench.error


@pytest.mark.parametrize(("kind", "asks"), [("HE250", False), ("HE100", True)])
def test_only_who_has_a_sensor_can_miss_it(kind: str, asks: bool) -> None:
    type_of = next(t for t in battery_types().values() if t.name == kind)
    battery = Battery(
        node=0,
        serial=1,
        type=type_of,
        release=38,
        cell_voltages_v=(),
        cell_temperatures_c=(),
        terminals_c=(None, None),
        flags=private.STATUS_FAN,
    )

    assert where_there_are_sensors(battery) is asks
