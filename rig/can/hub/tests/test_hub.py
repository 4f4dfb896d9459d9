"""Members of the hub: rights, errors, cables, names, and how they leave."""

import pytest

from rig.can.frame import Frame
from rig.can.hub.hub import ReadOnly
from rig.can.hub.requests import AskStatistics, BadRequest, Disturb, Hello, Plug, Recover
from rig.can.hub.tests.hub_bench import HubBench
from rig.can.node import ControllerState

MS = 1000
STATES = ("error passive", "bus-off")


@pytest.fixture
def bench():
    return HubBench(("can0", 500_000), ("can1", 250_000))


@pytest.fixture
def lonely():
    """A hub that does not acknowledge."""
    return HubBench(("can0", 500_000), acknowledging=False)


def states(bench, member):
    return [told["state"] for told in bench.told(member) if told.get("news") == "state"]


# Rights.


def test_who_only_reads_cannot_send_and_it_is_counted(bench):
    reader, other = bench.join("reader", "can0", read_only=True), bench.join("other", "can0")

    bench.send(reader, 0x100, 0x101)
    bench.run(10 * MS)

    assert bench.seen(other) == []
    assert (bench.client("reader").refused, bench.client("reader").sent) == (2, 0)


@pytest.mark.parametrize(
    ("policy", "own_may", "stranger_may"),
    [(ReadOnly.NONE, True, True), (ReadOnly.STRANGERS, True, False), (ReadOnly.ALL, False, False)],
)
def test_the_hub_says_who_may_send(policy, own_may, stranger_may):
    bench = HubBench(("can0", 500_000), read_only=policy)
    own, recorder = bench.join("own", "can0"), bench.join("recorder", "can0", read_only=True)
    stranger = bench.hub.welcome_stranger(0)

    bench.send(own, 1)
    bench.send(stranger, 2)
    bench.run(10 * MS)

    assert bench.told(own)[0]["read_only"] is not own_may
    expected = [number for number, may in ((1, own_may), (2, stranger_may)) if may]
    assert bench.identifiers(recorder) == expected


def test_a_stranger_hears_in_his_own_language(bench):
    stranger, own = bench.hub.welcome_stranger(0), bench.join("own", "can0")

    bench.send(own, 0x123)
    bench.run(10 * MS)

    (text,) = stranger.outbox.fresh
    assert text.startswith(b"< frame 00000123 0.000")


# Names and requests.


def test_a_name_that_somebody_has_gets_a_number(bench):
    names = [bench.join("tool", "can0").name for _ in range(3)]

    assert names == ["tool", "tool-2", "tool-3"]


def test_the_welcome_names_the_buses_asked_for_or_all():
    bench = HubBench(("can0", 500_000), ("can1", 250_000), epoch_us=7000, monotonic_offset_us=5)

    asked, all_ = bench.join("a", "can1"), bench.join("b")

    assert bench.told(asked)[0] == {
        "answer": "hello",
        "name": "a",
        "buses": [{"name": "can1", "bitrate": 250_000}],
        "read_only": False,
        "epoch_us": 7000,
        "monotonic_offset_us": 5,
    }
    assert [bus["name"] for bus in bench.told(all_)[0]["buses"]] == ["can0", "can1"]


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (Disturb(bus="can7", duration_us=1), "bus: 'can7'; allowed: can0, can1"),
        (Plug(bus="can0", client="x", attached=False), "client: 'x' has no controller on can0"),
        (Recover(bus="can0", client="x"), "allowed: dut"),
        (Hello(name="again"), "'hello' a second time"),
    ],
    ids=lambda one: type(one).__name__ if not isinstance(one, str) else "",
)
def test_a_request_for_what_there_is_not_is_refused(bench, request_, complaint):
    dut = bench.join("dut", "can0")

    with pytest.raises(BadRequest) as caught:
        bench.hub.obey(dut, request_, 0.0)

    assert complaint in str(caught.value)


def test_an_unknown_bus_of_a_hello_is_refused_and_nobody_has_joined(bench):
    with pytest.raises(BadRequest, match="buses: 'can7'; allowed: can0, can1"):
        bench.join("dut", "can0", "can7")

    assert bench.hub.statistics(0.0).clients == ()


