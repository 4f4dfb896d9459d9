"""Registration: which batteries and which hardware a release takes, and in which shape."""

import pytest

from bms.data import battery_types, hardware
from bms.history.registration import one_type, only_the_total
from bms.io import Port
from bms.master import Master
from bms.releases import firmware
from bms.rooms.registration import equal_cells_of_rs, every_string
from bms.tests.bench import Bench
from bms.wire import private

NO_BATTERY, DIFFERENT_TYPES, MEASURE, SLAVE_FAILURE = 2, 4, 7, 23  # public: register 0x2101
LFP_230, LFP_280, HE100, RS176, RS132, RS230 = 2, 3, 4, 13, 14, 18


def started(release: str, *announced: tuple[int, int], apart_us: int = 200_000) -> Bench:
    """A bench whose batteries, (serial, type code) each, have announced themselves in turn."""
    bench = Bench(release)
    bench.press()
    for serial, type_code in announced:
        kind = battery_types().get(type_code)
        frame = private.announce(serial, type_code, 8 if kind is None else kind.cells, 38)
        bench.step((Port.PRIVATE, frame), tick_us=apart_us)
    bench.run(3.5)
    return bench


JOINED = {
    5: ("1.07", "1.08"),
    7: ("1.14", "1.15"),
    8: ("1.15", "1.16"),
    9: ("1.16", "1.17"),
    10: ("1.19", "1.20"),
    11: ("1.20", "1.21"),
    12: ("1.21", "1.22"),
    13: ("1.22", "1.23"),
    14: ("1.24", "1.25"),
    15: ("1.28", "1.29"),
    16: ("1.29", "1.30"),
    17: ("1.30", "1.31"),
    18: ("1.33", "1.34"),
    19: ("1.37", "1.38"),
}


@pytest.mark.parametrize(("type_code", "releases"), JOINED.items(), ids=map(str, JOINED))
def test_a_type_is_as_good_as_not_there_until_it_joins(type_code, releases) -> None:
    before, since = (started(release, (1001, type_code)) for release in releases)

    assert (before.error, before.out.contactor_coil) == (NO_BATTERY, False)
    assert since.master.view.registration.type is battery_types()[type_code]


def test_a_type_that_no_release_knows_is_not_there() -> None:
    assert started("1.38", (1001, 999)).error == NO_BATTERY


def test_an_unknown_battery_beside_a_known_one_is_of_another_type() -> None:
    assert started("1.37", (1001, LFP_230), (1002, 19)).error == DIFFERENT_TYPES


SERIALS = {
    "HQ1745 on 1.07": ("1.07", 17_459_999, 0),
    "HQ1746 on 1.07": ("1.07", 17_460_000, NO_BATTERY),
    "HQ1746 on 1.08": ("1.08", 17_460_000, 0),
}


@pytest.mark.parametrize(("release", "serial", "error"), SERIALS.values(), ids=SERIALS)
def test_1_07_takes_no_battery_from_week_46_of_2017_on(release, serial, error) -> None:
    assert started(release, (serial, LFP_230)).error == error


BOARDS = {
    "Lynx Ion BMS 400, hardware 2": ("1.20", "1.21", 0xA392),
    "Lynx Ion BMS 600, hardware 2": ("1.23", "1.24", 0xA393),
    "Lynx Ion BMS 1000, hardware 2": ("1.24", "1.25", 0xA394),
    "Lynx Ion BMS 1000 PC+": ("1.26", "1.27", 0xA395),
}


@pytest.mark.parametrize("model", BOARDS)
def test_hardware_is_generic_and_does_not_start_until_it_is_known(model) -> None:
    before, since, product_id = BOARDS[model]
    told = []
    for release in (before, since):
        bench = Bench(release)
        bench.master = Master(firmware(release), {}, hardware()[model], "HQ1845ABCDE")
        bench.start()
        told.append((bench.master.view.board.product_id, bench.error))

    assert told == [(0xA390, MEASURE), (product_id, 0)]


SHAPES = {
    "as found": (4, 2, (0, 0), (2, 2), (2, 2)),
    "as configured": (4, 2, (2, 2), (2, 2), (2, 2)),
    "one string lacks a battery": (3, 2, (0, 0), None, (1, 2)),
    "another shape of the same total": (4, 2, (4, 1), None, (2, 2)),
    "the wrong total": (4, 2, (3, 2), None, None),
    "only the strings are configured": (2, 1, (3, 0), None, (2, 1)),
    "only their length is configured": (2, 1, (0, 2), None, (2, 1)),
    "fewer than one string": (1, 2, (0, 0), None, (1, 2)),
}


@pytest.mark.parametrize(
    ("count", "series", "wanted", "now", "before"), SHAPES.values(), ids=SHAPES
)
def test_the_strings_are_checked_and_before_the_total_alone(
    count, series, wanted, now, before
) -> None:
    assert every_string(count, series, wanted) == now
    assert only_the_total(count, series, wanted) == before


MIXES = {
    "one type": ((LFP_230, LFP_230), LFP_230, LFP_230),
    "RS of equal cells": ((RS230, RS176), RS176, None),
    "RS of other cells": ((RS176, RS132), None, None),
    "LFP of other capacity": ((LFP_230, LFP_280), None, None),
    "two chemistries": ((LFP_230, HE100), None, None),
}


@pytest.mark.parametrize(("codes", "now", "before"), MIXES.values(), ids=MIXES)
def test_rs_batteries_of_equal_cells_count_as_the_smallest(codes, now, before) -> None:
    kinds = [battery_types()[code] for code in codes]

    assert equal_cells_of_rs(kinds) is (None if now is None else battery_types()[now])
    assert one_type(kinds) is (None if before is None else battery_types()[before])


MOMENTS = {
    "at one moment on 1.37": ("1.37", RS176, 600, SLAVE_FAILURE),
    "at one moment on 1.38": ("1.38", RS176, 600, 0),
    "apart on 1.37": ("1.37", RS176, 200_000, 0),
    "LFP at one moment on 1.37": ("1.37", LFP_230, 600, 0),
}


@pytest.mark.parametrize(("release", "code", "apart_us", "error"), MOMENTS.values(), ids=MOMENTS)
def test_rs_batteries_that_announce_at_one_moment_do_not_conflict_any_more(
    release, code, apart_us, error
) -> None:
    bench = started(release, (1001, code), (1098, code), apart_us=apart_us)

    assert bench.error == error


def test_a_battery_that_announces_itself_again_is_in_no_conflict_with_itself() -> None:
    assert started("1.37", (1001, RS176), (1001, RS176), apart_us=600).error == 0
