"""Messages as a whole: paths, white space, ends, errors by position; and what makers do instead."""

from typing import Any

import pytest

from instruments.scpi import Boolean, Command, Connection, Device, Dialect, Memory, Number, setting

WHITE_SPACE = [chr(code) for code in range(33) if code != 10]


class Probe:
    """A supply of a few commands, and what was set on it."""

    def __init__(self, dialect: Dialect | None = None, **options: Any) -> None:
        self.set: dict[str, float] = {"volt": 1.0, "prot": 50.0}
        self.triggered = 0
        volts = Number(unit="V", low=0, high=60, default=5)
        self.device = Device(
            [
                setting("[SOURce:]VOLTage[:LEVel]", volts, *self._place("volt")),
                setting("[SOURce:]VOLTage:PROTection[:LEVel]", volts, *self._place("prot")),
                Command(
                    "OUTPut[:STATe]", set=lambda on: self.set.update(on=on), params=(Boolean(),)
                ),
                Command("MEASure:VOLTage[:DC]", query=lambda: "12.5"),
                Command("MEASure:CURRent[:DC]", query=lambda: "0.5"),
                Command("LONG", query=lambda: "x" * 50),
            ],
            identity=lambda: "MAKER,MODEL,1,2",
            reset=lambda: self.set.update(volt=0.0),
            dialect=dialect,
            **options,
        )
        self.connection = Connection(self.device)

    def _place(self, name: str) -> Any:
        return (
            lambda value: self.set.update({name: value}),
            lambda: self.set[name],
            lambda value: f"{value:g}",
        )

    def _switch(self, on: bool) -> None:
        self.set["on"] = on

    def raw(self, data: bytes) -> bytes:
        return self.connection.receive(data)

    def ask(self, text: str) -> str:
        return self.raw(text.encode("latin-1") + b"\n").decode("latin-1").removesuffix("\n")

    def codes(self) -> list[int]:
        codes = []
        while code := int(self.ask("SYST:ERR?").split(",")[0]):
            codes.append(code)
        return codes


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("MEAS:VOLT?;CURR?", "12.5;0.5"),
        ("MEAS:VOLT?;:MEAS:CURR?", "12.5;0.5"),
        ("MEAS:VOLT?;*OPC?;CURR?", "12.5;1;0.5"),
        ("MEAS:VOLT?;VOLT?;VOLT?", "12.5;12.5;12.5"),
        ("SOUR:VOLT 6;VOLT?", "6"),
        ("SOUR:VOLT:PROT 30;LEV 7;:VOLT?;VOLT:PROT?", "7;30"),
        ("VOLT:PROT 30;PROT?", "30"),
        ("VOLT 6;:VOLT?", "6"),
        (":VOLT 6;VOLT?", "6"),
        ("*OPC?;VOLT 6;VOLT?", "1;6"),
        ("SYST:ERR?;ERR:COUN?", '0,"No error";0'),
        ("SYST:ERR:NEXT?;COUN?", '0,"No error";0'),
        ("STAT:QUES:ENAB 3;ENAB?;PTR?", "3;32767"),
        (";;VOLT 6;;VOLT?;", "6"),
        ("MEAS:NOSUCH?;VOLT?", "12.5"),
        ("$$;VOLT?", "1"),
    ],
)
def test_path_goes_on_from_the_last_header(probe: Probe, message: str, answer: str) -> None:
    assert probe.ask(message) == answer


@pytest.mark.parametrize(
    "message", ["MEAS:VOLT?;MEAS:CURR?", "SOUR:VOLT:PROT 3;SOUR:VOLT 1", "MEAS:VOLT:DC?;CURR?"]
)
def test_header_from_the_root_needs_its_colon_once_there_is_a_path(
    probe: Probe, message: str
) -> None:
    probe.ask(message)

    assert probe.codes() == [-113]