def test_statistics_count_frames_by_bus_and_by_client(bench):
    one, other = bench.join("one", "can0", "can1"), bench.join("other", "can0")
    bench.send(one, 1, 2, 3)
    bench.send(one, 4, bus=1)
    bench.send(other, 5)
    bench.run(100 * MS)
    bench.seen(other)

    told = bench.ask(other, AskStatistics())

    assert [(bus["name"], bus["frames"]) for bus in told["buses"]] == [("can0", 4), ("can1", 1)]
    assert [(c["name"], c["sent"], c["delivered"]) for c in told["clients"]] == [
        ("one", 4, 0),
        ("other", 1, 3),
    ]
    assert told["uptime_s"] == pytest.approx(0.1)


# Errors.


def test_who_is_alone_becomes_error_passive_and_is_heard_when_somebody_comes(lonely):
    dut = lonely.join("dut", "can0")
    lonely.send(dut, 0x100)
    lonely.run(100 * MS)
    assert states(lonely, dut) == ["error passive"]
    assert lonely.controller("can0", "dut").waiting == 1

    other = lonely.join("other", "can0")
    lonely.run(100 * MS)

    assert lonely.identifiers(other) == [0x100]


def test_who_only_reads_acknowledges_nothing(lonely):
    dut, reader = lonely.join("dut", "can0"), lonely.join("reader", "can0", read_only=True)

    lonely.send(dut, 0x100)
    lonely.run(100 * MS)

    assert [seen.identifier for seen in lonely.seen(reader) if not seen.is_error] == []
    assert [seen.identifier for seen in lonely.seen(reader) if seen.is_error] == [0xA0]


def test_the_hub_acknowledges_who_is_alone(bench):
    dut = bench.join("dut", "can0")

    bench.send(dut, 0x100)
    bench.run(100 * MS)

    assert states(bench, dut) == []
    assert bench.controller("can0", "dut").sent == 1


def test_glitches_bring_a_sender_to_bus_off_and_everybody_sees_error_frames(bench):
    dut, recorder = bench.join("dut", "can0"), bench.join("recorder", "can0", read_only=True)

    bench.ask(recorder, Disturb(bus="can0", duration_us=50 * MS))
    bench.send(dut, 0x100)
    bench.run(100 * MS)

    assert states(bench, dut) == ["error passive", "bus-off"]
    # 32 times 8 is above 255.
    assert [seen.is_error for seen in bench.seen(recorder)] == [True] * 32
    assert bench.bus("can0").errors == 32
    assert bench.controller("can0", "dut").state is ControllerState.BUS_OFF


def test_bus_off_lasts_until_somebody_asks_for_the_end(bench):
    dut, recorder = bench.join("dut", "can0"), bench.join("recorder", "can0", read_only=True)
    bench.ask(recorder, Disturb(bus="can0", duration_us=50 * MS))
    bench.send(dut, 0x100)
    bench.run(1000 * MS)
    bench.send(dut, 0x101)
    bench.run(1000 * MS)
    assert 0x101 not in bench.identifiers(recorder)

    bench.ask(recorder, Recover(bus="can0", client="dut"))
    bench.run(1000 * MS)

    assert bench.controller("can0", "dut").state is ControllerState.ERROR_ACTIVE
    assert bench.identifiers(recorder)[-1] == 0x101


def test_bus_off_ends_by_itself_after_the_restart_time(bench):
    dut, other = bench.join("dut", "can0", restart_ms=200), bench.join("other", "can0")
    bench.ask(other, Disturb(bus="can0", duration_us=50 * MS))
    bench.send(dut, 0x100)
    bench.run(150 * MS)
    assert bench.controller("can0", "dut").state is ControllerState.BUS_OFF

    bench.run(200 * MS)

    assert states(bench, dut) == ["error passive", "bus-off", "error active"]


