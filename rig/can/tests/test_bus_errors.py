"""The simulated bus when something is wrong: glitches, loneliness, foreign rates, collisions."""

import pytest

from rig.can.frame import Frame
from rig.can.node import ControllerState

EIGHT_BYTES_US = 4 * (54 + 64 + 10 + 3)  # 118 bits and 3 stuffed of them, 10 bits of ends


def frame(identifier: int, data: bytes = bytes(8)) -> Frame:
    return Frame(identifier, data)


def test_a_glitch_destroys_the_frame_under_way(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")

    sender.send(frame(0x100))
    bench.kernel.at(100, lambda: bench.bus.disturb(1))
    bench.run(EIGHT_BYTES_US)

    assert (bench.heard["b"], bench.errors) == ([], [(EIGHT_BYTES_US, "disturbed: a")])


def test_a_destroyed_frame_is_sent_again(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")

    sender.send(frame(0x100))
    bench.kernel.at(100, lambda: bench.bus.disturb(1))
    bench.run(1_000_000)

    assert (len(bench.heard["b"]), sender.pending) == (1, 0)


def test_an_error_costs_the_sender_8_and_the_receiver_1(bench) -> None:
    sender, receiver = bench.node("a"), bench.node("b")

    sender.send(frame(0x100))
    bench.kernel.at(100, lambda: bench.bus.disturb(1))
    bench.run(EIGHT_BYTES_US)

    assert (sender.tec, receiver.rec) == (8, 1)


def test_lasting_glitches_lead_over_error_passive_to_bus_off(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")
    states: list[ControllerState] = []
    sender.on_state = states.append

    bench.bus.disturb(1_000_000)
    sender.send(frame(0x100))
    bench.run(1_000_000)

    assert states == [ControllerState.ERROR_PASSIVE, ControllerState.BUS_OFF]
    assert bench.bus.errors_total == 32


def test_a_node_in_bus_off_refuses_frames(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")
    bench.bus.disturb(1_000_000)
    sender.send(frame(0x100))
    bench.run(1_000_000)

    assert not sender.send(frame(0x101))


def test_recovery_takes_128_times_11_bits_and_drops_what_was_pending(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")
    bench.bus.disturb(1_000_000)
    sender.send(frame(0x100))
    bench.run(1_000_000)
    states: list[tuple[int, ControllerState]] = []
    sender.on_state = lambda state: states.append((bench.kernel.now_us, state))

    sender.recover()
    bench.run(2_000_000)

    assert states == [(1_000_000 + 128 * 11 * 4, ControllerState.ERROR_ACTIVE)]
    assert (bench.seen, sender.pending, sender.tec) == ([], 0, 0)


def test_a_recovered_node_sends_again(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")
    bench.bus.disturb(100_000)
    sender.on_state = lambda state: (
        sender.recover() if state is ControllerState.BUS_OFF else sender.send(frame(0x101))
    )
    sender.send(frame(0x100))

    bench.run(1_000_000)

    assert 0x101 in bench.identifiers


def test_who_is_alone_becomes_error_passive_and_not_bus_off(bench) -> None:
    sender = bench.node("a")

    sender.send(frame(0x100))
    bench.run(60_000_000)

    assert (sender.state, sender.tec, sender.pending) == (ControllerState.ERROR_PASSIVE, 128, 1)


def test_who_is_alone_makes_no_storm_of_events(bench) -> None:
    sender = bench.node("a")

    sender.send(frame(0x100))
    bench.run(60_000_000)

    assert [text for _, text in bench.errors] == ["no acknowledge: a"]


@pytest.mark.parametrize("how", ["attach", "wake", "reattach"])
def test_a_lonely_frame_goes_out_when_somebody_comes(bench, how: str) -> None:
    sender = bench.node("a")
    if how != "attach":
        other = bench.node("b")
        other.sleep() if how == "wake" else other.detach()
    sender.send(frame(0x100))
    bench.run(1_000_000)

    bench.node("b") if how == "attach" else getattr(other, how)()
    bench.run(2_000_000)

    assert bench.heard["b"] == [(1_000_000 + EIGHT_BYTES_US, frame(0x100))]
    assert sender.state is ControllerState.ERROR_ACTIVE


def test_a_frame_breaks_off_when_its_sender_is_detached(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")

    sender.send(frame(0x100))
    bench.kernel.at(100, sender.detach)
    bench.run(1_000_000)

    assert (bench.seen, sender.pending) == ([], 1)


def test_a_foreign_bit_rate_destroys_a_frame_under_way(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")
    foreign = bench.node("c", 500_000)

    sender.send(frame(0x100))
    bench.kernel.at(100, lambda: foreign.send(frame(0x200)))
    bench.run(EIGHT_BYTES_US)

    assert bench.errors == [(EIGHT_BYTES_US, "bit rate: a")]


def test_a_foreign_bit_rate_ends_in_bus_off_and_the_others_go_on(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")
    foreign = bench.node("c", 500_000)

    foreign.send(frame(0x200))
    bench.kernel.at(100, lambda: sender.send(frame(0x300)))
    bench.run(1_000_000)

    assert (foreign.state, bench.identifiers) == (ControllerState.BUS_OFF, [0x300])


def test_a_foreign_bit_rate_hears_nothing(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")
    bench.node("c", 500_000)

    sender.send(frame(0x100))
    bench.run(1_000_000)

    assert (bench.heard["c"], len(bench.heard["b"])) == ([], 1)


def test_a_lone_foreign_bit_rate_stays_pending(bench) -> None:
    foreign = bench.node("c", 500_000)

    foreign.send(frame(0x200))
    bench.run(1_000_000)

    assert (foreign.state, foreign.pending) == (ControllerState.ERROR_PASSIVE, 1)


def test_a_corrected_bit_rate_is_heard(bench) -> None:
    foreign, _ = bench.node("a", 500_000), bench.node("b", 125_000)
    foreign.send(frame(0x200))
    bench.run(1_000_000)

    foreign.bitrate = 125_000
    bench.run(2_000_000)

    assert len(bench.heard["b"]) == 1


def test_the_same_frame_from_two_nodes_is_one_frame(bench) -> None:
    first, second, _ = bench.node("a"), bench.node("b"), bench.node("c")

    first.send(frame(0x100))
    second.send(frame(0x100))
    bench.run(1_000_000)

    assert (len(bench.heard["c"]), first.pending, second.pending) == (1, 0, 0)


def test_one_identifier_with_two_data_collides_until_the_higher_gives_way(bench) -> None:
    first, second, _ = bench.node("a"), bench.node("b"), bench.node("c")

    first.send(frame(0x100, b"\x02"))
    second.send(frame(0x100, b"\x01"))
    bench.run(1_000_000)

    assert [each.data for _, each in bench.heard["c"]] == [b"\x01", b"\x02"]
    assert [text for _, text in bench.errors] == ["collision: b, a"] * 16


def test_a_destroyed_frame_comes_after_an_error_frame_of_23_bits(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")

    sender.send(frame(0x100))
    bench.bus.disturb(1)
    bench.run(1_000_000)

    assert bench.heard["b"][0][0] == 2 * EIGHT_BYTES_US + 23 * 4


def test_the_shorter_of_two_colliding_frames_wins(bench) -> None:
    first, second, _ = bench.node("a"), bench.node("b"), bench.node("c")

    first.send(frame(0x100, b"\x00\x00"))
    second.send(frame(0x100, b"\x01"))
    bench.run(1_000_000)

    assert [each.data for _, each in bench.heard["c"]] == [b"\x01", b"\x00\x00"]


def test_recovery_begins_when_the_wire_is_quiet(bench) -> None:
    sender, _ = bench.node("a"), bench.node("b")
    states: list[int] = []
    bench.bus.disturb(1_000_000)
    sender.send(frame(0x100))
    bench.run(500_000)
    sender.on_state = lambda _: states.append(bench.kernel.now_us)

    sender.recover()
    sender.recover()
    bench.run(2_000_000)

    assert states == [1_000_000 + 128 * 11 * 4]


def test_a_passive_receiver_is_active_again_after_one_good_frame(bench) -> None:
    _, receiver = bench.node("a"), bench.node("b")
    senders = [bench.node(f"sender {number}") for number in range(5)]
    bench.bus.disturb(1_000_000)
    for number, each in enumerate(senders):
        each.send(frame(0x100 + number))
    bench.run(1_000_000)
    assert receiver.state is ControllerState.ERROR_PASSIVE
    assert receiver.rec == 160

    bench.bus.attach("last", None).send(frame(0x200))
    bench.run(2_000_000)

    assert (receiver.state, receiver.rec) == (ControllerState.ERROR_ACTIVE, 127)


def test_who_falls_asleep_while_alone_wakes_error_active(bench) -> None:
    sender = bench.node("a")

    sender.send(frame(0x100))
    bench.kernel.at(100, sender.sleep)
    bench.run(1_000_000)

    assert (bench.bus.errors_total, sender.tec) == (0, 0)


def test_who_is_heard_in_time_makes_no_error(bench) -> None:
    sender = bench.node("a")

    sender.send(frame(0x100))
    bench.kernel.at(100, lambda: bench.node("b"))
    bench.run(1_000_000)

    assert (bench.errors, len(bench.heard["b"])) == ([], 1)
