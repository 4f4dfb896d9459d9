"""The grammar of program messages: headers, paths, parameters."""

from collections.abc import Callable
from typing import Any

import pytest

from instruments.scpi import (
    Block,
    Boolean,
    ChannelList,
    Choice,
    Command,
    Connection,
    Device,
    Dialect,
    Extreme,
    Number,
    Text,
    setting,
)

MakeDevice = Callable[..., "Probe"]


class Probe:
    """A device whose commands write down what they were given."""

    def __init__(self, dialect: Dialect | None = None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.volts = 1.0
        volt = Number(unit="V", low=0, high=60, default=5)
        self.device = Device(
            [
                setting(
                    "[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]",
                    volt,
                    self._store,
                    lambda: self.volts,
                    lambda value: f"{value:g}",
                ),
                self.note("[SOURce:]CURRent[:LEVel]", Number(unit="A", low=-100, high=100)),
                self.note("SOURce:VOLTage:PROTection", Number(unit="V")),
                self.note("RESistance", Number(unit="OHM")),
                self.note("COUNt", Number()),
                self.note("OUTPut<1-3>[:STATe]", Boolean()),
                self.note("FUNCtion", Choice(of=("VOLTage", "CURRent"))),
                self.note("DISPlay:TEXT", Text()),
                self.note("DATA", Block()),
                self.note("ROUTe:CLOSe", ChannelList(of=frozenset(range(101, 121)))),
                self.note("MIX", Number(optional=True), ChannelList(of=frozenset({1, 2}))),
                self.note("CURRent:STATic:L1", Number()),
                Command("MEASure:VOLTage[:DC]", query=lambda: "12.5"),
                Command("MEASure:CURRent[:DC]", query=lambda: "0.5"),
            ],
            identity=lambda: "MAKER,MODEL,1,2",
            reset=lambda: None,
            dialect=dialect,
        )
        self.ask = Connection(self.device).receive

    def note(self, header: str, *kinds: Any) -> Command:
        return Command(header, set=lambda *a: self.calls.append((header, *a)), params=kinds)

    def _store(self, value: float) -> None:
        self.volts = value

    def error(self) -> str:
        return self.ask(b"SYST:ERR?\n").decode().strip()

    @property
    def last(self) -> Any:
        return self.calls[-1][-1]


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.mark.parametrize(
    "header",
    [
        "VOLT",
        "volt",
        "VOLTAGE",
        "SOUR:VOLT",
        "SOURce:VOLTage:LEVel:IMMediate:AMPLitude",
        ":VOLT:AMPL",
        "VOLT:IMM",
        "SOUR1:VOLT",
    ],
)
def test_short_long_and_optional_nodes_name_the_same_command(probe: Probe, header: str) -> None:
    probe.ask(f"{header} 7\n".encode())

    assert (probe.volts, probe.error()) == (7.0, '0,"No error"')


@pytest.mark.parametrize("header", ["VOLTA", "MEASU:VOLT?", "SOU:VOLT", "NOSUCH", "VOLT:VOLT"])
def test_other_abbreviations_are_undefined_headers(probe: Probe, header: str) -> None:
    probe.ask(f"{header} 7\n".encode())

    assert probe.error() == '-113,"Undefined header"'


@pytest.mark.parametrize(
    ("header", "number"), [("OUTP", 1), ("OUTP1", 1), ("OUTPUT3", 3), ("OUTP2:STAT", 2)]
)
def test_numeric_suffix_reaches_the_command_and_is_1_if_left_out(
    probe: Probe, header: str, number: int
) -> None:
    probe.ask(f"{header} ON\n".encode())

    assert probe.calls[-1][1:] == (number, True)


@pytest.mark.parametrize("header", ["OUTP4", "OUTP0", "SOUR2:VOLT"])
def test_numeric_suffix_out_of_range_is_refused(probe: Probe, header: str) -> None:
    probe.ask(f"{header} 1\n".encode())

    assert probe.error() == '-114,"Header suffix out of range"'


def test_digit_that_belongs_to_a_mnemonic_is_no_suffix(probe: Probe) -> None:
    probe.ask(b"CURR:STAT:L1 10\n")

    assert probe.last == 10.0


def test_semicolon_keeps_the_path_of_the_last_header(probe: Probe) -> None:
    probe.ask(b"SOUR:VOLT:PROT 30;LEV 6\n")

    assert (probe.volts, probe.last) == (6.0, 30.0)


def test_header_after_semicolon_is_not_sought_at_the_root(probe: Probe) -> None:
    probe.ask(b"SOUR:VOLT 5;FUNC VOLT\n")

    assert probe.error() == '-113,"Undefined header"'


def test_leading_colon_returns_to_the_root(probe: Probe) -> None:
    probe.ask(b"SOUR:VOLT 5;:FUNC CURR\n")

    assert probe.last == "CURR"


def test_common_command_does_not_move_the_path(probe: Probe) -> None:
    answer = probe.ask(b"MEAS:VOLT?;*OPC?;CURR?\n")

    assert answer == b"12.5;1;0.5\n"


def test_several_queries_give_one_answer_with_one_terminator(probe: Probe) -> None:
    assert probe.ask(b"MEAS:VOLT?;CURR?\n") == b"12.5;0.5\n"


def test_unknown_query_answers_nothing(probe: Probe) -> None:
    assert probe.ask(b"NOSUCH?\n") == b""


def test_rest_of_a_message_is_obeyed_after_an_error(probe: Probe) -> None:
    assert probe.ask(b"NOSUCH 1;:VOLT 9;:MEAS:VOLT?\n") == b"12.5\n"
    assert probe.volts == 9.0


def test_dialect_may_stop_at_the_first_error() -> None:
    probe = Probe(Dialect(stop_after_error=True))

    probe.ask(b"NOSUCH 1;:VOLT 9\n")

    assert probe.volts == 1.0


def test_query_of_a_command_without_one_is_undefined(probe: Probe) -> None:
    probe.ask(b"FUNC?\n")

    assert probe.error() == '-113,"Undefined header"'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12.0),
        ("1.2e1", 12.0),
        ("+.5", 0.5),
        ("2500 mV", 2.5),
        ("2500MV", 2.5),
        ("0.01 kV", 10.0),
        ("MIN", 0.0),
        ("MAXimum", 60.0),
        ("DEF", 5.0),
        ("#H1F", 31.0),
        ("#B101", 5.0),
        ("#Q17", 15.0),
    ],
)
def test_number_is_read_with_exponent_unit_and_keyword(
    probe: Probe, text: str, value: float
) -> None:
    probe.ask(f"VOLT {text}\n".encode())

    assert probe.volts == pytest.approx(value)