def test_a_controller_of_another_bit_rate_hears_nothing_and_destroys_what_it_meets(bench):
    foreign = bench.join("foreign", "can0", bitrate=250_000)
    one, recorder = bench.join("one", "can0"), bench.join("recorder", "can0", read_only=True)
    bench.send(one, 0x100)
    bench.run(10 * MS)
    assert bench.seen(foreign) == []
    assert bench.bus("can0").errors == 0

    bench.send(foreign, 0x200)
    bench.run(100 * MS)

    assert bench.bus("can0").errors > 0
    assert 0x200 not in bench.identifiers(recorder)


def test_a_reader_of_another_bit_rate_hears_nothing(bench):
    reader, one = (
        bench.join("reader", "can0", read_only=True, bitrate=250_000),
        bench.join("one", "can0"),
    )

    bench.send(one, 0x100)
    bench.run(10 * MS)

    assert bench.seen(reader) == []


def test_without_pacing_there_is_no_other_bit_rate():
    bench = HubBench(("can0", 500_000), paced=False)

    with pytest.raises(BadRequest, match="bitrate: frames take no time here"):
        bench.join("foreign", "can0", bitrate=250_000)


# Cables, and leaving.


def test_a_pulled_cable_lets_nothing_through_until_it_is_plugged_in(bench):
    dut, other = bench.join("dut", "can0"), bench.join("other", "can0")
    bench.ask(other, Plug(bus="can0", client="dut", attached=False))
    bench.send(dut, 0x100)
    bench.send(other, 0x200)
    bench.run(10 * MS)
    assert bench.seen(dut) == []
    assert bench.seen(other) == []

    bench.ask(other, Plug(bus="can0", client="dut", attached=True))
    bench.send(other, 0x201)
    bench.run(10 * MS)

    assert bench.identifiers(other) == [0x100]
    assert bench.identifiers(dut) == [0x201]


def test_what_was_sent_before_leaving_still_goes_out(bench):
    player, recorder = bench.join("player", "can0"), bench.join("recorder", "can0", read_only=True)

    bench.send(player, *[0x100] * 500)
    bench.hub.leave(player)
    bench.run(1000 * MS)

    assert len(bench.seen(recorder)) == 500
    assert bench.bus("can0").controllers == ()


def test_what_nobody_hears_for_5_s_after_leaving_is_counted_as_unsent(lonely):
    player = lonely.join("player", "can0")
    lonely.send(player, 0x100, 0x101)
    lonely.hub.leave(player)

    lonely.run(4900 * MS)
    assert lonely.bus("can0").unsent == 0
    lonely.run(200 * MS)

    assert lonely.bus("can0").unsent == 2
    late = lonely.join("late", "can0")
    lonely.run(100 * MS)
    assert lonely.seen(late) == []


def test_who_comes_after_another_has_left_is_as_good_as_new(bench):
    other = bench.join("other", "can0")
    before = bench.join("before", "can0", bitrate=250_000)
    bench.ask(other, Plug(bus="can0", client="before", attached=False))
    bench.hub.leave(before)
    bench.run(MS)

    after = bench.join("after", "can0")
    bench.send(after, 0x100)
    bench.run(10 * MS)

    assert bench.identifiers(other) == [0x100]
    controller = bench.controller("can0", "after")
    assert (controller.state, controller.attached, controller.tec) == ("error active", True, 0)


def test_a_thousand_short_visits_leave_nothing_behind(bench):
    for number in range(1000):
        visitor = bench.join(f"visitor{number}", "can0")
        bench.send(visitor, 0x100)
        bench.run(MS)
        bench.hub.leave(visitor)
        bench.run(MS)

    assert bench.bus("can0").frames == 1000
    assert len(bench.hub._wires["can0"]._bus._nodes) <= 2


def test_frames_of_two_who_send_the_same_identifier_and_other_data_are_no_frame_of_either(bench):
    one, other = bench.join("one", "can0"), bench.join("other", "can0")

    bench.hub.send(one, 0, Frame(0x100, b"\x01"))
    bench.hub.send(other, 0, Frame(0x100, b"\x02"))
    bench.run(5 * MS)

    assert bench.bus("can0").errors > 0
