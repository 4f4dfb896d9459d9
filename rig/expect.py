"""Expectations: what a scenario claims of the device, and the evidence that it held.

The only place that raises `Unmet`. A claim is on a signal over time (becomes, stays, never, is) or
on a measured number (measure). A numeric claim whose limit lies inside the uncertainty is
INCONCLUSIVE: it is recorded as such and does not fail.
"""

import asyncio
import contextvars
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Generic, NoReturn, Protocol, TypeVar

from rig.errors import BenchError, Unmet
from rig.kernel import Kernel, kernel_of_the_run, show_time
from rig.signal import FINEST_US, Sample, Signal

T = TypeVar("T")
POLLS_OF_A_WAIT = 1000  # a long wait is watched this finely, never finer than an instrument can
COARSEST_US = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A measured number with its limits; ``uncertainty`` is k = 2, in the same unit."""

    name: str
    value: float
    unit: str
    low: float | None
    high: float | None
    uncertainty: float
    verdict: str
    time_us: int


class Witness(Protocol):
    """Who keeps the evidence of one attempt: expectations with their outcome, measurements."""

    item: str

    def expectation(
        self, what: str, text: str, *, met: bool, measurement: Measurement | None
    ) -> None:
        """One claim was judged."""
        ...


witness: contextvars.ContextVar[Witness | None] = contextvars.ContextVar("witness", default=None)


class Condition(Generic[T]):
    """A value that is wanted, or a described predicate."""

    def __init__(self, text: str, holds: Callable[[T], bool]) -> None:
        self.text, self.holds = text, holds


def above(limit: float) -> Condition[Any]:
    """Greater than ``limit``; nothing where there is no value."""
    return Condition(f"above {limit:g}", lambda value: value is not None and value > limit)


def below(limit: float) -> Condition[Any]:
    """Less than ``limit``; nothing where there is no value."""
    return Condition(f"below {limit:g}", lambda value: value is not None and value < limit)


def between(low: float, high: float) -> Condition[Any]:
    """From ``low`` to ``high``, both included."""
    return Condition(
        f"{low:g} to {high:g}", lambda value: value is not None and low <= value <= high
    )


def other_than(unwanted: Any) -> Condition[Any]:
    """Anything but ``unwanted``."""
    return Condition(f"other than {unwanted!r}", lambda value: value != unwanted)


def with_bit(bit: int) -> Condition[Any]:
    """A word with this bit set, counted from 0."""
    return Condition(
        f"a word with bit {bit}", lambda value: value is not None and int(value) >> bit & 1 == 1
    )


def without_bit(bit: int) -> Condition[Any]:
    """A word with this bit clear, counted from 0."""
    return Condition(
        f"a word without bit {bit}", lambda value: value is not None and int(value) >> bit & 1 == 0
    )


def _condition(wanted: Any) -> Condition[Any]:
    if isinstance(wanted, Condition):
        return wanted
    return Condition(_show(wanted), lambda value: value == wanted)


def _show(value: Any) -> str:
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def chosen(value: T, reason: str) -> T:
    """A number of the project's own choice in a scenario, with the reason for it."""
    if not reason:
        raise ValueError("a chosen value needs its reason")
    return value