@pytest.mark.parametrize(
    ("message", "value"),
    [("CURR 250 MA", 0.25), ("RES 2 MOHM", 2e6), ("RES 2 KOHM", 2e3), ("RES 1 UOHM", 1e-6)],
)
def test_m_is_milli_except_before_ohm(probe: Probe, message: str, value: float) -> None:
    probe.ask(f"{message}\n".encode())

    assert probe.last == pytest.approx(value)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("VOLT 61", -222),
        ("VOLT -1", -222),
        ("VOLT 5 A", -131),
        ("COUN 5 V", -138),
        ("VOLT", -109),
        ("VOLT 1,2", -108),
        ("VOLT ,", -103),
        ("VOLT ABC", -104),
        ("VOLT 1x2", -121),
        ("OUTP MAYBE", -141),
        ("FUNC POW", -224),
        ("DISP:TEXT abc", -104),
        ('DISP:TEXT "abc', -151),
        ("DATA 12", -104),
        ("ROUT:CLOS (@101", -104),
        ("ROUT:CLOS (@1x)", -171),
        ("ROUT:CLOS (@121)", -222),
        ("VOLT$5", -101),
        ("$$", -101),
    ],
)
def test_bad_parameter_is_refused_with_its_own_code(probe: Probe, message: str, code: int) -> None:
    probe.ask(f"{message}\n".encode())

    assert probe.error().startswith(f"{code},")
    assert probe.calls == []
    assert probe.volts == 1.0


@pytest.mark.parametrize(
    ("message", "answer"), [("VOLT?", b"1\n"), ("VOLT? MAX", b"60\n"), ("VOLT? DEF", b"5\n")]
)
def test_query_tells_the_setting_or_a_bound(probe: Probe, message: str, answer: bytes) -> None:
    assert probe.ask(message.encode() + b"\n") == answer


