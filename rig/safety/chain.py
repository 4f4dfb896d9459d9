"""The bench's own interlock as wires: one relay of the DAQ, the stop, and what they hold off.

    24 V - emergency stop - relay 201 - inhibit inputs of supply and load (- contactor's coil)

Whoever opens it anywhere switches every output off, and none goes on while it is open; software
opens it, and sees it, but nothing of what it does runs through software. The channels are chosen:
the first relay of the actuator card, the last two inputs of the multiplexer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rig.clock import monotonic_us
from rig.safety.spec import Sense

INTERLOCK_RELAY, STOP_CHANNEL, CURRENT_CHANNEL = 201, 320, 319
VOLTS_PER_AMPERE = 0.01  # chosen: a transducer of 1000 A for 10 V
CHAIN_V = 24.0
AS_WIRED = Sense(
    interlock_relay=INTERLOCK_RELAY,
    stop_channel=STOP_CHANNEL,
    current_channel=CURRENT_CHANNEL,
    current_v_per_a=VOLTS_PER_AMPERE,
)


class Stage(Protocol):
    """What can be inhibited."""

    on_change: Callable[[], None] | None

    @property
    def on(self) -> bool:
        """Whether its terminals are switched on."""
        ...

    def switch(self, on: bool) -> None:
        """Switch them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When something was switched, by the clock that all processes of the machine share."""

    time_us: int
    what: str
    on: bool


class Chain:
    """The wires themselves; to the DAQ it is its relays."""

    def __init__(
        self,
        stages: Sequence[tuple[str, Stage]],
        coil: Callable[[bool], None] = lambda _on: None,
        now_us: Callable[[], int] = monotonic_us,
    ) -> None:
        """``coil``: what else the chain feeds, such as a contactor."""
        self._stages, self._coil, self._now_us = dict(stages), coil, now_us
        self._was_on = {name: stage.on for name, stage in stages}
        self._relay = False
        self.pressed = False
        self.moments: list[Moment] = []
        for name, stage in stages:
            stage.on_change = self._after(name, stage, stage.on_change)

    @property
    def closed(self) -> bool:
        """Whether outputs may be on."""
        return self._relay and not self.pressed

    def read(self, line: int) -> bool:
        """Whether a relay of the DAQ is closed."""
        return line == INTERLOCK_RELAY and self._relay

    def drive(self, line: int, level: bool) -> None:
        """The DAQ closes or opens a relay."""
        if line == INTERLOCK_RELAY:
            self._relay = level
            self._moved()

    def press(self, pressed: bool) -> None:
        """Somebody presses the stop, or pulls it out again."""
        self.pressed = pressed
        self._moved()

    def _moved(self) -> None:
        self.moments.append(Moment(time_us=self._now_us(), what="interlock", on=self.closed))
        if not self.closed:
            for stage in self._stages.values():
                stage.switch(False)
        self._coil(self.closed)

    def _after(
        self, name: str, stage: Stage, before: Callable[[], None] | None
    ) -> Callable[[], None]:
        """What a stage calls when it may have changed: note it, and inhibit it."""

        def changed() -> None:
            if before is not None:
                before()
            if stage.on is not self._was_on[name]:
                self._was_on[name] = stage.on
                self.moments.append(Moment(time_us=self._now_us(), what=name, on=stage.on))
            if stage.on and not self.closed:
                stage.switch(False)

        return changed


class Sensing:
    """The DAQ's multiplexer with the chain's voltage and the transducer on it."""

    def __init__(self, others: Any, chain: Chain, current_a: Callable[[], float]) -> None:
        self._others, self._chain, self._current_a = others, chain, current_a

    def read_v(self, channel: int) -> float:
        """The voltage at a channel."""
        if channel == STOP_CHANNEL:
            return 0.0 if self._chain.pressed else CHAIN_V
        if channel == CURRENT_CHANNEL:
            return VOLTS_PER_AMPERE * self._current_a()
        return float(self._others.read_v(channel))
