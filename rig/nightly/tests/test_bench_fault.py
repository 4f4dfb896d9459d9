import pytest

from instruments.protocols import InstrumentLost, InstrumentTimeout, OutsideRating
from rig.errors import (
    BenchError,
    BenchFileError,
    FaultRefused,
    NotOnThisBench,
    NotReady,
    Unmet,
)
from rig.story import is_bench_fault


@pytest.mark.parametrize(
    "error", [BenchError("no hub"), InstrumentTimeout("load"), InstrumentLost("supply")]
)
def test_what_bench_and_instruments_do_may_be_repeated(error):
    assert is_bench_fault(error)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(Unmet("it opened early"), id="the device"),
        pytest.param(NotReady("it did not start"), id="an arrangement: the device may be why"),
        pytest.param(ValueError("ours"), id="a programming error"),
        pytest.param(BenchFileError("roles.load"), id="a bench file"),
        pytest.param(FaultRefused("no such fault"), id="a fault that cannot be"),
        pytest.param(OutsideRating("100 V"), id="a value that the instrument cannot take"),
        pytest.param(KeyboardInterrupt(), id="somebody stopped it"),
        pytest.param(None, id="a pass"),
    ],
)
def test_nothing_else_is(error):
    assert not is_bench_fault(error)


def test_what_is_not_on_this_bench_is_no_broken_attempt_to_begin_with():
    assert issubclass(NotOnThisBench, BenchError)  # its verdict is NOT RUN, judged before this