@pytest.mark.parametrize(
    ("text", "level"), [("ON", True), ("off", False), ("1", True), ("0", False), ("0.4", False)]
)
def test_boolean_is_a_word_or_a_number(probe: Probe, text: str, level: bool) -> None:
    probe.ask(f"OUTP {text}\n".encode())

    assert probe.last is level


@pytest.mark.parametrize("text", ["CURR", "current"])
def test_choice_is_short_or_long(probe: Probe, text: str) -> None:
    probe.ask(f"FUNC {text}\n".encode())

    assert probe.last == "CURR"


def test_separators_inside_a_string_are_text(probe: Probe) -> None:
    probe.ask(b'DISP:TEXT "a;b,""c"";:VOLT 3"\n')

    assert (probe.last, probe.volts) == ('a;b,"c";:VOLT 3', 1.0)


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        ("(@101)", (101,)),
        ("(@101,103:105)", (101, 103, 104, 105)),
        ("(@ 103:101 )", (103, 102, 101)),
    ],
)
def test_channel_list_has_channels_and_ranges(
    probe: Probe, text: str, channels: tuple[int, ...]
) -> None:
    probe.ask(f"ROUT:CLOS {text}\n".encode())

    assert probe.last == channels


@pytest.mark.parametrize(("text", "given"), [("(@1)", (None, (1,))), ("3,(@2)", (3.0, (2,)))])
def test_optional_number_before_a_channel_list_may_be_left_out(
    probe: Probe, text: str, given: tuple[object, ...]
) -> None:
    probe.ask(f"MIX {text}\n".encode())

    assert probe.calls[-1][1:] == given


def test_line_feed_and_semicolon_inside_a_block_are_data(probe: Probe) -> None:
    probe.ask(b"DATA #15a\n;:c;:VOLT 3\n")

    assert (probe.last, probe.volts) == (b"a\n;:c", 3.0)


def test_message_may_come_in_pieces_and_end_in_crlf(probe: Probe) -> None:
    assert probe.ask(b"MEAS:") == b""
    assert probe.ask(b"VOLT?\r\n") == b"12.5\n"


@pytest.mark.parametrize("empty", [b"\n", b"\r\n", b"  \n", b";\n"])
def test_empty_message_is_ignored(probe: Probe, empty: bytes) -> None:
    assert probe.ask(empty) == b""
    assert probe.error() == '0,"No error"'


def test_two_messages_in_one_piece_are_answered_in_order(probe: Probe) -> None:
    assert probe.ask(b"MEAS:VOLT?\n*OPC?\n") == b"12.5\n1\n"


@pytest.mark.parametrize("pieces", [1, 7], ids=["whole", "in pieces"])
def test_message_longer_than_the_input_buffer_is_dropped_with_363(pieces: int) -> None:
    probe = Probe(Dialect(input_limit=32))
    message = b"VOLT " + b"0" * 100 + b"7\n"

    for start in range(0, len(message), max(1, len(message) // pieces)):
        probe.ask(message[start : start + max(1, len(message) // pieces)])

    assert (probe.volts, probe.error()) == (1.0, '-363,"Input buffer overrun"')


def test_two_clients_do_not_share_a_half_message(probe: Probe) -> None:
    other = Connection(probe.device)

    probe.ask(b"MEAS:VO")

    assert other.receive(b"MEAS:CURR?\n") == b"0.5\n"
    assert probe.ask(b"LT?\n") == b"12.5\n"


def test_remembered_message_is_obeyed_afresh_each_time(probe: Probe) -> None:
    probe.ask(b"VOLT?\n")
    probe.volts = 2.0

    assert probe.ask(b"VOLT?\n") == b"2\n"


def test_remembered_error_is_reported_each_time(probe: Probe) -> None:
    probe.ask(b"NOSUCH\n")
    probe.ask(b"NOSUCH\n")

    assert probe.ask(b"SYST:ERR:COUN?\n") == b"2\n"


def test_extreme_of_an_unbounded_number_is_refused() -> None:
    with pytest.raises(Exception, match="-108"):
        Extreme(Number()).parse("MAX")
