"""What a log shows of how the system is operated: started, stopped, loaded, charged, disturbed.

A button is not on any bus. It is taken to have been pressed where the device changes its state as
it does for a button, unless a command of another device came just before.
"""

import struct
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Self

from rig.can.frame import header_of
from rig.replay.excerpt import Entry, Excerpt
from rig.replay.observe import PRIVATE, VE_CAN, Observer, Wanted
from rig.replay.stimulus import Kind, Step

STANDBY, RUNNING, ERROR, SHUTTING_DOWN = 14, 9, 10, 12  # public: register 0x0371
STARTING = frozenset({4, 5, 15, 16})
INTERLOCK, EMERGENCY = 37, 38  # public: register 0x2101
DEVICE_MODE, RESTART, CURRENT = 0x0200, 0x0379, 0xED8F
CHARGING, DISCHARGING = 4, 5  # bits of 0x2100
BATTERY_STATUS, CLAIM, VREG = 127508, 60928, 61184
NO_CURRENT = 0x7FFF
# Chosen: a finger's 0.2 s, the debouncing, and what a bench takes to press it.
PRESSED_BEFORE_US = 160_000
COMMANDED_US = 1_500_000  # chosen: a command is obeyed within
MOVES_A, MOVES_SHARE = 0.4, 0.02  # chosen: what matters of a current
FLOWS_A = 0.3  # chosen: below it is the device's own
BACK_US = 2_000_000  # chosen: a current is told every 1.5 s: its flags tell it sooner
NOISE_ERRORS, NOISE_US = 2, 3_500_000  # chosen: so many error frames so close are a disturbance
CELL_V = 3.3  # chosen: if no voltage was told


