"""The trigger system of a Truevolt meter: from idle to waiting to readings."""

from collections.abc import Callable
from math import inf

from instruments.scpi import Boolean, Choice, Command, Extreme, Number, ScpiError, setting
from instruments.twins.acquisition import Acquisition
from instruments.twins.truevolt_parts import exponent

MOST = 1_000_000_000
# chosen: what the automatic trigger delay comes to on the usual ranges.
AUTOMATIC_DELAY_S = 0.0015
INFINITE = frozenset({"INF", "INFINITY"})


class _Count:
    """A whole number of triggers, or INF."""

    optional = False
    number = Number(low=1, high=MOST, default=1, whole=True)

    def parse(self, token: str) -> float:
        """Read it."""
        return inf if token.upper() in INFINITE else float(self.number.parse(token))


class Triggering:
    """Sources, counts and delays; ``seconds`` is how long one reading takes."""

    def __init__(self, memory: Acquisition, seconds: Callable[[], float]) -> None:
        self._memory = memory
        self._seconds = seconds
        self.reset()

    def reset(self) -> None:
        """Set everything as after power-on; what is being measured ends."""
        self.waiting = False
        self._memory.abort()
        self.source = "IMM"
        self.count = 1.0
        self.samples = 1.0
        self.delay_s: float | None = None
        self.slope = "NEG"
        self.level = 0.0
        self.sample_source = "IMM"
        self.sample_interval_s = 1.0
        self.pretrigger = 0.0
        self.out_slope = "NEG"

    def abort(self) -> None:
        """Go back to idle; readings stay."""
        self.waiting = False
        self._memory.abort()

    def require_finite(self) -> None:
        """Refuse what would never come to an end, or never begin."""
        if self.source != "IMM":
            raise ScpiError(-214)
        if self.count == inf:
            raise ScpiError(-221)

    def initiate(self) -> None:
        """Leave idle: measure at once, or wait for the trigger."""
        if self.waiting or self._memory.running:
            raise ScpiError(-213)
        self._memory.clear()
        if self.source == "IMM":
            self._run(self.count * self.samples)
        else:
            self.waiting = True

    def bus(self) -> None:
        """Take the trigger that ``*TRG`` is."""
        if not self.waiting or self.source != "BUS":
            raise ScpiError(-211)
        self.waiting = False
        self._run(self.samples)

    def _run(self, count: float) -> None:
        delay_s = AUTOMATIC_DELAY_S if self.delay_s is None else self.delay_s
        seconds = self._seconds() + delay_s
        if self.sample_source == "TIM":
            seconds = max(seconds, self.sample_interval_s)
        self._memory.start(count, seconds)

    def commands(self) -> list[Command]:
        """INITiate, ABORt, TRIGger, SAMPle and OUTPut."""

        def automatic(on: bool) -> None:
            self.delay_s = None if on else AUTOMATIC_DELAY_S

        def delay() -> float:
            return AUTOMATIC_DELAY_S if self.delay_s is None else self.delay_s

        def set_delay(value: float) -> None:
            self.delay_s = value

        count = _Count()
        samples = Number(low=1, high=MOST, default=1, whole=True)
        return [
            Command("INITiate[:IMMediate]", set=self.initiate),
            Command("ABORt", set=self.abort),
            self._word("TRIGger:SOURce", "source", "IMMediate", "BUS", "EXTernal", "INTernal"),
            self._word("TRIGger:SLOPe", "slope", "POSitive", "NEGative"),
            self._number(
                "TRIGger:LEVel", "level", Number(low=-1e9, high=1e9, default=0.0), exponent
            ),
            Command(
                "TRIGger:COUNt",
                set=lambda value: setattr(self, "count", value),
                params=(count,),
                query=lambda bound: _counted(self.count if bound is None else bound),
                query_params=(Extreme(count.number),),
            ),
            setting(
                "TRIGger:DELay",
                Number(unit="S", low=0.0, high=3600.0, default=1.0),
                set_delay,
                delay,
                exponent,
            ),
            Command(
                "TRIGger:DELay:AUTO",
                set=automatic,
                params=(Boolean(),),
                query=lambda: str(int(self.delay_s is None)),
            ),
            self._number("SAMPle:COUNt", "samples", samples, "{:+.0f}".format),
            self._number(
                "SAMPle:COUNt:PRETrigger",
                "pretrigger",
                Number(low=0, high=MOST, default=0, whole=True),
                "{:+.0f}".format,
            ),
            self._word("SAMPle:SOURce", "sample_source", "IMMediate", "TIMer"),
            self._number(
                "SAMPle:TIMer",
                "sample_interval_s",
                Number(unit="S", low=20e-6, high=3600.0, default=1.0),
                exponent,
            ),
            self._word("OUTPut:TRIGger:SLOPe", "out_slope", "POSitive", "NEGative"),
        ]

    def _word(self, header: str, name: str, *of: str) -> Command:
        return Command(
            header,
            set=lambda value: setattr(self, name, value),
            params=(Choice(of=of),),
            query=lambda: str(getattr(self, name)),
        )

    def _number(
        self, header: str, name: str, kind: Number, show: Callable[[float], str]
    ) -> Command:
        return setting(
            header,
            kind,
            lambda value: setattr(self, name, value),
            lambda: float(getattr(self, name)),
            show,
        )


def _counted(count: float) -> str:
    return exponent(9.9e37 if count == inf else count)