@pytest.mark.parametrize("space", WHITE_SPACE, ids=lambda space: f"{ord(space):#04x}")
def test_every_control_character_is_white_space(probe: Probe, space: str) -> None:
    probe.ask(f"{space}VOLT{space}{space}7{space}V{space};{space}:VOLT?{space}")

    assert (probe.set["volt"], probe.codes()) == (7.0, [])


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("VOLT$5", -101),
        ("VO&LT 5", -101),
        ("VOLT\xa05", -101),
        ("\xb5VOLT 5", -101),
        ("VOLT:", -102),
        ("::VOLT 5", -102),
        ("*", -102),
        (":*IDN?", -102),
        ("5 VOLT", -102),
        ("VOLT-5", -111),
        ("VOLT?5", -102),
        ("VOLT?(@1)", -111),
        ('VOLT"5"', -111),
        ("VOLTAGEPROTECTION 5", -112),
        ("NOSUCH 5", -113),
        ("MEAS:VOLT 5", -113),
        ("OUTP?", -113),
        ("VOLT2 5", -114),
        ("VOLT0 5", -114),
        ("VOLT", -109),
        ("VOLT 5,", -103),
        ("VOLT ,5", -103),
        ("VOLT 5 6", -103),
        ("VOLT 5,6", -108),
        ("*IDN? 5", -108),
        ("*RST 5", -108),
        ("VOLT? MAX,MIN", -108),
        ("VOLT? 5", -108),
        ("*ESE 256", -222),
        ("*SRE -1", -222),
        ("STAT:OPER:ENAB 65536", -222),
    ],
)
def test_error_names_what_is_wrong_where(probe: Probe, message: str, code: int) -> None:
    assert probe.ask(message) == ""
    assert probe.codes() == [code]
    assert probe.set["volt"] == 1.0


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b" \n", b"\t\r\n", b";\n"])
def test_message_ends_in_a_line_feed_whatever_stands_before(probe: Probe, end: bytes) -> None:
    assert probe.raw(b"MEAS:VOLT?" + end) == b"12.5\n"


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_dialect_may_end_messages_at_a_carriage_return_too(end: bytes) -> None:
    probe = Probe(Dialect(ends=b"\r\n", terminator=b"\r"))

    assert probe.raw(b"MEAS:VOLT?" + end + b"*OPC?" + end) == b"12.5\r1\r"


def test_carriage_return_inside_a_message_is_white_space_by_the_standard(probe: Probe) -> None:
    assert probe.raw(b"VOLT\r7;\r:VOLT?\n") == b"7\n"


def test_terminator_may_have_a_tail() -> None:
    probe = Probe(Dialect(terminator=b"\n0\n"))

    assert probe.raw(b"*OPC?\n") == b"1\n0\n"


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        ('{code},"{text}"', '-113,"Undefined header"'),
        ('{code:+d},"{text}"', '-113,"Undefined header"'),
        ("{code}  {text}", "-113  Undefined header"),
        ('{code}, "{text}"', '-113, "Undefined header"'),
    ],
)
def test_errors_are_written_as_the_maker_does(form: str, answer: str) -> None:
    probe = Probe(Dialect(error_format=form))

    probe.ask("NOSUCH")

    assert probe.ask("SYST:ERR?") == answer


def test_signed_dialect_says_plus_zero() -> None:
    probe = Probe(Dialect(error_format='{code:+d},"{text}"', integer_format="{:+d}"))
    probe.ask("*CLS")

    assert probe.ask("SYST:ERR?;*ESR?;*STB?;:SYST:ERR:COUN?;*OPC?") == '+0,"No error";+0;+16;+0;1'


def test_maker_may_word_an_error_in_its_own_way() -> None:
    probe = Probe(Dialect(error_texts={-113: "Undefined header; keyword cannot be found"}))

    probe.ask("NOSUCH")

    assert probe.ask("SYST:ERR?") == '-113,"Undefined header; keyword cannot be found"'


def test_model_may_lack_a_common_command() -> None:
    probe = Probe(Dialect(lacks=frozenset({"*PSC", "STATus:PRESet"})))

    probe.ask("*PSC 1;:STAT:PRES;:VOLT 7")

    assert (probe.codes(), probe.set["volt"]) == ([-113, -113], 7.0)


def test_query_after_the_identity_is_refused_with_440_where_the_standard_is_kept() -> None:
    probe = Probe(Dialect(identity_ends_message=True))

    assert probe.ask("*OPC?;*IDN?;*OPC?") == "1;MAKER,MODEL,1,2"
    assert probe.codes() == [-440]