class Expectation(Generic[T]):
    """Claims on one signal."""

    def __init__(self, signal: Signal[T], key: str) -> None:
        self._signal, self._key = signal, key

    async def becomes(self, wanted: Any, *, within: int, after: int = 0) -> int:
        """The signal takes the value within the time, and not before ``after`` (microseconds).

        Returns the delay in microseconds; where ``after`` is given it is a measurement whose
        uncertainty is the interval at which the signal is read.
        """
        condition, start_us = _condition(wanted), _kernel().now_us
        resolution_us = _resolution(within)
        sample = await self._wait(condition.holds, start_us + within, resolution_us)
        late_us = resolution_us if self._signal.is_polled else 0
        if sample is None:
            self._unmet(
                f"did not become {condition.text} within {show_time(within)}, {self._last()}"
            )
        # On the wall clock a device may have been quicker than this was to look for it.
        delay_us = max(0, sample.time_us - start_us)
        if delay_us < after:
            self._unmet(
                f"became {condition.text} after {show_time(delay_us)}, "
                f"expected {show_time(after)} to {show_time(within)}"
            )
        measurement = None
        if after:
            verdict = "PASS" if delay_us - late_us >= after else "INCONCLUSIVE"
            measurement = Measurement(
                name=f"{self._signal.name} {condition.text}",
                value=delay_us / 1e6,
                unit="s",
                low=after / 1e6,
                high=within / 1e6,
                uncertainty=late_us / 1e6,
                verdict=verdict,
                time_us=_kernel().now_us,
            )
        self._met(f"became {condition.text} after {show_time(delay_us)}", measurement)
        return delay_us

    async def stays(self, wanted: Any, *, for_: int) -> None:
        """The signal has the value now and keeps it for the time."""
        condition, start_us = _condition(wanted), _kernel().now_us
        now = await self._signal.read() if self._signal.is_polled else self._signal.latest
        if now is None or not condition.holds(now.value):
            self._unmet(f"was not {condition.text} to begin with, {self._last()}")
        broken = await self._wait(
            lambda value: not condition.holds(value), start_us + for_, _resolution(for_)
        )
        if broken is not None:
            self._unmet(
                f"became {_show(broken.value)} after {show_time(broken.time_us - start_us)}, "
                f"expected {condition.text} for {show_time(for_)}"
            )
        self._met(f"stayed {condition.text} for {show_time(for_)}", None)

    async def never(self, unwanted: Any, *, for_: int) -> None:
        """The signal does not take the value within the time; it may have no value at all."""
        condition, start_us = _condition(unwanted), _kernel().now_us
        sample = await self._wait(condition.holds, start_us + for_, _resolution(for_))
        if sample is not None:
            self._unmet(
                f"became {condition.text} after {show_time(sample.time_us - start_us)}, "
                f"expected never within {show_time(for_)}"
            )
        self._met(f"never became {condition.text} in {show_time(for_)}", None)

    async def is_(self, wanted: Any) -> None:
        """The signal has the value now; one that was never told fails."""
        condition = _condition(wanted)
        sample = await self._signal.read() if self._signal.is_polled else self._signal.latest
        if sample is None or not condition.holds(sample.value):
            self._unmet(f"is not {condition.text}, {self._last()}")
        self._met(f"is {condition.text}", None)

    async def _wait(
        self, holds: Callable[[T], bool], until_us: int, resolution_us: int
    ) -> Sample[T] | None:
        """The first sample for which ``holds``, now or until the time; None if there is none."""
        signal = self._signal
        if signal.is_polled:
            await signal.read()
        latest = signal.latest
        if latest is not None and holds(latest.value):
            return Sample(_kernel().now_us, latest.value)
        future: asyncio.Future[Sample[T]] = asyncio.get_running_loop().create_future()

        def look(sample: Sample[T]) -> None:
            if not future.done() and holds(sample.value):
                future.set_result(sample)

        def failed(error: Exception) -> None:
            if not future.done():
                future.set_exception(BenchError(f"{signal.name} cannot be read: {error}"))

        signal.watch(look, resolution_us, failed)
        try:
            async with asyncio.timeout(max(0, until_us - _kernel().now_us) / 1e6):
                found = await future
        except TimeoutError:
            return None
        finally:
            signal.unwatch(look)
        # On the wall clock what ends the wait may be late itself, and then this is.
        return found if found.time_us <= until_us else None

    def _last(self) -> str:
        latest = self._signal.latest
        if latest is None:
            return "it was never told"
        return f"last {_show(latest.value)} {self._signal.unit}".rstrip()

    def _met(self, text: str, measurement: Measurement | None) -> None:
        _tell(self._signal.name, text, met=True, measurement=measurement)

    def _unmet(self, text: str) -> NoReturn:
        _fail(self._signal.name, text, self._key, None)


class _Expect:
    """`expect(signal)` claims on a signal; `expect.measure(...)` on a number."""

    def __call__(self, signal: Signal[T]) -> Expectation[T]:
        return Expectation(signal, _caller())

    def measure(
        self,
        name: str,
        value: float,
        unit: str,
        *,
        low: float | None = None,
        high: float | None = None,
        uncertainty: float = 0.0,
    ) -> None:
        """The number lies between the limits (simple acceptance); NaN lies nowhere.

        A value whose distance to a limit is within the uncertainty is INCONCLUSIVE.
        Raises ValueError without any limit.
        """
        if low is None and high is None:
            raise ValueError(f"{name}: a measurement without a limit claims nothing")
        below_it = low is not None and not value >= low
        above_it = high is not None and not value <= high
        near = any(limit is not None and abs(value - limit) < uncertainty for limit in (low, high))
        verdict = "INCONCLUSIVE" if near else "FAIL" if below_it or above_it else "PASS"
        measurement = Measurement(
            name=name,
            value=value,
            unit=unit,
            low=low,
            high=high,
            uncertainty=uncertainty,
            verdict=verdict,
            time_us=_kernel().now_us,
        )
        limits = " to ".join("..." if limit is None else f"{limit:g}" for limit in (low, high))
        space = " " if unit else ""
        text = f"is {value:g}{space}{unit}, expected {limits}{space}{unit}"
        if verdict == "FAIL":
            _fail(name, text, _caller(), measurement)
        _tell(name, text, met=True, measurement=measurement)

    def that(self, claim: str, *, holds: bool) -> None:
        """A claim that is none of a signal or a number, as a sentence."""
        if not holds:
            _fail("not so:", claim, _caller(), None)
        _tell("", claim, met=True, measurement=None)


expect = _Expect()


def _kernel() -> Kernel:
    return kernel_of_the_run()


def _resolution(span_us: int) -> int:
    return min(max(FINEST_US, span_us // POLLS_OF_A_WAIT), COARSEST_US)


def _caller() -> str:
    """File and line of the claim in the scenario, so that the same claim is known again."""
    frame = inspect.stack(context=0)[2].frame
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def _tell(what: str, text: str, *, met: bool, measurement: Measurement | None) -> None:
    keeper = witness.get()
    if keeper is not None:
        keeper.expectation(what, text, met=met, measurement=measurement)


def _fail(what: str, text: str, key: str, measurement: Measurement | None) -> NoReturn:
    _tell(what, text, met=False, measurement=measurement)
    keeper = witness.get()
    item = keeper.item if keeper is not None else "?"
    raise Unmet(f"{item}: {what} {text} (t = {show_time(_kernel().now_us)})", key)
