"""No message breaks a twin, holds it up, or switches it on without being told to."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instruments.scpi import (
    Block,
    Boolean,
    ChannelList,
    Choice,
    Command,
    Connection,
    Device,
    Number,
    Text,
)
from instruments.tests.fuzz import Fuzzer, may_switch_on
from instruments.tests.fuzz_subjects import SUBJECTS, Subject

MESSAGES, NIGHTLY_MESSAGES = 20_000, 1_000_000  # in all, shared among the models
SEEDS = (1, 2)
CHANNELS = frozenset(range(101, 121))


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_message_breaks_a_twin_or_switches_it_on_unasked(subject: Subject, seed: int) -> None:
    fuzzer = Fuzzer(subject, seed)

    fuzzer.run(MESSAGES // len(SUBJECTS) // len(SEEDS))

    # Else the fuzzer would have spoken to a wall.
    assert fuzzer.answered > 0
    assert fuzzer.switched_on > 0 or not subject.switches


@pytest.mark.nightly
@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_million_messages_break_no_twin(subject: Subject) -> None:
    Fuzzer(subject, seed=3).run(NIGHTLY_MESSAGES // len(SUBJECTS))


@pytest.mark.parametrize(
    "message",
    ["OUTP ON", "outp:stat 1", ":OUTPut 2", "VOLT 5;OUTP ON", "OUTP:STAT OFF;STAT ON", "OUTP2 #B1"],
)
def test_reader_of_the_fuzzer_sees_what_switches_on(message: str) -> None:
    assert may_switch_on(message, {r"OUTP(UT)?(:STAT(E)?)?": None})


@pytest.mark.parametrize(
    "message",
    ["OUTP OFF", "OUTP 0", "OUTP 0.4", "OUTP?", "OUTPU ON", "VOLT ON", "OUTP:PROT ON", ""],
)
def test_reader_of_the_fuzzer_sees_what_does_not(message: str) -> None:
    assert not may_switch_on(message, {r"OUTP(UT)?(:STAT(E)?)?": None})


class Probe:
    """A device with one command of each kind, which writes down what reaches it."""

    def __init__(self) -> None:
        self.calls: list[object] = []
        kinds = {
            "NUMBer": Number(unit="V", low=-1e6, high=1e6, default=0.0),
            "FREE": Number(),
            "SWITch<1-3>": Boolean(),
            "CHOice": Choice(of=("VOLTage", "CURRent")),
            "TEXT": Text(),
            "DATA": Block(),
            "ROUTe[:PATH]:CLOSe": ChannelList(of=CHANNELS),
        }
        commands = [
            Command(header, set=lambda *given: self.calls.append(given), params=(kind,))
            for header, kind in kinds.items()
        ]
        self.device = Device(
            [*commands, Command("MEASure:VOLTage[:DC]", query=lambda: "12.5")],
            identity=lambda: "MAKER,MODEL,1,2",
            reset=lambda: None,
        )
        self.receive = Connection(self.device).receive

    def told(self, *pieces: bytes) -> tuple[bytes, list[object], list[int]]:
        """Answers, calls and errors after these pieces."""
        answers = b"".join(map(self.receive, pieces))
        return answers, self.calls, [error.code for error in self.device.errors._errors]


WORDS = st.sampled_from(
    [
        *(b"NUMB", b"FREE ", b"SWIT2 ", b"CHO", b"TEXT ", b"DATA ", b"ROUT:CLOS ", b"MEAS:VOLT?"),
        *(b"*IDN?", b"*CLS", b"SYST:ERR?", b" ", b";", b":", b"\n", b"\r\n", b",", b"?", b"#"),
        *(b'"', b"'", b"(@101:103)", b"(@", b")", b"#15a\n;,b", b"#0", b"1e3", b" 5 mV", b"ON"),
    ]
)
STREAMS = st.lists(st.one_of(WORDS, st.binary(max_size=4)), max_size=25).map(b"".join)


@given(stream=STREAMS, cuts=st.lists(st.integers(0, 200), max_size=6))
@settings(max_examples=400, deadline=None)
def test_how_a_stream_is_cut_into_pieces_changes_nothing(stream: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[low:high] for low, high in pairwise(edges)]

    assert Probe().told(*pieces) == Probe().told(stream)


@given(stream=STREAMS)
@settings(max_examples=400, deadline=None)
def test_every_answer_ends_in_one_terminator_and_every_error_is_a_known_one(stream: bytes) -> None:
    answers, _, errors = Probe().told(stream, b"\n")

    assert answers == b"" or answers.endswith(b"\n")
    assert all(-499 < code < -100 for code in errors)


@given(
    value=st.floats(-1e6, 1e6), written=st.sampled_from(["{!r}", "{:.17G}", " {:+.17e} ", "{} V"])
)
@settings(max_examples=300, deadline=None)
def test_number_is_read_back_as_it_was_written(value: float, written: str) -> None:
    _, calls, errors = Probe().told(f"NUMB {written.format(value)}\n".encode())

    assert (calls, errors) == ([(pytest.approx(value, rel=1e-12, abs=1e-300),)], [])


@given(text=st.text(st.characters(max_codepoint=255, exclude_characters="\n"), max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_string_arrives_as_it_was_quoted(text: str) -> None:
    quoted = '"' + text.replace('"', '""') + '"'

    _, calls, errors = Probe().told(f"TEXT {quoted}\n".encode("latin-1"))

    assert (calls, errors) == ([(text,)], [])


@given(data=st.binary(max_size=120))
@settings(max_examples=300, deadline=None)
def test_any_bytes_arrive_as_a_block(data: bytes) -> None:
    size = str(len(data)).encode()

    _, calls, errors = Probe().told(b"DATA #" + str(len(size)).encode() + size + data + b"\n")

    assert (calls, errors) == ([(data,)], [])


@given(channels=st.lists(st.sampled_from(sorted(CHANNELS)), min_size=1, max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_channels_arrive_in_their_order(channels: list[int]) -> None:
    listed = ",".join(map(str, channels))

    _, calls, errors = Probe().told(f"ROUT:CLOS (@{listed})\n".encode())

    assert (calls, errors) == ([(tuple(channels),)], [])


@given(number=st.integers(0, 99), tail=st.sampled_from(["", ":X", "A", "9"]))
@settings(max_examples=200, deadline=None)
def test_only_declared_suffixes_are_taken(number: int, tail: str) -> None:
    header = f"SWIT{number}{tail}"

    _, calls, errors = Probe().told(f"{header} ON\n".encode())

    if re.fullmatch(r"SWIT0*[123]", header):
        assert (calls, errors) == ([(int(header[4:]), True)], [])
    else:
        assert calls == []
        assert errors in ([-113], [-114])