def test_command_after_the_identity_is_obeyed() -> None:
    probe = Probe(Dialect(identity_ends_message=True))

    probe.ask("*IDN?;:VOLT 7")

    assert (probe.set["volt"], probe.codes()) == (7.0, [])


def test_answers_that_fill_the_output_are_thrown_away_with_430() -> None:
    probe = Probe(Dialect(output_limit=128))

    assert len(probe.ask("LONG?;LONG?")) == 101
    assert probe.ask("LONG?;LONG?;LONG?") == ""
    assert probe.codes() == [-430]
    assert int(probe.ask("*ESR?")) & 4


def test_stopping_dialect_drops_the_rest_of_the_message_but_not_the_next() -> None:
    probe = Probe(Dialect(stop_after_error=True))

    assert probe.ask("MEAS:VOLT?;NOSUCH?;CURR?") == "12.5"
    assert probe.ask("MEAS:CURR?") == "0.5"


@pytest.mark.parametrize(("length", "taken"), [(32, True), (33, False)])
def test_input_buffer_holds_exactly_its_length(length: int, taken: bool) -> None:
    probe = Probe(Dialect(input_limit=32))

    probe.raw(b"VOLT 7" + b" " * (length - 6) + b"\n")

    assert (probe.set["volt"] == 7.0) is taken
    assert probe.codes() == ([] if taken else [-363])


def test_overrun_is_a_device_error_and_ends_with_its_message() -> None:
    probe = Probe(Dialect(input_limit=32))
    probe.ask("*CLS")

    probe.raw(b"VOLT " + b"1" * 500)

    assert probe.raw(b"9\n*ESR?\n") == b"8\n"


def test_trigger_and_memory_are_unknown_to_a_model_without_them(probe: Probe) -> None:
    probe.ask("*TRG;*SAV 1;*RCL 1")

    assert probe.codes() == [-113, -113, -113]


def test_trigger_does_what_the_model_has_for_it() -> None:
    fired: list[int] = []
    probe = Probe(trigger=lambda: fired.append(1))

    probe.ask("*TRG;*TRG")

    assert len(fired) == 2


def remembering() -> Probe:
    kept: list[Probe] = []

    def restore(settings: Any) -> None:
        kept[0].set.update(settings)

    memory = Memory(places=range(1, 6), capture=lambda: dict(kept[0].set), restore=restore)
    kept.append(Probe(memory=memory))
    return kept[0]


def test_saved_settings_are_recalled_from_their_place() -> None:
    probe = remembering()

    probe.ask("VOLT 7;*SAV 1;:VOLT 8;*SAV 5;:VOLT 9;*RCL 1")
    first = probe.set["volt"]
    probe.ask("*RCL 5")

    assert (first, probe.set["volt"]) == (7.0, 8.0)


def test_empty_place_recalls_what_a_reset_gives() -> None:
    probe = remembering()

    probe.ask("*RCL 3")

    assert probe.set["volt"] == 0.0


@pytest.mark.parametrize("message", ["*SAV 0", "*SAV 6", "*RCL 6"])
def test_place_that_the_model_has_not_is_out_of_range(message: str) -> None:
    probe = remembering()

    probe.ask(message)

    assert probe.codes() == [-222]


@pytest.mark.parametrize(("text", "flag"), [("0", "0"), ("1", "1"), ("-5", "1"), ("0.3", "0")])
def test_power_on_clear_flag_is_kept_as_0_or_1(probe: Probe, text: str, flag: str) -> None:
    probe.ask(f"*PSC {text}")

    assert probe.ask("*PSC?") == flag


def test_device_clear_forgets_half_a_message_and_nothing_else(probe: Probe) -> None:
    probe.raw(b"NOSUCH\nVOLT 7;MEAS:")

    probe.connection.device_clear()

    assert probe.raw(b"VOLT?\n") == b"1\n"
    assert probe.codes() == [-113]


def test_client_may_poll_the_status_byte_beside_its_messages(probe: Probe) -> None:
    probe.ask("*SRE 16")

    assert probe.connection.status_byte(answer_waiting=False) == 0
    assert probe.connection.status_byte(answer_waiting=True) == 16 | 64
