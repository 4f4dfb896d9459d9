"""What the DL3021 does by itself: battery discharge, transient, list, extremes.

One program at a time moves the stage's level. Times are the stage's owner's; what is due between
two calls is found at the next.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from instruments.protocols import LoadMode, Trip
from instruments.scpi import ScpiError
from instruments.twins.dl3021_settings import (
    DUTY_PCT,
    LEVEL_A,
    LEVEL_B,
    PERIOD_MS,
    WIDTH_A_MS,
    Settings,
)
from instruments.twins.stage import LoadStage

US_PER_HOUR = 3_600_000_000
FASTEST_US = 4000.0  # chosen: the circuit is solved once a millisecond


@dataclass(slots=True)
class Discharge:
    """Charge, energy and time since a discharge began, while current flows."""

    charge_ah: float = 0.0
    energy_wh: float = 0.0
    time_us: int = 0


@dataclass(slots=True)
class Extremes:
    """The highest and lowest reading since the input was switched on."""

    voltage_v: tuple[float, float] = (0.0, 0.0)
    current_a: tuple[float, float] = (0.0, 0.0)

    def take(self, voltage_v: float, current_a: float) -> None:
        """Widen by one reading."""
        self.voltage_v = min(self.voltage_v[0], voltage_v), max(self.voltage_v[1], voltage_v)
        self.current_a = min(self.current_a[0], current_a), max(self.current_a[1], current_a)


@dataclass(slots=True)
class ListSteps:
    """Level, width in s and slew in A/us of the steps that were changed."""

    levels: dict[int, float] = field(default_factory=dict)
    widths_s: dict[int, float] = field(default_factory=dict)
    slews: dict[int, float] = field(default_factory=dict)


class Programs:
    """Supervises the stage together with the program that moves it."""

    def __init__(
        self,
        stage: LoadStage,
        settings: Settings,
        *,
        now_us: Callable[[], int],
    ) -> None:
        self._stage = stage
        self._settings = settings
        self._now_us = now_us
        self.steps = ListSteps()
        self.discharge = Discharge()
        self.extremes = Extremes()
        self.function = "FIX"
        # The trigger function: armed, it waits; a list that runs has a next step's time.
        self.armed = False
        self._at_a = False
        self._pulse_end_us: int | None = None
        self._half_end_us: int | None = None
        self._step = self._cycle = 0
        self._step_end_us: int | None = None
        self._seen_us = now_us()
        self._was_on = False

    @property
    def list_runs(self) -> bool:
        """Whether a list is on its way through its steps."""
        return self._step_end_us is not None

    # Supervision.

    @property
    def on(self) -> bool:
        """Whether the input is switched on."""
        return self._stage.on

    def disturbed(self) -> bool:
        """Whether a protection or the end of a discharge is to be seen to."""
        discharges = self.function == "BATT" and self._stage.demand.enabled
        return self._stage.disturbed() or (
            discharges and self._discharge_is_over(self._stage.port.voltage_v())
        )

    def settles_in_s(self) -> float:
        """How long the stage still moves after its last change."""
        return self._stage.settles_in_s()

    def due_us(self) -> int | None:
        """When a step, a pulse's end, or the end of a discharge is due."""
        dues = [self._stage.due_us(), self._discharge_due_us()]
        dues += [self._pulse_end_us, self._half_end_us, self._step_end_us]
        return min((due for due in dues if due is not None), default=None)

    def supervise(self) -> None:
        """Count what flowed, take the steps that are due, and see to the stage."""
        self._count()
        self._stage.supervise()
        now_us = self._now_us()
        if self._pulse_end_us is not None and now_us >= self._pulse_end_us:
            # One pulse a trigger: the trigger function ends itself.
            self._pulse_end_us = None
            self.armed = False
            self._go_to(LEVEL_B)
        while self._half_end_us is not None and now_us >= self._half_end_us:
            self._next_half(self._half_end_us)
        while self._step_end_us is not None and now_us >= self._step_end_us:
            self._next_step(self._step_end_us)
        if not self._stage.on:
            self.halt()

    def trip(self, trip: Trip) -> None:
        """Latch a protection and switch off."""
        self._stage.trip(trip)
        self.halt()

    def halt(self) -> None:
        """End what runs; the level stays."""
        self.armed = self._at_a = False
        self._pulse_end_us = self._half_end_us = self._step_end_us = None

    def _count(self) -> None:
        now_us, stage, port = self._now_us(), self._stage, self._stage.port
        port.settle()
        voltage_v = port.voltage_v()
        current_a = port.current_a() if stage.demand.enabled else 0.0
        if stage.on and not self._was_on:
            self.extremes = Extremes((voltage_v, voltage_v), (current_a, current_a))
            if self.function == "BATT":
                self.discharge = Discharge()
            self._seen_us = now_us
        self._was_on = stage.on
        self.extremes.take(voltage_v, current_a)
        gone_us, self._seen_us = now_us - self._seen_us, now_us
        if self.function != "BATT" or not stage.demand.enabled:
            return
        done = self.discharge
        done.charge_ah += current_a * gone_us / US_PER_HOUR
        done.energy_wh += voltage_v * current_a * gone_us / US_PER_HOUR
        done.time_us += gone_us
        if self._discharge_is_over(voltage_v):
            stage.switch(False)

    def _discharge_is_over(self, voltage_v: float) -> bool:
        numbers, switches, done = self._settings.numbers, self._settings.switches, self.discharge
        empty = switches["BATTary:VENabstop"] and voltage_v < numbers["BATTary:VSTop"]
        # The capacity at which it stops is in mAh.
        full = switches["BATTary:CENabstop"] and done.charge_ah * 1e3 >= numbers["BATTary:CSTop"]
        late = switches["BATTary:TENabstop"] and done.time_us >= numbers["BATTary:TIMestop"] * 1e6
        return empty or full or late

    def _discharge_due_us(self) -> int | None:
        if self.function != "BATT" or not self._stage.demand.enabled:
            return None
        settings, done = self._settings, self.discharge
        dues = []
        if settings.switches["BATTary:TENabstop"]:
            dues.append(settings.numbers["BATTary:TIMestop"] * 1e6 - done.time_us)
        current_a = self._stage.port.current_a()
        if settings.switches["BATTary:CENabstop"] and current_a > 0.0:
            left_ah = settings.numbers["BATTary:CSTop"] * 1e-3 - done.charge_ah
            dues.append(left_ah / current_a * US_PER_HOUR)
        # A microsecond later, so that rounding leaves nothing undone.
        return self._seen_us + max(0, round(min(dues))) + 1 if dues else None

    # Triggers.

    def arm(self, on: bool) -> None:
        """The trigger function: on, the load draws level B (or waits with the list)."""
        if not on:
            self.halt()
            return
        if self.function == "FIX":
            if self._stage.mode is not LoadMode.CC:
                raise ScpiError(-221)
            self._go_to(LEVEL_B)
        elif self.function != "LIST":
            raise ScpiError(-221)
        self.armed = True
        self._at_a = False
        # Arming with the input off switches it on, as the guide warns.
        self._stage.switch(True)
        self._was_on = self._stage.on

    def trigger(self) -> None:
        """One trigger: a pulse, the other level, or the list; nothing if it is not armed."""
        if not self.armed:
            return
        if self.function == "LIST":
            self._step, self._cycle = -1, 0
            self._next_step(self._now_us())
        elif self._settings.choices["CURRent:TRANsient:MODE"] == "PULS":
            self._go_to(LEVEL_A)
            width_us = round(self._settings.numbers[WIDTH_A_MS] * 1000)
            self._pulse_end_us = self._now_us() + width_us
        elif self._settings.choices["CURRent:TRANsient:MODE"] == "CONT":
            self._at_a = False
            self._next_half(self._now_us())
        else:
            self._at_a = not self._at_a
            self._go_to(LEVEL_A if self._at_a else LEVEL_B)

    def _next_half(self, start_us: int) -> None:
        """Go on in the stream of A and B; one too fast for the circuit is drawn as its mean."""
        numbers = self._settings.numbers
        period_us = numbers[PERIOD_MS] * 1000
        share = numbers[DUTY_PCT] / 100
        if period_us < FASTEST_US:
            self._half_end_us = None
            self._stage.program(level=share * numbers[LEVEL_A] + (1 - share) * numbers[LEVEL_B])
            return
        self._at_a = not self._at_a
        self._go_to(LEVEL_A if self._at_a else LEVEL_B)
        width_us = period_us * (share if self._at_a else 1 - share)
        self._half_end_us = start_us + max(1, round(width_us))

    def _go_to(self, level: str) -> None:
        self._stage.program(level=self._settings.numbers[level])

    def _next_step(self, start_us: int) -> None:
        numbers = self._settings.numbers
        self._step += 1
        if self._step >= numbers["LIST:STEP"]:
            self._step = 0
            self._cycle += 1
        cycles = numbers["LIST:COUNt"]
        if 0 < cycles <= self._cycle:
            self.halt()
            if self._settings.choices["LIST:END"] == "OFF":
                self._stage.switch(False)
            return
        mode = LoadMode(self._settings.choices["LIST:MODE"])
        self._stage.program(mode=mode, level=self.level(self._step))
        self._step_end_us = start_us + round(self.width_s(self._step) * 1_000_000)

    def level(self, step: int) -> float:
        """A step's level; 2 as delivered."""
        return self.steps.levels.get(step, 2.0)

    def width_s(self, step: int) -> float:
        """A step's time; 1 s as delivered."""
        return self.steps.widths_s.get(step, 1.0)

    def slew(self, step: int) -> float:
        """A step's slew in A/us."""
        return self.steps.slews.get(step, 0.001)
