"""A hub's bus on the test's clock: order, time, load, and who has to wait."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.can.frame import Frame
from rig.can.hub.tests.hub_bench import HubBench

# An extended frame of 8 bytes with its intermission has 131 bits, and 160 if all that can be
# stuffed is (ISO 11898-1).
BITS_MIN, BITS_MAX = 131, 160
MS = 1000


@pytest.fixture
def bench():
    return HubBench(("can0", 500_000), ("can1", 250_000))


def test_of_waiting_frames_the_lower_identifier_goes_first(bench):
    recorder = bench.join("recorder", "can0", read_only=True)
    clients = [bench.join(f"client{number}", "can0") for number in range(3)]

    bench.send(clients[0], 0x400)
    bench.run(100)
    bench.send(clients[0], 0x300)
    bench.send(clients[1], 0x200)
    bench.send(clients[2], 0x100)
    bench.run(100 * MS)

    assert bench.identifiers(recorder) == [0x400, 0x100, 0x200, 0x300]


def test_a_standard_frame_goes_before_an_extended_one_of_the_same_base(bench):
    recorder = bench.join("recorder", "can0", read_only=True)
    one, other = bench.join("one", "can0"), bench.join("other", "can0")

    bench.hub.send(one, 0, Frame(0x100 << 18, b""))
    bench.hub.send(other, 0, Frame(0x100, b"", extended=False))
    bench.run(100 * MS)

    assert [seen.extended for seen in bench.seen(recorder)] == [False, True]


def test_frames_of_one_identifier_keep_their_order(bench):
    recorder = bench.join("recorder", "can0", read_only=True)
    client = bench.join("client", "can0")

    for number in range(500):
        bench.send(client, 0x100, data=bytes([number & 0xFF, number >> 8]))
    bench.run(1000 * MS)

    numbers = [int.from_bytes(seen.data, "little") for seen in bench.seen(recorder)]
    assert numbers == list(range(500))


@pytest.mark.parametrize(("bus", "bitrate"), [("can0", 500_000), ("can1", 250_000)])
def test_a_frame_takes_its_bits_on_the_bus(bench, bus, bitrate):
    recorder = bench.join("recorder", bus, read_only=True)
    client = bench.join("client", bus)

    bench.send(client, *range(10))
    bench.run(100 * MS)

    ends = [seen.time_us for seen in bench.seen(recorder)]
    for before, after in pairwise(ends):
        assert BITS_MIN <= (after - before) * bitrate / 1e6 <= BITS_MAX


def test_a_bus_carries_no_more_than_it_can_however_late_the_hub_looks(bench):
    recorder = bench.join("recorder", "can0", read_only=True)
    client = bench.join("client", "can0")
    bench.send(client, *[0x100] * 6000)

    bench.run(1000 * MS)

    assert 500_000 / BITS_MAX - 1 <= len(bench.seen(recorder)) <= 500_000 / BITS_MIN + 1


def test_who_sends_too_much_has_to_wait_until_the_bus_has_carried_it(bench):
    client = bench.join("client", "can0")

    bench.send(client, *[0x100] * 1200)
    assert bench.hub.is_full(client)

    bench.run(1000 * MS)
    assert not bench.hub.is_full(client)
    assert bench.controller("can0", "client").sent == 1200


def test_all_buses_have_one_clock_and_what_happens_first_is_seen_first(bench):
    recorder = bench.join("recorder", "can0", "can1", read_only=True)
    client = bench.join("client", "can0", "can1")

    for bus in (0, 1):
        bench.send(client, *[0x100] * 20, bus=bus)
    bench.run(100 * MS)

    seen = bench.seen(recorder)
    assert len(seen) == 40
    assert [one.time_us for one in seen] == sorted(one.time_us for one in seen)
    # The first of the slower bus ends with the second of the faster one.
    assert [one.bus for one in seen[:3]] in ([0, 1, 0], [0, 0, 1])


def test_a_client_counts_its_buses_as_it_has_named_them(bench):
    recorder = bench.join("recorder", "can1", "can0", read_only=True)
    client = bench.join("client", "can0")

    bench.send(client, 0x100)
    bench.run(10 * MS)

    assert [seen.bus for seen in bench.seen(recorder)] == [1]


def test_times_begin_where_the_hub_began():
    bench = HubBench(("can0", 500_000), epoch_us=1_700_000_000_000_000)
    recorder, client = bench.join("recorder", "can0"), bench.join("client", "can0")

    bench.run(5 * MS)
    bench.send(client, 0x100)
    bench.run(5 * MS)

    (seen,) = bench.seen(recorder)
    since_us = seen.time_us - 1_700_000_000_005_000
    assert BITS_MIN - 3 <= since_us / 2 <= BITS_MAX - 3


def test_nobody_hears_his_own_frames_unless_he_wants_to(bench):
    deaf, echoed = bench.join("deaf", "can0"), bench.join("echoed", "can0", echo=True)

    bench.send(deaf, 1)
    bench.send(echoed, 2)
    bench.run(10 * MS)

    assert [(seen.identifier, seen.is_echo) for seen in bench.seen(deaf)] == [(2, False)]
    assert [(seen.identifier, seen.is_echo) for seen in bench.seen(echoed)] == [
        (1, False),
        (2, True),
    ]


@pytest.mark.parametrize(("share", "low", "high"), [(1.0, 99.0, 100.0), (0.5, 48.0, 52.0)])
def test_the_load_is_the_share_of_the_last_second_that_frames_took(bench, share, low, high):
    client = bench.join("client", "can0")
    frame_us = (BITS_MIN + 3) * 2

    for _ in range(2000 * MS // 10_720):
        bench.send(client, *[0x100] * round(40 * share))
        bench.run(40 * frame_us)

    assert low <= bench.bus("can0").load_pct <= high
    assert bench.bus("can1").load_pct == 0.0


def test_without_pacing_a_frame_takes_no_time_and_full_is_never():
    bench = HubBench(("can0", 10_000), paced=False)
    recorder = bench.join("recorder", "can0", read_only=True)
    client = bench.join("client", "can0")

    bench.run(7 * MS)
    bench.send(client, *[0x100] * 5000)

    assert {seen.time_us for seen in bench.seen(recorder)} == {7 * MS}
    assert len(bench.seen(recorder)) == 5000
    assert not bench.hub.is_full(client)
    assert bench.bus("can0").load_pct is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 900)),
        min_size=1,
        max_size=120,
    )
)
def test_nothing_is_lost_doubled_or_overlaps_and_each_identifier_keeps_its_order(sent):
    bench = HubBench(("can0", 500_000))
    recorder = bench.join("recorder", "can0", read_only=True)
    clients = [bench.join(f"client{number}", "can0") for number in range(3)]

    for number, (who, low, pause_us) in enumerate(sent):
        # No identifier is of two clients.
        bench.send(clients[who], low * 3 + who, data=number.to_bytes(8, "little"))
        bench.run(pause_us)
    bench.run(1000 * MS)

    seen = bench.seen(recorder)
    numbers = [int.from_bytes(one.data, "little") for one in seen]
    assert sorted(numbers) == list(range(len(sent)))
    for identifier in {one.identifier for one in seen}:
        own = [int.from_bytes(one.data, "little") for one in seen if one.identifier == identifier]
        assert own == sorted(own)
    for before, after in pairwise(one.time_us for one in seen):
        assert after - before >= BITS_MIN * 2
