"""The status model and the error queue."""

import pytest

from instruments.scpi import (
    Command,
    Connection,
    Device,
    Dialect,
    Register,
    ScpiError,
    status_group,
)


class Probe:
    def __init__(self, dialect: Dialect | None = None) -> None:
        self.resets = 0

        def fail(code: int) -> None:
            raise ScpiError(code, "chosen")

        self.device = Device(
            [
                Command(f"FAIL{name}", set=lambda code=code: fail(code))
                for name, code in {"A": -221, "B": -310, "C": 112}.items()
            ],
            identity=lambda: "MAKER,MODEL,1,2",
            reset=self._reset,
            dialect=dialect,
        )
        self.connection = Connection(self.device)

    def _reset(self) -> None:
        self.resets += 1

    def ask(self, text: str) -> str:
        return self.connection.receive(text.encode() + b"\n").decode().strip()


@pytest.fixture
def probe() -> Probe:
    probe = Probe()
    probe.ask("*CLS")
    return probe


def test_errors_are_told_oldest_first(probe: Probe) -> None:
    probe.ask("NOSUCH")
    probe.ask("FAILA")

    assert probe.ask("SYST:ERR?") == '-113,"Undefined header"'
    assert probe.ask("SYST:ERR:NEXT?") == '-221,"chosen"'
    assert probe.ask("SYST:ERR?") == '0,"No error"'


def test_full_queue_keeps_the_oldest_and_ends_in_350(probe: Probe) -> None:
    for _ in range(20):
        probe.ask("NOSUCH")

    errors = [probe.ask("SYST:ERR?") for _ in range(17)]

    assert errors[14] == '-113,"Undefined header"'
    assert errors[15:] == ['-350,"Queue overflow"', '0,"No error"']


def test_clear_status_empties_queue_and_events(probe: Probe) -> None:
    probe.ask("NOSUCH")

    probe.ask("*CLS")

    assert probe.ask("SYST:ERR:COUN?;*ESR?") == "0;0"


@pytest.mark.parametrize(
    ("message", "bit"),
    [("NOSUCH", 32), ("FAILA", 16), ("FAILB", 8), ("FAILC", 8), ("*OPC", 1)],
)
def test_event_register_tells_the_class_of_an_error_once(
    probe: Probe, message: str, bit: int
) -> None:
    probe.ask(message)

    assert (probe.ask("*ESR?"), probe.ask("*ESR?")) == (str(bit), "0")


def test_interrupted_and_unterminated_queries_are_query_errors(probe: Probe) -> None:
    probe.connection.interrupted()
    probe.connection.unterminated()

    assert probe.ask("SYST:ERR?") == '-410,"Query INTERRUPTED"'
    assert probe.ask("SYST:ERR?") == '-420,"Query UNTERMINATED"'
    assert probe.ask("*ESR?") == "4"


def test_power_on_is_in_the_event_register_of_a_fresh_device() -> None:
    assert Probe().ask("*ESR?") == "128"


def test_status_byte_sums_up_errors_events_and_waiting_answers(probe: Probe) -> None:
    probe.ask("*ESE 32")
    probe.ask("NOSUCH")

    assert probe.ask("*STB?") == str(4 | 32)
    assert probe.ask("*OPC?;*STB?") == f"1;{4 | 16 | 32}"


def test_service_is_requested_only_for_enabled_bits(probe: Probe) -> None:
    probe.ask("NOSUCH")
    probe.ask("*SRE 32")
    assert probe.ask("*STB?") == "4"

    probe.ask("*SRE 4")

    assert probe.ask("*STB?") == str(4 | 64)


def test_enables_are_read_back(probe: Probe) -> None:
    probe.ask("*ESE 60;*SRE 160")

    assert probe.ask("*ESE?;*SRE?") == "60;160"


def test_questionable_event_latches_a_rising_edge_until_read(probe: Probe) -> None:
    probe.ask("STAT:QUES:ENAB 1")
    probe.device.status.questionable.update(1)
    probe.device.status.questionable.update(0)

    assert probe.ask("STAT:QUES:COND?") == "0"
    assert probe.ask("*STB?") == "8"
    assert (probe.ask("STAT:QUES?"), probe.ask("STAT:QUES:EVEN?")) == ("1", "0")