@dataclass(slots=True)
class Operation:
    """How the system was operated in an excerpt."""

    runs: bool = True
    """Whether it runs at the beginning."""
    assumed: list[str] = field(default_factory=list)
    changes: list[tuple[int, Step]] = field(default_factory=list)
    _states: list[tuple[int, int]] = field(default_factory=list)
    _errors: list[tuple[int, int]] = field(default_factory=list)
    _flags: list[tuple[int, int]] = field(default_factory=list)
    _currents: list[tuple[int, float]] = field(default_factory=list)
    _commands: list[int] = field(default_factory=list)
    _noise: list[int] = field(default_factory=list)
    _voltage_v: float = 0.0

    @classmethod
    def of(cls, excerpt: Excerpt, begin_us: int, end_us: int) -> Self:
        """What an excerpt shows from `begin_us` to `end_us`."""
        found = cls()
        found._read(excerpt, end_us)
        found._states_to_steps(begin_us)
        found._errors_to_steps(begin_us)
        found._currents_to_steps(begin_us)
        found._noise_to_steps(begin_us)
        return found

    def _read(self, excerpt: Excerpt, end_us: int) -> None:
        observer = Observer(Wanted(signals=frozenset({"flags"})), excerpt.address)
        for entry in (*excerpt.earlier, *excerpt.entries):
            if entry.t_us >= end_us:
                break
            if entry.error:
                if entry.bus == VE_CAN:
                    self._noise.append(entry.t_us)
                continue
            observer.take(entry.t_us, entry.bus, entry.can_id, entry.extended, entry.data)
            self._follow(entry.t_us, observer)
            if entry.bus == VE_CAN and entry.extended:
                self._ve_can(entry, excerpt.address)
        if observer.values.get("state") is None:
            self.assumed.append(
                "the state was not told: it is taken to run"
                if observer.on_since_us is not None or PRIVATE in excerpt.buses
                else "the device tells nothing: it is taken to run"
            )

    def _follow(self, t_us: int, observer: Observer) -> None:
        values = observer.values
        for name, told in (
            ("state", self._states),
            ("error", self._errors),
            ("flags", self._flags),
        ):
            value = values.get(name)
            if isinstance(value, int | float) and (not told or told[-1][1] != value):
                told.append((t_us, int(value)))

    def _ve_can(self, entry: Entry, address: int) -> None:
        header, data = header_of(entry.can_id), entry.data
        if header.source == address:
            if header.pgn == BATTERY_STATUS and len(data) >= 5 and data[0] == 0:
                raw_v, raw_a = struct.unpack_from("<Hh", data, 1)
                if raw_v != 0xFFFF:
                    self._voltage_v = max(self._voltage_v, raw_v / 100)
                if raw_a != NO_CURRENT:
                    self._currents.append((entry.t_us, raw_a / 10))
            elif header.pgn == VREG and len(data) >= 6 and data[:2] == b"\x66\x99":
                register = data[2] | data[3] << 8
                raw_a = struct.unpack_from("<h", data, 4)[0]
                if register == CURRENT and raw_a != NO_CURRENT:
                    self._currents.append((entry.t_us, raw_a / 10))
        elif header.pgn == VREG and header.destination == address and len(data) >= 5:
            commands = (data[2] | data[3] << 8) in {DEVICE_MODE, RESTART}
            self._commands += [entry.t_us] if commands else []

    def _states_to_steps(self, begin_us: int) -> None:
        """Where it starts, and every press of the button that its states tell of."""
        before = [state for t_us, state in self._states if t_us <= begin_us]
        now = before[-1] if before else RUNNING
        if not before and self._states and self._states[0][1] in {STANDBY, *STARTING}:
            now = STANDBY
        self.runs = now in {RUNNING, SHUTTING_DOWN}
        if before and now in STARTING:
            self.changes.append((begin_us, Step(0, Kind.PRESS)))
            self.assumed.append("at the beginning it is starting: it is started then")
        elif now not in {RUNNING, STANDBY}:
            self.assumed.append(
                f"at the beginning it is in state {now}: it is taken to "
                f"{'run' if self.runs else 'be in standby'}"
            )
        state = RUNNING if self.runs else STANDBY
        for t_us, after in self._states:
            if t_us <= begin_us:
                continue
            if self._is_pressed(state, after) and not self._is_commanded(t_us):
                presses = 2 if (state, after) == (SHUTTING_DOWN, RUNNING) else 1
                for index in range(presses):
                    at_us = t_us - PRESSED_BEFORE_US - 400_000 * index
                    self.changes.append((max(begin_us, at_us), Step(0, Kind.PRESS)))
            state = after

    @staticmethod
    def _is_pressed(before: int, after: int) -> bool:
        match before, after:
            case (14, 4) | (14, 5) | (14, 16) | (9, 12) | (9, 14) | (10, 14) | (12, 9) | (15, 12):
                return True
            case (12, _) if after in STARTING:
                return True  # it was in standby between; the frame that told so was missed
            case _:
                return before in STARTING and after == STANDBY

    def _is_commanded(self, t_us: int) -> bool:
        index = bisect_left(self._commands, t_us - COMMANDED_US)
        return index < len(self._commands) and self._commands[index] <= t_us

    def _errors_to_steps(self, begin_us: int) -> None:
        """Two inputs that only an error tells of."""
        for t_us, error in self._errors:
            at_us = t_us - PRESSED_BEFORE_US
            if t_us > begin_us and error == INTERLOCK:
                self.changes.append((at_us, Step(0, Kind.INTERLOCK, (("closed", False),))))
            elif t_us > begin_us and error == EMERGENCY:
                self.changes.append((at_us, Step(0, Kind.EMERGENCY, (("pressed", True),))))

    def _currents_to_steps(self, begin_us: int) -> None:
        """The current, as far as it moves; from when its flags tell of it."""
        voltage_v = self._voltage_v or 8 * CELL_V
        before_a = 0.0
        for t_us, current_a in sorted(self._currents):
            now_a = current_a if abs(current_a) >= FLOWS_A else 0.0
            if abs(now_a - before_a) < max(MOVES_A, MOVES_SHARE * abs(before_a)):
                continue
            if now_a == 0.0 and self._opened(t_us):
                before_a = 0.0  # it is the contactor that ends it, not what stands behind
                continue
            arguments = ("current_a", now_a), ("voltage_v", voltage_v)
            step = Step(0, Kind.FLOW, arguments)
            at_us = self._began(t_us, before_a, now_a)
            if at_us <= begin_us:
                self.changes = [each for each in self.changes if each[1].kind is not Kind.FLOW]
                if now_a:
                    self.changes.append((begin_us, step))
            else:
                self.changes.append((at_us, step))
            before_a = now_a

    def _began(self, t_us: int, before_a: float, now_a: float) -> int:
        """When a current began to flow that is told now: a flag may have told it sooner."""
        mask = 1 << CHARGING if now_a > 0 else 1 << DISCHARGING
        if before_a and now_a and (before_a > 0) == (now_a > 0):
            return t_us
        for (_, before), (since_us, flags) in zip(self._flags, self._flags[1:], strict=False):
            moved = bool(flags & mask) is not bool(before & mask)
            if moved and t_us - BACK_US <= since_us <= t_us:
                return since_us
        return t_us

    def _opened(self, t_us: int) -> bool:
        """Whether the contactor is open when a current is told."""
        index = bisect_left(self._flags, (t_us, 0)) - 1
        return index >= 0 and not self._flags[index][1] & 1 << 7

    def _noise_to_steps(self, begin_us: int) -> None:
        """Error frames in a row on VE.Can: a GX device that reboots makes them."""
        last_us = -NOISE_US
        for index, t_us in enumerate(self._noise):
            many = self._noise[index : index + NOISE_ERRORS]
            close = len(many) == NOISE_ERRORS and many[-1] - t_us < NOISE_US
            if close and t_us - last_us > NOISE_US and t_us > begin_us:
                self.changes.append((t_us, Step(0, Kind.GX_REBOOTS)))
            if close:
                last_us = t_us

    def steps(self, begin_us: int) -> list[Step]:
        """What happens, from the beginning of the stimulus."""
        return [
            Step(max(0, t_us - begin_us), each.kind, each.arguments) for t_us, each in self.changes
        ]
