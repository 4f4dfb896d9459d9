"""The master as a function: the same inputs give the same outputs, and none can break it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bms.codes import State
from bms.io import Frame, Outputs, Port
from bms.rooms.start_stop import TRANSITIONS, Event
from bms.status import room_statuses
from bms.tests.bench import Bench
from bms.wire import private

HALF_US = 500_000
# What the rooms listen to, so that chance gets past the first question.
KNOWN = [
    0x1CEF5020,  # VREG to the master
    0x18DA50F9,  # the diagnostic tool to the master
    0x1CEFFF51,  # VREG of another master
    0x18EEFF50,  # a claim of its address
    0x18EAFF20,  # a request to everybody
    0x050,
    0x18F0FE01,  # an announcement
    0x18F0A007,  # a ping
    *(kind << 8 | node for kind in sorted(private.REPORTS) for node in (0, 1)),
]
HEADS = [b"", b"\x66\x99", b"\x66\x99\x01\x00", b"\x66\x99\xff\x0f", b"\x66\x99\x76\x03"]


@st.composite
def frames(draw: st.DrawFn) -> tuple[Port, Frame]:
    port = draw(st.sampled_from(Port))
    extended = draw(st.booleans())
    identifier = draw(st.sampled_from(KNOWN) | st.integers(0, 2**29 - 1))
    data = draw(st.sampled_from(HEADS)) + draw(st.binary(max_size=8))
    return port, Frame(identifier if extended else identifier & 0x7FF, data[:8], extended)


STORIES = st.lists(st.lists(frames(), max_size=4), min_size=1, max_size=12)
REQUESTS = st.lists(st.binary(min_size=1, max_size=5), max_size=2)


@given(story=STORIES, requests=REQUESTS)
@settings(max_examples=200, deadline=None)
def test_no_frame_or_request_breaks_the_master(story, requests) -> None:
    bench = Bench()
    bench.press()
    bench.step(*((Port.PRIVATE, frame) for frame in bench.announcements()))

    for arriving in story:
        bench.step(*arriving, tick_us=HALF_US)
        for request in requests:
            bench.ask(request)
    bench.run(1, HALF_US)

    assert isinstance(bench.out, Outputs)


@given(
    story=st.lists(
        st.tuples(
            st.lists(frames(), max_size=2),
            st.floats(-500, 500),
            st.floats(2.0, 4.0),
            st.booleans(),
        ),
        min_size=8,
        max_size=20,
    )
)
@settings(max_examples=20, deadline=None)
def test_two_masters_with_the_same_inputs_give_the_same_outputs(story) -> None:
    traces = []
    for _ in range(2):
        bench = Bench()
        bench.start(tick_us=HALF_US)
        for arriving, current_a, cell_v, pressed in story:
            bench.current_a, bench.pressed = current_a, pressed
            bench.cell(cell_v)
            bench.step(*arriving, tick_us=HALF_US)
        traces.append(bench.trace)

    assert traces[0] == traces[1]


def test_every_room_has_a_status() -> None:
    bench = Bench()
    bench.start()

    assert all(status is not None for status in room_statuses(bench.master.view).values())


def test_the_master_says_when_it_next_wants_to_run() -> None:
    bench = Bench()
    bench.start()

    assert bench.master.next_step_us - bench.now_us <= 100_000


@pytest.mark.parametrize(("state", "event"), TRANSITIONS, ids=lambda part: part.name)
def test_every_transition_leads_from_one_state_to_another(state, event) -> None:
    assert isinstance(event, Event)
    assert TRANSITIONS[state, event] in set(State) - {state}


def test_every_state_that_is_entered_can_be_left() -> None:
    assert set(TRANSITIONS.values()) <= {state for state, _ in TRANSITIONS}


def test_every_state_is_reached_from_standby() -> None:
    reached, front = {State.STANDBY}, {State.STANDBY}
    while front:
        front = {to for (state, _), to in TRANSITIONS.items() if state in front} - reached
        reached |= front

    assert reached == {state for state, _ in TRANSITIONS}


def test_standby_is_reached_from_every_state() -> None:
    back = {State.STANDBY}
    while grown := {state for (state, _), to in TRANSITIONS.items() if to in back} - back:
        back |= grown

    assert back == {state for state, _ in TRANSITIONS}


def test_a_fault_leads_to_error_from_every_state_that_is_awake() -> None:
    awake = {state for state, _ in TRANSITIONS} - {State.STANDBY, State.ERROR}

    assert {TRANSITIONS.get((state, Event.FAULT)) for state in awake} == {State.ERROR}


def test_a_start_goes_through_the_states_of_the_communication_guide() -> None:
    bench, states = Bench(), []
    bench.precharge_v_per_s = 10.0
    bench.press()
    bench.step(*((Port.PRIVATE, frame) for frame in bench.announcements()))
    for _ in range(100):
        states.append(int(bench.state))
        bench.step()

    assert list(dict.fromkeys(states)) == [4, 5, 16, 15, 9]


def test_a_frame_after_the_stop_does_not_break_the_master() -> None:
    bench = Bench()
    bench.start()
    bench.press()
    while bench.state is not State.STANDBY:
        bench.step()

    bench.step((Port.VE_CAN, Frame(0x18EAFF20, b"\x00\xee\x00")), tick_us=10_000)
    bench.run(2)

    assert bench.state is State.STANDBY


def test_batteries_of_a_start_that_failed_are_forgotten() -> None:
    bench = Bench()
    bench.press()
    bench.step(*((Port.PRIVATE, private.announce(7, code, 8, 38)) for code in (2,)))
    bench.step((Port.PRIVATE, private.announce(8, 1, 8, 38)))
    bench.run(4)
    refused = bench.error
    bench.press()
    bench.run(2)

    bench.start()

    assert (refused, bench.state) == (4, State.RUNNING)
