"""What each kind of program data takes and refuses, by the letter of IEEE 488.2 and SCPI-99."""

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
    Number,
    ScpiError,
    Text,
    nearest,
)

SLOTS = frozenset({101, 102, 103, 201, 202})


def refusal(kind: Any, token: str) -> int:
    with pytest.raises(ScpiError) as caught:
        kind.parse(token)
    return caught.value.code


@pytest.mark.parametrize(
    ("unit", "token", "value"),
    [
        ("V", "1500MV", 1.5),
        ("V", "1 500", None),
        ("V", "1.5E3MV", 1.5),
        ("V", "1.5 E 3 mV", 1.5),
        ("V", "1.5\tE\t+3\tmV", 1.5),
        ("V", "2uV", 2e-6),
        ("V", "2NV", 2e-9),
        ("V", "2MAV", 2e6),
        ("A", "250MA", 0.25),
        ("A", "250 mA", 0.25),
        ("A", "0.1kA", 100.0),
        ("A", "2MAA", 2e6),
        ("W", "2KW", 2000.0),
        ("W", "5MW", 0.005),
        ("OHM", "2MOHM", 2e6),
        ("OHM", "2KOHM", 2e3),
        ("OHM", "2MAOHM", 2e6),
        ("HZ", "2MHZ", 2e6),
        ("HZ", "2GHz", 2e9),
        ("S", "20MS", 0.02),
        ("S", "20us", 2e-5),
        ("A/S", "3A/S", 3.0),
        ("A/S", "3A/MS", 3000.0),
        ("A/S", "3mA/us", 3000.0),
        ("CEL", "25CEL", 25.0),
        ("", "#H1F", 31.0),
        ("", "#hff", 255.0),
        ("", "#Q17", 15.0),
        ("", "#B101", 5.0),
        ("", ".5", 0.5),
        ("", "5.", 5.0),
        ("", "+5", 5.0),
        ("", "-5e-1", -0.5),
        ("", "007", 7.0),
    ],
)
def test_number_is_read_with_its_multiplier(unit: str, token: str, value: float | None) -> None:
    number = Number(unit=unit)

    if value is None:
        assert refusal(number, token) == -103
    else:
        assert number.parse(token) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("1.2.3", -121),
        ("--5", -121),
        ("+-5", -121),
        ("1_000", -121),
        ("5..", -121),
        (".", -121),
        ("+", -121),
        ("1E", -131),
        ("5 X", -131),
        ("5 VV", -131),
        ("5 " + "V" * 13, -134),
        ("1E99999", -123),
        ("1E-99999", -123),
        ("1" * 256, -124),
        ("1E400", -222),
        ("9E307KV", -222),
        ("INF", -104),
        ("NAN", -104),
        ("ON", -104),
        ('"5"', -104),
        ("(@1)", -104),
        ("#H", -121),
        ("#HG", -121),
        ("#H-1", -121),
        ("#H1_0", -121),
        ("#B2", -121),
        ("#Q8", -121),
        ("#13abc", -104),
        ("MIN", -104),
        ("DEF", -104),
    ],
)
def test_what_is_no_number_is_refused_with_its_code(token: str, code: int) -> None:
    assert refusal(Number(unit="V"), token) == code


@pytest.mark.parametrize(
    ("token", "value"),
    [("MIN", 1.0), ("minimum", 1.0), ("MAX", 9.0), ("MAXIMUM", 9.0), ("DEF", 5.0), ("Default", 5)],
)
def test_bound_stands_for_its_value(token: str, value: float) -> None:
    assert Number(low=1, high=9, default=5).parse(token) == value


@pytest.mark.parametrize("token", ["MINI", "MAXI", "DEFA", "MI"])
def test_other_abbreviation_of_a_bound_is_refused(token: str) -> None:
    assert refusal(Number(low=1, high=9, default=5), token) == -104


@pytest.mark.parametrize(
    ("value", "whole"),
    [(0.4, 0), (0.5, 1), (1.5, 2), (2.5, 3), (-0.5, -1), (-2.5, -3), (-0.4, 0), (254.6, 255)],
)
def test_halves_are_rounded_away_from_zero(value: float, whole: int) -> None:
    assert nearest(value) == whole


def test_whole_number_is_rounded_before_its_range_is_looked_at() -> None:
    byte = Number(low=0, high=255, whole=True)

    assert byte.parse("255.4") == 255.0
    assert refusal(byte, "255.5") == -222


@pytest.mark.parametrize(
    ("token", "state"),
    [
        ("ON", True),
        ("Off", False),
        ("1", True),
        ("0", False),
        ("2", True),
        ("-1", True),
        ("0.4", False),
        ("0.5", True),
        ("1E3", True),
        ("0.0", False),
        ("#H1", True),
        ("-0.4", False),
    ],
)
def test_boolean_rounds_and_what_is_not_zero_is_on(token: str, state: bool) -> None:
    assert Boolean().parse(token) is state


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("TRUE", -141),
        ("INF", -141),
        ("NAN", -141),
        ("ONN", -141),
        ("1 V", -138),
        ("1_0", -121),
        ('"ON"', -104),
        ("1 1", -103),
    ],
)
def test_what_is_no_boolean_is_refused(token: str, code: int) -> None:
    assert refusal(Boolean(), token) == code


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ('"a;b,c"', "a;b,c"),
        ("'a\"b'", 'a"b'),
        ('"a""b"', 'a"b'),
        ("'a''b'", "a'b"),
        ('""', ""),
        ('""""', '"'),
        ('"(@1"', "(@1"),
    ],
)
def test_string_keeps_separators_and_halves_doubled_quotes(token: str, text: str) -> None:
    assert Text().parse(token) == text