def test_transition_filters_choose_the_edge(probe: Probe) -> None:
    probe.ask("STAT:OPER:PTR 0;NTR 1;ENAB 1")
    probe.device.status.operation.update(1)
    assert probe.ask("*STB?") == "0"

    probe.device.status.operation.update(0)

    assert probe.ask("*STB?") == "128"


def test_status_preset_disables_events(probe: Probe) -> None:
    probe.ask("STAT:QUES:ENAB 7;NTR 7")

    probe.ask("STAT:PRES")

    assert probe.ask("STAT:QUES:ENAB?;NTR?;PTR?") == "0;0;32767"


def test_common_commands_answer(probe: Probe) -> None:
    probe.ask("*RST;*WAI")

    assert probe.ask("*IDN?;*OPC?;*TST?") == "MAKER,MODEL,1,2;1;0"
    assert probe.resets == 1


def test_dialect_sets_the_terminator() -> None:
    probe = Probe(Dialect(terminator=b"\r\n"))

    assert probe.connection.receive(b"*OPC?\n") == b"1\r\n"


@pytest.mark.parametrize(
    ("rising", "falling", "conditions", "events"),
    [
        (1, 0, (1,), 1),
        (1, 0, (1, 0), 1),
        (0, 1, (1,), 0),
        (0, 1, (1, 0), 1),
        (1, 1, (1, 0), 1),
        (0, 0, (1, 0), 0),
        (3, 0, (1, 2), 3),
        (2, 1, (1, 2), 3),
        (1, 0, (1, 1, 1), 1),
        (0x4000, 0, (0x4000,), 0x4000),
    ],
)
def test_event_is_an_edge_that_its_filter_lets_through(
    probe: Probe, rising: int, falling: int, conditions: tuple[int, ...], events: int
) -> None:
    probe.ask(f"STAT:QUES:PTR {rising};NTR {falling}")

    for condition in conditions:
        probe.device.status.questionable.update(condition)

    assert probe.ask("STAT:QUES?") == str(events)
    assert probe.ask("STAT:QUES:COND?") == str(conditions[-1])


def test_changing_a_filter_makes_no_event_of_a_standing_condition(probe: Probe) -> None:
    probe.ask("STAT:QUES:PTR 0")
    probe.device.status.questionable.update(1)

    probe.ask("STAT:QUES:PTR 1")

    assert probe.ask("STAT:QUES?") == "0"


def test_event_that_was_read_comes_again_only_with_the_next_edge(probe: Probe) -> None:
    register = probe.device.status.questionable
    register.update(1)
    probe.ask("STAT:QUES?")
    register.update(1)
    assert probe.ask("STAT:QUES?") == "0"

    register.update(0)
    register.update(1)

    assert probe.ask("STAT:QUES?") == "1"


@pytest.mark.parametrize(
    ("prepare", "bit"),
    [
        ("NOSUCH", 4),
        ("STAT:QUES:ENAB 2", 8),
        ("*ESE 1;*OPC", 32),
        ("STAT:OPER:ENAB 2", 128),
    ],
    ids=["EAV", "QUES", "ESB", "OPER"],
)
def test_each_summary_has_its_bit_of_the_status_byte(probe: Probe, prepare: str, bit: int) -> None:
    probe.ask(prepare)
    probe.device.status.questionable.update(2)
    probe.device.status.operation.update(2)

    assert int(probe.ask("*STB?")) == bit


@pytest.mark.parametrize("bit", [4, 8, 32, 128])
def test_every_enabled_summary_requests_service(probe: Probe, bit: int) -> None:
    probe.ask("STAT:QUES:ENAB 1;:STAT:OPER:ENAB 1")
    probe.ask("*ESE 1;*OPC;NOSUCH")
    probe.device.status.questionable.update(1)
    probe.device.status.operation.update(1)
    probe.ask(f"*SRE {bit}")

    assert int(probe.ask("*STB?")) & 64

    probe.ask("*SRE 0")

    assert not int(probe.ask("*STB?")) & 64


