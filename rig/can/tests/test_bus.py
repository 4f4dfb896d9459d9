"""The simulated bus when all is well: order, time, load, who hears whom."""

from functools import partial

import pytest

from rig.can.frame import Frame

EIGHT_BYTES_US = 4 * (54 + 64 + 10 + 3)  # 118 bits and 3 stuffed of them, 10 bits of ends
GAP_US = 12


def frame(identifier: int, data: bytes = bytes(8), *, extended: bool = True) -> Frame:
    return Frame(identifier, data, extended)


def test_a_frame_arrives_after_its_bit_time(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")

    sender.send(frame(0x100))
    bench.run(1_000_000)

    assert bench.heard["b"] == [(EIGHT_BYTES_US, frame(0x100))]


def test_the_sender_does_not_hear_itself(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")

    sender.send(frame(0x100))
    bench.run(1_000_000)

    assert bench.heard["a"] == []


def test_frames_follow_each_other_after_the_intermission(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")

    sender.send(frame(0x100))
    sender.send(frame(0x101))
    bench.run(1_000_000)

    assert [time_us for time_us, _ in bench.heard["b"]] == [
        EIGHT_BYTES_US,
        2 * EIGHT_BYTES_US + GAP_US,
    ]


def test_a_frame_costs_one_event(bench, monkeypatch) -> None:
    sender, _ = bench.node("a"), bench.node("b")
    asked = []
    at = bench.kernel.at
    monkeypatch.setattr(bench.kernel, "at", lambda *what: asked.append(what) or at(*what))

    for identifier in range(10):
        sender.send(frame(identifier))
    bench.run(1_000_000)

    assert len(asked) == len(bench.seen) == 10


def test_the_lowest_identifier_goes_first_whoever_asked_first(bench) -> None:
    first, second = bench.node("a"), bench.node("b")

    first.send(frame(0x300))
    first.send(frame(0x200))
    second.send(frame(0x100))
    bench.run(1_000_000)

    assert bench.identifiers == [0x100, 0x200, 0x300]


def test_a_frame_under_way_is_not_pre_empted(bench) -> None:
    first, second = bench.node("a"), bench.node("b")

    first.send(frame(0x300))
    bench.kernel.at(1, lambda: second.send(frame(0x100)))
    bench.run(1_000_000)

    assert bench.identifiers == [0x300, 0x100]


def test_a_standard_frame_beats_an_extended_one_of_the_same_base(bench) -> None:
    first, second = bench.node("a"), bench.node("b")

    first.send(frame(0x100 << 18))
    second.send(frame(0x100, extended=False))
    bench.run(1_000_000)

    assert [each.extended for _, _, each in bench.seen] == [False, True]


def test_an_extended_frame_of_a_lower_base_beats_a_standard_one(bench) -> None:
    first, second = bench.node("a"), bench.node("b")

    first.send(frame(0x100, extended=False))
    second.send(frame((0x0FF << 18) | 0x3FFFF))
    bench.run(1_000_000)

    assert [each.extended for _, _, each in bench.seen] == [True, False]


def test_frames_of_one_identifier_keep_their_order(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")

    for number in (3, 1, 2):
        sender.send(frame(0x100, bytes([number])))
    bench.run(1_000_000)

    assert [each.data[0] for _, each in bench.heard["b"]] == [3, 1, 2]


def test_a_reply_from_within_a_receiver_is_sent(bench) -> None:
    sender = bench.node("a")
    replier = bench.bus.attach("b", lambda *_: replier.send(frame(0x50)))

    sender.send(frame(0x100))
    bench.run(1_000_000)

    assert bench.identifiers == [0x100, 0x50]


def test_load_is_the_share_of_the_window(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")
    for number in range(100):
        bench.kernel.at(number * 10_000, lambda: sender.send(frame(0x100)))

    bench.run(1_000_000)

    assert bench.bus.load_pct(1_000_000) == pytest.approx(5.36, abs=0.1)


def test_load_forgets_what_lies_before_the_window(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")
    sender.send(frame(0x100))

    bench.run(5_000_000)

    assert bench.bus.load_pct(1_000_000) == 0


def test_a_success_takes_one_off_both_counters(bench) -> None:
    sender, receiver = bench.node("a"), bench.node("b")

    sender.send(frame(0x100))
    bench.kernel.at(100, lambda: bench.bus.disturb(1))
    bench.run(1_000_000)

    assert (sender.tec, receiver.rec) == (7, 0)


def test_a_tap_acknowledges_nothing(bench) -> None:
    sender = bench.node("a")

    sender.send(frame(0x100))
    bench.run(1_000_000)

    assert bench.seen == []


def test_a_full_queue_refuses_the_newest(bench) -> None:
    sender = bench.node("a")

    taken = [sender.send(frame(0x100)) for _ in range(129)]

    assert taken == [True] * 128 + [False]


def test_a_detached_node_hears_nothing(bench) -> None:
    sender, other, _ = bench.node("a"), bench.node("b"), bench.node("c")

    other.detach()
    sender.send(frame(0x100))
    bench.run(1_000_000)

    assert (len(bench.heard["b"]), len(bench.heard["c"])) == (0, 1)


def test_a_sleeping_node_loses_its_queue(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")

    sender.send(frame(0x100))
    bench.kernel.at(100, sender.sleep)
    bench.kernel.at(200, sender.wake)
    bench.kernel.at(300, lambda: sender.send(frame(0x101)))
    bench.run(1_000_000)

    assert (bench.identifiers, sender.pending, sender.tec) == ([0x101], 0, 0)


def test_the_same_run_twice_gives_the_same_frames(bench, other_bench) -> None:
    for one in (bench, other_bench):
        nodes = [one.node(name) for name in "abc"]
        for step in range(200):
            send = partial(nodes[step % 3].send, frame(0x100 + step * 7919 % 64, bytes([step])))
            one.kernel.at(step * 311, send)
        one.kernel.at(20_000, partial(one.bus.disturb, 3_000))
        one.run(1_000_000)

    assert bench.seen == other_bench.seen
    assert len(bench.seen) == 200


def test_a_frame_asked_for_in_the_intermission_waits_for_its_end(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")

    sender.send(frame(0x100))
    bench.kernel.at(EIGHT_BYTES_US + 1, lambda: sender.send(frame(0x101)))
    bench.run(1_000_000)

    assert bench.heard["b"][1][0] == 2 * EIGHT_BYTES_US + GAP_US


def test_load_counts_only_the_slots_of_the_window(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")
    for number in range(10):
        bench.kernel.at(number * 1_000, lambda: sender.send(frame(0x100)))
    bench.kernel.at(1_500_000, lambda: sender.send(frame(0x100)))

    bench.run(2_000_000)

    assert bench.bus.load_pct(1_000_000) == pytest.approx(0.0536, abs=0.001)


def test_a_node_that_falls_asleep_in_this_instant_misses_its_frame(bench) -> None:
    sender = bench.node("a")
    bench.bus.attach("b", lambda *_: last.sleep())
    last = bench.node("c")

    sender.send(frame(0x100))
    bench.run(1_000_000)

    assert bench.heard["c"] == []