@pytest.mark.parametrize("token", ['"', '"a', '"a"b"', "'a\"", '"a"b'])
def test_string_that_does_not_end_is_refused(token: str) -> None:
    assert refusal(Text(), token) == -151


@pytest.mark.parametrize(
    ("token", "code"),
    [("POW", -224), ("VOL", -224), ("VOLTA", -224), ("5", -104), ('"VOLT"', -104)],
)
def test_choice_that_is_none_is_refused(token: str, code: int) -> None:
    assert refusal(Choice(of=("VOLTage", "CURRent")), token) == code


@pytest.mark.parametrize(
    ("token", "channels"),
    [
        ("(@101)", (101,)),
        ("(@101,102)", (101, 102)),
        ("(@101:103)", (101, 102, 103)),
        ("(@103:101)", (103, 102, 101)),
        ("(@101:102,201)", (101, 102, 201)),
        ("(@ 101 : 102 , 201 )", (101, 102, 201)),
        ("(@201,101,201)", (201, 101, 201)),
    ],
)
def test_channel_list_gives_its_channels_in_order(token: str, channels: tuple[int, ...]) -> None:
    assert ChannelList(of=SLOTS).parse(token) == channels


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("(@104)", -222),
        ("(@101:201)", -222),
        ("(@101:999999999)", -222),
        ("(@9999999999)", -171),
        ("(@)", -171),
        ("(@101,)", -171),
        ("(@101:)", -171),
        ("(@-101)", -171),
        ("(101)", -171),
        ("()", -171),
        ("(@101", -104),
        ("(", -104),
        ("101", -104),
        ("(@1x)", -171),
    ],
)
def test_channel_list_that_is_none_is_refused(token: str, code: int) -> None:
    assert refusal(ChannelList(of=SLOTS), token) == code


def test_makers_refusal_of_a_channel_replaces_the_standard_one() -> None:
    assert refusal(ChannelList(of=SLOTS, refusal=(112, "chosen")), "(@104)") == 112


def test_range_may_pass_over_channels_that_do_not_exist() -> None:
    skipping = ChannelList(of=SLOTS, ranges_skip=True)

    assert skipping.parse("(@102:201)") == (102, 103, 201)
    assert refusal(skipping, "(@102:204)") == -222


def test_empty_channel_list_is_taken_where_it_means_something() -> None:
    assert ChannelList(of=SLOTS, may_be_empty=True).parse("(@)") == ()


class Memo:
    """A device that keeps a block and a pair, to see what a whole message makes of them."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.device = Device(
            [
                Command("DATA", set=self.kept.append, params=(Block(),)),
                Command("NAME", set=self.kept.append, params=(Text(),)),
                Command("PAIR", set=self._pair, params=(Text(), Block())),
            ],
            identity=lambda: "M,M,1,2",
            reset=lambda: None,
        )
        self.ask = Connection(self.device).receive

    def _pair(self, *both: Any) -> None:
        self.kept.append(both)


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (b"DATA #15hello\n", b"hello"),
        (b"DATA #205hello\n", b"hello"),
        (b"DATA #15a\n;,b\n", b"a\n;,b"),
        (b"DATA #13a  \n", b"a  "),
        (b"DATA #13 \t\r\r\n", b" \t\r"),
        (b"DATA #12\x00\xff\n", b"\x00\xff"),
        (b"DATA #10\n", b""),
        (b"DATA #0hello; , world\n", b"hello; , world"),
        (b"DATA #0\n", b""),
        (b"DATA\t#15#1234\n", b"#1234"),
        (b'PAIR "#15",#12ab\n', ("#15", b"ab")),
        (b'NAME "#15"\n', "#15"),
        (b"NAME '#0'\n", "#0"),
    ],
)
def test_block_keeps_every_byte_and_a_hash_in_a_string_begins_none(
    message: bytes, kept: object
) -> None:
    memo = Memo()

    memo.ask(message)

    assert memo.kept == [kept]
    assert memo.ask(b"*OPC?\n") == b"1\n"


def test_block_may_come_in_pieces() -> None:
    memo = Memo()

    answers = b"".join(
        memo.ask(bytes([byte])) for byte in b"DATA #217a\nb;c\nd,e\r\n#12xyz\n*OPC?\n"
    )

    assert memo.kept == [b"a\nb;c\nd,e\r\n#12xyz"]
    assert answers == b"1\n"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"DATA #\n", b"-161"),
        (b"DATA #1\n", b"-161"),
        (b"DATA #1x\n", b"-161"),
        (b"DATA hello\n", b"-104"),
        (b"DATA #13abcd\n", b"-161"),
    ],
)
def test_block_that_is_none_is_refused(message: bytes, code: bytes) -> None:
    memo = Memo()

    memo.ask(message)

    assert memo.ask(b"SYST:ERR?\n").startswith(code)
    assert memo.kept == []


def test_forgotten_quote_does_not_swallow_the_next_message() -> None:
    memo = Memo()

    memo.ask(b'NAME "abc\n')

    assert memo.ask(b"SYST:ERR?\n").startswith(b"-151")