def test_service_request_enable_has_no_bit_6(probe: Probe) -> None:
    probe.ask("*SRE 255")

    assert probe.ask("*SRE?") == "191"


def test_registers_have_no_bit_15(probe: Probe) -> None:
    probe.ask("STAT:QUES:ENAB 65535;PTR 65535;NTR 65535")

    assert probe.ask("STAT:QUES:ENAB?;PTR?;NTR?") == "32767;32767;32767"


@pytest.mark.parametrize(("text", "value"), [("#H1F", "31"), ("1.5", "2"), ("2.5E1", "25")])
def test_mask_is_any_number_and_rounded(probe: Probe, text: str, value: str) -> None:
    probe.ask(f"*ESE {text}")

    assert probe.ask("*ESE?") == value


def test_status_byte_is_not_changed_by_being_read(probe: Probe) -> None:
    probe.ask("NOSUCH")

    assert (probe.ask("*STB?"), probe.ask("*STB?")) == ("4", "4")


def test_clear_status_leaves_enables_and_conditions(probe: Probe) -> None:
    probe.ask("*ESE 4;*SRE 8;:STAT:QUES:ENAB 16")
    probe.device.status.questionable.update(16)

    probe.ask("*CLS")

    assert probe.ask("*ESE?;*SRE?;:STAT:QUES:ENAB?;COND?;:STAT:QUES?") == "4;8;16;16;0"


def test_status_preset_leaves_standard_enables_errors_and_events(probe: Probe) -> None:
    probe.ask("*ESE 4;*SRE 8;NOSUCH")
    probe.device.status.questionable.update(1)

    probe.ask("STAT:PRES")

    assert probe.ask("*ESE?;*SRE?;:STAT:QUES?") == "4;8;1"
    assert probe.ask("SYST:ERR:COUN?") == "1"


def test_models_own_group_is_read_cleared_and_preset_with_the_others() -> None:
    own = Register()
    device = Device(
        status_group("STATus:SECond:QUEStionable", own),
        identity=lambda: "M,M,1,2",
        reset=lambda: None,
    )
    device.status.others.append(own)
    connection = Connection(device)
    own.update(1)

    first = connection.receive(b"STAT:SEC:QUES:COND?;EVEN?\n")
    own.update(0)
    own.update(1)
    connection.receive(b"STAT:SEC:QUES:ENAB 1;:STAT:PRES;*CLS\n")

    assert first == b"1;1\n"
    assert connection.receive(b"STAT:SEC:QUES:ENAB?;EVEN?\n") == b"0;0\n"


def test_overflowing_queue_is_a_device_error_too(probe: Probe) -> None:
    for _ in range(16):
        probe.ask("NOSUCH")
    assert probe.ask("*ESR?") == "32"

    probe.ask("NOSUCH")

    assert probe.ask("*ESR?") == str(32 | 8)


def test_queue_that_overflowed_takes_errors_again_when_there_is_room(probe: Probe) -> None:
    for _ in range(20):
        probe.ask("NOSUCH")
    probe.ask("SYST:ERR?")

    probe.ask("FAILA")
    errors = [probe.ask("SYST:ERR?") for _ in range(17)]

    assert errors[14:] == ['-350,"Queue overflow"', '-221,"chosen"', '0,"No error"']


@pytest.mark.parametrize("length", [1, 5, 20])
def test_dialect_sets_the_length_of_the_queue(length: int) -> None:
    probe = Probe(Dialect(queue_length=length))

    for _ in range(30):
        probe.ask("NOSUCH")

    assert probe.ask("SYST:ERR:COUN?") == str(length)


def test_error_of_an_error_query_is_not_lost(probe: Probe) -> None:
    probe.ask("SYST:ERR? 5")

    assert probe.ask("SYST:ERR?") == '-108,"Parameter not allowed"'


def test_operation_complete_query_answers_and_sets_no_event(probe: Probe) -> None:
    assert probe.ask("*OPC?") == "1"
    assert probe.ask("*ESR?") == "0"
