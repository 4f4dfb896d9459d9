"""The status model and the error queue."""

import pytest

from instruments.scpi import Command, Connection, Device, Dialect, ScpiError


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
